"""Operational metrics of a Glue Data Catalog: a snapshot a day of every table, what it stores, and who reads it.

columns.py     the columns of both trees of snapshots
locations.py   what a table's location means: exactly which objects, or why none can be counted
sizes.py       sizes of folders, by listing them
nests.py       folders within others, listed once
counted.py     a page of a listing, counted from its bytes
"""
