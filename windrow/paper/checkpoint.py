"""The directory of a forward test, and the one point at which a page of records has been taken.

    commit.json   where every shard and every symbol is, how long the files below are, and the orders of the last page
    orders.tsv    orders that were filled or refused, as `windrow backtest --orders` writes them
    equity.tsv    the value at each close and that of buying and holding, as `windrow backtest --equity` writes it
    bars.csv      the bars themselves

    a page:   bars and values are appended -> commit.json is replaced -> the page's orders are appended

An end before commit.json is replaced: the page has not been taken. What was appended is cut off, and the page is read
again. An end after that: it has been taken, and what is missing of its orders, which commit.json has, is appended. So
an order that can be read in orders.tsv is never taken back, appears once, and none is lost.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from windrow.errors import OutputError, StateError
from windrow.paper.disk import Disk, is_own, locked
from windrow.states import MadeOf
from windrow.times import SECOND, format_times

#: Of the form of commit.json.
VERSION = 2
COMMIT, ORDERS, EQUITY, BARS = "commit.json", "orders.tsv", "equity.tsv", "bars.csv"
#: Of how many pages with orders alerts were run.
ALERTED = "alerted"
_NEW = f"{COMMIT}.new"
_OURS = {COMMIT, _NEW, ORDERS, EQUITY, BARS, ALERTED}
_HEAD = "paper"
_DAMAGED = "go on with a copy of the directory, or archive it with: windrow paper reset"


@dataclass
class Commit:
    """All that a forward test is, once a page has been taken.

    made_of: what it was begun with, by name. rules: by which records are read, once they are known. places, over: of
    the stream's shards. symbols: of each symbol what it carries. counts: of records and bars, by what became of them.
    lengths: of the files, but of orders.tsv without `pending`. began, taken: when (ns). behind: of each shard how far
    (ns) it was behind its newest record then; reached: up to which arrival (ns) it had been read. told: how many
    pages led to orders.
    """

    made_of: MadeOf
    began: int
    taken: int = 0
    rules: dict[str, Any] | None = None
    places: dict[str, str] = field(default_factory=dict)
    over: list[str] = field(default_factory=list)
    behind: dict[str, int] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    symbols: dict[str, Any] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=lambda: dict.fromkeys((ORDERS, EQUITY, BARS), 0))
    pending: str = ""
    told: int = 0

    def to_bytes(self) -> bytes:
        """A line that says what it is, and of which bytes; then the JSON."""
        names = [one.name for one in fields(self)]
        body = orjson.dumps({name: getattr(self, name) for name in names})
        head = {"windrow": _HEAD, "version": VERSION, "sha256": sha256(body).hexdigest()}
        return orjson.dumps(head) + b"\n" + body + b"\n"

    @classmethod
    def of(cls, data: bytes, where: Path) -> "Commit":
        """The commit that `to_bytes` wrote. Raises StateError for anything else."""
        first, _, body = data.partition(b"\n")
        head = _json(first)
        if not isinstance(head, dict) or head.get("windrow") != _HEAD:
            raise StateError(f"{where}: is not that of a forward test, or damaged; {_DAMAGED} {where.parent}")
        if head.get("version") != VERSION:
            raise StateError(
                f"{where}: is of version {head.get('version')!r}, and this windrow reads version {VERSION}; go on with"
                f" the windrow that wrote it, or archive the directory with: windrow paper reset {where.parent}"
            )
        told = _json(body.removesuffix(b"\n"))
        right = head.get("sha256") == sha256(body.removesuffix(b"\n")).hexdigest()
        if not right or not isinstance(told, dict) or told.keys() != {one.name for one in fields(cls)}:
            raise StateError(
                f"{where}: is damaged: its checksum is not that of its contents; {_DAMAGED} {where.parent}"
            )
        return cls(**told)


def _json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


class Directory:
    """The directory of a forward test. Its writes are made by one process at a time: see `disk.locked`."""

    def __init__(self, place: Path, disk: Disk | None = None) -> None:
        self.place, self._disk = place, disk or Disk()

    def read(self) -> Commit | None:
        """What was taken last; None before the first time. Raises StateError, or OutputError for another directory."""
        if not self.place.is_dir():
            what = "is a file" if self.place.exists() else "does not exist"
            raise OutputError(f"{self.place}: {what}; give the directory of a forward test, which --state named")
        path = self.place / COMMIT
        if path.exists():
            return Commit.of(path.read_bytes(), path)
        names = sorted(one.name for one in self.place.iterdir() if not is_own(one.name) and one.name != _NEW)
        if lost := [name for name in names if name in _OURS]:
            raise StateError(f"{path}: is missing, beside {lost[0]}; {_DAMAGED} {self.place}")
        if names:
            raise OutputError(
                f"{self.place}: has no forward test, but {names[0]}; give a directory of its own by --state"
            )
        return None

    def begin(self, commit: Commit) -> None:
        """Notes that a forward test has begun, before there is any other file."""
        self._commit(commit)

    def resume(self, commit: Commit) -> bytes:
        """Brings the files to what was taken; returns what was missing of its orders. Raises StateError."""
        for name in (EQUITY, BARS):
            length = commit.lengths[name]
            if self._size(name) != length:
                self._refuse_short(name, length)
                self._disk.append(self.place / name, length, b"")
        shown, pending = commit.lengths[ORDERS], commit.pending.encode()
        self._refuse_short(ORDERS, shown)
        there = b""
        if self._size(ORDERS):
            with open(self.place / ORDERS, "rb") as file:
                file.seek(shown)
                there = file.read(len(pending) + 1)
        if not pending.startswith(there):
            raise StateError(
                f"{self.place / ORDERS}: was changed by somebody else: behind its first {shown:,} bytes it has other"
                f" orders than were placed; {_DAMAGED} {self.place}"
            )
        if len(there) < len(pending):
            self._disk.append(self.place / ORDERS, shown, pending)
        return pending[len(there) :]

    def take(self, commit: Commit, bars: bytes, values: bytes, orders: bytes) -> None:
        """Takes a page: `commit` is what was taken before, and has all but these; see this module's docstring."""
        lengths = {**commit.lengths, ORDERS: commit.lengths[ORDERS] + len(commit.pending.encode())}
        for name, data in ((BARS, bars), (EQUITY, values)):
            if data:
                self._disk.append(self.place / name, lengths[name], data)
                lengths[name] += len(data)
        commit.lengths, commit.pending = lengths, orders.decode()
        self._commit(commit)
        if orders:
            self._disk.append(self.place / ORDERS, lengths[ORDERS], orders)

    def alerted(self) -> int | None:
        """Of how many pages alerts were run, so far as is known; None before the first time."""
        path = self.place / ALERTED
        text = path.read_text() if path.exists() else None
        return None if text is None else int(text) if text.isdecimal() else 0

    def set_alerted(self, pages: int) -> None:
        """Notes that."""
        (self.place / ALERTED).write_text(str(pages))

    def _commit(self, commit: Commit) -> None:
        self._disk.write(self.place / _NEW, commit.to_bytes())
        self._disk.rename(self.place / _NEW, self.place / COMMIT)

    def _size(self, name: str) -> int:
        path = self.place / name
        return path.stat().st_size if path.exists() else 0

    def _refuse_short(self, name: str, length: int) -> None:
        if self._size(name) < length:
            raise StateError(
                f"{self.place / name}: has {self._size(name):,} bytes, and had {length:,}: somebody cut it; {_DAMAGED}"
                f" {self.place}"
            )


