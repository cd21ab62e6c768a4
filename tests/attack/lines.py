"""Fuzzed lines of CSV, read by windrow's parser and by a slow and obvious one: character by character, no regular
expression, datetime and float for what Python knows better.

`campaign` is run by `make test-attack`.
"""

import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from windrow.bars.checks import LARGEST, SMALLEST
from windrow.bars.columns import Layout
from windrow.bars.text import parse_lines

COLUMNS = ("symbol", "timestamp", "open", "close", "note")
HEADER = ",".join(COLUMNS).encode()
LAYOUT = Layout(COLUMNS, "symbol", "timestamp", ("open", "close"), header=HEADER)
MISSING = ("", "nan", "+nan", "-nan", "null", "none", "na", ".", "-")
KNOWN = {
    **dict.fromkeys(("symbol", "stock_symbol", "ticker", "sym", "code", "name"), "symbol"),
    **dict.fromkeys(("timestamp", "datetime", "date", "dt", "time"), "time"),
    **{name: name for name in ("open", "high", "low", "close", "volume", "adj_close")},
    "vol": "volume", "adjclose": "adj_close",
}  # fmt: skip

#: A bar (symbol, ns, open, close), or the reason why a line is none, or HEADER_AGAIN, OTHER_HEADER or BLANK.
Meaning = tuple[str, int, str, str] | str
HEADER_AGAIN, OTHER_HEADER, BLANK = NO_ROWS = ("the header", "another header", "blank")


def campaign(seed: int, seconds: float) -> tuple[int, int]:
    """(lines tried, lines read otherwise than by the slow parser) in about this time."""
    rng, ends = random.Random(seed), time.monotonic() + seconds
    tried = wrong = 0
    while time.monotonic() < ends:
        lines = [line(rng) for _ in range(rng.choice([1, 2, 20, 200]))]
        tried += len(lines)
        if not agrees(lines):
            wrong += sum(not agrees([one]) for one in lines) or 1
    return tried, wrong


def agrees(lines: list[bytes]) -> bool:
    """Whether windrow reads these lines as the slow parser does, all together, and keeps the texts of invalid rows."""
    meanings = [meaning(one) for one in lines]
    chunk = b"".join(one + b"\n" for one in lines)
    expected = [one for one in meanings if isinstance(one, tuple)]
    reasons = Counter(one for one in meanings if isinstance(one, str) and one not in NO_ROWS)
    headers = sum(one in (HEADER_AGAIN, OTHER_HEADER) for one in meanings)
    for keep_texts in (False, True):
        bars = parse_lines(chunk, LAYOUT, keep_texts)
        values = [column.tolist() for column in bars.values]
        found = [
            (bars.symbols[code], at, opened.hex(), closed.hex())
            for code, at, opened, closed in zip(bars.codes, bars.times.tolist(), *values, strict=True)
        ]
        if (found, bars.rejected, bars.headers) != (expected, reasons, headers):
            return False
        if (bars.other_header is not None) != (OTHER_HEADER in meanings):
            return False
    return Counter(text.reason for text in bars.texts) == reasons


# The slow parser.


def meaning(raw: bytes) -> Meaning:
    """What one line, without its line end, is."""
    body = raw.removesuffix(b"\r")
    if raw in (b"", b"\r"):
        return BLANK
    fields = None if b"\r" in body else split(body)
    if fields is None:
        return "quote"
    wrong = row_of(fields) if len(fields) == len(COLUMNS) else "fields"
    if isinstance(wrong, tuple) or wrong == "missing":
        return wrong
    return header_of(body) or wrong


def split(text: bytes) -> list[bytes] | None:
    """The fields of a line; None if a quote is not closed, or is followed by more than a comma."""
    fields, at = [], 0
    while True:
        field = bytearray()
        if text[at : at + 1] == b'"':
            at += 1
            while True:
                if at == len(text):
                    return None
                if text[at : at + 1] != b'"':
                    field.append(text[at])
                    at += 1
                elif text[at + 1 : at + 2] == b'"':
                    field += b'"'
                    at += 2
                else:
                    at += 1
                    break
            if text[at : at + 1] not in (b"", b","):
                return None
        else:
            while at < len(text) and text[at : at + 1] != b",":
                field.append(text[at])
                at += 1
        fields.append(bytes(field))
        if at == len(text):
            return fields
        at += 1


