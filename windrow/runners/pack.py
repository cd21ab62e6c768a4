"""`windrow pack`: the tasks' whole environment in one file that is also their interpreter.

`./windrow.pyz SCRIPT ARGS` behaves as `python SCRIPT ARGS` does here, on a node that has a bare Python of the same
minor version: a few lines of sh, followed by a zip of the packages installed here. The first start on a node unpacks it
(windrow/runners/unpack.py) into the first of these that this user can write to; every start runs the Python in there:

    $WINDROW_ENV_ROOT
    $LOCAL_DIRS                             YARN's folder of the application, removed when the application ends
    $XDG_CACHE_HOME/windrow, or ~/.cache/windrow
    $TMPDIR/windrow-UID, or /tmp/windrow-UID

PYTHONPATH comes first, as with any Python: what a job ships in py_files takes precedence over the packed windrow.

Measured on 2 busy cores against pex 2.105 (--venv --sh-boot, nothing left out) with the same versions:

                            this                            pex
    to build, CPU time      7.4 s                           18 s from an index, 10 s from the environment here
    size                    57 MB, 73 with all files        75 MB
    unpacked                180 MB                          242 MB
    first start             1.3 s                           5.0 s
    every start after       0.013 s                         0.124 s     (0.011 s for the bare Python)
    HOME is read-only       the next place                  a traceback, unless PEX_ROOT is set

It is smaller because it leaves files out, and starts sooner because no Python runs before the one that is wanted. Not
tried: a tarball through mrjob's archives, which is not an interpreter by itself. zipapp alone cannot import native
packages.

The jobs and packages of our own travel without an environment too: `zip_own_packages`. Python never caches what it
compiles of a zip, which takes each task longer than all else of its start; so bytecode goes along: `add_bytecode`.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path, PurePath
from shlex import quote
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from windrow import errors
from windrow.console.meter import progress
from windrow.errors import InputError
from windrow.runners import unpack
from windrow.storage.newfile import new_file

#: Where our own packages are.
ROOT = Path(errors.__file__).parents[1]
#: Our own packages, and the distributions that a mapper or a reducer imports, their dependencies included.
OURS = ("jobs", "sort_keys", "windrow")
TASKS_NEED = ("mrjob", "PyYAML", "numpy", "pyarrow", "orjson")
#: What tasks that train import besides: jax needs scipy only for what they do not use, a third of the file.
LEARNING_NEEDS = ("jax", "jaxlib", "ml_dtypes", "opt_einsum")
#: No task needs these: a fifth of the file.
_FOLDERS = {"tests", "include", "__pycache__"}
_SUFFIXES = {".pyc", ".pyx", ".pxd", ".pxi", ".pyi", ".a"}
_FLIGHT = ("pyarrow/libarrow_flight", "pyarrow/libarrow_python_flight", "pyarrow/_flight", "pyarrow/src/")

# -O: in a folder that all users share, such as /tmp, the name may be taken by another user's folder.
BOOT = """#!/bin/sh
# The environment of windrow's tasks, for Python @VERSION@: unpacks itself once, then is a Python with all they import.
cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
root=
for place in "$WINDROW_ENV_ROOT" "${LOCAL_DIRS%%,*}" "${cache:+$cache/windrow}" "${TMPDIR:-/tmp}/windrow-$(id -u)"; do
    [ -n "$place" ] && (umask 077 && mkdir -p "$place" 2>/dev/null)
    [ -w "$place" ] && [ -O "$place" ] && root=$place && break
done
if [ -z "$root" ]; then
    echo "$0: no folder to unpack into: set WINDROW_ENV_ROOT to a folder of this user's with 200 MB free" >&2
    exit 1
fi
home=$root/env-@DIGEST@
if ! [ -x "$home/bin/python" ]; then
    fits='import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@VERSION@")'
    for python in "$WINDROW_PYTHON" python@VERSION@ python3 ""; do
        "$python" -c "$fits" 2>/dev/null && break
    done
    if [ -z "$python" ]; then
        echo "$0: Python @VERSION@ was not found: install it, or set WINDROW_PYTHON to its path" >&2
        exit 127
    fi
    "$python" -I "$0" "$home" || exit
