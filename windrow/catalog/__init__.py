"""Operational metrics of a Glue Data Catalog: a snapshot a day of every table, what it stores, and who reads it.

origins.py     where a catalog is read: accounts, regions, and by which credentials
glue.py        databases, tables and partitions of a catalog, all pages of them
formats.py     what kind of table a table is, and what tells its schema from another
described.py   what Glue tells of databases and tables, as rows
columns.py     the columns of both trees of snapshots
snapshots.py   a place with an object a tree and day, written so that a day is the old or the new one
locations.py   what a table's location means: exactly which objects, or why none can be counted
reasons.py     why a table has no size, or a database no tables
sizes.py       sizes of folders, by listing them
nests.py       folders within others, listed once
counted.py     a page of a listing, counted from its bytes
inventory.py   sizes of folders, from S3 Inventory
manifests.py   its manifests: found at a place, and checked
cloudwatch.py  sizes of whole buckets, from CloudWatch
live.py        what is live in a table by its own count: Iceberg's
delta.py       the same of Delta, by its log
avro.py        files of Avro, such as Iceberg's manifests
metadata.py    small objects beside a table's data
collector.py   a collection: from the databases of every origin to the rows of a day's snapshot
measured.py    what tables store, told to each
collected.py   what it has found, and its report
drops.py       what is no longer visible, against the snapshot before
daily.py       a day's collection: read, compared, and written
questions.py   views over snapshots, in SQL
relations.py   snapshots as relations in DuckDB, which can read nothing else
query.py       one SELECT over them
printed.py     its answer as a table, CSV, JSON or Parquet
ddl.py         what makes Athena see the snapshots
usage.py       how often tables were used: counted by day, and kept beside the snapshots
trails.py      files of CloudTrail's trails, and the events that it keeps without one
cloudtrail.py  uses of tables in its records
athena.py      uses of tables in the history of Athena's queries
queried.py     the tables that a query reads, found in its text
sifted.py      what a source has told: counted, left out, or damaged
uses.py        uses of tables, counted in a file
standings.py   where each table stands: its growth, and whether it is one to tell of
grammar.py     alerts on tables, as options write them
options.py     the options of the job over snapshots, and what it tells
plan.py        what a collection would take: calls, minutes and dollars
"""
