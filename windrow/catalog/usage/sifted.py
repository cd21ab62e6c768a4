"""What a source of uses has told: how much of it counts, what is left out and why, and what could not be read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import NamedTuple

from windrow.catalog.origins import Origin
from windrow.catalog.usage.uses import Use, Uses
from windrow.console import several
from windrow.errors import AccountError

#: The most characters of an example.
_EXAMPLE = 100


class Record(NamedTuple):
    """A record of a source, as it was understood."""

    day: date
    """The day of what it tells of, in UTC."""
    uses: Sequence[Use] = ()
    left_out: str | None = None
    """Why it counts for no table; None: it does, or it is about something else."""
    example: str = ""
    """What an example of that shows."""


class Damaged(NamedTuple):
    """A record that could not be understood."""

    why: str


@dataclass
class Sifted:
    """Records of a source, by what became of them; threads may add some."""

    source: str
    first: date
    last: date
    uses: Uses
    records: int = 0
    """All that are of these days, and can be read."""
    counted: int = 0
    days: set[date] = field(default_factory=set)
    """Those of which there is any record."""
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    others: Counter[date] = field(default_factory=Counter)
    """Records of other days."""
    damaged: Counter[str] = field(default_factory=Counter)
    """What could not be read, by what it is."""
    unread: dict[tuple[str, str], str] = field(default_factory=dict)
    """Accounts and regions of which not all could be read, and why."""
    _lock: Lock = field(default_factory=Lock)

    def take(self, told: Iterable[Record | Damaged]) -> None:
        """Counts records."""
        uses: list[Use] = []
        with self._lock:
            for one in told:
                if isinstance(one, Damaged):
                    self.damage("damaged records", one.why)
                elif self.first <= one.day <= self.last:
                    self._count(one)
                    uses += one.uses
                else:
                    self.others[one.day] += 1
        self.uses.add(uses)

    def _count(self, record: Record) -> None:
        self.records += 1
        self.days.add(record.day)
        self.counted += bool(record.uses)
        if record.left_out:
            self.left_out[record.left_out] += 1
            self.examples.setdefault(record.left_out, record.example)

    def damage(self, kind: str, example: str) -> None:
        """Counts something that could not be read."""
        self.damaged[kind] += 1
        self.examples.setdefault(kind, example)

    def miss(self, refused: Sequence[tuple[Origin, AccountError]], asked: int) -> None:
        """Notes which of the origins that were asked could not be read. Raises AccountError if none could."""
        if refused and len(refused) == asked:
            raise refused[0][1]
        told = {
            (origin.account, origin.region): str(error) for origin, error in refused if not origin.is_not_enabled(error)
        }
        self.unread |= told

    @property
    def is_whole(self) -> bool:
        """Whether all could be read."""
        return not self.damaged and not self.unread

    def lines(self) -> Iterator[str]:
        """What to tell of it."""
        records, days = several(self.records, "record"), several(len(self.days), "day")
        yield f"{self.source}: {records} of {days}, {self.counted:,} of them of tables"
        for kind, count in (*self.left_out.most_common(), *self.damaged.most_common()):
            example = self.examples[kind]
            is_failure = kind in self.damaged  # why something failed is told whole, for paths are long
            if len(example) > _EXAMPLE and not is_failure:
                example = f"{example[:_EXAMPLE]}..."
            more = f", e.g. {example}" if example else ""
            yield f"{self.source}: {'failed' if is_failure else 'not counted'}: {count:,} {kind}{more}"
        for (account, region), why in sorted(self.unread.items()):
            yield f"{self.source}: failed: {account} {region}: {why}; its rows stay as they were"
        if self.others:
            first, last, others = min(self.others), max(self.others), several(self.others.total(), "record")
            yield (
                f"{self.source}: not counted: {others} of other days, {first} to {last}; --from and --to say which days"
                " count"
            )
        missing = (self.last - self.first).days + 1 - len(self.days)
        if missing:
            days = several(missing, "day")
            lacking = next(day for day in _days(self.first, self.last) if day not in self.days)
            yield f"{self.source}: no record at all of {days}, e.g. {lacking}; nothing is written of them"


def _days(first: date, last: date) -> Iterator[date]:
    return (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))
