"""BarJob: the base of every job over bars.

It owns input options, parsing, keys, blocks, merging, counters and output. A job says which options it adds, which
columns it uses, and which kernel a symbol's series gets:

    class Spread(BarJob):
        def columns(self):
            return ["high", "low"]

        def kernel(self):
            return HighLowSpread()      # push(times, high, low, starts) -> (index, columns)

What happens, on every runner:

    submission   read headers, settle layouts, dates and slots (windrow/feeds/settle.py); refuse a taken output
    mapper       parse a range in chunks, sort a chunk, write blocks          run_mapper
    shuffle      partition on the symbol, sort on (symbol, timestamp)        sort_keys/shuffle.py
    reducer      merge blocks, push the stream through the kernel, write     run_reducer
    submission   sum the counters; fail on too many bad lines or conflicts, otherwise publish or print
"""

import copy
import dataclasses
import json
import os
import sys
from argparse import SUPPRESS
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from time import monotonic
from typing import Any, Protocol, cast

import windrow.runners.compat  # noqa: F401  mrjob needs what it brings

# isort: split
import numpy as np
import numpy.typing as npt
from mrjob.job import MRJob
from mrjob.protocol import RawValueProtocol
from mrjob.step import MRStep, StepFailedException

from sort_keys.blocks import sort_bars, write_blocks
from sort_keys.keys import copied
from sort_keys.merge import Merge, Stretch
from sort_keys.shuffle import HADOOP_OPTIONS, MAP_ONLY_OPTIONS, PARTITIONER
from sort_keys.slots import Slots
from windrow import runners
from windrow.bars.columns import Bars, join_bars
from windrow.console import say
from windrow.errors import UsageError, WindrowError
from windrow.feeds.fetch import fetched
from windrow.feeds.files import parse_stream, read_bars
from windrow.feeds.settle import Settled
from windrow.mapreduce import options, submit
from windrow.mapreduce.allocator import keep_freed_memory
from windrow.mapreduce.counters import CONFLICT, COUNTS, REFUSED, conflict_text, judge, names_of, summary, table
from windrow.mapreduce.help import job_name, print_help
from windrow.mapreduce.slices import Lines, SlicedKernel, Slicer, stitch
from windrow.runners.splits import OPENS_INPUTS, OWN_TASK
from windrow.runners.tasks import TaskError
from windrow.sinks import Write
from windrow.sinks.lines import line_sink
from windrow.storage import s3
from windrow.storage.open import named
from windrow.storage.part import own_part
from windrow.storage.publish import INNER

#: Bars of a symbol that make a block long enough, and bars of all symbols that a mapper holds to get them.
_FEW_BARS, _MOST_BARS = 512, 900_000
#: Between two words of a task about how far it is.
_SECONDS = 3.0


class SeriesKernel(Protocol):
    """What a job gives its bars to."""

    def push(
        self, times: npt.NDArray[np.int64], /, *values: npt.NDArray[np.float64], starts: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.float64]]]:
        """Positions of the bars that get a line, and the columns of those lines (NaN: no value)."""


