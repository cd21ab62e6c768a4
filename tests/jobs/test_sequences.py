"""The job sequences against numpy's windows of pandas' columns: Parquet, numpy's files, splits, gaps and sessions."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import windrow
from jobs.sequences import Sequences
from tests.conftest import ROOT

BARS = ROOT / "data" / "bars.csv"
MINUTES = ROOT / "data" / "minute_bars.csv"
INPUTS = ["close", "high", "volume"]
COLUMN = ["--column", ",".join(INPUTS)]
LEAK = "sequences of train and test overlap"


@pytest.fixture
def sequences(run_job):
    def run(*args):
        return run_job(*args, job=Sequences)

    return run


def expected(length, part, share=0.8):
    """Symbol, time, inputs and target of each sequence of the sample's days, none of which is a gap."""
    for symbol, frame in pd.read_csv(BARS).sort_values("timestamp").groupby("symbol"):
        cut, values = int(share * len(frame)), frame[INPUTS].to_numpy(float)
        rows = range(cut - length) if part == "train" else range(cut, len(frame) - length)
        for row in rows:
            end = row + length
            yield symbol, frame.timestamp.iloc[end], values[row:end].tolist(), float(frame.open.iloc[end])


def of_parquet(folder, part):
    for path in sorted(folder.glob(f"part-*-{part}.parquet")):
        for row in pq.read_table(path).to_pylist():
            inputs = np.stack([row[name] for name in INPUTS], axis=1).tolist()
            yield row["symbol"], str(row["timestamp"]), inputs, row["target"]


def of_npy(folder, part):
    for lines in sorted(folder.glob("part-*[0-9]")):
        names = [line.partition("\t")[0] for line in lines.read_text().splitlines()]
        kinds = ("symbols", "times", "inputs", "targets")
        arrays = [np.load(f"{lines}-{part}-{kind}.npy") for kind in kinds]
        assert [str(array.dtype) for array in arrays] == ["int32", "datetime64[ns]", "float64", "float64"]
        for symbol, time, inputs, target in zip(*arrays, strict=True):
            yield names[symbol], str(time)[:10], inputs.tolist(), float(target)


@pytest.mark.parametrize(("kind", "read"), [("parquet", of_parquet), ("npy", of_npy)])
def test_sequences_are_the_windows_of_each_symbol(sequences, tmp_path, kind, read):
    options = [*COLUMN, "--target", "open", "--length", "7", "--as", kind, "-D", "mapreduce.job.reduces=3"]
    assert sequences(*options, "-o", tmp_path / "out", BARS).status == 0
    for part in ("train", "test"):
        assert sorted(read(tmp_path / "out", part)) == sorted(expected(7, part))
    figures = windrow.read_output(tmp_path / "out")
    assert (
        figures[["bars", "apart", "sequences", "train", "test", "dropped"]].to_numpy().tolist()
        == [[250, "1d", 243, 193, 43, 7]] * 5
    )
    described = json.loads((tmp_path / "out" / "_windrow.json").read_text())["sequences"]
    assert described == {
        "length": 7, "inputs": INPUTS, "target": "open", "split": "0.8", "split_at": None, "leak": None
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "npy"])
def test_blocks_and_runners_change_no_byte_of_any_file(sequences, tmp_path, monkeypatch, kind):
    monkeypatch.setattr("windrow.sinks.sequenced._GROUP", 2000)  # some row groups
    written = []
    for number, how in enumerate([[], ["--block-bars", "3"], ["-r", "local", "--slot", "9d"]]):
        folder = tmp_path / str(number)
        options = [*COLUMN, "--as", kind, *how, "-D", "mapreduce.job.reduces=2", "-o", folder]
        assert sequences(*options, BARS).status == 0
        written.append({path.name: path.read_bytes() for path in folder.glob("part-*")})
    assert written[0] == written[1] == written[2]
    assert len(written[0]) == (6 if kind == "parquet" else 18)


