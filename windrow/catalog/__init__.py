"""Operational metrics of a Glue Data Catalog: a snapshot a day of every table, what it stores, and who reads it.

columns.py     the columns of both trees of snapshots
locations.py   what a table's location means: exactly which objects, or why none can be counted
"""
