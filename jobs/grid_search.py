"""Settings of a forecast's network, each combination tried by a task of its own; the best one is refitted."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, BinaryIO

from sort_keys.merge import Stretch
from windrow.learn import training_options as learning
from windrow.learn.forecasting import Plan
from windrow.learn.tuning import try_combination
from windrow.mapreduce.learning import LearningJob
from windrow.mapreduce.rounds import Rounds
from windrow.sinks import forecasts


class GridSearch(LearningJob):
    """One line per symbol, SYMBOL<tab>JSON, as of `windrow forecast`, with the settings that have the smallest error on
    walks through the training part; with -o DIR, the table of all combinations and the models beside.
    """

    def add_options(self) -> None:
        learning.add_problem(self.add_group("Forecasts"))
        learning.add_search(self.add_group("Settings"))
        learning.add_recipe(self.add_group("Training"), tuned=True)

    def check_options(self) -> None:
        learning.check_search(self.options, self.submission.is_here)

    @cached_property
    def plan(self) -> Plan:
        """What is forecast, with settings to be replaced."""
        return learning.search_plan(self.options)

    def in_rounds(self) -> bool:
        return True

    def write_rows(self, stretches: Iterator[Stretch], counts: Counter[str]) -> None:
        series = forecasts.whole(stretches, self.dated, counts)
        forecasts.write_bars(self.plan_of_task, learning.grid_of(self.options), series, counts)

    def rounds(self, rows: Sequence[str]) -> Rounds:
        return forecasts.search(self.plan, learning.grid_of(self.options), rows, self.options.early_stop)

    def work(self, asked: Any, rows: Iterator[BinaryIO]) -> bytes:
        return try_combination(self.plan_of_task, learning.grid_of(self.options), asked, rows, self.spent())

    def finish(self, asked: Any, rows: Iterator[BinaryIO], counts: Counter[str]) -> Iterator[bytes]:
        how = self.state, asked["first"], forecasts.Beside(form=self.form), counts, self.spent()
        return forecasts.refitted_lines(self.plan_of_task, rows, *how)


if __name__ == "__main__":
    GridSearch.run()
