"""Manifests of S3 Inventory: found at a place, checked, and what each is of.

    s3://HOME/.../BUCKET/ID/2026-11-30T01-00Z/manifest.json, manifest.checksum

S3 writes both last: a folder without them is not yet an inventory, and the one before it counts.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from windrow.catalog.locations import Folder, folder_of
from windrow.console import say
from windrow.errors import InputError

FORMATS = ("CSV", "ORC", "Parquet")

_DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\dZ")
_NAME = "manifest.json"
#: Folders of an inventory that have no manifests for us.
_BESIDE = {"data", "hive"}
#: How many folders deep inventories are looked for, and in how many folders of one depth.
_DEPTH, _WIDTH = 5, 1000


class UnusableError(InputError):
    """An inventory that cannot be counted."""


class Manifest(NamedTuple):
    """An inventory of a bucket."""

    uri: str
    bucket: str
    made_at: datetime
    format: str
    columns: list[str]
    """Of CSV, whose files do not have them."""
    home: str
    """The bucket of its files."""
    files: list[Mapping[str, Any]]
    is_of: str | None
    """What the keys of all objects in it begin with; None: these credentials may not know."""

    def covers(self, folder: Folder) -> bool:
        """Whether all objects of a folder are in it, as far as is known."""
        return self.is_of is not None and folder.prefix.startswith(self.is_of)

    def may_have(self, folder: Folder) -> bool:
        """Whether all objects of a folder may be in it."""
        return self.is_of is None or self.covers(folder)


def newest(client: Any, place: str) -> list[Manifest]:
    """The newest manifest of each inventory at a place; newer ones first, those behind of which it is not known what
    they are of.

    The place is a manifest, an inventory's folder, or one above several. What is unusable is warned of, and left out.
    Raises InputError where there is no inventory, and what botocore raises.
    """
    names = list(_found(client, place))
    if not names:
        raise InputError(
            f"--inventory {place}: has no inventory: a folder .../BUCKET/ID/YYYY-MM-DDTHH-MMZ with manifest.json"
            " and manifest.checksum; name the place that S3 writes it to, and wait for its first, up to two days"
        )
    found = []
    for home, prefix in names:
        try:
            found.append(_read(client, home, prefix))
        except UnusableError as error:
            say(f"warning: {error}")
    return sorted(found, key=lambda each: (each.is_of is None, -each.made_at.timestamp()))


def _found(client: Any, place: str) -> Iterator[tuple[str, str]]:
    """Bucket and folder of the newest manifest of each inventory."""
    folder = folder_of(place.removesuffix(_NAME))
    if not folder:
        raise InputError(f"--inventory {place}: is no place on S3; name it as s3://BUCKET/FOLDER/")
    level = [folder.prefix]
    for _ in range(_DEPTH):
        below: list[str] = []
        for prefix in level:
            inside = [prefix] if _is_dated(prefix) else _subfolders(client, folder.bucket, prefix)
            dated = sorted(filter(_is_dated, inside), reverse=True)
            ready = next((each for each in dated if _is_ready(client, folder.bucket, each)), None)
            if ready:
                yield folder.bucket, ready
            if not dated:
                below += [each for each in inside if _last(each) not in _BESIDE]
        if len(below) > _WIDTH:
            raise InputError(
                f"--inventory {place}: has {len(below):,} folders in which an inventory might be; name a folder nearer"
                " to it, such as .../BUCKET/ID/"
            )
        level = below


def _subfolders(client: Any, bucket: str, prefix: str) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/")
    return [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]


def _last(prefix: str) -> str:
    return prefix.rstrip("/").rpartition("/")[2]


def _is_dated(prefix: str) -> bool:
    return _DATED.fullmatch(_last(prefix)) is not None


def _is_ready(client: Any, bucket: str, prefix: str) -> bool:
    page = client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}manifest.")
    return {each["Key"] for each in page.get("Contents", ())} >= {prefix + _NAME, f"{prefix}manifest.checksum"}


def _read(client: Any, home: str, prefix: str) -> Manifest:
    uri = f"s3://{home}/{prefix}{_NAME}"
    content, checksum = (
        client.get_object(Bucket=home, Key=prefix + name)["Body"].read() for name in (_NAME, "manifest.checksum")
    )
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if checksum.decode(errors="replace").strip().lower() != found:
        raise UnusableError(
            f"{uri}: its MD5 is {found}, and manifest.checksum beside it has another; it has been changed or cut off:"
            " use another day's"
        )
    try:
        told = orjson.loads(content)
        bucket = str(told["sourceBucket"]).rpartition(":")[2]
        manifest = Manifest(
            uri=uri,
            bucket=bucket,
            made_at=datetime.fromtimestamp(int(told["creationTimestamp"]) / 1000, UTC),
            format=str(told["fileFormat"]),
            columns=[name.strip() for name in str(told["fileSchema"]).split(",")],
            home=str(told["destinationBucket"]).rpartition(":")[2],
            files=[{"key": str(one["key"]), "MD5checksum": str(one["MD5checksum"])} for one in told["files"]],
            is_of=_prefix(client, bucket, _last(prefix.removesuffix(f"{_last(prefix)}/"))),
        )
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise UnusableError(
            f"{uri}: is no manifest of S3 Inventory ({type(error).__name__}: {error}): it is JSON with sourceBucket,"
            " creationTimestamp, fileFormat, fileSchema, destinationBucket and files; use another day's"
        ) from None
    if manifest.format not in FORMATS:
        raise UnusableError(f"{uri}: its fileFormat is {manifest.format}; it must be one of {', '.join(FORMATS)}")
    return manifest


def _prefix(client: Any, bucket: str, name: str) -> str | None:
    """What all keys of an inventory begin with, by its configuration: the manifest does not say."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        told = client.get_bucket_inventory_configuration(Bucket=bucket, Id=name)["InventoryConfiguration"]
    except (BotoCoreError, ClientError):  # another's bucket, or no right to know
        return None
    return str(told.get("Filter", {}).get("Prefix", ""))
