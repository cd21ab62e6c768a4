"""The benchmark: its programs agree, a wrong number is noticed, and what it measures reaches the report."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_python
ROOT = Path(__file__).parents[1]
PROGRAMS = "DuckDB,record per bar,sort in reducer"


@pytest.fixture
def folder(tmp_path):
    """A copy of the benchmarks, so that a run writes its report there."""
    place = tmp_path / "benchmarks"
    shutil.copytree(ROOT / "benchmarks", place, ignore=shutil.ignore_patterns("__pycache__", "results.*"))
    return place


def run(folder, program, *options):
    command = [sys.executable, folder / program, *options]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.mark.peers
def test_all_programs_agree_and_are_measured(folder):
    done = run(
        folder, "bench.py", "--bars", "4000", "--runs", "1", "--shapes", "shuffled,daily", "--programs", PROGRAMS
    )
    assert done.returncode == 0, done.stderr
    cases = json.loads((folder / "results.json").read_text())["cases"]
    assert [(case["work"], case["shape"]) for case in cases] == [
        ("one", "shuffled"),
        ("one", "daily"),
        ("three", "daily"),
    ]
    for case in cases:
        slow = set() if case["work"] == "three" else {"record per bar", "sort in reducer"}
        assert case["programs"].keys() == {"windrow", "DuckDB"} | slow
        for figure in case["programs"].values():
            assert 0 < figure["wall"][0] < 60 and 0 < figure["cpu"][0] < 120 and 10 < figure["memory"] < 2000
            assert 0.02 < figure["first"][0] <= figure["wall"][0]
    report = (folder / "RESULTS.md").read_text()
    mine, duckdb = (cases[0]["programs"][name]["wall"][0] for name in ("windrow", "DuckDB"))
    assert f"| 4,000, minutes, shuffled | – | {mine / duckdb:.2g} |" in report
    assert f"| 4,000, minutes, shuffled | {mine:.2f} | {duckdb:.2f} |" in report
    mine, duckdb = (cases[0]["programs"][name]["first"][0] for name in ("windrow", "DuckDB"))
    lines = report.partition("Seconds to the first line")[2].partition("MB of memory")[0]
    assert f"| 4,000, minutes, shuffled | {mine:.2f} | {duckdb:.2f} |" in lines
    assert "## Memory against the length of a series" in report
    picture = (folder / "results.svg").read_text()
    assert "4,000, days, by time, three indicators" in picture and "sort in reducer" in picture


WRONG = {
    "window": ("DuckDB", "ROWS 19 PRECEDING)\nFROM", "ROWS 18 PRECEDING)\nFROM", "3,921 lines differ; the first: AAA"),
    "digit": ("DuckDB", "avg(close) OVER (s ROWS 19 PRECEDING)\nFROM",
              "avg(close + 1e-6 * (symbol = 'AAC')::INT) OVER (s ROWS 19 PRECEDING)\nFROM",
              "981 lines differ; the first: AAC"),
    "missing": ("sort in reducer", "len(series)):", "len(series) - 1):", "4 lines differ; the first: AAA"),
    "nan": ("record per bar", "deque(), 0.0", "deque(), float('nan')", "3,924 lines differ; the first: AAA"),
    "twice": ("record per bar", "{total / WINDOW}\"", "{total / WINDOW}\\n{symbol}\\t{timestamp}\\t{total / WINDOW}\"",
              "7,848 lines, not 3,924: a bar has more than one"),
}  # fmt: skip
FILES = {"DuckDB": "duckdb_query", "sort in reducer": "sort_in_reducer", "record per bar": "record_per_bar"}


@pytest.mark.peers
@pytest.mark.parametrize(("name", "right", "wrong", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_number_is_noticed(folder, name, right, wrong, message):
    edit(folder / "peers" / f"{FILES[name]}.py", right, wrong)
    done = run(folder, "bench.py", "--bars", "4000", "--runs", "1", "--shapes", "time", "--programs", name)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{name} and windrow disagree on 4,000, minutes, by time: {message}")
    assert not (folder / "results.json").exists()


def test_what_fails_is_shown(folder):
    edit(folder / "peers/duckdb_query.py", "QUALIFY", "QUALITY")
    done = run(folder, "bench.py", "--bars", "4000", "--shapes", "time", "--programs", "DuckDB")
    assert done.returncode == 1
    assert "duckdb_query.py one" in done.stderr and "QUALITY" in done.stderr


@pytest.mark.peers
def test_a_case_measured_again_replaces_itself_only(folder):
    for bars in ("4000,8000", "4000"):
        done = run(folder, "bench.py", "--bars", bars, "--runs", "1", "--shapes", "symbol", "--programs", "windrow")
        assert done.returncode == 0, done.stderr
        wall = json.loads((folder / "results.json").read_text())["cases"][1]["programs"]["windrow"]["wall"]
        (folder / f"{bars}.txt").write_text(str(wall))
    assert (folder / "4000,8000.txt").read_text() == (folder / "4000.txt").read_text()


@pytest.mark.peers
def test_starts_have_a_table_of_their_own(folder):
    done = run(folder, "bench.py", "--bars", "1000,4000", "--runs", "1", "--shapes", "time,symbol", "--works", "one",
               "--programs", "DuckDB")  # fmt: skip
    assert done.returncode == 0, done.stderr
    cases = json.loads((folder / "results.json").read_text())["cases"]
    assert [(case["shape"], case["bars"]) for case in cases] == [("time", 1000), ("time", 4000), ("symbol", 4000)]
    before, _, starts = (folder / "RESULTS.md").read_text().partition("### Starts")
    assert "| 4,000, minutes, by time |" in before and "1,000, minutes" not in before.partition("<!-- bench")[2]
    its, mine = (cases[0]["programs"][name] for name in ("DuckDB", "windrow"))
    [wall], [cpu], [first] = its["wall"], its["cpu"], its["first"]
    share = wall / mine["wall"][0]
    assert f"| DuckDB | {wall:.2f} | {share:.2f} | {cpu:.2f} | {first:.2f} | {its['memory']:.0f} |" in starts


def test_results_from_before_first_lines_were_watched_have_a_dash(folder):
    figure = {"wall": [2.0], "cpu": [3.0], "memory": 100}
    case = {"work": "one", "shape": "time", "bars": 5_000_000, "symbols": 500}
    programs = {"windrow": {**figure, "first": [1.5]}, "Polars": figure}
    newer = {**case, "bars": 25_000_000, "programs": programs, "versions": {"polars": "3"}}
    results = {"machine": "none", "versions": {"polars": "2"}, "cases": [{**case, "programs": programs}, newer]}
    (folder / "results.json").write_text(json.dumps(results))
    assert run(folder, "report.py").returncode == 0
    text = (folder / "RESULTS.md").read_text()
    assert "| 5 million, minutes, by time | 1.50 | – |" in text
    assert "none; polars 2 or 3. Medians of 1 runs" in text


FIRST = {
    "a file": ("sleep 0.3; echo a > out; sleep 0.5", (0.3, 0.7)),
    "an empty file": (": > out; sleep 0.5; echo a > out; sleep 0.5", (0.5, 0.9)),
    "a part": ("mkdir out; sleep 0.3; echo a > out/part-0; sleep 0.5", (0.3, 0.7)),
    "a part of a task": ("mkdir -p out/_temporary/0; echo a > out/_temporary/0/part-0; sleep 0.5;"
                         " mv out/_temporary/0/part-0 out; sleep 0.5", (0.5, 0.9)),
    "marks": ("mkdir out; echo a > out/.part-0.crc; echo a > out/_SUCCESS; sleep 0.3", None),
    "a commit at the end": ("mkdir .out; echo a > .out/part-0; sleep 0.3; mv .out out", (0.3, 0.7)),
    "nothing": (":", None),
}  # fmt: skip


@pytest.mark.parametrize(("program", "expected"), FIRST.values(), ids=FIRST)
def test_the_first_line_is_when_it_can_be_read(folder, program, expected):
    command = [sys.executable, folder / "measure.py", "--out", "out", "sh", "-c", program]
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stderr)
    first = figures["first"]
    if expected is None:
        assert first is None
    else:
        earliest, latest = expected
        assert earliest < first < min(latest + max(0, figures["wall"] - 1), figures["wall"] + 1e-9)


def test_processes_that_outlive_their_parent_count(folder):
    burn = "import time\nheld = bytearray(60_000_000)\nwhile time.process_time() < 0.6: pass"
    done = run(folder, "measure.py", "--memory", "sh", "-c", f"{sys.executable} -c '{burn}' &")
    figures = json.loads(done.stderr)
    assert figures["wall"] < 0.5 < figures["cpu"]
    assert figures["memory"] > 60


@pytest.mark.peers
def test_windrow_beside_itself(folder):
    done = run(folder, "pairs.py", "--bars", "20000", "--runs", "1", "--pairs", "digits,mix,slices,start")
    assert done.returncode == 0, done.stderr
    pairs = json.loads((folder / "results.json").read_text())["pairs"]
    assert list(pairs) == ["digits", "mix", "slices", "start"] and len(pairs["start"]["one"]) == 4
    [one], [other] = pairs["mix"]["one"], pairs["mix"]["other"]
    row = f"| cents and 17 digits, mixed / cents | {one / other:.2f} | at most 2 | {one:.2f} | {other:.2f} |"
    assert row in (folder / "RESULTS.md").read_text()


def test_a_large_sweep_is_measured(folder):
    done = run(folder, "sweep.py", "--parts", "large", "--scale", "0.002", "--runs", "1")
    assert done.returncode == 0, done.stderr
    large = json.loads((folder / "results.json").read_text())["sweep"]["large"]
    assert (large["pairs"], large["bars"]) == (10_000, 2000) and 20 < large["memory"] < 1000
    text = f"10,000 pairs on 2,000 bars of one symbol: {large['whole']:.0f} s, {large['cpu']:.0f} s of CPU,"
    assert text in (folder / "RESULTS.md").read_text()


def test_sweeps_are_told_beside_their_peers(folder):
    figures = {"backtests": 1000, "windrow": {"seconds": [0.5, 0.4, 0.6], "whole": [0.9, 0.8, 1.0], "memory": 100},
               "peer": {"seconds": [6.0, 5.0, 4.0], "whole": [9.0, 8.0, 9.5], "memory": 800}}  # fmt: skip
    (folder / "results.json").write_text(json.dumps({"sweep": {"vectorbt": figures}}))
    assert run(folder, "report.py").returncode == 0
    text = (folder / "RESULTS.md").read_text()
    mine = "0.50 (0.40–0.60) | 2,000 | **10.0** | 0.90 (0.80–1.00) | 1,111 | **10.0** | 100 | **0.12** |"
    assert f"| windrow, 1,000 backtests | {mine}" in text
    assert "| vectorbt | 5.00 (4.00–6.00) | 200 | – | 9.00 (8.00–9.50) | 111 | – | 800 | – |" in text


def test_programs_of_the_cluster_are_told_with_their_spread_and_what_hadoop_shuffled(folder):
    programs = {"windrow": {"wall": [20.0, 24.0, 21.0], "cpu": [40.0], "shuffled": 3.04},
                "Java": {"wall": [42.0], "cpu": [80.0], "shuffled": 22.0},
                "Dask": {"wall": [84.0], "cpu": [100.0]}}  # fmt: skip
    case = {"work": "one", "shape": "daily", "bars": 5_000_000, "programs": programs, "versions": {"dask": "2025.1"}}
    (folder / "results.json").write_text(json.dumps({"machine": "2 cores", "versions": {}, "cluster": [case]}))
    assert run(folder, "report.py").returncode == 0
    text = (folder / "RESULTS.md").read_text()
    assert "| 5 million, days, by time | windrow | 21.0 (20.0–24.0) | 40.0 | 3.0 | – | – |" in text
    assert "| 5 million, days, by time | Java | 42.0 | 80.0 | 22.0 | 0.50 | 0.50 |" in text
    assert "| 5 million, days, by time | Dask | 84.0 | 100.0 | – | 0.25 | 0.40 |" in text


def test_a_wrong_backtest_is_noticed(folder):
    program = """
