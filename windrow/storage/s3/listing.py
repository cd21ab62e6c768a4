"""What an argument means: an object, a folder's objects, or those that glob characters match."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from windrow.aws.s3_client import client, refusing
from windrow.errors import InputError
from windrow.storage.s3.names import folder_of, is_hidden, is_s3, last_part, split
from windrow.storage.source import fits, is_pattern, warn_of_skipped

_GLOB = re.compile(r"[*?[]")


class Object(NamedTuple):
    """An object as it was when it was listed."""

    uri: str
    size: int
    etag: str


#: Objects as they were last listed: a file opened later is one of these, or refused.
_known: dict[tuple[str, str], Object] = {}


def remember(objects: Iterable[Object]) -> None:
    """From now on these versions of objects are read; one that has changed is refused by name."""
    _known.update({split(found.uri): found for found in objects})


def version(path: str) -> dict[str, Any]:
    """For an object of S3, the version that was listed, which its task must read; for any other file nothing."""
    return {"size": known(path).size, "etag": known(path).etag} if is_s3(path) else {}


def known(uri: str) -> Object:
    """The object as it was last listed or remembered; looked up if it never was. Raises InputError."""
    return _known.get(split(uri)) or look_up(uri)


def look_up(uri: str) -> Object:
    """The object as it is now. Raises InputError."""
    with refusing(uri):
        return _head(uri)


def list_objects(argument: str, recursive: bool = False) -> list[Object]:
    """The objects that an argument means, in order of their names; they are remembered.

    The full name of an object means that object. A folder, with or without the slash at its end, means the objects in
    it, without those whose names begin with _ or . and, unless `recursive`, those of its subfolders; so does an empty
    key. `*`, `?` and `[...]` match within a part between slashes, and `**` any number of parts, unless something has
    that very name. Raises InputError if there are no such objects.
    """
    with refusing(argument):
        found = _expanded(argument, recursive)
    if not found:
        what = "matches no object" if is_pattern(split(argument)[1]) else "does not exist, or has no objects"
        raise InputError(
            f"{argument}: {what}: a folder means the objects in it, not those of its subfolders (but for --recursive)"
            " nor names that begin with _ or .; name an object, a folder that has some, or a pattern such as"
            " s3://BUCKET/FOLDER/*.csv.gz"
        )
    remember(found)
    return found


def _expanded(argument: str, recursive: bool) -> list[Object]:
    bucket, key = split(argument)
    base = f"{argument.partition(':')[0]}://{bucket}/"
    if key and not key.endswith("/") and (whole := head_if_any(base + key)):
        return [whole]
    found = _inputs_in(base, key if not key or key.endswith("/") else f"{key}/", recursive)
    return found or (_matching(base, key, recursive) if is_pattern(key) else [])


def files_in(base: str, folder: str) -> list[Object]:
    """The objects of a folder of the bucket `base`, s3://BUCKET/, without those that are hidden."""
    return [found for found in _level(base, folder)[0] if not is_hidden(found.uri)]


def _inputs_in(base: str, folder: str, recursive: bool) -> list[Object]:
    """The same, if `recursive` with those below; warns of subfolders and of what else is skipped."""
    if recursive:
        return _below(base, folder)
    objects, folders = _level(base, folder)
    found = [each for each in objects if not is_hidden(each.uri)]
    if found:
        hidden = [last_part(each.uri) for each in objects if is_hidden(each.uri)]
        warn_of_skipped(base + folder, [*hidden, *(f"{last_part(below[:-1])}/" for below in folders)])
    return found


def everything_in(uri: str) -> list[Object]:
    """All objects of a folder, hidden ones too, or the one object of that name; an empty list if nothing exists."""
    bucket, folder = folder_of(uri)
    with refusing(uri):
        whole = head_if_any(uri) if folder and not uri.endswith("/") else None
        found = [whole] if whole else _level(f"s3://{bucket}/", folder)[0]
    remember(found)
    return [each for each in found if last_part(each.uri)]


def everything_below(uri: str) -> list[str]:
    """The names below a folder of all objects in it and in its subfolders, hidden ones too; they are remembered."""
    bucket, folder = folder_of(uri)
    with refusing(uri):
        found = _listed(f"s3://{bucket}/", folder)[0]
    remember(found)
    names = (split(each.uri)[1][len(folder) :] for each in found)
    return [name for name in names if last_part(name)]


