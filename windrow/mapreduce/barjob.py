"""BarJob: the base class of every job over bars.

It owns input options, parsing, keys, blocks, merging, counters and output. A job declares which options it adds, which
columns it uses, and which kernel processes the series of each symbol:

    class Spread(BarJob):
        def columns(self):
            return ["high", "low"]

        def kernel(self):
            return HighLowSpread()      # push(times, high, low, starts) -> (index, columns)

What happens, on every runner:

    submission   read headers, settle layouts, dates and slots (windrow/feeds/settle.py); refuse an existing output
    mapper       parse a range in chunks, sort a chunk, write blocks          steps.map_bars
    shuffle      partition on the symbol, sort on (symbol, timestamp)        sort_keys/shuffle.py
    reducer      merge blocks, push the stream through the kernel, write     steps.reduce_bars
    submission   sum the counters; fail on too many invalid rows or conflicts, otherwise publish or print
"""

import dataclasses
import os
import sys
from argparse import SUPPRESS, Namespace
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, cast

import windrow.runners.compat  # noqa: F401  mrjob needs it

# isort: split
from mrjob.protocol import RawValueProtocol
from mrjob.step import MRStep, StepFailedException

from sort_keys.merge import Stretch
from sort_keys.shuffle import HADOOP_OPTIONS, MAP_ONLY_OPTIONS, PARTITIONER
from sort_keys.slots import Slots
from windrow import runners
from windrow.arrays import Floats, Ints
from windrow.bars.columns import Bars
from windrow.console import fill_closed_streams, refusals, say
from windrow.console.meter import BARS, Meter
from windrow.errors import UsageError, WindrowError
from windrow.feeds.settle import Settled
from windrow.mapreduce import options, resampling, steps, submit
from windrow.mapreduce.allocator import keep_freed_memory
from windrow.mapreduce.counters import error_text, judge, pace, summary, table
from windrow.mapreduce.help import job_name, print_help, usage_error
from windrow.mapreduce.options import OptionGroup
from windrow.mapreduce.slices import Lines, SlicedKernel
from windrow.mapreduce.submission import Submission
from windrow.mapreduce.survey import Known, Surveys
from windrow.mapreduce.task import Task
from windrow.runners.launch import TaskError
from windrow.runners.mrjob_adapter import JobAdapter
from windrow.runners.simulated import OWN_TASK
from windrow.sinks.fields import Field, Format, figure_fields, named

if TYPE_CHECKING:
    from windrow.feeds.spool import Spooled
    from windrow.feeds.tabled import Tabled
    from windrow.windows.resample import Resampling


class SeriesKernel(Protocol):
    """What a job passes its bars to."""

    @property
    def push(self) -> Callable[..., tuple[Ints, list[Floats]]]:
        """Takes times, the values of each of the job's columns, and `starts`, where symbols begin.

        Returns positions of the bars that get a line, and the columns of those lines (NaN: no value).
        """