from sweep import agree
agree({("A", 1, 2): (0.5, 3)}, {("A", 1, 2): (0.5 + 1e-12, 3)})
agree({("A", 1, 2): (0.5, 3)}, {("A", 1, 2): (0.6, 3)})
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.stderr == "windrow and its peer disagree on ('A', 1, 2): (0.5, 3) and (0.6, 3)\n"


@pytest.mark.peers
def test_how_cost_grows(folder):
    docs = folder.parent / "docs"
    docs.mkdir()
    shutil.copy(ROOT / "docs/scaling.md", docs)
    place = folder.parent / "windrow/emr/model.json"
    place.parent.mkdir(parents=True)
    shutil.copy(ROOT / "windrow/emr/model.json", place)
    done = run(folder, "scaling.py", "--series", "bars,reducers,order", "--scale", "0.002", "--runs", "1")
    assert done.returncode == 0, done.stderr
    measured = json.loads((folder / "results.json").read_text())["scaling"]
    assert [one["bars"] for one in measured["bars"]] == [2000, 4000, 10_000, 20_000, 50_000, 100_000]
    assert [one["reducers"] for one in measured["reducers"]] == [1, 2, 4, 8, 16]
    assert [one["order"] for one in measured["order"]] == ["time", "symbol", "shuffled"]
    text = (docs / "scaling.md").read_text()
    assert "Checked on a run that it was not fitted on (40,000 bars of 2,000 symbols, shuffled" in text
    assert "| all US stocks by minute since 1980" in text and "Hadoop's own time" in text
    assert "reducers, on two cores" in (docs / "scaling.svg").read_text()
    figures, before = json.loads(place.read_text()), json.loads((ROOT / "windrow/emr/model.json").read_text())
    assert f"mappers | {figures['local']['map_cpu']:.3f} |" in text and figures["hadoop"] == before["hadoop"]


