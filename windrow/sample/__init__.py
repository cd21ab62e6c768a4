"""Generated bars of any size, reproducible from a seed.

bars.py    `windrow sample`: bars in any order, as CSV or Parquet
noise.py   numbers that are random and yet the same everywhere
"""
