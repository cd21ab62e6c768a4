"""What the S&P 500 pipeline found, on one page: sectors, views, scales, forecasts, and a PNG beside it.

indices.py       sectors: companies, indices, breadth
views.py         prices by day, week and month, and raw beside normalised
forecasts.py     forecasts against the truth, errors, losses, times of workers
combinations.py  a grid search: errors by settings
shown.py         which lines and symbols of an output are shown
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from windrow.errors import InputError
from windrow.frames.description import description_of
from windrow.pages.market.shown import Shown
from windrow.pages.report.results import Output
from windrow.pages.sections import Section, refuse_without_altair, write
from windrow.pages.shell import Paths, Places, listed
from windrow.storage.publish import DESCRIPTION, SUCCESS, at_hand

#: Symbols on a page whose reader asked for none.
MOST_SYMBOLS = 4
#: The jobs whose outputs a page shows, in its order.
JOBS = ("sectors", "resample", "normalize", "forecast", "grid_search")


def market_report(
    outputs: Paths,
    *,
    symbols: str | Sequence[str] = (),
    out: str | Path = "market.html",
    force: bool = False,
) -> list[Path]:
    """Report on outputs of the pipeline's jobs; return the places written: the page, and the picture beside it.

    `outputs` are directories that these jobs wrote, local or on S3, in any order; several of a job are compared.
    Without `symbols` the first four by name are shown one by one.

    Raises UsageError without the packages of the extra `plot`, OutputError if `out`, or the picture beside it, exists
    (unless `force`), InputError where an output is none of these jobs, is not complete, has no lines or is named twice,
    or where none has a symbol asked for.
    Memory: the outputs.
    """
    refuse_without_altair(out)
    places = Places.of(out, force)
    labels = _labels([str(output) for output in listed(outputs)])
    with ExitStack() as kept:
        opened = [_opened(kept.enter_context(at_hand(name)), name, label) for name, label in labels.items()]
        shown = Shown(listed(symbols), MOST_SYMBOLS)
        found = list(_sections(opened, shown))
    shown.refuse_unknown()
    return write(places, "The market", ", ".join(labels.values()), found)


def _labels(names: Sequence[str]) -> dict[str, str]:
    """What each output is called on the page: its last name, or all of it where two have the same.

    Raises InputError where one is named twice.

    >>> _labels(["out/day", "s3://bucket/week/", "a/one", "b/one"])
    {'out/day': 'day', 's3://bucket/week/': 'week', 'a/one': 'a/one', 'b/one': 'b/one'}
    """
    same = [name.rstrip("/") if "://" in name else os.path.realpath(name) for name in names]
    if twice := [name for at, name in enumerate(names) if same[at] in same[:at]]:
        raise InputError(f"{twice[0]}: is named twice, and would be compared with itself; leave one of them out")
    ends = [name.rstrip("/").rpartition("/")[2] for name in names]
    return {name: end if ends.count(end) == 1 else name for name, end in zip(names, ends, strict=True)}


def _opened(place: Path, name: str, label: str) -> Output:
    described = description_of(place) if place.is_dir() else None
    job = str((described or {}).get("job", "")).rpartition(".")[2]
    if described is None or job not in JOBS:
        what = f"is the output of {job}" if job else f"has no {DESCRIPTION}"
        raise InputError(
            f"{name}: {what}: a page of the market shows outputs of {', '.join(JOBS).replace('_', '-')}; give the"
            " directory that -o of such a job named"
        )
    if not (place / SUCCESS).exists():
        raise InputError(
            f"{name}: is incomplete: it has no {SUCCESS}, which a job writes last; wait for that job, or run it again"
        )
    return Output(place, job, described, label)


def _sections(outputs: Sequence[Output], shown: Shown) -> list[Section]:
    from windrow.pages.market import combinations, forecasts, indices, views  # altair comes with an extra

    of = {job: [output for output in outputs if output.job == job] for job in JOBS}
    found: list[Section] = []
    found += _each(of["sectors"], indices.sectors)
    if of["resample"]:
        found += views.views(views.larger(of["resample"]), shown)
    found += _each(of["normalize"], partial(views.scaled, shown=shown))
    if trained := [*of["forecast"], *of["grid_search"]]:
        found += forecasts.sections([forecasts.read(one) for one in trained], shown)
    return [*found, *_each(of["grid_search"], combinations.tried)]


def _each(outputs: Sequence[Output], sections: Callable[[Output], Iterable[Section]]) -> Iterator[Section]:
    """The sections of each output of a job, which have its name where there are others."""
    for one in outputs:
        for section in sections(one):
            yield section if len(outputs) == 1 else replace(section, title=f"{section.title}: {one.label}")
