"""_windrow.json: what a job wrote about its output, checked, for it may have been changed, or be of another version."""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

from sort_keys.merge import ON_CONFLICT
from windrow.bars.clocks import check_form
from windrow.bars.form import check_encoding
from windrow.bars.layout import Reading
from windrow.bars.selection import check_pattern, conditions, span_asked
from windrow.errors import InputError, WindrowError
from windrow.storage.compressed import ENDS
from windrow.storage.publish import DESCRIPTION
from windrow.sweeps.ranking import OBJECTIVES
from windrow.sweeps.splits import Split, parse_split
from windrow.trading.measures import Measures
from windrow.trading.rules import Rules

#: Bytes of a description at most; one of a hundred columns has some thousand.
_MOST_BYTES = 1 << 20
#: Walks of a sweep at most that a page can show.
_MOST_WALKS = 10_000
_UNITS = ("s", "ms", "us", "ns")


def description_of(folder: Path) -> dict[str, Any] | None:
    """The description in an output's directory; None if it has none. Raises InputError where it cannot be right."""
    place = folder / DESCRIPTION
    if not place.is_file():
        return None
    try:
        with place.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        described = json.loads(text) if len(text) <= _MOST_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(place, f"cannot be read as JSON ({error})") from error
    if not isinstance(described, dict):
        raise _refused(place, "is no JSON object, or has more than a MiB")
    if isinstance(rules := described.get("rules"), dict) and "sizing" in rules:
        raise InputError(f"{place}: is that of an older windrow, whose positions had other sizes; run the job again")
    for name, (fits, what) in _FIELDS.items():
        if name in described and not fits(described[name]):
            raise _refused(place, f"has {_shown(described[name])} as {name}, where {what} belongs")
    if described.get("reading") is not None:
        described["reading"] = _reading_fields(place, described["reading"], needs_none="resample" in described)
    try:
        split_of(described)
        Rules(**described.get("rules", {}))
        Measures(**described.get("measures", {}))
    except (WindrowError, TypeError) as error:
        raise _refused(place, f"has options that no job has ({error})") from error
    return described


def refuse_larger(place: str | Path, described: Mapping[str, Any] | None) -> None:
    """Raises InputError for an output of larger bars, which are not those that its inputs have."""
    made = (described or {}).get("resample")
    if made:
        raise InputError(
            f"{place}: is of larger bars (--resample {made['spans'][0]}), not of those of the inputs; write them to a"
            " folder of their own by windrow resample -o, and run the job on that, with --columns and --delimiter tab"
        )


def reading_in(described: Mapping[str, Any] | None) -> Reading:
    """How the job read its bars, by its description; the defaults without one."""
    fields = (described or {}).get("reading") or {"values": ["close"]}
    given: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in fields.items()}
    return Reading(**given)


def split_of(described: Mapping[str, Any]) -> Split:
    """How a sweep cut the series, by its description."""
    zone = (described.get("reading") or {}).get("timezone", "UTC")
    share, at, walks = (described.get(name) for name in ("split", "split_at", "walk_forward"))
    return parse_split(share, at, walks, zone, bool(described.get("rolling")), described.get("embargo") or 0)


def _reading_fields(place: Path, fields: dict[str, Any], needs_none: bool) -> dict[str, Any]:
    """The fields of a Reading, each of its type and among its choices.

    needs_none: whether there may be no values of inputs, as where larger bars are counted.
    """
    kinds = get_type_hints(Reading)
    for name, value in fields.items():
        if name not in kinds:
            raise _refused(place, f"has {name} in reading, which this windrow does not know")
        if not _is_of(value, kinds[name]):
            raise _refused(place, f"has {_shown(value)} as {name} in reading")
    if not fields.get("values") and not (needs_none and "values" in fields):
        raise _refused(place, "has no values in reading")
    if fields.get("on_conflict", "fail") not in ON_CONFLICT or fields.get("time_unit") not in (None, *_UNITS):
        raise _refused(place, "has a choice in reading that no job has")
    try:
        ZoneInfo(fields.get("timezone", "UTC"))
    except (KeyError, OSError, ValueError) as error:
        raise _refused(place, f"has {_shown(fields['timezone'])} as timezone, which is none") from error
    _check_form(place, fields)
    return fields


