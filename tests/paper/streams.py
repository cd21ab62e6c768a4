"""Streams made up for forward tests: a shard that splits in two, with records that are sent again, and late ones."""

import json
from datetime import date, timedelta

import numpy as np

from windrow.paper.disk import Disk
from windrow.paper.loop import Asked, Paper
from windrow.paper.options import asked
from windrow.storage.stream import Page, Shard, StreamSource

URI = "made-up://bars?from=trim-horizon"
SYMBOLS = ("AA", "BB", "C/C")


class Killed(BaseException):
    """The process has ended here."""


class MadeUp(StreamSource):
    """A stream whose shards are lists of records; a place is the number of records read."""

    schemes = ("made-up",)

    def __init__(self, shards, parents=None, size=7):
        self.shards, self.size = shards, size
        self._known = [Shard(name, (parents or {}).get(name, ())) for name in shards]

    def bounds(self, uri, manner):
        raise NotImplementedError

    def read(self, bounds, shard, manner):
        raise NotImplementedError

    def follow(self, uri, places, over, manner, read_until=None):
        done = set(over)
        for shard in self._known:
            assert done.issuperset(shard.parents)
            if shard.name in done:
                continue
            at, records = int(places.get(shard.name, 0)), self.shards[shard.name]
            while True:
                page, at = records[at : at + self.size], min(at + self.size, len(records))
                is_over = at == len(records)
                place = str(at) if at else None
                yield Page(shard.name, page, place, 10**9 * at, len(records) - at, is_over)
                if is_over:
                    done.add(shard.name)
                    break


def bars(days, seed=5):
    """Rows of three symbols, day by day: symbol, date, close, open."""
    rng = np.random.default_rng(seed)
    for day in range(days):
        for number, symbol in enumerate(SYMBOLS):
            close = round(float(50 + 9 * np.sin(day * 1.1 + number) + rng.normal()), 2)
            yield symbol, str(date(2020, 1, 1) + timedelta(day)), close, round(close + 0.1, 2)


def record(row, **more):
    symbol, day, close, opened = row
    return json.dumps({"sym": symbol, "dt": day, "close": close, "open": opened, **more}).encode()


def split_stream(days=30, size=7):
    """Their records in a shard that is split; some are sent again, and some come a day late besides."""
    shards = {"shard-0": [], "shard-1": [], "shard-2": []}
    rows = list(bars(days))
    for number, row in enumerate(rows):
        name = "shard-0" if number < len(rows) // 2 else f"shard-{1 if row[0] == 'AA' else 2}"
        shards[name].append(record(row))
        if number % 11 == 0:
            shards[name].append(record(row))
        if number % 17 == 16:
            shards[name].append(record(rows[number - 6]))
    return MadeUp(shards, {"shard-1": ("shard-0",), "shard-2": ("shard-0",)}, size)


def csv(rows):
    return "sym,dt,close,open\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows)


PAIR = ["--fast", "close", "--slow", "sma:3"]


def asked_for(folder, *more, uri=URI) -> Asked:
    return asked([uri, "--state", str(folder), *(more or PAIR)])


def lived(source, what, disk=None, shown=None):
    """A life of a forward test, to the end of the stream, or of its disk."""
    what.place.mkdir(exist_ok=True)
    paper = Paper(what, disk)
    commit = paper.commit
    if shown is not None:
        shown.append(paper.missed)
    for page in source.follow(what.stream, dict(commit.places), list(commit.over), what.manner):
        led_to = paper.take(page)
        if shown is not None:
            shown.append(led_to.orders)
    return paper


class FailingDisk(Disk):
    """Ends the process at the n-th step, of which a share of the bytes may have been written."""

    def __init__(self, at, share):
        self._at, self._share, self.steps = at, share, 0

    def _step(self):
        self.steps += 1
        if self.steps == self._at:
            raise Killed

    def write(self, path, data):
        self.steps += 1
        if self.steps == self._at:
            path.write_bytes(data[: int(len(data) * self._share)])
            raise Killed
        super().write(path, data)

    def rename(self, before, after):
        self._step()
        super().rename(before, after)
        self._step()

    def append(self, path, at, data):
        self.steps += 1
        if self.steps == self._at:
            kept = path.read_bytes()[:at] if path.exists() else b""
            path.write_bytes(kept + data[: int(len(data) * self._share)])
            raise Killed
        super().append(path, at, data)
        self._step()
