"""How often tables were used.

kept.py          counted by day, and kept beside the snapshots
trails.py        files of CloudTrail's trails, and the events that it keeps without one
cloudtrail.py    uses of tables in its records
athena.py        uses of tables in the history of Athena's queries
queried.py       the tables that a query reads, found in its text
sifted.py        what a source has told: counted, left out, or damaged
uses.py          uses of tables, counted in a file
"""
