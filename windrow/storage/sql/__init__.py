"""Tables of SQLite, MariaDB, MySQL and PostgreSQL.

    uris.py        mysql://USER@HOST/DATABASE?table=NAME -> server, database, table, and where its password is
    connection.py  connections, and what databases refuse
    schema.py      windrow's own tables: bars, watermarks, loads, and their version
    staging.py     rows from arrow's columns, by way of a staging table: inserted, or put in the place of others

SQLAlchemy and the drivers are imported at the first connection.
"""

from windrow.storage.sql.source import SOURCE

__all__ = ["SOURCE"]
