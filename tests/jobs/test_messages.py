"""What a job says of rows that are no bars: an example of each reason, the cure that is right, and not too much."""

import re

import pytest

from windrow.errors import LONGEST, InputError

START = 1_673_524_800


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_examples_reach_the_submitter_from_any_task(run_job, tmp_path, runner):
    rows = [f"A,2023-{month:02}-{day:02},1" for month in (1, 3, 5) for day in range(1, 32)] * 2000
    rows[100_000:100_000] = ["A,01/03/2023,1"] * 900 + ["A,2023-01-04,?"] * 900
    (tmp_path / "a.csv").write_text("\n".join(["symbol,date,close", *rows, ""]))
    ran = run_job("-r", runner, "--window", "1", tmp_path / "a.csv")
    assert (ran.status, ran.out) == (1, b"") and ran.err.startswith(f"error: {tmp_path}/a.csv: 1,800 of 187,800 rows")
    assert "900 time (the time does not parse: '01/03/2023' in column 'date', expected a time as 2023" in ran.err
    assert "900 number (a value is not a number: '?' in column 'close', expected a number as 1234.5)" in ran.err


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_half_of_another_unit_than_was_asked_for(run_job, tmp_path, runner, kind):
    import pandas as pd

    path, counts = tmp_path / f"a.{kind}", [(START + at) * (1000 if at < 50 else 10**6) for at in range(100)]
    frame = pd.DataFrame({"time": counts, "close": 1.5})
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    asked = ["-r", runner, "--symbol", "X", "--window", "1", path]
    ran = run_job("--time-unit", "ms", *asked)
    assert ran.status == 1 and "50 of 100 rows are invalid" in ran.err
    assert ran.err.endswith(
        "microseconds, not milliseconds: leave out --time-unit, and each is read by its magnitude\n"
    )
    ran = run_job(*asked)
    assert ran.status == 0 and len(ran.lines) == 100 and ran.lines[99] == b"X\t2023-01-12T12:01:39Z\t1.5"


def test_a_line_that_is_too_long_is_shown_in_part(run_job, tmp_path):
    (tmp_path / "a.csv").write_text("time,close\n2023-01-02,1\n2023-01-03," + "7" * (20 << 20) + "\n")
    ran = run_job("--symbol", "X", "--window", "1", tmp_path / "a.csv")
    assert ran.status == 1 and "1 long (longer than 1 MiB: '2023-01-03,7777" in ran.err and len(ran.err) < 1000


def test_a_number_among_times_is_no_reason_for_a_unit(run_job, tmp_path):
    (tmp_path / "a.csv").write_text("time,close\n2023-01-02,1\n" * 3 + "86400,1\n")
    ran = run_job("--symbol", "X", "--window", "1", tmp_path / "a.csv")
    assert "'86400' in column 'time', expected a time as" in ran.err and ran.err.endswith("or raise --max-bad\n")


def test_counts_of_which_some_are_of_other_years(run_job, tmp_path):
    rows = [f"{(3650 + 40 * number) * 86_400},1" for number in range(400)]
    (tmp_path / "a.csv").write_text("\n".join(["time,close", *rows, ""]))
    asked = ["--symbol", "X", "--window", "1", tmp_path / "a.csv"]
    ran = run_job(*asked)
    assert ran.status == 1 and ran.err.endswith("in no unit times of 1990 to 2100: give theirs with --time-unit\n")
    assert len(run_job("--time-unit", "s", *asked).lines) == 400


@pytest.mark.parametrize("text", ["[" + '{"time":1,"close":2},' * 40_000 + "]\n", "\x1b\u2028" * 150_000 + "\n1,2\n"])
def test_no_message_is_longer_than_a_thousand_characters(run_job, tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    ran = run_job("--symbol", "X", tmp_path / "a.csv")
    assert ran.status == 1 and len(ran.err) <= 1000 and ran.err.count("\n") == 1
    assert ran.err.startswith(f"error: {tmp_path}/a.csv: ") and re.search("--columns|end in .json,", ran.err)


def test_a_message_keeps_its_beginning_and_its_cure():
    error = InputError(f"a.csv: {'x' * 2_000_000}; leave it out")
    assert len(str(error)) <= LONGEST and str(error).startswith("a.csv: xxx") and str(error).endswith("x; leave it out")
    assert str(InputError("short")) == "short"
