"""The kernels of the jobs on DataFrames in memory.

bars.py       a frame's bars, in the form that a reducer gets them
naming.py     frames as people have them: names in any case, yfinance's two levels of columns
average.py    windrow.moving_average
crossover.py  windrow.crossover
arguments.py  arguments that a function does not have
outputs.py    windrow.read_output; the bars of files as a frame
rows.py       rows for bars as a frame     tables.py   figures as a frame
"""
