"""Figures of many runs, by column: of the thousands of a sweep few are ever looked at, or kept."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

Columns: TypeAlias = dict[str, NDArray[Any]]
#: By run, the names of its undefined figures, and why.
Undefined: TypeAlias = Mapping[int, dict[str, str]]

UNDEFINED = "undefined"


class FigureRows(Sequence[dict[str, Any]]):
    """A sequence of dicts, one per run: its figures by name.

    An undefined figure is None; a last entry "undefined", where there is any, gives the reasons by name. The dicts are
    made when they are asked for, each time anew, from `columns` and the reasons by run, `undefined`.

    >>> rows = FigureRows({"pnl": np.array([1.5, 0.0]), "sqn": np.array([2.0, np.nan])}, {1: {"sqn": "no trade"}})
    >>> rows[0], len(rows)
    ({'pnl': 1.5, 'sqn': 2.0}, 2)
    >>> rows[1]
    {'pnl': 0.0, 'sqn': None, 'undefined': {'sqn': 'no trade'}}
    """

    def __init__(self, columns: Columns, undefined: Undefined) -> None:
        self.columns, self.undefined = columns, undefined

    @classmethod
    def joined(cls, parts: Sequence["FigureRows"]) -> "FigureRows":
        """Those of some runs, then those of others."""
        if len(parts) == 1:
            return parts[0]
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
        before = np.cumsum([0, *map(len, parts)]).tolist()
        undefined = {
            first + run: why for first, part in zip(before, parts, strict=False) for run, why in part.undefined.items()
        }
        return cls(columns, undefined)

    def led_by(self, columns: Columns, undefined: Undefined) -> "FigureRows":
        """The same behind columns of others, of which some are undefined too."""
        reasons = {run: undefined.get(run, {}) | self.undefined.get(run, {}) for run in [*undefined, *self.undefined]}
        return FigureRows(columns | self.columns, reasons)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @overload
    def __getitem__(self, run: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, run: slice) -> Sequence[dict[str, Any]]: ...
    def __getitem__(self, run: int | slice) -> Any:
        if isinstance(run, slice):
            return list(self)[run]
        run = range(len(self))[run]
        return self._with_reasons(run, {name: each[run : run + 1].tolist()[0] for name, each in self.columns.items()})

    def __iter__(self) -> Iterator[dict[str, Any]]:
        values = zip(*(column.tolist() for column in self.columns.values()), strict=True)
        rows = map(dict, map(zip, repeat(self.columns), values))
        return (self._with_reasons(run, row) for run, row in enumerate(rows))

    def _with_reasons(self, run: int, row: dict[str, Any]) -> dict[str, Any]:
        if why := self.undefined.get(run):
            return {**row, **dict.fromkeys(why), UNDEFINED: dict(why)}
        return row

    def __repr__(self) -> str:
        return repr(list(self))