def test_a_random_split_leaks_and_says_so(sequences, tmp_path):
    ran = sequences("--column", "close", "--split", "random", "-o", tmp_path / "out", BARS)
    assert ran.status == 0 and f"note: --split random: {LEAK}" in ran.err
    figures = windrow.read_output(tmp_path / "out")
    assert figures.leak.str.startswith(LEAK).all() and (figures.dropped == 0).all()
    assert json.loads((tmp_path / "out" / "_windrow.json").read_text())["sequences"]["leak"].startswith(LEAK)
    train, test = (pd.read_parquet(tmp_path / "out" / f"part-00000-{part}.parquet") for part in ("train", "test"))
    assert len(train) + len(test) == 5 * 240 and 0.75 < len(train) / 1200 < 0.85
    assert test.target.isin(np.concatenate(train.close.to_numpy())).mean() > 0.95
    chosen = [set(frame.timestamp) for _, frame in test.groupby("symbol")]
    assert len({frozenset(one) for one in chosen}) == 5  # each symbol by chances of its own
    other = sequences("--column", "close", "--split", "random", "--seed", "4", BARS).out
    assert other != sequences("--column", "close", "--split", "random", BARS).out


def test_a_split_at_a_time_is_that_of_all_symbols(sequences, tmp_path):
    options = ["--column", "close", "--length", "5", "--split-at", "2023-10-02", "-o", tmp_path / "out"]
    assert sequences(*options, BARS).status == 0
    train, test = (pd.read_parquet(tmp_path / "out" / f"part-00000-{part}.parquet") for part in ("train", "test"))
    times = sorted(pd.read_csv(BARS).timestamp.unique())
    later = [time for time in times if time >= "2023-10-02"]
    assert str(train.timestamp.max()) == times[len(times) - len(later) - 1]
    assert str(test.timestamp.min()) == later[5]


def minutes(*clocks):
    rows = [f"AA,2024-03-{day:02}T{clock}Z,{number}" for number, (day, clock) in enumerate(clocks, 1)]
    return "\n".join(["symbol,timestamp,close", *rows, ""])


def figures(ran):
    assert ran.status == 0, ran.err
    return json.loads(ran.out.partition(b"\t")[2])


def test_gaps_nights_and_sessions(sequences, tmp_path):
    """Before the close at 16:00 in New York, which is 21:00 UTC, after it, and the next day, with a missing minute."""
    clocks = [(7, f"20:{minute}") for minute in range(50, 60)] + [(7, f"21:0{minute}") for minute in range(5)]
    clocks += [(8, f"20:{minute}") for minute in (50, 51, 52, 54, 55, 56)]
    (tmp_path / "a.csv").write_text(minutes(*clocks))

    def total(*options):
        return figures(sequences("-q", "--column", "close", "--length", "2", *options, tmp_path / "a.csv"))["sequences"]

    assert total() == 13 + 1 + 1
    session = ["--session", "09:30-16:00", "--timezone", "America/New_York"]
    assert total(*session) == 8 + 1 + 1
    assert total("--calendar", "XNYS") == 8 + 1 + 1
    assert total(*session, "--gap", "2min") == 8 + 4
    assert total("--gap", "2min") == 13 + 4
    assert total("--across") == 19


@pytest.mark.parametrize(
    "sessions", [["--session", "09:30-16:00"], ["--session", "18:00-18:00"], ["--calendar", "XNYS"]]
)
def test_labels_of_larger_bars_change_no_sequence(sequences, tmp_path, sessions):
    """A bar that is labelled by its end, which is the close, is of the session that it was made in."""
    times = pd.date_range("2024-01-08", "2024-01-11", freq="20min")
    (tmp_path / "a.csv").write_text("\n".join(["symbol,timestamp,close", *(f"AA,{time},1" for time in times), ""]))
    options = ["-q", "--column", "close", "--length", "3", "--resample", "1h", *sessions]
    options += ["--timezone", "America/New_York", tmp_path / "a.csv"]
    left, right = (figures(sequences("--labels", side, *options)) for side in ("left", "right"))
    assert left == right and left["sequences"] > 0


