"""Parts that appear together, by one rename, or not at all; on S3, where nothing can be renamed, by one commit."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from windrow.console import progress
from windrow.errors import InputError, OutputError
from windrow.storage import s3
from windrow.storage.open import named

#: What an output directory says of its parts; the underscore hides it from Hadoop.
DESCRIPTION = "_windrow.json"
#: Says that an output is whole; it comes last.
SUCCESS = "_SUCCESS"
#: What Hadoop, and mrjob, open for a task's lines; no other part's name ends in a digit.
TEXT_PARTS = "part-*[0-9]"
#: Ends the name of a part that the first of two steps writes: lines that need no stitching.
INNER = "-inner"
#: The parts of lines that are printed where no directory was asked for.
PRINTED = (TEXT_PARTS, f"part-*{INNER}")
#: Bytes from which on an upload takes long enough to show how far it is.
_LONG_UPLOAD = 32 << 20


def refuse_taken(output: str) -> None:
    """Raises OutputError where an output's place is taken: nothing is ever overwritten or mixed."""
    if s3.is_s3(output):
        s3.refuse_taken(output)
        return
    path = Path(output)
    try:
        taken = (path.exists() or path.is_symlink()) and not (path.is_dir() and not any(path.iterdir()))
    except OSError as error:
        raise _cannot(output, error) from error
    if taken:
        what = "is not empty" if path.is_dir() else "is a file"
        raise OutputError(
            f"{output}: exists and {what}; a job writes a new directory only; remove it, or choose another"
            " by --output-dir"
        )


@contextmanager
def staged(output: str, description: dict[str, Any], folder: str | None = None, shown: bool = False) -> Iterator[str]:
    """A directory to write parts into; it becomes `output`, described, unless the block fails.

    It lies beside the output, and a run that is killed leaves only it behind, whose name begins with a dot. That of an
    output on S3 lies in `folder`, or among the system's temporary ones; `shown` tells of a long upload on the terminal.
    """
    if not s3.is_s3(output):
        with _staged_here(output, description) as staging:
            yield staging
        return
    with TemporaryDirectory(prefix="windrow-", dir=folder) as kept:
        yield kept
        _upload(Path(kept), output, description, shown)


def _upload(staging: Path, output: str, description: dict[str, Any], shown: bool) -> None:
    s3.refuse_taken(output)  # another may have written there in the meantime
    describe_output(description, staging)
    parts = sorted(part for part in staging.iterdir() if part.name[0] not in "._")
    if writes_own_parts(description):
        parts = [part for part in parts if not part.match(TEXT_PARTS)]
    files = [*parts, staging / DESCRIPTION, staging / SUCCESS]  # in this order they appear
    size = sum(part.stat().st_size for part in parts)
    with progress(f"to {output}", size, shown and size > _LONG_UPLOAD) as tell:
        s3.upload({s3.join(output, file.name): file for file in files}, tell)


@contextmanager
def _staged_here(output: str, description: dict[str, Any]) -> Iterator[str]:
    final = Path(output).resolve()  # behind a link, so that the link stays
    staging = final.with_name(f".{final.name}.windrow-{os.getpid()}")
    made = [parent for parent in final.parents if not parent.exists()]
    try:
        try:
            staging.mkdir(parents=True)
        except OSError as error:
            raise _cannot(output, error) from error
        yield str(staging)
        _publish(staging, final, output, description)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for parent in made:
            with suppress(OSError):  # it holds the output
                parent.rmdir()


def publish_from_s3(staging: str, output: str, description: dict[str, Any], folder: Path) -> None:
    """Makes parts that lie in a folder of S3 the output `output`, described, by one commit; `folder` is for scratch."""
    described, success = describe_output(description, folder)
    s3.refuse_taken(output)
    more = {file.name: file for file in (described, success)}
    own = writes_own_parts(description)
    s3.publish_copies(staging, output, more, lambda name: not (own and fnmatchcase(name, TEXT_PARTS)))


@contextmanager
def at_hand(output: str | Path) -> Iterator[Path]:
    """Where an output, or one part, can be read: where it is, or a copy of what lies on S3, for this block.

    Errors of the block name it as it is named here. Raises InputError for an output on S3 that is not whole.
    """
    if not s3.is_s3(str(output)):
        yield Path(output)
        return
    uri = str(output)
    found = [one.uri for one in s3.everything_in(uri)]
    names = [name.rpartition("/")[2] for name in found]
    if not found:
        raise InputError(f"{uri}: holds no output of a job; give what --output-dir named, or a part of that")
    whole = found == [uri]
    if not whole and SUCCESS not in names:
        raise InputError(
            f"{uri}: is not whole: it has no {SUCCESS}, which a job writes last; wait for that job, or run it again"
        )
    above = uri.rpartition("/")[0] if whole else uri
    with TemporaryDirectory(prefix="windrow-") as folder, named(folder, above):
        s3.download(found, Path(folder))
        yield Path(folder, names[0]) if whole else Path(folder)


def describe_output(description: dict[str, Any], folder: Path) -> list[Path]:
    """Writes, into a folder, the files that stand beside an output's parts."""
    described, success = folder / DESCRIPTION, folder / SUCCESS
    described.write_text(json.dumps(description) + "\n")
    success.touch()
    return [described, success]


def writes_own_parts(description: dict[str, Any]) -> bool:
    """Whether tasks wrote parts themselves, so that those of text are empty and in the way.

    Spark, and whatever else takes a directory for a table, reads every file whose name does not hide it.
    """
    return bool(description.get("format", "text") != "text")


def _publish(staging: Path, final: Path, output: str, description: dict[str, Any]) -> None:
    try:
        describe_output(description, staging)
        if writes_own_parts(description):
            for part in staging.glob(TEXT_PARTS):
                part.unlink()
        os.replace(staging, final)
    except OSError as error:
        raise _cannot(output, error) from error


def _cannot(output: str, error: OSError) -> OutputError:
    return OutputError(f"{output}: cannot be made: {error.strerror}; choose another place by --output-dir")
