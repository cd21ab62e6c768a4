"""What is live in a table, by its own count.

counts.py      of the formats that have one
iceberg.py     Iceberg: by its metadata and manifests
delta.py       Delta: by its log
avro.py        files of Avro, such as Iceberg's manifests
metadata.py    small objects beside a table's data
"""
