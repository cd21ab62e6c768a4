"""What a task holds does not grow with the number of symbols."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.processes

SYMBOLS = 700_000
#: Runs the job in this process; its most memory in MB, on standard error.
PEAK = """
import sys
from jobs.moving_average import MovingAverage
assert MovingAverage.main(sys.argv[1:]) == 0
print(int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) // 1024, file=sys.stderr)
"""


def bars(path):
    names, closes = [f"SYM{number:07d}" for number in range(SYMBOLS)], np.arange(SYMBOLS) % 1000 / 4
    if path.suffix == ".csv":
        rows = (f"{name},2020-01-02,{close}\n" for name, close in zip(names, closes.tolist(), strict=True))
        path.write_text("symbol,timestamp,close\n" + "".join(rows))
    else:
        times = np.full(SYMBOLS, "2020-01-02", "datetime64[us]")
        pq.write_table(pa.table({"symbol": names, "timestamp": times, "close": closes}), path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_hundreds_of_thousands_of_symbols_in_one_process(tmp_path, suffix):
    command = [sys.executable, "-c", PEAK, "-q", "--window", "1", "-o", tmp_path / "out", bars(tmp_path / f"b{suffix}")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = (tmp_path / "out" / "part-00000").read_text().splitlines()
    assert len(lines) == SYMBOLS and lines[4321].split("\t")[::2] == ["SYM0004321", "80.25"]
    assert 60 < int(ran.stderr) < 330


def test_a_long_series_is_normalised_in_memory_that_does_not_grow_with_it(tmp_path):
    bars = 3_000_000
    path, times = tmp_path / "long.parquet", np.datetime64("2000-01-01", "us") + np.arange(bars)
    closes = np.random.default_rng(1).normal(100, 9, bars).round(2)
    pq.write_table(pa.table({"symbol": ["A"] * bars, "timestamp": times, "close": closes}), path)
    job = PEAK.replace("moving_average", "normalize").replace("MovingAverage", "Normalize")
    options = ["-q", "--column", "close", "--method", "robust", "--output-format", "parquet", "-o", tmp_path / "out"]
    ran = subprocess.run(
        [sys.executable, "-c", job, *options, path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    scale = json.loads((tmp_path / "out" / "part-00000-scales").read_text().partition("\t")[2])["scales"]["close"]
    quartiles = np.percentile(closes, [25, 50, 75])
    assert (scale["median"], scale["iqr"]) == pytest.approx((quartiles[1], quartiles[2] - quartiles[0]), rel=1e-12)
    assert 60 < int(ran.stderr) < 330
