"""Operational metrics of a Glue Data Catalog: a snapshot a day of every table, what it stores, and who reads it.

origins.py     where a catalog is read: accounts, regions, and by which credentials
metastore/     what Glue tells of databases and tables
locations.py   what a table's location means: exactly which objects, or why none can be counted
reasons.py     why a table has no size, or a database no tables
sizes/         sizes of folders: listed, from S3 Inventory, from CloudWatch
live/          what is live in tables of Iceberg and Delta, by their own count
collection/    from the databases of every origin to the rows of a day's snapshot
plan.py        what a collection would take: calls, minutes and dollars
columns.py     the columns of both trees of snapshots
snapshots.py   a place with an object a tree and day, written so that a day is the old or the new one
queries/       SQL over snapshots: views, and what makes Athena see them
growth/        the job over snapshots: how tables grow, and alerts
usage/         how often tables were used: CloudTrail's and Athena's word
"""
