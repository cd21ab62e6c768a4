"""Trading: signals, orders, fills and figures of many runs.

The rules are those of DESIGN section 8; the runs are over the bars of one symbol, side by side.

    options.py        the options of jobs that trade
    rules.py          what a user chooses: sizes, costs, when orders are placed and filled
    position_size.py  how many shares that is: all-in, a share of the equity, an amount, a number
    signals.py        golden and death crosses of two lines
    turns.py          trends of all runs -> the bars at which a run may place an order
    broker.py         orders -> fills: cash and shares
    ruin.py           when a value is 0 or below, and how a run ends there
    orders.py         what became of orders: counts
    notices.py        what a user must be told of many runs
    ledger.py         orders as a user reads them
    spans.py          what a run holds from one fill to the next
    trades.py         closed trades: counts, streaks, profit
    value.py          the value at the closes, and at the ends of calendar years
    drawdown.py       how far and for how long the value is below its peak
    ranges.py         largest values of ranges of an array
    buy_and_hold.py   what runs are compared with
    figures.py        the figures of a run

Between two fills a run's value is cash + shares x close: so it follows from the closes alone, and those are the same
for all runs. The cost grows with fills, not with bars.
"""
