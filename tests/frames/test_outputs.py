"""read_output: what a job wrote, back to the bit; read_bars: what it read."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import windrow
from sort_keys.keys import encode_symbol
from sort_keys.merge import Stretch
from windrow.errors import InputError
from windrow.frames import outputs
from windrow.frames.outputs import read_bars
from windrow.sinks.lines import format_lines
from windrow.times import DAY, EARLIEST, LATEST

symbols = st.one_of(
    st.sampled_from(
        [
            "NA",
            "TRUE",
            "null",
            "007",
            "1e5",
            "a\tb",
            "%",
            "%41",
            '"q',
            "😀",
            "\ufeffAA",
            " ",
            "#x",
            "A\u2028B",
            "\r\n",
        ]
    ),
    st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=5),
)
floats = st.floats(allow_nan=True, allow_infinity=False)


def written(symbol, times, columns, dated):
    """A symbol's lines, as a job writes them."""
    ns = np.array(times, np.int64)
    stretch = Stretch([encode_symbol(symbol)], np.zeros(1, np.int64), False, ns, [])
    values = [np.array(column, np.float64) for column in columns]
    return b"".join(format_lines(stretch, np.arange(len(ns)), values, dated))


def bits(values):
    """Floats to compare: NaN equals NaN, -0.0 does not equal 0.0."""
    return [float(value).hex() for value in values]


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        symbols,
        st.lists(
            st.tuples(st.integers(EARLIEST // DAY + 1, LATEST // DAY), floats, floats),
            min_size=1,
            max_size=4,
            unique_by=lambda row: row[0],
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
    st.integers(0, DAY - 1),
    st.sampled_from([1, 1000, 10**6, 10**9]),
)
@example({"\ufeffAA": [(0, 0.1, float("nan"))]}, True, 0, 1)
@example({"NA": [(1, 5e-324, 1.7976931348623157e308)]}, False, 1, 1)
def test_round_trip_to_the_bit(tmp_path_factory, series, dated, within, unit):
    within = 0 if dated else within // unit * unit
    folder = tmp_path_factory.mktemp("out")
    rows = []
    for part, (symbol, bars) in enumerate(sorted(series.items())):
        times = [day * DAY + within for day, _, _ in bars]
        (folder / f"part-{part:05}").write_bytes(
            written(symbol, times, [[b[1] for b in bars], [b[2] for b in bars]], dated)
        )
        rows += [(symbol, time, bar[1], bar[2]) for time, bar in zip(times, bars, strict=True)]
    (folder / "part-99999").write_bytes(b"")
    (folder / "_windrow.json").write_text(json.dumps({"columns": ["sma:2", "ema:3"]}))
    frame = windrow.read_output(folder)
    rows.sort()
    assert list(frame) == ["symbol", "timestamp", "sma:2", "ema:3"]
    assert frame["symbol"].tolist() == [row[0] for row in rows]
    assert frame["timestamp"].dtype == ("datetime64[ns]" if dated else "datetime64[ns, UTC]")
    assert frame["timestamp"].astype("int64").tolist() == [row[1] for row in rows]
    assert bits(frame["sma:2"]) == bits(row[2] for row in rows) and bits(frame["ema:3"]) == bits(row[3] for row in rows)


def read(tmp_path, content, **how):
    (tmp_path / "out").write_bytes(content)
    return windrow.read_output(tmp_path / "out", **how)


def test_names(tmp_path):
    line = b"AA\t2008-03-05\t1\t2\n"
    assert list(read(tmp_path, line))[2:] == ["value_1", "value_2"]
    assert list(read(tmp_path, line, columns=["a", "b"]))[2:] == ["a", "b"]
    twice = read(tmp_path, line, columns=["sma:1", "sma:1"])
    assert twice.iloc[0, 2:].tolist() == [1.0, 2.0] and list(twice)[2:] == ["sma:1", "sma:1"]


def test_two_equal_indicators_are_two_columns(tmp_path, run_job):
    (tmp_path / "a.csv").write_text("symbol,date,close\nA,2008-03-05,1\n")
    assert run_job("--indicator", "sma:1", "--indicator", "sma:1", "-o", tmp_path / "o", tmp_path / "a.csv").status == 0
    assert windrow.read_output(tmp_path / "o").iloc[0, 2:].tolist() == [1.0, 1.0]


def test_no_lines_give_an_empty_frame(tmp_path):
    frame = read(tmp_path, b"", columns=["a"])
    assert list(frame) == ["symbol", "timestamp", "a"] and frame.empty and frame["timestamp"].dtype == "datetime64[ns]"


@pytest.mark.parametrize(
    ("content", "how", "message"),
    [
        (
            b"AA\t2008-03-05\t1\t2\n",
            {"columns": ["a"]},
            "its lines hold 2 values, but there are names for 1: a",
        ),
        (b"AA\t2008-03-05\t1\t2", {}, "its last line has no end"),
        (b"hello\n", {}, "it is not the output of a job"),
        (b"a\tb\tc\n", {}, "it is not the output of a job"),
        (b"AA\tb\t1\n", {}, "it is not the output of a job"),
        (b"A\t2008-03-05\t1\nA\t2008-03-06\t1\t2\n", {}, "it is not the output of a job"),
    ],
)
def test_a_file_that_is_not_an_output(tmp_path, content, how, message):
    with pytest.raises(InputError, match=f"^{tmp_path / 'out'}: {message}"):
        read(tmp_path, content, **how)


def test_a_place_without_an_output(tmp_path):
    (tmp_path / "_SUCCESS").touch()
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match=f"^{place}: it holds no output of a job"):
            windrow.read_output(place)


def test_read_bars(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("symbol,date,close\nB,2008-03-06,2\nA,2008-03-05,1\nB,2008-03-05,3\nB,2008-03-05,3\nA,bad,1\n")
    frame = read_bars([str(path)])
    assert frame.to_numpy().tolist() == [
        ["A", pd.Timestamp("2008-03-05"), 1.0],
        ["B", pd.Timestamp("2008-03-05"), 3.0],
        ["B", pd.Timestamp("2008-03-06"), 2.0],
    ]
    assert read_bars([str(path)], symbols=["A"])["symbol"].tolist() == ["A"]
    assert read_bars([str(path)], symbols=["none"]).empty


def test_bars_that_change_while_they_are_read_are_refused(tmp_path, monkeypatch):
    """As a job refuses them: what a page draws would be neither the old file's bars nor the new one's."""
    path = tmp_path / "bars.csv"
    path.write_text("symbol,timestamp,close\n" + "".join(f"A,{2000 + year}-01-01,{year}\n" for year in range(1, 99)))
    read = outputs.read_file

    def reads_and_cuts(*args):
        yield from read(*args)
        os.truncate(path, 500)

    monkeypatch.setattr(outputs, "read_file", reads_and_cuts)
    with pytest.raises(InputError, match=f"^{path}: has changed since the job was submitted"):
        outputs.read_bars([str(path)])