fi
exec "$home/bin/python" "$@"
"""


def pack(out: Path, force: bool = False, quiet: bool = True, learning: bool = False) -> int:
    """Writes the file and returns its size in bytes; holds one file of it in memory at a time.

    learning: with what tasks that train need.

    Raises OutputError if `out` exists (unless `force`) or cannot be written, InputError if a package is not installed.
    """
    files = dict(task_files(learning))
    total = sum(path.stat().st_size for path in files.values())
    with new_file(out, force) as file, progress("packing", total, not quiet, "bytes") as report:
        file.write(boot(_digest(files)).encode())
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            _add(archive, "__main__.py", Path(unpack.__file__))
            for name, path in files.items():
                report(_add(archive, unpack.PACKAGES + name, path))
        size = file.seek(0, os.SEEK_END)
        os.fchmod(file.fileno(), 0o755)
    return size


def boot(digest: str) -> str:
    """The first lines: sh finds the environment that `digest` names, or has it unpacked, and starts its Python."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return BOOT.replace("@VERSION@", version).replace("@DIGEST@", digest)


def how_to_use(out: Path) -> str:
    """How a job ships the file and makes it the tasks' interpreter, in one line for the user."""
    return f"run a job with it: -r hadoop --environment {quote(str(out))}"


def zip_own_packages(out: Path) -> Path:
    """Writes the packages of our own, as they are here, to a zip that Python can import from; returns `out`."""
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for package in OURS:
            for name, path in sorted(own_files(package)):
                _add(archive, name, path)
    return out


def add_bytecode(out: Path, root: Path = ROOT) -> None:
    """Adds to a zip of sources below `root` what this Python has cached of those that it has imported: tasks import
    about the same.

    A node whose Python is of another minor version compiles the sources, as it would without.
    """
    imported = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    with ZipFile(out, "a") as archive:
        for name in archive.namelist():
            path = root / name
            if str(path) in imported and (code := _bytecode(path, archive.read(name))) is not None:
                archive.writestr(_entry(f"{name}c"), code)


def _bytecode(path: Path, source: bytes) -> bytes | None:
    """What is cached of a source, if it is of these bytes, in the form that is not compared with a date when used."""
    with suppress(OSError, NotImplementedError):
        cached, made = Path(cache_from_source(str(path), optimization="")).read_bytes(), path.stat()
        seen = (0, int(made.st_mtime), made.st_size)  # flags: compared by date and size
        is_new = cached[:16] == MAGIC_NUMBER + b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in seen)
        if is_new and path.read_bytes() == source:
            return MAGIC_NUMBER + (1).to_bytes(4, "little") + source_hash(source) + cached[16:]
    return None


def task_files(learning: bool = False) -> Iterator[tuple[str, Path]]:
    """Name below site-packages and place here of every file that tasks need, always in the same order."""
    for package in OURS:
        yield from sorted(own_files(package))
    for name in (*TASKS_NEED, *(LEARNING_NEEDS if learning else ())):
        yield from sorted(_installed_files(name))


def own_files(package: str) -> Iterator[tuple[str, Path]]:
    """The files of the package beside windrow's; one of the same name elsewhere on the path is not ours."""
    for path in (ROOT / package).rglob("*"):
        name = path.relative_to(ROOT)
        if path.is_file() and _needed(name):
            yield name.as_posix(), path


def _installed_files(distribution: str) -> Iterator[tuple[str, Path]]:
    """What pip has put into site-packages: the versions that run here, not those that an index has today."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        files = []
    if not any(path.suffix == ".py" for path in files):
        raise InputError(
            f"{distribution}: its installation has no list of its files: the tasks' environment is packed from that"
            f" list; install it with: pip install --force-reinstall {distribution}"
        )
    for path in files:
        if ".." not in path.parts and _needed(path):
            yield path.as_posix(), Path(str(path.locate()))


def _needed(path: PurePath) -> bool:
    return path.suffix not in _SUFFIXES and _FOLDERS.isdisjoint(path.parts) and not path.as_posix().startswith(_FLIGHT)


def _digest(files: dict[str, Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name, path in files.items():
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _add(archive: ZipFile, name: str, path: Path) -> int:
    """Adds a file and returns its size. Dated 1980: the same files make the same bytes."""
    content = path.read_bytes()
    archive.writestr(_entry(name), content)
    return len(content)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name)
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
