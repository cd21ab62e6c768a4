"""notebooks/quickstart.ipynb runs, over the sample bars and over the published year, and is stored clean."""

import re

import pytest

from tests.conftest import ROOT, SHARED
from tests.notebooks import assert_clean, outputs_of, printed

pytestmark = pytest.mark.docs

NOTEBOOK = ROOT / "notebooks" / "quickstart.ipynb"


@pytest.fixture
def execute(tmp_path):
    """Executes the notebook in a folder of its own, over these bars; returns what its cells printed and showed."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data").symlink_to(ROOT / "data")

    def run(bars=None, symbol=None):
        given = None if bars is None else f"BARS = {str(bars)!r}\nSYMBOL, COLUMNS = {symbol!r}, ['dt', 'sym']"
        return outputs_of(NOTEBOOK, tmp_path / "notebooks", given)

    return run


def test_it_runs_over_the_sample_bars(execute, tmp_path):
    outputs = execute()
    said = printed(outputs)
    assert re.search(r"ema:\d+ over ema:\d+: [+-][\d,.]+ on train", said) and "on test; deflated Sharpe" in said
    shown = [one["data"] for one in outputs if one.output_type == "execute_result"]
    tables = [one["text/html"] for one in shown if "text/html" in one]
    assert sum(table.startswith("<div><p><b>Backtest of ema:") for table in tables) == 2
    assert (
        sum(table.startswith("<div><p><b>Sweep of ema:5..10 over ema:21..31: 66 pairs, AAA") for table in tables) == 1
    )
    assert len(shown) == 12
    assert (tmp_path / "out" / "quickstart.html").stat().st_size > 50_000
    assert (tmp_path / "out" / "quickstart.png").stat().st_size > 10_000


def test_it_finds_the_published_pair_in_the_published_year(execute):
    path = SHARED / "INTC_year.csv"
    if not path.exists():
        pytest.skip("../shared/data/INTC_year.csv is not there")
    assert "ema:7 over ema:21: +83.00 on train" in printed(execute(path, "INTC"))


def test_it_is_stored_without_outputs():
    assert_clean(NOTEBOOK)
