"""Feeds: where bars come from.

lines.py     a stream of bytes, or a range of one -> chunks of whole lines
files.py     files, plain or compressed, CSV or Parquet -> parsed bars, chunk by chunk
layout.py    a header -> which columns hold the symbol, the time and the values
settle.py    what is settled once, at submission: every input's layout, dates or times, slots
density.py   how densely bars lie in time, from samples
"""