def refuse_other(place: Path, then: MadeOf, now: MadeOf, spelling: Mapping[str, str]) -> None:
    """Raises StateError where a forward test was begun with something else, by the first option that differs."""
    for name in dict.fromkeys([*now, *then]):
        if then.get(name) != now.get(name):
            option = spelling.get(name, f"--{name.replace('_', '-')}")
            before, after = (orjson.dumps(made.get(name)).decode() for made in (then, now))
            raise StateError(
                f"{place}: is a forward test with {option} {before}, and now {option} {after} is asked for: it goes on"
                f" as it began; ask for the same, give another directory by --state, or archive this one with: windrow"
                f" paper reset {place}"
            )


def as_made_of(dataclass_: Any, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a dataclass, as JSON has them."""
    told: dict[str, Any] = orjson.loads(orjson.dumps(asdict(dataclass_)))
    return {name: value for name, value in told.items() if name not in leave_out}


def archive(place: Path, now: int) -> Path:
    """Gives the directory another name, by one step; returns that. Raises OutputError where it is in use."""
    if not place.is_dir():
        raise OutputError(f"{place}: is no directory; give the directory of a forward test, which --state named")
    if not (_OURS & {one.name for one in place.iterdir()}):
        raise OutputError(f"{place}: has no forward test; give the directory of one, which --state named")
    named = place.resolve()
    moment = format_times(np.array([now // SECOND * SECOND]), False)[0].decode().replace(":", "")
    kept = named.with_name(f"{named.name}.{moment}")
    with locked(place):
        if kept.exists():
            raise OutputError(f"{kept}: already exists; try again in a second")
        named.rename(kept)
    return kept
