"""Tables of SQLite, MariaDB, MySQL and PostgreSQL.

    uris.py        mysql://USER@HOST/DATABASE?table=NAME -> server, database, table, and where its password is
    connection.py  connections, and what databases refuse
    encryption.py  how connections are encrypted, and servers' certificates checked
    schema.py      windrow's own tables: bars, watermarks, loads, and their version
    source.py      a table as windrow's other rooms see it
    snapshot.py    a table at one moment, in several connections where they can share one
    readers.py     connections that read, into tables of arrow
    stored.py      the columns of a table, and as what each is read
    asking.py      which rows a database is asked for, as conditions with bound values
    lock.py        one collector of a table at a time
    staging.py     rows from arrow's columns, by way of a staging table: inserted, or put in the place of others
    publishing.py  outputs of jobs as tables

SQLAlchemy and the drivers are imported at the first connection.
"""

from windrow.storage.sql.source import SOURCE

__all__ = ["SOURCE"]
