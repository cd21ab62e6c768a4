"""backtrader itself, run for run: every order, value and figure, on 200 generated series.

Where two averages come closer than 1e-12 of their size, backtrader's own rounding decides which is above; such series
are left out here, and compared with a backtest in fractions in tests/trading and tests/trading/test_backtests.py.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

import windrow
from windrow.trading.backtests import Rules

bt = pytest.importorskip("backtrader")

STATUS = {bt.Order.Completed: "filled", bt.Order.Submitted: "open", bt.Order.Accepted: "open"}


class Bars(bt.feed.DataBase):
    """A frame as a feed of backtrader's."""

    params = (("frame", None),)

    def start(self):
        super().start()
        self._rows = self.p.frame[["timestamp", "open", "close"]].itertuples(index=False)

    def _load(self):
        row = next(self._rows, None)
        if row is None:
            return False
        time, opened, close = row
        self.lines.datetime[0] = bt.date2num(time)
        self.lines.open[0], self.lines.close[0] = opened, close
        self.lines.high[0], self.lines.low[0] = max(opened, close), min(opened, close)
        return True


class Costs(bt.CommInfoBase):
    """Commission as a share of the money, and for each leg of an order, of which one that closes has but one."""

    params = (("share", 0.0), ("fee", 0.0), ("stocklike", True), ("commtype", bt.CommInfoBase.COMM_PERC))

    def _getcommission(self, size, price, pseudoexec):
        return abs(size) * self.p.share * price + self.p.fee


class Crossing(bt.Strategy):
    """The published strategy (DESIGN section 8), and its variants."""

    params = (("kind", "ema"), ("fast", 5), ("slow", 20), ("rules", None))

    def __init__(self):
        average = {"ema": bt.indicators.EMA, "sma": bt.indicators.SMA}[self.p.kind]
        self.fast, self.slow = average(period=self.p.fast), average(period=self.p.slow)
        self.cross = bt.indicators.CrossOver(self.fast, self.slow) if self.p.rules.entry == "cross" else None
        self.values, self.orders = [], []

    def prenext(self):
        self.values.append(self.broker.getvalue())

    def next(self):
        self.values.append(self.broker.getvalue())
        side = self.side()
        if side and side * self.position.size <= 0:
            opens = self.p.rules.side in ("both", "long" if side > 0 else "short")
            shares = float(self.p.rules.size) * opens + abs(self.position.size)
            if shares:
                self.orders.append((self.buy if side > 0 else self.sell)(size=shares))

    def side(self):
        if self.cross is not None:
            return self.cross[0]
        if not self.position:
            return 1 if self.fast[0] > self.slow[0] else -1
        return (self.fast[0] > self.slow[0]) - (self.fast[0] < self.slow[0])

    def ledger(self):
        """Orders as windrow writes them."""
        for order in self.orders:
            status = STATUS.get(order.status) or ("closed-only" if order.executed.size else "refused")
            done = order.executed if order.executed.size else order.created
            yield bt.num2date(done.dt).date(), "buy" if order.isbuy() else "sell", abs(done.size), done.price, status


def run_backtrader(frame, kind, fast, slow, rules):
    cerebro = bt.Cerebro(stdstats=False, runonce=False)  # run at once, it does not survive a series too short
    cerebro.adddata(Bars(frame=frame))
    cerebro.addstrategy(Crossing, kind=kind, fast=fast, slow=slow, rules=rules)
    cerebro.broker.setcash(rules.cash)
    cerebro.broker.addcommissioninfo(Costs(share=rules.commission, fee=rules.commission_per_order))
    cerebro.broker.set_slippage_perc(rules.slippage, slip_open=True, slip_out=True)
    cerebro.broker.set_coc(rules.fill == "close")
    for analyzer in ("SharpeRatio", "SQN", "DrawDown", "TradeAnalyzer"):
        cerebro.addanalyzer(getattr(bt.analyzers, analyzer), _name=analyzer)
    return cerebro.run()[0]


def figures_of(run, cash):
    """backtrader's figures by windrow's names."""
    result = {analyzer.__class__.__name__: analyzer.get_analysis() for analyzer in run.analyzers}
    trades, down = result["TradeAnalyzer"], result["DrawDown"]
    counts = trades if trades["total"]["total"] else None
    return {
        "pnl": run.values[-1] - cash,
        "final_value": run.values[-1],
        "trades_total": trades["total"]["total"],
        "trades_open": counts["total"]["open"] if counts else 0,
        **closed_trades(counts if counts and counts["total"].get("closed") else None),
        "bt_sharpe_annual": result["SharpeRatio"]["sharperatio"],
        "bt_sqn": result["SQN"]["sqn"],
        "bt_max_drawdown_pct": down["max"]["drawdown"],
        "bt_max_drawdown": down["max"]["moneydown"],
        "bt_max_drawdown_bars": down["max"]["len"],
    }


def closed_trades(trades):
    if trades is None:
        return dict.fromkeys(("trades_closed", "won", "lost", "win_streak", "lose_streak", "closed_pnl"), 0)
    return {
        "trades_closed": trades["total"]["closed"],
        "won": trades["won"]["total"],
        "lost": trades["lost"]["total"],
        "win_streak": trades["streak"]["won"]["longest"],
        "lose_streak": trades["streak"]["lost"]["longest"],
        "closed_pnl": trades["pnl"]["net"]["total"],
    }


