"""What jobs that learn have in common: columns that inputs may lack, sessions, and what is said of all symbols."""

from collections import Counter

from windrow.console import say
from windrow.learn import training_options as learning
from windrow.learn.engine import Spent
from windrow.learn.evaluation import told_outcomes
from windrow.learn.forecasting import Plan
from windrow.learn.options import check_left_out, trading_of
from windrow.mapreduce.counters import incomplete_rows
from windrow.mapreduce.resampling import INCOMPLETE
from windrow.mapreduce.rounds import RoundsJob


class LearningJob(RoundsJob):
    """A job that trains networks, and says what they are worth."""

    of_figures = True
    without_resampling = "no sequence leaves a session"

    @property
    def plan(self) -> Plan:
        """What is forecast, and how it is learnt, by the options."""
        raise NotImplementedError

    @property
    def plan_of_task(self) -> Plan:
        """The same within the sessions that were settled, as tasks know them."""
        return self.plan.within(trading_of(self.options, self.dated, self.settled.calendar))

    def spent(self) -> Spent:
        """An account of this task's seconds, by which Hadoop hears of it: it ends tasks that are silent for long."""
        return Spent(show=self.show)

    def columns(self) -> list[str]:
        """What a network sees, and with it what is forecast."""
        return list(self.plan.problem.columns)

    def cures(self) -> dict[str, str]:
        """What a user can do where prices are not adjusted."""
        return learning.CURES

    def check_counts(self, counts: Counter[str]) -> None:
        """Raises InputError where no symbol has bars enough, or a sequence may pass over a day that was left out."""
        check_left_out(self.options, counts, incomplete_rows(counts) + counts[INCOMPLETE])
        learning.check_symbols(self.options, counts)

    def report(self, counts: Counter[str]) -> None:
        """Prints how many symbols are left out, and how many models beat the last value, and the summary."""
        say(*(f"warning: {text}" for text in learning.warnings_of(counts)))
        if not self.options.quiet:
            say(*told_outcomes(counts))
        super().report(counts)
