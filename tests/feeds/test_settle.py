"""Submission: which files, what their columns are, what is skipped with a warning, how long slots are."""

import gzip
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sort_keys.slots import BARS_PER_SLOT
from windrow.bars.layout import Reading
from windrow.errors import InputError
from windrow.feeds.settle import Settled, settle
from windrow.storage.source import list_inputs

READING = Reading(values=("close",))
HEADER = "symbol,timestamp,close\n"
MINUTE = 60 * 10**9


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_a_directory_means_its_files_but_not_hidden_ones_nor_those_below(tmp_path):
    (tmp_path / "below").mkdir()
    for name in ("b.csv", "a.csv", "_SUCCESS", ".hidden", "below/c.csv"):
        write(tmp_path / name, HEADER)
    files = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    assert list_inputs([str(tmp_path)]) == files
    assert list_inputs([files[1], str(tmp_path), files[1]]) == [files[1], *files, files[1]]


def test_paths_are_absolute_and_names_are_taken_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a[b]*?.csv", "with blank\n.csv", "-x.csv", b"\xff.csv".decode(errors="surrogateescape")):
        write(tmp_path / name, HEADER)
        assert list_inputs([name]) == [str(tmp_path / name)]
    with pytest.raises(InputError, match=r"matches no file"):
        list_inputs(["*.csv.gz"])


def test_arguments_that_are_no_files_of_bars(tmp_path):
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for argument, message in {
        tmp_path / "none.csv": "does not exist; give files of bars", tmp_path / "empty": "is a directory without files",
        tmp_path / "pipe": "is not a regular file", "x" * 300: "cannot be read: File name too long",
    }.items():  # fmt: skip
        with pytest.raises(InputError, match=rf"^{argument}: {message}"):
            list_inputs([str(argument)])
    with pytest.raises(InputError, match=r"the name of an input is empty"):
        list_inputs([""])


def test_empty_and_header_only_files_are_left_out(tmp_path):
    contents = {"zero": "", "header": HEADER, "bare": HEADER.strip(), "blank": "\n\n", "below": HEADER + "\n\r\n",
                "packed.gz": gzip.compress(HEADER.encode())}  # fmt: skip
    barren = [write(tmp_path / name, content) for name, content in contents.items()]
    good = write(tmp_path / "good", HEADER + "A,2008-03-05,1\n")
    settled, skipped = settle([*barren, good], READING)
    assert list(settled.inputs) == [good] and skipped == barren
    with pytest.raises(InputError, match=rf"^no valid row in any input: {barren[0]}, .* \.\.\.: no rows read; an"):
        settle(barren, READING)


def test_a_file_of_bad_lines_only_is_no_empty_file(tmp_path):
    path = write(tmp_path / "bad.csv", HEADER + "A,x,1\n")
    settled, skipped = settle([path], READING)
    assert settled.inputs[path].dated is None and not skipped


def test_blank_lines_before_the_header_are_skipped(tmp_path):
    path = write(tmp_path / "a.csv", "\ufeff\r\n\n" + HEADER + "A,2008-03-05,1\n")
    settled, skipped = settle([path], READING)
    assert settled.inputs[path].header == HEADER.strip().encode() and not skipped


def test_different_headers_in_one_run_and_the_tasks_copy(tmp_path):
    paths = [
        write(tmp_path / "a.csv", HEADER + "A,2008-03-05,1\n"),
        write(tmp_path / "b.csv", "Date,Close,Name\r\n2008-03-05,1,B\r\n"),
        write(tmp_path / "c.csv", "dt,sym,close\n2008-03-05T10:00,C,1\n"),
    ]
    settled, _ = settle(paths, READING)
    assert [layout.symbol for layout in settled.inputs.values()] == ["symbol", "name", "sym"]
    assert [layout.dated for layout in settled.inputs.values()] == [True, True, False] and not settled.dated
    assert settle(paths[:2], READING)[0].dated
    settled.save(tmp_path / "settled.json")
    assert Settled.load(str(tmp_path / "settled.json")) == settled
    with pytest.raises(InputError, match=r"^elsewhere.csv: was not among the inputs"):
        settled.layout("elsewhere.csv")


