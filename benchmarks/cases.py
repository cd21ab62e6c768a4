"""What is measured: which bars, and which work on them."""

from dataclasses import dataclass
from itertools import product

from windrow.sample.bars import Sample

MILLION = 1_000_000
#: Bars on which a program does next to nothing but start; tables have such cases apart.
START = 1_000
SIZES = (START, 1 * MILLION, 5 * MILLION, 25 * MILLION)

#: Shapes of a number of bars: how tables name them, and the generator's options.
SHAPES = {
    "time": "minutes, by time",
    "symbol": "minutes, by symbol",
    "shuffled": "minutes, shuffled",
    "short": "minutes, 100 bars a symbol",
    "daily": "days, by time",
}
#: Shapes that each work is done on: three indicators on days, so that 30 of them hold some bars, and one, to compare.
WORK_SHAPES = (("one", "time"), ("one", "symbol"), ("one", "shuffled"), ("one", "short"), ("one", "daily"),
               ("three", "daily"))  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Some work on some number of bars of a shape."""

    work: str
    shape: str
    bars: int

    @property
    def title(self):
        """How tables name it."""
        number = f"{self.bars // MILLION} million" if self.bars % MILLION == 0 else f"{self.bars:,}"
        return f"{number}, {SHAPES[self.shape]}" + (", three indicators" if self.work == "three" else "")

    @property
    def sample(self):
        """The bars: 500 symbols by the minute, or so many of 100 bars, or of 10,000 days, as there must be."""
        if self.shape == "short":
            return Sample(symbols=self.bars // 100, bars=100, spacing="1min")
        if self.shape == "daily":
            return _sample(self.bars, max(1, self.bars // 10_000), "bd", "time")
        return _sample(self.bars, min(500, max(1, self.bars // 1_000)), "1min", self.shape)


def _sample(bars, symbols, spacing, order):
    return Sample(symbols=symbols, bars=bars // symbols, spacing=spacing, order=order)


def choose(sizes, shapes, works):
    """The cases of these sizes, shapes and works, those on the same bars beside each other."""
    return [
        Case(work, shape, bars)
        for bars, (work, shape) in product(sizes, WORK_SHAPES)
        if shape in shapes and work in works and not (shape == "short" and bars > 5 * MILLION)
        if bars > START or (work, shape) == ("one", "time")
    ]
