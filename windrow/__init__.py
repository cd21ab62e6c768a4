"""MapReduce jobs over market bars, bit for bit on any runner.

Data flows in one direction: windrow.storage, windrow.feeds and windrow.bars (in), sort_keys (keys, blocks,
merge), windrow.windows (kernels), windrow.sinks (out). windrow.mapreduce ties them to mrjob; the jobs are in `jobs`.
docs/architecture.md has a drawing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from windrow.frames.average import moving_average
    from windrow.frames.backtest import backtest
    from windrow.frames.outputs import read_output
    from windrow.frames.sweep import sweep

__all__ = ["backtest", "moving_average", "read_output", "sweep"]
__version__ = "0.1.0"

_HOME = {
    "backtest": "windrow.frames.backtest",
    "moving_average": "windrow.frames.average",
    "read_output": "windrow.frames.outputs",
    "sweep": "windrow.frames.sweep",
}


def __getattr__(name: str) -> Any:
    """Loads what needs pandas only where it is asked for: a task's start is part of its cost."""
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
