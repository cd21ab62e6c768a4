"""Every row that is invalid or lacks a needed value, as JSON: its file, the reason, its text."""

from collections import Counter
from collections.abc import Iterator, Sequence

from windrow.bars.columns import Bars
from windrow.bars.examples import expected_number, expected_time
from windrow.console import say
from windrow.feeds.forms import told_once
from windrow.feeds.settle import Settled
from windrow.mapreduce.barjob import BarJob
from windrow.mapreduce.counters import rejected_rows
from windrow.sinks.fields import Field
from windrow.sinks.rejected import FIELDS, rejected_lines


class Rejects(BarJob):
    r"""One line per such row. Its text is cut at 1 KiB; bytes that are not UTF-8 are written as \xNN."""

    map_only = True
    keep_texts = True

    def add_options(self) -> None:
        group = self.add_group("Invalid rows")
        group.add("--column NAME,...", "columns that must hold a value (default close)", default="close")

    def columns(self) -> list[str]:
        return list(self.options.column.split(","))

    def fields(self) -> Sequence[Field]:
        return FIELDS

    def map_bars(self, bars: Bars, source: str) -> Iterator[bytes]:
        return rejected_lines(bars.texts, source)

    def notes(self, settled: Settled) -> list[str]:
        layouts = settled.inputs.items()
        return told_once({path: f"expected {expected_time(one)}, {expected_number(one)}" for path, one in layouts})

    def judge(self, counts: Counter[str], conflicts: Sequence[str]) -> None:
        """Any number of invalid rows is a result here, none too."""

    def report(self, counts: Counter[str]) -> None:
        if not self.options.quiet:
            say(rejected_rows(counts))


if __name__ == "__main__":
    Rejects.run()
