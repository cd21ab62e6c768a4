"""jobs/sectors.py, beside pandas over whole tables: 40 symbols, some of which join, leave or change sectors."""

import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.sectors import Sectors
from tests.conftest import ROOT
from tests.test_cures import Case
from windrow import read_output
from windrow.errors import InputError
from windrow.market.constituents import Clock, Membership, read_constituents
from windrow.times import DAY

BARS, NAMES = 300, ("Energy", "Materials", "Utilities")
OPTIONS = ["--averages", "5,20", "--volatility", "10"]


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """Bars with gaps, and a file of constituents: S00 changed its sector, S01 came late, S02 left, S39 has none."""
    folder, random = tmp_path_factory.mktemp("market"), np.random.default_rng(3)
    days, frames = pd.bdate_range("2023-01-02", periods=BARS), []
    for number in range(40):
        prices = np.round(50 * np.exp(random.normal(0, 0.02, BARS).cumsum()), 2)
        volumes = random.integers(0, 10_000, BARS) * (random.random(BARS) < 0.9)
        kept = random.random(BARS) < 0.95
        frame = pd.DataFrame({"symbol": f"S{number:02}", "timestamp": days, "close": prices, "volume": volumes})
        frames.append(frame[kept])
    bars = pd.concat(frames)
    bars.to_csv(folder / "bars.csv", index=False)
    rows = [(f"S{number:02}", NAMES[number % 3], "", "") for number in range(39)]
    rows[0] = ("S00", "Energy", "2010-01-01", "")
    rows[1], rows[2] = ("S01", "Materials", "2023-06-01", ""), ("S02", "Utilities", "", "2023-09-01")
    rows += [("S00", "Real Estate", "2023-07-03", ""), ("S50", "Energy", "", "")]
    text = ["Symbol,GICS Sector,Date added,Date removed", *(",".join(row) for row in rows)]
    (folder / "sp.csv").write_text("\n".join([*text, ""]))
    return folder, bars, rows


def memberships(rows):
    """Each symbol's sectors with the days from which on, and before which, school arithmetic."""
    found = defaultdict(list)
    for symbol, sector, added, removed in rows:
        found[symbol].append([added or "1900-01-01", removed or "2100-01-01", sector])
    for its in found.values():
        its.sort()
        for one, later in pairwise(its):
            one[1] = min(one[1], later[0])
    return found


def with_pandas(bars, rows, averages, volatility):
    """The values of each sector and day."""
    members, parts = memberships(rows), []
    for symbol, its in bars.groupby("symbol"):
        close = its["close"]
        its = its.assign(change=close.pct_change(), weight=(close * its["volume"]).shift())
        for window in averages:
            mean = close.rolling(window).mean()
            its[f"above_sma:{window}"] = (close > mean + 1e-9).astype(float).where(mean.notna())
        for since, until, sector in members.get(symbol, [("1900", "2100", "No sector")]):
            parts.append(its[(its["timestamp"] >= since) & (its["timestamp"] < until)].assign(sector=sector))
    joined, found = pd.concat(parts), []
    for sector, its in joined.groupby("sector"):
        its = its.assign(traded_value=its["change"] * its["weight"], weight=its["weight"].where(its["change"].notna()))
        days = its.groupby("timestamp")
        frame = pd.DataFrame({"traded": days.size().astype(float)})
        returns = {"equal": days["change"].mean(), "volume": days["traded_value"].sum() / days["weight"].sum()}
        for index, change in returns.items():
            factors = (1 + change).fillna(1.0)
            factors.iloc[0] = 1.0
            levels = 100 * factors.cumprod()
            frame[f"{index}_index"], frame[f"{index}_return"] = levels, change
            deviation = change.dropna().rolling(volatility).std()
            frame[f"{index}_std:{volatility}"] = deviation.reindex(change.index)
            for window in averages:
                frame[f"{index}_sma:{window}"] = levels.rolling(window).mean()
        for window in averages:
            frame[f"above_sma:{window}"] = days[f"above_sma:{window}"].mean()
        found.append(frame.reset_index().assign(symbol=sector))
    return pd.concat(found, ignore_index=True)


@pytest.fixture(scope="module")
def output(market, tmp_path_factory):
    folder = market[0]
    out = tmp_path_factory.mktemp("sectors") / "out"
    how = ["-q", "--constituents", str(folder / "sp.csv"), *OPTIONS, "-o", str(out), str(folder / "bars.csv")]
    assert Sectors.main(how) == 0
    return out


