"""Whole jobs in plain arithmetic: dicts, `sorted` and `fractions`, one bar after another."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def printed(x: float) -> Fraction:
    """The number that x represents: the shortest decimal that reads back to it, which is what `repr` prints."""
    return Fraction(repr(float(x)))


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


def exact_line(text, times, prices):
    """An exact indicator, e.g. `sma:3` or `max:7d`, or `close`: a Fraction per bar, None where not full."""
    kind, _, window = text.partition(":")
    if not window:
        return prices
    days = timedelta(days=int(window[:-1])) if window.endswith("d") else None
    values = []
    for at, time in enumerate(times):
        if days is None:
            full, held = at + 1 >= int(window), prices[max(0, at + 1 - int(window)) : at + 1]
        else:
            full = time - times[0] >= days
            held = [price for then, price in zip(times, prices, strict=True) if time - days < then <= time]
        values.append(_EXACT[kind](held) if full else None)
    return values


_EXACT = {
    "sma": lambda held: sum(held) / len(held),
    "wma": lambda held: sum(n * price for n, price in enumerate(held, 1)) / sum(range(len(held) + 1)),
    "sum": sum,
    "min": min,
    "max": max,
}


def exact_crosses(bars, fast, slow):
    """Crosses (symbol, time, golden|death, price, fast, slow) of two exact lines over bars as for `moving_means`.

    The sign of fast - slow, each exact and rounded once, as written, against the one it had when it was last not zero,
    while both were full.
    """
    lines = []
    for symbol in {bar[0] for bar in bars}:
        series = sorted({(time, Fraction(text)) for name, time, text in bars if name == symbol})
        times, prices = [time for time, _ in series], [price for _, price in series]
        was_above = None
        for row in zip(times, prices, *(exact_line(text, times, prices) for text in (fast, slow)), strict=True):
            if None not in row and float(row[2]) != float(row[3]):
                is_above = float(row[2]) > float(row[3])
                if was_above is not None and is_above != was_above:
                    lines.append((symbol, row[0], "golden" if is_above else "death", *map(float, row[1:])))
                was_above = is_above
    return sorted(lines)


def read_crosses(lines):
    """Output lines (bytes) of one pair as sorted (symbol, time, golden|death, price, fast, slow)."""
    fields = (line.decode().split("\t") for line in lines)
    return sorted((row[0], _time(row[1]), row[2], *map(float, row[3:])) for row in fields)
