"""Tables written in random forms: each is read to the same bars, or refused; never otherwise."""

import bz2
import gzip
import io
import json
import lzma
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
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
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "cp1252", "gb18030", "cp037", "utf-7")
PACKED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
READING = Reading(values=("close",))
UNITS = (1, 10**3, 10**6, 10**9)


def campaign(seed: int, seconds: float) -> tuple[int, int]:
    """Writes tables, and reads them as a job does; how many were tried, and how many were wrong."""
    with TemporaryDirectory() as folder:
        return repeat("forms", seed, seconds, lambda chance, number: attempt(chance, Path(folder)))


def attempt(chance: random.Random, folder: Path) -> str:
    """One table; what was wrong, or nothing."""
    reading = READING
    if chance.random() < 0.2:
        path = folder / "table.parquet"
        right, text = written_in_parquet(chance, path)
    else:
        right, text, reading, is_json = (wide if chance.random() < 0.3 else written)(chance)
        name = ".json" if is_json else chance.choice([".csv", ".txt", ".tsv"])
        suffix, content, encoding = stored(chance, text, name)
        path, reading = folder / f"table{suffix}", replace(reading, encoding=encoding)
        path.write_bytes(content)
    try:
        read = bars_of(path, reading)
    except WindrowError:
        return ""
    finally:
        path.unlink()
    odd = read - right
    return f"{len(odd)} bars that are not in it, e.g. {sorted(odd)[0]}, of:\n{text[:300]}" if odd else ""


def stored(chance: random.Random, text: str, name: str) -> tuple[str, bytes, str | None]:
    """A suffix, the text's bytes in a random kind of file, and the encoding to name, if it has to be."""
    codec = chance.choice([*["utf-8"] * 5, *ENCODINGS])
    try:
        content = text.encode(codec)
    except UnicodeEncodeError:
        codec, content = "utf-8", text.encode()
    marked = codec in ("utf-8", "utf-16", "utf-32") or (text.startswith("\ufeff") and codec[:6] in ("utf-16", "utf-32"))
    kind = chance.choice(["", "", *PACKED, ".zip", ".zip of two"])
    if not kind.startswith(".zip"):
        return name + kind, PACKED[kind](content) if kind else content, None if marked else codec
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as opened:
        opened.writestr(f"a{name}", content)
        if kind == ".zip of two":
            opened.writestr(f"b{name}", content)
    return ".zip", file.getvalue(), None if marked else codec