def header_of(body: bytes) -> str | None:
    """Whether an invalid row is a header, and of the same columns."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    if body == HEADER:
        return HEADER_AGAIN
    fields = split(body)
    try:
        names = ["_".join(field.decode().lower().split()) for field in fields or ()]
    except UnicodeDecodeError:
        return None
    known = [KNOWN.get(name) for name in names]
    if len(set(known) - {None}) < 2 or any(numeric(name) for name in names):
        return None
    same = len(names) == len(COLUMNS) and known[:4] == ["symbol", "time", "open", "close"]
    return HEADER_AGAIN if same else OTHER_HEADER


def numeric(name: str) -> bool:
    mantissa, _, exponent = name.lstrip("+-").partition("e")
    signs = len(name) - len(name.lstrip("+-"))
    digits = exponent.removeprefix("-").removeprefix("+") if exponent[:1] in "+-" else exponent
    whole = bool(mantissa) and all(one in "0123456789." for one in mantissa)
    return signs < 2 and whole and ("e" not in name or (digits.isascii() and digits.isdigit()))


def row_of(fields: list[bytes]) -> Meaning:
    """The bar of a row with the right number of fields, or its first reason."""
    try:
        symbol, stamp, opened, closed = (field.decode() for field in fields[:4])
    except UnicodeDecodeError:
        return "utf8"
    symbol, stamp = symbol.strip(" \t\xa0"), stamp.strip(" \t")
    at = None if stamp.lower() in MISSING else nanoseconds(stamp)
    values = [value(text.strip(" \t")) for text in (opened, closed)]
    reasons = [reason for reason in values if isinstance(reason, str)]
    missing = symbol == "" or stamp.lower() in MISSING or "missing" in reasons
    if at is None and stamp.lower() not in MISSING:
        return "time"
    for reason in ("number", "infinite", "range"):
        if reason in reasons:
            return reason
    if missing:
        return "missing"
    assert at is not None
    return symbol, at, *(float(one).hex() for one in values)  # type: ignore[return-value]


def value(text: str) -> float | str:
    """A value, or the reason why it is none."""
    if text.lower() in MISSING:
        return "missing"
    bare = text.removeprefix("-") if text[:1] == "-" else text.removeprefix("+")
    if bare.lower() in ("inf", "infinity"):
        return "infinite"
    mantissa, e, exponent = bare.replace("E", "e").partition("e")
    digits = exponent[1:] if exponent[:1] in ("+", "-") else exponent
    if not decimal(mantissa) or (e and not all_digits(digits)):
        return "number"
    number = float(text)
    if number in (float("inf"), float("-inf")):
        return "infinite"
    is_zero = not any(one in "123456789" for one in mantissa)
    if not is_zero and not SMALLEST <= abs(number) <= LARGEST:
        return "range"
    return number + 0.0


def decimal(text: str) -> bool:
    whole, dot, part = text.partition(".")
    if not dot:
        return all_digits(whole)
    return (whole == "" or all_digits(whole)) and (part == "" or all_digits(part)) and whole + part != ""


def all_digits(text: str) -> bool:
    return text != "" and all(one in "0123456789" for one in text)


def nanoseconds(text: str) -> int | None:
    """ns UTC of a date or time as DESIGN allows it; None if it is none."""
    day, rest = text[:10], text[10:]
    if not (len(day) == 10 and day[4] == day[7] == "-" and all_digits(day[:4] + day[5:7] + day[8:])):
        return None
    offset = timedelta()
    second, part = 0, ""
    if rest:
        if rest[0] not in "T ":
            return None
        clock, zone = split_zone(rest[1:])
        offset_or_none = offset_of(zone)
        clock, dot, part = clock.partition(".")
        pieces = clock.split(":")
        if offset_or_none is None or len(pieces) not in (2, 3) or (dot and (len(pieces) < 3 or len(part) > 9)):
            return None
        if not all(len(piece) == 2 and all_digits(piece) for piece in pieces) or (dot and not all_digits(part)):
            return None
        hour, minute, second = [*map(int, pieces), 0][:3]
        if hour > 23 or minute > 59 or second > 59:
            return None
        offset = offset_or_none
    else:
        hour = minute = 0
    try:
        moment = datetime(int(day[:4]), int(day[5:7]), int(day[8:]), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    if not 1678 <= moment.year <= 2261:
        return None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC) - offset
    return (since.days * 86_400 + since.seconds) * 10**9 + int(part.ljust(9, "0") or 0)


def split_zone(text: str) -> tuple[str, str]:
    for at, one in enumerate(text):
        if one in "Z+-":
            return text[:at], text[at:]
    return text, ""


def offset_of(zone: str) -> timedelta | None:
    if zone in ("", "Z"):
        return timedelta()
    digits = zone[1:]
    if len(digits) == 5 and digits[2] == ":":
        digits = digits[:2] + digits[3:]
    if zone[0] == "Z" or len(digits) not in (2, 4) or not all_digits(digits):
        return None
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    span = timedelta(hours=hours, minutes=minutes)
    return None if hours > 23 or minutes > 59 else -span if zone[0] == "-" else span


# Fuzzed lines.

SYMBOLS = ["AA", "aa", "BRK.B", "^GSPC", "NA", "null", "TRUE", "A B", "Ω", "😀", "", " ", "%09", '"', 'A""B', "A\x00B"]
BLANKS = ["", "", "", "", " ", "\t", "  ", "\xa0", "\u3000", "\x0b"]
NUMBERS = [
    *(
        "0",
        "-0.0",
        "1e5",
        "1E-5",
        "+.5",
        "5.",
        "1_0",
        "0x10",
        "1e400",
        "1e-400",
        "9" * 30,
        "\u0967",
        "1 2",
        "--1",
        "1e",
    ),
    *(
        "12,5",
        "$5",
        "1e-9",
        "9.99e-10",
        "1e12",
        "1.0000001e12",
        "inf",
        "-Infinity",
        "nan",
        "NaN",
        "-nan",
        "null",
        "None",
    ),
    *("NA", "n/a", ".", "-", "+", "..", "NULL", "na", "True", "5e-324", "0.1000000000000000055511151231257827", "1e15"),
    *("1.1e15", "1e-15", "1e-16"),
]
TIMES = [
    *("2008-03-05", "2008-02-30", "1677-12-31", "1678-01-01", "2261-12-31", "2262-01-01", "2024-02-29", "2023-02-29"),
    *("20230103", "01/03/2023", "2023-1-3", "1672531200", "noon", "NaN", "", "-", "2008-03-05T24:00", "0000-00-00"),
]
HEADERS = [
    *(HEADER, b"\xef\xbb\xbf" + HEADER, HEADER.title(), b"symbol,timestamp,close,open,note"),
    *(b"Ticker,Date,open,Close,x", b"date,close", b"open,close", b"date,time,a,b,c", b"OPEN,2008-03-05,1,2,close"),
    *(b'"symbol","time","open","close","note"', b"date,close,1,2,3", b"low,high,low,high,low"),
]


def line(rng: random.Random) -> bytes:
    """A line: most often nearly a bar."""
    if rng.random() < 0.04:
        return rng.choice(HEADERS)
    if rng.random() < 0.03:
        return bytes(rng.choice(b'"",,\r \t\xff0a.') for _ in range(rng.randrange(12))).replace(b"\n", b"")
    fields = [symbol(rng), stamp(rng), number(rng), number(rng), rng.choice(["", "x", "time", "a,b", "\x00", "close"])]
    if rng.random() < 0.03:
        fields = fields[: rng.randrange(6)] if rng.random() < 0.5 else [*fields, "more"]
    text = ",".join(quoted(rng, field) for field in fields).encode()
    if rng.random() < 0.05:
        text = damaged(rng, text)
    return text + (b"\r" if rng.random() < 0.05 else b"")


def quoted(rng: random.Random, field: str) -> str:
    if rng.random() < 0.06:
        return '"' + (field.replace('"', '""') if rng.random() < 0.8 else field) + '"'
    return field


def damaged(rng: random.Random, text: bytes) -> bytes:
    at = rng.randrange(len(text) + 1)
    odd = rng.choice([b'"', b"\r", b"\xff", b"\xc3", b",", b" ", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x00", b"'", b";"])
    return text[:at] + odd + text[at + rng.randrange(2) :]


def symbol(rng: random.Random) -> str:
    return rng.choice(BLANKS) + rng.choice(SYMBOLS[: 8 if rng.random() < 0.8 else None]) + rng.choice(BLANKS)


def number(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.25:
        text = rng.choice(NUMBERS)
    elif kind < 0.6:
        text = f"{rng.uniform(-1000, 1000):.{rng.randrange(9)}f}"
    elif kind < 0.8:
        text = repr(rng.uniform(-1, 1) * 10.0 ** rng.randrange(-14, 14))
    else:
        text = "".join(rng.choice("0123456789.+-eE") for _ in range(rng.randrange(1, 9)))
    return rng.choice(BLANKS) + text + rng.choice(BLANKS)


def stamp(rng: random.Random) -> str:
    if rng.random() < 0.12:
        text = rng.choice(TIMES)
    else:
        moment = datetime(1678, 1, 2, tzinfo=UTC) + timedelta(seconds=rng.randrange(18_400_000_000))
        text = moment.strftime("%Y-%m-%d")
        if rng.random() < 0.6:
            text += rng.choice("TTT  t") + moment.strftime(rng.choice(["%H:%M", "%H:%M:%S", "%H", "%H:%M:%S"]))
            text += rng.choice(["", "", ".5", ".123456789", ".1234567890", ".", ",5"])
            text += rng.choice(["", "Z", "+05:30", "-05", "-0500", "+24:00", "+05:60", "z", " Z", "UTC", "+5:00"])
    return rng.choice(BLANKS) + text + rng.choice(BLANKS)
