"""The next value of a column, forecast for every symbol by an LSTM, and what that is worth beside simple forecasts."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, BinaryIO

from sort_keys.merge import Stretch
from windrow.feeds.settle import Settled
from windrow.learn import training_options as learning
from windrow.learn.forecasting import Plan
from windrow.learn.models import Model, saved
from windrow.learn.together import train_share
from windrow.mapreduce.learning import LearningJob
from windrow.mapreduce.rounds import Rounds
from windrow.sinks import forecasts


class Forecast(LearningJob):
    """One line per symbol, SYMBOL<tab>JSON: errors of the network and of simple forecasts on the same test, in figures
    and in words, the last forecasts of that test, and the next one; with -o DIR, the models beside.
    """

    without_rounds = ", or leave --global out"

    def add_options(self) -> None:
        learning.add_problem(self.add_group("Forecasts"))
        learning.add_recipe(self.add_group("Training"))
        learning.add_ways(self.add_group("Models"))

    def check_options(self) -> None:
        learning.check_ways(self.options, self.submission.is_here)

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """The models to apply, by symbol; none: they are trained."""
        return forecasts.models_of(self.options.apply, self.state if self.is_task() else None)

    @cached_property
    def plan(self) -> Plan:
        return learning.plan_of(self.options, self.models)

    def sent(self) -> bytes | None:
        return saved(list(self.models.values())) if self.models else None

    @property
    def beside(self) -> forecasts.Beside:
        """How a task writes what is beside its lines."""
        return forecasts.Beside(self.options.keras, self.form)

    def reduce_whole(self, stretches: Iterator[Stretch], counts: Counter[str]) -> Iterator[bytes]:
        series = forecasts.whole(stretches, self.dated, counts)
        if self.models:
            return forecasts.apply_lines(self.plan_of_task, self.models, series, counts, self.spent())
        return forecasts.forecast_lines(self.plan_of_task, series, self.beside, counts, self.spent())

    def in_rounds(self) -> bool:
        return bool(self.options.together)

    def write_rows(self, stretches: Iterator[Stretch], counts: Counter[str]) -> None:
        forecasts.write_shares(self.plan_of_task, forecasts.whole(stretches, self.dated, counts), counts)

    def rounds(self, rows: Sequence[str]) -> Rounds:
        return forecasts.training(self.plan, rows)

    def work(self, asked: Any, rows: Iterator[BinaryIO]) -> bytes:
        return train_share(self.plan, asked, rows, self.state, self.spent())

    def finish(self, asked: Any, rows: Iterator[BinaryIO], counts: Counter[str]) -> Iterator[bytes]:
        first, beside = asked["first"], self.beside
        return forecasts.global_lines(self.plan, rows, self.state, first, beside, counts, self.spent())

    def notes(self, settled: Settled) -> list[str]:
        return self.plan.notes


if __name__ == "__main__":
    Forecast.run()
