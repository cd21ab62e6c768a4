"""SQL over snapshots.

questions.py    views over them
relations.py    snapshots as relations in DuckDB, which can read nothing else
query.py        one SELECT over them
printed.py      its answer as a table, CSV, JSON or Parquet
ddl.py          what makes Athena see the snapshots
"""
