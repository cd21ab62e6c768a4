"""`--scale`: columns times powers of ten, exact, whatever the input is."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from windrow.bars.layout import Reading
from windrow.bars.scales import parse_scales
from windrow.errors import InputError, UsageError
from windrow.feeds.files import read_bars
from windrow.feeds.settle import settle

#: Databento's prices: 36.6 and 133.27 in billionths; more digits than a float64 has; and its word for no price.
PRICES = [36_600_000_000, 133_270_000_000, 123_456_789_012_345_678, -5, 2**63 - 1]
RIGHT = [float(price * Fraction(1, 10**9)) for price in PRICES[:4]]


def read(path, *scales, **how):
    reading = Reading(**{"values": ("close",), "symbol": "X", "scale": parse_scales(scales), **how})
    settled, _ = settle([str(path)], reading, slot=1)
    parts = list(read_bars(str(path), settled.inputs[str(path)]))
    return [[value for part in parts for value in part.values[at].tolist()] for at in range(len(parts[0].values))], sum(
        part.rejected["missing"] for part in parts
    )


@pytest.fixture
def frame():
    days = pd.date_range("2023-01-02", periods=len(PRICES)).strftime("%Y-%m-%d")
    return pd.DataFrame({"date": days, "close": PRICES, "volume": range(1, len(PRICES) + 1)})


@pytest.mark.parametrize("kind", ["text", "semicolons", "parquet"])
def test_a_column_is_scaled_exactly_and_no_other(tmp_path, frame, kind):
    path = tmp_path / ("a.parquet" if kind == "parquet" else "a.csv")
    frame.to_parquet(path) if kind == "parquet" else frame.to_csv(path, index=False, sep=";" if kind[0] == "s" else ",")
    values, missing = read(path, "close=1e-9", values=("close", "volume"))
    assert values == [RIGHT, [1.0, 2.0, 3.0, 4.0]] and missing == 1
    assert read(path, "volume=1e2", values=("volume",))[0] == [[100.0, 200.0, 300.0, 400.0, 500.0]]


@pytest.mark.parametrize("kind", [float, np.uint64, "Int64", "decimal"])
def test_any_type_of_parquet_is_scaled(tmp_path, frame, kind):
    import pyarrow as pa
    import pyarrow.parquet as pq

    kept = frame.iloc[:2]
    column = pa.array([*map(str, PRICES[:2])]).cast(pa.decimal128(30, 4)) if kind == "decimal" else pa.array(
        kept["close"].astype(kind))  # fmt: skip
    pq.write_table(pa.table({"date": kept["date"].tolist(), "close": column}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", "close=1e-9")[0] == [[36.6, 133.27]]
    nothing = pa.array([float("nan"), None, 5.0])
    pq.write_table(pa.table({"date": frame["date"][:3].tolist(), "close": nothing}), tmp_path / "b.parquet")
    assert read(tmp_path / "b.parquet", "close=1e3") == ([[5000.0]], 2)


def test_another_name_of_the_column_is_scaled(tmp_path, frame):
    path = tmp_path / "a.csv"
    frame.iloc[:2].rename(columns={"close": "Price"}).to_csv(path, index=False)
    assert read(path, "close=1e-9")[0] == read(path, "price=1e-9")[0] == [[36.6, 133.27]]


def test_adjusted_prices_need_both_factors(tmp_path, frame):
    path = tmp_path / "a.csv"
    frame.iloc[:2].assign(adj_close=[18.3, 133.27]).to_csv(path, index=False)
    with pytest.raises(
        InputError, match=r"none for 'adj_close', which is used too; .* or adj_close=1 if it is written"
    ):
        read(path, "close=1e-9", adjusted=True)
    assert read(path, "close=1e-9,adj_close=1", adjusted=True)[0] == [[18.3, 133.27]]


def test_a_factor_for_another_price_alone_is_refused(tmp_path, frame):
    frame.assign(open=1).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match="a factor for 'open' and none for 'close', which is used too"):
        read(tmp_path / "a.csv", "open=1e-9")
    assert read(tmp_path / "a.csv", "open=1e-9", "volume=1e1", values=("volume",))[0] == [
        [10.0, 20.0, 30.0, 40.0, 50.0]
    ]


@pytest.mark.parametrize("text", ["close", "=1e-9", "close=", "close=2", "close=-1", "close=0", "close=nan",
                                  "close=1e99", "close=1e-9,close=1e-8", "close=Infinity"])  # fmt: skip
def test_what_is_no_power_of_ten_is_refused(text):
    with pytest.raises(UsageError, match="--scale"):
        parse_scales([text])


@pytest.mark.parametrize("name", ["clse", "date"])
def test_what_is_no_column_of_values_is_refused(tmp_path, frame, name):
    frame.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match=f"has no column '{name}' of values, for --scale; its columns are date, close"):
        read(tmp_path / "a.csv", f"{name}=1e-9")
