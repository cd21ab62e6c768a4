"""Alerts on tables, as `--alert` writes them: QUANTITY>AMOUNT, without blanks, in this grammar and no other.

alert     = "size>" size | "files>" number | "growth>" growth "/" span | "stale>" span
growth    = number "%" | size
size      = number unit
unit      = "B" | "kB" | "MB" | "GB" | "TB" | "PB"            powers of 1,000
          | "KiB" | "MiB" | "GiB" | "TiB" | "PiB"             powers of 1,024
span      = digits ("d" | "w" | "h")                          of growth: 1d to 180d
number    = digits [ "." digits ]

size      bytes of a table on its last day                    size>1TB
files     its files                                           files>100000
growth    what was added within a span, without steps;        growth>20%/7d, growth>500GiB/30d
          in per cent of the size before: of none, of 0
stale     days since the table was last updated               stale>30d
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from windrow.errors import UsageError
from windrow.times import DAY, format_duration, parse_duration
from windrow.windows.growth import Since

#: The longest span of growth: as long as the longest window of a trend.
LONGEST = 180 * DAY
#: The most alerts of a run, whose numbers Hadoop has counters for.
MOST = 20
_UNITS = {"B": 1} | {
    f"{letter}{kind}": base**power
    for kind, base, letters in (("B", 1000, "kMGTP"), ("iB", 1024, "KMGTP"))
    for power, letter in enumerate(letters, 1)
}
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,15})?"
_SIZE = re.compile(f"({_NUMBER})({'|'.join(_UNITS)})", re.ASCII)
_EXAMPLES = "size>1TB, files>100000, growth>20%/7d, growth>500GiB/30d or stale>30d"


class Standing(NamedTuple):
    """A table on its last day: bytes and files; days since it was updated (NaN: nobody knows); how much it grew.

    `since` takes a span (ns).
    """

    size: float
    files: float
    stale: float
    since: Callable[[int], Since | None]


@dataclass(frozen=True)
class Alert:
    """An alert: its text, what it looks at, above which amount, and for growth within which span (ns).

    share: whether the amount is a share of the size before.
    """

    text: str
    quantity: str
    above: float
    span_ns: int = 0
    share: bool = False

    def value(self, table: Standing) -> float | None:
        """The amount of a table that is above the alert's, if it is; of growth by a share, in per cent."""
        found = self._amount(table)
        return found if found is not None and found > self.above else None

    def _amount(self, table: Standing) -> float | None:
        if self.quantity != "growth":
            return {"size": table.size, "files": table.files, "stale": table.stale}[self.quantity]
        since = table.since(self.span_ns)
        if since is None or (self.share and not since.size):
            return None
        return 100 * since.grown / since.size if self.share else since.grown


def parse_alerts(texts: Sequence[str]) -> list[Alert]:
    """The alerts of an option given any number of times. Raises UsageError.

    >>> parse_alerts(["growth>20%/7d"])
    [Alert(text='growth>20%/7d', quantity='growth', above=20.0, span_ns=604800000000000, share=True)]
    """
    if len(texts) > MOST:
        raise UsageError(f"--alert: is given {len(texts)} times; a run has at most {MOST} alerts; leave some out")
    if twice := [text for text in texts if texts.count(text) > 1]:
        raise UsageError(f"--alert {twice[0]}: is given twice; give each alert once")
    return [_parsed(text) for text in texts]


def _parsed(text: str) -> Alert:
    quantity, above, amount = text.partition(">")
    if quantity not in ("size", "files", "growth", "stale") or not above:
        raise _refused(text, "is no alert, which is QUANTITY>AMOUNT", _EXAMPLES)
    if quantity == "size":
        return Alert(text, quantity, parse_size(f"--alert {text}", amount))
    if quantity == "files":
        if not re.fullmatch(_NUMBER, amount, re.ASCII):
            raise _refused(text, f"{amount!r} is no number of files", "files>100000")
        return Alert(text, quantity, float(amount))
    if quantity == "stale":
        return Alert(text, quantity, _span(text, amount, "stale>30d") / DAY)
    grown, slash, within = amount.partition("/")
    if not slash:
        raise _refused(text, "says no span in which a table grows", "growth>20%/7d")
    span = _span(text, within, "growth>20%/7d")
    if not DAY <= span <= LONGEST:
        raise _refused(text, f"{within} is no span of growth, from 1d to {format_duration(LONGEST)}", "growth>20%/7d")
    if not (share := re.fullmatch(f"({_NUMBER})%", grown, re.ASCII)):
        return Alert(text, quantity, parse_size(f"--alert {text}", grown, " or per cent, e.g. growth>20%/7d"), span)
    return Alert(text, quantity, float(share[1]), span, share=True)


def _span(text: str, span: str, example: str) -> int:
    try:
        return parse_duration(span)
    except UsageError:
        raise _refused(text, f"{span!r} is no span, which is a whole number of h, d or w", example) from None


def parse_size(option: str, text: str, more: str = "") -> float:
    """The bytes of a size. Raises UsageError, which names the option that has it.

    >>> parse_size("--limit 1.5TB", "1.5TB"), parse_size("--limit 1TiB", "1TiB")
    (1500000000000.0, 1099511627776.0)
    """
    if not (found := _SIZE.fullmatch(text)):
        raise UsageError(
            f"{option}: {text!r} is no size, which is a number and B, kB, MB, GB, TB or PB, powers of 1,000, or KiB,"
            f" MiB, GiB, TiB or PiB, powers of 1,024; give e.g. 1TB or 1TiB{more}"
        )
    return float(found[1]) * float(_UNITS[found[2]])


def _refused(text: str, why: str, example: str) -> UsageError:
    return UsageError(f"--alert {text}: {why}; give e.g. {example}")
