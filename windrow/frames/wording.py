"""What jobs say of their options -> what functions say of their arguments: `--size half` is size='half' there."""

import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, get_args

from windrow.errors import WindrowError

_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)(?:[ =]([^\s,;]*[^\s,;:.]))?")
#: Values of options among other words: numbers, sizes, lines; what else there is, signatures tell.
_VALUE = re.compile(r".*[0-9].*|N|all-in|equal")


@contextmanager
def in_words_of(function: Any, named: Collection[str] | None = None) -> Iterator[None]:
    """Where an error names options of a job, it names the arguments of this function instead; `named`: these alone."""
    try:
        yield
    except WindrowError as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (python_words(error.args[0], function, named), *error.args[1:])
        raise


def python_words(text: str, function: Any, named: Collection[str] | None = None) -> str:
    """A message with the function's arguments in place of options of these names.

    >>> from typing import Literal
    >>> def area(width: float, unit: Literal["cm", "in"] = "cm", rounded: bool = False) -> None: ...
    >>> python_words("--width 0 --rounded: is none; use e.g. --unit in, more --width, or leave out --rounded", area)
    "width=0, rounded=True: is none; use e.g. unit='in', more width, or leave out rounded=True"
    """
    parameters = inspect.signature(function).parameters
    known = {name: one for name, one in parameters.items() if named is None or name in named}
    if not known:
        return text
    subject, colon, rest = text.partition(": ") if text.startswith("--") else ("", "", text)
    options = re.split(r" (?=--[a-z])", subject) if subject else []
    given = [_named(*(option.removeprefix("--").split(" ", 1)), known=known) for option in options]
    return ", ".join(given) + colon + _OPTION.sub(lambda found: _among_words(found, known), rest)


def _among_words(found: re.Match[str], known: Mapping[str, inspect.Parameter]) -> str:
    name, value = found[1], found[2]
    if value is None or _VALUE.fullmatch(value) or value in _choices(name, known):
        return _named(name, value, known=known) + ("," if value and found.string.startswith(" --", found.end()) else "")
    return f"{_named(name, known=known)} {value}"


def _named(name: str, value: str | None = None, *, known: Mapping[str, inspect.Parameter]) -> str:
    argument = name.replace("-", "_")
    if argument not in known:
        return f"--{name}" if value is None else f"--{name} {value}"
    if value is None:
        return f"{argument}=True" if isinstance(known[argument].default, bool) else argument
    return f"{argument}={value if _reads_as_python(value) else repr(value)}"


def _choices(name: str, known: Mapping[str, inspect.Parameter]) -> tuple[Any, ...]:
    parameter = known.get(name.replace("-", "_"))
    return () if parameter is None else get_args(parameter.annotation)


def _reads_as_python(value: str) -> bool:
    return (
        value in ("N", "None", "True", "False", "nan", "inf")
        or re.fullmatch(r"-?[0-9.]+(e-?[0-9]+)?|'.*'", value) is not None
    )