def test_values_are_those_of_pandas(market, output):
    found, expected = read_output(output), with_pandas(*market[1:], (5, 20), 10)
    companies = found.pop("companies")
    assert set(found) == set(expected)
    pd.testing.assert_frame_equal(found, expected[list(found)], rtol=1e-9, atol=1e-12, check_dtype=False)
    assert companies.notna().tolist() == (found["symbol"] != "No sector").tolist()


def test_companies_are_those_of_the_file_on_the_day(market, output):
    found, members = (
        read_output(output).set_index(["symbol", "timestamp"])["companies"].dropna(),
        memberships(market[2]),
    )
    for (sector, day), count in found[::25].items():
        its = [one for rows in members.values() for one in rows if one[2] == sector]
        assert count == sum(since <= str(day.date()) < until for since, until, _ in its)
    assert found["Energy"].iloc[0] == 14 and found["Energy"].iloc[-1] == 13  # S50, which has no bar, is one of them


def test_all_symbols_are_listed_and_those_without_sector_or_bars_are_told(run_job, market, output, tmp_path):
    """The warnings of market/sectors.py:told: the files to complete are the user's."""
    lines = Path(output, "part-00000-symbols").read_text().splitlines()
    assert len(lines) == 41 and lines[:2] == ["S00\tEnergy\t2010-01-01\t2023-07-03", "S00\tReal Estate\t2023-07-03\t"]
    assert lines[-1] == "S39\tNo sector\t\t"
    folder, bars, _ = market
    ran = run_job("--constituents", folder / "sp.csv", *OPTIONS, folder / "bars.csv", job=Sectors)
    assert f"warning: --constituents {folder}/sp.csv: has no sector of 1 symbol, S39, which" in ran.err
    assert "no bar is of 1 symbol, S50; check how" in ran.err
    late = (bars["symbol"] == "S01") & (bars["timestamp"] < "2023-06-01")
    late |= (bars["symbol"] == "S02") & (bars["timestamp"] >= "2023-09-01")
    assert f"note: {late.sum()} bars are of symbols before they were in a sector, or after" in ran.err
    assert ran.out == Path(output, "part-00000").read_bytes()
    assert json.loads((output / "_windrow.json").read_text())["columns"][:3] == ["companies", "traded", "equal_index"]


@pytest.mark.parametrize(
    "how", [["--block-bars", "7", "--slot", "20d"], ["-r", "local", "-D", "mapreduce.job.reduces=4", "--slot", "3d"]]
)
def test_the_same_bytes_however_the_bars_come(run_job, market, output, tmp_path, how):
    folder, bars, _ = market
    bars.sample(frac=1, random_state=1).to_csv(tmp_path / "bars.csv", index=False)
    ran = run_job("-q", "--constituents", folder / "sp.csv", *OPTIONS, *how, tmp_path / "bars.csv", job=Sectors)
    assert ran.lines == sorted(Path(output, "part-00000").read_bytes().splitlines())


def test_minutes_are_made_days_first(run_job, tmp_path):
    minutes = ROOT / "data/minute_bars.csv"
    how = ["-q", "--constituents", ROOT / "data/constituents.csv", "--averages", "2"]
    ran = run_job(*how, "--resample", "1h", "--calendar", "XNYS", minutes, job=Sectors)
    assert ran.lines[0].startswith(b"Financials\t2024-01-02T14:30:00Z\t1.0\t1.0\t100.0\t")


