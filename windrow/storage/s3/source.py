"""S3 as a source: objects in, and outputs that appear together."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from windrow.storage.hdfs import CLIENT
from windrow.storage.s3.listing import (
    Object,
    everything_below,
    everything_in,
    known,
    level,
    list_objects,
    look_up,
    remember,
    revision,
)
from windrow.storage.s3.names import join, split
from windrow.storage.s3.reading import download, looking_ahead, open_input
from windrow.storage.s3.writing import refuse_taken, replace, upload
from windrow.storage.source import Range, Source, Version


class S3Source(Source):
    """Objects by s3://BUCKET/KEY, or by Hadoop's names of that scheme."""

    schemes = ("s3", "s3a", "s3n")
    remote = True

    def expand(self, argument: str, recursive: bool = False) -> list[str]:
        """URIs of the objects that an argument means."""
        return [found.uri for found in list_objects(argument, recursive)]

    def size(self, uri: str) -> int:
        """Bytes of an object, as it was listed."""
        return known(uri).size

    def open(self, uri: str, end: int | None = None) -> BinaryIO:
        """An object as a file that reads ahead."""
        return open_input(uri, end)

    def canonical(self, uri: str) -> str:
        """The URI with the scheme s3."""
        return "s3://{}/{}".format(*split(uri))

    def version(self, uri: str) -> Version:
        """Size and ETag, as the object was listed."""
        found = known(uri)
        return {"size": found.size, "etag": found.etag}

    def latest(self, uri: str) -> Version:
        """Size and ETag of the object that is there now."""
        found = look_up(uri)
        return {"size": found.size, "etag": found.etag}

    def expect(self, uri: str, version: Version) -> None:
        """Reads that object, or refuses another one of its name."""
        if "etag" in version:  # of what a job uploaded itself only the size is known
            remember([Object(uri, int(version["size"]), str(version["etag"]))])

    def ahead(self, ranges: Sequence[Range]) -> Iterator[Range]:
        """The ranges; the first bytes of the next objects are on their way meanwhile."""
        places = [{"place": one.path, "start": one.start, "size": one.version.get("size", 0)} for one in ranges]
        for one, _ in zip(ranges, looking_ahead(places), strict=True):
            yield one

    @property
    def through_hadoop(self) -> bool:
        """On a cluster whose Hadoop reads S3."""
        return CLIENT in os.environ

    def refuse_taken(self, output: str) -> None:
        """Raises OutputError where an object is under the output's prefix."""
        refuse_taken(output)

    def commit(self, staging: Path, names: Sequence[str], output: str, advance: Callable[[int], object]) -> None:
        """Uploads the files; they appear once all have arrived."""
        self.refuse_taken(output)  # another may have written there in the meantime
        upload({join(output, name): staging / name for name in names}, advance)

    def contents(self, output: str) -> list[str]:
        """URIs of all objects of a folder, or of the one object of that name."""
        return [found.uri for found in everything_in(output)]

    def download(self, uris: Sequence[str], folder: Path) -> None:
        """Copies objects, several at a time."""
        download(uris, folder)

    def below(self, folder: str) -> list[str]:
        """The objects, in order; they are remembered."""
        return everything_below(folder)

    def level(self, folder: str) -> Iterator[str]:
        """URIs of the objects and folders, page by page."""
        return level(folder)

    def revision(self, uri: str) -> str | None:
        """The ETag of the object that is there now; it is remembered."""
        return revision(uri)

    def replace(self, uri: str, path: Path, revision: str | None) -> str | None:
        """Puts the object under S3's own condition."""
        return replace(uri, path, revision)


SOURCE = S3Source()
