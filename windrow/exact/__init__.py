"""Exact decimal arithmetic, rounded once to float64.

sums.py       sums of windows
limbs.py      wide integers as rows of int64
rounding.py   their quotients, correctly rounded
"""
