"""What the S&P 500 pipeline found, on one page: sectors, views, scales, forecasts, and a PNG beside it.

indices.py       sectors: companies, indices, breadth
views.py         prices by day, week and month, and raw beside normalised
forecasts.py     forecasts against the truth, errors, losses, times of workers
combinations.py  a grid search: errors by settings
shown.py         which lines and symbols of an output are shown
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from windrow.errors import InputError
from windrow.frames.description import description_of
from windrow.pages.market.shown import Shown
from windrow.pages.report.results import Output
from windrow.pages.sections import Section, refuse_without_altair, write
from windrow.pages.shell import Paths, Places, listed
from windrow.storage.publish import DESCRIPTION, at_hand

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
    (unless `force`), InputError where an output is none of these jobs or has no lines, or none has a symbol asked for.
    Memory: the outputs.
    """
    refuse_without_altair(out)
    places = Places.of(out, force)
    with ExitStack() as kept:
        opened = [_opened(kept.enter_context(at_hand(output)), output) for output in listed(outputs)]
        shown = Shown(listed(symbols), MOST_SYMBOLS)
        found = list(_sections(opened, shown))
    shown.refuse_unknown()
    names = ", ".join(output.place.name for output in opened)
    return write(places, "The market", names, found)


def _opened(place: Path, name: str) -> Output:
    described = description_of(place) if place.is_dir() else None
    job = str((described or {}).get("job", "")).rpartition(".")[2]
    if described is None or job not in JOBS:
        what = f"is the output of {job}" if job else f"has no {DESCRIPTION}"
        raise InputError(
            f"{name}: {what}: a page of the market shows outputs of {', '.join(JOBS).replace('_', '-')}; give the"
            " directory that -o of such a job named"
        )
    return Output(place, job, described)


def _sections(outputs: Sequence[Output], shown: Shown) -> list[Section]:
    from windrow.pages.market import combinations, forecasts, indices, views  # altair comes with an extra

    of = {job: [output for output in outputs if output.job == job] for job in JOBS}
    found: list[Section] = []
    for one in of["sectors"]:
        found += indices.sectors(one)
    if of["resample"]:
        found += views.views([views.larger(one) for one in of["resample"]], shown)
    for one in of["normalize"]:
        found += views.scaled(one, shown)
    if trained := [*of["forecast"], *of["grid_search"]]:
        found += forecasts.sections([forecasts.read(one) for one in trained], shown)
    for one in of["grid_search"]:
        found += combinations.tried(one)
    return found
