"""`make demo-sp500` shows what it says, from prices to a page."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

PROGRAM = ROOT / "tests" / "market" / "demo.py"


@pytest.mark.learn
def test_it_leads_from_prices_to_a_page(tmp_path):
    out = tmp_path / "out"
    done = subprocess.run([sys.executable, PROGRAM, out], capture_output=True, text=True, timeout=900)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "39,000 as they were" in said and "Traceback" not in said, said
    page = (out / "market.html").read_text()
    for title in ("Sectors", "Views", "Normalised", "Forecasts", "Workers"):
        assert f'"title":"{title}"' in page
    assert (out / "market.png").stat().st_size > 100_000
    assert "2 workers fit" in page and "1.46 x, at twice the test error" in page
