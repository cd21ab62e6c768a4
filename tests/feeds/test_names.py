"""What columns are called: other names, options that name them, units behind names, and pandas' index."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from windrow.bars.layout import Reading, layout_of, renamed, without_unit
from windrow.commands.inspect import inspect
from windrow.errors import InputError

ROWS = [("AA", "2023-01-12", "09:30", 36.6, 5.0), ("BB", "2023-01-13", "09:35", 36.5, 7.0)]
RIGHT = ["AA\t2023-01-12\t36.6", "BB\t2023-01-13\t36.5"]
TIMED = ["AA\t2023-01-12T09:30:00Z\t36.6", "BB\t2023-01-13T09:35:00Z\t36.5"]
NAMES = ["symbol", "date", "hour", "close", "volume"]


@pytest.fixture(params=["csv", "parquet"])
def table(request, tmp_path):
    """Writes ROWS under these names, or some of the columns, as text or as Parquet."""

    def write(names, columns=(0, 1, 2, 3, 4), name="a"):
        path = tmp_path / f"{name}.{request.param}"
        frame = pd.DataFrame([[row[column] for column in columns] for row in ROWS])
        frame.columns = pd.Index(names)
        if request.param == "csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_parquet(path, index=False)
        return path

    return write


def lines(ran):
    assert ran.status == 0, ran.err
    return [line.decode() for line in ran.lines]


def refused(ran, status=1):
    assert (ran.status, ran.out) == (status, b"")
    return ran.err


@pytest.mark.parametrize(("names", "options", "right"), [
    (["symbol", "Day", "hour", "close", "volume"], ["--rename", "Day=date"], RIGHT),
    (["symbol", "date", "hour", "Px Paid", "volume"], ["--rename", "px paid = Close"], RIGHT),
    (["who", "Day", "hour", "p", "volume"], ["--rename", "who=symbol,Day=date,P=close"], RIGHT),
    (["who", "Day", "hour", "close", "volume"], ["--time-column", "Day", "--symbol-column", "WHO"], RIGHT),
    (["symbol", "Day", "Hour", "close", "volume"], ["--time-column", "day,hour"], TIMED),
    (["symbol", "x", "y", "close", "volume"], ["--rename", "x=date,y=time"], TIMED),
    (["isin", "date", "symbol", "close", "volume"], ["--symbol-column", "isin"], RIGHT),
    (["symbol", "date", "time", "close", "volume"], ["--time-column", "date"], RIGHT),
    (["symbol", "date", "hour", "volume", "close"], ["--rename", "volume=close,close=volume"], RIGHT),
])  # fmt: skip
def test_options_that_name_columns(run_job, table, names, options, right):
    assert lines(run_job("-q", "--window", "1", *options, table(names))) == right


def test_a_name_that_some_inputs_have(run_job, table):
    one, other = table([*NAMES[:3], "px", "volume"], name="one"), table(NAMES, name="other")
    assert lines(run_job("-q", "--window", "1", "--rename", "px=close", one, other)) == RIGHT
    said = refused(run_job("-q", "--window", "1", "--rename", "pc=close", one, other, "--column", "volume"))
    assert "--rename pc=close: no input has a column 'pc'; those of" in said and "name one of them" in said


@pytest.mark.parametrize(("names", "options", "says"), [
    (NAMES, ["--rename", "volume=close"], "would have 2 columns named 'close' by --rename volume=close; its"),
    (["symbol", "date", "x", "X", "volume"], ["--rename", "x=close"], "has 2 columns named 'x'"),
    (NAMES, ["--time-column", "day"], "has no column 'day', which --time-column names; its columns are symbol, date"),
    (NAMES, ["--symbol-column", "who"], "has no column 'who', which --symbol-column names"),
    (NAMES, ["--symbol-column", "date"], "column 'date' cannot hold both symbols and times"),
    (NAMES, ["--time-column", "close"], "column 'close' holds the time, not a value"),
])  # fmt: skip
def test_names_that_are_refused(run_job, table, names, options, says):
    assert says in refused(run_job("-q", "--window", "1", *options, table(names)))


@pytest.mark.parametrize(("options", "says"), [
    (["--rename", "close"], "give OLD=NEW"), (["--rename", "a=b=c"], "give OLD=NEW"), (["--rename", ""], "give"),
    (["--rename", "a=b,A=c"], "'a' is renamed twice"), (["--rename", "a=c,b=C"], "'c' is the new name of two columns"),
    (["--time-column", "a,b,c"], "is not one column"), (["--time-column", "a,A"], "is not one column"),
    (["--time-column", ""], "is not one column"), (["--symbol-column", ""], "is empty"),
    (["--wide", "date"], "is not what the cells of a table hold"), (["--wide", ""], "is not what the cells"),
    *[([one, "x=y" if one == "--rename" else "x", other, *value], "give one of the two") for one, other, *value in (
        ("--symbol", "--symbol-column", "y"), ("--columns", "--rename", "x=y"), ("--wide", "--columns", "a,b"),
        ("--symbol-column", "--symbol-from-filename"), ("--wide", "--rename", "x=y"), ("--wide", "--symbol", "X"),
        ("--wide", "--symbol-from-filename"), ("--wide", "--symbol-column", "X"), ("--wide", "--adjusted"))],
])  # fmt: skip
def test_options_that_contradict_each_other(run_job, table, options, says):
    assert says in refused(run_job("-q", "--window", "1", *options, table(NAMES)), 2)


@pytest.mark.parametrize("name", ["Close (USD)", "close[usd]", "Close ($)", "Price (EUR)", "close (BTC)"])
def test_units_behind_names(run_job, table, name):
    assert lines(run_job("-q", "--window", "1", table([*NAMES[:3], name, "Volume (shares)"]))) == RIGHT


def test_units_that_leave_two_columns_of_one_name(run_job, table):
    path = table(["symbol", "date", "hour", "Close (USD)", "Close (EUR)"])
    said = refused(run_job("-q", "--window", "1", path))
    assert "has the columns close_(usd) and close_(eur), each of which may be its close" in said
    assert "choose it, e.g. with --rename 'close_(usd)=close'" in said
    assert lines(run_job("-q", "--window", "1", "--rename", "close_(usd)=close", path)) == RIGHT
    assert lines(run_job("-q", "--window", "1", "--column", "close (usd)", path)) == RIGHT


@pytest.mark.parametrize("name", ["close_(adj)", "close_(000)", "close_(%)", "close_usd", "close_(prev)", "(usd)"])
def test_what_is_no_unit_stays(name):
    assert without_unit(name) == name
    with pytest.raises(InputError, match="has no column 'close'"):
        layout_of("a.csv", ["symbol", "date", name], None, Reading(values=("close",)))


def test_a_zone_behind_the_name_of_times():
    reading = Reading(values=("close",))
    assert layout_of("a.csv", ["symbol", "date_(utc)", "close"], None, reading).time == "date_(utc)"
    for name, zone in (("date_(utc)", "America/New_York"), ("date_(est)", "UTC")):
        with pytest.raises(InputError, match="has no time column"):
            layout_of("a.csv", ["symbol", name, "close"], None, Reading(values=("close",), timezone=zone))


@pytest.mark.parametrize("name", [None, "when", "Date"])
def test_the_index_of_pandas_in_parquet(run_job, tmp_path, name):
    frame = pd.DataFrame({"symbol": [row[0] for row in ROWS], "close": [row[3] for row in ROWS]})
    frame.index = pd.DatetimeIndex([row[1] for row in ROWS], name=name)
    frame.to_parquet(tmp_path / "a.parquet")
    assert lines(run_job("-q", "--window", "1", tmp_path / "a.parquet")) == RIGHT


def test_an_index_that_holds_no_times_is_none(run_job, tmp_path):
    pd.DataFrame({"symbol": ["A"], "close": [1.0]}, index=[20230112]).to_parquet(tmp_path / "a.parquet")
    assert "has no time column" in refused(run_job("-q", "--window", "1", tmp_path / "a.parquet"))


def test_inspect_tells_what_is_renamed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("who,day,px\nAA,2023-01-12,36.6\n")
    named = ["--time-column", "day", "--symbol-column", "who", str(path)]
    done = CliRunner().invoke(inspect, ["--rename", "px=close", "--json", *named])
    assert json.loads(done.stdout)["columns"] == {"who": "symbol", "day": "time", "close": "value"}
    done = CliRunner().invoke(inspect, ["--rename", "pc=open", "--column", "px", *named])
    assert done.exit_code == 1 and "no input has a column 'pc'" in str(done.exception)


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True, min_size=4, max_size=4), st.permutations("abcd"))
def test_any_exchange_of_names(new, names):
    """Names are exchanged at once, not one after the other: an independent table of who is who agrees."""
    reading = Reading(values=(), rename=tuple(f"{old}={name}" for old, name in zip("abcd", new, strict=True)))
    told = {"a": new[0], "b": new[1], "c": new[2], "d": new[3]}
    assert renamed("a.csv", names, reading) == tuple(told[name] for name in names)
