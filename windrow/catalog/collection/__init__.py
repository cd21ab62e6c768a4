"""A day's collection: from the databases of every origin to a snapshot.

daily.py        read, compared with the snapshot before, and written
collector.py    from the databases of every origin to rows
measured.py     what tables store, told to each
collected.py    what it has found, and its report
drops.py        what is no longer visible, against the snapshot before
"""