def test_the_model_of_runs_that_are_a_line_is_that_line(folder):
    program = """
from scaling import fit
runs = [{"bars": million * 10**6, "map_cpu": 0.1 + 0.3 * million, "reduce_cpu": 0.2 + 0.2 * million,
         "wall": (0.3 + 0.5 * million) / 1.8, "shuffled": 2.0, "task_mb": 100.0 + million}
        for million in (1, 5, 25, 50)]
order = {"bars": 10**7, "map_cpu": 4.0, "reduce_cpu": 2.0}
orders = [{**order, "order": "time"}, {**order, "order": "shuffled", "map_cpu": 5.0, "reduce_cpu": 2.5}]
model = fit(runs, orders, cores=2)
print(*(round(figure, 6) for figure in (model.map_cpu, model.reduce_cpu, model.fixed, model.efficiency, model.task_mb)))
print(round(model.cpu(10**8), 3), round(model.wall(10**8, 10), 3), round(model.cpu(10**8, "shuffled"), 3))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.stdout.split() == ["0.3", "0.2", "0.3", "0.9", "150.0", "50.3", "5.589", "65.3"], done.stderr


def test_what_hadoop_adds_is_found_again_in_wall_times(folder):
    """Of runs on two cores, by two reducers, that took 10 s, 3 s of a core for each task, and 2 s a million bars."""
    program = """
