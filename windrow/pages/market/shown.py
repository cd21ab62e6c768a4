"""What a page of the market shows of an output: its lines, and some of its symbols one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from windrow.errors import InputError
from windrow.frames.outputs import read_output
from windrow.pages.report.results import Output


@dataclass(frozen=True)
class Shown:
    """Symbols that are shown one by one: those asked for, or the first few by name.

    >>> Shown((), 2).of(["B", "A", "C"]), Shown(("C",), 2).of(["B", "A", "C"])
    (['A', 'B'], ['C'])
    """

    asked: Sequence[str]
    most: int
    found: set[str] = field(default_factory=set)
    """Those of `asked` that an output has."""

    def of(self, known: Iterable[str]) -> list[str]:
        """Of the symbols of an output those that are shown."""
        names = sorted(set(known))
        chosen = [symbol for symbol in self.asked if symbol in names]
        self.found.update(chosen)
        return chosen or names[: self.most]

    def refuse_unknown(self) -> None:
        """Raises InputError for one that no output has."""
        if unknown := [symbol for symbol in self.asked if symbol not in self.found]:
            raise InputError(
                f"--symbol {unknown[0]}: no output here has lines of that symbol; write it as they do, or leave it out"
            )


def lines_of(output: Output) -> pd.DataFrame:
    """An output's lines. Raises InputError where it has none."""
    table = read_output(output.place)
    if not len(table):
        raise InputError(f"{output.label}: has no line that a page could show; leave it out")
    return table
