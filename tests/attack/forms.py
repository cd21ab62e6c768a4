"""Tables written in random forms: each is read to the same bars, or refused; never otherwise."""

import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.attack.tries import repeat
from windrow.bars.layout import Reading
from windrow.errors import WindrowError
from windrow.feeds.files import read_bars
from windrow.feeds.settle import settle

EPOCH = datetime(1970, 1, 1)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: How a day is written.
DAYS: tuple[Callable[[datetime], str], ...] = (
    lambda t: f"{t.year}-{t.month:02}-{t.day:02}", lambda t: f"{t.year}/{t.month:02}/{t.day:02}",
    lambda t: f"{t.year}.{t.month:02}.{t.day:02}", lambda t: f"{t.year}{t.month:02}{t.day:02}",
    lambda t: f"{t.day:02}.{t.month:02}.{t.year}", lambda t: f"{t.day}.{t.month}.{t.year % 100:02}",
    lambda t: f"{t.day:02}/{t.month:02}/{t.year}", lambda t: f"{t.month:02}/{t.day:02}/{t.year}",
    lambda t: f"{t.month}/{t.day}/{t.year}", lambda t: f"{t.day:02}-{t.month:02}-{t.year}",
    lambda t: f"{t.month:02}-{t.day:02}-{t.year % 100:02}", lambda t: f"{t.day:02}-{MONTHS[t.month - 1]}-{t.year}",
    lambda t: f"{t.day}-{MONTHS[t.month - 1].upper()}-{t.year % 100:02}",
    lambda t: f"{MONTHS[t.month - 1]} {t.day:02}, {t.year}", lambda t: f"{t.day:02}{MONTHS[t.month - 1]}{t.year}",
)  # fmt: skip
#: How a time of day is written.
CLOCKS: tuple[Callable[[datetime], str], ...] = (
    lambda t: f"{t.hour:02}:{t.minute:02}", lambda t: f"{t.hour}:{t.minute:02}:{t.second:02}",
    lambda t: f"{t.hour:02}{t.minute:02}{t.second:02}", lambda t: f"{t.hour:02}:{t.minute:02}:00.000",
    lambda t: f"{(t.hour - 1) % 12 + 1}:{t.minute:02} {'PM' if t.hour > 11 else 'AM'}",
)  # fmt: skip
UNITS = (1, 10**3, 10**6, 10**9)


def campaign(seed: int, seconds: float) -> tuple[int, int]:
    """Writes tables, and reads them as a job does; how many were tried, and how many were wrong."""
    with TemporaryDirectory() as folder:
        return repeat("forms", seed, seconds, lambda chance, number: attempt(chance, Path(folder)))


def attempt(chance: random.Random, folder: Path) -> str:
    """One table; what was wrong, or nothing."""
    path = folder / chance.choice(["table.csv", "table.csv", "table.parquet"])
    if path.suffix == ".csv":
        right, text = written(chance)
        path.write_bytes(text.encode())
    else:
        right, text = written_in_parquet(chance, path)
    try:
        read = bars_of(path)
    except WindrowError:
        return ""
    odd = read - right
    return f"{len(odd)} bars that are not in it, e.g. {sorted(odd)[0]}, of:\n{text[:300]}" if odd else ""


