"""What a table's location means: exactly which objects on S3, or why none can be counted.

A folder is its objects and those of the folders below, never a neighbour whose name begins in the same way: a prefix
always ends with a slash.
"""

import re
from typing import NamedTuple

_S3 = re.compile(r"s3[an]?://([^/]+)(?:/(.*))?", re.IGNORECASE | re.DOTALL)


class Folder(NamedTuple):
    """A folder of a bucket; its prefix ends with a slash, or is empty: the whole bucket."""

    bucket: str
    prefix: str

    def holds(self, other: "Folder") -> bool:
        """Whether the other folder is this one, or below it.

        >>> Folder("lake", "a/").holds(Folder("lake", "a/b/")), Folder("lake", "a/").holds(Folder("lake", "ab/"))
        (True, False)
        """
        return self.bucket == other.bucket and other.prefix.startswith(self.prefix)


def folder_of(location: str | None) -> Folder | None:
    """The folder that a location on S3 names; None of any other.

    >>> folder_of("s3://lake/sales/orders"), folder_of("S3A://lake"), folder_of("jdbc:mysql://host/sales")
    (Folder(bucket='lake', prefix='sales/orders/'), Folder(bucket='lake', prefix=''), None)
    """
    found = _S3.fullmatch(location or "")
    if not found:
        return None
    key = (found[2] or "").rstrip("/")
    return Folder(found[1], f"{key}/" if key else "")


class Size(NamedTuple):
    """What a folder holds."""

    bytes: int
    files: int

    def plus(self, other: "Size") -> "Size":
        """Both together.

        >>> Size(300, 1).plus(Size(20, 2))
        Size(bytes=320, files=3)
        """
        return Size(self.bytes + other.bytes, self.files + other.files)
