"""What a sweep is made of; windrow/sweep.py puts it together.

grid.py        the pairs of averages that are tried        splits.py    sections of a series: train and test
averages.py    many windows over the same bars             ranking.py   the best of all pairs, united
runs.py        backtests of all pairs, in one pass
deflated.py    how likely the best is better than luck
"""
