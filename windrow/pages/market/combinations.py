"""A grid search on a page: the error of every combination, by each of its settings, and the best ones as a table."""

import csv
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from typing import Any

import altair as alt

from windrow.errors import InputError
from windrow.pages.report.results import Output
from windrow.pages.sections import Figure, Section, Table
from windrow.pages.vega import records
from windrow.storage.compressed import open_part

#: The settings of a combination, columns of the table.
SETTINGS = ("batch", "hidden", "rate", "length")
#: Rows of the table on the page.
_MOST = 10


def tried(output: Output) -> Iterator[Section]:
    """A section about all combinations of an output. Raises InputError where it has no table of them."""
    rows = [row for part in output.beside("-table.csv") for row in _rows(part)]
    if not rows:
        raise InputError(
            f"{output.place}: has no part-NNNNN-table.csv; give what windrow grid-search -o wrote, unchanged"
        )
    known = [row for row in rows if row["error"]]
    dropped = len(rows) - len(known)
    words = [
        f"{len(rows):,} combinations, judged by walks through the training part; the first of the table was refitted."
        + (f" {dropped:,} without an error: the table in the output says why." if dropped else "")
    ]
    yield Section("Settings", words, [_errors(known)] if known else [], [_table(rows)])


def _rows(part: Any) -> Iterator[dict[str, str]]:
    with open_part(part) as file, TextIOWrapper(file, newline="") as text:
        reader = csv.DictReader(text)
        if not {"rank", "error", *SETTINGS} <= set(reader.fieldnames or ()):
            raise InputError(f"{part}: is no table of combinations; give what windrow grid-search -o wrote, unchanged")
        yield from reader


def _errors(rows: Sequence[dict[str, str]]) -> Figure:
    long: dict[str, list[Any]] = {"setting": [], "error": [], "rank": []}
    for row in rows:
        for name in SETTINGS:
            for key, value in zip(long, (f"{name} {row[name]}", float(row["error"]), int(row["rank"])), strict=True):
                long[key].append(value)
    order = [f"{name} {value}" for name in SETTINGS for value in sorted({row[name] for row in rows}, key=float)]
    marks = (
        alt.Chart(records(long))
        .mark_tick(thickness=2, opacity=0.7)
        .encode(
            x=alt.X("error:Q", title="error / that of the last value", scale=alt.Scale(zero=False)),
            y=alt.Y("setting:N", title=None, sort=order),
            tooltip=["rank:Q", "setting:N", alt.Tooltip("error:Q", format=".5f")],
        )
    )
    return Figure(
        "Errors by setting", marks,
        "A mark is a combination, in a row of each of its settings. Rows that are alike do not matter.",
        40 + 18 * len(order),
    )  # fmt: skip


def _table(rows: Sequence[dict[str, str]]) -> Table:
    best = sorted(rows, key=lambda row: int(row["rank"]))[:_MOST]
    cells = [
        [row["rank"], *(row[name] for name in SETTINGS), row.get("epochs", ""), row["error"] or "–"] for row in best
    ]
    return Table(
        ["rank", *SETTINGS, "epochs", "error / last value's"], cells, f"The best {len(best)} of {len(rows):,}."
    )
