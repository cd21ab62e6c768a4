"""Files on this machine."""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from windrow.errors import InputError, OutputError
from windrow.storage.newfile import hidden_beside
from windrow.storage.private import give_usual_modes
from windrow.storage.replacing import exchange, replace_if, revision_of
from windrow.storage.source import (
    Source,
    Version,
    fits,
    is_pattern,
    is_unfinished_uri,
    refuse_changed,
    warn_of_skipped,
)

_PREFIX = "file:"


class LocalSource(Source):
    """Files at a path, or at file:/PATH. An output appears by one rename."""

    schemes = ("file",)
    exchanges = True

    def expand(self, argument: str, recursive: bool = False) -> list[str]:
        """The absolute path of a file, or those of the files in a directory, or of those that match."""
        try:
            return _files_of(argument, self.path(argument), recursive)
        except OSError as error:
            raise InputError(f"{argument}: {_cannot_be_read(error.strerror)}") from error

    def size(self, uri: str) -> int:
        """The size of a file in bytes."""
        return _status(uri, self.path(uri)).st_size

    def version(self, uri: str) -> Version:
        """Size, time of modification and inode, which another machine that shares the file may number otherwise."""
        status = _status(uri, self.path(uri))
        inode = f"inode on {os.uname().nodename}"
        return {"size": status.st_size, "modified": status.st_mtime_ns, inode: status.st_ino}

    def check(self, uri: str, version: Version) -> None:
        """Raises InputError unless the file is still that version."""
        if version:
            refuse_changed(uri, version, self.version(uri))

    def open(self, uri: str, end: int | None = None) -> BinaryIO:
        """The file."""
        return cast(BinaryIO, self.path(uri).open("rb", buffering=0))

    def path(self, uri: str) -> Path:
        """The path that a URI names, or the path itself."""
        return Path(self.canonical(uri))

    def canonical(self, uri: str) -> str:
        """The path, without scheme and host."""
        return without_host(uri) if uri[: len(_PREFIX)].lower() == _PREFIX else uri

    def refuse_unwritable(self, output: str) -> None:
        """Raises OutputError for what was meant to be a URI."""
        if is_unfinished_uri(output):
            scheme = output.partition(":")[0]
            raise OutputError(
                f"{output}: is not a URI, which begins with {scheme}:/; add the slash, or write ./{output} for a"
                " directory here"
            )

    def refuse_taken(self, output: str) -> None:
        """Raises OutputError unless the path is free or an empty directory."""
        path = self.path(output)
        try:
            taken = (path.exists() or path.is_symlink()) and not (path.is_dir() and not any(path.iterdir()))
        except OSError as error:
            raise _cannot_make(output, error) from error
        if taken:
            what = "is not empty" if path.is_dir() else "is a file"
            raise OutputError(
                f"{output}: exists and {what}; a job writes a new directory only; replace an output of a job with"
                " --force, remove it, or choose another with --output-dir"
            )

    @contextmanager
    def staging(self, output: str, scratch: str | None = None) -> Iterator[Path]:
        """A directory beside the output, whose name begins with a dot; a killed run leaves nothing else."""
        final = self.path(output).resolve()  # the target of a link, so that the link stays
        staging = hidden_beside(final, "windrow")
        made: list[Path] = []
        try:
            try:
                made.extend(filter(_is_made, (*reversed(final.parents), staging)))
            except OSError as error:
                raise _cannot_make(output, error) from error
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            for folder in reversed(made):
                with suppress(OSError):  # it contains the output, or another run's
                    folder.rmdir()

    def commit(self, staging: Path, names: Sequence[str], output: str, advance: Callable[[int], object]) -> None:
        """Renames the directory, after removing all other files from it."""
        try:
            _keep_only(names, staging)
            os.replace(staging, self.path(output).resolve())  # fails unless that is free, or an empty directory
        except OSError as error:
            self.refuse_taken(output)  # another may have written there in the meantime
            raise _cannot_make(output, error) from error

    def exchange(self, staging: Path, names: Sequence[str], output: str) -> None:
        """Exchanges the names of both directories, at once if the file system can."""
        final = self.path(output).resolve()
        try:
            _keep_only(names, staging)
            if final.exists():
                exchange(staging, final)
            else:
                os.replace(staging, final)
        except OSError as error:
            raise _cannot_make(output, error) from error

    def below(self, folder: str) -> list[str]:
        """The files, in order; links to directories are not followed."""
        top = self.path(folder)

        def refuse(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise InputError(f"{error.filename}: {_cannot_be_read(error.strerror)}") from error

        found = os.walk(top, onerror=refuse)
        return sorted(Path(place, name).relative_to(top).as_posix() for place, _, names in found for name in names)

    def level(self, folder: str) -> Iterator[str]:
        """The paths; links to directories are left out."""
        try:
            with os.scandir(self.path(folder)) as found:
                inside = sorted((one.path, one.is_dir(), one.is_symlink()) for one in found)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise InputError(f"{folder}: {_cannot_be_read(error.strerror)}") from error
        for path, is_folder, is_link in inside:
            if not (is_folder and is_link):
                yield f"{path}/" if is_folder else path

    def revision(self, uri: str) -> str | None:
        """A digest of the file's bytes."""
        try:
            return revision_of(self.path(uri))
        except OSError as error:
            raise InputError(f"{uri}: {_cannot_be_read(error.strerror)}") from error

    def replace(self, uri: str, path: Path, revision: str | None) -> str | None:
        """Compares and renames while this process alone holds the file's lock; makes the directories."""
        try:
            return replace_if(self.path(uri), path, revision)
        except OSError as error:
            raise OutputError(
                f"{uri}: cannot be written: {error.strerror}; use a place that can be written to"
            ) from error


def _keep_only(names: Sequence[str], staging: Path) -> None:
    """Removes all other files from a directory, and has these be read by whom files usually are."""
    for file in set(os.listdir(staging)).difference(names):
        (staging / file).unlink()
    give_usual_modes(staging / name for name in names)


def _status(uri: str, path: Path) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError:
        raise InputError(
            f"{uri}: has been removed in the meantime; inputs must not change while a job runs; run it again"
        ) from None
    except OSError as error:
        raise InputError(f"{uri}: {_cannot_be_read(error.strerror)}") from error


def _is_made(folder: Path) -> bool:
    """Makes a directory unless it exists; whether this did it, and so may remove it."""
    try:
        folder.mkdir()
    except OSError as error:
        if folder.is_dir():  # a read-only one says so where it is written to
            return False
        if isinstance(error, FileExistsError):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
        raise
    return True


def _files_of(argument: str, path: Path, recursive: bool) -> list[str]:
    path = path.absolute()
    if not argument:
        raise InputError("'': the name of an input is empty; give files of bars, or directories of them")
    if path.is_dir():
        inside = _inputs_in(argument, path, recursive)
        if not inside:
            deep = "and in subdirectories, not" if recursive else "not those in subdirectories, nor"
            raise InputError(
                f"{argument}: is a directory without files; a directory means the files in it, {deep}"
                f" those whose names begin with _ or .; name the files{'' if recursive else ', or add --recursive'}"
            )
        return inside
    if path.is_file():
        return [str(path)]
    if path.exists():
        raise InputError(
            f"{argument}: is not a regular file; inputs are read more than once; pipe it to standard input,"
            " and give - instead"
        )
    if path.is_symlink():
        raise _dangling(argument, path)
    if not is_pattern(argument):
        raise InputError(f"{argument}: does not exist; give files of bars, or directories of them")
    return _matching_files(argument, path, recursive)


def _matching_files(argument: str, path: Path, recursive: bool) -> list[str]:
    entered = recursive or "**" not in path.parts  # ** names the directories itself

    def inside(folder: Path) -> list[str]:
        return _inputs_in(str(folder), folder, recursive) if entered else []

    found = list(dict.fromkeys(_matching(Path(path.anchor), path.parts[1:], inside)))
    if not found:
        raise InputError(
            f"{argument}: matches no file; names that begin with _ or . match only a pattern that begins so, and **"
            " stands for directories of any depth; give files of bars, or directories of them"
        )
    return found


def _matching(folder: Path, parts: Sequence[str], inside: Callable[[Path], list[str]]) -> Iterator[str]:
    """The files below a folder whose paths match, in order; of directories that match, those that are `inside`."""
    if not parts:
        if folder.is_dir():
            yield from inside(folder)
        elif stat.S_ISREG(_mode(folder)):
            yield str(folder)
        return
    first, rest = parts[0], parts[1:]
    if not is_pattern(first) or os.path.lexists(folder / first):
        if os.path.lexists(folder / first):
            yield from _matching(folder / first, rest, inside)
        return
    deep = first == "**"
    if deep:
        yield from _matching(folder, rest or ("*",), inside)
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        if fits(name, "*" if deep else first) and (not deep or _is_folder_itself(folder / name)):
            yield from _matching(folder / name, parts if deep else rest, inside)


def _is_folder_itself(path: Path) -> bool:
    """Whether it is a directory, and no link to one, which might lead round in a circle."""
    return path.is_dir() and not path.is_symlink()


def _inputs_in(argument: str, folder: Path, recursive: bool, above: frozenset[str] = frozenset()) -> list[str]:
    """The files in a directory. Raises InputError for one that is there but cannot be read, warns of all else.

    `above` are the directories that lead here, so that a link to one of them does not lead on.
    """
    inside, skipped = [], []
    above |= {os.path.realpath(folder)}
    for name in sorted(os.listdir(folder)):
        path = folder / name
        if name[0] in "._":
            skipped.append(name)
        elif stat.S_ISREG(mode := _mode(path)):
            inside.append(str(path))
        elif recursive and stat.S_ISDIR(mode):
            if os.path.realpath(path) not in above:
                inside += _inputs_in(str(path), path, recursive, above)
        else:
            skipped.append(f"{name}/" if stat.S_ISDIR(mode) else f"{name} (not a regular file)")
    warn_of_skipped(argument, skipped)
    return inside


def _mode(path: Path) -> int:
    """What is at a path. Raises InputError for a link to nothing, and for a file that must not be read."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if path.is_symlink() and error.errno in (errno.ENOENT, errno.ELOOP):
            raise _dangling(str(path), path) from None
        raise InputError(f"{path}: {_cannot_be_read(error.strerror)}") from error
    if stat.S_ISREG(mode) and not os.access(path, os.R_OK):
        raise InputError(f"{path}: {_cannot_be_read(os.strerror(errno.EACCES))}")
    return mode


def _dangling(name: str, path: Path) -> InputError:
    return InputError(
        f"{name}: is a link to {os.readlink(path)}, which does not exist; an input that cannot be read is not left"
        " out; mend the link, or remove it"
    )


def _cannot_be_read(why: str | None) -> str:
    return f"cannot be read: {why}; check the path and its permissions"


def without_host(uri: str) -> str:
    """The path in a URI of a file system.

    >>> without_host("hdfs://namenode:8020/bars/a.csv"), without_host("file:/bars/a.csv")
    ('/bars/a.csv', '/bars/a.csv')
    """
    rest = uri.partition(":")[2]
    return "/" + rest.removeprefix("//").partition("/")[2] if rest.startswith("//") else rest


def _cannot_make(output: str, error: OSError) -> OutputError:
    return OutputError(f"{output}: cannot be created: {error.strerror}; choose another place with --output-dir")


SOURCE = LocalSource()
