"""Sequences of neighbouring bars of every symbol, and what follows each, in parts to train on and to test."""

from argparse import SUPPRESS
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from windrow.console import say
from windrow.errors import UsageError
from windrow.feeds.settle import Settled
from windrow.learn import options as learning
from windrow.learn.sequencing import Apart
from windrow.mapreduce.barjob import BarJob
from windrow.mapreduce.counters import incomplete_rows
from windrow.mapreduce.resampling import INCOMPLETE
from windrow.mapreduce.survey import Known, Surveys
from windrow.sinks.sequenced import KINDS, sequence_lines

AS = "what sequences are written as, in the -o DIR: Parquet files, or numpy's (default parquet)"


class Sequences(BarJob):
    """One line per symbol, SYMBOL<tab>JSON, of how many there are; the sequences themselves are beside it in -o DIR."""

    without_resampling = "no sequence leaves a session"
    of_figures = True

    def add_options(self) -> None:
        group = self.add_group("Sequences")
        learning.add_sequences(group)
        group.add("--as", AS, choices=KINDS, dest="kind")
        self.pass_through(self.arg_parser.add_argument("--keep-sequences", choices=KINDS, help=SUPPRESS))

    def check_options(self) -> None:
        learning.check_sequences(self.options)
        if self.options.kind is not None and self.options.output_dir is None:
            raise UsageError(
                f"--as {self.options.kind}: writes files beside the figures, but the figures are printed; give -o DIR"
            )

    def columns(self) -> list[str]:
        return learning.with_target(self.options)

    def cures(self) -> dict[str, str]:
        return learning.SEQUENCE_CURES

    def notes(self, settled: Settled) -> list[str]:
        return learning.leak_of(self.options)

    def figures(self) -> dict[str, Any]:
        return learning.figures_of(self.options)

    def survey(self) -> Surveys | None:
        return partial(Apart, must=self.options.gap is None and not self.options.across)

    def task_arguments(self, folder: Path) -> list[str]:
        kept = self.options.output_dir is not None
        return ["--keep-sequences", self.options.kind or KINDS[0]] if kept else []

    def reduce_surveyed(self, bars: Iterator[Known]) -> Iterator[bytes]:
        options, dated = self.options, self.dated
        trading = learning.trading_of(options, dated, self.settled.calendar)
        plan, names = learning.plan_of(options, dated, trading), learning.inputs_of(options)
        return sequence_lines(bars, plan, options.keep_sequences, names, dated, self.running.count)

    def check_counts(self, counts: Counter[str]) -> None:
        learning.check_counted(self.options, counts, incomplete_rows(counts) + counts[INCOMPLETE])

    def report(self, counts: Counter[str]) -> None:
        say(*(f"warning: {text}" for text in learning.warnings_of(counts)))
        super().report(counts)

    def description(self) -> dict[str, Any]:
        return super().description() | {"sequences": learning.sequences_described(self.options)}


if __name__ == "__main__":
    Sequences.run()
