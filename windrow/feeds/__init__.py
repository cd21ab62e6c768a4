"""Feeds: anything stored -> bars, chunk by chunk.

lines.py     a stream of bytes, or a range of one -> chunks of whole lines
files.py     CSV or Parquet -> parsed bars
parquet.py   columns of Parquet -> parsed bars
settle.py    what is settled once, at submission: every input's layout, dates or times, slots
heads.py     the first bytes of an input that is elsewhere -> a file to settle it from
density.py   how densely bars follow each other in time, from samples
fetch.py     byte ranges and whole inputs -> parsed bars, in the task that opens or fetches them
"""
