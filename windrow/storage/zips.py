"""Zip files: folders of files, in which a member is named as in a folder, `bars.zip/AAA.csv`."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from windrow.errors import InputError
from windrow.storage.foreign import refuse_workbook
from windrow.storage.open import ZIP, is_columnar
from windrow.storage.source import is_no_data, say_skipped, source_of

#: A member that is larger, and by more than this factor larger than in the zip, is no bars: those of a minute in
#: which nothing happens are a hundred times smaller in a zip.
_LARGE, _FACTOR = 100 << 20, 250
_ENCRYPTED = 1


def members(path: str, warned: bool = False) -> list[str]:
    """The members of a zip file that may be bars; with `warned`, the others are named in a warning.

    Raises InputError for a file that is damaged, encrypted, or no folder of bars.
    """
    with source_of(path).open(path) as file, _readable(path), zipfile.ZipFile(file) as opened:
        inside = [info for info in opened.infolist() if not info.is_dir()]
        refuse_workbook(path, opened.namelist())
        data = [info for info in inside if not _is_beside(info.filename)]
        for info in data:
            _check(path, info)
        names = [info.filename for info in data]
        if twice := [name for name in names if names.count(name) > 1]:
            raise InputError(
                f"{path}/{twice[0]}: is there twice, and only one is read; unzip it, and give what is right"
            )
    if not data:
        raise InputError(f"{path}: has no file of bars in it; a zip is read as a folder of files is; check what it is")
    if warned:
        say_skipped(path, [info.filename for info in inside if info not in data], "what is no file of bars is left out")
    return names


def _is_beside(name: str) -> bool:
    """Whether a member is no data: hidden, of an operating system, or a README."""
    *folders, last = name.split("/")
    return (
        last[:1] in ("_", ".")
        or any(folder[:1] == "." or folder == "__MACOSX" for folder in folders)
        or is_no_data(last)
    )


def _check(path: str, info: zipfile.ZipInfo) -> None:
    name, suffix = f"{path}/{info.filename}", info.filename.lower()[-4:]
    if info.flag_bits & _ENCRYPTED:
        raise InputError(f"{name}: is encrypted, and windrow has no password; unzip it: unzip {path}")
    if suffix == ZIP:
        raise InputError(f"{name}: is a zip in a zip; windrow opens one; unzip the outer one: unzip {path}")
    if is_columnar(name):
        raise InputError(
            f"{name}: is columns in a zip, which are read from a file of their own; unzip it: unzip {path}"
        )
    if info.file_size > _LARGE and info.file_size > _FACTOR * info.compress_size:
        raise InputError(
            f"{name}: {info.compress_size:,} bytes would become {info.file_size:,}, as in a zip bomb; bars do not"
            f" shrink so much; if it is what it should be, unzip it: unzip {path}"
        )


@contextmanager
def open_member(path: str, member: str, file: BinaryIO) -> Iterator[BinaryIO]:
    """The bytes of a member of a zip file, open as `file`. Raises OSError where it is damaged."""
    with _readable(path), zipfile.ZipFile(file) as opened, opened.open(member) as stream:
        yield cast(BinaryIO, stream)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(
            f"{path}: is truncated or damaged, or no zip file ({error}); windrow reads a file whole or not at all; get"
            f" the file again, or test it with `unzip -t`"
        ) from error
    except NotImplementedError as error:
        raise InputError(f"{path}: is compressed in a way that Python does not read ({error}); unzip it") from error
