"""Unpacks an environment of `windrow pack`: this module is the __main__.py of the file that `windrow pack` writes.

It runs on a node, under a bare Python, and so imports only the standard library. The environment is laid out as by
`python -m venv`: bin/python finds pyvenv.cfg above it, and the packages beside that.
"""

import compileall
import fcntl
import os
import shutil
import sys
import tempfile
from zipfile import ZipFile

PACKAGES = "packages/"
#: The first bytes of a packed environment.
MARK = b"#!/bin/sh\n# The environment of windrow's tasks"


def unpack(archive: str, home: str) -> None:
    """Makes the environment `home` unless it exists; of tasks that start at once, one makes it and the others wait."""
    with open(f"{home}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released when the process ends, however it ends
        if os.path.exists(f"{home}/bin/python"):
            return
        shutil.rmtree(home, ignore_errors=True)  # its link points to a Python that no longer exists
        part = tempfile.mkdtemp(prefix=f"{os.path.basename(home)}.", dir=os.path.dirname(home))
        try:
            _fill(part, archive)
            os.rename(part, home)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _fill(folder: str, archive: str) -> None:
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    packages = os.path.join(folder, "lib", "python{}.{}".format(*sys.version_info), "site-packages")
    with ZipFile(archive) as file:
        for entry in file.infolist():
            if entry.filename.startswith(PACKAGES):
                entry.filename = entry.filename.removeprefix(PACKAGES)
                file.extract(entry, packages)
    if os.path.isdir(os.path.join(packages, "jax")):  # whose sources take each of the first tasks seconds to compile
        compileall.compile_dir(packages, quiet=2, workers=0)
    with open(os.path.join(folder, "pyvenv.cfg"), "w") as cfg:
        cfg.write(f"home = {os.path.dirname(python)}\ninclude-system-site-packages = false\n")
    os.mkdir(os.path.join(folder, "bin"))
    os.symlink(python, os.path.join(folder, "bin/python"))


def main(archive: str, home: str) -> str | None:
    """Unpacks `archive` into `home`; returns the error message if that fails."""
    try:
        unpack(archive, home)
    except OSError as error:
        folder = os.path.dirname(home)
        return f"{archive}: cannot be unpacked into {folder}: {error}; set WINDROW_ENV_ROOT to a folder with free space"
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv))
