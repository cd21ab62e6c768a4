"""The row groups of a Parquet file that a task reads: those of its range that may hold rows which are asked for.

Statistics of a row group say between which values its times and symbols lie. They are trusted only to leave a row group
out, and only where their meaning is beyond doubt.
"""

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from windrow.bars.columns import Layout
from windrow.bars.selection import Selection
from windrow.times import DAY

_NS = {"milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}
#: Between the clocks of any two time zones there is less than this.
_CLOCKS_APART = 2 * DAY


def in_range(metadata: Any, size: int, start: int, end: int | None) -> list[int]:
    """The row groups of a range of a file of `size` bytes; each row group is in one range.

    A row group counts as starting where its first row would if rows were spread evenly over the file, so ranges share
    rows in proportion to their bytes.
    """
    rows = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    firsts = accumulate(rows[:-1], initial=0)
    places = [first * size // max(1, metadata.num_rows) for first in firsts] if rows else []
    return [number for number, place in enumerate(places) if start <= place and (end is None or place < end)]


def asked_for(metadata: Any, groups: Sequence[int], layout: Layout) -> list[int]:
    """The row groups that may hold rows of the layout's selection."""
    selection = layout.selection
    if selection is None or not groups:
        return list(groups)
    first = metadata.row_group(0)
    place = {first.column(at).path_in_schema: at for at in range(first.num_columns)}
    stored = {name: metadata.schema.to_arrow_schema().names[at] for at, name in enumerate(layout.names)}
    return [number for number in groups if _may_hold(metadata.row_group(number), place, stored, layout, selection)]


def _may_hold(group: Any, place: dict[str, int], stored: dict[str, str], layout: Layout, selection: Selection) -> bool:
    def column(name: str) -> Any:
        at = place.get(stored[name])
        return None if at is None else group.column(at)

    if selection.bounded and layout.time_of_day is None and not _times_meet(column(layout.time), selection):
        return False
    return layout.symbol is None or selection.symbols is None or _symbols_meet(column(layout.symbol), selection)


def _times_meet(column: Any, selection: Selection) -> bool:
    """Whether a row group's times may be within the span; the clock by which they are compared is not known here."""
    statistics = None if column is None else column.statistics
    if statistics is None or not statistics.has_min_max:
        return True
    kind = json.loads(statistics.logical_type.to_json())
    unit = DAY if kind.get("Type") == "Date" else _NS.get(kind.get("timeUnit", ""))
    if unit is None or kind["Type"] not in ("Date", "Timestamp"):
        return True
    earliest, latest = int(statistics.min_raw) * unit, int(statistics.max_raw) * unit
    return earliest - _CLOCKS_APART < selection.end and latest + _CLOCKS_APART >= selection.start


def _symbols_meet(column: Any, selection: Selection) -> bool:
    """Whether a row group may have one of the symbols, which may have blanks around them there."""
    statistics = None if column is None else column.statistics
    if statistics is None or not statistics.has_min_max or column.physical_type != "BYTE_ARRAY":
        return True
    low, high = statistics.min_raw, statistics.max_raw
    if not isinstance(low, bytes) or low[:1] <= b" " or high[:1] >= b"\xc2":  # blanks in front, perhaps
        return True
    asked = (symbol.encode() for symbol in selection.symbols or ())
    return any(low[: len(symbol)] <= symbol <= high for symbol in asked)
