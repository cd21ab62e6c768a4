"""Made-up minute bars of a latent log price: a random walk, or autoregression with a season; and CSV files of them."""

import numpy as np

COLUMNS = ("adj_close", "close", "high", "low", "open", "volume")
HEADER = "symbol,timestamp,open,high,low,close,adj_close,volume"
MINUTE = 60_000_000_000
START = 1_704_205_800_000_000_000  # 2024-01-02T14:30


def made(bars, kind, seed=0):
    """Times (ns) and the six columns, of `ar` or `rw`."""
    random, t = np.random.default_rng(seed), np.arange(bars)
    if kind == "rw":
        log = 4.6 + np.cumsum(random.normal(0, 6e-4, bars))
    else:
        noise, state = random.normal(0, 1e-3, bars), np.zeros(bars)
        for i in range(2, bars):
            state[i] = 1.2 * state[i - 1] - 0.35 * state[i - 2] + noise[i]
        log = 4.6 + state + 0.01 * np.sin(2 * np.pi * t / 39)
    close = np.round(np.exp(log), 6)
    opened = np.r_[close[0], close[:-1]]
    high = np.maximum(opened, close) * (1 + abs(random.normal(0, 2e-4, bars)))
    low = np.minimum(opened, close) * (1 - abs(random.normal(0, 2e-4, bars)))
    volume = random.poisson(3000, bars).astype(float)
    return START + t * MINUTE, [close, close.copy(), np.round(high, 6), np.round(low, 6), opened, volume]


def rows(symbol, times, columns):
    """The rows of a CSV file with HEADER."""
    adjusted, close, high, low, opened, volume = columns
    stamps = np.datetime_as_string(times.astype("datetime64[ns]"), unit="s")
    fields = zip(stamps, opened, high, low, close, adjusted, volume, strict=True)
    return [f"{symbol},{stamp}Z," + ",".join(map(repr, map(float, rest))) for stamp, *rest in fields]


def write(path, symbols, bars):
    """Writes a file of symbols, each of a kind; returns its path."""
    lines = [HEADER]
    for seed, (symbol, kind) in enumerate(symbols.items()):
        lines += rows(symbol, *made(bars, kind, seed))
    path.write_text("\n".join([*lines, ""]))
    return path
