"""windrow: MapReduce jobs over market bars, the same bits on any runner.

The way of the data is one direction: windrow.feeds and windrow.bars (in), sort_keys (keys, blocks, merge),
windrow.windows (kernels), windrow.sinks (out). windrow.barjob ties them to mrjob; the jobs stand in `jobs`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from windrow.frames import moving_average
    from windrow.frames.backtest import backtest_frame as backtest
    from windrow.frames.sweep import sweep_frame as sweep
    from windrow.output import read_output

__all__ = ["backtest", "moving_average", "read_output", "sweep"]
__version__ = "0.1.0"

_HOME = {"moving_average": "windrow.frames", "read_output": "windrow.output"}
_CALLED = ("backtest", "sweep")  # modules that are called as functions


def __getattr__(name: str) -> Any:
    """Loads what needs pandas only where it is asked for: a task's start is part of its cost."""
    from importlib import import_module

    if name in _CALLED:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
