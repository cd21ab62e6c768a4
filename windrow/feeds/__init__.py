"""Stored inputs to parsed bars, chunk by chunk.

lines.py     a stream of bytes, or a range of one -> chunks of whole lines
texts.py     bytes in any encoding, or JSON -> lines of CSV in UTF-8
records.py   objects of JSON -> lines of CSV
files.py     any kind of file -> parsed bars
parquet.py   columns of Parquet -> parsed bars
feather.py   columns of Feather and Arrow's other files -> parsed bars
streamed.py  records of a stream -> columns
shards.py    records of a shard -> a file of Parquet or CSV
spool.py     streams and tables -> files, once, before a job reads them
tabled.py    rows of a table of a database -> a file of Parquet
room.py      the room that such files have on the disk
settle.py    what is settled once, at submission: the layout of each input, dates or times, slots
forms.py     the form of a text input, from its first rows: delimiter, header, times, numbers
misread.py   what the first rows of an input show to be misread
heads.py     the first bytes of a remote input -> a local file to settle it from
density.py   how dense bars are in time, estimated from samples
fetch.py     byte ranges and whole inputs -> parsed bars, in the task that opens or fetches them
"""
