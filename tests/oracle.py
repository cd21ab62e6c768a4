"""Whole jobs in the plainest arithmetic: dicts, `sorted` and `fractions`, one bar after another."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def printed(x: float) -> Fraction:
    """The number that x stands for: DESIGN section 6, said in the plainest words."""
    for unit in (10**6, 10**9):
        q = round(float(x) * unit)
        if abs(q) < 2**53 and q / unit == x:
            return Fraction(q, unit)
    return Fraction(float(x))


def moving_means(bars, window):
    """Lines (symbol, time, mean) of a count or time window over bars (symbol, datetime, text of the value).

    `window` is a number of bars, or a timedelta: then the bars with t - window < time <= t, from the first bar on at
    which that much time has passed since the symbol's first.
    """
    lines = []
    for symbol in {bar[0] for bar in bars}:
        series = sorted({(time, Fraction(text)) for name, time, text in bars if name == symbol})
        for at, (time, _) in enumerate(series):
            held = [value for then, value in series[: at + 1] if _reaches(window, at, time, then, series)]
            if held:
                lines.append((symbol, time, float(sum(held) / len(held))))
    return sorted(lines)


def _reaches(window, at, time, then, series):
    if isinstance(window, timedelta):
        return time - series[0][0] >= window and then > time - window
    return at + 1 >= window and then in [t for t, _ in series[at + 1 - window : at + 1]]


def read_lines(lines):
    """Output lines (bytes) as sorted (symbol, time, value)."""
    return sorted(
        (symbol.decode(), _time(time.decode()), float(value))
        for symbol, time, value in (line.split(b"\t") for line in lines)
    )


def _time(text):
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
