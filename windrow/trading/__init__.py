"""Trading by the rules of DESIGN section 8: many runs over one symbol's bars, side by side.

    rules.py     what a user chooses: sizes, costs, when orders are placed and filled
    signals.py   lines, pairs of lines, and where they cross
    turns.py     trends of all runs -> the bars at which a run may place an order
    broker.py    orders -> fills: cash and shares
    ledger.py    orders as a user reads them
    spans.py     what a run holds from one fill to the next
    trades.py    closed trades: counts, streaks, profit
    drawdown.py  peaks of the value, and how far and how long it is below them
    value.py     the value at the closes, at the ends of calendar years, and returns from bar to bar
    figures.py   the figures of a run
    backtests.py all of that together

Between two fills a run's value is cash + shares x close: so it follows from the closes alone, and those are the same
for all runs. The cost grows with fills, not with bars.
"""
