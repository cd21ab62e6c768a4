"""Grids: the pairs of averages that a sweep tries."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from windrow.errors import UsageError
from windrow.windows import Indicator, Options, kernels
from windrow.windows.indicator import check_output, meant, parse_numbers, split_text
from windrow.windows.window import MOST_BARS, CountWindow

_ITEM = re.compile(r"([0-9]{1,9})(?:\.\.([0-9]{1,9})(?:/([0-9]{1,9}))?)?", re.ASCII)
_FORM = "KIND:WINDOWS, WINDOWS in bars, e.g. 7, 5..10, 10..100/5 (every fifth), or a list such as 5,8,10..20"

#: A pair of a grid: its windows in bars, (fast, slow).
Cell: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Axis:
    """One side of a grid: a kind of average, and its windows in bars, ascending, each once.

    numbers, output: those of all of its averages, where the kind has more of them.
    """

    kind: str
    windows: tuple[int, ...]
    numbers: tuple[Decimal, ...] = ()
    output: str = ""

    def columns(self, column: str) -> tuple[str, ...]:
        """The columns of bars that its averages take, where `column` is the one that is asked for."""
        return self._indicator(self.windows[0]).columns(column)

    def indicators(self) -> list[Indicator]:
        """The averages, in order of their windows."""
        return [self._indicator(window) for window in self.windows]

    def _indicator(self, window: int) -> Indicator:
        return Indicator(self.kind, CountWindow(window), self.numbers, self.output)


def parse_axis(text: str) -> Axis:
    """The axis written as `KIND:WINDOWS`. Raises UsageError for any other text.

    WINDOWS are in bars: a number, a range including both ends, a range with a step, which begins at its first number,
    or a list of these. Where a kind takes more numbers, these follow in place of a list, and are the same for all; of
    its columns one is named.

    >>> parse_axis("ema:5..10").windows
    (5, 6, 7, 8, 9, 10)
    >>> parse_axis("sma:5,10..100/40,8").windows
    (5, 8, 10, 50, 90)
    >>> print(*parse_axis("bollinger:10..30/10,2.5.upper").indicators())
    bollinger:10,2.5.upper bollinger:20,2.5.upper bollinger:30,2.5.upper
    """
    kind, colon, rest = text.partition(":")
    if not colon or kind not in kernels():
        example = f"{meant(text)}, of the form " if meant(text) else ""
        raise UsageError(f"{text!r}: KIND is one of {', '.join(kernels())}; use {example}{_FORM}")
    items, output = split_text(rest)
    check_output(text, kind, output)
    takes_more = kernels()[kind].arguments
    numbers = parse_numbers(text, kind, items[1:]) if takes_more else ()
    windows = sorted({window for item in items[: 1 if takes_more else None] for window in _windows(text, item)})
    axis = Axis(kind, tuple(windows), numbers, output)
    for indicator in axis.indicators()[:1] + axis.indicators()[-1:]:
        indicator.check_line()
        indicator.kernel(Options())  # raises where they do not go together
    return axis


def around(axis: str) -> tuple[str, str]:
    """What is before and behind the window in the lines of an axis, all as text.

    >>> around("bollinger:10..30/10,2.5.upper"), around("ema:5..10,20")
    (('bollinger:', ',2.5.upper'), ('ema:', ''))
    """
    kind, _, rest = axis.partition(":")
    items, output = split_text(rest)
    numbers = items[1:] if kind in kernels() and kernels()[kind].arguments else []
    return f"{kind}:", "".join(f",{number}" for number in numbers) + "." * bool(output) + output


def _windows(text: str, item: str) -> range:
    match = _ITEM.fullmatch(item)
    if not match:
        raise UsageError(f"{text!r}: {item!r} is not a number of bars or a range of numbers; use {_FORM}")
    first, last, step = (int(number) if number else None for number in match.groups())
    assert first is not None
    last, step = first if last is None else last, 1 if step is None else step
    if last < first:
        raise UsageError(f"{text!r}: the range {item} goes down; write its smaller end first, {last}..{first}")
    if not step:
        raise UsageError(f"{text!r}: the range {item} has a step of 0; use a step of 1 bar or more")
    if first < 1 or last > MOST_BARS:
        raise UsageError(f"{text!r}: {item} is not within 1 to {MOST_BARS:,} bars; use windows in that range")
    return range(first, last + 1, step)


@dataclass(frozen=True)
class Grid:
    """Pairs of averages, in ascending order of (fast, slow).

    Those of the product of both axes whose fast window is below the slow one; with `any_order` all of them. Raises
    UsageError where that leaves none. There may be any number: the memory of a sweep grows with it.

    >>> grid = Grid(parse_axis("ema:5,9"), parse_axis("ema:8..10"))
    >>> grid.pairs()
    [(5, 8), (5, 9), (5, 10), (9, 10)]
    """

    fast: Axis
    slow: Axis
    any_order: bool = False

    def __post_init__(self) -> None:
        if not self.any_order and self.fast.windows[0] >= self.slow.windows[-1]:
            raise UsageError(
                f"--fast {_shortened(self.fast)} --slow {_shortened(self.slow)}: no pair is left: the fast window is"
                " shorter than the slow one; exchange the two, or keep such pairs with --any-order"
            )

    def indicators(self) -> list[Indicator]:
        """The averages of both axes."""
        return [*self.fast.indicators(), *self.slow.indicators()]

    def pairs(self) -> list[Cell]:
        """The pairs' windows, (fast, slow)."""
        return [
            (fast, slow) for fast in self.fast.windows for slow in self.slow.windows if self.any_order or fast < slow
        ]


def _shortened(axis: Axis) -> str:
    few = axis.windows if len(axis.windows) < 3 else (axis.windows[0], "..", axis.windows[-1])
    return f"{axis.kind}:{','.join(map(str, few)).replace(',..,', '..')}"


def parse_grid(fast: str, slow: str, any_order: bool = False) -> Grid:
    """The grid of two axes given as texts. Raises UsageError, which names the option."""
    axes = []
    for name, text in (("--fast", fast), ("--slow", slow)):
        try:
            axes.append(parse_axis(text))
        except UsageError as error:
            raise UsageError(f"{name} {error}") from None
    return Grid(axes[0], axes[1], any_order)
