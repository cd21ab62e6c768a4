"""Scales of a column of values, fitted to some of them, applied to any, and taken back.

    minmax    (x - low) / (high - low)            low, high: the least and the largest value that it was fitted to
    zscore    (x - mean) / deviation              over n, as scikit-learn's StandardScaler
    robust    (x - median) / iqr                  iqr: the third less the first quartile, as scikit-learn's RobustScaler
    returns   x / before - 1                      before: the value before x, as pandas' pct_change

What a scale is fitted to arrives in pieces, in memory that does not grow with it, and where one piece ends and the
next begins never changes a bit: extremes are exact; mean, median and iqr are those of exact decimals, rounded once, the
deviation within a unit of its last place. A column is constant for a method where its high - low, deviation or iqr is
0; then 1 takes its place, as in scikit-learn, so that its values become their distances from low, mean or median: 0 for
all that are alike, and nothing is divided by 0.

Taking back what was scaled gives a value within a bound, u being 2**-53, c low, mean or median, and all of that times
1 + 2**-48 for products of roundings:

    x scaled is y = (x - c) / w, with three roundings in all, of x - c, of w (minmax) and of the quotient: the part of a
    unit by which y is wrong is at most 3 u. Back is c + y w, with one rounding of the product and one of the sum: so
    |back - x| <= u |x| + 4 u |x - c|. Where y >= 1/2, minmax goes back from its other end, high - (1 - y) w, so that 1
    is high to the bit as 0 is low; there |high - x| <= |x - c| to within roundings, and two more roundings, of the
    product and of w, make that

        |back - x| <= u (|x| + 6 |x - c|)

    A return, (x - before) / before, has two roundings, 1 + it one, the product one. All of a series' products go on
    from the first value, so the n-th value after it is within

        |back - x| <= n u (2 + 2 m) |x|      m: the largest |x - before| / |x| up to there

Values are finite; those that are 0 or within 1e-15..1e15 in magnitude, as all of bars are, neither overflow nor
underflow here. A scaled value itself may be nearer to 0 than that.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import IO, Any, ClassVar, Protocol, TypeAlias

import numpy as np

from windrow.arrays import Floats
from windrow.errors import InputError
from windrow.exact.order import Order
from windrow.exact.totals import Totals

#: Opens a file to write and read.
Spill: TypeAlias = Callable[[], IO[bytes]]


class Fit(Protocol):
    """What a scale is fitted by: values that arrive in pieces."""

    def add(self, values: Floats) -> None:
        """Adds finite values, (n,)."""
        ...

    def scale(self) -> "Scale":
        """The scale of all that was added, which must be something."""
        ...


@dataclass(frozen=True)
class Scale:
    """What turns a column's values to scaled ones, and back.

    >>> scale = Scale.fit(np.array([2.0, 4.0, 3.0]))
    >>> scale, scale.apply(np.array([2.0, 4.0, 5.0])).tolist()
    (MinMax(low=2.0, high=4.0), [0.0, 1.0, 1.5])
    >>> scale.inverse(np.array([0.0, 1.0, 1.5])).tolist()
    [2.0, 4.0, 5.0]
    >>> Scale.from_json(scale.to_json()) == scale
    True
    """

    method: ClassVar[str]

    @staticmethod
    def fit(values: Floats, method: str = "minmax") -> "Scale":
        """The scale by a method of values, (n,) with n > 0. Raises InputError where one is NaN or infinite."""
        fitted = fit(method)
        fitted.add(values)
        return fitted.scale()

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> "Scale":
        """The scale that `to_json` told. Raises ValueError for what is none."""
        kind = METHODS.get(told.get("method", ""))
        if kind is None or told.keys() != {"method", *(field.name for field in fields(kind))}:
            raise ValueError(f"{dict(told)} is no scale")
        values = {name: value for name, value in told.items() if name != "method"}
        if not all(isinstance(value, int | float) and np.isfinite(value) for value in values.values()):
            raise ValueError(f"{dict(told)} has something else than numbers")
        return kind(**{name: float(value) for name, value in values.items()})

    def to_json(self) -> dict[str, Any]:
        """Its method and its parameters, whose shortest decimals give all their bits back."""
        return {"method": self.method, **asdict(self)}

    @property
    def constant(self) -> bool:
        """Whether all that it was fitted to was alike, as its method sees it, so that 1 stands for its width."""
        return False

    def apply(self, values: Floats, before: float = np.nan) -> Floats:
        """Values scaled, (n,). before: the value before the first, for returns; none by default."""
        raise NotImplementedError

    def inverse(self, scaled: Floats, before: float = np.nan) -> Floats:
        """Scaled values taken back, (n,). before: the value before the first, for returns; none by default."""
        raise NotImplementedError


@dataclass(frozen=True)
class MinMax(Scale):
    """From the least value, 0, to the largest, 1: both exactly, there and back."""

    method: ClassVar[str] = "minmax"
    low: float
    high: float

    @property
    def constant(self) -> bool:
        """Whether there was one value only."""
        return self.low == self.high

    def apply(self, values: Floats, before: float = np.nan) -> Floats:
        """0 for the least value that it was fitted to, 1 for the largest."""
        return (values - self.low) / self._width

    def inverse(self, scaled: Floats, before: float = np.nan) -> Floats:
        """From the nearer end."""
        width = self._width
        if self.constant:
            return self.low + scaled * width
        return np.where(scaled < 0.5, self.low + scaled * width, self.high - (1.0 - scaled) * width)

    @property
    def _width(self) -> float:
        return self.high - self.low or 1.0


@dataclass(frozen=True)
class _Centred(Scale):
    """Distances from a centre, in widths."""

    @property
    def constant(self) -> bool:
        """Whether the width is 0."""
        return not self._parameters[1]

    def apply(self, values: Floats, before: float = np.nan) -> Floats:
        """Distances from the centre, in widths."""
        centre, width = self._parameters
        return (values - centre) / (width or 1.0)

    def inverse(self, scaled: Floats, before: float = np.nan) -> Floats:
        """The values at these distances."""
        centre, width = self._parameters
        return centre + scaled * (width or 1.0)

    @property
    def _parameters(self) -> tuple[float, float]:
        raise NotImplementedError


@dataclass(frozen=True)
class ZScore(_Centred):
    """Distances from the mean in standard deviations.

    >>> Scale.fit(np.array([1.0, 3.0]), "zscore").apply(np.array([1.0, 4.0])).tolist()
    [-1.0, 2.0]
    """

    method: ClassVar[str] = "zscore"
    mean: float
    deviation: float

    @property
    def _parameters(self) -> tuple[float, float]:
        return self.mean, self.deviation


@dataclass(frozen=True)
class Robust(_Centred):
    """Distances from the median in interquartile ranges.

    >>> Scale.fit(np.array([1.0, 2.0, 3.0, 4.0, 1e9]), "robust")
    Robust(median=3.0, iqr=2.0)
    """

    method: ClassVar[str] = "robust"
    median: float
    iqr: float

    @property
    def _parameters(self) -> tuple[float, float]:
        return self.median, self.iqr


@dataclass(frozen=True)
class Returns(Scale):
    """Changes in parts of the value before; the first value has none, NaN, and is the parameter.

    >>> scale = Scale.fit(np.array([2.0, 3.0]), "returns")
    >>> scale, scale.apply(np.array([2.0, 3.0, 1.5])).tolist()
    (Returns(first=2.0), [nan, 0.5, -0.5])
    >>> scale.inverse(np.array([np.nan, 0.5, -0.5])).tolist()
    [2.0, 3.0, 1.5]
    """

    method: ClassVar[str] = "returns"
    first: float

    def apply(self, values: Floats, before: float = np.nan) -> Floats:
        """Changes. Raises InputError where a value is not above 0: nothing else grows by a part of itself."""
        if not (values > 0).all():
            raise InputError(
                f"a value of {values[~(values > 0)][0]}: has no return, which takes values above 0; leave its column"
                " out, or use another method, e.g. zscore"
            )
        earlier = np.concatenate([[before], values[:-1]])
        return np.asarray((values - earlier) / earlier)

    def inverse(self, scaled: Floats, before: float = np.nan) -> Floats:
        """The values, one after another from the one before, or from the first."""
        if not len(scaled):
            return np.empty(0)
        start = [self.first] if np.isnan(before) else [before, 1.0 + float(scaled[0])]
        growth = np.concatenate([start, 1.0 + scaled[1:]])
        return np.asarray(np.multiply.accumulate(growth)[len(start) - 1 :])


class _Extremes:
    def __init__(self, spill: Spill | None) -> None:
        self._low, self._high = np.inf, -np.inf

    def add(self, values: Floats) -> None:
        _refuse_none(values)
        self._low = min(self._low, float(values.min(initial=np.inf)))
        self._high = max(self._high, float(values.max(initial=-np.inf)))

    def scale(self) -> Scale:
        return MinMax(self._low, self._high)


class _Moments:
    def __init__(self, spill: Spill | None) -> None:
        self._totals = Totals()

    def add(self, values: Floats) -> None:
        _refuse_none(values)
        self._totals.add(values)

    def scale(self) -> Scale:
        return ZScore(self._totals.mean, self._totals.deviation())


class _Quartiles:
    def __init__(self, spill: Spill | None) -> None:
        self._order = Order(spill)

    def add(self, values: Floats) -> None:
        _refuse_none(values)
        self._order.add(values)

    def scale(self) -> Scale:
        low, median, high = self._order.quartiles()
        return Robust(float(median), float(high - low))


class _First:
    def __init__(self, spill: Spill | None) -> None:
        self._first: float | None = None

    def add(self, values: Floats) -> None:
        _refuse_none(values)
        if self._first is None and len(values):
            self._first = float(values[0])

    def scale(self) -> Scale:
        assert self._first is not None
        return Returns(self._first)


#: Scales by name, and what fits them.
METHODS: dict[str, type[Scale]] = {kind.method: kind for kind in (MinMax, ZScore, Robust, Returns)}
_FITS: dict[str, Callable[[Spill | None], Fit]] = {
    "minmax": _Extremes,
    "zscore": _Moments,
    "robust": _Quartiles,
    "returns": _First,
}


def fit(method: str, spill: Spill | None = None) -> Fit:
    """What fits a scale of a method to values that arrive in pieces.

    spill: opens a file for the values beyond the first million that `robust` ranks; without it they wait in memory.

    >>> fitted = fit("robust")
    >>> for piece in ([4.0, 1.0], [3.0, 2.0, 5.0]):
    ...     fitted.add(np.array(piece))
    >>> fitted.scale()
    Robust(median=3.0, iqr=2.0)
    """
    return _FITS[method](spill)


def _refuse_none(values: Floats) -> None:
    if not np.isfinite(values).all():
        raise InputError(
            f"values to fit a scale to: {values[~np.isfinite(values)][0]} is among them, and a scale is one of numbers;"
            " leave out the rows that lack a value, or fill them in"
        )
