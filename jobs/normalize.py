"""Columns of every symbol, each scaled by its own least and largest value, deviation or quartiles, or as returns."""

from argparse import SUPPRESS
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from windrow.console import say
from windrow.learn import options as scaling
from windrow.learn.normalizing import Fitting
from windrow.mapreduce.barjob import BarJob
from windrow.mapreduce.slices import Lines
from windrow.mapreduce.survey import Known, Surveys
from windrow.sinks import normalized as scales


class Normalize(BarJob):
    """One line per bar, SYMBOL<tab>TIME<tab>VALUE..., its columns scaled; the scales are beside them in -o DIR."""

    no_lines = "no output: the first bar of a symbol has no return; give more bars, or another --method"

    def add_options(self) -> None:
        scaling.add_scaling(self.add_group("Scaling"))
        self.add_file_arg("--scales-file", help=SUPPRESS)
        for name in scales.HIDDEN:
            self.pass_through(self.arg_parser.add_argument(name, action="store_true", help=SUPPRESS))

    def complete_options(self) -> None:
        if self.inverts:
            scaling.complete_inverse(self.options, *scales.kept(self.options.inverse))

    def check_options(self) -> None:
        scaling.check_scaling(self.options)

    def columns(self) -> list[str]:
        return scaling.columns_of(self.options)

    def cures(self) -> dict[str, str]:
        return scaling.CURES

    def output_names(self) -> list[str]:
        return self.columns()

    @property
    def inverts(self) -> bool:
        """Whether values are taken back; tasks see it by the file of scales."""
        return bool(self.options.inverse or self.options.scales_file)

    def survey(self) -> Surveys | None:
        return None if self.inverts else self.fitting

    def fitting(self) -> Fitting:
        """Fits the scales of a symbol's columns."""
        before = scaling.fit_before(self.options, self.dated)
        return Fitting(self.columns(), scaling.method_of(self.options), before, TemporaryFile)

    def task_arguments(self, folder: Path) -> list[str]:
        more = ["--keep-scales"] if self.submission.output is not None else []
        if self.inverts:
            more = scales.arguments(self.options.inverse, folder, self.options.escaped)
        return ["--column", ",".join(self.columns()), *more]

    def table(self, bars: Iterator[Known]) -> Iterator[Lines]:
        if self.inverts:
            return scales.taken_back(bars, self.columns(), self.options.scales_file, self.options.escaped)
        kept, count = self.form if self.options.keep_scales else None, self.running.count
        return scales.scaled_lines(bars, self.columns(), self.dated, kept, count)

    def report(self, counts: Counter[str]) -> None:
        say(*(f"warning: {text}" for text in scales.warnings_of(counts)))
        super().report(counts)

    def description(self) -> dict[str, Any]:
        return super().description() | ({"inverse": True} if self.inverts else scaling.described(self.options))


if __name__ == "__main__":
    Normalize.run()
