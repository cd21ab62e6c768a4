"""Following the cure of each error of `windrow catalog-growth` ends well.

Followed here: catalog/growth/options.py:asked_of, catalog/growth/options.py:notes_of,
catalog/growth/grammar.py:parse_alerts, catalog/growth/grammar.py:_parsed, catalog/growth/grammar.py:_refused,
catalog/growth/options.py:tell, windows/growth.py:_negative, windows/trend.py:theil_sen, pages/catalog/lake.py:_alerts.
"""

from datetime import date, timedelta

import pytest

from jobs.catalog_growth import CatalogGrowth
from windrow.catalog import snapshots
from windrow.cli import main
from windrow.frames.outputs import read_output

DAY = date(2026, 11, 30)

ROWS = "\n".join(
    ["symbol,snapshot,bytes,totalfilesons3,cost", *(f"a,2026-11-{day},{day},1,-1" for day in range(10, 31))]
)
MINUTES = ["symbol,timestamp,close,volume", *(f"a,2026-11-30T{at // 60:02}:{at % 60:02}:00Z,1,1" for at in range(1001))]


@pytest.mark.parametrize(
    ("wrong", "told", "cured"),
    [
        (["--window", "1d"], "give a span in that range", ["--window", "7d"]),
        (["--window", "181d"], "give a span in that range", ["--window", "180d"]),
        (["--limit", "1T"], "give e.g. 1TB or 1TiB", ["--limit", "1TB"]),
        (["--small-files", "32M"], "give e.g. 1TB or 1TiB", ["--small-files", "32MiB"]),
        (["--alert", "size"], "give e.g. size>1TB", ["--alert", "size>1TB"]),
        (["--alert", "growth>20%"], "give e.g. growth>20%/7d", ["--alert", "growth>20%/7d"]),
        (["--alert", "growth>20/7d"], "or per cent, e.g. growth>20%/7d", ["--alert", "growth>20%/7d"]),
        (["--alert", "size>1B", "--alert", "size>1B"], "give each alert once", ["--alert", "size>1B"]),
        (["--alert", "stale>1d"], "leave out alerts on stale, or", ["--alert", "size>1B"]),
        (["--alert", "stale>1d"], "--rename NAME=stale_days", ["--alert", "stale>1d", "--rename", "cost=stale_days"]),
        (["--column", "cost"], "check that --column and --files-column", ["--column", "bytes"]),
        (["--column", "size"], "choose", ["--column", "bytes"]),
        (["--as-of", "today"], "give e.g. 2023-01-31", ["--as-of", "2026-11-30"]),
    ],
)  # fmt: skip
def test_following_a_cure_leads_to_the_growth(run_job, tmp_path, wrong, told, cured):
    (tmp_path / "a.csv").write_text(ROWS + "\n")
    failed = run_job(*wrong, tmp_path / "a.csv", job=CatalogGrowth)
    assert failed.status in (1, 2) and failed.out == b"" and told in failed.err
    ran = run_job(*cured, tmp_path / "a.csv", job=CatalogGrowth)
    assert ran.status == 0 and len(ran.lines) == 21
    assert ran.lines[-1].split(b"\t")[2] == b"30.0"


def test_the_cure_of_a_last_day_that_is_not_known(run_job, tmp_path):
    (tmp_path / "a.csv").write_text(ROWS + "\n")
    noted = run_job(tmp_path / "a.csv", job=CatalogGrowth)
    assert "no table is taken to be gone; give it by --as-of DAY" in noted.err
    cured = run_job("--as-of", "2026-11-30", tmp_path / "a.csv", job=CatalogGrowth)
    assert "as-of" not in cured.err and cured.out == noted.out


