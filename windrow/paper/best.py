"""The best pair of a sweep, and the rules by which it was found."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from windrow.errors import InputError
from windrow.frames.description import description_of, refuse_larger
from windrow.frames.fielded import figures_in
from windrow.storage.compressed import open_part
from windrow.storage.publish import TEXT_PARTS, at_hand, parts_in
from windrow.sweeps.grid import around

_CURE = "give the directory that was given to sweep --best -o"


def best_of(output: str) -> dict[str, Any]:
    """The options of a backtest with the best pair over all symbols. Raises InputError where there is none."""
    with at_hand(output) as place:
        described = description_of(place) if place.is_dir() else None
        if described is None or str(described.get("job", "")).rpartition(".")[2] != "sweep":
            raise InputError(f"{output}: is no output of a sweep; {_CURE}")
        refuse_larger(output, described)
        lines = list(_overall(place))
    if not lines:
        raise InputError(f"{output}: has no best pair over all symbols; run the sweep with --best, and {_CURE}")
    if len(lines) > 1:
        raise InputError(
            f"{output}: has {len(lines)} best pairs over all symbols, one for each walk of --walk-forward, and a"
            " forward test trades one; give it by --fast and --slow"
        )
    [line] = lines
    if line.get("fast") is None:
        raise InputError(
            f"{output}: no pair has the objective on any symbol, so that none is best; give --fast and --slow"
        )
    texts = {side: around(str(described[side])) for side in ("fast", "slow")}
    return {
        **{side: f"{front}{line[side]}{back}" for side, (front, back) in texts.items()},
        "ema_seed": described.get("ema_seed", "sma"),
        "column": described["reading"]["values"][0],
        "adjusted": described["reading"].get("adjusted", False),
        **described["rules"],
        **described.get("measures", {}),
    }


def _overall(place: Path) -> Iterator[dict[str, Any]]:
    for part in parts_in(place, TEXT_PARTS):
        with open_part(part) as lines:
            yield from (orjson.loads(line[1:]) for line in lines if line.startswith(b"\t"))
    for form in (".csv", ".parquet"):
        for part in parts_in(place, TEXT_PARTS + form):
            yield from (figures for figures in figures_in(part) if not figures["symbol"])