def test_columns_for_files_without_a_header(tmp_path):
    bare = write(tmp_path / "bare.csv", "2008-03-05,1,A\n")
    headed = write(tmp_path / "headed.csv", "Day,Price,Code\n2008-03-05,1,A\n")
    reading = Reading(values=("close",), columns=("date", "close", "symbol"))
    settled, _ = settle([bare, headed], reading)
    assert [settled.inputs[path].header for path in (bare, headed)] == [None, b"Day,Price,Code"]


def test_a_first_line_that_never_ends_is_refused(tmp_path):
    path = write(tmp_path / "long.csv", b"x" * (3 << 20))
    with pytest.raises(InputError, match=rf"^{path}: its first line is longer than 1 MiB"):
        settle([path], READING)


def bars(symbols, count, order):
    """Symbol number and minute of each bar, `count` minutes of each symbol."""
    symbol, minute = np.repeat(np.arange(symbols), count), np.tile(np.arange(count), symbols)
    rows = {"time": np.lexsort((symbol, minute)), "symbol": np.arange(len(minute)),
            "reverse": np.lexsort((symbol, -minute)),
            "shuffled": np.random.default_rng(1).permutation(len(minute))}[order]  # fmt: skip
    return symbol[rows], minute[rows]


def text(symbol, minute):
    times = np.datetime_as_string((minute * 60).astype("datetime64[s]"))
    return HEADER + "".join(f"S{s:03},{time},50.25\n" for s, time in zip(symbol.tolist(), times.tolist(), strict=True))


def files(folder, how, symbol, minute):
    """The bars as files of one kind."""
    if how == "parquet":
        table = {"symbol": [f"S{s:03}" for s in symbol.tolist()], "timestamp": pa.array(minute * 60, pa.timestamp("s")),
                 "close": np.ones(len(symbol))}  # fmt: skip
        pq.write_table(pa.table(table), folder / "a.parquet")
        return [str(folder / "a.parquet")]
    if how == "gzip":
        return [write(folder / "a.csv.gz", gzip.compress(text(symbol, minute).encode(), 1))]
    pieces = {"one": 1, "many": 50, "sharded": 7}[how]
    shard = (
        np.random.default_rng(2).integers(0, pieces, len(symbol)) if how == "sharded"
        else np.arange(len(symbol)) * pieces // len(symbol)
    )  # fmt: skip
    return [write(folder / f"{i}.csv", text(symbol[shard == i], minute[shard == i])) for i in range(pieces)]


@pytest.mark.parametrize("how", ["one", "gzip", "parquet", "many", "sharded"])
@pytest.mark.parametrize("order", ["time", "reverse", "symbol", "shuffled"])
@pytest.mark.parametrize(("symbols", "count"), [(1, 100_000), (50, 2000)])
def test_a_slot_holds_some_thousands_of_bars(tmp_path, how, order, symbols, count):
    settled, _ = settle(files(tmp_path, how, *bars(symbols, count, order)), READING)
    assert BARS_PER_SLOT / 2 < settled.slots.span / MINUTE < BARS_PER_SLOT * 2
    assert all(BARS_PER_SLOT / 2 < span / MINUTE < BARS_PER_SLOT * 2 for span in settled.slots.dense.values())


def test_a_dense_symbol_has_its_own_span(tmp_path):
    symbol, minute = bars(20, 2000, "time")
    path = write(tmp_path / "a.csv", text(symbol, np.where(symbol == 7, minute, minute * 1000)))
    slots = settle([path], READING)[0].slots
    assert list(slots.dense) == ["S007"] and slots.span > 100 * slots.dense["S007"]


def test_a_single_bar_and_bars_of_one_time_need_no_slot(tmp_path):
    one = write(tmp_path / "one.csv", HEADER + "A,2008-03-05,1\n")
    same = write(tmp_path / "same.csv", HEADER + "".join(f"S{i},2008-03-05,1\n" for i in range(1000)))
    for path in (one, same):
        assert settle([path], READING)[0].slots.span > 10**18
    assert settle([one], READING, slot=5)[0].slots.span == 5


@pytest.mark.parametrize("years", [1, 50])
def test_bars_so_rare_that_a_slot_of_thousands_would_outlast_time(tmp_path, years):
    path = write(tmp_path / "rare.csv", HEADER + "".join(f"A,{year}-01-01,1\n" for year in range(1700, 2200, years)))
    slots = settle([path], READING)[0].slots
    assert np.array([slots.span], np.int64)[0] > 10**18
