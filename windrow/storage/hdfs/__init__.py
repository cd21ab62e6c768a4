"""Files on HDFS, or wherever else Hadoop's client can reach.

    source.py    HDFS as windrow's other rooms see it, behind the interface of all sources
    command.py   what Hadoop's command prints, and what tasks do by it: seconds a call, wherever it can reach
    web.py       WebHDFS: files of HDFS over HTTP, milliseconds a call, where a cluster has it
    web_error.py what WebHDFS refuses, and how often it is asked
    places.py    which WebHDFS a cluster has, found at submission and told to tasks
    tokens.py    the delegation token of a task, where a cluster asks for Kerberos
    kerberos.py  the delegation token of the submitter there, got with a ticket

What speaks HTTP is imported at the first request: a task's start is part of its cost.
"""

from windrow.storage.hdfs.command import CLIENT, entries, get, inputs_in, is_glob, literally
from windrow.storage.hdfs.source import SOURCE, write

__all__ = ["CLIENT", "SOURCE", "entries", "get", "inputs_in", "is_glob", "literally", "write"]
