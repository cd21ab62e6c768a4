"""notebooks/kinesis_backtest.ipynb runs, over a kinesis of its own, and is stored clean.

It does over the sample bars, and over the published year, where it finds the published pair and profit.
"""

import re

import pytest

from tests.conftest import ROOT, SHARED
from tests.notebooks import assert_clean, outputs_of, printed

NOTEBOOK = ROOT / "notebooks" / "kinesis_backtest.ipynb"


@pytest.fixture
def execute(kinesis_local, tmp_path):
    """Executes the notebook in a folder of its own, over these bars; returns what its cells printed and showed.

    kinesis_local: that the emulator is installed. The notebook starts one of its own.
    """
    (tmp_path / "notebooks").mkdir()
    for name in ("tests", "data"):
        (tmp_path / name).symlink_to(ROOT / name)

    def run(bars=None, symbol=None):
        given = None if bars is None else f"BARS = {str(bars)!r}\nSYMBOL = {symbol!r}"
        return outputs_of(NOTEBOOK, tmp_path / "notebooks", given)

    return run


def pictures(outputs):
    return [one for one in outputs if "image/png" in one.get("data", {})]


def test_it_runs_over_the_sample_bars(execute, tmp_path):
    outputs = execute()
    said = printed(outputs)
    assert len(pictures(outputs)) == 3
    assert re.search(r"ema:\d+ over ema:\d+: [+-][\d,.]+ on train", said) and "on test; deflated Sharpe" in said
    assert "251 records: 251 bars of 1 symbol" in said
    for page in ("bars", "report", "forward"):
        assert (tmp_path / "out" / "notebook" / f"{page}.html").stat().st_size > 50_000


def test_it_finds_the_published_pair_in_the_published_year(execute):
    path = SHARED / "INTC_year.csv"
    if not path.exists():
        pytest.skip("../shared/data/INTC_year.csv is not there")
    said = printed(execute(path, "INTC"))
    assert "ema:7 over ema:21: +83.00 on train" in said


def test_it_is_stored_without_outputs():
    assert_clean(NOTEBOOK)
