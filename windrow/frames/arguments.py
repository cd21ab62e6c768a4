"""What a function of a frame is called with: names that it does not have are refused as options of a job are."""

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from typing import ParamSpec, TypeVar

from windrow.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")

#: Arguments that there once were, with what to do without them.
GONE = {
    "sizing": "size takes it: size=100 shares, size='50%' of the equity, size='money:10000' or size='all-in'",
    "warm": "leave it out: averages of tests continue from the bars before them, unless cold=True",
}


def with_known_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which raises UsageError where it is called with other arguments than it has.

    >>> @with_known_arguments
    ... def area(width: float, height: float = 1) -> float:
    ...     return width * height
    >>> area(2, heigth=3)
    Traceback (most recent call last):
    windrow.errors.UsageError: heigth=3: windrow.area has no argument heigth; use height
    """
    signature = inspect.signature(function)

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise _refused(function.__name__, list(signature.parameters), kwargs, str(error)) from None
        return function(*args, **kwargs)

    return called


def _refused(function: str, known: list[str], given: dict[str, object], why: str) -> UsageError:
    for name, value in given.items():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            cure = GONE.get(name) or f"use {near[0] if near else 'one of ' + ', '.join(known)}"
            return UsageError(f"{name}={_short(value)}: windrow.{function} has no argument {name}; {cure}")
    return UsageError(f"windrow.{function}: {why}: its arguments are {', '.join(known)}; give them as help() shows")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 and "\n" not in text else type(value).__name__
