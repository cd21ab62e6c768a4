"""Sweeps: grids, train and test splits, runs, ranking.

grid.py        the pairs of averages that are tried      ranking.py     the best pairs of one symbol
splits.py      train and test: sections of a series      overall.py     the best pair of all symbols, by exact sums
averages.py    many windows over the same bars           tally.py       an exact sum
runs.py        backtests of all pairs, in one pass       deflated.py    how likely the best is better than luck
stitched.py    the equity of best pairs on tests         options.py     all of that as options of a job
"""