def test_the_cure_of_too_many_points_of_a_trend(run_job, tmp_path):
    (tmp_path / "a.csv").write_text("\n".join([*MINUTES, ""]))
    how = ["--column", "close", "--files-column", "volume"]
    failed = run_job(*how, tmp_path / "a.csv", job=CatalogGrowth)
    assert failed.status == 1 and "or sparser bars, e.g. by --resample 1d" in failed.err
    ran = run_job(*how, "--resample", "1d", tmp_path / "a.csv", job=CatalogGrowth)
    assert ran.status == 0 and len(ran.lines) == 1


def test_the_cure_of_a_report_with_what_is_no_growth(tmp_path, capsys):
    """pages/catalog/lake.py:_alerts."""
    place = tmp_path / "metrics"
    row = {"account": "1", "region": "eu-west-1", "databasename": "sales", "collected_at": None, "run": "1"}
    table = {**row, "tablename": "orders", "symbol": "1/eu-west-1/sales.orders", "bytes": 5, "totalfilesons3": 1}
    snapshots.write(str(place), DAY, [row], [table], snapshots.begin(str(place), DAY))
    page = ["catalog", "report", str(place), "-o", str(tmp_path / "page.html"), "--growth"]
    assert main([*page, str(place)]) == 1
    assert "is no output of windrow catalog-growth; give the directory that its -o named" in capsys.readouterr().err
    assert main(["catalog-growth", "--alert", "size>1B", "-o", str(tmp_path / "growth"), str(place)]) == 0
    assert main([*page, str(tmp_path / "growth")]) == 0
    assert "size>1B" in (tmp_path / "page.html").read_text()


def test_a_table_above_a_petabyte_is_not_left_out_without_a_word_and_the_cure_has_it(run_job, tmp_path):
    """One row of a thousand may be invalid, and the largest table is just one."""
    small = [f"t{number},2026-11-30,1000,1" for number in range(2000)]
    rows = ["symbol,snapshot,bytes,totalfilesons3", *small, "whale,2026-11-30,2000000000000000,1", ""]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    how = ["--quiet", "--as-of", "2026-11-30", tmp_path / "a.csv"]
    left = run_job("--alert", "size>1PB", *how, job=CatalogGrowth)
    assert left.status == 0 and len(left.lines) == 2000
    assert left.err.startswith(
        "warning: 1 row has a size above 1e15, a petabyte, and was left out, so that the largest"
    )
    assert "give --scale bytes=1e-3, by which sizes are written in kilobytes; those of --limit," in left.err
    asked = ["--alert", "size>1PB", "--alert", "size>2.1PB", "--limit", "3PB", "--scale", "bytes=1e-3"]
    cured = run_job(*asked, "-o", tmp_path / "out", *how, job=CatalogGrowth)
    assert cured.status == 0 and cured.err == "alert: size>1PB: 1 table: whale\n"
    assert (tmp_path / "out/part-00000-alerts").read_text() == "whale\t2026-11-30\t2000000000000000.0\tsize>1PB\n"
    found = read_output(tmp_path / "out")
    assert len(found) == 2001 and found["bytes"].max() == 2e12


def test_limits_and_growth_are_bytes_whatever_sizes_are_written_in(run_job, tmp_path):
    rows = [f"a,{DAY - timedelta(39 - day)},{(1000 + 10 * day) * 10**12},1" for day in range(40)]
    (tmp_path / "a.csv").write_text("\n".join(["symbol,snapshot,bytes,totalfilesons3", *rows, ""]))
    asked = ["-q", "--limit", "2PB", "--alert", "growth>60TB/7d", "--alert", "growth>90TB/7d"]
    ran = run_job(*asked, "--scale", "bytes=1e-3", "-o", tmp_path / "out", tmp_path / "a.csv", job=CatalogGrowth)
    assert ran.status == 0 and ran.err == "alert: growth>60TB/7d: 1 table: a\n"
    assert (tmp_path / "out/part-00000-alerts").read_text() == "a\t2026-11-30\t70000000000000.0\tgrowth>60TB/7d\n"
    assert read_output(tmp_path / "out")["days_to_limit"].iloc[-1] == pytest.approx(61)
