"""What runs beside windrow: the command line of each program, the work it can do, and up to how many bars.

record_per_bar     mrjob, the textbook's secondary sort
sort_in_reducer    mrjob, the textbook's first version
*_query            engines that a user would pick instead
"""

import sys
from dataclasses import dataclass
from pathlib import Path

_PEERS = Path(__file__).parent / "peers"

#: Indicators of each work, one output column each.
WORKS = {"one": ("sma:20",), "three": ("sma:20", "ema:12", "sma:30d")}
#: Bars that a program is given at most which takes microseconds of Python a bar, or all bars into memory.
_SLOW, _HELD = 5_000_000, 1_000_000


@dataclass(frozen=True)
class Program:
    """A program as tables name it."""

    name: str
    file: str | None = None
    works: tuple[str, ...] = ("one", "three")
    most: int = sys.maxsize

    def can(self, work, bars):
        """Whether it is run on this work at this size."""
        return work in self.works and bars <= self.most

    def command(self, work, bars, out):
        """Its command line; text goes to `out`, a file or a folder of parts."""
        if self.file is None:
            indicators = [word for indicator in WORKS[work] for word in ("--indicator", indicator)]
            return [sys.executable, "-m", "jobs.moving_average", "-q", "-r", "local", *indicators, "-o", out, bars]
        program = [sys.executable, _PEERS / f"{self.file}.py"]
        if self.file.endswith("_query"):
            return [*program, work, bars, out]
        return [*program, "-q", "-r", "local", "-o", out, bars]


WINDROW = Program("windrow")
PROGRAMS = (
    WINDROW,
    Program("chDB", "chdb_query"),
    Program("DuckDB", "duckdb_query"),
    Program("Polars", "polars_query"),
    Program("PySpark", "pyspark_query"),
    Program("Dask", "dask_query", works=("one",)),
    Program("pandas", "pandas_query", most=_HELD),
    Program("record per bar", "record_per_bar", works=("one",), most=_SLOW),
    Program("sort in reducer", "sort_in_reducer", works=("one",), most=_HELD),
)
#: The engines of one machine that windrow's goals are set against.
ENGINES = ("chDB", "DuckDB", "Polars")
