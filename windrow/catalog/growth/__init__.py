"""The job over snapshots: how tables grow, and which are to be told of.

options.py      its options, and what it tells
standings.py    where each table stands: its growth, and whether it is one to tell of
grammar.py      alerts on tables, as options write them
"""
