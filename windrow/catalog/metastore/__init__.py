"""What Glue tells of databases and tables.

glue.py         databases, tables and partitions of a catalog, all pages of them
formats.py      what kind of table a table is, and what tells its schema from another
described.py    databases and tables, as rows
"""
