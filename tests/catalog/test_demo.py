"""`make demo-catalog` shows what it says, from a lake to a page."""

import subprocess
import sys

from tests.conftest import ROOT


def test_the_demo_ends_with_a_page(tmp_path):
    command = [sys.executable, ROOT / "tests" / "catalog" / "demo.py", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "300 tables in 24 databases of 3 catalogs" in done.stdout
    assert "18,812 files" in done.stdout
    assert "growth>20%/30d: " in done.stderr and "Traceback" not in done.stderr
    assert f"wrote {tmp_path}/out/catalog.html" in done.stdout
    assert (tmp_path / "out" / "catalog.png").read_bytes().startswith(b"\x89PNG")
