"""MapReduce jobs over market bars, bit for bit on any runner.

Data flows in one direction: windrow.storage, windrow.feeds and windrow.bars (in), sort_keys (keys, blocks,
merge), windrow.windows (kernels), windrow.sinks (out). windrow.mapreduce ties them to mrjob; the jobs are in `jobs`.
docs/architecture.md has a drawing.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from windrow.frames.average import moving_average
    from windrow.frames.crossover import crossover
    from windrow.frames.outputs import read_output
    from windrow.mapreduce.barjob import BarJob
    from windrow.outcomes.backtest import backtest
    from windrow.outcomes.sweep import sweep
    from windrow.pages.averages import plot
    from windrow.pages.report import report

__all__ = ["BarJob", "backtest", "crossover", "moving_average", "plot", "read_output", "report", "sweep"]
__version__ = "0.1.0"

_HOME = {
    "BarJob": "windrow.mapreduce.barjob",
    "backtest": "windrow.outcomes.backtest",
    "crossover": "windrow.frames.crossover",
    "moving_average": "windrow.frames.average",
    "plot": "windrow.pages.averages",
    "read_output": "windrow.frames.outputs",
    "report": "windrow.pages.report",
    "sweep": "windrow.outcomes.sweep",
}


def __getattr__(name: str) -> Any:
    """Loads what needs pandas only where it is asked for: a task's start is part of its cost."""
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def _use_own_sort_keys() -> None:
    """Makes `import sort_keys` find the package beside this one, also where the path has another of that name first."""
    spec = PathFinder.find_spec("sort_keys", [str(Path(__file__).parents[1])])
    if spec and spec.loader and spec.name not in sys.modules:
        sys.modules[spec.name] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


_use_own_sort_keys()
