"""Trading by the rules of DESIGN section 8: many runs over one symbol's bars, side by side.

    rules.py     what a user chooses: sizes, costs, when orders are placed and filled
    turns.py     trends of all runs -> the bars at which a run may place an order
    broker.py    orders -> fills: cash and shares
    spans.py     what a run holds from one fill to the next
    trades.py    closed trades: counts, streaks, profit
    drawdown.py  peaks of the value, and how far and how long it lies below them
    years.py     the value at the ends of calendar years, and returns from bar to bar
    figures.py   what is told of a run

Between two fills a run's value is cash + shares x close: so what it did there follows from the closes alone, and those
are the same for all runs. The cost is one of fills, not of bars: windrow/trading/backtests.py puts it together.
"""