def _check_form(place: Path, fields: dict[str, Any]) -> None:
    """What says how times and numbers are written, and which rows are read, is what a job accepts."""
    try:
        if fields.get("time_format") is not None:
            check_form(fields["time_format"])
        if fields.get("encoding") is not None:
            check_encoding(fields["encoding"])
        conditions(fields.get("where", ()))
        if fields.get("symbol_from_path") is not None:
            check_pattern(fields["symbol_from_path"])
        span_asked(fields.get("since"), fields.get("until"), fields.get("timezone", "UTC"), dated=False)
    except WindrowError as error:
        raise _refused(place, f"has a form or rows that no job has ({error})") from error
    if any(re.fullmatch("[^=]+=1e-?[0-9]{1,2}", text) is None for text in fields.get("scale", ())):
        raise _refused(place, "has a scale in reading that is no column and power of ten")
    marks = [fields.get(name) for name in ("delimiter", "decimal", "thousands")]
    if any(mark is not None and len(mark) != 1 for mark in marks):
        raise _refused(place, "has a mark in reading that is not one character")
    if any(one.count("=") != 1 for one in fields.get("rename", ())) or len(fields.get("time_columns", ())) > 2:
        raise _refused(place, "has names of columns in reading that no job has")


def _is_of(value: Any, kind: Any) -> bool:
    """Whether a value of JSON is of a type: text, a number, a truth value, a list of texts, or None.

    >>> [_is_of(value, tuple[str, ...]) for value in (["close"], "close", [1])], _is_of(True, float | None)
    ([True, False, False], False)
    """
    if get_args(kind) and type(None) in get_args(kind):
        return value is None or any(_is_of(value, one) for one in get_args(kind) if one is not type(None))
    if get_args(kind):
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is kind


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _one_of(*choices: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: _text(value) and value in choices), f"one of {', '.join(choices)}"


def _rules(value: Any) -> bool:
    kinds = {one.name: type(one.default) for one in dataclasses.fields(Rules)}
    return isinstance(value, dict) and all(name in kinds and _is_of(one, kinds[name]) for name, one in value.items())


def _measures(value: Any) -> bool:
    kinds = get_type_hints(Measures)
    return isinstance(value, dict) and all(name in kinds and _is_of(one, kinds[name]) for name, one in value.items())


#: Of each field that is read: whether a value fits, and what would.
_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "job": (_text, "the name of a job"),
    "columns": (_texts, "a list of names"),
    "forms": (_texts, "a list of forms"),
    "compress": _one_of(*ENDS),
    "reading": (lambda value: value is None or isinstance(value, dict), "how bars were read"),
    "fast": (_text, "an average"),
    "slow": (_text, "an average"),
    "ema_seed": _one_of("sma", "first"),
    "objective": _one_of(*OBJECTIVES),
    "split": (lambda value: value is None or _text(value), "a share"),
    "split_at": (lambda value: value is None or _text(value), "a time"),
    "walk_forward": (
        lambda value: value is None or (_is_of(value, int) and 1 <= value <= _MOST_WALKS),
        f"a number up to {_MOST_WALKS:,}",
    ),
    "resample": (
        lambda value: isinstance(value, dict) and _texts(value.get("spans")) and bool(value["spans"]),
        "how larger bars were made",
    ),
    "rolling": (lambda value: value is None or isinstance(value, bool), "true or false"),
    "embargo": (lambda value: value is None or (_is_of(value, int) and value >= 0), "a number of bars"),
    "cold": (lambda value: value is None or isinstance(value, bool), "true or false"),
    "rules": (_rules, "the rules of a backtest"),
    "measures": (_measures, "what figures are measured by"),
}  # fmt: skip


def _refused(place: Path, why: str) -> InputError:
    return InputError(f"{place}: {why}: it is what the job wrote about its output; copy the whole output again")


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
