"""Objects of S3: listed, read by ranges, and written so that an output appears as a whole, at its end.

    source.py    S3 as windrow's other rooms see it, behind the interface of all sources
    names.py     s3://BUCKET/KEY -> bucket and key
    listing.py   what an argument means: an object, a folder's objects, or those that glob characters match
    reading.py   an object as a file, which reads ahead by ranges, several at a time
    writing.py   files, or objects, become objects: sent in parts, none of which is visible until all have arrived

The client, and what S3 refuses, are in windrow/aws/. AWS's own environment variables, and its files, choose endpoint,
region and credentials. Requests that S3 answers with 503 or 500, or cuts off, are repeated, after longer and longer
random delays, so that tasks do not all come back at once; AWS_MAX_ATTEMPTS says how often. A key is taken literally:
nothing in it is decoded, `%` and `+` stand for themselves.

boto3 is imported at the first request: jobs that read files do without.
"""

from windrow.aws.refusals import object_refusal as refusal
from windrow.aws.s3_client import client
from windrow.storage.s3.listing import Object, everything_in, known, list_objects, remember, version
from windrow.storage.s3.names import folder_of, is_s3, join, split
from windrow.storage.s3.reading import download, looking_ahead, open_input, read_range
from windrow.storage.s3.source import SOURCE
from windrow.storage.s3.writing import delete_prefix, publish_copies, refuse_taken, upload

__all__ = [
    "SOURCE",
    "Object",
    "client",
    "delete_prefix",
    "download",
    "everything_in",
    "folder_of",
    "is_s3",
    "join",
    "known",
    "list_objects",
    "looking_ahead",
    "open_input",
    "publish_copies",
    "read_range",
    "refusal",
    "refuse_taken",
    "remember",
    "split",
    "upload",
    "version",
]
