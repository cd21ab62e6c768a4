"""The layers of DESIGN, held by reading imports: data goes one way, kernels know no framework, jobs no arithmetic."""

import ast
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("windrow", "sort_keys", "jobs")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imports(path):
    """Full names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def those(*prefixes):
    return [path for path in FILES if any(name_of(path).startswith(prefix) for prefix in prefixes)]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_barjob_and_the_runners_know_mrjob(path):
    if not name_of(path).startswith(("windrow.mapreduce.barjob", "windrow.runners")):
        assert not {name for name in imports(path) if name.split(".")[0] == "mrjob"}


KERNELS = ("windrow.windows", "windrow.exact", "windrow.trading")


@pytest.mark.parametrize("path", [path for path in those(*KERNELS) if path.stem != "options"], ids=name_of)
def test_kernels_import_numpy_and_kernels_only(path):
    ours = {name for name in imports(path) if name.split(".")[0] in PACKAGES}
    assert all(
        name == "windrow"
        or name.startswith((*KERNELS, "windrow.errors", "windrow.arrays", "windrow.times", "sort_keys"))
        for name in ours
    )
    others = {name.split(".")[0] for name in imports(path)} - set(PACKAGES)
    assert others - {"numpy"} <= sys.stdlib_module_names


@pytest.mark.parametrize("path", those("windrow.trading", "windrow.sweeps"), ids=name_of)
def test_backtests_and_sweeps_know_nothing_of_files_of_bars_and_of_the_framework(path):
    around = (
        "windrow.feeds",
        "windrow.bars.text",
        "windrow.runners",
        "windrow.mapreduce.submit",
        "windrow.mapreduce.barjob",
        "jobs",
    )
    assert not {name for name in imports(path) if name.startswith(around)}


@pytest.mark.parametrize("path", those("windrow.feeds", "windrow.bars.text", "windrow.times", "sort_keys"), ids=name_of)
def test_what_brings_bars_in_knows_nothing_of_what_comes_after(path):
    after = (
        "windrow.windows",
        "windrow.windows.indicators",
        "windrow.trading.signals",
        "windrow.sinks",
        "windrow.runners",
        "windrow.mapreduce.barjob",
        "jobs",
    )
    assert not {name for name in imports(path) if name.startswith(after)}


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name != "jobs"], ids=name_of)
def test_nobody_imports_a_job(path):
    assert not {name for name in imports(path) if name.split(".")[0] == "jobs"}


@pytest.mark.parametrize("path", those("jobs."), ids=name_of)
def test_a_job_is_one_screen_without_a_loop_over_prices_or_a_module_of_pythons(path):
    assert path.stem not in sys.stdlib_module_names
    assert not {name for name in imports(path) if name.split(".")[0] in ("numpy", "pandas", "pyarrow")}
    assert len(path.read_text().splitlines()) <= 80


@pytest.mark.parametrize("kind", ["date32", "timestamp[ns, tz=UTC]", "timestamp[us]", "string"])
def test_parquet_goes_in_and_out_without_pandas(tmp_path, kind):
    path = tmp_path / "bars.parquet"
    days = pa.array([14_000, 14_001], pa.date32())
    times = days.cast(pa.timestamp("ns", "UTC") if "ns" in kind else pa.timestamp("us") if "us" in kind else kind)
    pq.write_table(pa.table({"symbol": ["A", "B"], "timestamp": times, "close": [1.5, 2]}), path)
    program = (
        "import sys; from jobs.moving_average import MovingAverage; status = MovingAverage.main(sys.argv[1:]);"
        " print(status, 'pandas' in sys.modules)"
    )
    options = ["-q", "--window", "1", "--output-format", "parquet", "-o", tmp_path / "out", path]
    done = subprocess.run([sys.executable, "-c", program, *options], capture_output=True, cwd=ROOT, check=True)
    assert done.stdout == b"0 False\n" and pq.read_table(tmp_path / "out").num_rows == 2


def test_a_task_starts_without_pandas():
    """Its import is a quarter of a second in every task."""
    program = "import sys, jobs.moving_average; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, check=True)
    assert done.stdout == b"False\n"
