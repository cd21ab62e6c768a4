"""notebooks/kinesis_backtest.ipynb runs, over a kinesis of its own, and is stored clean.

It does over the sample bars, and over the published year, where it finds the published pair and profit.
"""

import re

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT, SHARED

NOTEBOOK = ROOT / "notebooks" / "kinesis_backtest.ipynb"
SECONDS = 600


@pytest.fixture
def execute(kinesis_local, tmp_path):
    """Executes the notebook in a folder of its own, over these bars; returns what its cells printed and showed.

    kinesis_local: that the emulator is installed. The notebook starts one of its own.
    """
    (tmp_path / "notebooks").mkdir()
    for name in ("tests", "data"):
        (tmp_path / name).symlink_to(ROOT / name)

    def run(bars=None, symbol=None):
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        [parameters] = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
        if bars is not None:
            parameters.source = f"BARS = {str(bars)!r}\nSYMBOL = {symbol!r}"
        client = NotebookClient(
            notebook, timeout=SECONDS, resources={"metadata": {"path": str(tmp_path / "notebooks")}}
        )
        client.execute()
        return [output for cell in notebook.cells for output in cell.get("outputs", ())]

    return run


def printed(outputs):
    return "".join(one.text for one in outputs if one.output_type == "stream")


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
    """These have paths, and times, of the machine on which it ran."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells and all(cell.outputs == [] and cell.execution_count is None for cell in cells)
    assert not re.search(r"/home/|/root/|/tmp/|/Users/", NOTEBOOK.read_text())
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
