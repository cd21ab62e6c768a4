"""What a run's mappers found in each input, added up in one reducer: rules that hold for every input, on any runner.

An input may be read by many mappers, and there may be thousands of inputs, too many for Hadoop's 120 counters. So each
mapper writes a line for every input that it read, and one for its symbols, under a key that no symbol has; they reach
one reducer, exactly once each, as all lines of the shuffle do. It adds up, and reports in counters only the first input
that breaks a rule, and how many more do. What stopped a mapper on a cluster goes the same way, so that any number of
mappers may have been stopped, each by something else. Memory there: some hundred bytes for each input.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import orjson

from sort_keys.keys import encode_time
from windrow.bars.checks import MISSING
from windrow.bars.columns import Bars, Example, examples_of
from windrow.bars.epochs import Span
from windrow.errors import BadBarsError, WindrowError
from windrow.feeds.misread import cure_of, told_reasons

#: In a symbol's key two digits or a colon follow each %.
KEY = b"%inputs\t" + encode_time(0) + b"\t"
#: How many symbols a task names, and how many the reducer compares; further ones are not compared.
SYMBOLS_OF_TASK, SYMBOLS = 10_000, 100_000
_SHOWN = 3


@dataclass
class Account:
    """An input's rows: bars, and others by reason, with an example; and the times of its bars where they are counts."""

    bars: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    span: Span = field(default_factory=Span)
    examples: dict[str, Example] = field(default_factory=dict)

    def add(self, other: "Account") -> None:
        """Adds another part of the same input."""
        self.bars += other.bars
        self.rejected.update(other.rejected)
        self.span.add(other.span)
        self.examples = examples_of([self.examples, other.examples])

    def to_json(self) -> dict[str, object]:
        """The account as the reducer gets it."""
        span = self.span
        told = {"bars": self.bars, "rejected": dict(self.rejected), "span": [span.first, span.last, span.later]}
        examples = {reason: [*example] for reason, example in self.examples.items()}
        return {**told, "examples": examples} if examples else told

    def broken(self, name: str, rules: "Rules") -> WindrowError | None:
        """The first rule that the input breaks."""
        missing = self.rejected[MISSING]
        rows, invalid = self.bars + self.rejected.total(), self.rejected.total() - missing
        allowed, cure = rules.max_bad * rows, cure_of(self.examples)
        if rows and not self.bars:
            look = cure or "list them with `windrow rejects`, and check --columns, --column and --time-format"
            return BadBarsError(
                f"{name}: none of its {rows:,} rows is valid: {told_reasons(self.rejected, self.examples)}; each input"
                f" needs bars; {look}, or leave the input out"
            )
        if invalid > allowed:
            counts = {reason: number for reason, number in self.rejected.items() if reason != MISSING}
            fix = "list them with `windrow rejects`, fix them, or raise --max-bad"
            return BadBarsError(
                f"{name}: {invalid:,} of {rows:,} rows are invalid: {told_reasons(counts, self.examples)}; --max-bad"
                f" {rules.max_bad} allows {int(allowed):,} of an input;"
                f" {cure if cure and counts['time'] > allowed else fix}"
            )
        if missing > rules.max_missing * rows:
            eg = f": {self.examples[MISSING].shown}" if MISSING in self.examples else ""
            return BadBarsError(
                f"{name}: {missing:,} of {rows:,} rows have no value where one is needed{eg}; --max-missing"
                f" {rules.max_missing} allows {int(rules.max_missing * rows):,} of an input; list them with `windrow"
                " rejects`, fill them, or raise --max-missing to leave those rows out"
            )
        unit = rules.units.get(name)
        return self.span.doubt(name, unit) if unit else None


@dataclass(frozen=True)
class Rules:
    """What inputs must keep to; `units` are those of the inputs whose times are counts, asked for or found.

    `symbols` are those that are asked for; none: all.
    """

    max_bad: float
    max_missing: float
    units: Mapping[str, str]
    symbols: Sequence[str] = ()


