"""What is told of a run: from totals of the size of the runs."""

from typing import Any, NamedTuple

import numpy as np

from windrow.rounding import Floats


class Moments(NamedTuple):
    """Of the returns from one bar's value to the next: their number, and (runs,) arrays; population moments."""

    count: int
    mean: Floats
    std: Floats
    skewness: Floats
    kurtosis: Floats

    @classmethod
    def of(cls, count: int, sums: Floats) -> "Moments":
        """From sums of powers 1..4, (4, runs)."""
        with np.errstate(all="ignore"):
            m, m2, m3, m4 = sums / count
            var = np.maximum(m2 - m * m, 0)
            third = m3 - 3 * m * m2 + 2 * m**3
            fourth = m4 - 4 * m * m3 + 6 * m * m * m2 - 3 * m**4
            return cls(count, m, np.sqrt(var), third / var**1.5, fourth / var**2)


class Totals:
    def __init__(self, cash: float, runs: int) -> None:
        self.cash, self.bars, self.first_close, self.last_close = cash, 0, 0.0, 0.0
        for name in ("traded", "largest", "closed_pnl", "mean", "squares", "drawdown", "drawdown_pct", "value_sum"):
            setattr(self, name, np.zeros(runs))
        for name in (
            "total",
            "closed",
            "won",
            "win",
            "lose",
            "win_streak",
            "lose_streak",
            "drawdown_bars",
            "held_bars",
        ):
            setattr(self, name, np.zeros(runs, np.int64))
        self.years: list[Floats] = []

    def close_trades(self, closed: Any, pnl: Floats) -> None:
        won = closed & (pnl >= 0)
        lost = closed & ~won
        self.closed += closed
        self.won += won
        self.win = np.where(closed, (self.win + 1) * won, self.win)
        self.lose = np.where(closed, (self.lose + 1) * lost, self.lose)
        self.win_streak = np.maximum(self.win_streak, self.win)
        self.lose_streak = np.maximum(self.lose_streak, self.lose)
        self.closed_pnl += np.where(closed, pnl, 0.0)
        delta = np.where(closed, pnl - self.mean, 0.0)
        self.mean += delta / np.maximum(self.closed, 1)
        self.squares += np.where(closed, delta * (pnl - self.mean), 0.0)


FIELDS = (
    "pnl", "final_value", "trades_total", "trades_open", "trades_closed", "won", "lost", "strike_rate", "win_streak",
    "lose_streak", "closed_pnl", "sharpe", "sortino", "sqn", "max_drawdown_pct", "max_drawdown", "max_drawdown_bars",
    "return", "exposure", "turnover", "buy_and_hold",
)  # fmt: skip
_TARGET = 0.01


def figures(t: Any, value: Floats, holds: Any, years: list[Floats]) -> list[dict[str, Any]]:
    with np.errstate(all="ignore"):
        y = np.array(years)
        excess = y - _TARGET
        mean = excess.mean(axis=0)
        dev = np.sqrt(((excess - mean) ** 2).mean(axis=0))
        dev = np.where(y.min(axis=0) == y.max(axis=0), 0, dev)
        down = np.sqrt((np.minimum(excess, 0) ** 2).mean(axis=0))
        sd = np.sqrt(t.squares / t.closed)
        sd = np.where(sd <= t.largest * 2**-48, 0, sd)
        sqn = np.where(t.closed < 2, 0.0, np.sqrt(t.closed) * t.mean / sd)
        columns = {
            "pnl": value - t.cash, "final_value": value, "trades_total": t.total, "trades_open": holds.astype(int),
            "trades_closed": t.closed, "won": t.won, "lost": t.closed - t.won, "strike_rate": t.won / t.closed,
            "win_streak": t.win_streak, "lose_streak": t.lose_streak, "closed_pnl": t.closed_pnl,
            "sharpe": mean / dev, "sortino": mean / down, "sqn": sqn, "max_drawdown_pct": t.drawdown_pct,
            "max_drawdown": t.drawdown, "max_drawdown_bars": t.drawdown_bars, "return": value / t.cash - 1,
            "exposure": t.held_bars / t.bars, "turnover": t.traded / (t.value_sum / t.bars),
            "buy_and_hold": np.full(len(value), t.last_close / t.first_close - 1),
        }  # fmt: skip
    rows = []
    for row in zip(*(columns[name].tolist() for name in FIELDS), strict=True):
        told: dict[str, Any] = {
            name: v if isinstance(v, int) or np.isfinite(v) else None for name, v in zip(FIELDS, row, strict=True)
        }
        undefined = {name: "undefined" for name in FIELDS if told[name] is None}
        if undefined:
            told["undefined"] = undefined
        rows.append(told)
    return rows
