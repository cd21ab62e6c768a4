"""Times in the forms that files have: 03/01/2023, 3-Jan-23, Jan 03, 2023 9:30 PM, 20230103 093000.

A form is written as strptime writes it, `%d/%m/%Y %H:%M`; parts in brackets may be missing. Columns are rewritten into
the text that windrow/times.py parses, which decides what exists: there is one parser of times. Which form a column has
is decided by its values, and never guessed: 01/02/2023 alone is refused.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from windrow.arrays import Ints, Mask
from windrow.bars.epochs import FORMS_OF_COUNTS
from windrow.errors import UsageError
from windrow.times import Bytes2D, Times, parse_times

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?)"
)
#: What a letter of a form stands for, in text with every digit made 0.
_ELEMENTS = {
    "Y": "0000", "y": "00", "m": "0{1,2}", "d": "0{1,2}", "b": _MONTH, "H": "0{1,2}", "I": "0{1,2}", "M": "00",
    "S": "00", "f": "0{1,9}", "p": r"[ap]\.?m\.?", "z": "z| ?(?:utc|gmt)(?:[+-]00:?00)?| ?[+-]00(?::?00)?",
    "o": "0{1,8}", "O": "0{1,5}",  # numbers: milliseconds, seconds since midnight
    "h": "0{1,4}", "t": "0{1,6}", "q": "0{1,9}",  # 930 for 9:30, 93000 for 9:30:00, 93000000 for 9:30:00.000
}  # fmt: skip
#: Those of one digit or two have two where a digit follows them.
_FULL = {"m": "00", "d": "00", "H": "00", "I": "00"}
#: Dates of the forms that need no option; a point is between day and month, never between month and day.
DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y",
    "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d/%b/%Y",
    "%d%b%Y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d",
)  # fmt: skip
#: And the times of day that may follow.
CLOCKS = ("", "[T| ]%H:%M[:%S[.%f]][%z]", " %I:%M[:%S] %p[%z]", " %I-%p", "[T| ]%H%M%S[%z]")
FORMS = tuple(date + clock for date, clock in product(DATES, CLOCKS))
_DIGITS_TO_0 = bytes.maketrans(b"123456789", b"000000000")
#: Times of day as one number, which may be read in several ways: HHMMSS, seconds and milliseconds since midnight.
NUMBERS = (" %h", " %t", " %q", " %O", " %o")
_NUMBERS = frozenset("htqOo")
_WIDTHS = {"h": 4, "t": 6, "q": 9}
#: The share of sampled texts that a form must fit.
MOST = 0.9
#: Two-digit years from this one on are of the twentieth century.
_CENTURY = 70


class Span(NamedTuple):
    """Where a form's element is in a text."""

    begin: int
    end: int


def forms_of(texts: Iterable[bytes]) -> list[str]:
    """The forms that fit most of these texts and mean different times; several if nothing decides, none if none fits.

    A form must fit nine tenths of the texts, for some rows may be invalid, and as many as any other form fits.

    >>> forms_of([b"13/01/2023", b"01/02/2023"]), forms_of([b"01/02/2023"]), forms_of([b"soon"])
    (['%d/%m/%Y'], ['%d/%m/%Y', '%m/%d/%Y'], [])
    """
    distinct = list(dict.fromkeys(text.strip() for text in texts))
    shapes = {text.translate(_DIGITS_TO_0) for text in distinct}
    column = joined(distinct)
    fitting = (form for form in FORMS if any(spans(form, shape) for shape in shapes))
    read = {form: parse_clocks(*column, form) for form in fitting}
    most = max((int(times.ok.sum()) for times in read.values()), default=0)
    if most < MOST * len(distinct) or not most:
        return []
    meant: dict[bytes, str] = {}
    for form, times in read.items():
        if times.ok.sum() == most:
            meant.setdefault(times.ok.tobytes() + times.ns.tobytes(), form)
    return list(meant.values())


