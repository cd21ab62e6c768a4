"""Exact decimal arithmetic, rounded once to float64.

sums.py       sums of windows
groups.py     sums, and sums of products, of runs of values, and parts of them that are added up later
decimals.py   the numbers that float64s are printed as
limbs.py      wide integers as rows of int64
rounding.py   their quotients, correctly rounded
totals.py     mean and deviation of all values of a series, in pieces
order.py      their quantiles
"""
