"""How an input writes its rows: settled once, from its first rows, and then demanded of every row."""

import re
from dataclasses import dataclass
from functools import cache

from windrow.bars.numbers import PLAIN, NumberForm

_LETTERS = {
    "%Y": "yyyy", "%y": "yy", "%m": "mm", "%d": "dd", "%b": "mmm", "%H": "HH", "%I": "hh", "%M": "MM", "%S": "SS",
    "%f": "fff", "%p": "AM", "%z": "",
}  # fmt: skip
_DELIMITERS = {"\t": "tabs", " ": "blanks"}


@dataclass(frozen=True)
class Form:
    """What is between fields, how many lines are before the header, and how times and numbers are written.

    `encoding` is Python's name of a codec; empty: UTF-8. `line_end` is a line feed, also behind a carriage return, or a
    carriage return alone. `loose`: blanks may be around quoted fields, and are none of them. `whole`: lines cannot be
    found from any byte of the input on, so that mappers cannot share it.
    `clock` is a form of windrow/bars/clocks.py; empty: one of those that windrow/times.py parses itself.
    """

    delimiter: str = ","
    skipped: int = 0
    clock: str = ""
    numbers: NumberForm = PLAIN
    encoding: str = ""
    line_end: str = "\n"
    loose: bool = False
    whole: bool = False

    def described(self) -> str:
        """For people: what is not as in a plain CSV file; empty if nothing is.

        >>> Form(";", 0, "%d/%m/%y", NumberForm(",")).described()
        "';' between fields, times as dd/mm/yy, numbers as 1234,5"
        """
        between = _DELIMITERS.get(self.delimiter, f"{self.delimiter!r}")
        parts = [
            f"encoded as {self.encoding}" if self.encoding else "",
            "lines that end in CR alone" if self.line_end == "\r" else "",
            f"{between} between fields" if self.delimiter != "," else "",
            f"{self.skipped} line{'s' * (self.skipped > 1)} before the header" if self.skipped else "",
            "blanks around quotes" if self.loose else "",
            f"times as {_readable(self.clock)}" if self.clock else "",
            self.numbers.described(),
        ]
        return ", ".join(filter(None, parts))


PLAIN_FORM = Form()


def tightened(lines: bytes, delimiter: str) -> bytes:
    r"""Lines of CSV without the blanks around quoted fields; those within quotes stay.

    >>> tightened(b'"A, ""B"" c", "1,5" ,2, x\n', ",")
    b'"A, ""B"" c","1,5",2, x\n'
    """
    return _blanks_around(delimiter).sub(rb"\1\2", lines)


@cache
def _blanks_around(delimiter: str) -> re.Pattern[bytes]:
    """Quoted fields with what is before them, and the blanks around them; each is passed as a whole, from the left."""
    between = re.escape(delimiter.encode())
    return re.compile(rb'(?m)(^|%s) *+("(?:[^"\r\n]|"")*+") *+(?=%s|\r?$)' % (between, between))


def _readable(clock: str) -> str:
    """A form of times as people write it.

    >>> _readable("%d.%m.%Y[T| ]%H:%M[:%S[.%f]][%z]"), _readable("%b %d, %Y")
    ('dd.mm.yyyy HH:MM', 'mmm dd, yyyy')
    """
    text = clock.replace("[T| ]", " ")
    while (shorter := re.sub(r"\[[^\[\]]*\]", "", text)) != text:
        text = shorter
    for letter, word in _LETTERS.items():
        text = text.replace(letter, word)
    return text