def forms_with_numbers(texts: Sequence[bytes]) -> list[str]:
    """The forms that fit most of these texts, each a date and a number that is the time of day; several if open.

    Six digits everywhere are HHMMSS, which `forms_of` finds. Other numbers may be that without leading zeros, or HMM or
    HMMSS and thousandths, or seconds or milliseconds since midnight.

    >>> forms_with_numbers([b"20230103 34200000", b"20230103 34260000"]), forms_with_numbers([b"20230103 83000000"])
    (['%Y%m%d %o'], ['%Y%m%d %q', '%Y%m%d %o'])
    """
    parts = [text.strip().rpartition(b" ") for text in texts]
    digits = [number for _, _, number in parts if re.fullmatch(rb"[0-9]{1,9}", number)]
    counts = [int(number) for number in digits if number == b"0" or number[:1] != b"0"]
    fits = (
        sum(len(number) <= 4 and _is_clock(int(number) * 100) for number in digits),
        sum(map(_is_clock, counts)),
        sum(_is_clock(int(number) // 1000) for number in digits),
        sum(count < 86_400 for count in counts),
        sum(count < 86_400_000 for count in counts),
    )
    fitting = [form for form, rows in zip(NUMBERS, fits, strict=True) if rows >= MOST * len(texts) > 0]
    return [date + form for date in forms_of(date for date, _, _ in parts) for form in fitting]


def _is_clock(number: int) -> bool:
    """Whether a number is HHMMSS."""
    return number < 240_000 and number // 100 % 100 < 60 and number % 100 < 60


def check_form(form: str) -> None:
    """Raises UsageError for a form that `--time-format` cannot have.

    >>> check_form("%d/%m/%Y %H:%M")
    >>> check_form("%H:%M")
    Traceback (most recent call last):
    windrow.errors.UsageError: --time-format '%H:%M': a time has a year (%Y or %y), a month (%m or %b) and a day ...
    """
    letters = re.findall("%(.)", form.replace("%%", ""))
    if form in FORMS_OF_COUNTS:
        return
    if counted := [letter for letter in letters if f"%{letter}" in FORMS_OF_COUNTS]:
        raise UsageError(
            f"--time-format {form!r}: %{counted[0]} is a whole time, a count since 1970; give it alone: %s for seconds,"
            " %L milliseconds, %U microseconds, %N nanoseconds"
        )
    unknown = [letter for letter in letters if letter not in _ELEMENTS]
    twice = [letter for letter in letters if letters.count(letter) > 1]
    if unknown or twice:
        why = f"%{unknown[0]} is not known" if unknown else f"%{twice[0]} is there twice"
        raise UsageError(
            f"--time-format {form!r}: {why}; use each of %Y %y %m %d %b %H %I %M %S %f %p %z %o %O %h %t %q at most"
            " once, e.g. '%d/%m/%Y %H:%M'"
        )
    always = form
    while (shorter := re.sub(r"\[[^\[\]]*\]", "", always)) != always:
        always = shorter
    if set(always) & set("[]|"):
        raise UsageError(
            f"--time-format {form!r}: a bracket is not closed, or a | is outside of brackets; what is between brackets"
            " may be missing, e.g. '%d/%m/%Y[ %H:%M]'"
        )
    has = set(re.findall("%(.)", always))
    if not (has & {"Y", "y"} and has & {"m", "b"} and "d" in has):
        raise UsageError(
            f"--time-format {form!r}: a time has a year (%Y or %y), a month (%m or %b) and a day (%d); give all three,"
            " e.g. '%d/%m/%Y'"
        )
    every = set(letters)
    if every & _NUMBERS and len(every - {"Y", "y", "m", "b", "d"}) > 1:
        raise UsageError(
            f"--time-format {form!r}: %o, %O (milliseconds, seconds since midnight), %h, %t and %q (930, 93000,"
            " 93000000 for 9:30) are each a whole time of day; give one of them behind a date, e.g. '%Y%m%d %o'"
        )
    if ("I" in every and "p" not in every) or (every & {"M", "S", "f", "p"} and not every & {"H", "I"}):
        raise UsageError(
            f"--time-format {form!r}: a time of day has its hour, %H, or %I with %p for AM and PM; give it, e.g."
            " '%d/%m/%Y %I:%M %p'"
        )


def exact_form(form: str, text: bytes) -> str:
    """The form without brackets that fits a text.

    >>> exact_form("%d/%m/%Y[T| ]%H:%M[:%S[.%f]][%z]", b"03/01/2023 09:30:00")
    '%d/%m/%Y %H:%M:%S'
    """
    shape = text.strip().translate(_DIGITS_TO_0)
    return next((one for one in _expanded(form) if spans(one, shape) is not None), form)


def _expanded(form: str) -> Iterator[str]:
    """Every form that one with brackets stands for."""
    found = re.search(r"\[([^\[\]]*)\]", form)
    if found is None:
        yield form
        return
    options = found[1].split("|") if "|" in found[1] else ["", found[1]]
    for option in options:
        yield from _expanded(form[: found.start()] + option + form[found.end() :])


def joined(texts: Sequence[bytes]) -> tuple[npt.NDArray[np.uint8], Ints]:
    """Texts as a column: all bytes, and where each text begins, with the end."""
    offsets = np.cumsum([0, *map(len, texts)])
    return np.frombuffer(b"".join(texts), np.uint8), offsets


def parse_clocks(
    data: npt.NDArray[np.uint8], offsets: Ints, form: str, timezone: str = "UTC", dated: bool = False
) -> Times:
    """Parses the texts `data[offsets[i]:offsets[i + 1]]`, all of which must have this form.

    Otherwise as `windrow.times.parse_times`; about 60 ns a row more. Memory: some 100 bytes a row.

    >>> column = joined([b"1/2/1970", b"02/01/1970 0:30", b"2.1.1970"])
    >>> parse_clocks(*column, "%d/%m/%Y[ %H:%M]").ok.tolist()
    [True, True, False]
    """
    count = len(offsets) - 1
    times = Times(np.zeros(count, np.int64), np.zeros(count, bool), np.zeros(count, bool))
    for shape, rows, texts in _by_shape(data, offsets):
        found = spans(form, shape)
        if found is None:
            continue
        text, ok = _rewritten(texts, shape, found)
        width = text.shape[1]
        its = parse_times(text.ravel(), np.arange(len(text) + 1) * width, timezone, dated)
        times.ns[rows], times.ok[rows], times.timed[rows] = np.where(ok, its.ns, 0), its.ok & ok, its.timed
    return times


def _by_shape(data: npt.NDArray[np.uint8], offsets: Ints) -> Iterator[tuple[bytes, Ints, Bytes2D]]:
    """The rows, and their texts as a matrix, of each shape: a text with every digit made 0.

    Rows of the first row's shape are found at once, then those of the first row left, and so on: files have few shapes.
    """
    widths = np.diff(offsets)
    for width in np.unique(widths).tolist():
        rows = np.flatnonzero(widths == width)
        texts = _matrix(data, offsets, rows, width)
        while len(rows):
            shape = texts[0].tobytes().translate(_DIGITS_TO_0)
            same = _have_shape(texts, shape)
            if same.all():
                yield shape, rows, texts
                break
            yield shape, rows[same], texts[same]
            rows, texts = rows[~same], texts[~same]


def _matrix(data: npt.NDArray[np.uint8], offsets: Ints, rows: Ints, width: int) -> Bytes2D:
    """The texts of some rows, which all have this width."""
    if len(rows) == len(offsets) - 1:
        return data[offsets[0] : offsets[-1]].reshape(len(rows), width)
    texts: Bytes2D = data[offsets[rows][:, None] + np.arange(width)]
    return texts


def _have_shape(texts: Bytes2D, shape: bytes) -> Mask:
    pattern = np.frombuffer(shape, np.uint8)
    same = np.ones(len(texts), bool)
    for column, byte in enumerate(pattern.tolist()):
        at = texts[:, column]
        same &= at - np.uint8(48) <= 9 if byte == ord("0") else at == byte
    return same


def spans(form: str, shape: bytes) -> dict[str, Span] | None:
    """Where the elements of a form are in a text of this shape; None if the text has another form.

    >>> spans("%d/%m/%Y", b"0/00/0000")
    {'d': Span(begin=0, end=1), 'm': Span(begin=2, end=4), 'Y': Span(begin=5, end=9)}
    """
    found = _compiled(form).fullmatch(shape.decode("latin-1"))
    if found is None:
        return None
    return {name: Span(*found.span(name)) for name, text in found.groupdict().items() if text is not None}


@cache
def _compiled(form: str) -> re.Pattern[str]:
    """The pattern of a form, over text with every digit made 0."""
    parts = re.findall(r"%[a-zA-Z%]|\[|\]|\||.", form)
    pattern = ""
    for part, following in pairwise([*parts, ""]):
        letter = part[1:] if part[0] == "%" else ""
        if letter in _ELEMENTS:
            full = following[:1] == "%" and following[1:] in "YymdHIMSf"
            pattern += f"(?P<{letter}>{_FULL.get(letter, _ELEMENTS[letter]) if full else _ELEMENTS[letter]})"
        elif part in "[]|":
            pattern += {"[": "(?:", "]": ")?", "|": "|"}[part]
        else:
            pattern += " +" if part == " " else re.escape(letter or part)
    # [T| ] is one of the two, not neither
    return re.compile(pattern.replace("(?:T| +)?", "(?:T| +)"), re.IGNORECASE)


def _rewritten(texts: Bytes2D, shape: bytes, found: dict[str, Span]) -> tuple[Bytes2D, Mask]:
    """Texts of one shape in windrow's own form, YYYY-MM-DD[THH:MM[:SS[.f]]][zone]; which of them can be."""
    count, ok = len(texts), np.ones(len(texts), bool)

    def digits(name: str, width: int) -> Bytes2D:
        begin, end = found[name]
        padded = np.full((count, width), ord("0"), np.uint8)
        padded[:, width - (end - begin) :] = texts[:, begin:end]
        return padded

    def constant(text: bytes) -> Bytes2D:
        return np.broadcast_to(np.frombuffer(text, np.uint8), (count, len(text)))

    year = digits("Y", 4) if "Y" in found else _century(digits("y", 2))
    month = constant(b"%02d" % _month(shape, found["b"])) if "b" in found else digits("m", 2)
    columns = [year, constant(b"-"), month, constant(b"-"), digits("d", 2)]
    if of_day := found.keys() & _NUMBERS:
        (name,) = of_day
        if name in "oO":
            clock = _since_midnight(digits(name, 8), 1000 if name == "o" else 1)
        else:
            clock = digits(name, _WIDTHS[name])
        seconds = constant(b"00") if name == "h" else clock[:, 4:6]
        columns += [constant(b"T"), clock[:, :2], constant(b":"), clock[:, 2:4], constant(b":"), seconds]
        columns += [constant(b"."), clock[:, 6:]] if name in "oq" else []
    if "H" in found or "I" in found:
        hour = digits("H", 2) if "H" in found else digits("I", 2)
        if "p" in found:
            hour, ok = _of_24(hour, shape[found["p"].begin : found["p"].end][:1].lower() == b"p")
        columns += [constant(b"T"), hour, constant(b":"), digits("M", 2) if "M" in found else constant(b"00")]
        columns += [constant(b":"), digits("S", 2)] if "S" in found else []
        columns += [constant(b"."), texts[:, slice(*found["f"])]] if "f" in found else []
        columns += [_zone(texts, shape, found["z"])] if "z" in found else []
    return np.concatenate(columns, axis=1), ok


def _century(year: Bytes2D) -> Bytes2D:
    """Years of two digits with their first two: 70 to 99 are of the twentieth century."""
    old = (year[:, :1] - np.uint8(48)) * 10 + year[:, 1:] - np.uint8(48) >= _CENTURY
    first = np.where(old, np.frombuffer(b"19", np.uint8), np.frombuffer(b"20", np.uint8))
    return np.concatenate([first, year], axis=1)


def _month(shape: bytes, where: Span) -> int:
    return _MONTHS.index(shape[where.begin : where.begin + 3].decode().lower()) + 1


def _of_24(hour: Bytes2D, afternoon: bool) -> tuple[Bytes2D, Mask]:
    """Hours 1 to 12 as those of a day of 24; which of them are hours."""
    number = (hour[:, 0] - 48) * 10 + hour[:, 1] - 48
    ok = (number >= 1) & (number <= 12)
    number = number % 12 + 12 * afternoon
    return np.stack([number // 10 + 48, number % 10 + 48], axis=1).astype(np.uint8), ok


def _since_midnight(counts: Bytes2D, per_second: int) -> Bytes2D:
    """Counts since midnight, of eight digits, as HHMMSS and thousandths; the hour of what is no time of day is none."""
    number = (counts.astype(np.int64) - 48) @ 10 ** np.arange(7, -1, -1)
    seconds, thousandths = np.divmod(number, per_second)
    parts = ((np.minimum(seconds // 3600, 99), 2), (seconds // 60 % 60, 2), (seconds % 60, 2), (thousandths, 3))
    columns = [part // 10**at % 10 + 48 for part, width in parts for at in reversed(range(width))]
    return np.stack(columns, axis=1).astype(np.uint8)


def _zone(texts: Bytes2D, shape: bytes, where: Span) -> Bytes2D:
    """The zone, as Z or an offset."""
    text = shape[where.begin : where.end]
    sign = max(text.rfind(b"+"), text.rfind(b"-"))
    if sign < 0:
        return np.full((len(texts), 1), ord("Z"), np.uint8)
    return texts[:, where.begin + sign : where.end]
