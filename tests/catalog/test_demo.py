"""`make demo-catalog` shows what it says, from a lake to a page."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.catalog, pytest.mark.one_python]


def test_the_demo_ends_with_a_page(tmp_path):
    command = [sys.executable, ROOT / "tests" / "catalog" / "demo.py", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "300 tables in 25 databases of 3 catalogs" in done.stdout
    assert "18,830 files" in done.stdout
    assert "live bytes not known" not in done.stdout
    assert "db5           t0005          127" in done.stdout  # most used
    assert "growth>30%/30d: " in done.stderr and "Traceback" not in done.stderr
    assert f"wrote {tmp_path}/out/catalog.html" in done.stdout
    assert (tmp_path / "out" / "catalog.png").read_bytes().startswith(b"\x89PNG")