def bars_of(path: Path, reading: Reading = READING) -> set[tuple[str, int, float]]:
    """Symbol, seconds since 1970 (or nanoseconds, if these are not whole) and close of every bar that is read."""
    settled, _ = settle([str(path)], reading, slot=1, judged=True)
    layout = settled.inputs[str(path)]
    return {
        (part.symbols[code], at if at % 10**9 else at // 10**9, value)
        for part in read_bars(str(path), layout)
        for code, at, value in zip(part.codes.tolist(), part.times.tolist(), part.values[0].tolist(), strict=True)
    }


def written(chance: random.Random) -> tuple[set[tuple[str, int, float]], str, Reading, bool]:
    """The bars of a random table, its text in a random form, how it is to be read, and whether that is JSON."""
    timed, rows = chance.random() < 0.6, chance.randint(1, 40)
    begin = datetime(chance.randint(1990, 2035), chance.randint(1, 12), chance.randint(1, 28))
    step = timedelta(minutes=chance.randint(1, 500)) if timed else timedelta(days=chance.randint(1, 9))
    times = [begin + step * number for number in range(rows)]
    largest = chance.choice([999, 99_999, 9_999_999])
    cents = [chance.randint(1, largest) for _ in times]
    is_json = chance.random() < 0.1
    delimiter = "," if is_json else chance.choice(",,;\t|")  # in JSON a point alone is the decimal point too
    number, value = numbers(chance, delimiter)
    columns = clock(chance, timed)
    names, reading = renamed(chance, ["Symbol", *columns, "Open", "Close"])
    table = []
    for at, amount in zip(times, cents, strict=True):
        when = [write(at) for write in columns.values()]
        table.append(["AA", *when, number(chance.randint(1, largest)), number(amount)])
    order = list(range(len(names)))
    if chance.random() < 0.3:
        chance.shuffle(order)
    quoted = chance.random() < 0.3
    between = chance.choice([delimiter, f"{delimiter} ", f" {delimiter}  "]) if quoted else delimiter
    right = {("AA", int((at - EPOCH).total_seconds()), value(amount)) for at, amount in zip(times, cents, strict=True)}
    if is_json:
        return right, as_json(chance, names, table), reading, True

    def line(fields: list[str]) -> str:
        return between.join(f'"{fields[at]}"' if quoted or delimiter in fields[at] else fields[at] for at in order)

    before = ["made up by nobody", ""][: chance.choice([0, 0, 0, 1, 2])]
    lines = [*before, line(names), *map(line, table)]
    end = chance.choice(["\n", "\n", "\r\n", "\r"])
    return right, chance.choice(["", "", "\ufeff", "\ufeff\ufeff"]) + end.join(lines) + end, reading, False


def as_json(chance: random.Random, names: list[str], table: list[list[str]]) -> str:
    """The table as objects, in lines, in an array, or in an object; texts as texts."""
    rows = [dict(zip(names, row, strict=True)) for row in table]
    kind = chance.choice(["lines", "array", "object"])
    if kind == "lines":
        return "".join(json.dumps(row) + "\n" for row in rows)
    return json.dumps(rows if kind == "array" else {"status": "ok", "data": rows}, indent=chance.choice([None, 2]))


def renamed(chance: random.Random, names: list[str]) -> tuple[list[str], Reading]:
    """The names of columns, some by others that the options tell, and these options."""
    if chance.random() < 0.7:
        return names, READING
    asked, own = {}, dict(zip(names, (f"Field {number}" for number in range(len(names))), strict=True))
    if chance.random() < 0.3:
        own["Close"], own["Open"] = "Open", "Close"  # exchanged
    moved = [name for name in names if chance.random() < 0.6 or own[name] in names]
    times = [name for name in names if name in ("Date", "Time")]
    if chance.random() < 0.5 and all(name in moved for name in times):
        asked["time_columns"] = tuple(own[name].lower().replace(" ", "_") for name in times)
    if chance.random() < 0.5 and "Symbol" in moved:
        asked["symbol_column"] = own["Symbol"].lower().replace(" ", "_")
    told = [name for name in moved if not (name in times and "time_columns" in asked)]
    told = [name for name in told if not (name == "Symbol" and "symbol_column" in asked)]
    new = tuple(f"{own[name]}={name}".lower().replace(" ", "_") for name in told)
    return [own[name] if name in moved else name for name in names], replace(READING, rename=new, **asked)


def wide(chance: random.Random) -> tuple[set[tuple[str, int, float]], str, Reading, bool]:
    """The bars of a table with a column or several for each symbol, its text, and how it is to be read; never JSON."""
    timed, rows = chance.random() < 0.4, chance.randint(1, 30)
    begin = datetime(chance.randint(1990, 2035), chance.randint(1, 12), chance.randint(1, 28))
    step = timedelta(minutes=chance.randint(1, 500)) if timed else timedelta(days=chance.randint(1, 9))
    times = [begin + step * number for number in range(rows)]
    symbols = chance.sample(
        ["AAPL", "BRK.B", "7203.T", "LOW", "DT", "CODE", "A B", "Ñ", "TIME", "000001"], chance.randint(1, 5)
    )
    delimiter = chance.choice(",,;\t|")
    number, value = numbers(chance, delimiter)
    columns = clock(chance, timed)
    stacked = chance.random() < 0.6
    above = (
        chance.sample(["Close", "Open", "High", "Volume", "Adj Close"], chance.randint(1, 4)) if stacked else ["Close"]
    )
    above = above if "Close" in above else [*above, "Close"]
    pairs = [(name, symbol) for name in above for symbol in symbols]
    if chance.random() < 0.5:
        pairs.sort(key=lambda pair: symbols.index(pair[1]))
    right, table = set(), []
    for at in times:
        when = (
            [" ".join(write(at) for write in columns.values())]
            if stacked
            else [write(at) for write in columns.values()]
        )
        cells = [chance.randint(1, 99_999) if chance.random() < 0.85 else None for _ in pairs]
        table.append([*when, *("" if cell is None else number(cell) for cell in cells)])
        right |= {
            (symbol, int((at - EPOCH).total_seconds()), value(cell))
            for (name, symbol), cell in zip(pairs, cells, strict=True)
            if name == "Close" and cell is not None
        }
    corner = chance.choice([("Price", "Ticker"), ("", ""), ("Price", "Ticker")])
    of_values, of_symbols = [name for name, _ in pairs], [symbol for _, symbol in pairs]
    heads = [[corner[0], *of_values], [corner[1], *of_symbols], ["Date", *[""] * len(pairs)]]
    if chance.random() < 0.3:
        heads[:2] = [heads[1], heads[0]]
    if chance.random() < 0.2:
        heads[1:] = [["Date", *heads[1][1:]]]
    single = chance.random() < 0.5 and len(columns) == 1
    heads = heads if stacked else [["" if single else "Date", *["Time"] * (len(columns) - 1), *symbols]]

    def line(fields: list[str]) -> str:
        return delimiter.join(f'"{field}"' if delimiter in field else field for field in fields)

    end = chance.choice(["\n", "\r\n"])
    asked = (
        READING
        if stacked
        else replace(READING, wide="close", time_columns=("date", "time")[: len(columns)] if len(columns) > 1 else ())
    )
    return right, end.join(map(line, [*heads, *table])) + end, asked, False


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
