"""Bars -> what a network sees of them, and what it is to say: rows of scaled features, and a target for each row.

    change    target   the change of the column from the value before, in units of the training part's deviation
              features the change of the column; of other prices their distance from close (close's: its change); of all
                       else, e.g. volume, sign(x) log(1 + |x|); each less its mean in the training part, in deviations,
                       within -10 and 10
    level     target   the column, from 0 at its least value in the training part to 1 at its largest
              features the columns, each scaled like that: as published

Scales know the training part only. A network that forecasts changes of 0 says that a price stays as it is; one that
forecasts levels must first learn to repeat what it sees, and cannot where prices leave the range of its training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import InputError
from windrow.learn.scaling import Scale
from windrow.learn.training import Rows

#: What the target is.
TARGETS = ("change", "level")
#: Columns that are prices.
PRICES = ("adj_close", "close", "high", "low", "open")
_WIDEST = 10.0


@dataclass(frozen=True)
class Features:
    """What turns bars to rows and targets, and forecasts back to prices.

    >>> values = [np.array([10.0, 12.0, 11.0]), np.array([0.0, 1.0, 2.0])]
    >>> made = Features.fit(("close", "volume"), "close", "level", values, np.array([1]))
    >>> made.rows(values).tolist(), made.targets(values).tolist()
    ([[0.0, 0.0], [1.0, 1.0], [0.5, 2.0]], [0.0, 1.0, 0.5])
    >>> made.prices(np.array([0.5]), last=np.array([12.0])).tolist()
    [11.0]
    """

    columns: tuple[str, ...]
    column: str
    target: str
    scales: tuple[Scale, ...]
    """Of each column's feature."""
    unit: float
    """What a target of 1 is: for changes their deviation in the training part."""

    @classmethod
    def fit(
        cls, columns: tuple[str, ...], column: str, target: str, values: Sequence[Floats], trained: Ints
    ) -> "Features":
        """Features scaled by the rows up to the last of those that are `trained` on as targets.

        Raises InputError where a value is no number.
        """
        for name, one in zip(columns, values, strict=True):
            if not np.isfinite(one).all():
                raise InputError(
                    f"training: {name} has {np.count_nonzero(~np.isfinite(one)):,} values that are no numbers (NaN or"
                    " infinite), which would make all weights NaN; leave these rows out, or fill them in"
                )
        end = int(trained.max()) + 1
        raw, at = _raw(columns, column, target, values), columns.index(column)
        scales = tuple(Scale.fit(one[:end], "zscore" if target == "change" else "minmax") for one in raw)
        if target == "level":
            return cls(tuple(columns), column, target, scales, _width(scales[at]))
        return cls(tuple(columns), column, target, scales, float(raw[at][trained].std()) or 1.0)

    def rows(self, values: Sequence[Floats]) -> Rows:
        """The features of each bar, (n, columns)."""
        raw = _raw(self.columns, self.column, self.target, values)
        scaled = [scale.apply(one) for scale, one in zip(self.scales, raw, strict=True)]
        widest = _WIDEST if self.target == "change" else np.inf
        return np.stack([one.clip(-widest, widest).astype(np.float32) for one in scaled], axis=1)

    def targets(self, values: Sequence[Floats]) -> Rows:
        """The target of each bar, (n)."""
        levels = values[self.columns.index(self.column)]
        if self.target == "change":
            return (_changes(levels) / self.unit).astype(np.float32)
        return self._scale.apply(levels).astype(np.float32)

    def prices(self, forecasts: Floats, last: Floats) -> Floats:
        """Forecasts as values of the column; `last` are those before."""
        return last + self.unit * forecasts if self.target == "change" else self._scale.inverse(forecasts)

    def to_json(self) -> dict[str, Any]:
        """All of it, for `from_json`."""
        return {
            "columns": list(self.columns),
            "column": self.column,
            "target": self.target,
            "unit": self.unit,
            "scales": [scale.to_json() for scale in self.scales],
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Features":
        """The features that `to_json` told. Raises ValueError, KeyError or TypeError for what are none."""
        scales = tuple(map(Scale.from_json, told["scales"]))
        columns = tuple(map(str, told["columns"]))
        if len(scales) != len(columns) or told["column"] not in columns or told["target"] not in TARGETS:
            raise ValueError(f"{told} are no features")
        return cls(columns, told["column"], told["target"], scales, float(told["unit"]))

    @property
    def _scale(self) -> Scale:
        return self.scales[self.columns.index(self.column)]


def _raw(columns: Sequence[str], column: str, target: str, values: Sequence[Floats]) -> list[Floats]:
    if target == "level":
        return list(values)
    by_name = dict(zip(columns, values, strict=True))
    base = "close" if "close" in by_name else column
    return [_feature(name, one, column, by_name[base], base) for name, one in by_name.items()]


def _feature(name: str, values: Floats, column: str, base: Floats, base_name: str) -> Floats:
    if name in (column, base_name):
        return _changes(values)
    return values - base if name in PRICES else np.sign(values) * np.log1p(np.abs(values))


def _changes(values: Floats) -> Floats:
    """From the value before; 0 at the first."""
    return np.diff(values, prepend=values[:1])


def _width(scale: Scale) -> float:
    low, high = scale.inverse(np.array([0.0, 1.0])).tolist()
    return float(high - low)
