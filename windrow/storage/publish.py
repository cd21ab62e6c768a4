"""Outputs: parts that appear together or not at all, by one rename, or, on S3, which has no rename, by one commit."""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from windrow.console.meter import progress
from windrow.errors import InputError, OutputError
from windrow.storage.compressed import ENDS
from windrow.storage.open import named
from windrow.storage.source import source_of

#: The description of an output, in its directory; the underscore hides it from Hadoop.
DESCRIPTION = "_windrow.json"
#: Marks an output as complete; it is written last.
SUCCESS = "_SUCCESS"
#: The files that Hadoop and mrjob open for a task's lines; no other part's name ends in a digit.
TEXT_PARTS = "part-*[0-9]"
#: Suffix of a part that the first of two steps writes: lines that need no stitching.
INNER = "-inner"
#: The parts that tasks write themselves, beside those of lines.
OWN_PARTS = "part-*-*"
#: The files of an output, and checksums that Hadoop writes beside them.
_OF_JOBS = re.compile(rf"part-[0-9]{{5}}.*|{re.escape(DESCRIPTION)}|{SUCCESS}|\..*\.crc")
#: The parts whose lines are printed if no directory was asked for.
PRINTED = (TEXT_PARTS, f"part-*{INNER}")


def refuse_taken(output: str, force: bool = False) -> None:
    """Raises OutputError if an output already exists: nothing is ever overwritten or mixed.

    force: unless it is an output of a job, and nothing else, in a directory on this machine. The directory that a
    shell is in is refused all the same, empty ones too: the shell would stay in the one that is replaced.
    """
    source = source_of(output)
    place = source.path(output) if source.exchanges else None
    there = place if place is not None and os.path.isdir(place) else None  # a name that is too long is not
    if there is not None:
        _refuse_current(output, there)
    if there is not None and force:
        _refuse_what_no_job_wrote(output, there)
    else:
        source.refuse_taken(output)


def _refuse_current(output: str, folder: Path) -> None:
    here = Path.cwd()
    if (place := folder.resolve()) in (here, *here.parents):
        where = "the current directory" if place == here else "above the current directory"
        raise OutputError(
            f"{output}: is {where}, and an output takes the place of the directory that is there, so that a shell would"
            " stay in one that is removed; change to another (cd), or choose another with --output-dir"
        )


def _refuse_what_no_job_wrote(output: str, folder: Path) -> None:
    files = {name: stat.S_ISREG((folder / name).lstat().st_mode) for name in os.listdir(folder)}
    description = b""
    with suppress(OSError):
        description = (folder / DESCRIPTION).read_bytes()
    refuse_what_no_job_wrote(output, files, description)


def refuse_what_no_job_wrote(output: str, files: Mapping[str, bool], description: bytes) -> None:
    """Raises OutputError for a directory that is not to be replaced: it has no description, or more than jobs write.

    files: the names in it, and whether they are those of files.
    """
    others = sorted(name for name, is_file in files.items() if not (is_file and _OF_JOBS.fullmatch(name)))
    if files and (others or not _is_of_job(description)):
        what = f"has {others[0]}, which no job wrote" if others else f"has no {DESCRIPTION} of a job"
        raise OutputError(
            f"{output}: {what}; --force replaces outputs of jobs and nothing else; remove it yourself, or choose"
            " another with --output-dir"
        )


def _is_of_job(description: bytes) -> bool:
    with suppress(ValueError):
        described = json.loads(description)
        return isinstance(described, dict) and isinstance(described.get("job"), str) and "windrow" in described
    return False


@contextmanager
def staged(
    output: str,
    description: dict[str, Any],
    scratch: str | None = None,
    shown: bool = False,
    force: bool = False,
) -> Iterator[Path]:
    """A local directory to write parts into; it becomes `output`, described, unless the block fails.

    For a remote output it is in `scratch`, or else among the system's temporary files; `shown` shows the progress of a
    long upload on the terminal. force: an output that `refuse_taken` does not refuse is there until the new one is, and
    removed then.
    """
    source = source_of(output)
    with source.staging(output, scratch) as staging:
        yield staging
        names = _described_parts(staging, description, output)
        size = sum((staging / name).stat().st_size for name in names)
        if force:
            refuse_taken(output, force)  # something else may be there by now
            source.exchange(staging, names, output)
            return
        with progress(f"to {output}", size, shown and source.remote, "bytes") as advance:
            source.commit(staging, names, output, advance)


def _described_parts(staging: Path, description: dict[str, Any], output: str) -> list[str]:
    """Names of an output's files, in the order in which they appear: parts, description, success marker."""
    try:
        described = describe_output(description, staging)
        parts = sorted(part.name for part in staging.iterdir() if part.name[0] not in "._")
    except OSError as error:
        raise OutputError(
            f"{output}: cannot be created: {error.strerror}; choose another place with --output-dir"
        ) from error
    own = writes_own_parts(description)
    return [name for name in parts if not (own and fnmatchcase(name, TEXT_PARTS))] + [file.name for file in described]


def publish_from_s3(staging: str, output: str, description: dict[str, Any], folder: Path) -> None:
    """Publishes the parts in a folder on S3 as `output`, described, by one commit; `folder` is for scratch."""
    from windrow.storage import s3  # a task's start is part of its cost

    described, success = describe_output(description, folder)
    s3.refuse_taken(output)
    more = {file.name: file for file in (described, success)}
    own = writes_own_parts(description)
    s3.publish_copies(staging, output, more, lambda name: not (own and fnmatchcase(name, TEXT_PARTS)))


@contextmanager
def at_hand(output: str | Path) -> Iterator[Path]:
    """Where an output, or one part, can be read: in place, or, if it is remote, in a copy for this block.

    Errors of the block use the name given here. Raises InputError for a remote output that is incomplete.
    """
    uri = str(output)
    source = source_of(uri)
    if (place := source.path(uri)) is not None:
        yield place
        return
    found = list(source.contents(uri))
    names = [name.rpartition("/")[2] for name in found]
    if not found:
        raise InputError(
            f"{uri}: contains no output of a job; give the directory that --output-dir named, or one of its parts"
        )
    is_part = found == [uri]
    if not is_part and SUCCESS not in names:
        raise InputError(
            f"{uri}: is incomplete: it has no {SUCCESS}, which a job writes last; wait for that job, or run it again"
        )
    above = uri.rpartition("/")[0] if is_part else uri
    with TemporaryDirectory(prefix="windrow-") as folder, named(folder, above):
        source.download(found, Path(folder))
        yield Path(folder, names[0]) if is_part else Path(folder)


def parts_in(folder: Path, pattern: str) -> list[Path]:
    """The parts whose names match a pattern, in order, compressed or not."""
    return sorted(part for end in ("", *ENDS.values()) for part in folder.glob(pattern + end))


def describe_output(description: dict[str, Any], folder: Path) -> list[Path]:
    """Writes the files that accompany an output's parts into a folder."""
    described, success = folder / DESCRIPTION, folder / SUCCESS
    described.write_text(json.dumps(description) + "\n")
    success.touch()
    return [described, success]


def writes_own_parts(description: dict[str, Any]) -> bool:
    """Whether tasks wrote the parts themselves, so that the text parts are empty and must not be published.

    Spark, and any other reader of a directory as a table, reads every file whose name does not hide it.
    """
    return bool(description.get("format", "text") != "text" or description.get("compress"))
