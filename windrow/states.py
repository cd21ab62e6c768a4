"""States: what a computation carries from push to push, as JSON, so that another process can go on with it.

A class that is `Resumable` names in `carries` each attribute that pushes change, and what kind of value it is; all else
in it is made by its constructor and never changes. So a state is put into an object that was made in the same way, and
nothing in it is ever executed: it has numbers, and arrays with their type and shape, all of which are checked. Floats
keep their bits.

    state = before.state()       {"version": 3, "kind": "Backtest", "made_of": {"fast": "ema:7", ...}, "carried": {...}}
    after.restore(state)         goes on with the bits with which `before` would

VERSION is raised where a class carries something else than before: an older state is refused by its number.
"""

from binascii import Error as NoBase64
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, Self, TypeAlias

import numpy as np

from windrow.arrays import Floats
from windrow.errors import StateError

#: Of the form of all states.
VERSION = 3

Json: TypeAlias = Any
State: TypeAlias = dict[str, Json]
#: What something was made of, by name.
MadeOf: TypeAlias = dict[str, str | int | float | bool | None]

_CURE = "it is damaged, or somebody wrote it; go on with a copy of it, or begin again"


class Kind(Protocol):
    """What a carried attribute is."""

    def told(self, value: Any) -> Json:
        """The value as JSON."""
        ...

    def taken(self, told: Json, new: Any) -> Any:
        """The value that was told, where a new object has `new`. Raises ValueError that says what is wrong."""
        ...


@dataclass(frozen=True)
class Array:
    """An array of the type and shape that it has in a new object; if `grows`, a row of any length instead.

    least, most: the bounds of its values, if they are few.

    >>> Array().told(np.array([1.5]))
    ['<f8', [1], 'AAAAAAAA+D8=']
    >>> Array().taken(['<f8', [1], 'AAAAAAAA+D8='], np.zeros(1))
    array([1.5])
    >>> Array().taken(['<f8', [2], 'AAAAAAAA+D8='], np.zeros(2))
    Traceback (most recent call last):
    ValueError: has 8 bytes for 2 values of <f8
    """

    grows: bool = False
    least: int | None = None
    most: int | None = None

    def told(self, value: Any) -> Json:
        """Type, shape, and the bytes in base64."""
        return [value.dtype.str, list(value.shape), b2a_base64(value.tobytes(), newline=False).decode()]

    def taken(self, told: Json, new: Any) -> Any:
        """An array of its own."""
        if not (isinstance(told, list) and len(told) == 3 and isinstance(told[2], str)):
            raise ValueError("is not an array")
        kind, shape, text = told
        if kind != new.dtype.str:
            raise ValueError(f"is of type {kind!r} in place of {new.dtype.str}")
        if not _is_row(shape) if self.grows else shape != list(new.shape):
            raise ValueError(f"has the shape {shape} in place of {'[any]' if self.grows else list(new.shape)}")
        try:
            data = a2b_base64(text, strict_mode=True)
        except (NoBase64, ValueError):
            raise ValueError("is not in base64") from None
        count = int(np.prod(shape))
        if len(data) != count * new.dtype.itemsize:
            raise ValueError(f"has {len(data)} bytes for {count} values of {kind}")
        if new.dtype == bool and data.strip(b"\0\1"):
            raise ValueError("has other values than true and false")
        array = np.frombuffer(data, new.dtype).reshape(shape).copy()
        if self.least is not None and count and not (self.least <= array.min() and array.max() <= (self.most or 0)):
            raise ValueError(f"has values that are not from {self.least} to {self.most}")
        return array


def _is_row(shape: Json) -> bool:
    return isinstance(shape, list) and len(shape) == 1 and type(shape[0]) is int and 0 <= shape[0] < 1 << 40


@dataclass(frozen=True)
class Number:
    """A float, told by its bits. optional: it may be None.

    >>> Number().told(0.1), Number().taken('0x1.999999999999ap-4', 0.0)
    ('0x1.999999999999ap-4', 0.1)
    """

    optional: bool = False

    def told(self, value: Any) -> Json:
        """As float.hex writes it."""
        return None if value is None else float(value).hex()

    def taken(self, told: Json, new: Any) -> Any:
        """The float, or None."""
        if told is None and self.optional:
            return None
        try:
            return float.fromhex(told)
        except (TypeError, ValueError, OverflowError):
            raise ValueError("is not a number as float.hex writes it") from None


@dataclass(frozen=True)
class Count:
    """A whole number of 64 bits. optional: it may be None."""

    optional: bool = False

    def told(self, value: Any) -> Json:
        """Itself."""
        return None if value is None else int(value)

    def taken(self, told: Json, new: Any) -> Any:
        """Itself."""
        if told is None and self.optional:
            return None
        if type(told) is not int or not -(2**63) <= told < 2**63:
            raise ValueError("is not a whole number of 64 bits")
        return told


class Rows:
    """A list of arrays, each of the type and shape of the attribute `like`."""

    def told(self, value: Any) -> Json:
        """A list of arrays."""
        return [Array().told(each) for each in value]

    def taken(self, told: Json, new: Any) -> Any:
        """A list of arrays; `new` is the array that they are like."""
        if not isinstance(told, list):
            raise ValueError("is not a list")
        return [Array().taken(each, new) for each in told]

    def __init__(self, like: str) -> None:
        self.like = like


