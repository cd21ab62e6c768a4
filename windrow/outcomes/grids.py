"""Axes of a sweep from what Python has for numbers: ranges and lists."""

from collections.abc import Iterable
from numbers import Integral
from typing import TypeAlias

from windrow.errors import UsageError
from windrow.windows import kernels

#: An axis: a text as of the job, a kind and its windows in bars, or these windows alone.
Windows: TypeAlias = str | tuple[str, Iterable[int]] | Iterable[int]


def axis_text(name: str, axis: Windows, kind: str | None = None) -> str:
    """The text of an axis, whose argument has this name; `kind` is the average of windows alone.

    Raises UsageError for anything but texts and windows.

    >>> axis_text("fast", ("ema", range(5, 8))), axis_text("slow", [21, 31], "sma"), axis_text("slow", "ema:9..11")
    ('ema:5..7', 'sma:21,31', 'ema:9..11')
    """
    if isinstance(axis, str):
        return axis
    windows: object = axis
    if isinstance(axis, tuple) and len(axis) == 2 and isinstance(axis[0], str):
        kind, windows = axis
    if kind is None:
        raise UsageError(
            f"{name}={axis!r}: are windows, of which average is not said; add its kind, e.g. kind='ema', or use"
            f" {name}=('ema', {axis!r})"
        )
    if kind not in kernels():
        raise UsageError(f"{name}={axis!r}: {kind!r} is no kind of average; use one of {', '.join(kernels())}")
    if kernels()[kind].arguments:
        raise UsageError(
            f"{name}={axis!r}: {kind} takes more numbers than its windows; write it as a text, e.g."
            " 'bollinger:10..30/10,2.upper'"
        )
    numbers = [windows] if isinstance(windows, Integral) else windows
    found = list(numbers) if isinstance(numbers, Iterable) and not isinstance(numbers, str) else []
    if not found or not all(isinstance(one, Integral) and not isinstance(one, bool) for one in found):
        raise UsageError(
            f"{name}={axis!r}: windows are whole numbers of bars, at least one; use e.g. range(5, 11) or [5, 7, 10]"
        )
    if isinstance(numbers, range) and len(numbers) > 1:
        return f"{kind}:{min(numbers)}..{max(numbers)}" + (f"/{abs(numbers.step)}" if abs(numbers.step) > 1 else "")
    return f"{kind}:{','.join(str(int(one)) for one in found)}"