def bars_of(path: Path) -> set[tuple[str, int, float]]:
    """Symbol, seconds since 1970 (or nanoseconds, if these are not whole) and close of every bar that is read."""
    settled, _ = settle([str(path)], Reading(values=("close",)), slot=1, judged=True)
    layout = settled.inputs[str(path)]
    return {
        (part.symbols[code], at if at % 10**9 else at // 10**9, value)
        for part in read_bars(str(path), layout)
        for code, at, value in zip(part.codes.tolist(), part.times.tolist(), part.values[0].tolist(), strict=True)
    }


def written(chance: random.Random) -> tuple[set[tuple[str, int, float]], str]:
    """The bars of a random table, and its text in a random form."""
    timed, rows = chance.random() < 0.6, chance.randint(1, 40)
    begin = datetime(chance.randint(1990, 2035), chance.randint(1, 12), chance.randint(1, 28))
    step = timedelta(minutes=chance.randint(1, 500)) if timed else timedelta(days=chance.randint(1, 9))
    times = [begin + step * number for number in range(rows)]
    largest = chance.choice([999, 99_999, 9_999_999])
    cents = [chance.randint(1, largest) for _ in times]
    delimiter = chance.choice(",,;\t|")
    number, value = numbers(chance, delimiter)
    columns = clock(chance, timed)
    names, table = ["Symbol", *columns, "Open", "Close"], []
    for at, amount in zip(times, cents, strict=True):
        when = [write(at) for write in columns.values()]
        table.append(["AA", *when, number(chance.randint(1, largest)), number(amount)])
    order = list(range(len(names)))
    if chance.random() < 0.3:
        chance.shuffle(order)
    quoted = chance.random() < 0.3

    def line(fields: list[str]) -> str:
        return delimiter.join(f'"{fields[at]}"' if quoted or delimiter in fields[at] else fields[at] for at in order)

    before = ["made up by nobody", ""][: chance.choice([0, 0, 0, 1, 2])]
    lines = [*before, line(names), *map(line, table)]
    end = chance.choice(["\n", "\n", "\r\n"])
    right = {("AA", int((at - EPOCH).total_seconds()), value(amount)) for at, amount in zip(times, cents, strict=True)}
    return right, chance.choice(["", "", "\ufeff"]) + end.join(lines) + end


def clock(chance: random.Random, timed: bool) -> dict[str, Callable[[datetime], str]]:
    """The columns of times, and how they are written."""
    day, of_day = chance.choice(DAYS), chance.choice(CLOCKS)
    if not timed:
        return {"Date": day}
    kind = chance.choice(["one", "two", "count", "count", "since midnight"])
    if kind == "two":
        return {"Date": day, "Time": of_day}
    if kind == "count":
        return {"Time": count(chance)}
    if kind == "since midnight":
        per = chance.choice([1000, 1])
        return {"Date": day, "Time": lambda t: str((t.hour * 3600 + t.minute * 60 + t.second) * per)}
    between = chance.choice([" ", "T"]) if day is DAYS[0] and of_day is CLOCKS[0] else " "
    return {"Date": lambda t: f"{day(t)}{between}{of_day(t)}"}


def count(chance: random.Random) -> Callable[[datetime], str]:
    """How a time is written as a count since 1970, each perhaps in a unit of its own, or with a point or exponent."""
    units = chance.sample(UNITS, chance.choice([1, 1, 2, 3]))
    form = chance.choice(["{:d}", "{:d}", "{:d}.0", "{:d}.000", "{:.11e}"])
    return lambda t: form.format(int((t - EPOCH).total_seconds()) * chance.choice(units))


def written_in_parquet(chance: random.Random, path: Path) -> tuple[set[tuple[str, int, float]], str]:
    """The bars of a random table that is written to Parquet: times as whole numbers, floats or text; and its schema."""
    rows = chance.randint(1, 40)
    begin = datetime(chance.randint(1990, 2035), chance.randint(1, 12), chance.randint(1, 28))
    timed = chance.random() < 0.6
    step = timedelta(minutes=chance.randint(1, 500)) if timed else timedelta(days=chance.randint(1, 9))
    times = [begin + step * number for number in range(rows)]
    cents = [chance.randint(1, 99_999) for _ in times]
    writers = {"Time": count(chance)} if chance.random() < 0.5 else clock(chance, timed)
    columns: dict[str, Any] = {}
    for name, write in writers.items():
        texts = [write(at) for at in times]
        kinds = [pa.string()]
        if all(re.fullmatch("0|[1-9][0-9]*", text) for text in texts):
            kinds += [pa.int64(), pa.int64()]
        if name == "Time" and len(writers) == 1 and all(re.fullmatch(r"[0-9.e+]+", text) for text in texts):
            kinds += [pa.float64()]
        columns[name] = pa.array(texts).cast(chance.choice(kinds))
    table = pa.table({**columns, "close": [amount / 100 for amount in cents], "symbol": ["AA"] * rows})
    pq.write_table(table, path, row_group_size=chance.choice([3, 1000]))
    right = {("AA", int((at - EPOCH).total_seconds()), amount / 100) for at, amount in zip(times, cents, strict=True)}
    return right, f"{table.schema}\n{table.slice(0, 3).to_pylist()}"


def numbers(chance: random.Random, delimiter: str) -> tuple[Callable[[int], str], Callable[[int], float]]:
    """How cents are written, and what value that is."""
    decimal, thousands = chance.choice([(".", ""), (".", ","), (",", "."), (",", ""), (",", " "), (".", "'")])
    money = chance.choice(["", "", "", "$", "€"])
    places = chance.choice([2, 2, 0, 3])
    if delimiter == "," and thousands == ".":
        places = 2  # beside commas a point alone is the decimal point, by docs/inputs.md

    def write(amount: int) -> str:
        whole, rest = divmod(amount, 100)
        digits = f"{whole:,}".replace(",", thousands)
        return money + digits + (f"{decimal}{rest:02}{'0' * (places - 2)}" if places else "")

    return write, lambda amount: float(amount // 100) if not places else amount / 100
