"""What a function of a frame is called with: what it does not take is refused as options of a job are."""

import inspect
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from functools import wraps
from numbers import Integral, Real
from os import PathLike
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from windrow.errors import UsageError
from windrow.frames.wording import in_words_of

P = ParamSpec("P")
R = TypeVar("R")

#: Arguments that there once were, with what to do without them.
GONE = {
    "sizing": "size takes it: size=100 shares, size='50%' of the equity, size='money:10000' or size='all-in'",
    "warm": "leave it out: averages of tests continue from the bars before them, unless cold=True",
}
#: Arguments that others have by other names.
KNOWN_AS = {"train": "split", "train_size": "split", "stake": "size", "sizer": "size", "fees": "commission"}

#: What annotations ask for: the types that are taken, and how they are called.
_KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a text"),
    bool: ((bool, np.bool_), "True or False"),
    float: ((Real,), "a number"),
    float | None: ((Real, type(None)), "a number"),
    int: ((Integral,), "a whole number"),
    int | None: ((Integral, type(None)), "a whole number"),
}


def with_known_arguments(
    example: str, named: Collection[str] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function that raises UsageError where it is called with what it does not take.

    `example` are arguments that it takes, which such an error shows. What errors say of options is said of arguments
    of these names instead: `named`, by default all of them, as of a function that does what a job does.

    >>> @with_known_arguments("3, height=4")
    ... def area(width: float, height: float = 1) -> float:
    ...     return width * height
    >>> area(2, heigth=3)
    Traceback (most recent call last):
    windrow.errors.UsageError: heigth=3: windrow.area has no argument heigth; use height
    >>> area(2, height="3 m")
    Traceback (most recent call last):
    windrow.errors.UsageError: height='3 m': is of type str, and is to be a number; give one
    >>> area()
    Traceback (most recent call last):
    windrow.errors.UsageError: windrow.area: missing a required argument: 'width'; write e.g. windrow.area(3, height=4)
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError as error:
                raise _refused(function.__name__, list(signature.parameters), kwargs, str(error), example) from None
            for name, value in given.items():
                _check(name, value, signature.parameters[name])
            with in_words_of(function, named):
                return function(*args, **kwargs)

        return called

    return decorated


def in_words_of_options(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a command, whose options errors name as they are.

    >>> @with_known_arguments("3")
    ... def area(width: float) -> float:
    ...     raise UsageError(f"--width {width}: is too much; give less")
    >>> in_words_of_options(area)(3)
    Traceback (most recent call last):
    windrow.errors.UsageError: --width 3: is too much; give less
    """
    plain: Callable[P, R] = inspect.unwrap(function)
    return plain


def is_number(value: object) -> bool:
    """Whether a value is a number, which True is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_line(name: str, line: object) -> None:
    """Raises UsageError where a line is no text."""
    if not isinstance(line, str):
        kind = f"sma:{line}" if isinstance(line, Integral) else "sma:20"
        raise UsageError(
            f"{name}={_short(line)}: is of type {type(line).__name__}, and a line is a text, an average and its window;"
            f" write e.g. {name}={kind!r}"
        )


def _check(name: str, value: object, parameter: inspect.Parameter) -> None:
    if parameter.annotation is pd.DataFrame:
        return _check_frame(name, value)
    if name in ("fast", "slow") and parameter.annotation is str:
        return check_line(name, value)
    if parameter.kind is not parameter.VAR_POSITIONAL and parameter.annotation in _KINDS:
        types, what = _KINDS[parameter.annotation]
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            hint = ", e.g. 0.001 for 0.1 %" if isinstance(value, str) and "%" in value else ""
            raise UsageError(
                f"{name}={_short(value)}: is of type {type(value).__name__}, and is to be {what}; give one{hint}"
            )
    return None


def _check_frame(name: str, value: object) -> None:
    if isinstance(value, pd.DataFrame):
        return
    if isinstance(value, str | PathLike):
        raise UsageError(
            f"{name}={_short(str(value))}: is a text, and {name} are a DataFrame; if it names a file, read that, e.g."
            " with pd.read_csv"
        )
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    cure = f"{name}.to_pandas()" if hasattr(value, "to_pandas") else "pd.DataFrame"
    raise UsageError(f"{name}: is of type {kind}, and is to be a DataFrame of pandas; make one of it, with {cure}")


def _refused(function: str, known: list[str], given: Mapping[str, object], why: str, example: str) -> UsageError:
    for name, value in given.items():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            other = KNOWN_AS.get(name)
            use = other if other in known else near[0] if near else f"one of {', '.join(known)}"
            cure = GONE.get(name) or f"use {use}"
            return UsageError(f"{name}={_short(value)}: windrow.{function} has no argument {name}; {cure}")
    return UsageError(f"windrow.{function}: {why}; write e.g. windrow.{function}({example})")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 and "\n" not in text else type(value).__name__
