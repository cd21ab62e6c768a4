"""Bars of every symbol made larger: minutes to hours, days, weeks and months, in sessions of an exchange."""

from windrow.mapreduce.barjob import BarJob
from windrow.windows.resample import Resampling
from windrow.windows.views import VALUES, VIEWS, View, Whole, view_of

NAMES = (
    "values of a larger bar: open, high, low, close, adj_close, volume, vwap, bars, or first_, last_, min_, max_, sum_"
    f" or mean_NAME of a column NAME (default {','.join(VALUES)})"
)
VIEW = (
    "a preset: day (days of those and mean_adj_close), or week or month (the mean of each day's mean_adj_close, and how"
    " many days)"
)


class Resample(BarJob):
    """One line per larger bar, SYMBOL<tab>TIME<tab>VALUE..., with one value for each of --values."""

    no_lines = "no larger bar: no bar was in a session"
    resampled_to = "1d"
    keeps_incomplete = True

    def add_options(self) -> None:
        group = self.add_group("Values")
        group.add("--values NAME,...", NAMES)
        group.add("--view VIEW", VIEW, choices=list(VIEWS))

    def view(self) -> View:
        """The larger bars asked for."""
        return view_of(self.options.view, self.options.values, self.options.resample)

    def columns(self) -> list[str]:
        return self.view().values

    def cures(self) -> dict[str, str]:
        cure = "choose others with --values, e.g. --values close,bars, or if it is there by another name, use --rename"
        return dict.fromkeys(["open", "high", "low", "close", "adj_close", "volume"], cure)

    def output_names(self) -> list[str]:
        return list(self.view().names)

    def resamplings(self) -> list[Resampling]:
        return self.view().labelled(*super().resamplings())

    def kernel(self) -> Whole:
        return Whole()


if __name__ == "__main__":
    Resample.run()
