"""An indicator: a kind of kernel, its window, and its other numbers; and the text of one.

    KIND:WINDOW[,NUMBER...][.OUTPUT]        sma:20    max:30d    bollinger:20,2    macd:12,26,9.signal

Numbers that are left out at the end are the kind's defaults. A kind that gives several columns gives all of them, or
the one that is named; a line of a crossover, and an axis of a sweep, are one.
"""

import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property
from importlib import import_module
from typing import Any, ClassVar

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.states import Carries, Part
from windrow.windows.kernel import Declared, Kernel, Options
from windrow.windows.window import CountWindow, Window, parse_window

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)
_PACKAGE = __name__.rpartition(".")[0]
#: The files of this folder that are none of a kernel's, whose names are their kinds.
_OTHERS = {"growth", "indicator", "indicators", "kernel", "periods", "resample", "rolling", "smoothing", "trend",
           "values", "views", "window"}  # fmt: skip


class _Kernels(Mapping[str, type[Kernel]]):
    """The kernels by kind, of which a file is imported when it is asked for: all would be a tenth of a job's start."""

    def __getitem__(self, kind: str) -> type[Kernel]:
        if kind not in self._kinds:
            raise KeyError(kind)
        return _kernel(kind)

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    @cached_property
    def _kinds(self) -> list[str]:
        names = (module.name for module in pkgutil.iter_modules(import_module(_PACKAGE).__path__))
        return sorted(name for name in names if name not in _OTHERS)


@cache
def _kernel(kind: str) -> type[Kernel]:
    module = import_module(f"{_PACKAGE}.{kind}")
    classes = (value for value in vars(module).values() if isinstance(value, type))
    return next(one for one in classes if one.__module__ == module.__name__ and getattr(one, "kind", None) == kind)


def kernels() -> Mapping[str, type[Kernel]]:
    """The kernels by kind, in the order of their files' names: a class with that `kind` in each.

    >>> kernels()["sma"]
    <class 'windrow.windows.sma.SMA'>
    """
    return _KERNELS


_KERNELS = _Kernels()


@dataclass(frozen=True)
class Indicator:
    """A kind of kernel, its window, its other numbers, and which of its outputs is meant, if one is.

    numbers: those left out at the end are the kind's defaults. shown: how many of them are in its text, by default
    those that were given.

    >>> print(Indicator("bollinger", parse_window("20"), output="upper"))
    bollinger:20.upper
    """

    kind: str
    window: Window
    numbers: tuple[Decimal, ...] = ()
    output: str = ""
    shown: int | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.shown is None:
            object.__setattr__(self, "shown", len(self.numbers))
        left_out = kernels()[self.kind].arguments[len(self.numbers) :]
        numbers = (*self.numbers, *(Decimal(argument.default) for argument in left_out))
        object.__setattr__(self, "numbers", numbers)

    def __str__(self) -> str:
        numbers = "".join(f",{number}" for number in self.numbers[: self.shown])
        return f"{self.kind}:{self.window}{numbers}{'.' * bool(self.output)}{self.output}"

    @property
    def names(self) -> list[str]:
        """The names of its columns.

        >>> parse_indicator("sma:20").names, parse_indicator("bollinger:20").names
        (['sma:20'], ['bollinger:20.upper', 'bollinger:20.middle', 'bollinger:20.lower'])
        """
        several = () if self.output else kernels()[self.kind].outputs
        return [f"{self}.{output}" for output in several] or [str(self)]

    def columns(self, column: str) -> tuple[str, ...]:
        """The columns of bars that its kernel takes, in order, where `column` is the one that is asked for."""
        return kernels()[self.kind].inputs or (column,)

    def kernel(self, options: Options) -> Kernel:
        """A new kernel. Raises UsageError where kind, window, numbers and options do not go together."""
        kernel = kernels()[self.kind](self.window, options, *self.numbers)
        return Picked(kernel, self.output) if self.output else kernel

    def check_deviation(self, ddof: int) -> None:
        """Raises UsageError where no window has a deviation over n - ddof, so that there would be no value at all."""
        if not kernels()[self.kind].deviates or not isinstance(self.window, CountWindow) or self.window.bars > ddof:
            return
        bars = f"{self.window.bars:,} bar{'s' * (self.window.bars > 1)}"
        raise UsageError(
            f"{self}: a window of {bars} has no deviation over n - {ddof}, as of a sample; use {self.kind}:{ddof + 1},"
            f" or longer, or --ddof {self.window.bars - 1}"
        )

    def check_line(self) -> None:
        """Raises UsageError unless it is one column."""
        if len(names := self.names) > 1:
            raise UsageError(
                f"{self}: has the columns {', '.join(names)}, and a line is one of them; use e.g. {names[0]}"
            )


def needs_of(lines: Iterable[object]) -> dict[str, str]:
    """By each column of bars that indicators among the lines take by name: what needs it.

    >>> needs_of([parse_indicator("atr:14")])["low"]
    'atr:14 is of high, low and close'
    """
    kinds = [(line, kernels()[line.kind].inputs) for line in lines if isinstance(line, Indicator)]
    return {
        name: f"{line} is of {', '.join(names[:-1])} and {names[-1]}"
        for line, names in reversed(kinds)
        for name in names
    }