class BarJob(JobAdapter):
    """A MapReduce job over bars; see this module's docstring."""

    INPUT_PROTOCOL = RawValueProtocol
    OUTPUT_PROTOCOL = RawValueProtocol
    SORT_VALUES = True
    options: Namespace

    # What a job declares.

    #: Whether the mappers' lines are the output: no shuffle, no kernel.
    map_only = False
    #: Whether the texts of invalid rows reach `map_bars`, not only their counts.
    keep_texts = False
    #: The default of --resample: a span of larger bars; None: bars are taken as they are.
    resampled_to: ClassVar[str | None] = None
    #: What --session and --calendar say of bars that are taken as they are, if something.
    without_resampling: ClassVar[str | None] = None
    #: Whether it takes larger bars that lack a value (NaN).
    keeps_incomplete = False
    #: Whether a row that lacks values is a bar, in which they are UNKNOWN (windrow/bars/checks.py).
    takes_unknown = False
    #: Whether its lines are SYMBOL <tab> an object of JSON, whose entries are figures.
    of_figures = False
    #: Whether its tasks multiply matrices, so that they use all cores.
    multiplies = False
    #: What its first reducers count while they work: bars, or what the job tells of, by `advance` or otherwise.
    unit = BARS
    #: Arguments that are typical of it, for --help.
    example = ""
    #: Why there may be no output, and the fix.
    no_lines = "no output: no window was ever full; use a shorter one, or --min-periods"

    def columns(self) -> list[str]:
        """Names of the columns that the job uses; only these are parsed and checked.

        With --resample they are values of larger bars: see windrow/windows/values.py.
        """
        raise NotImplementedError

    def cures(self) -> dict[str, str]:
        """What a user can do where an input lacks a column that the job uses, and that --column does not name."""
        return {}

    def kernel(self) -> SeriesKernel:
        """A new kernel for one reducer's stream."""
        raise NotImplementedError

    def output_names(self) -> list[str]:
        """Names of the output's columns after symbol and timestamp; none for output that is not such a table."""
        return []

    def fields(self) -> Sequence[Field]:
        """The fields of the lines of `reduce_bars`, by which they can be a table; none: they stay text."""
        return figure_fields(self.figures()) if self.of_figures else ()

    def figures(self) -> Mapping[str, Any]:
        """Of lines of figures, one with every name that any may have; none: a table's part has those of its lines."""
        return {}

    def add_options(self) -> None:
        """Adds the job's own options, with `add_group`; --help shows them first."""

    def check_options(self) -> None:
        """Raises UsageError for wrong options, before any work."""

    def notes(self, settled: Settled) -> list[str]:
        """What a user should know of these inputs, before any work; --quiet leaves it out."""
        return []

    def map_bars(self, bars: Bars, source: str) -> Iterator[bytes]:
        """A mapper's lines for a chunk of parsed bars; `source` is the input's path."""
        return steps.blocks(self, bars)

    def resamplings(self) -> "list[Resampling]":
        """The larger bars that are made of the inputs', each of those before, and whose values are `columns`."""
        span = self.options.resample or self.resampled_to
        return resampling.resampling_of(self.options, span, self.columns(), self.without_resampling is not None)

    def shards(self) -> int:
        """How many reducers get all bars of each symbol; the number of a shard is the slice in its key."""
        return 1

    def reduce_bars(self, stretches: Iterator[Stretch]) -> Iterator[bytes] | None:
        """A reducer's lines, each ending in LF, for a job whose output is not a table; None: the kernel's columns.

        The iterator covers all symbols of the reducer; `sort_keys.merge.by_symbol` splits it.
        """
        return None

    def table(self, bars: Iterator[Known]) -> Iterator[Lines]:
        """A reducer's table, stretch by stretch: by default what the kernel makes of the bars."""
        return steps.pushed(self.kernel(), (stretch for stretch, _ in bars))

    def survey(self) -> Surveys | None:
        """What makes a survey of each symbol's bars; None: there is none.

        With one the job has a step more. Its table, or `reduce_surveyed`, gets a symbol's summary with its first bars.
        """
        return None

    def reduce_surveyed(self, bars: Iterator[Known]) -> Iterator[bytes] | None:
        """As `reduce_bars`, of a job with a survey."""
        return None

    def complete_options(self) -> None:
        """Sets options that follow from others, before any is checked."""

    def task_arguments(self, folder: Path) -> list[str]:
        """More options for the tasks, settled at submission; files that these name may be made in the folder.

        Options that name a file are added by `add_file_arg`.
        """
        return []

    def writes_beside(self) -> bool:
        """Whether `reduce_bars` writes parts of the output itself; asked where there is a second step."""
        return False

    def unites(self) -> bool:
        """Whether a second step makes the output from the lines of `reduce_bars`, with `unite`."""
        return False

    def unite(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """The output's lines from those of all reducers, FIELD<tab>KEY<tab>..., sorted by both.

        All lines with the same first field come together, whatever their shard or slice. Lines have no LF; a KEY is
        what `sort_keys.keys.encode_time` writes.
        """
        raise NotImplementedError

    def pipeline(self) -> list[steps.Step]:
        """The job's steps; any number of them."""
        return steps.steps_of(self)

    # Options.

    def configure_args(self) -> None:
        """Adds the options that the job can use."""
        super().configure_args()
        self.groups: list[OptionGroup] = []
        self.add_options()
        options.add_to(self)
        self.add_file_arg("--settled", help=SUPPRESS)

    def add_group(self, title: str, settled: bool = False) -> OptionGroup:
        """Adds a group of options, which tasks get too unless they get what is settled by them.

        --help shows groups in the order of these calls.
        """
        group = OptionGroup(self.arg_parser.add_argument_group(title), self.pass_through, settled)
        self.groups.append(group)
        return group

    def load_args(self, args: list[str]) -> None:
        """Reads the options and, unless this is a task, checks them."""
        super().load_args(args)
        if not self.is_task():
            self.complete_options()
            self.submission = Submission.of(self)
            self.check_options()

    @classmethod
    def can_be_sliced(cls) -> bool:
        """Whether reducers could share a symbol's bars in slices; its kernels must have a head and a tail too."""
        own = all(getattr(cls, name) is getattr(BarJob, name) for name in ("reduce_bars", "table", "survey"))
        return not cls.map_only and own and cls.resampled_to is None

    @classmethod
    def unread(cls) -> Self:
        """The job with its options declared, of which none are read: for those who list them."""
        made: Self = type(cls.__name__, (cls,), {"load_args": lambda *_: None, "__module__": cls.__module__})([])
        return made

    def print_own_help(self, everything: bool) -> None:
        """Prints the job's help; with `everything`, all of mrjob's options too."""
        print_help(type(self), self.arg_parser, self.groups, everything)

    # Running.

    @classmethod
    def run(cls) -> None:
        """Runs the job, or the task that a runner asks for, from the command line."""
        sys.exit(cls.main(sys.argv[1:]))

    @classmethod
    def main(cls, args: list[str]) -> int:
        """Runs the job with these arguments and returns the exit status: 0 done, 1 refused or failed, 2 usage."""
        keep_freed_memory()
        fill_closed_streams()
        if sys.stdout is None:
            say("error: standard output: is closed, and a job needs it; redirect it, e.g. with >/dev/null")
            return 1
        try:
            with refusals():
                cls(args).execute()
        except WindrowError as error:
            say(f"error: {error}")
            return error.exit_status
        except TaskError as error:
            say(
                *f"{error}".rstrip().expandtabs().split("\n"),
                "error: a task failed; its traceback or last output is above",
            )
            return 1
        except StepFailedException as error:
            say(f"error: {error}")
            return 1
        except KeyboardInterrupt:
            say("stopped; nothing was written")
            return 130
        return 0

    def __init__(self, args: list[str] | None = None) -> None:
        self.given = args or []
        """Its arguments, as they were given."""
        try:
            super().__init__(args)
        except ValueError as error:  # how mrjob reports wrong arguments
            raise usage_error(str(error), self.arg_parser) from None

    def run_job(self) -> None:
        """Submits the job, and publishes or prints what it wrote: windrow/mapreduce/submit.py."""
        submit.run(self)

    def judge(self, counts: Counter[str], conflicts: Sequence[str]) -> None:
        """Raises WindrowError if the summed counters show that the output must not be trusted."""
        judge(counts, conflicts, self.options.max_bad, self.options.on_conflict, self.left_out(counts))

    def check_counts(self, counts: Counter[str]) -> None:
        """Raises WindrowError where the summed counters of good bars show that there is no result, before any is told.

        Each of the job's own tasks may count, by `self.running.count`.
        """

    def left_out(self, counts: Counter[str]) -> str | None:
        """What seems left out of the key of bars, and the fix, if so many are in conflict that something must be."""
        return submit.left_out(self.doubts, counts)

    def report(self, counts: Counter[str]) -> None:
        """Prints a summary on standard error."""
        if not counts["output lines"]:
            say(f"warning: {self.no_lines}")
        if not self.options.quiet:
            say(summary(counts), *table(counts), pace(counts["bars"], self.meter.elapsed))

    def description(self) -> dict[str, Any]:
        """The description written beside an output, for its readers."""
        chain = self.resamplings()
        return {
            "windrow": 1,
            "job": job_name(type(self)),
            "columns": self.output_names() or named(self.fields()),
            "format": self.form.name,
            **({"compress": self.form.compress} if self.form.compress else {}),
            "reading": self._described_reading(),
            **(resampling.described(chain, self.options) if chain else {}),
        }

    def _described_reading(self) -> dict[str, Any]:
        described = dataclasses.asdict(self.submission.reading)
        del described["cures"], described["unknown"]  # which are for this job's user, and its kernel
        return described

    def task(self, args: list[str]) -> Self:
        """This job as a task of it, in this process or a fork: parsing its options from scratch would take 20 ms."""
        task = self.with_arguments(args)
        for made in ("settled", "running"):  # the submitter's own, if already cached
            task.__dict__.pop(made, None)
        task.told = self.meter.add  # type: ignore[method-assign]
        return task

    def make_runner(self) -> runners.Runner:
        """A runner for the job, by its options, with its inputs settled."""
        return submit.make_runner(self, self.options.output_dir)

    def jobconf(self) -> dict[str, str]:
        """Hadoop's options for the shuffle, or for a job without one."""
        shuffle = MAP_ONLY_OPTIONS if self.map_only else HADOOP_OPTIONS
        return {**super().jobconf(), **({} if self.submission.is_here else shuffle)}

    def partitioner(self) -> str | None:
        """Hadoop's partitioner; windrow's own runners partition by sort_keys/shuffle.py."""
        return None if self.submission.is_here else PARTITIONER

    def prepared(self, output: str | None) -> AbstractContextManager[runners.Runner]:
        """The runner whose parts, written to `output`, are the job's."""
        return submit.make_runner(self, output)

    def runner_class(self) -> type[runners.Runner]:
        """The runner that `-r` names."""
        return runners.find(self.submission.runner)

    # Tasks.

    @cached_property
    def settled(self) -> Settled:
        """What was settled at submission, as passed to this task."""
        return Settled.load(self.options.settled)

    @property
    def form(self) -> Format:
        """What parts are written as."""
        return Format.of(self.options)

    @property
    def dated(self) -> bool:
        """Whether the times of the bars that reach the job's kernel are dates."""
        chain = self.resamplings()
        return chain[-1].dated if chain else self.settled.dated

    def columns_of_inputs(self) -> list[str]:
        """Names of the columns that are read: `columns`, or those that larger bars are made of."""
        chain = self.resamplings()
        return chain[0].columns if chain else self.columns()

    #: What the inputs' first rows show, at the submitter.
    doubts: Settled | None = None

    #: What earlier runs of the job counted, at the submitter.
    counted: Counter[str] | None = None

    #: What was read of streams, at the submitter.
    streams: Sequence["Spooled"] = ()
    #: The same of tables.
    tables: Sequence["Tabled"] = ()

    #: The span (ns) of slices at the submitter, once it is settled.
    _slices: int | None = None

    def slice_by(self, span: int | None) -> None:
        """Cuts series into slices of this span (ns), which adds a second step; None: does not."""
        self._slices = span

    @property
    def slices(self) -> Slots | None:
        """The slices in which reducers share a symbol, if they do."""
        span = self.settled.slices if self.is_task() else self._slices
        return Slots(span) if span else None

    def sliced_kernel(self) -> SlicedKernel:
        """A new kernel that supports slices. Raises UsageError if the job's does not."""
        kernel = self.kernel()
        if not hasattr(kernel, "head"):
            raise UsageError(f"--slices {self.options.slices}: this job's bars cannot be cut into slices; leave it out")
        return cast(SlicedKernel, kernel)

    def steps(self) -> list[MRStep]:
        """The steps in mrjob's form."""
        return [
            MRStep(mapper=self.mapper) if step.reduce is None else MRStep(mapper=self.mapper, reducer=self.reducer)
            for step in self.pipeline()
        ]

    def mapper(self, _: None, line: bytes) -> None:
        """Stands for run_mapper: bars are mapped in chunks, never line by line."""
        raise NotImplementedError

    def reducer(self, symbol: bytes, blocks: Iterator[bytes]) -> None:
        """Stands for run_reducer: a reducer's whole stream goes through one merge and one kernel."""
        raise NotImplementedError

    def execute(self) -> None:
        """Runs the job, or this task of it.

        On a cluster, an error in the input would recur at every attempt, and end up in a log on some node. So the task
        reports it and succeeds, and the submitter raises it.
        """
        if not self.is_task() or OWN_TASK in os.environ:
            super().execute()
            return
        try:
            super().execute()
        except WindrowError as error:
            self.running.refuse(error_text(error))
            while self.stdin.read(1 << 20):  # Hadoop fails a task that does not read all its input
                pass

    @cached_property
    def running(self) -> Task:
        """The task that this is."""
        return Task(self)

    def show(self, status: str) -> None:
        """Shows this task's progress in Hadoop."""
        self.running.show(status)

    def advance(self, bars: float, done: int) -> None:
        """Tells of how many bars, and how much of the job's `unit`, a reducer has done since the last call."""
        self.running.has_done(bars, done)

    def told(self, read: float, done: int = 0, names: Collection[str] = ()) -> None:
        """Takes what a task has read and done; in a task that runs here it is `Meter.add`."""

    @cached_property
    def meter(self) -> Meter:
        """What shows how far the run is, at the submitter."""
        return Meter(self.submission.shows_progress)

    def run_mapper(self, step_num: int = 0) -> None:
        """Runs a mapper of a step; of a step that is mrjob's own, in mrjob's way."""
        pipeline = self.pipeline()
        if step_num < len(pipeline):
            pipeline[step_num].map(self.running)
        else:
            super().run_mapper(step_num)

    def run_reducer(self, step_num: int = 0) -> None:
        """Runs a reducer of a step; of a step that is mrjob's own, in mrjob's way."""
        pipeline = self.pipeline()
        if step_num < len(pipeline) and (reduce := pipeline[step_num].reduce) is not None:
            reduce(self.running)
        else:
            super().run_reducer(step_num)