class Part:
    """What is Resumable itself, or None where a new object has none."""

    def told(self, value: Any) -> Json:
        """What it carries."""
        return None if value is None else value.carried()

    def taken(self, told: Json, new: Any) -> Any:
        """The new object's, with what it carried."""
        if (told is None) != (new is None):
            raise ValueError("is there in the state alone" if new is None else "is missing")
        if new is not None:
            new.carry(told)
        return new


class Parts:
    """A list of what is Resumable, as many as a new object has."""

    def told(self, value: Any) -> Json:
        """What each carries."""
        return [each.carried() for each in value]

    def taken(self, told: Json, new: Any) -> Any:
        """The new object's, each with what it carried."""
        if not isinstance(told, list) or len(told) != len(new):
            raise ValueError(f"is not a list of {len(new)}")
        for each, carried in zip(new, told, strict=True):
            each.carry(carried)
        return new


#: Attributes, and what each is.
Carries: TypeAlias = Mapping[str, Kind]


class Resumable:
    """What carries values from push to push, and can go on from their state."""

    #: The attributes that pushes change; those of a class are all, not in addition to its bases'.
    carries: ClassVar[Carries] = MappingProxyType({})

    def made_of(self) -> MadeOf:
        """What it was made of, by name: only what was made of the same can go on from a state."""
        return {}

    def odd(self) -> str | None:
        """What cannot be in the values just restored, though each may be."""
        return None

    def state(self) -> State:
        """All that it carries, as JSON, with what it was made of."""
        return {
            "version": VERSION,
            "kind": type(self).__name__,
            "made_of": self.made_of(),
            "carried": self.carried(),
        }

    def restore(self, state: State) -> None:
        """Goes on from a state, in place of what it carries.

        Raises StateError for one of another version, kind or making, or that is damaged; then it must not be used.
        """
        kind = type(self).__name__
        if not isinstance(state, dict) or state.keys() != {"version", "kind", "made_of", "carried"}:
            raise StateError(f"a state: is no state, which has version, kind, made_of and carried; {_CURE}")
        if state["version"] != VERSION:
            raise StateError(
                f"a state: is of version {state['version']!r}, and this windrow reads version {VERSION}; go on with the"
                " windrow that wrote it, or begin again"
            )
        if state["kind"] != kind:
            raise StateError(f"a state: is that of a {state['kind']!r}, not of a {kind}; use that of a {kind}")
        refuse_other(f"a state of a {kind}", state["made_of"], self.made_of())
        try:
            self.carry(state["carried"])
        except ValueError as error:
            raise StateError(f"a state of a {kind}: {error}; {_CURE}") from None

    def twin(self) -> Self:
        """Another one that has come as far, and goes on without this one."""
        twin = copy(self)
        for name in self.carries:
            value = getattr(self, name)
            if isinstance(value, Resumable):
                setattr(twin, name, value.twin())
            elif isinstance(value, np.ndarray):
                setattr(twin, name, value.copy())
            elif isinstance(value, list):
                setattr(twin, name, deepcopy(value))
        return twin

    def carried(self) -> Json:
        """The values that it carries, by name."""
        return {name: kind.told(getattr(self, name)) for name, kind in self.carries.items()}

    def carry(self, told: Json) -> None:
        """Takes the values that `carried` returned. Raises ValueError that says where something is wrong."""
        if not isinstance(told, dict) or told.keys() != self.carries.keys():
            raise ValueError(f"has not the values {', '.join(self.carries)}")
        for name, kind in self.carries.items():
            new = getattr(self, kind.like if isinstance(kind, Rows) else name)
            try:
                setattr(self, name, kind.taken(told[name], new))
            except ValueError as error:
                inner = str(error)
                raise ValueError(f"{name}{' ' if inner.startswith(('is ', 'has ')) else '.'}{inner}") from None
        if (why := self.odd()) is not None:
            raise ValueError(why)


def refuse_other(what: str, then: Json, now: MadeOf) -> None:
    """Raises StateError where something was made of something else, by the first name that differs.

    >>> refuse_other("a state", {"fast": "ema:7", "size": 100.0}, {"fast": "ema:7", "size": 10.0})
    Traceback (most recent call last):
    windrow.errors.StateError: a state: was made with size 100.0, and this with size 10.0: only the same can go on ...
    """
    then = then if isinstance(then, dict) else {}
    for name in dict.fromkeys([*now, *then]):
        before, after = (repr(made[name]) if name in made else "none" for made in (then, now))
        if before != after:
            raise StateError(
                f"{what}: was made with {name} {before}, and this with {name} {after}: only the same can go on from it;"
                " use the same, or begin again"
            )


def is_ascending(times: Any) -> bool:
    """Whether times are strictly ascending."""
    return bool((times[1:] > times[:-1]).all())


def are_finite(values: Floats) -> bool:
    """Whether all values are numbers."""
    return bool(np.isfinite(values).all())