def test_days_made_of_sessions_by_hours_are_neighbours(sequences, tmp_path):
    times = pd.date_range("2024-01-08", "2024-01-12", freq="1h", inclusive="left")
    (tmp_path / "a.csv").write_text("\n".join(["symbol,timestamp,close", *(f"AA,{time},1" for time in times), ""]))
    options = ["-q", "--column", "close", "--length", "2", "--resample", "1d", tmp_path / "a.csv"]
    assert figures(sequences(*options))["sequences"] == 2
    assert figures(sequences("--session", "09:30-16:00", *options))["sequences"] == 2


def test_days_without_vwap_are_not_passed_over_unseen(sequences, tmp_path):
    days = [f"AA,2024-01-0{day}T1{hour}:00,2,1,1.5,{day % 4}" for day in range(2, 6) for hour in (5, 6)]
    (tmp_path / "a.csv").write_text("\n".join(["symbol,timestamp,high,low,close,volume", *days, ""]))
    options = ["-q", "--column", "vwap", "--length", "1", "--resample", "1d", tmp_path / "a.csv"]
    ran = sequences(*options)
    assert ran.status == 1 and "1 larger bars: lack a value or are invalid, and sequences of days would" in ran.err
    assert figures(sequences("--calendar", "XNYS", *options))["sequences"] == 1
    assert figures(sequences("--across", *options))["sequences"] == 2


def test_days_that_a_calendar_has_are_missed(sequences, tmp_path):
    days = ["2024-03-27", "2024-03-28", "2024-04-01", "2024-04-02", "2024-04-04", "2024-04-05", "2024-04-08"]
    (tmp_path / "a.csv").write_text("\n".join(["symbol,timestamp,close", *(f"AA,{day},1" for day in days), ""]))
    options = ["-q", "--column", "close", "--length", "2", tmp_path / "a.csv"]
    assert figures(sequences(*options))["sequences"] == 5
    assert figures(sequences("--calendar", "XNYS", *options))["sequences"] == 2 + 1


def test_symbols_without_a_sequence_are_listed_and_told_of(sequences, tmp_path):
    rows = [f"AA,2024-01-{day:02},1" for day in range(1, 13)] + ["BB,2024-01-01,1"]
    (tmp_path / "a.csv").write_text("\n".join(["symbol,timestamp,close", *rows, ""]))
    ran = sequences("--column", "close", "--split", "0.5", tmp_path / "a.csv")
    told = {line.partition(b"\t")[0]: json.loads(line.partition(b"\t")[2]) for line in ran.lines}
    assert (told[b"AA"]["sequences"], told[b"BB"]["sequences"], told[b"BB"]["apart"]) == (2, 0, None)
    assert "warning: 1 symbol has no sequence" in ran.err
    assert "warning: no sequence is in train; choose another split" in ran.err


def test_sequences_are_made_of_what_normalize_writes(run_job, sequences, tmp_path):
    from jobs.normalize import Normalize

    scaled = ["--column", "close", "--output-format", "parquet", "-o", tmp_path / "scaled", BARS]
    assert run_job(*scaled, job=Normalize).status == 0
    options = ["--column", "close", "-o", tmp_path / "out", tmp_path / "scaled" / "part-00000.parquet"]
    assert sequences(*options).status == 0
    train = pd.read_parquet(tmp_path / "out" / "part-00000-train.parquet")
    assert 0 <= train.target.min() < train.target.max() <= 1


def test_minutes_of_the_sample(sequences):
    ran = sequences("-q", "--column", "close", "--calendar", "XNYS", "--length", "60", MINUTES)
    assert [json.loads(line.partition(b"\t")[2])["sequences"] for line in ran.lines] == [330, 330, 330]
