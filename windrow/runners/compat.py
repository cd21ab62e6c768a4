"""What mrjob 0.7.4 imports and newer Pythons lack (`distutils`, `pipes`), and what is slow to import.

windrow.mapreduce.barjob and windrow.runners import this module before anything of mrjob. Tasks start as scripts in
other directories, on every runner, but always through windrow.mapreduce.barjob.

On 3.11, setuptools, if installed, takes over `import distutils` and loads all of itself: `import
windrow.mapreduce.barjob`, the start of every task, takes 0.44 s with it and 0.31 s with the names below (best of 10).
So mrjob gets them on every Python. They are removed once mrjob has imported them: a later import of distutils finds
the real one, or none, as it would without windrow.
"""

import functools
import importlib
import os
import re
import shlex
import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def find_executable(executable: str, path: str | None = None) -> str | None:
    """As distutils.spawn: the file itself, or the first of that name in the folders of `path`, by default $PATH."""
    if os.path.isfile(executable):
        return executable
    folders = (os.environ.get("PATH", os.defpath) if path is None else path).split(os.pathsep)
    places = (os.path.join(folder, executable) for folder in folders)
    return next((place for place in places if os.path.isfile(place)), None)


@functools.total_ordering
class LooseVersion:
    """As distutils.version: numbers compare as numbers, words as text; a number against a word is a TypeError.

    >>> LooseVersion("2.7.1") < "2.10"
    True
    >>> LooseVersion("3.4.2-rc1").version
    [3, 4, 2, '-', 'rc', 1]
    """

    def __init__(self, vstring: str) -> None:
        self.vstring = vstring
        parts = [part for part in re.split(r"(\d+|[a-z]+|\.)", vstring) if part and part != "."]
        self.version = [int(part) if part.isdecimal() else part for part in parts]

    def __str__(self) -> str:
        return self.vstring

    def __repr__(self) -> str:
        return f"LooseVersion ('{self}')"

    def __eq__(self, other: object) -> bool:
        return self.version == _parts(other) if isinstance(other, str | LooseVersion) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self.version < _parts(other) if isinstance(other, str | LooseVersion) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self.version))


def _parts(version: "str | LooseVersion") -> list[Any]:
    return (LooseVersion(version) if isinstance(version, str) else version).version


def _module(name: str, **names: Any) -> ModuleType:
    module = ModuleType(name, f"The names of {name} that mrjob imports, by {__name__}.")
    vars(module).update(names)
    return module


def load_mrjob_py2() -> None:
    """Imports mrjob.py2 without urllib.request, a tenth of a task's start and seldom needed."""
    if "urllib.request" in sys.modules or "mrjob.py2" in sys.modules:
        return
    names = {name: _imported_when_called("urllib.request", name) for name in ("urlopen", "pathname2url")}
    sys.modules["urllib.request"] = _module("urllib.request", **names)
    try:
        importlib.import_module("mrjob.py2")
    finally:
        del sys.modules["urllib.request"]


def _imported_when_called(module: str, name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args, **kwargs)

    return call


def load_mrjob() -> None:
    """Imports the modules of mrjob that import distutils: with the names above, unless the real ones are loaded."""
    if "distutils" in sys.modules or "mrjob.util" in sys.modules:
        return
    spawn = _module("distutils.spawn", find_executable=find_executable)
    version = _module("distutils.version", LooseVersion=LooseVersion)
    stand_ins = {"distutils": _module("distutils", __path__=[]), spawn.__name__: spawn, version.__name__: version}
    sys.modules.update(stand_ins)
    try:
        importlib.import_module("mrjob.util")
        importlib.import_module("mrjob.compat")
    finally:
        for name in stand_ins:
            del sys.modules[name]


def load_mrjob_bin() -> None:
    """Imports mrjob.bin as if there were no pyspark, whose import takes 0.1 s just to find its folder."""
    if "pyspark" in sys.modules or "mrjob.bin" in sys.modules:
        return
    sys.modules["pyspark"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("mrjob.bin")
    finally:
        del sys.modules["pyspark"]


def load_mrjob_conf() -> None:
    """Imports mrjob.conf with a yaml that is only imported when used: to read configuration, if there is any."""
    if "yaml" in sys.modules or "mrjob.conf" in sys.modules:
        return
    sys.modules["yaml"] = _module("yaml", __getattr__=lambda name: getattr(importlib.import_module("yaml"), name))
    try:
        importlib.import_module("mrjob.conf")
    finally:
        del sys.modules["yaml"]


def supply_pipes() -> None:
    """Supplies a `pipes` with `quote` if there is none; permanently, as four modules of mrjob import it late."""
    try:
        found = find_spec("pipes") is not None
    except ImportError:
        found = False
    if not found:
        sys.modules["pipes"] = _module("pipes", quote=shlex.quote)


supply_pipes()
load_mrjob_py2()
load_mrjob()
load_mrjob_conf()
load_mrjob_bin()
