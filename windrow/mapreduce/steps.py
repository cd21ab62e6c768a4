"""Steps: a job is a list of them, of any length. What their mappers and reducers do is defined here.

    bars to lines      map_bars                     (map only)
    one shuffle        map_bars -> reduce_bars      a kernel's columns, or the lines of `BarJob.reduce_bars`
    sliced             map_bars -> reduce_slices,   pass_on -> stitch_slices
    united             map_bars -> reduce_bars,     pass_on -> unite_lines
    surveyed           map_bars -> survey_bars,     pass_on -> reduce_surveyed

The lines between two steps are SYMBOL <tab> TIMESTAMP <tab> anything, so that every runner partitions and sorts them as
it does blocks.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from sort_keys.blocks import sort_bars, write_blocks
from sort_keys.keys import copied
from sort_keys.merge import Merge, Stretch
from windrow.bars.checks import MISSING
from windrow.bars.columns import Bars
from windrow.console.meter import BARS, LINES, MODELS
from windrow.feeds.fetch import read_ranges
from windrow.feeds.files import parse_stream
from windrow.mapreduce.accounts import Accounts, Rules
from windrow.mapreduce.counters import CONFLICT, INPUTS, REFUSED, UNSELECTED, WARNING, error_text
from windrow.mapreduce.held import Held
from windrow.mapreduce.reports import conflict_text, names_for_inputs, names_for_task
from windrow.mapreduce.resampling import Larger
from windrow.mapreduce.slices import Lines, Slicer, stitch
from windrow.mapreduce.survey import Known, Surveys, known, surveyed
from windrow.mapreduce.task import Task
from windrow.runners.simulated import OPENS_INPUTS
from windrow.sinks import Write
from windrow.sinks.fields import written_part
from windrow.sinks.lines import line_sink
from windrow.storage.part import own_part, writes_lines
from windrow.storage.publish import INNER
from windrow.storage.source import Range

if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob, SeriesKernel

#: Lines between two steps of which is told at once, and lines of a mapper that are written at once.
_SOME_LINES = 1000


@dataclass(frozen=True)
class Step:
    """What the tasks of one step do."""

    map: Callable[[Task], None]
    reduce: Callable[[Task], None] | None = None
    """None: the mappers' lines are the step's output."""
    writes_parts: bool = False
    """Whether its reducers write parts of the job's lines themselves, besides those for the next step."""
    writes_beside: bool = False
    """Whether they write other parts of the job's output, besides the lines for the next step."""
    unit: str = BARS
    """What its reducers count while they work."""


def steps_of(job: "BarJob") -> list[Step]:
    """The steps of a job, from what it declares."""
    first = partial(map_bars, job)
    if job.map_only:
        return [Step(first)]
    if job.slices is not None:
        sliced = Step(first, partial(reduce_slices, job), writes_parts=True)
        return [sliced, Step(pass_on, partial(stitch_slices, job), unit=LINES)]
    if (survey := job.survey()) is not None:
        return [Step(first, partial(survey_bars, job, survey)), Step(pass_on, partial(reduce_surveyed, job))]
    reduced = Step(first, partial(reduce_bars, job), unit=job.unit)
    if not job.unites():
        return [reduced]
    return [replace(reduced, writes_beside=job.writes_beside()), Step(pass_on, partial(unite_lines, job), unit=LINES)]


# Mappers.


def map_bars(job: "BarJob", task: Task) -> None:
    """Parses the task's share of the inputs and writes its lines: blocks, unless the job overrides that."""
    counts = Counter({"map tasks": 1})
    accounts = Accounts(counted=bool(job.settled.units))
    feed = accounts.take(_feed(job, task))
    with task_lines(job, task, last=job.map_only) as write:
        for bars, source in feed if job.map_only else _in_long_blocks(feed):
            counts["bars"] += len(bars)
            counts["header lines"] += bars.headers
            counts[UNSELECTED] += bars.unselected
            for reason, rows in bars.rejected.items():
                counts[reason if reason == MISSING else f"rejected: {reason}"] += rows
            lines = iter(job.map_bars(bars, source))
            while some := b"".join(islice(lines, _SOME_LINES)):
                write(some)
            job.told(len(bars) + bars.unselected, len(bars))
            job.show(f"{counts['bars']:,} bars read")
            del bars  # before the next ones are read
    if not job.map_only:
        task.write(accounts.lines())
        if job.unit == MODELS:
            job.told(0, 0, accounts.symbols)
    task.count(counts)


def pass_on(task: Task) -> None:
    """Passes the lines of the previous step on."""
    task.write(_passed(task))


def blocks(job: "BarJob", bars: Bars) -> Iterator[bytes]:
    """A chunk of bars as blocks, a copy for each shard."""
    columns = sort_bars(bars.codes, bars.symbols, bars.times, bars.values)
    written = write_blocks(columns, job.settled.slots, job.options.block_bars, job.slices)
    return written if job.shards() == 1 else copied(written, job.shards())


