"""Names of objects: s3://BUCKET/KEY."""

import re

from windrow.errors import InputError

_URI = re.compile(r"s3[an]?://([^/]*)/?(.*)", re.DOTALL | re.IGNORECASE)


def is_s3(path: str) -> bool:
    """Whether a path is on S3, by any of the schemes that Hadoop has for it.

    >>> is_s3("s3://bucket/bars.csv"), is_s3("s3a://bucket/"), is_s3("hdfs:///bars.csv"), is_s3("s3/bars.csv")
    (True, True, False, False)
    """
    return _URI.match(path) is not None


def split(uri: str) -> tuple[str, str]:
    """Bucket and key. Raises InputError where there is no bucket.

    >>> split("s3://bucket/2020/a b%20+.csv"), split("s3a://bucket")
    (('bucket', '2020/a b%20+.csv'), ('bucket', ''))
    """
    found = _URI.match(uri)
    if not (found and found[1]):
        raise InputError(f"{uri}: has no bucket: an object of S3 is named s3://BUCKET/KEY; add its bucket")
    return found[1], found[2]


def folder_of(uri: str) -> tuple[str, str]:
    """Bucket, and the prefix of all keys in a folder: its key with one slash, or nothing.

    >>> folder_of("s3://bucket/out"), folder_of("s3://bucket/out/"), folder_of("s3://bucket/")
    (('bucket', 'out/'), ('bucket', 'out/'), ('bucket', ''))
    """
    bucket, key = split(uri)
    return bucket, key.rstrip("/") + "/" if key.rstrip("/") else ""


def join(folder: str, name: str) -> str:
    """The URI of the object of this name in a folder.

    >>> join("s3://bucket", "a"), join("s3://bucket/out/", "a")
    ('s3://bucket/a', 's3://bucket/out/a')
    """
    return f"{folder.rstrip('/')}/{name}"


def last_part(uri: str) -> str:
    """The part after a URI's last slash."""
    return uri.rpartition("/")[2]


def is_hidden(uri: str) -> bool:
    """Whether a folder's name does not include it: its own name begins with _ or . , or it marks a folder.

    >>> [is_hidden(uri) for uri in ("s3://bucket/a/_SUCCESS", "s3://bucket/_a/b", "s3://bucket/a/")]
    [True, False, True]
    """
    return last_part(uri)[:1] in ("", "_", ".")
