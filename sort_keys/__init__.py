"""Composite keys, blocks and the merge: secondary sort at column speed.

keys.py     (symbol, timestamp) <-> bytes whose plain order is the sort order
slots.py    spans of time that no block crosses; they bound a reducer's memory
blocks.py   columns of bars <-> one line of text that Hadoop Streaming carries
merge.py    overlapping blocks -> one stream of bars per symbol, in time order, repeats dropped
shuffle.py  which reducer gets which symbol: the local partition, and the options for Hadoop to do the same
"""
