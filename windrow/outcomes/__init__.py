"""What `windrow.backtest` and `windrow.sweep` return.

backtest.py   windrow.backtest: figures, orders, equity, a page and a picture of a run
sweep.py      windrow.sweep: figures of all pairs, the best ones, their maps
grids.py      axes of a sweep from windows in Python's forms
kept_bars.py  the bars that a result keeps, for what is asked of it later
readable.py   results as text, as HTML, and as the frame of their figures
"""
