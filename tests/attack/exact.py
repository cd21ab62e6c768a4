"""A campaign against exactness: random series of every kind of number, beside `Fraction(repr(x))`.

What a kernel returns must be the exact rational of the numbers as `repr` prints them, rounded once, whatever the
pushes, blocks and neighbours: sums, averages, weighted averages, those of sweeps, and the crosses of two of them or of
the price. Deviations are within a unit in the last place.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from itertools import accumulate

import numpy as np

from sort_keys.blocks import Columns, write_blocks
from sort_keys.merge import Merge
from sort_keys.slots import Slots
from windrow.sweeps.averages import averages
from windrow.sweeps.grid import Axis
from windrow.trading.signals import Signals, parse_pairs
from windrow.windows import Options, parse_indicator

SMALLEST, LARGEST = 1e-15, 1e15
MOST_BARS = 60
DIGITS = Context(prec=60)

Rng = np.random.Generator
Values = np.ndarray


def printed(rng: Rng, bars: int, digits: Sequence[int], powers: tuple[int, int]) -> Values:
    """Numbers of so many digits, the first of which has one of these powers of ten."""
    counts = rng.choice(digits, bars).tolist()
    firsts = rng.integers(powers[0], powers[1] + 1, bars).tolist()
    texts = []
    for count, first in zip(counts, firsts, strict=True):
        mantissa = int(rng.integers(10 ** (count - 1), 10**count))
        texts.append(f"{mantissa}e{first - count + 1}")
    return np.array([float(text) for text in texts])


def ties(rng: Rng, bars: int) -> Values:
    """Few small numbers of one unit: their averages are often equal."""
    power = rng.integers(-15, 14)
    return np.array([float(f"{n}e{power}") for n in rng.integers(1, 5, bars)])


def beside(rng: Rng, bars: int) -> Values:
    """The float64s beside short numbers, which print with 16 or 17 digits, and powers of two."""
    short = printed(rng, bars, range(1, 8), (-14, 14))
    powers = 2.0 ** rng.integers(-49, 50, bars)
    return np.nextafter(np.where(rng.random(bars) < 0.8, short, powers), rng.choice([0.0, np.inf], bars))


KINDS: dict[str, Callable[[Rng, int], Values]] = {
    "cents": lambda rng, bars: np.round(rng.uniform(0.01, 999, bars), 2),
    "cents above 9e9": lambda rng, bars: np.round(rng.uniform(9e9, 9e12, bars), 2),
    "8 places": lambda rng, bars: np.round(rng.uniform(1e-8, 70_000 * 10.0 ** rng.integers(0, 4), bars), 8),
    "tokens": lambda rng, bars: printed(rng, bars, range(1, 12), (-10, -5)),
    "1 to 17 digits": lambda rng, bars: printed(rng, bars, range(1, 18), (-15, 14)),
    "16 digits": lambda rng, bars: printed(rng, bars, [16], tuple(np.sort(rng.integers(-15, 15, 2)).tolist())),
    "17 digits of a price": lambda rng, bars: rng.uniform(1, 999, bars),
    "any bits": lambda rng, bars: 10 ** rng.uniform(-15, 15, bars),
    "single floats": lambda rng, bars: (10 ** rng.uniform(-6, 6, bars)).astype(np.float32).astype(np.float64),
    "volumes": lambda rng, bars: np.rint(10 ** rng.uniform(0, 15, bars)),
    "spikes": lambda rng, bars: rng.choice([LARGEST, SMALLEST, 1e12, 1e-9], bars),
    "zeros": lambda rng, bars: np.zeros(bars),
    "ties": ties,
    "beside": beside,
}


def series(rng: Rng) -> Values:
    """Bars of one to three kinds, some of them negative."""
    bars = int(rng.integers(1, MOST_BARS + 1))
    kinds = rng.choice(list(KINDS), rng.integers(1, 4))
    choices = np.array([KINDS[kind](rng, bars) for kind in kinds])
    x = choices[rng.integers(0, len(kinds), bars), np.arange(bars)]
    x[(np.abs(x) < SMALLEST) & (x != 0)], x[np.abs(x) > LARGEST] = SMALLEST, LARGEST
    return x * rng.choice([1, -1], bars, p=[0.7, 0.3]) if rng.random() < 0.3 else x


def through_blocks(rng: Rng, x: Values) -> Values:
    """The values as a reducer gets them, from blocks in any order."""
    bars = Columns(["A"], np.array([0]), np.arange(len(x)), [x])
    lines = list(write_blocks(bars, Slots(10**18), int(rng.integers(1, 70))))
    stretches = Merge(1).stretches(line.rstrip(b"\n") for line in sorted(lines))
    return np.concatenate([stretch.values[0] for stretch in stretches])


def pushes(rng: Rng, x: Values) -> Iterator[tuple[np.ndarray, Values, np.ndarray]]:
    """The bars as what `Kernel.push` takes, cut anywhere."""
    cuts = np.sort(rng.integers(0, len(x) + 1, rng.integers(0, 5)))
    for positions in np.split(np.arange(len(x)), cuts):
        starts = np.flatnonzero(positions == 0)
        yield positions, x[positions], starts


class Exact:
    """Windows of a series in fractions."""

    def __init__(self, x: Values) -> None:
        self.values = [Fraction(repr(value)) for value in x.tolist()]
        self.sums = list(accumulate(self.values, initial=Fraction(0)))
        self.squares = list(accumulate((value * value for value in self.values), initial=Fraction(0)))

    def line(self, kind: str, bars: int, least: int | None = None) -> list[float]:
        """An indicator at every bar, rounded once, NaN before the window has `least` bars, by default all."""
        least = bars if least is None else least
        full = range(least, len(self.values) + 1)
        return [np.nan] * min(least - 1, len(self.values)) + [self._window(kind, max(at - bars, 0), at) for at in full]

    def _window(self, kind: str, lo: int, hi: int) -> float:
        bars, total = hi - lo, self.sums[hi] - self.sums[lo]
        if kind == "wma":
            weighted = sum(k * value for k, value in enumerate(self.values[lo:hi], 1))
            return float(Fraction(weighted) / (bars * (bars + 1) // 2))
        if kind == "std":
            if bars == 1:
                return float("nan")
            variance = (bars * (self.squares[hi] - self.squares[lo]) - total**2) / (bars * (bars - 1))
            quotient = DIGITS.divide(Decimal(variance.numerator), Decimal(variance.denominator))
            return float(DIGITS.sqrt(quotient))
        return float(total) if kind == "sum" else float(total / bars)


def wrong_values(rng: Rng, x: Values, exact: Exact) -> tuple[int, int]:
    """An indicator of one kind, in pushes: how many values there are, and how many of them are wrong."""
    kind, bars = str(rng.choice(["sum", "sma", "wma", "std"])), int(rng.integers(1, len(x) + 2))
    least = int(rng.integers(1, bars + 1)) if kind in ("sum", "sma") and rng.random() < 0.5 else None
    kernel = parse_indicator(f"{kind}:{bars}").kernel(Options(min_periods=least))
    got = np.concatenate([kernel.push(*push) for push in pushes(rng, x)])
    wanted = np.array(exact.line(kind, bars, least))
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    if kind == "std":
        same |= np.abs(got - wanted) <= np.spacing(wanted)
    return len(x), len(x) - int(same.sum())


def wrong_averages(rng: Rng, x: Values, exact: Exact) -> tuple[int, int]:
    """The averages of a sweep, side by side."""
    windows = np.unique(rng.integers(1, len(x) + 2, 4)).tolist()
    lines = averages(Axis("sma", tuple(windows)), Options())
    got = np.concatenate([lines.push(times, values) for times, values, _ in pushes(rng, x)], axis=1)
    wanted = np.array([exact.line("sma", bars) for bars in windows])
    return wanted.size, wanted.size - int(((got == wanted) | (np.isnan(got) & np.isnan(wanted))).sum())


def wrong_crosses(rng: Rng, x: Values, exact: Exact) -> tuple[int, int]:
    """The crosses of two averages, or of the price and one: all bars of a series are wrong if one cross is."""
    fast = str(rng.choice(["close", "sma:1", "sma:2", "sma:3", "wma:2", "sum:1"]))
    slow = str(rng.choice(["sma:2", "sma:3", "sma:4", "sma:6", "wma:3", "wma:5"]))
    if fast == slow:
        slow = "sma:7"
    signals = Signals(parse_pairs([fast], [slow]))
    got, begin = [], 0
    for times, values, starts in pushes(rng, x):
        found = signals.push(times, values, starts=starts)
        got += zip((begin + found.positions).tolist(), found.signs.tolist(), strict=True)
        begin += len(values)
    lines = [x.tolist() if text == "close" else exact.line(*_parsed(text)) for text in (fast, slow)]
    return len(x), 0 if got == list(crosses(*lines)) else len(x)


def _parsed(text: str) -> tuple[str, int]:
    kind, _, bars = text.partition(":")
    return kind, int(bars)


def crosses(fast: Sequence[float], slow: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Where the sign of fast - slow is another than when it was last not 0, both lines being full since."""
    last = 0
    for at, (one, other) in enumerate(zip(fast, slow, strict=True)):
        sign = (one > other) - (one < other)
        if sign and last and sign != last:
            yield at, sign
        last = sign or last


def campaign(seed: int, seconds: float) -> tuple[int, int]:
    """Tries random series for so many seconds, one at least; how many values were tried, and how many were wrong."""
    rng = np.random.default_rng(seed)
    tried = wrong = 0
    end = time.monotonic() + seconds
    while not tried or time.monotonic() < end:
        x = series(rng)
        exact, bars = Exact(x), through_blocks(rng, x)
        for check in (wrong_values, wrong_averages, wrong_crosses):
            more, bad = check(rng, bars, exact)
            tried, wrong = tried + more, wrong + bad
    return tried, wrong