def _feed(job: "BarJob", task: Task) -> Iterator[tuple[Bars, str]]:
    """Parsed bars and their input, which is opened here, or by Hadoop and read from standard input."""
    if os.environ.get(OPENS_INPUTS):
        for line in task.stdin:
            ranges = [Range(*fields) for fields in json.loads(line[line.index(b"[") :])]
            yield from read_ranges(ranges, job.settled, job.keep_texts)
        return
    path, headed = _map_input("file"), _map_input("start") in ("", "0")
    layout, name = job.settled.layout(path), job.settled.name(path)
    for bars in parse_stream(task.stdin, layout, name, keep_texts=job.keep_texts, headed=headed):
        yield bars, name


def _in_long_blocks(feed: Iterable[tuple[Bars, str]]) -> Iterator[tuple[Bars, str]]:
    """Chunks, joined if they have so few bars of each symbol that blocks would be short, and slow."""
    held, source = Held(), ""
    for bars, source in feed:
        held.add(bars)
        del bars
        if held.is_enough:
            for piece in held.taken():
                yield piece, source
    for piece in held.taken():
        yield piece, source


def _map_input(what: str) -> str:
    """The path (`file`) or first byte (`start`) of a streaming mapper's input, from its environment."""
    names = (f"mapreduce_map_input_{what}", f"map_input_{what}")  # Hadoop's names, and those of its first version
    return next((os.environ[name] for name in names if name in os.environ), "")


# Reducers.


def reduce_bars(job: "BarJob", task: Task) -> None:
    """Pushes the task's merged blocks through the job's kernel, or its `reduce_bars`, and writes the lines."""
    counts = Counter({"reduce tasks": 1})
    merge, accounts, larger = _merge(job), Accounts(), Larger(job)
    stretches = larger.of(_merged(merge, accounts, task))
    lines = job.reduce_bars(_counted(job, stretches, counts))
    if lines is None:
        _write(job, task, job.table(Known(stretch, []) for stretch in stretches), counts)
    else:
        _write_lines(job, task, lines, Counter() if job.unites() else counts, last=not job.unites())
    counts.update(larger.counts)
    _finish(job, task, merge, accounts, counts)


def survey_bars(job: "BarJob", surveys: Surveys, task: Task) -> None:
    """Passes the task's merged bars on, and what a survey tells of each symbol's."""
    counts = Counter({"reduce tasks": 1})
    merge, accounts, larger = _merge(job), Accounts(), Larger(job)
    stretches = _counted(job, larger.of(_merged(merge, accounts, task)), counts)
    task.write(surveyed(stretches, surveys, job.settled.slots, job.options.block_bars))
    counts.update(larger.counts)
    _finish(job, task, merge, accounts, counts)


def reduce_surveyed(job: "BarJob", task: Task) -> None:
    """Writes a job's lines from bars whose summaries come first; bars were counted by the step before."""
    counts = Counter({"reduce tasks": 1})
    bars = known(Merge(len(job.columns())), task.stdin)
    lines = job.reduce_surveyed(bars)
    if lines is None:
        _write(job, task, job.table(bars), counts)
        del counts["symbols"]
    else:
        _write_lines(job, task, lines, counts)
    task.count(counts)


def reduce_slices(job: "BarJob", task: Task) -> None:
    """Writes the final lines of slices to a part of the output, and passes on the slices' edges."""
    counts = Counter({"reduce tasks": 1})
    merge, accounts = _merge(job), Accounts()
    _write(job, task, _sliced(job, task, _merged(merge, accounts, task)), counts, INNER)
    counts["slices"] = counts.pop("symbols", 0)
    _finish(job, task, merge, accounts, counts)


def stitch_slices(job: "BarJob", task: Task) -> None:
    """Writes the lines at the slices' edges."""
    counts = Counter({"reduce tasks": 1})
    _write(job, task, stitch(job.sliced_kernel(), _passed(task)), counts)
    task.count(counts)


def unite_lines(job: "BarJob", task: Task) -> None:
    """Writes the job's output from the lines of all reducers."""
    counts = Counter({"reduce tasks": 1})
    _write_lines(job, task, job.unite(line.rstrip(b"\n") for line in _passed(task)), counts)
    task.count(counts)


def _merge(job: "BarJob") -> Merge:
    return Merge(len(job.columns_of_inputs()), job.options.on_conflict, job.settled.slots)


def _merged(merge: Merge, accounts: Accounts, task: Task) -> Iterator[Stretch]:
    """The task's bars in order, of which is told how many were read once they have been used."""
    told = 0
    for stretch in merge.stretches(accounts.without(task.stdin)):
        yield stretch
        task.has_read(merge.findings.bars - told)
        told = merge.findings.bars
    task.has_read(merge.findings.bars - told)


