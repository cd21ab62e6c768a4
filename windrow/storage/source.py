"""Source: what windrow needs of a place that stores bytes. The scheme of a URI chooses the source.

A new kind of place is one module beside this one with a `SOURCE`, an instance of a subclass of `Source`. It is found by
looking; no list names it.
"""

import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple, TypeVar

from windrow.console import say
from windrow.errors import InputError, OutputError
from windrow.storage.private import private

#: What identifies the version of an input, as a JSON object; empty if nothing does.
Version = Mapping[str, str | int]
Result = TypeVar("Result")

#: Files beside the parts of an output, whoever wrote it.
_BESIDE_PARTS = {"_SUCCESS", "_windrow.json", "_metadata", "_common_metadata"}
#: The most names in a warning.
_TOLD = 5
#: Names of what is about the files beside it, and of code; of JSON only names that no data has.
_NO_DATA = re.compile(
    r"(?i:readme|licen[cs]e|copying|notice|authors|changelog|contributing|citation|makefile|dockerfile)"
    r"(?i:\.(?:txt|md|rst|cff))?"
    r"|.*\.(?:md|rst|py|pyc|ipynb|toml|ya?ml|ini|cfg|pdf|png|jpe?g|gif|svg)"  # not .sh: 600000.SH is a symbol
    r"|(?:datapackage|dataset-metadata|metadata|package|package-lock|schema|manifest)\.json|(?i:thumbs\.db|desktop\.ini)"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")


class Range(NamedTuple):
    """Bytes of an input that a mapper reads, and the version of the input."""

    path: str
    start: int
    length: int
    version: Version


class Source(ABC):
    """Inputs and outputs of some schemes. Methods raise InputError or OutputError that name the URI."""

    #: The schemes of its URIs, in lower case.
    schemes: tuple[str, ...]
    #: Whether each call goes over a network, so that several are made at a time.
    remote = False
    #: Whether its inputs are streams: windrow/storage/stream.py.
    is_stream = False
    #: Whether its inputs are read into files at submission, as streams and tables of databases are.
    is_spooled = False
    #: Whether its outputs are tables with columns, of which windrow writes no other parts than Parquet.
    takes_tables = False
    #: Whether an output may be put in place of another, which is there until then.
    exchanges = False

    # Inputs.

    @abstractmethod
    def expand(self, argument: str, recursive: bool = False) -> list[str]:
        """The inputs that an argument names: itself, those that match its `*`, `?`, `[...]` and `**`, or the files in a
        directory, without hidden ones; if `recursive`, with those in its subdirectories.
        """

    @abstractmethod
    def size(self, uri: str) -> int:
        """The size of an input in bytes."""

    @abstractmethod
    def open(self, uri: str, end: int | None = None) -> BinaryIO:
        """The unchanged bytes of an input, unbuffered, as a seekable file; nothing beyond `end` is prefetched."""

    def path(self, uri: str) -> Path | None:
        """The local path of an input or output; None if it is remote."""
        return None

    def canonical(self, uri: str) -> str:
        """The one spelling of a URI that submitter and tasks share."""
        return uri

    def opened_as(self, uri: str) -> str:
        """The name by which `open` takes what a task was handed out."""
        return self.canonical(uri)

    def version(self, uri: str) -> Version:
        """What identifies this version of the input, so that a later one is noticed."""
        return {}

    def latest(self, uri: str) -> Version:
        """What identifies the version that is there now."""
        return self.version(uri)

    def expect(self, uri: str, version: Version) -> None:  # noqa: B027  most sources have no versions
        """Makes reads of the input fail unless it is that version."""

    def check(self, uri: str, version: Version) -> None:  # noqa: B027  others compare at each read
        """Raises InputError unless the input is still that version, where reads themselves do not notice."""

    def refuse_part(self, asked: Range) -> None:  # noqa: B027  most sources can be opened at any byte
        """Raises OSError for a part of one that would be copied whole for it, and may be opened on another node."""

    def split(self, uri: str, share: int) -> Iterator[tuple[int, int]]:
        """Start and length of the ranges, about `share` bytes each, in which mappers read a splittable input."""
        return cut(self.size(uri), share)

    def ahead(self, ranges: Sequence[Range]) -> Iterator[Range]:
        """These ranges one by one; meanwhile the first bytes of the next ones may be prefetched."""
        yield from ranges

    @property
    def through_hadoop(self) -> bool:
        """Whether tasks read copies that Hadoop's client fetches, instead of calling `open`."""
        return False

    # Outputs.

    def refuse_unwritable(self, output: str) -> None:  # noqa: B027  most places can be written to
        """Raises OutputError where no job on this machine can write."""

    def refuse_taken(self, output: str) -> None:
        """Raises OutputError if an output already exists: nothing is ever overwritten or mixed."""
        raise NotImplementedError(f"{self.schemes[0]}:// cannot be written")

    def staging(self, output: str, scratch: str | None = None) -> AbstractContextManager[Path]:
        """A local directory, in `scratch`, that collects the files of an output; removed afterwards."""
        return _temporary(scratch)

    def commit(self, staging: Path, names: Sequence[str], output: str, advance: Callable[[int], object]) -> None:
        """Publishes these files of `staging` as the output, all or none, in this order; `advance` takes bytes done."""
        raise NotImplementedError(f"{self.schemes[0]}:// cannot be written")

    def exchange(self, staging: Path, names: Sequence[str], output: str) -> None:
        """Publishes these files in place of what is there, which then is in `staging`: at any moment one of both is."""
        raise NotImplementedError(f"{self.schemes[0]}:// exchanges no outputs")

    def contents(self, output: str) -> Sequence[str]:
        """URIs of all files of an output, hidden ones too; the output itself if it is one file."""
        raise NotImplementedError(f"{self.schemes[0]}:// has no outputs to read")

    def download(self, uris: Sequence[str], folder: Path) -> None:
        """Copies files, whose names must be distinct, into a local folder."""
        for uri in uris:
            place = folder / uri.rpartition("/")[2]
            with self.open(uri) as file, open(place, "wb", opener=private) as copy:
                copyfileobj(file, copy, 1 << 20)

    # Objects that are kept, and replaced only where nobody else has replaced them in the meantime.

    def below(self, folder: str) -> list[str]:
        """All files of a folder and of its subfolders, hidden ones too, by their names below it; none where there is no
        such folder.
        """
        raise self._replaces_nothing(folder)

    def level(self, folder: str) -> Iterator[str]:
        """URIs of the files of a folder and of its subfolders, which end with a slash, hidden ones too, in order.

        None where there is no such folder. It is not remembered what there was: the memory does not grow.
        """
        raise InputError(f"{folder}: only folders here and on S3 are looked through; copy it to one of these")

    def revision(self, uri: str) -> str | None:
        """What tells the bytes that are there now from all others; None if there is no such object."""
        raise self._replaces_nothing(uri)

    def replace(self, uri: str, path: Path, revision: str | None) -> str | None:
        """Puts a file's bytes there whole, if what is there is of that revision (None: if nothing is).

        Returns the new revision; None, and puts nothing, where another has written there, or removed it.
        """
        raise self._replaces_nothing(uri)

    def _replaces_nothing(self, uri: str) -> OutputError:
        return OutputError(
            f"{uri}: what is written anew, such as snapshots, is kept here or on S3, for {scheme_of(uri)}: does not"
            " tell who of two has written first; use a folder here, or s3://BUCKET/FOLDER"
        )


class SpooledSource(Source):
    """What is no file, and is read into files at submission: windrow/feeds/spool.py."""

    remote = True
    is_spooled = True
    #: What an input is, and what to do where a file is asked for; `{uri}` stands for it.
    no_file: str

    def expand(self, argument: str, recursive: bool = False) -> list[str]:
        """The URI itself."""
        return [argument]

    def size(self, uri: str) -> int:
        """Not known."""
        raise InputError(f"{uri}: {self.no_file.format(uri=uri)}")

    def open(self, uri: str, end: int | None = None) -> BinaryIO:
        """Not possible."""
        raise InputError(f"{uri}: {self.no_file.format(uri=uri)}")


def cut(size: int, share: int) -> Iterator[tuple[int, int]]:
    """Start and length of ranges that are a file together, of nearly one length, at most `share` bytes.

    >>> list(cut(10, 4)), list(cut(0, 4))
    ([(0, 3), (3, 3), (6, 4)], [(0, 0)])
    """
    many = max(1, -(-size // max(1, share)))
    bounds = [size * number // many for number in range(many + 1)]
    return ((start, end - start) for start, end in pairwise(bounds))


@contextmanager
def _temporary(scratch: str | None) -> Iterator[Path]:
    with TemporaryDirectory(prefix="windrow-", dir=scratch) as folder:
        yield Path(folder)


def warn_of_skipped(folder: str, names: Sequence[str]) -> None:
    """Warns of what a folder of inputs has besides: `names`, those of folders with a slash at their end.

    What a dot hides, and what jobs write beside the parts of an output, is left out in silence.
    """
    say_skipped(
        folder,
        names,
        "a directory means the files directly in it (with --recursive, those in its subdirectories too), without those"
        " whose names begin with _ or .",
    )


def say_skipped(folder: str, names: Sequence[str], why: str) -> None:
    """Warns of what is left out of a folder, or of a zip."""
    told = sorted(name for name in names if name[:1] not in ("", ".") and name not in _BESIDE_PARTS)
    if told:
        more = f" and {len(told) - _TOLD:,} more" if len(told) > _TOLD else ""
        say(f"warning: {folder}: skipped {', '.join(told[:_TOLD])}{more}; {why}")


def is_no_data(name: str) -> bool:
    """Whether a file in a folder is no data but about it, or code, by its name.

    >>> [is_no_data(name) for name in ("README", "License.txt", "get.py", "datapackage.json", "readme.csv", "AAA.SH")]
    [True, True, True, True, False, False]
    """
    return _NO_DATA.fullmatch(name) is not None


def is_pattern(name: str) -> bool:
    """Whether a name has characters by which it can match others.

    >>> is_pattern("bars/*.csv"), is_pattern("bars/a.csv")
    (True, False)
    """
    return any(character in name for character in "*?[")


def fits(name: str, pattern: str) -> bool:
    """Whether a name matches a part of a pattern, as in a shell: hidden ones only if the pattern begins as they do.

    >>> fits("a.csv", "*.csv"), fits("_a.csv", "*.csv"), fits("_a.csv", "_*.csv")
    (True, False, True)
    """
    return bool(name) and fnmatchcase(name, pattern) and (name[0] not in "_." or pattern[0] == name[0])


def scheme_of(uri: str) -> str:
    """The scheme of a URI, in lower case; `file` for a path without one.

    >>> scheme_of("S3://bucket/bars.csv"), scheme_of("bars.csv"), scheme_of("/bars/a:/b.csv")
    ('s3', 'file', 'file')
    """
    found = _SCHEME.match(uri)
    return found[1].lower() if found else "file"


def is_uri(path: str) -> bool:
    """Whether a path has a scheme, file: included.

    >>> is_uri("s3://bucket/bars.csv"), is_uri("file:/bars.csv"), is_uri("/bars/a:/b.csv")
    (True, True, False)
    """
    return _SCHEME.match(path) is not None


def is_unfinished_uri(path: str) -> bool:
    """Whether a path begins with the scheme of a place elsewhere, but lacks the slash after it.

    >>> is_unfinished_uri("hdfs:out"), is_unfinished_uri("hdfs:/out"), is_unfinished_uri("./hdfs:out")
    (True, False, False)
    """
    scheme, colon, _ = path.partition(":")
    return bool(colon) and not is_uri(path) and scheme.lower() in _sources().keys() - {"file"}


def source_of(uri: str) -> Source:
    """The source for a URI's scheme; a scheme that windrow does not know is assumed to be Hadoop's."""
    return _source(scheme_of(uri))


@cache
def _source(scheme: str) -> Source:
    """The source of a scheme, without importing others if it is called so: a task's start is part of its cost."""
    name = {"file": "local"}.get(scheme, scheme)
    if any(found.name == name for found in pkgutil.iter_modules(import_module(__package__).__path__)):
        found: Source | None = getattr(import_module(f"{__package__}.{name}"), "SOURCE", None)
        if found is not None:
            return found
    sources = _sources()
    return sources.get(scheme, sources["hdfs"])


@cache
def _sources() -> dict[str, Source]:
    """The sources by scheme: `SOURCE` of every module of this package that has one."""
    package = import_module(__package__)
    modules = [import_module(found.name) for found in pkgutil.iter_modules(package.__path__, f"{__package__}.")]
    sources: list[Source] = [module.SOURCE for module in modules if hasattr(module, "SOURCE")]
    return {scheme: source for source in sources for scheme in source.schemes}


def canonical(uri: str) -> str:
    """The one spelling of a URI that submitter and tasks share: without Hadoop's host, s3 for s3a.

    >>> canonical("hdfs://namenode:8020/bars/a.csv"), canonical("file:/bars/a.csv"), canonical("/bars/a:/b.csv")
    ('/bars/a.csv', '/bars/a.csv', '/bars/a:/b.csv')
    >>> canonical("s3://bucket/a.csv"), canonical("s3a://bucket/a.csv")
    ('s3://bucket/a.csv', 's3://bucket/a.csv')
    """
    return source_of(uri).canonical(uri)


@contextmanager
def unchanged(uri: str, version: Version) -> Iterator[None]:
    """Raises InputError unless the input is that version at the begin and at the end of the block.

    A change is told rather than what it led to, such as a file that looks truncated.
    """
    source = source_of(uri)
    source.check(uri, version)
    try:
        yield
    except InputError:
        source.check(uri, version)
        raise
    source.check(uri, version)


def refuse_changed(uri: str, then: Version, now: Version) -> None:
    """Raises InputError where two versions differ in what both of them say.

    >>> refuse_changed("a.csv", {"size": 60_000, "inode": 7}, {"size": 60_000})
    >>> refuse_changed("a.csv", {"size": 60_000}, {"size": 30_687, "inode": 7})
    Traceback (most recent call last):
    windrow.errors.InputError: a.csv: has changed since the job was submitted (from 60,000 to 30,687 bytes); inputs ...
    """
    changed = {name.partition(" ")[0] for name in then if name in now and then[name] != now[name]}
    if changed:
        how = "another has its name" if "inode" in changed else "it was written to"
        how = f"from {then['size']:,} to {now['size']:,} bytes" if "size" in changed else how
        raise InputError(
            f"{uri}: has changed since the job was submitted ({how}); inputs must not change while a job runs; run it"
            " again once nothing writes to it"
        )


def versions_of(uris: Sequence[str]) -> dict[str, Version]:
    """The version of each of these inputs."""
    distinct = list(dict.fromkeys(uris))
    return dict(zip(distinct, each(lambda uri: source_of(uri).version(uri), distinct), strict=True))


def each(work: Callable[[str], Result], uris: Sequence[str]) -> Iterator[Result]:
    """The result of `work` for each URI, in order; several at a time if any URI is remote."""
    if not any(source_of(uri).remote for uri in uris):
        return map(work, uris)
    from windrow.aws.parallel import in_parallel

    return in_parallel(work, uris)


def list_inputs(arguments: Sequence[str], recursive: bool = False) -> list[str]:
    """Paths and URIs of the inputs that the arguments name, in order; `recursive` as of `Source.expand`.

    Raises InputError.
    """
    listed = each(lambda argument: source_of(argument).expand(argument, recursive), arguments)
    by_argument = zip(arguments, listed, strict=True)
    return [uri for argument, uris in by_argument for uri in data_among(uris, {last_part(argument)}, argument)]


def data_among(uris: Sequence[str], named: Collection[str], argument: str) -> list[str]:
    """The inputs without those that are no data, which a warning names; those `named` by the user are taken.

    Raises InputError if no other is there.
    """
    beside = [uri for uri in uris if is_no_data(last_part(uri)) and last_part(uri) not in named]
    if not beside:
        return list(uris)
    told = sorted({last_part(uri) for uri in beside})
    if len(beside) == len(uris):
        raise InputError(f"{argument}: has no data, but {', '.join(told[:_TOLD])}; name the files of bars")
    say_skipped(argument, told, "by their names they are about the data, or code; name them to have them read")
    return [uri for uri in uris if uri not in beside]


def last_part(uri: str) -> str:
    """The name after the last slash that does not end a URI."""
    return uri.rstrip("/").rpartition("/")[2]