from plan import fit
from windrow.emr import model
figures = model.load()
runs = []
for millions, maps in ((0.1, 1), (2, 7), (4, 2), (8, 27), (8, 7)):
    cores = 1 if maps == 1 else 2
    mapping, reducing = (figures.model.map_cpu + 2) * millions, figures.model.reduce_cpu * millions
    runs.append((millions * 10**6, maps, 10 + 3 * (maps / cores + 1) + mapping / cores + reducing / 2))
found = fit(runs, figures, cores=2)
print(round(found.start, 6), round(found.task, 6), round(found.java, 6))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.stdout.split() == ["10.0", "3.0", "2.0"], done.stderr


@pytest.mark.peers
def test_memory_is_measured(folder):
    edit(folder / "memory.py", "MILLIONS = (1, 10)", "MILLIONS = (0.01, 0.02)")
    done = run(folder, "memory.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" MB at 1 million") == 4


@pytest.mark.peers
@pytest.mark.parametrize(("limit", "status"), [("99", 0), ("0.001", 1)])
def test_the_guard_is_red_where_this_commit_is_slower(limit, status):
    options = ["--against", "HEAD", "--works", "time,start", "--bars", "2000", "--runs", "1", "--limit", limit]
    done = run(ROOT / "benchmarks", "guard.py", *options)
    assert done.returncode == status, done.stderr
    assert done.stdout.count("RED") == 2 * status and "minutes by time" in done.stdout
    assert ("slower than HEAD by more than" in done.stderr) == bool(status)
    listed = subprocess.run(["git", "-C", ROOT, "worktree", "list"], capture_output=True, text=True).stdout
    assert "windrow-guard-" not in listed


@pytest.mark.peers
def test_the_guard_asks_for_a_commit_where_there_is_no_release(folder):
    done = run(folder, "guard.py")
    assert done.returncode == 2 and "name the commit to compare with: --against COMMIT" in done.stderr


READERS = ("bare", "windrow", "boto3", "pyarrow", "s3fs", "obstore")
#: s3fs pins botocore, so an environment of its own has these two, or no one has.
ELSEWHERE = ("s3fs", "obstore")


@pytest.mark.peers
@pytest.mark.parametrize("name", [name for name in READERS if name not in ELSEWHERE or find_spec(name)])
def test_what_reads_from_s3_reads_all_of_it(name):
    program = f"""
import s3
s3.compare(2, 1, dict.fromkeys(["bare", {name!r}]))
assert set(s3.READERS) == {{*s3.PROGRAMS, *s3.PEERS}} == set({READERS})
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "benchmarks", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    head, _, *figures = done.stdout.splitlines()
    assert head == "0.03 GiB in 2 objects, medians of 1"
    assert [line.split()[0] for line in figures] == list(dict.fromkeys(["bare", name]))