def _passed(task: Task) -> Iterator[bytes]:
    """The task's lines, of which is told how many were used."""
    number = 0
    for number, line in enumerate(task.stdin, 1):
        yield line
        if not number % _SOME_LINES:
            task.has_passed(_SOME_LINES)
    task.has_passed(number % _SOME_LINES)


def _finish(job: "BarJob", task: Task, merge: Merge, accounts: Accounts, counts: Counter[str]) -> None:
    """Reports the counts, the first conflict, and what the accounts show."""
    found = merge.findings
    for name in ("blocks", "slots", "repeats", "conflicts"):
        counts[name] += getattr(found, name)
    task.count(counts)
    if found.first_conflict is not None and (most := names_for_task()):
        task.report(CONFLICT, conflict_text(found.first_conflict, job.columns_of_inputs(), job.settled.dated, most))
    if (stopped := accounts.stopped()) is not None:
        task.report(REFUSED, stopped)
        return
    options, settled = job.options, job.settled
    rules = Rules(options.max_bad, options.max_missing, settled.units, settled.symbols)
    if (refusal := accounts.refusal(rules)) is not None:
        task.report(INPUTS, error_text(refusal), names_for_inputs())
    for warning in accounts.warnings(rules):
        task.report(WARNING, warning)


def pushed(kernel: "SeriesKernel", stretches: Iterable[Stretch]) -> Iterator[Lines]:
    """A kernel's lines."""
    for stretch in stretches:
        yield stretch, *kernel.push(stretch.times, *stretch.values, starts=stretch.new_starts)


def _sliced(job: "BarJob", task: Task, stretches: Iterable[Stretch]) -> Iterator[Lines]:
    """The final lines of slices; their edges go to the next step."""
    slicer = Slicer(job.sliced_kernel())
    for stretch in stretches:
        lines, edges = slicer.push(stretch)
        task.stdout.writelines(edges)
        yield lines
    task.stdout.writelines(slicer.close())


def _counted(job: "BarJob", stretches: Iterable[Stretch], counts: Counter[str]) -> Iterator[Stretch]:
    """Stretches, whose symbols are counted as they pass."""
    for stretch in stretches:
        yield stretch
        counts["symbols"] += len(stretch.new_starts)
        job.show(_status(counts))


def _write_lines(job: "BarJob", task: Task, lines: Iterable[bytes], counts: Counter[str], last: bool = True) -> None:
    """Writes lines to the step's output, or, of the last step, as the table that they are to be."""
    with task_lines(job, task, last) as write:
        for line in lines:
            counts["output lines"] += 1
            write(line)


@contextmanager
def task_lines(job: "BarJob", task: Task, last: bool = True) -> Iterator[Callable[[bytes], object]]:
    """What takes the lines of a task."""
    if not last:
        yield task.stdout.write
        return
    if job.form.name == "text" or not job.fields():
        with _text(job, task) as file:
            yield file.write
        return
    with written_part("", job.fields(), job.form, job.dated) as write:
        yield write


def _write(job: "BarJob", task: Task, lines: Iterable[Lines], counts: Counter[str], name: str = "") -> None:
    """Writes a reducer's lines; with `name`, to a part with that suffix instead of the step's output."""
    with _sink(job, task, name) as write:
        for stretch, index, columns in lines:
            counts["symbols"] += len(stretch.new_starts)
            counts["output lines"] += len(index)
            write(stretch, index, columns)
            job.show(_status(counts))


def _status(counts: Counter[str]) -> str:
    return f"{counts['output lines']:,} lines written, of {counts['symbols']:,} symbols"


@contextmanager
def _sink(job: "BarJob", task: Task, name: str) -> Iterator[Write]:
    """The sink for a reducer's results."""
    dated, form = job.dated, job.form
    if form.name == "csv":
        from windrow.sinks.tabular import csv_sink

        with own_part(name + form.suffix) as file, csv_sink(file, job.output_names(), dated) as write:
            yield write
    elif form.name != "text":
        from windrow.sinks.parquet import parquet_sink

        names, fine = job.output_names(), form.name == "parquet-ns"
        with own_part(name + form.suffix) as file, parquet_sink(file, names, dated, fine) as write:
            yield write
    elif name:
        with own_part(name + form.suffix) as file:
            yield line_sink(file, dated)
    else:
        with _text(job, task) as file:
            yield line_sink(file, dated)


@contextmanager
def _text(job: "BarJob", task: Task) -> Iterator[BinaryIO]:
    """Where a task of the last step writes its lines."""
    if not (job.form.end or writes_lines()):
        yield task.stdout
        return
    with own_part(job.form.end) as file:
        yield file
