"""How the tables of a data catalog grow: averages, steps, projections, days until a limit, and alerts."""

from argparse import SUPPRESS
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from windrow.catalog.growth import options as growth
from windrow.catalog.growth.standings import Asked, Standings
from windrow.feeds.settle import Settled
from windrow.mapreduce.barjob import BarJob
from windrow.mapreduce.slices import Lines
from windrow.mapreduce.survey import Known


class CatalogGrowth(BarJob):
    """One line per table and day, SYMBOL<tab>DAY<tab>VALUE..., with a projection on each table's last day; the inputs
    are snapshots of `windrow catalog collect`.
    """

    takes_unknown = True
    no_lines = "no output: no table has a size on any day; column unmeasured of the snapshots says why"

    def add_options(self) -> None:
        growth.add_to(self.add_group("Growth", settled=True))
        self.add_file_arg("--growth-file", help=SUPPRESS)

    def complete_options(self) -> None:
        growth.take_snapshots(self.options)

    def check_options(self) -> None:
        _ = self.asked

    @cached_property
    def asked(self) -> Asked:
        """What is asked of tables."""
        return growth.asked_of(self.options)

    def columns(self) -> list[str]:
        return list(dict.fromkeys(growth.columns_of(self.options, self.asked)))

    def cures(self) -> dict[str, str]:
        return growth.CURES

    def output_names(self) -> list[str]:
        return self.asked.growing.names

    def task_arguments(self, folder: Path) -> list[str]:
        return growth.task_arguments(self.options, folder)

    def table(self, bars: Iterator[Known]) -> Iterator[Lines]:
        last = growth.last_day(self.settled) if self.asked.last is None else self.asked.last
        places = [self.columns().index(name) for name in growth.columns_of(self.options, self.asked)]
        standings = Standings(replace(self.asked, last=last), places, self.dated, self.form)
        yield from standings.lines(stretch for stretch, _ in bars)
        self.running.count(standings.counts)

    def notes(self, settled: Settled) -> list[str]:
        return growth.notes_of(self.asked, settled)

    def report(self, counts: Counter[str]) -> None:
        growth.tell(self.options, self.asked, counts)
        super().report(counts)

    def description(self) -> dict[str, Any]:
        return super().description() | growth.described(self.options)


if __name__ == "__main__":
    CatalogGrowth.run()