class Accounts:
    """The accounts of the inputs that a task knows, by name, and symbols."""

    def __init__(self, counted: bool = False) -> None:
        self._of: defaultdict[str, Account] = defaultdict(Account)
        self._symbols: set[str] = set()
        self._counted = counted
        self._stopped: Counter[str] = Counter()

    def take(self, feed: Iterable[tuple[Bars, str]]) -> Iterator[tuple[Bars, str]]:
        """Passes chunks of bars on, and keeps account of them."""
        for bars, source in feed:
            if bars.lines:
                account = self._of[source]
                account.bars += len(bars)
                account.rejected.update(bars.rejected)
                account.examples = examples_of([account.examples, bars.examples])
                if self._counted:
                    account.span.take(bars.times)
            if len(self._symbols) < SYMBOLS_OF_TASK:
                self._symbols.update(islice(bars.symbols, SYMBOLS_OF_TASK))
            yield bars, source
            del bars  # before the next ones are read

    @property
    def symbols(self) -> Collection[str]:
        """The symbols that a task has found, as far as it names them."""
        return self._symbols

    def lines(self) -> Iterator[bytes]:
        """A mapper's accounts as lines of the shuffle, each ending in LF."""
        for name, account in self._of.items():
            yield KEY + orjson.dumps([_escape(name), account.to_json()]) + b"\n"
        if self._symbols:
            yield KEY + orjson.dumps(sorted(self._symbols)[:SYMBOLS_OF_TASK]) + b"\n"

    def without(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The lines of a shuffle without those of accounts, which are added up here."""
        for line in lines:
            if line.startswith(KEY):
                self._add(orjson.loads(line[len(KEY) :]))
            else:
                yield line

    def _add(self, told: list[object] | str) -> None:
        if isinstance(told, str):
            self._stopped[told] += 1
        elif len(told) == 2 and isinstance(told[1], dict):
            fields = told[1]
            examples = {reason: Example(*its) for reason, its in fields.get("examples", {}).items()}
            part = Account(fields["bars"], Counter[str](fields["rejected"]), Span(*fields["span"]), examples)
            self._of[_unescape(str(told[0]))].add(part)
        elif len(self._symbols) < SYMBOLS:
            self._symbols.update(map(str, told))

    def stopped(self) -> str | None:
        """What stopped a mapper, the first in order, and how many more were stopped otherwise."""
        if not self._stopped:
            return None
        more = len(self._stopped) - 1
        return min(self._stopped) + (f" ({more:,} more such error{'' if more == 1 else 's'})" if more else "")

    def refusal(self, rules: Rules) -> WindrowError | None:
        """The refusal of the first input, by name, that breaks a rule."""
        found = [error for name in sorted(self._of) if (error := self._of[name].broken(name, rules)) is not None]
        if not found:
            return None
        more = f" ({len(found) - 1:,} more inputs break a rule too)" if len(found) > 1 else ""
        return type(found[0])(f"{found[0]}{more}")

    def warnings(self, rules: Rules) -> list[str]:
        """Warnings of symbols: of those asked for that no input has, and of those that differ only by case or dots."""
        return [warning for warning in (self._absent(rules.symbols), self._alike()) if warning is not None]

    def _absent(self, asked: Sequence[str]) -> str | None:
        """A warning of symbols without a bar; but what tasks found of very many symbols is not known."""
        absent = sorted(set(asked) - self._symbols) if self._of and len(asked) <= SYMBOLS_OF_TASK else []
        if not absent:
            return None
        shown = ", ".join(symbol[:40] for symbol in absent[:_SHOWN])
        more = f" and {len(absent) - _SHOWN:,} more" if len(absent) > _SHOWN else ""
        return f"--symbols: no bar is of {shown}{more}; check how the inputs write them, and --from, --to and --where"

    def _alike(self) -> str | None:
        """A warning of symbols that differ only by case or by dots at the end."""
        if len({symbol.rstrip(".").casefold() for symbol in self._symbols}) == len(self._symbols):
            return None  # of many symbols soon seen
        by_fold: defaultdict[str, list[str]] = defaultdict(list)
        for symbol in self._symbols:
            by_fold[symbol.rstrip(".").casefold()].append(symbol)
        alike = sorted(sorted(group) for group in by_fold.values() if len(group) > 1)
        if not alike:
            return None
        shown = "; ".join(", ".join(repr(symbol[:40]) for symbol in group[:_SHOWN]) for group in alike[:_SHOWN])
        more = f"; and {len(alike) - _SHOWN:,} more" if len(alike) > _SHOWN else ""
        return (
            f"symbols differ only by case or by dots at the end, and are series of their own: {shown}{more}; if they"
            " are one symbol, write it in one way"
        )


def stopped_line(text: str) -> bytes:
    """What stopped a mapper, as a line of the shuffle, for `Accounts.stopped`."""
    return KEY + orjson.dumps(text.encode(errors="backslashreplace").decode()) + b"\n"


def _escape(name: str) -> str:
    """A path as JSON can hold it: names of files need not be UTF-8."""
    return name.encode(errors="surrogateescape").decode("latin-1")


def _unescape(name: str) -> str:
    return name.encode("latin-1").decode(errors="surrogateescape")
