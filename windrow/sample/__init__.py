"""Generated bars of any size, reproducible from a seed.

bars.py    `windrow sample`: bars in any order, as CSV or Parquet
noise.py   random numbers that are the same on every machine
"""