def cures_of(lines: Iterable[object]) -> dict[str, str]:
    """What a user can do where an input lacks a column that indicators among the lines take by name."""
    return {
        name: f"{need}; leave it out or, if that column is there by another name, use --rename NAME={name}"
        for name, need in needs_of(lines).items()
    }


class Picked(Declared):
    """One output of a kernel that has several."""

    kind: ClassVar[str]
    carries: ClassVar[Carries] = {"_kernel": Part()}

    def __init__(self, kernel: Kernel, output: str) -> None:
        self._kernel, self._row = kernel, kernel.outputs.index(output)

    @property
    def state_bars(self) -> int:
        """Bars held for later windows."""
        return self._kernel.state_bars

    def __getattr__(self, name: str) -> Any:
        """What slices need, if the kernel has it."""
        if name in ("head", "tail", "skip") and "_kernel" in vars(self):
            return getattr(self._kernel, name)
        raise AttributeError(name)

    def push(self, times: Ints, *values: Floats, starts: Ints) -> Floats:
        """One value per bar: see `Kernel.push`."""
        row: Floats = self._kernel.push(times, *values, starts=starts)[self._row]
        return row


def parse_indicator(text: str) -> Indicator:
    """The indicator that a text means, e.g. `sma:20`, `max:30d` or `bollinger:20,2.upper`.

    Raises UsageError for any other text.

    >>> parse_indicator("max:30d")
    Indicator(kind='max', window=TimeWindow(span_ns=2592000000000000), numbers=(), output='')
    >>> print(parse_indicator("bollinger:20,2.50.upper"))
    bollinger:20,2.5.upper
    """
    kind, colon, rest = text.partition(":")
    if not colon or kind not in kernels():
        raise UsageError(
            f"indicator {text!r}: an indicator is KIND:WINDOW, with KIND one of {', '.join(kernels())};"
            f" use e.g. {meant(text) or 'sma:20'} or max:30d"
        )
    (window, *numbers), output = split_text(rest)
    check_output(text, kind, output)
    return Indicator(kind, parse_window(window), parse_numbers(text, kind, numbers), output, len(numbers))


def meant(text: str) -> str:
    """The indicator, or grid of them, that may be meant by a window, or by a kind and a window without a colon.

    >>> meant("20"), meant("ema20"), meant("5..20/5"), meant("the 20")
    ('sma:20', 'ema:20', 'sma:5..20/5', '')
    """
    found = re.fullmatch(r"([a-z]*) ?([1-9][0-9]*(?:[a-z]|[0-9.,/]+)?)", text)
    if found is None or (found[1] and found[1] not in kernels()):
        return ""
    return f"{found[1] or 'sma'}:{found[2]}"


def split_text(text: str) -> tuple[list[str], str]:
    """Numbers and the name of an output.

    >>> split_text("20,2.5.upper"), split_text("30d")
    ((['20', '2.5'], 'upper'), (['30d'], ''))
    """
    front, dot, output = text.rpartition(".")
    return (front.split(","), output) if dot and output.isalpha() else (text.split(","), "")


def check_output(text: str, kind: str, output: str) -> None:
    """Raises UsageError where the text of an indicator names a column that its kind does not have."""
    outputs = kernels()[kind].outputs
    if output and output not in outputs:
        has = (
            f"its columns are {', '.join(outputs)}; use one of them" if outputs else "it is one column; leave that out"
        )
        raise UsageError(f"indicator {text!r}: {kind} has no column {output!r}: {has}")


def parse_numbers(text: str, kind: str, numbers: Sequence[str]) -> tuple[Decimal, ...]:
    """The numbers after the window in the text of an indicator of a kind. Raises UsageError."""
    arguments = kernels()[kind].arguments
    if len(numbers) > len(arguments):
        form = f"; it takes {_form(kind)}" if arguments else ""
        raise UsageError(
            f"indicator {text!r}: {kind} takes {1 + len(arguments)} number{'s' * bool(arguments)}{form}; use e.g."
            f" {_example(kind)}"
        )
    found = []
    for argument, number in zip(arguments, numbers, strict=False):
        value = Decimal(f"{Decimal(number).normalize():f}") if _NUMBER.fullmatch(number) else None
        if value is None or not argument.allows(value):
            raise UsageError(
                f"indicator {text!r}: {number!r} is no {argument.name}, {argument.rule}; {kind} is {_form(kind)}: use"
                f" e.g. {_example(kind)}"
            )
        found.append(value)
    return tuple(found)


def _form(kind: str) -> str:
    return f"{kind}:" + ",".join(["WINDOW", *(argument.form for argument in kernels()[kind].arguments)])


def _example(kind: str) -> str:
    return f"{kind}:" + ",".join(["20", *(argument.default for argument in kernels()[kind].arguments)])
