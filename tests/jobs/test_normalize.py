"""The job normalize against pandas and fractions, there and back; and what it refuses."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sort_keys.merge
import windrow
from jobs.normalize import Normalize
from tests.conftest import ROOT

BARS = ROOT / "data" / "bars.csv"
COLUMNS = ["open", "high", "low", "close", "volume"]
U = Fraction(1, 2**53)


@pytest.fixture
def normalize(run_job):
    def run(*args):
        return run_job(*args, job=Normalize)

    return run


def prices():
    return pd.read_csv(BARS, parse_dates=["timestamp"]).sort_values(["symbol", "timestamp"], ignore_index=True)


def by_pandas(frame, method, until):
    fitted = frame[frame.timestamp <= until].groupby("symbol")[COLUMNS]
    values, symbols = frame[COLUMNS], frame.symbol
    if method == "returns":
        return frame.groupby("symbol")[COLUMNS].pct_change()
    centre, width = {
        "minmax": (fitted.min(), fitted.max() - fitted.min()),
        "zscore": (fitted.mean(), fitted.std(ddof=0)),
        "robust": (fitted.median(), fitted.quantile(0.75) - fitted.quantile(0.25)),
    }[method]
    return (values - centre.loc[symbols].to_numpy()) / width.loc[symbols].to_numpy()


@pytest.mark.parametrize(
    ("method", "kind"),
    [("minmax", "text"), ("zscore", "parquet"), ("robust", "text"), ("returns", "text"), ("returns", "parquet")],
)
def test_values_are_pandas_and_taken_back_the_prices(normalize, tmp_path, method, kind):
    frame = prices()
    until = [] if method == "returns" else ["--fit-until", "2023-06-30"]
    options = ["--method", method, *until, "--output-format", kind]
    assert normalize(*options, "-D", "mapreduce.job.reduces=2", "-o", tmp_path / "scaled", BARS).status == 0
    found = windrow.read_output(tmp_path / "scaled")
    expected = by_pandas(frame, method, "2023-06-30")
    expected = expected.dropna()
    assert list(found.columns) == ["symbol", "timestamp", *COLUMNS]
    assert found.symbol.tolist() == frame.symbol[expected.index].tolist()
    np.testing.assert_allclose(found[COLUMNS], expected, rtol=1e-9, atol=1e-12)
    assert normalize("--inverse", tmp_path / "scaled", "-o", tmp_path / "back").status == 0
    back = windrow.read_output(tmp_path / "back")
    assert back[["symbol", "timestamp"]].equals(
        frame[["symbol", "timestamp"]].astype(back[["symbol", "timestamp"]].dtypes)
    )
    np.testing.assert_allclose(back[COLUMNS], frame[COLUMNS], rtol=1e-13 if method == "returns" else 1e-15)


def test_the_ends_of_training_are_exactly_0_and_1_and_later_values_beyond(normalize, tmp_path):
    (tmp_path / "a.csv").write_text(
        "symbol,timestamp,close\nAA,2024-01-01,0.1\nAA,2024-01-02,0.7\nAA,2024-01-03,0.3\nAA,2024-01-04,1.3\n"
    )
    ran = normalize("--column", "close", "--fit-until", "2024-01-03", tmp_path / "a.csv")
    values = [float(line.split(b"\t")[2]) for line in ran.lines]
    assert values[:2] == [0.0, 1.0]
    assert values[3] == (1.3 - 0.1) / (0.7 - 0.1)


def test_scales_are_read_as_figures(normalize, tmp_path):
    normalize("--method", "zscore", "-D", "mapreduce.job.reduces=1", "-o", tmp_path / "out", BARS)
    scales = windrow.read_output(tmp_path / "out" / "part-00000-scales").set_index("symbol")
    exact = prices().groupby("symbol").close
    assert scales.bars.tolist() == scales.fitted.tolist() == [250] * 5
    assert scales.begins.tolist() == ["2023-01-02"] * 5
    np.testing.assert_allclose(scales.scales_close_mean, exact.mean(), rtol=1e-14)
    np.testing.assert_allclose(scales.scales_close_deviation, exact.std(ddof=0), rtol=1e-13)
    described = json.loads((tmp_path / "out" / "_windrow.json").read_text())
    assert (described["method"], described["fit_until"], described["columns"]) == ("zscore", None, COLUMNS)


def test_without_a_directory_scales_are_not_kept(normalize):
    assert len(normalize(BARS).lines) == 1250


def test_a_constant_column_is_told_of_and_defined(normalize, tmp_path):
    (tmp_path / "a.csv").write_text("symbol,timestamp,close\nAA,2024-01-01,5\nAA,2024-01-02,5\nAA,2024-01-03,7.5\n")
    ran = normalize("--column", "close", "--fit-until", "2024-01-02", tmp_path / "a.csv")
    assert [line.split(b"\t")[2] for line in ran.lines] == [b"0.0", b"0.0", b"2.5"]
    assert "warning: 1 column of a symbol is constant where its scale is set" in ran.err


@given(
    closes=st.lists(st.one_of(st.integers(1, 10**7).map(lambda cents: cents / 100), st.floats(1e-15, 1e15)), min_size=1,
                    max_size=20),
    method=st.sampled_from(["minmax", "zscore", "robust"]),
)  # fmt: skip
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_prices_come_back_within_the_bound(normalize, tmp_path_factory, closes, method):
    folder = tmp_path_factory.mktemp("any")
    rows = [
        f"AA,{day},{close!r}" for day, close in zip(pd.date_range("2024-01-01", periods=20).date, closes, strict=False)
    ]
    (folder / "a.csv").write_text("\n".join(["symbol,timestamp,close", *rows, ""]))
    options = ["--column", "close", "--method", method, "-o", folder / "out", folder / "a.csv"]
    assert normalize(*options).status == 0
    scale = json.loads((folder / "out" / "part-00000-scales").read_text().partition("\t")[2])["scales"]["close"]
    centre, other = (Fraction(value) for value in list(scale.values())[1:])
    width = (other - centre if method == "minmax" else other) or 1
    back = [float(line.split(b"\t")[2]) for line in normalize("--inverse", folder / "out").lines]
    for x, found in zip(map(Fraction, closes), map(Fraction, back), strict=True):
        bound = U * (x + 6 * abs(x - centre)) * (1 + Fraction(1, 2**48)) + Fraction(1e-15) * width * (1 + U)
        assert abs(found - x) <= bound


def test_some_columns_and_symbols_are_taken_back_from_files_that_are_named(normalize, tmp_path):
    normalize("--output-format", "parquet", "-D", "mapreduce.job.reduces=2", "-o", tmp_path / "out", BARS)
    parts = sorted((tmp_path / "out").glob("*.parquet"))
    ran = normalize("--inverse", tmp_path / "out", "--column", "close", "--symbols", "AAB", *parts)
    closes = prices().query("symbol == 'AAB'").close.tolist()
    assert [float(line.split(b"\t")[2]) for line in ran.lines] == pytest.approx(closes, rel=1e-15)


def test_symbols_of_any_characters_are_taken_back_from_parquet(normalize, tmp_path):
    (tmp_path / "a.csv").write_text("symbol,timestamp,close\nA%,2024-01-01,5\nA%,2024-01-02,6\né,2024-01-02,7\n")
    options = ["--column", "close", "--output-format", "parquet"]
    assert normalize(*options, "-o", tmp_path / "out", tmp_path / "a.csv").status == 0
    assert normalize("--inverse", tmp_path / "out").lines == [
        b"A%25\t2024-01-01\t5.0", b"A%25\t2024-01-02\t6.0", "é\t2024-01-02\t7.0".encode()
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["minmax", "returns"])
def test_symbols_of_any_characters_are_taken_back_from_lines(normalize, tmp_path, method):
    """Lines have a % as %25, a tab as %09: read again they are the symbols that they were, chosen or all."""
    rows = [(symbol, day, 5 + day) for symbol in ("A%", "A%25", "A.", "=1", "é") for day in (1, 2)]
    text = "".join(f"{symbol},2024-01-0{day},{close}\n" for symbol, day, close in rows)
    (tmp_path / "a.csv").write_text(f"symbol,timestamp,close\n{text}")
    options = ["--column", "close", "--method", method, "-o", tmp_path / "out", tmp_path / "a.csv"]
    assert normalize(*options).status == 0
    escaped = sorted(f"{symbol.replace('%', '%25')}\t2024-01-0{day}\t{close}.0" for symbol, day, close in rows)
    assert [line.decode() for line in normalize("--inverse", tmp_path / "out").lines] == escaped
    for runner in ("inline", "local"):
        chosen = normalize("-r", runner, "--inverse", tmp_path / "out", "--symbols", "A%, é")
        assert [line.decode() for line in chosen.lines] == [*escaped[2:4], *escaped[-2:]]


def test_symbols_with_quotation_marks_are_taken_back_from_parquet_alone(normalize, tmp_path):
    """sinks/normalized.py:kept: else the lines of "A" would be read as others of A."""
    rows = [f"{symbol},2024-01-0{day},{close}" for symbol, close in (('"""A"""', 1), ("A", 5)) for day in (1, 2)]
    (tmp_path / "a.csv").write_text("\n".join(["symbol,timestamp,close", *rows, ""]))
    options = ["--column", "close", tmp_path / "a.csv"]
    assert normalize(*options, "-o", tmp_path / "text").status == 0
    ran = normalize("--inverse", tmp_path / "text")
    assert ran.status == 1 and 'symbol "A" has a quotation mark, which text loses' in ran.err
    assert normalize(*options, "-o", tmp_path / "out", "--output-format", "parquet").status == 0
    assert [line.split(b"\t")[::2] for line in normalize("--inverse", tmp_path / "out").lines] == [
        [b'"A"', b"1.0"], [b'"A"', b"1.0"], [b"A", b"5.0"], [b"A", b"5.0"]
    ]  # fmt: skip


def test_values_that_are_taken_back_are_not_scaled_by_the_way(normalize, tmp_path):
    normalize("--column", "close", "-o", tmp_path / "out", BARS)
    ran = normalize("--inverse", tmp_path / "out", "--scale", "close=1e-2")
    assert ran.status == 2 and "--scale close=1e-2: given with --inverse, which takes back what was scaled" in ran.err


@pytest.mark.parametrize("method", ["minmax", "returns"])
def test_stretches_change_no_byte_there_and_back(normalize, tmp_path, monkeypatch, method):
    plain, many = tmp_path / "plain", tmp_path / "many"
    for folder in (plain, many):
        assert normalize("--method", method, "--block-bars", "3", "-o", folder, BARS).status == 0
        assert normalize("--inverse", folder, "--block-bars", "3", "-o", f"{folder}-back").status == 0
        monkeypatch.setattr(sort_keys.merge, "_BATCH_BYTES", 1)
    for one in [*plain.glob("part-*"), *Path(f"{plain}-back").glob("part-*")]:
        assert one.read_bytes() == Path(str(one).replace("plain", "many")).read_bytes()
