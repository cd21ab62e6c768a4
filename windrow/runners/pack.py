"""`windrow pack`: the tasks' whole environment in one file that is also their interpreter.

`./windrow.pyz SCRIPT ARGS` behaves as `python SCRIPT ARGS` does here, on a node that has a bare Python of the same
minor version: a few lines of sh, and behind them a zip of the packages installed here. The first start on a node
unpacks it (windrow/runners/unpack.py) into the first of these that is ours to write; every start runs the Python in
there:

    $WINDROW_ENV_ROOT
    $LOCAL_DIRS                             YARN's folder of the application, which goes when the application ends
    $XDG_CACHE_HOME/windrow, or ~/.cache/windrow
    $TMPDIR/windrow-UID, or /tmp/windrow-UID

PYTHONPATH comes first, as with any Python: what a job ships in py_files wins over the windrow that was packed.

Measured on 2 busy cores against pex 2.105 (--venv --sh-boot, nothing left out) with the same versions:

                            this                            pex
    to build, CPU time      7.4 s                           18 s from an index, 10 s from the environment here
    size                    57 MB, 73 with what is left out 75 MB
    unpacked                180 MB                          242 MB
    first start             1.3 s                           5.0 s
    every start after       0.013 s                         0.124 s     (0.011 s for the bare Python)
    HOME cannot be written  the next place                  a traceback, unless PEX_ROOT is set

So its size is from leaving files out, its starts from running no Python before the one that is wanted. Not tried: a
tarball through mrjob's archives, which is no interpreter by itself. zipapp alone cannot import native packages.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path, PurePath
from shlex import quote
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from windrow.console import progress
from windrow.errors import InputError
from windrow.runners import unpack
from windrow.storage.newfile import new_file

#: Ours, and the distributions that a mapper or a reducer imports; what these need in turn stands here too.
OURS = ("windrow", "sort_keys", "jobs")
TASKS_NEED = ("mrjob", "PyYAML", "numpy", "pyarrow", "orjson")
#: No task looks at these: a fifth of the file.
_FOLDERS = {"tests", "include", "__pycache__"}
_SUFFIXES = {".pyc", ".pyx", ".pxd", ".pxi", ".pyi", ".a"}
_FLIGHT = ("pyarrow/libarrow_flight", "pyarrow/libarrow_python_flight", "pyarrow/_flight", "pyarrow/src/")

# -O: in a folder for all, /tmp, another user may have made one of our name.
BOOT = """#!/bin/sh
# The environment of windrow's tasks, for Python @VERSION@: unpacks itself once, then is a Python with all they need.
cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
root=
for place in "$WINDROW_ENV_ROOT" "${LOCAL_DIRS%%,*}" "${cache:+$cache/windrow}" "${TMPDIR:-/tmp}/windrow-$(id -u)"; do
    [ -n "$place" ] && (umask 077 && mkdir -p "$place" 2>/dev/null)
    [ -w "$place" ] && [ -O "$place" ] && root=$place && break
done
if [ -z "$root" ]; then
    echo "$0: no folder to unpack into: name one of this user's, with 200 MB of room, by WINDROW_ENV_ROOT" >&2
    exit 1
fi
home=$root/env-@DIGEST@
if ! [ -x "$home/bin/python" ]; then
    fits='import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@VERSION@")'
    for python in "$WINDROW_PYTHON" python@VERSION@ python3 ""; do
        "$python" -c "$fits" 2>/dev/null && break
    done
    if [ -z "$python" ]; then
        echo "$0: no Python @VERSION@ was found: install it, or name one by WINDROW_PYTHON" >&2
        exit 127
    fi
    "$python" -I "$0" "$home" || exit
fi
exec "$home/bin/python" "$@"
"""


def pack(out: Path, force: bool = False, quiet: bool = True) -> int:
    """Writes the file and returns its size. OutputError if its place is taken, InputError if a part is missing."""
    files = dict(task_files())
    total = sum(path.stat().st_size for path in files.values())
    with new_file(out, force) as file, progress("packing", total, not quiet) as report:
        file.write(boot(_digest(files)).encode())
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            archive.writestr(_entry("__main__.py"), Path(unpack.__file__).read_bytes())
            for name, path in files.items():
                content = path.read_bytes()
                archive.writestr(_entry(unpack.PACKAGES + name), content)
                report(len(content))
        size = file.seek(0, os.SEEK_END)
        os.fchmod(file.fileno(), 0o755)
    return size


def boot(digest: str) -> str:
    """The file's beginning: sh finds the environment that `digest` names, or has it unpacked, and starts its Python."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return BOOT.replace("@VERSION@", version).replace("@DIGEST@", digest)


def how_to_use(out: Path) -> str:
    """What to tell who has packed: the options of a job that ship the file and make it the tasks' interpreter."""
    return f"run a job with it by: -r hadoop --environment {quote(str(out))}"


def task_files() -> Iterator[tuple[str, Path]]:
    """Name below site-packages and place here of every file that tasks need, in an order that is always the same."""
    for package in OURS:
        yield from sorted(own_files(package))
    for name in TASKS_NEED:
        yield from sorted(_installed_files(name))


def own_files(package: str) -> Iterator[tuple[str, Path]]:
    """A package of ours, installed or from a checkout."""
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in Path(folder).rglob("*"):
            name = PurePath(package, path.relative_to(folder))
            if path.is_file() and _needed(name):
                yield name.as_posix(), path


def _installed_files(distribution: str) -> Iterator[tuple[str, Path]]:
    """What pip has put into site-packages: the versions that run here, whatever an index would give today."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        files = []
    if not any(path.suffix == ".py" for path in files):
        raise InputError(
            f"{distribution}: its installation does not say what its files are; the tasks' environment is packed from"
            f" that list; install it by: pip install --force-reinstall {distribution}"
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


def _entry(name: str) -> ZipInfo:
    """Dated 1980: the same environment makes the same bytes."""
    entry = ZipInfo(name)
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
