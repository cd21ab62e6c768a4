"""Sectors of many symbols: indices, moving averages, volatility and breadth, by a file of constituents."""

from argparse import SUPPRESS
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from sort_keys.merge import Stretch
from windrow.feeds.settle import Settled
from windrow.mapreduce.barjob import BarJob
from windrow.market import options as sectors
from windrow.market.constituents import Clock, Constituents
from windrow.market.sectors import Members, Windows, sector_lines
from windrow.sinks.fields import Field


class Sectors(BarJob):
    """One line per sector and time, SECTOR<tab>TIME<tab>VALUE..., named in -o DIR, which lists the symbols too."""

    no_lines = "no output: no bar is of a symbol at a time at which it was in a sector; check date_added"

    def add_options(self) -> None:
        sectors.add_to(self.add_group("Sectors", settled=True))
        self.add_file_arg("--members-file", help=SUPPRESS)
        self.pass_through(self.arg_parser.add_argument("--list-symbols", action="store_true", help=SUPPRESS))

    def check_options(self) -> None:
        self.windows()
        _ = self.constituents

    def columns(self) -> list[str]:
        return [self.options.column, *([] if self.options.equal else ["volume"])]

    def cures(self) -> dict[str, str]:
        return sectors.CURES

    def windows(self) -> Windows:
        """The windows of averages and volatility."""
        return sectors.windows_of(self.options)

    @cached_property
    def constituents(self) -> Constituents:
        """Who is in which sector, when."""
        return sectors.constituents_of(self.options)

    def fields(self) -> Sequence[Field]:
        return self.windows().fields

    def clock(self) -> Clock:
        """What days are to the bars."""
        return Clock(self.dated, self.options.timezone)

    def task_arguments(self, folder: Path) -> list[str]:
        return sectors.task_arguments(self.constituents, folder, listed=self.submission.output is not None)

    def reduce_bars(self, stretches: Iterator[Stretch]) -> Iterator[bytes]:
        members = Members(self.constituents, self.windows(), self.clock(), self.settled.slots)
        yield from members.lines(stretches)
        self.running.count(Counter({sectors.OUTSIDE: members.outside}))

    def unites(self) -> bool:
        return True

    def unite(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        told = sectors.Told.of(self.options, self.constituents, self.running.report)
        return sector_lines(lines, self.constituents, self.windows(), self.clock(), told.symbols)

    def notes(self, settled: Settled) -> list[str]:
        return sectors.notes_of(self.options, settled.unadjusted)

    def report(self, counts: Counter[str]) -> None:
        sectors.tell(self.options, counts)
        super().report(counts)


if __name__ == "__main__":
    Sectors.run()
