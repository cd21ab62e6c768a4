"""The kernels of the jobs on DataFrames in memory.

bars.py       a frame's bars, as a reducer gets them
average.py    windrow.moving_average
backtest.py   windrow.backtest
sweep.py      windrow.sweep
outputs.py    windrow.read_output; bars of files as a frame
tables.py     figures as a frame
"""
