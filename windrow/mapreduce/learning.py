"""What jobs that learn have in common: columns that inputs may lack, and the outcomes of all models, summed up."""

from collections import Counter

from windrow.console import say
from windrow.learn import training_options as learning
from windrow.learn.evaluation import told_outcomes
from windrow.mapreduce.rounds import RoundsJob


class LearningJob(RoundsJob):
    """A job that trains networks, and says what they are worth."""

    def cures(self) -> dict[str, str]:
        """What a user can do where prices are not adjusted."""
        return learning.CURES

    def report(self, counts: Counter[str]) -> None:
        """Prints how many models beat the last value, and the summary."""
        if not self.options.quiet:
            say(*told_outcomes(counts))
        super().report(counts)