class BarJob(MRJob):
    """A MapReduce job over bars; see this module's text."""

    INPUT_PROTOCOL = RawValueProtocol
    OUTPUT_PROTOCOL = RawValueProtocol
    SORT_VALUES = True
    _cl_args: list[str]

    # What a job says.

    #: Whether the mappers' lines are the output: no shuffle, no kernel.
    map_only = False
    #: Whether the texts of rejected lines reach `map_bars`, not only their number.
    keep_texts = False
    #: Why there may be no line of output, and the cure.
    no_lines = "no line of output: no window was ever full; give a shorter one, or --min-periods"
    _shown = float("-inf")

    def columns(self) -> list[str]:
        """Names of the columns that the job uses; only these are parsed and checked."""
        raise NotImplementedError

    def kernel(self) -> SeriesKernel:
        """A new kernel for one reducer's stream."""
        raise NotImplementedError

    def output_names(self) -> list[str]:
        """Names of the output's columns after symbol and timestamp; none for output that is no such table."""
        return []

    def add_options(self) -> None:
        """Adds the job's own options, by `add_group` and `option`; --help shows them first."""

    def check_options(self) -> None:
        """Refuses wrong options, by UsageError, before any work."""

    def map_bars(self, bars: Bars, source: str) -> Iterator[bytes]:
        """A mapper's lines for a chunk of parsed bars; `source` is the input's path."""
        columns = sort_bars(bars.codes, bars.symbols, bars.times, bars.values)
        blocks = write_blocks(columns, self.settled.slots, self.options.block_bars, self.slices)
        return blocks if self.shards() == 1 else copied(blocks, self.shards())

    def shards(self) -> int:
        """To how many reducers each symbol's bars go, all of them to each; a shard's number is its key's slice."""
        return 1

    def reduce_bars(self, stretches: Iterator[Stretch]) -> Iterator[bytes] | None:
        """A reducer's lines, each ended by LF, of a job whose lines are no table of values; None: the kernel's columns.

        The stream of all its symbols ends with the iterator; `sort_keys.merge.by_symbol` splits it.
        """
        return None

    def unites(self) -> bool:
        """Whether a second step makes the output of the lines of `reduce_bars`, by `unite`."""
        return False

    def unite(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """The output's lines from those of all reducers, FIELD<tab>KEY<tab>..., sorted by both.

        All lines of one first field are here, where shards and slices count as one field. Lines without their ends; a
        KEY is what `sort_keys.keys.encode_time` writes.
        """
        raise NotImplementedError

    # Options.

    def configure_args(self) -> None:
        """Adds the options that every job has."""
        super().configure_args()
        self.groups: list[Any] = []
        self.add_options()
        options.add_to(self)
        self.add_file_arg("--settled", help=SUPPRESS)

    def add_group(self, title: str) -> Any:
        """A group of options; --help shows groups in the order in which they were added."""
        group = self.arg_parser.add_argument_group(title)
        self.groups.append(group)
        return group

    def option(self, group: Any, spelling: str, text: str, **how: Any) -> None:
        """An option, in a group, that tasks get too: `--step STEP` and what it means; the rest is argparse's."""
        name, _, value = spelling.partition(" ")
        how = {**how, "metavar": value} if value else how
        self._passthru_arg_dests.add(group.add_argument(name, help=text, **how).dest)

    def load_args(self, args: list[str]) -> None:
        """Reads the options and, where this is no task, checks them."""
        super().load_args(args)
        if not self.is_task():
            submit.check(self)
            options.check(self.options)
            self.check_options()
            if self.options.slices and not self._can_be_sliced():
                raise UsageError(
                    f"--slices {self.options.slices}: this job's bars cannot be cut into slices; leave it out"
                )

    def _can_be_sliced(self) -> bool:
        return not self.map_only and type(self).reduce_bars is BarJob.reduce_bars and hasattr(self.kernel(), "head")

    def _print_help(self, given: Any) -> None:
        if given.runner:
            super()._print_help(given)
        else:
            print_help(type(self), self.arg_parser, self.groups, given.verbose)

    # Running.

    @classmethod
    def run(cls) -> None:
        """Runs the job, or the task that a runner asks for, from the command line."""
        sys.exit(cls.main(sys.argv[1:]))

    @classmethod
    def main(cls, args: list[str]) -> int:
        """Runs the job with these arguments and returns the exit status: 0 done, 1 refused or failed, 2 usage."""
        keep_freed_memory()
        try:
            cls(args).execute()
        except WindrowError as error:
            say(f"error: {error}")
            return error.exit_status
        except TaskError as error:
            say(f"{error}".rstrip(), "error: a task failed; what it said is above")
            return 1
        except StepFailedException as error:
            say(f"error: {error}")
            return 1
        except BrokenPipeError:  # the reader of our output, `head` perhaps, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except KeyboardInterrupt:
            say("stopped; nothing was written")
            return 130
        return 0

    def __init__(self, args: list[str] | None = None) -> None:
        try:
            super().__init__(args)
        except ValueError as error:  # how mrjob tells of wrong arguments
            raise UsageError(f"{error}; see --help") from None

    def run_job(self) -> None:
        """Submits the job, and publishes or prints what it wrote: windrow/mapreduce/submit.py."""
        submit.run(self)

    def judge(self, counts: Counter[str], conflicts: Sequence[str]) -> None:
        """Fails the job, by WindrowError, where its summed counters say that its output must not be trusted."""
        judge(counts, conflicts, self.options.max_bad, self.options.on_conflict)

    def tell(self, counts: Counter[str]) -> None:
        """Says what was done, on standard error."""
        if not counts["output lines"]:
            say(f"warning: {self.no_lines}")
        if not self.options.quiet:
            say(summary(counts), *table(counts))

    def description(self) -> dict[str, Any]:
        """What is written beside an output, for whoever reads it."""
        reading = options.reading(self.options, self.columns())
        return {
            "windrow": 1,
            "job": job_name(type(self)),
            "columns": self.output_names(),
            "format": self.options.output_format,
            "reading": dataclasses.asdict(reading),
        }

    def task(self, args: list[str]) -> "BarJob":
        """This job as a task of it, in this process or a fork: made anew, its options alone would take 20 ms."""
        task = copy.copy(self)
        task._cl_args = args
        task.load_args(args)
        return task

    def make_runner(self) -> Any:
        """A runner for the job as its options say, its inputs settled."""
        return submit.make_runner(self, super().make_runner)

    def jobconf(self) -> dict[str, str]:
        """Hadoop's options for the shuffle, or for going without."""
        options = MAP_ONLY_OPTIONS if self.map_only else HADOOP_OPTIONS
        return {**super().jobconf(), **({} if submit.is_here(self) else options)}

    def partitioner(self) -> str | None:
        """Hadoop's partitioner; windrow's own runners partition by sort_keys/shuffle.py."""
        return None if submit.is_here(self) else PARTITIONER

    def _runner_class(self) -> Any:
        return runners.find(self.options.runner or "inline") or super()._runner_class()

    def _runner_kwargs(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = super()._runner_kwargs()
        return {**kwargs, **runners.more_arguments(self._runner_class(), self)}

    # Tasks.

    @property
    def settled(self) -> Settled:
        """What was settled at submission, as this task got it."""
        if not hasattr(self, "_settled"):
            self._settled = Settled.load(self.options.settled)
        return self._settled

    #: The span (ns) of slices for the submitter, once that is settled.
    _slices: int | None = None

    def slice_by(self, span: int | None) -> None:
        """Cuts series into slices of a span (ns), which gives the job its second step; None: does not."""
        self._slices = span

    @property
    def slices(self) -> Slots | None:
        """The slices in which reducers share a symbol, if they do."""
        span = self.settled.slices if self.is_task() else self._slices
        return Slots(span) if span else None

    def steps(self) -> list[MRStep]:
        """One step, without a reducer where the job is map only; a second one where its reducers' work is united."""
        if self.map_only:
            return [MRStep(mapper=self.mapper)]
        return [MRStep(mapper=self.mapper, reducer=self.reducer) for _ in range(2 if self._has_two_steps() else 1)]

    def _has_two_steps(self) -> bool:
        return self.slices is not None or self.unites()

    def mapper(self, _: None, line: bytes) -> None:
        """Stands for run_mapper: bars are mapped in chunks, never line by line."""
        raise NotImplementedError

    def reducer(self, symbol: bytes, blocks: Iterator[bytes]) -> None:
        """Stands for run_reducer: a reducer's whole stream goes through one merge and one kernel."""
        raise NotImplementedError

    def execute(self) -> None:
        """Runs the job, or this task of it.

        Far away, what a task refuses would be refused again at every attempt, and said in a log on some node. So it is
        told by counters, the attempt ends well, and the submitter raises it.
        """
        if not self.is_task() or OWN_TASK in os.environ:
            super().execute()
            return
        try:
            super().execute()
        except WindrowError as error:
            self._tell(REFUSED, f"{type(error).__name__} {error}")
            while self.stdin.read(1 << 20):  # Hadoop fails a task that does not read to the end
                pass

    def run_mapper(self, step_num: int = 0) -> None:
        """Parses this task's share of the inputs and writes its blocks; a second step hands on what the first wrote."""
        if step_num == 0:
            self._map_inputs()
        elif step_num == 1 and self._has_two_steps():
            self.stdout.writelines(self.stdin)
        else:
            super().run_mapper(step_num)

    def _map_inputs(self) -> None:
        counts = Counter({"map tasks": 1})
        for bars, source in self._feed() if self.map_only else _in_long_blocks(self._feed()):
            counts["bars"] += len(bars)
            counts["header lines"] += bars.headers
            for reason, lines in bars.rejected.items():
                counts[f"rejected: {reason}"] += lines
            self.stdout.write(b"".join(self.map_bars(bars, source)))
            self.show(f"{counts['bars']:,} bars read")
            del bars  # before the next ones are read
        self._count(counts)

    def _feed(self) -> Iterator[tuple[Bars, str]]:
        """Parsed bars and the input they come from; opened here, or read from standard input where Hadoop opened it."""
        if os.environ.get(OPENS_INPUTS):
            for line in self.stdin:
                yield from self._open(json.loads(line[line.index(b"[") :]))
            return
        path, headed = _map_input("file"), _map_input("start") in ("", "0")
        layout, name = self.settled.layout(path), self.settled.name(path)
        for bars in parse_stream(self.stdin, layout, name, keep_texts=self.keep_texts, headed=headed):
            yield bars, name

    def _open(self, ranges: Sequence[dict[str, Any]]) -> Iterator[tuple[Bars, str]]:
        """Bars of byte ranges and whole files that this task opens itself."""
        s3.remember(s3.Object(one["path"], one["size"], one["etag"]) for one in ranges if "etag" in one)
        with fetched([piece["path"] for piece in ranges]) as places:
            for one in s3.looking_ahead([{**one, "place": places[one["path"]]} for one in ranges]):
                path, place, start, length = itemgetter("path", "place", "start", "length")(one)
                name, layout = self.settled.name(path), self.settled.layout(path)
                with named(place, name):
                    for bars in read_bars(place, layout, start, start + length, self.keep_texts):
                        yield bars, name

    def run_reducer(self, step_num: int = 0) -> None:
        """Pushes this task's merged blocks through the kernel, symbol by symbol; a second step unites the results."""
        if step_num == 0:
            self._reduce_blocks()
        elif step_num == 1 and self.slices:
            counts = Counter({"reduce tasks": 1})
            self._write(stitch(self._sliced_kernel(), self.stdin), counts)
            self._count(counts)
        elif step_num == 1 and self.unites():
            counts = Counter({"reduce tasks": 1})
            self._write_lines(self.unite(line.rstrip(b"\n") for line in self.stdin), counts)
            self._count(counts)
        else:
            super().run_reducer(step_num)

    def _reduce_blocks(self) -> None:
        counts = Counter({"reduce tasks": 1})
        merge = Merge(len(self.columns()), self.options.on_conflict, self.settled.slots)
        stretches = merge.stretches(self.stdin)
        if self.slices:
            self._write(self._sliced(stretches), counts, INNER)
            counts["slices"] = counts.pop("symbols", 0)
        elif (lines := self.reduce_bars(self._counted(stretches, counts))) is not None:
            self._write_lines(lines, Counter() if self.unites() else counts)
        else:
            self._write(_pushed(self.kernel(), stretches), counts)
        found = merge.findings
        for name in ("blocks", "slots", "repeats", "conflicts"):
            counts[name] += getattr(found, name)
        self._count(counts)
        if found.first_conflict is not None:
            self._tell(CONFLICT, conflict_text(found.first_conflict, self.columns(), self.settled.dated))

    def _write_lines(self, lines: Iterable[bytes], counts: Counter[str]) -> None:
        for line in lines:
            counts["output lines"] += 1
            self.stdout.write(line)

    def _counted(self, stretches: Iterable[Stretch], counts: Counter[str]) -> Iterator[Stretch]:
        """Stretches, their symbols counted as they go by."""
        for stretch in stretches:
            yield stretch
            counts["symbols"] += len(stretch.new_starts)
            self.show(f"{counts['output lines']:,} lines written, of {counts['symbols']:,} symbols")

    def _sliced_kernel(self) -> SlicedKernel:
        return cast(SlicedKernel, self.kernel())  # load_args has seen that it is one

    def _sliced(self, stretches: Iterable[Stretch]) -> Iterator[Lines]:
        """The final lines of slices; their edges go to the next step."""
        slicer = Slicer(self._sliced_kernel())
        for stretch in stretches:
            lines, edges = slicer.push(stretch)
            self.stdout.writelines(edges)
            yield lines
        self.stdout.writelines(slicer.close())

    def _write(self, lines: Iterable[Lines], counts: Counter[str], name: str = "") -> None:
        """Writes a reducer's lines, to a part of that name where they are not the step's output."""
        with self._sink(name) as write:
            for stretch, index, columns in lines:
                counts["symbols"] += len(stretch.new_starts)
                counts["output lines"] += len(index)
                write(stretch, index, columns)
                self.show(f"{counts['output lines']:,} lines written, of {counts['symbols']:,} symbols")

    @contextmanager
    def _sink(self, name: str) -> Iterator[Write]:
        """What writes this reducer's results."""
        dated, kind = self.settled.dated, self.options.output_format
        if kind != "text":
            from windrow.sinks.parquet import SUFFIX, parquet_sink

            names, fine = self.output_names(), kind == "parquet-ns"
            with own_part(name + SUFFIX) as file, parquet_sink(file, names, dated, fine) as write:
                yield write
        elif name:
            with own_part(name) as file:
                yield line_sink(file, dated)
        else:
            yield line_sink(self.stdout, dated)

    def show(self, status: str) -> None:
        """Tells Hadoop every few seconds how far this task is: it shows that, and ends tasks long unheard of."""
        if OWN_TASK not in os.environ and monotonic() > self._shown + _SECONDS:
            self._shown = monotonic()
            self.set_status(status)

    def _tell(self, group: str, text: str) -> None:
        for name in names_of(text):
            self.increment_counter(group, name)

    def _count(self, counts: Counter[str]) -> None:
        for name, amount in counts.items():
            if amount:
                self.increment_counter(COUNTS, name, int(amount))


def _pushed(kernel: SeriesKernel, stretches: Iterable[Stretch]) -> Iterator[Lines]:
    for stretch in stretches:
        yield stretch, *kernel.push(stretch.times, *stretch.values, starts=stretch.new_starts)


def _in_long_blocks(feed: Iterable[tuple[Bars, str]]) -> Iterator[tuple[Bars, str]]:
    """Chunks, put together where they hold so few bars of each symbol that blocks would be short, and slow."""
    held: list[Bars] = []
    source = ""
    for bars, source in feed:
        held.append(bars)
        total = sum(map(len, held))
        if total >= min(_MOST_BARS, _FEW_BARS * max(len(part.symbols) for part in held)):
            joined, held = join_bars(held), []
            yield joined, source
            del joined
    if held:
        yield join_bars(held), source


def _map_input(what: str) -> str:
    """The path (`file`) or first byte (`start`) of a streaming mapper's input, as its environment tells."""
    names = (f"mapreduce_map_input_{what}", f"map_input_{what}")  # Hadoop's names, and those of its first version
    return next((os.environ[name] for name in names if name in os.environ), "")
