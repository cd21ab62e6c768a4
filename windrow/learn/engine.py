"""jax, started once a process: on the CPU, with one thread, its compiled programs kept for later processes.

A worker has one core: W workers on one machine must not start W x cores threads. The bits of the results depend on
neither threads nor cores.
"""

import hashlib
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

from windrow.errors import UsageError

_FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


@dataclass
class Spent:
    """Seconds that a worker spent: on what, and in all since it was made."""

    starting: float = 0.0
    """Importing jax."""
    compiling: float = 0.0
    """Compiling programs, or reading them from the cache of compiled ones, and running them for the first time."""
    fitting: float = 0.0
    fitting_cpu: float = 0.0
    """Of the processor, while fitting: what fitting takes where nothing else runs."""
    forecasting: float = 0.0
    waiting: float = 0.0
    """For others: until the slowest worker of each round was done."""
    all: float = 0.0
    show: Callable[[str], object] = bool
    """Takes how far the worker is, many times a second: a cluster ends one of which it hears nothing."""

    def __post_init__(self) -> None:
        self._since = perf_counter()

    def lap(self, since: float, name: str) -> float:
        """Adds the seconds since then to one of the fields; returns the time now."""
        now = perf_counter()
        setattr(self, name, getattr(self, name) + now - since)
        return now

    def told(self) -> dict[str, float]:
        """All of it, rounded to milliseconds, until now."""
        self.all = perf_counter() - self._since
        return {one.name: round(getattr(self, one.name), 3) for one in fields(self) if one.name != "show"}


@cache
def started() -> Any:
    """jax, imported. Raises UsageError where it is not installed."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if _FLAGS not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAGS}".strip()
    try:
        import jax
    except ImportError as error:
        raise missing("jax", "learn", error) from None
    if (folder := _cache_folder()) is not None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return jax


def missing(package: str, extra: str, error: ImportError | None = None) -> UsageError:
    """The error to raise where a package is not installed, or cannot be imported."""
    why = "is not installed here" if error is None or error.name == package else f"cannot be imported here: {error}"
    return UsageError(f"forecasts: need {package}, which {why}; install it with: pip install 'windrow[{extra}]'")


def _cache_folder() -> Path | None:
    """A folder of this user's alone for programs compiled for this processor; None where there is none.

    Who can write there decides what is run. A program compiled for another processor may hold instructions that this
    one lacks.
    """
    home = os.environ.get("XDG_CACHE_HOME") or (
        os.environ.get("HOME", "") and os.path.join(os.environ["HOME"], ".cache")
    )
    if not home:
        return None
    folder = Path(home, "windrow", "jax", _processor())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        owned = folder.stat().st_uid == os.getuid()
    except OSError:
        return None
    return folder if owned else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    return f"{platform.machine()}-{hashlib.sha256(flags.encode()).hexdigest()[:12]}"
