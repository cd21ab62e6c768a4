"""A forward test as the output of a backtest, which reports show and `read_output` reads."""

import json
from pathlib import Path
from typing import Any

import orjson

from sort_keys.keys import encode_symbol
from windrow.paper.checkpoint import BARS, EQUITY, ORDERS, as_made_of
from windrow.paper.status import Standing
from windrow.paper.trader import figures_of
from windrow.sinks import backtests
from windrow.storage.publish import DESCRIPTION, SUCCESS

_PART = "part-00000"


def write_output(stands: Standing, folder: Path) -> None:
    """Writes figures, orders (those that are open behind the others), equity and description into a folder."""
    lines = (encode_symbol(name) + b"\t" + orjson.dumps(figures) + b"\n" for name, figures in _figures(stands))
    (folder / _PART).write_bytes(b"".join(lines))
    lengths, place = stands.commit.lengths, stands.place
    orders = (place / ORDERS).read_bytes()[: lengths[ORDERS]] if (place / ORDERS).exists() else b""
    opened = b"".join(stands.symbols[name].open for name in sorted(stands.symbols))
    (folder / f"{_PART}{backtests.ORDERS}").write_bytes(orders + stands.commit.pending.encode() + opened)
    (folder / f"{_PART}{backtests.EQUITY}").write_bytes(_taken(place / EQUITY, lengths[EQUITY]))
    (folder / DESCRIPTION).write_text(json.dumps(_description(stands)) + "\n")
    (folder / SUCCESS).touch()


def write_bars(stands: Standing, path: Path) -> None:
    """Writes the bars that were traded, as CSV."""
    path.write_bytes(_taken(stands.place / BARS, stands.commit.lengths[BARS]))


def _figures(stands: Standing) -> Any:
    return figures_of(stands.symbols, stands.dated)


def _taken(path: Path, length: int) -> bytes:
    """What has been taken of a file; the process that writes it may be at the next page."""
    return path.read_bytes()[:length] if path.exists() else b""


def _description(stands: Standing) -> dict[str, Any]:
    strategy = stands.strategy
    return {
        "windrow": 1,
        "job": "jobs.backtest",
        "columns": [],
        "format": "text",
        "fast": str(strategy.pair.fast),
        "slow": str(strategy.pair.slow),
        "ema_seed": strategy.options.ema_seed,
        "reading": {"values": strategy.columns},
        "rules": as_made_of(strategy.rules),
        "measures": as_made_of(strategy.measures),
        "forward": {"stream": stands.commit.made_of["stream"], "began_ns": stands.commit.began},
    }