def level(uri: str) -> Iterator[str]:
    """The objects of a folder, and its subfolders, in the order of S3's pages; nothing of it is remembered."""
    bucket, folder = folder_of(uri)
    with refusing(uri):
        for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder, Delimiter="/"):
            keys = [one["Key"] for one in page.get("Contents", ()) if one["Key"] != folder]
            keys += [one["Prefix"] for one in page.get("CommonPrefixes", ())]
            yield from (f"s3://{bucket}/{key}" for key in sorted(keys))


def revision(uri: str) -> str | None:
    """The ETag of the object of exactly that name, which is remembered; None if there is none. Raises InputError."""
    from botocore.exceptions import ClientError

    with refusing(uri):
        try:
            found = _head(uri)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey"):
                return None
            raise
    remember([found])
    return found.etag


def _matching(base: str, key: str, recursive: bool) -> list[Object]:
    """Objects whose names match, and those in folders whose names match."""
    *parts, last = (f"{key}/*" if key.endswith("**") else key).split("/")
    folders = [""]
    for part in parts:
        folders = list(dict.fromkeys(found for folder in folders for found in _folders(base, folder, part)))
    if not last:
        return [found for folder in folders for found in _inputs_in(base, folder, recursive)]
    into = recursive or "**" not in parts
    found = (one for folder in folders for one in _named(base, folder, last, recursive, into))
    return list({one.uri: one for one in found}.values())


def _folders(base: str, folder: str, part: str) -> list[str]:
    if part == "**":
        return [folder, *_folders_below(base, folder)]
    if not is_pattern(part):
        return [f"{folder}{part}/"]
    return [found for found in _level(base, folder + _literal(part))[1] if fits(last_part(found[:-1]), part)]


def _folders_below(base: str, folder: str) -> list[str]:
    """The folders below one, at any depth, without hidden ones."""
    keys = (split(one.uri)[1][len(folder) :].split("/")[:-1] for one in _below(base, folder))
    return sorted({folder + "/".join(parts[:depth]) + "/" for parts in keys for depth in range(1, len(parts) + 1)})


def _named(base: str, folder: str, part: str, recursive: bool, into: bool) -> list[Object]:
    """The objects of a folder that match a part of a pattern, and those of its folders that do."""
    objects, folders = _level(base, folder + _literal(part))
    found = [each for each in objects if fits(last_part(each.uri), part)]
    inside = [each for each in folders if into and fits(last_part(each[:-1]), part)]
    return found + [each for below in inside for each in _inputs_in(base, below, recursive)]


def _below(base: str, folder: str) -> list[Object]:
    """The objects of a folder and of those below, without hidden ones and those in hidden folders."""
    found = _listed(base, folder)[0]
    return [one for one in found if not any(map(is_hidden, split(one.uri)[1][len(folder) :].split("/")))]


def _literal(part: str) -> str:
    """The part up to its first glob character."""
    return _GLOB.split(part, maxsplit=1)[0]


def _level(base: str, prefix: str) -> tuple[list[Object], list[str]]:
    """Objects and folders (keys with the slash) whose keys begin with the prefix and have no further slash."""
    return _listed(base, prefix, Delimiter="/")


def _listed(base: str, prefix: str, **how: str) -> tuple[list[Object], list[str]]:
    objects: list[Object] = []
    folders: list[str] = []
    pages = client().get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=split(base)[0], Prefix=prefix, **how):
        objects += [Object(base + one["Key"], one["Size"], one["ETag"]) for one in page.get("Contents", ())]
        folders += [one["Prefix"] for one in page.get("CommonPrefixes", ())]
    return objects, folders


def _head(uri: str) -> Object:
    bucket, key = split(uri)
    head = client().head_object(Bucket=bucket, Key=key)
    return Object(uri, head["ContentLength"], head["ETag"])


def head_if_any(uri: str) -> Object | None:
    """The object of exactly that name; None also if it may not be read: listing or reading it says why."""
    from botocore.exceptions import ClientError

    try:
        return _head(uri)
    except ClientError as error:
        if str(error.response.get("Error", {}).get("Code")) in ("404", "403", "NoSuchKey"):
            return None
        raise
