"""Bytes by scheme: local files, objects on S3, files on HDFS.

source.py    what windrow asks of a place that stores bytes; each of the next three is one
local.py     files on this machine
s3/          objects on S3
hdfs.py      files on HDFS, read and written by Hadoop's client
stream.py    what windrow asks of a stream, which has no end; the next is one
manner.py    how streams are read, by the options of a job
kinesis/     streams of Kinesis
sql/         tables of databases
arrivals.py  the span of arrivals that a stream's URI asks for

open.py      an input's bytes, or its text if it is compressed, and what kind of file a name says
zips.py      the members of a zip
interleaved.py  several places read at a time
pieces.py    bytes that come in pieces, as a file; xz
foreign.py   kinds of files that are not read, with the command that converts each
newfile.py   a file that appears whole or not at all
private.py   temporary files that only this user can read
part.py      a part of an output that a task writes itself
compressed.py   parts of lines that are compressed
publish.py   all parts of an output, which appear together or not at all
"""
