"""What backtests and sweeps write beside their figures, under Hadoop Streaming in one process: as a run here does."""

import pandas as pd
import pytest

import windrow
from tests.cluster.conftest import ROOT
from windrow.cli import main

BARS = ROOT / "data/bars.csv"
PAIR = ["--fast", "sma:5", "--slow", "sma:20", "--orders", "--trades", "--equity"]
GRID = ["--fast", "sma:5..7", "--slow", "sma:20", "--split", "0.6", "--best", "--equity"]
JOBS = {
    "backtest": ("backtest", PAIR, ["orders", "trades", "equity"]),
    "backtest, csv": ("backtest", [*PAIR, "--output-format", "csv"], ["orders", "trades", "equity"]),
    "backtest, parquet": ("backtest", [*PAIR, "--output-format", "parquet"], ["orders", "trades", "equity"]),
    "backtest, zstd": ("backtest", [*PAIR, "--compress", "zstd"], ["orders", "trades", "equity"]),
    "portfolio": ("backtest", [*PAIR, "--portfolio", "equal"], ["orders", "trades", "equity"]),
    "portfolio, parquet": (
        "backtest",
        [*PAIR, "--portfolio", "equal", "--output-format", "parquet"],
        ["orders", "trades", "equity"],
    ),
    "portfolio, csv, gzip": (
        "backtest",
        [*PAIR, "--portfolio", "equal", "--output-format", "csv", "--compress", "gzip"],
        ["orders", "trades", "equity"],
    ),
    "sweep": ("sweep", GRID, ["equity"]),
    "sweep, csv": ("sweep", [*GRID, "--output-format", "csv"], ["equity"]),
}


@pytest.mark.parametrize(("job", "asked", "parts"), JOBS.values(), ids=JOBS)
def test_all_parts_are_those_of_a_run_here(on_hadoop, tmp_path, job, asked, parts):
    assert main([job, *asked, "-q", "-o", str(tmp_path / "here"), str(BARS)]) == 0
    ran = on_hadoop(*asked, "-o", f"file://{tmp_path}/there", BARS, job=f"jobs.{job}")
    assert (ran.status, ran.out) == (0, b""), ran.err
    for part in [None, *parts]:
        here, there = (_sorted(windrow.read_output(tmp_path / name, part=part)) for name in ("here", "there"))
        assert len(here)
        pd.testing.assert_frame_equal(here, there, check_exact=True)
    if "--compress" in asked:
        here, there = (
            {path.name: path.read_bytes() for path in (tmp_path / name).glob("part-*")} for name in ("here", "there")
        )
        assert here == there and all(name.endswith((".gz", ".zst")) for name in here)


def _sorted(frame):
    """Rows in one order: those of a symbol are in the order of their times, or of no other symbol's."""
    return frame.sort_values("symbol", kind="stable", ignore_index=True)