def walk(number):
    """Bars of a generated series, averages, and rules. One in ten is too short, one in four has little cash."""
    random = np.random.default_rng(number)
    fast, slow = int(random.integers(2, 9)), int(random.integers(9, 24))
    bars = int(random.integers(60, 180)) if number % 10 else int(random.integers(1, slow + 2))  # too short
    level = random.choice([0.5, 8.0, 90.0, 700.0, 1_500.0])
    jumps = random.normal(0, 0.02, bars) + random.choice([0.0, 0.25, -0.2], bars, p=[0.96, 0.02, 0.02])  # gaps
    closes = level * np.exp(np.cumsum(jumps))
    opens = np.append(level, closes[:-1]) * np.exp(random.normal(0, 0.01 if number % 3 else 0.08, bars))
    days = np.cumsum(random.choice([1, 3, 40], bars, p=[0.78, 0.2, 0.02]))
    times = [pd.Timestamp(date(2015, 1, 1) + timedelta(days=int(day))) for day in days]
    prices = {"open": opens, "close": closes}
    frame = pd.DataFrame(
        {"timestamp": times} | {name: its.round(4 if level < 1 else 2) for name, its in prices.items()}
    )
    side = str(random.choice(["both", "long", "short"]))
    size, enough = float(random.choice([100, 10, 0.5])), float(random.choice([100_000, 20_000]))
    rules = Rules(
        size=size,
        cash=enough if number % 4 else round(float(size * level * random.uniform(0.8, 1.6)), 2),
        commission=float(random.choice([0, 0.001, 0.03])),
        commission_per_order=float(random.choice([0, 3, 40])) if side != "both" else 0.0,
        slippage=float(random.choice([0, 0, 0.002])),
        side=side,
        entry=str(random.choice(["state", "state", "cross"])),
    )
    return frame, str(random.choice(["ema", "sma"])), fast, slow, rules


def averages_are_apart(frame, kind, fast, slow):
    averages = windrow.moving_average(frame.drop(columns="open"), f"{kind}:{fast}", f"{kind}:{slow}").dropna()
    one, other = averages.iloc[:, 2], averages.iloc[:, 3]
    return bool(((one - other).abs() > 1e-12 * other.abs()).all())


def backtest(frame, kind, fast, slow, rules):
    return windrow.backtest(frame, f"{kind}:{fast}", f"{kind}:{slow}", traced=True, backtrader=True, **vars(rules))


def assert_same_orders(ours, theirs):
    assert len(ours) == len(theirs)
    rows = zip(ours.timestamp.dt.date, ours.side, ours["size"], ours.price, ours.status, strict=True)
    for (*found, size, price, status), (*expected, their_size, their_price, their_status) in zip(
        rows, theirs, strict=True
    ):
        assert [*found, status] == [*expected, their_status]
        assert (size, price) == pytest.approx((their_size, their_price), rel=1e-12)


def assert_same_figures(ours, theirs, values):
    why = ours.get("undefined")
    for name, expected in theirs.items():
        if name == "bt_max_drawdown_bars" and rounding_decides(values):
            continue
        if name == "bt_sharpe_annual" and ours["ruined"]:  # backtrader trades on, and divides by what is below 0
            assert np.isnan(ours[name]) or min(values[:-1]) > 0
            continue
        found = ours[name]
        if np.isnan(found):
            # What is not there for windrow is a division by what rounding leaves for backtrader, or by 0.
            assert expected is None or abs(expected) > 1e9, (name, why)
        elif name in ("bt_sharpe_annual", "bt_sqn"):  # small deviations are mostly rounding
            assert abs(found - expected) <= 1e-9 * max(1.0, abs(expected)) + 1e-12 * expected**2, name
        else:
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-6), name


def rounding_decides(values):
    """Whether some value misses its peak by rounding alone, which backtrader takes for a drawdown."""
    values = np.array(values)
    peaks = np.maximum.accumulate(values)
    return bool(((values < peaks) & (peaks - values < 1e-12 * peaks)).any())


@pytest.mark.parametrize("decade", range(20))
def test_every_order_value_and_figure_is_backtraders(decade):
    compared = 0
    for number in range(10 * decade, 10 * decade + 10):
        frame, *strategy, rules = walk(number)
        if averages_are_apart(frame, *strategy):
            compared += 1
            assert_same(backtest(frame, *strategy, rules), run_backtrader(frame, *strategy, rules), rules)
    assert compared >= 8


def assert_same(ours, run, rules):
    assert_same_orders(ours.orders, list(run.ledger()))
    assert ours.equity.value.to_numpy() == pytest.approx(np.array(run.values), rel=1e-12, abs=1e-7)
    assert_same_figures(ours.figures.iloc[0], figures_of(run, rules.cash), run.values)


def test_the_series_are_of_every_kind():
    """What the comparison is worth: orders of all four kinds, series without any, shorts below 0, long drawdowns."""
    status, none, below = set(), 0, 0
    for number in range(0, 200, 4):  # those with little cash
        result = backtest(*walk(number))
        status |= set(result.orders.status)
        none += result.orders.empty
        below += bool((result.equity.value < 0).any())
    assert status == {"filled", "closed-only", "refused", "open"} and none >= 5 and below >= 1


@pytest.mark.parametrize("number", [number for number in range(60) if number % 10])
def test_fills_at_the_close_are_backtraders_without_costs(number):
    """backtrader's cheat-on-close does at the next bar what windrow does at once, so it never fills a last order."""
    frame, *strategy, rules = walk(number)
    rules = Rules(size=rules.size, cash=rules.cash, side=rules.side, entry=rules.entry, fill="close")
    if not averages_are_apart(frame, *strategy):
        return
    ours, run = backtest(frame, *strategy, rules), run_backtrader(frame, *strategy, rules)
    theirs = list(run.ledger())
    done = [order for order in theirs if order[-1] != "open"]
    assert_same_orders(ours.orders[: len(done)], done)
    assert len(ours.orders) == len(theirs)
    assert ours.equity.value.to_numpy() == pytest.approx(np.array(run.values), rel=1e-12, abs=1e-7)
