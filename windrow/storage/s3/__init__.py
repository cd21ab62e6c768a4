"""Objects of S3: listed, read by ranges, and written so that all of an output appears at its end.

    names.py     s3://BUCKET/KEY -> bucket and key
    client.py    boto3's client; what it refuses, as errors of windrow
    listing.py   what an argument means: an object, a folder's objects, or those that glob characters match
    reading.py   an object as a file, which reads ahead by ranges, several at a time
    writing.py   files, or objects, become objects: sent in parts, none of which shows until all of them are there

AWS's own environment variables, and its files, choose endpoint, region and credentials. What S3 answers 503 or 500, or
cuts off, is asked again, later each time and by chance, so that tasks do not all come back at once; AWS_MAX_ATTEMPTS
says how often. A name behind the bucket is taken as it stands: nothing in it is decoded, `%` and `+` are themselves.

boto3 is imported where S3 is first asked for something: jobs that read files do without.
"""

from windrow.aws.refusals import object_refusal as refusal
from windrow.aws.s3_client import client
from windrow.storage.s3.listing import Object, everything_in, known, list_objects, remember, version
from windrow.storage.s3.names import folder_of, is_s3, join, split
from windrow.storage.s3.reading import download, looking_ahead, open_input, read_range
from windrow.storage.s3.writing import delete_prefix, publish_copies, refuse_taken, upload

__all__ = [
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
