"""Forms that must not be misread, and files that must not be refused for what is around their rows."""

import pandas as pd
import pytest

TWICE = "date,open,high\n2023-01-02,1,2\n2023-01-03,1,2\ndate,close\n2023-01-04,5\n"


def run(run_job, path, *options):
    return run_job("-q", "--window", "1", "--symbol", "X", *options, path)


@pytest.mark.parametrize(
    ("option", "line"), [(["--decimal", ","], b"X\t2023-01-02\t1234.0"), ([], b"X\t2023-01-02\t1.234")]
)
def test_a_decimal_mark_that_is_asked_for_is_heard_beside_commas(run_job, tmp_path, option, line):
    (tmp_path / "a.csv").write_text("date,close\n2023-01-02,1.234\n")
    assert run(run_job, tmp_path / "a.csv", *option).lines == [line]


def test_a_decimal_mark_that_fits_no_row_is_not_ignored(run_job, tmp_path):
    (tmp_path / "a.csv").write_text("date,close\n2023-01-02,1.5\n2023-01-03,2.25\n")
    ran = run(run_job, tmp_path / "a.csv", "--decimal", ",")
    assert ran.status == 1 and "all invalid: 2 number" in ran.err


def test_rows_of_another_table_are_no_preamble(run_job, tmp_path):
    (tmp_path / "a.csv").write_text(TWICE)
    ran = run(run_job, tmp_path / "a.csv")
    assert ran.status == 1 and "has no column 'close'; its columns are date, open, high" in ran.err


def test_a_mark_before_a_short_file_in_another_form(run_job, tmp_path):
    (tmp_path / "a.csv").write_bytes('\ufeff"Date","Price"\n"01/17/2023","1,037.25"\n'.encode())
    assert run(run_job, tmp_path / "a.csv").lines == [b"X\t2023-01-17\t1037.25"]


@pytest.mark.parametrize("text", ["--5", "+-5", "-$-5", "$--5"])
def test_two_signs_are_no_number(run_job, tmp_path, text):
    rows = [f"2023-01-{day:02},${day}.5" for day in range(1, 29)]
    (tmp_path / "a.csv").write_text("\n".join(["date,close", *rows, f"2023-02-01,{text}", ""]))
    ran = run(run_job, tmp_path / "a.csv", "--max-bad", "0.1")
    assert (ran.status, len(ran.lines)) == (0, 28), ran.err


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_counts_whose_unit_changes_after_what_is_sampled(run_job, tmp_path, runner):
    """Microseconds, then milliseconds, which are 1970 where they are taken for the same: Binance in 2025, backwards."""
    begin = 1_735_689_600
    rows = [f"{(begin + 60 * row) * (10**6 if row < 9000 else 10**3)},{row + 1}" for row in range(9500)]
    (tmp_path / "a.csv").write_text("\n".join(["time,close", *rows, ""]))
    ran = run(run_job, tmp_path / "a.csv", "-r", runner)
    times = pd.to_datetime([begin + 60 * row for row in range(9500)], unit="s").strftime("%Y-%m-%dT%H:%M:%SZ")
    expected = [f"X\t{time}\t{row + 1}.0".encode() for row, time in enumerate(times)]
    assert (ran.status, ran.lines) == (0, sorted(expected)), ran.err
    asked = run(run_job, tmp_path / "a.csv", "-r", runner, "--time-unit", "us")
    assert asked.status == 1 and asked.out == b"" and "its times jump from 1970-01-21T" in asked.err
