"""Small objects that engines keep beside a table's data: read whole, within bounds."""

import zlib
from typing import Any

import orjson

from windrow.catalog.locations import Folder
from windrow.catalog.sizes.listed import reason_of

#: The most bytes of an object, as it is and unpacked: the metadata of a thousand snapshots has some megabytes.
LARGEST = 32 << 20
#: How often an object is read whose bytes break off; botocore tries again only before they begin.
_TRIES = 3
_GZIP = b"\x1f\x8b"


class UnknownError(Exception):
    """Why a table's own count is not known: a few words."""


class Reader:
    """Reads objects through a client of S3. What it cannot read is an UnknownError."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, bucket: str, key: str) -> bytes:
        """An object, unpacked if it is gzip, whatever it is called. Raises UnknownError."""
        content = self._read(bucket, key)
        return _unpacked(content) if content.startswith(_GZIP) else content

    def _read(self, bucket: str, key: str) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError

        tries = _TRIES
        while True:
            tries -= 1
            try:
                answer = self._client.get_object(Bucket=bucket, Key=key)
                if answer["ContentLength"] > LARGEST:
                    raise UnknownError(f"metadata of {answer['ContentLength']:,} bytes")
                return bytes(answer["Body"].read())
            except (BotoCoreError, ClientError, UnicodeError) as error:
                if not (tries and isinstance(error, BotoCoreError)):
                    raise UnknownError(reason_of(error)) from None

    def json(self, bucket: str, key: str) -> dict[str, Any]:
        """A JSON object. Raises UnknownError."""
        return json_object(self.read(bucket, key))

    def listed(self, folder: Folder, after: str) -> list[str]:
        """The first thousand keys of a folder behind one. Raises UnknownError."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            page = self._client.list_objects_v2(Bucket=folder.bucket, Prefix=folder.prefix, StartAfter=after)
        except (BotoCoreError, ClientError, UnicodeError) as error:
            raise UnknownError(reason_of(error)) from None
        if page.get("IsTruncated"):
            raise UnknownError("a log of more than 1,000 objects")
        return [str(one["Key"]) for one in page.get("Contents", ())]


def json_object(content: bytes) -> dict[str, Any]:
    """A JSON object's members. Raises UnknownError."""
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise UnknownError("malformed metadata") from None
    if not isinstance(told, dict):
        raise UnknownError("malformed metadata")
    return told


def amount(value: object) -> int:
    """A number of bytes, which some engines write as text. Raises UnknownError.

    >>> amount("1200"), amount(1200)
    (1200, 1200)
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise UnknownError("malformed metadata")


def _unpacked(content: bytes) -> bytes:
    unpack = zlib.decompressobj(wbits=31)
    try:
        found = unpack.decompress(content, LARGEST + 1)
    except zlib.error:
        raise UnknownError("malformed metadata") from None
    if len(found) > LARGEST:
        raise UnknownError(f"metadata of more than {LARGEST:,} bytes")
    if not unpack.eof:
        raise UnknownError("malformed metadata")
    return found