def test_a_day_begins_in_the_time_zone_of_the_bars():
    one = Membership("Energy", 10, 20)
    assert Clock(True, "America/New_York").span(one) == (10 * DAY, 20 * DAY)
    assert [time * 24 // DAY for time in Clock(False, "America/New_York").span(one)] == [10 * 24 + 5, 20 * 24 + 5]


def file(text, tmp_path):
    path = tmp_path / "sp.csv"
    path.write_text(text)
    return str(path)


def test_files_are_read_as_users_have_them(tmp_path):
    text = (
        '\ufeffSymbol,Security,GICS Sector,GICS Sub-Industry,"Headquarters, Location",Date added,CIK\n'
        'BRK.B,Berkshire,FINANCIALS,Multi-Sector Holdings,"Omaha, Nebraska",2010-02-16,1\n'
        'BRK.B,Berkshire,FINANCIALS,Multi-Sector Holdings,"Omaha, Nebraska",2010-02-16,1\n'
        "NA,No Answer,,,,,\n\n"
    )
    known = read_constituents(file(text, tmp_path))
    assert dict(known.members) == {"BRK.B": [Membership("Financials", 14656)], "NA": [Membership("No sector")]}


@pytest.mark.parametrize("mark", [";", "\t"])
@pytest.mark.parametrize("added", ["Date first added", "added", "Date-Added"])
def test_other_marks_between_fields_and_names_of_days(tmp_path, mark, added):
    text = f"Ticker,Sector,{added},Removed\nAA,Energy,2020-01-01,2021-01-01\n".replace(",", mark)
    assert dict(read_constituents(file(text, tmp_path)).members) == {"AA": [Membership("Energy", 18262, 18628)]}


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_file_that_is_not_utf_8_is_told_what_to_be(tmp_path, encoding):
    path = tmp_path / "sp.csv"
    path.write_bytes("symbol,sector\nAA,Énergie\n".encode(encoding))
    with pytest.raises(InputError, match=r"is no text in UTF-8; save it as that, in Excel as `CSV UTF-8"):
        read_constituents(str(path), any_sector=True)
    path.write_bytes("symbol,sector\nAA,Énergie\n".encode("utf-8-sig"))
    assert read_constituents(str(path), any_sector=True).members["AA"] == [Membership("Énergie")]


ONE = "symbol,gics_sector,date_added,date_removed\nAA,Energy,,\n"
LINE = ["Energy"]
CASES = {
    "market/options.py:constituents_of": Case(
        [], "give a CSV file with columns", [["--constituents", "sp.csv"]], bars=ONE
    ),
    "market/constituents.py:_sector": Case(
        ["--constituents", "sp.csv"], "write one of them, or take any names by --any-sector",
        [["--constituents", "sp.csv", "--any-sector"]], ["Oil"], bars=ONE.replace("Energy", "Oil"),
    ),
    "market/constituents.py:_sector corrected": Case(
        ["--constituents", "sp.csv"], "line 2: 'Oil' is no sector of GICS: Communication",
        [["--constituents", "sp.csv"]], bars=ONE.replace("Energy", "Oil"), cured=ONE,
    ),
    "market/companies.py:companies": Case(
        ["--constituents", "none.csv"], "give a CSV file whose first line names its columns, one of them symbol",
        [["--constituents", "sp.csv"]], bars=ONE,
    ),
    "market/constituents.py:read_constituents": Case(
        ["--constituents", "sp.csv"], "give a file with a line for each", [["--constituents", "sp.csv"]],
        bars="symbol,gics_sector\n", cured=ONE,
    ),
    "market/companies.py:_lines nameless": Case(
        ["--constituents", "sp.csv"], "line 3: has no symbol; give each", [["--constituents", "sp.csv"]],
        bars=f"{ONE},Energy,,\n", cured=ONE,
    ),
    "market/companies.py:_lines longer": Case(
        ["--constituents", "sp.csv", "--any-sector"], "line 2: has 5 fields, more than the first line's 4; put quotes",
        [["--constituents", "sp.csv"]], bars="symbol,security,gics_sector,x\nAA,A, Inc.,Energy,1\n",
        cured='symbol,security,gics_sector,x\nAA,"A, Inc.",Energy,1\n',
    ),
    "market/companies.py:companies of quotes": Case(
        ["--constituents", "sp.csv", "--any-sector"], "unexpected end of data", [["--constituents", "sp.csv"]],
        bars=f'{ONE}BB,"Energy,,\nCC,Energy,,\n', cured=ONE,
    ),
    "market/constituents.py:_columns": Case(
        ["--constituents", "sp.csv"], "has a column 'end_date', which may say from when or until when a symbol is in",
        [["--constituents", "sp.csv"]], bars=ONE.replace("date_removed", "End date"), cured=ONE,
    ),
    "market/companies.py:refuse_twice": Case(
        ["--constituents", "sp.csv"], "has two columns 'symbol'; leave one, or call it otherwise",
        [["--constituents", "sp.csv"]], bars=ONE.replace("date_added", "Symbol"), cured=ONE,
    ),
    "market/companies.py:column_of": Case(
        ["--constituents", "sp.csv"], "has no column 'gics_sector'; its columns are symbol, industry; name one of them",
        [["--constituents", "sp.csv"]], bars="symbol,industry\nAA,Energy\n", cured=ONE,
    ),
    "market/constituents.py:_day": Case(
        ["--constituents", "sp.csv"], "'1 May' is no date; write e.g. 2018-09-24, or leave it blank",
        [["--constituents", "sp.csv"]], bars=ONE.replace(",,", ",1 May,"), cured=ONE,
    ),
    "market/constituents.py:_in_order": Case(
        ["--constituents", "sp.csv"], "two lines from one day on, Energy and Utilities; give each the date_added",
        [["--constituents", "sp.csv"]], bars=f"{ONE}AA,Utilities,,\n", cured=f"{ONE}AA,Utilities,2030-01-01,\n",
    ),
    "market/constituents.py:_in_order removed": Case(
        ["--constituents", "sp.csv"], "correct its date_removed, or leave it blank", [["--constituents", "sp.csv"]],
        bars=ONE.replace(",,", ",2020-01-02,2020-01-02"), cured=ONE,
    ),
    "market/sectors.py:parse_windows": Case(
        ["--constituents", "sp.csv", "--averages", "0"], "give e.g. 50,200", [["--constituents", "sp.csv"]], bars=ONE
    ),
    "market/sectors.py:parse_windows of volatility": Case(
        ["--constituents", "sp.csv", "--volatility", "1"], "give e.g. 20", [["--constituents", "sp.csv"]], bars=ONE
    ),
    "market/sectors.py:parse_windows twice": Case(
        ["--constituents", "sp.csv", "--averages", "50,50"], "each once; give", [["--constituents", "sp.csv"]], bars=ONE
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_cure_of_a_message_ends_well_and_is_right(run_job, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    Path("sp.csv").write_text(case.bars)
    Path("bars.csv").write_text("symbol,timestamp,close,volume\nAA,2020-01-01,10,5\nAA,2020-01-02,11,5\n")
    failed = run_job("-q", *case.fails, "bars.csv", job=Sectors)
    assert failed.status in (1, 2) and failed.out == b"" and case.says in failed.err, failed.err
    Path("sp.csv").write_text(case.cured or case.bars)
    right = case.right if isinstance(case.right, list) and len(case.right) == 1 else LINE
    for cure in case.cures:
        ran = run_job("-q", *cure, "bars.csv", job=Sectors)
        levels = [line.split("\t")[:5] for line in ran.out.decode().splitlines()]
        expected = [(sector, *its) for sector in right for its in (("2020-01-01", "100.0"), ("2020-01-02", "110.0"))]
        assert ran.status == 0, ran.err
        assert [(line[0], line[1], line[4]) for line in levels] == [
            (sector, day, level if level == "100.0" else "110.00000000000001") for sector, day, level in expected
        ]


def test_weights_beyond_what_sums_hold_are_refused(run_job, tmp_path):
    """The error of market/sectors.py:_values."""
    path, companies = tmp_path / "bars.csv", file(ONE, tmp_path)
    path.write_text("symbol,timestamp,close,volume\nAA,2020-01-01,1000,1e13\nAA,2020-01-02,1100,5\n")
    failed = run_job("-q", "--constituents", companies, path, job=Sectors)
    assert failed.status == 1 and "scale volumes, of all inputs alike, e.g. --scale volume=1e-6" in failed.err
    assert run_job("-q", "--constituents", companies, "--scale", "volume=1e-6", path, job=Sectors).status == 0


def test_unadjusted_prices_are_noted(run_job, tmp_path):
    """The note of market/options.py:notes_of."""
    path, companies = tmp_path / "bars.csv", file(ONE, tmp_path)
    path.write_text("symbol,timestamp,close,adj_close,volume\nAA,2020-01-01,10,5,5\nAA,2020-01-02,5,5,5\n")
    ran = run_job("--constituents", companies, path, job=Sectors)
    assert "returns are of unadjusted prices, where a split is a loss; use --column adj_close" in ran.err
    cured = run_job("--constituents", companies, "--column", "adj_close", path, job=Sectors)
    assert "unadjusted" not in cured.err and b"\t0.0\t" in cured.out
    assert run_job("-q", "--constituents", companies, "--adjusted", path, job=Sectors).out == cured.out


def test_without_volumes_there_is_the_equal_index_alone(run_job, market, output, tmp_path):
    folder, bars, _ = market
    bars.drop(columns="volume").to_csv(tmp_path / "bars.csv", index=False)
    how = ["-q", "--constituents", folder / "sp.csv", *OPTIONS]
    failed = run_job(*how, tmp_path / "bars.csv", job=Sectors)
    assert failed.status == 1 and "leave out the index by volume with --equal, or if it is there" in failed.err
    assert run_job(*how, "--equal", "-o", tmp_path / "out", tmp_path / "bars.csv", job=Sectors).status == 0
    found, whole = read_output(tmp_path / "out"), read_output(output)
    pd.testing.assert_frame_equal(found, whole[[name for name in whole if not name.startswith("volume")]])
