"""How an input writes its rows: settled once, from its first rows, and then demanded of every row."""

import re
from dataclasses import dataclass

from windrow.bars.epochs import DATE, NAMES
from windrow.bars.numbers import PLAIN, NumberForm

_LETTERS = {
    "%Y": "yyyy", "%y": "yy", "%m": "mm", "%d": "dd", "%b": "mmm", "%H": "HH", "%I": "hh", "%M": "MM", "%S": "SS",
    "%f": "fff", "%p": "AM", "%z": "",
    "%o": "milliseconds since midnight", "%O": "seconds since midnight", "%t": "HMMSS",
}  # fmt: skip
_DELIMITERS = {"\t": "tabs", " ": "blanks"}


@dataclass(frozen=True)
class Form:
    """What is between fields, how many lines are before the header, and how times and numbers are written.

    `clock` is a form of windrow/bars/clocks.py; empty: one of those that windrow/times.py parses itself.
    """

    delimiter: str = ","
    skipped: int = 0
    clock: str = ""
    numbers: NumberForm = PLAIN
    counts: tuple[str, ...] = ()
    """Where each time is a count since 1970, or a date as a number, by its magnitude: what those sampled are."""

    def described(self) -> str:
        """For people: what is not as in a plain CSV file; empty if nothing is.

        >>> Form(";", 0, "%d/%m/%y", NumberForm(",")).described()
        "';' between fields, times as dd/mm/yy, numbers as 1234,5"
        """
        between = _DELIMITERS.get(self.delimiter, f"{self.delimiter!r}")
        parts = [
            f"{between} between fields" if self.delimiter != "," else "",
            f"{self.skipped} line{'s' * (self.skipped > 1)} before the header" if self.skipped else "",
            f"times as {readable(self.clock)}" if self.clock else "",
            _counted(self.counts),
            self.numbers.described(),
        ]
        return ", ".join(filter(None, parts))


PLAIN_FORM = Form()


def _counted(units: tuple[str, ...]) -> str:
    """For people: that times are counts, and of what.

    >>> _counted(("ms", "us"))
    'times are milliseconds and microseconds since 1970, by their magnitude'
    """
    if not units:
        return ""
    names = [NAMES[unit] for unit in units if unit != DATE]
    told = ["dates like 20230103"] if DATE in units else []
    told += [f"{' and '.join(names)} since 1970"] if names else []
    return f"times are {' and '.join(told)}" + (", by their magnitude" if len(units) > 1 else "")


def readable(clock: str) -> str:
    """A form of times as people write it.

    >>> readable("%d.%m.%Y[T| ]%H:%M[:%S[.%f]][%z]"), readable("%b %d, %Y")
    ('dd.mm.yyyy HH:MM', 'mmm dd, yyyy')
    """
    text = clock.replace("[T| ]", " ")
    while (shorter := re.sub(r"\[[^\[\]]*\]", "", text)) != text:
        text = shorter
    for letter, word in _LETTERS.items():
        text = text.replace(letter, word)
    return text
