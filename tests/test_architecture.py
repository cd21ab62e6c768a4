"""The rules of the house hold for our sources, and each finds what breaks it; the drawing and its page are current."""

import ast
import importlib
import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import rules
from tests.rules import ROOT, architecture

PAGE = ROOT / "docs" / "architecture.md"

#: Names that several modules have, and the one thing that all of them mean.
ONE_MEANING = {
    "options": "the option group of its room",
    "bars": "bars: what they are, made up, from a DataFrame",
    "backtest": "one backtest of each symbol: the job, and the function of that name",
    "backtests": "runs of a strategy: computed, and written",
    "portfolios": "portfolios of backtests: the jobs, and what these write",
    "crossover": "crosses of each symbol: the job, and the function of that name",
    "averages": "moving averages: many side by side, and drawn",
    "sectors": "sectors of symbols: the job, and how",
    "resample": "bars made larger: the job, and how",
    "sweep": "a sweep: the job, and the function of that name",
    "sequences": "sequences of bars: the job, and those of one symbol",
    "inspect": "what a job would understand of its inputs: found, and printed",
    "lines": "lines of text: read, and written",
    "parquet": "Parquet files: read, and written",
    "shuffle": "Hadoop's shuffle: who gets which symbol, and the same by the local runners",
    "emr": "EMR: commands, runner, and the room of its clusters",
    "paper": "the forward test: its commands, and its room",
    "plan": "what a run would take and cost: of a job on EMR, and of a collection",
    "pack": "`windrow pack`: the command, and what it does",
    "report": "`windrow report`: the command, and the page",
    "catalog": "the data catalog: its room, and its commands",
    "columns": "columns: of bars, and of a catalog's snapshots",
    "collector": "a collector: of bars into a database, and of a catalog into a snapshot",
    "market": "the market: its room, its commands, and its page",
    "growth": "growth of tables: its window, and the rest of the job over snapshots",
    "forecasts": "forecasts: written, and drawn",
    "views": "days, weeks and months: made, and drawn",
    "sample": "`windrow sample`: the command, and what it does",
    "local": "this machine: files on it, and jobs on all its cores",
    "contents": "what is in a stream, of Kinesis and of Kafka",
    "stream": "streams: what windrow asks of their places, and the commands for them",
    "producer": "records into a stream, of Kinesis or Kafka",
    "uris": "URIs of streams, of Kinesis or Kafka, and of databases",
    "connection": "clients of Kafka, and connections to databases: made, and what is refused",
    "source": "what windrow asks of a place where bytes are kept, and S3 as such a place",
}
RULES = {
    "circles_of_rooms": rules.circles_of_rooms,
    "circles_of_modules": rules.circles_of_modules,
    "upward_imports": rules.upward_imports,
    "too_large": rules.too_large,
    "imports_of_mrjob": rules.imports_of_mrjob,
    "privates_of_mrjob": rules.privates_of_mrjob,
    "untyped windrow": lambda root: rules.untyped(root, "windrow", "sort_keys"),
    "untyped jobs": lambda root: rules.untyped(root, "jobs"),
    "kernels_that_know_more": rules.kernels_that_know_more,
    "backtests_that_know_files": rules.backtests_that_know_files,
    "overgrown_jobs": rules.overgrown_jobs,
    "callable_modules": rules.callable_modules,
    "attributes_assigned_by_with": rules.attributes_assigned_by_with,
    "names_used_twice": lambda root: rules.names_used_twice(root, ONE_MEANING),
    "functions_written_twice": rules.functions_written_twice,
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_our_sources_keep_the_rule(rule):
    broken = list(rule(ROOT))
    assert not broken, "\n".join(["", *broken])


#: Small sources, each for one rule. A line that breaks it ends with `#!`, and words that the message must have.
PLANTED = """
circles_of_rooms: of two rooms, once in a function
--- windrow/times.py
import windrow.aws.client  #! aws -> times -> aws
--- windrow/aws/client.py
def late():
    from windrow.times import DAY  #! imports windrow.times

circles_of_rooms: relative, and by name
--- windrow/times.py
from importlib import import_module
import_module("windrow.aws.client")  #! windrow.aws.client
--- windrow/aws/client.py
from ..times import DAY  #!

circles_of_rooms: fine, a room within itself and another below it
--- windrow/times.py
import windrow.errors
--- windrow/errors.py
--- windrow/bars/text.py
import windrow.bars.checks
--- windrow/bars/checks.py
import windrow.bars.text

circles_of_modules: of a room
--- windrow/bars/text.py
from windrow.bars import checks  #! windrow.bars.checks -> windrow.bars.text -> windrow.bars.checks
--- windrow/bars/checks.py
import re
from .text import parse  #! windrow.bars.text

circles_of_modules: fine, in a function, or for type checkers
--- windrow/bars/text.py
import windrow.bars.checks
import windrow.bars.columns
--- windrow/bars/checks.py
def late():
    from windrow.bars import text
--- windrow/bars/columns.py
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import windrow.bars.text

circles_of_modules: fine, a package that imports its modules
--- windrow/storage/s3/__init__.py
from windrow.storage.s3.names import split
--- windrow/storage/s3/names.py
--- windrow/storage/open.py
from windrow.storage import s3

upward_imports: at the top, and in a function
--- windrow/feeds/lines.py
import windrow.errors
from windrow.sinks import lines  #! imports windrow.sinks.lines, and sinks is above feeds
--- windrow/sinks/lines.py
def late():
    import windrow.cli  #! cli is above sinks

upward_imports: a job, and a public name
--- windrow/commands/plot.py
from jobs.sweep import Sweep  #! imports jobs.sweep
--- windrow/bars/text.py
from windrow import moving_average  #! windrow is above bars

upward_imports: a room that has no place
--- windrow/utils.py
"Tools."  #! room utils has no place

too_large: ten levels
--- windrow/a.py
--- windrow/b.py
import windrow.a
--- windrow/c.py
import windrow.b
--- windrow/d.py
import windrow.c
--- windrow/e.py
import windrow.d
--- windrow/f.py
import windrow.e
--- windrow/g.py
import windrow.f
--- windrow/h.py
import windrow.g
--- windrow/i.py
import windrow.h
--- windrow/j.py
import windrow.a
import windrow.i  #! j is on level 10

imports_of_mrjob: at the top, and in a function
--- windrow/emr/plan.py
def late():
    from mrjob.emr import EMRJobRunner  #! imports mrjob.emr.EMRJobRunner
--- jobs/sweep.py
import mrjob.job  #!
--- windrow/runners/hadoop.py
import mrjob.hadoop
--- windrow/mapreduce/barjob.py
import mrjob.job

privates_of_mrjob: of another object
--- windrow/mapreduce/submit.py
def run(job, runner):
    runner._steps = job.steps()  #! runner._steps
    return getattr(job, "_cl_args", [])  #! job._cl_args

privates_of_mrjob: of a subclass of mrjob's
--- windrow/runners/hadoop.py
from mrjob.hadoop import HadoopJobRunner
class HadoopRunner(HadoopJobRunner):
    _hadoop_tmp_dir: str  #! HadoopRunner._hadoop_tmp_dir
    def _default_opts(self):  #! HadoopRunner._default_opts
        return super()._default_opts()  #! super()._default_opts
    def run(self):
        self._our_own = self._opts["jobconf"]  #! self._opts

privates_of_mrjob: of a subclass by way of the adapter, and of what is mixed in
--- windrow/runners/mrjob_adapter.py
from mrjob.hadoop import HadoopJobRunner
class Hadoop(HadoopJobRunner):
    def step(self):
        return self._get_step(0)
--- windrow/runners/streaming.py
class Streaming:
    def run(self):
        super()._get_step(0)  #! super()._get_step
--- windrow/runners/hadoop.py
from windrow.runners import mrjob_adapter
from .streaming import Streaming
class HadoopRunner(Streaming, mrjob_adapter.Hadoop):
    def run(self):
        return self._opts  #! self._opts

privates_of_mrjob: of a job
--- windrow/mapreduce/barjob.py
from mrjob.job import MRJob
class BarJob(MRJob):
    pass
--- jobs/sweep.py
from windrow.mapreduce.barjob import BarJob
class Sweep(BarJob):
    def columns(self):
        self._runner_class()  #! self._runner_class

privates_of_mrjob: of a module
--- windrow/runners/emr.py
from mrjob.logs.step import _log_log4j_record as log  #! mrjob.logs.step._log_log4j_record
import mrjob.emr as emr
SCRIPT = emr._MAX_MINS_IDLE_BOOTSTRAP_ACTION_PATH  #! emr._MAX_MINS

privates_of_mrjob: fine, names of our own
--- windrow/sweeps/tally.py
class Tally:
    def __init__(self):
        self._opts = 1
    def add(self, other):
        return self._opts + other._opts
--- windrow/trading/broker.py
def later(orders):
    return orders._replace(bars=1)

untyped windrow: parameters and results
--- windrow/times.py
def day(text: str, zone) -> int: ...  #! day has no type for zone
class Day:
    def __init__(self, text: str):  #! Day.__init__ has no type for its result
        pass
    @staticmethod
    def of(text: str) -> int: ...
    @classmethod
    def now(cls) -> int: ...
def _day(text): ...
--- sort_keys/keys.py
def key(*parts: str, **more) -> str: ...  #! key has no type for more

untyped jobs: a method
--- jobs/sweep.py
class Sweep:
    def columns(self):  #! Sweep.columns has no type for its result
        return []

kernels_that_know_more: packages, files, options, what is beside them
--- windrow/windows/sma.py
import numpy as np
import pandas as pd  #! imports pandas
from functools import cache
from windrow.exact import sums
def read():
    return open("bars.csv")  #! opens a file
--- windrow/exact/sums.py
from pathlib import Path  #! imports pathlib.Path
--- windrow/trading/broker.py
from windrow.trading.options import rules_of  #! imports windrow.trading.options
--- windrow/trading/options.py
from windrow.bars.layout import normalise
--- sort_keys/merge.py
from windrow.bars.columns import Bars  #!

backtests_that_know_files: sweeps, and options of backtests
--- windrow/sweeps/runs.py
import windrow.feeds.files  #! imports windrow.feeds.files
--- windrow/trading/options.py
from windrow.bars import text  #! imports windrow.bars.text
from windrow.bars.layout import normalise
--- windrow/bars/text.py

overgrown_jobs: arithmetic, and a loop over bars
--- jobs/sweep.py
import numpy as np  #! imports numpy
class Sweep:
    def map_bars(self, bars, source):
        closes = bars.values[0]
        return [close + 1 for close in closes]  #! loops over bars
    def reduce_bars(self, stretches):
        for stretch in stretches:  #! loops over bars
            yield stretch

overgrown_jobs: a name of Python's
--- jobs/statistics.py
"Figures."  #! is named like a module of Python's

overgrown_jobs: fine, loops over options and texts of invalid rows
--- jobs/sweep.py
class Sweep:
    def reduce_bars(self, stretches):
        pairs = [pair for pair in self.pairs()]
        return signals(pairs, stretches)
    def map_bars(self, bars, source):
        for text in bars.texts:
            yield text

callable_modules: both ways
--- windrow/pages/report.py
import sys, types
class _Called(types.ModuleType):  #! _Called
    pass
sys.modules[__name__].__class__ = _Called  #! no module is made callable

attributes_assigned_by_with: of self, and among others
--- windrow/mapreduce/submit.py
def run(self, job):
    with open("x") as self.file:  #! as self.file
        pass
    with a() as b, c() as (d, job.out):  #! as (d, job.out)
        pass
    with self.a() as b:
        pass

names_used_twice: but for those that have one meaning
--- windrow/emr/page.py
"A page of memory."  #! has the name of windrow/frames/page.py
--- windrow/frames/page.py
--- windrow/sweeps/options.py
--- windrow/trading/options.py

functions_written_twice: under another name
--- windrow/emr/b.py
def sum_of(values: list[int]) -> int:  #! sum_of has the statements of total at windrow/frames/a.py:1
    kept = [value for value in values if value > 0 and value % 2 == 0]
    return sum(kept) + len(kept) * 3
def short(values: list[int]) -> int:
    return sum(values)
def refuse(output: str, values: list[int]) -> int:
    raise NotImplementedError(f"{output}: cannot be written, and {values[0]:,} of {len(values):,} values are lost")
--- windrow/frames/a.py
def total(values: list[int]) -> int:
    "The total."
    kept = [value for value in values if value > 0 and value % 2 == 0]
    return sum(kept) + len(kept) * 3
def short(values: list[int]) -> int:
    return sum(values)
def commit(output: str, values: list[int]) -> int:
    raise NotImplementedError(f"{output}: cannot be written, and {values[0]:,} of {len(values):,} values are lost")
"""


def build(root, planted):
    """A folder of sources; where in them a rule is broken, and words that the message has."""
    marked = {}
    for source in planted.split("--- ")[1:]:
        path, _, text = source.partition("\n")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        for folder in list((root / path).relative_to(root).parents)[:-1]:
            (root / folder / "__init__.py").touch()
        for number, line in enumerate(text.splitlines(), 1):
            if "  #!" in line:
                marked[f"{path}:{number}"] = line.partition("  #!")[2].strip()
    return marked


CASES = PLANTED.strip().split("\n\n")


@pytest.mark.parametrize("case", CASES, ids=[case.partition("\n")[0] for case in CASES])
def test_a_planted_violation_is_found_where_it_is_and_nothing_else(tmp_path, case):
    marked = build(tmp_path, case)
    broken = {line.partition(": ")[0]: line for line in RULES[case.partition(":")[0]](tmp_path)}
    assert broken.keys() == marked.keys(), broken
    assert all(words in broken[place] for place, words in marked.items())
    assert all(re.fullmatch(r"\S+:\d+: [^;]+: [^;]+; .+", line) for line in broken.values())


def test_every_rule_has_a_planted_violation():
    assert {case.partition(":")[0] for case in CASES if "  #!" in case} == set(RULES)


def test_a_thirty_first_room_and_an_eighty_first_line_are_found(tmp_path):
    build(
        tmp_path, "".join(f"--- windrow/room{number}.py\n" for number in range(30)) + "--- jobs/sweep.py\n" + "#\n" * 80
    )
    assert [*rules.too_large(tmp_path), *rules.overgrown_jobs(tmp_path)] == []
    build(tmp_path, "--- windrow/room30/a.py\n--- windrow/room30/b.py\n--- jobs/sweep.py\n" + "#\n" * 81)
    [large], [long] = rules.too_large(tmp_path), rules.overgrown_jobs(tmp_path)
    assert large.startswith("windrow/__init__.py:1: has 31 rooms, ") and large.endswith("at most 30; put some together")
    assert long.startswith("jobs/sweep.py:81: ")


@pytest.mark.parametrize(
    "name",
    ["job.MRJob", "runner.MRJobRunner", "sim.SimMRJobRunner", "inline.InlineMRJobRunner", "local.LocalMRJobRunner",
     "hadoop.HadoopJobRunner", "emr.EMRJobRunner", "spark.runner.SparkMRJobRunner"],
)  # fmt: skip
def test_mrjobs_private_names_are_all_known(name):
    import windrow.runners.compat  # noqa: F401  mrjob needs what it brings

    module, _, kind = f"mrjob.{name}".rpartition(".")
    ours = {private for private in dir(getattr(importlib.import_module(module), kind)) if re.match("_[^_]", private)}
    assert ours and ours <= rules.private_to(f"mrjob.{name}") <= rules.private_in_mrjob()


def test_a_name_judged_to_have_one_meaning_is_still_used_twice():
    doubled = "".join(rules.names_used_twice(ROOT))
    assert [
        name for name in ONE_MEANING if f"/{name}.py" not in doubled and f"/{name}/__init__.py" not in doubled
    ] == []


def test_the_drawing_is_current():
    assert architecture.DRAWING.read_text() == architecture.draw(), "run `python docs/architecture.py`"


def test_a_new_import_changes_the_drawing(tmp_path):
    build(tmp_path, "--- windrow/bars/text.py\n--- windrow/feeds/lines.py\n")
    before = architecture.draw(tmp_path)
    build(tmp_path, "--- windrow/feeds/lines.py\nimport windrow.bars.text\n")
    after = architecture.draw(tmp_path)
    assert "<title>feeds imports bars</title>" in after and "feeds imports bars" not in before


def test_the_order_names_the_rooms_that_there_are():
    assert sorted(architecture.ROOMS) == sorted(architecture.rooms())
    assert {room for stage in architecture.WAY for room in stage} <= set(architecture.ROOMS)
    assert set(architecture.ROOMS.values()) == set(architecture.PARTS)


def test_every_room_says_what_it_is_for():
    assert all(architecture.purpose(room) for room in architecture.ROOMS)


#: What the page names and issue 12 part 4 brings.


def named(text):
    """What a page names: (None, path) for each path, (symbol, path) for each `symbol` in `path`."""
    for path in re.findall(r"`([\w./-]+/[\w./-]*)`", text):
        if "NAME" not in path:
            yield None, path
    for symbols, path in re.findall(r"((?:`[\w.]+`(?:,\s+|\s+and\s+|\s+))+)in\s+`([^`]+)`", text):
        yield from ((symbol, path) for symbol in re.findall(r"`([\w.]+)`", symbols))


def is_there(symbol, path):
    place = ROOT / path
    if symbol is None or not place.exists():
        return place.exists()
    return symbol in set(defined(architecture.parsed(place)))


def defined(node, place=""):
    """Names that a module, and each class in it, defines."""
    for child in node.body:
        yield from (place + name for name, _ in rules.defined(child))
        if isinstance(child, ast.ClassDef):
            yield from defined(child, f"{place}{child.name}.")


NAMED = sorted(set(named(PAGE.read_text())), key=str)


@pytest.mark.parametrize(("symbol", "path"), NAMED)
def test_what_the_page_names_is_there(symbol, path):
    assert is_there(symbol, path), "docs/architecture.md names it; put the page right"


def test_a_page_that_names_what_is_not_there_is_found():
    text = "`Merge` and `Merger` in\n`sort_keys/merge.py`, `Merge.stretches` in `sort_keys/merge.py`; `sort_keys/no.py`"
    gone = [one for one in named(text) if not is_there(*one)]
    assert gone == [(None, "sort_keys/no.py"), ("Merger", "sort_keys/merge.py")]


def test_the_page_answers_a_newcomers_questions():
    asked = [("_floats", "feeds/parquet.py"), ("refusal", "mapreduce/counters.py"), ("_smoothed", "windows/ema.py"),
             ("add_to", "mapreduce/options.py"), ("Rules", "trading/rules.py")]  # fmt: skip
    assert {(symbol, f"windrow/{path}") for symbol, path in asked} <= set(NAMED)
    assert "(architecture.svg)" in PAGE.read_text()


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


def test_a_task_starts_without_what_it_does_not_need():
    """The import of pandas is a quarter of a second in every task, that of sessions two thousandths."""
    program = "import sys, jobs.moving_average; print({'pandas', 'windrow.sessions'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, check=True)
    assert done.stdout == b"set()\n"
