"""How an input writes its rows: settled once, from its first rows, and then demanded of every row."""

import codecs
import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from windrow.bars.epochs import DATE, NAMES
from windrow.bars.numbers import PLAIN, NumberForm
from windrow.errors import UsageError

_LETTERS = {
    "%Y": "yyyy", "%y": "yy", "%m": "mm", "%d": "dd", "%b": "mmm", "%H": "HH", "%I": "hh", "%M": "MM", "%S": "SS",
    "%f": "fff", "%p": "AM", "%z": "",
    "%o": "milliseconds since midnight", "%O": "seconds since midnight", "%h": "HMM", "%t": "HMMSS", "%q": "HMMSSfff",
}  # fmt: skip
#: Codecs of names of hosts, and of literals of Python, which read a text as if it were one.
_NO_TEXT = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}
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
    counts: tuple[str, ...] = ()
    """Where each time is a count since 1970, or a date as a number, by its magnitude: what those sampled are."""

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
            f"times as {readable(self.clock)}" if self.clock else "",
            _counted(self.counts),
            self.numbers.described(),
        ]
        return ", ".join(filter(None, parts))


PLAIN_FORM = Form()


def check_encoding(name: str) -> None:
    """Raises UsageError for what is no encoding of text in Python.

    >>> check_encoding("cp1252")
    >>> check_encoding("base64")
    Traceback (most recent call last):
    windrow.errors.UsageError: --encoding 'base64': is not an encoding of text that Python knows; give one, e.g. ...
    """
    try:
        if codecs.lookup(name).name.replace("-", "_") not in _NO_TEXT and b"2023-01-03,1.5\n".decode(name, "replace"):
            return
    except (LookupError, ValueError):
        pass
    raise UsageError(
        f"--encoding {name!r}: is not an encoding of text that Python knows; give one, e.g. cp1252, gb18030, utf-16-le"
    )


def tightened(lines: bytes, delimiter: str) -> bytes:
    r"""Lines of CSV without the blanks around quoted fields; those within quotes stay.

    Memory: some ten times the lines'.

    >>> tightened(b'"A, ""B"" c", "1,5" ,2, x\n', ",")
    b'"A, ""B"" c","1,5",2, x\n'
    """
    text = np.frombuffer(b"\n%s\n" % lines, np.uint8)
    quotes = text == ord('"')
    within = np.logical_xor.accumulate(quotes)  # a quote that is doubled within quotes ends them, and begins them again
    ends = text == ord("\n")
    if within[ends].any():  # a line with a quote that is not closed: what follows must not be taken for its rest
        return b"".join(_blanks_around(delimiter).sub(rb"\1\2", line) for line in lines.splitlines(keepends=True))
    blank = (text == ord(" ")) & ~within
    begins = np.flatnonzero(blank[1:] & ~blank[:-1]) + 1
    stops = np.flatnonzero(blank[:-1] & ~blank[1:]) + 1
    edge = ends | (text == ord("\r")) | (text == ord(delimiter))
    before, after = begins - 1, stops
    odd = (quotes[before] & edge[after]) | (edge[before] & quotes[after])
    gone = np.zeros(len(text) + 1, np.int8)
    gone[begins[odd]], gone[stops[odd]] = 1, -1
    kept = np.cumsum(gone[:-1], dtype=np.int8) == 0
    return bytes(text[kept][1:-1])


@cache
def _blanks_around(delimiter: str) -> re.Pattern[bytes]:
    """Quoted fields with what is before them, and the blanks around them; each is passed as a whole, from the left."""
    between = re.escape(delimiter.encode())
    return re.compile(rb'(?m)(^|%s) *+("[^"\r\n]*+(?:""[^"\r\n]*+)*+") *+(?=%s|\r?$)' % (between, between))


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
