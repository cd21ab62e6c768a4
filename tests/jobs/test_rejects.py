"""Every rejected line, with file, reason and text; nothing else."""

import json

import pytest

from jobs.rejects import Rejects

LINES = {
    b"AA,2020-01-02,x": "number",
    b"AA,2020-01-03,nan": "nan",
    b"AA,2020-13-03,1": "time",
    b"\xff,2020-01-03,4": "utf8",
    b'"AA,2020-01-03,4': "quote",
    b"AA,2020-01-03": "fields",
    b"AA,,4": "missing",
    b"AA,2020-01-03,1e16": "range",
}


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_each_rejected_line_with_file_reason_and_text(run_job, tmp_path, runner):
    bars = tmp_path / "bars.csv"
    bars.write_bytes(b"\n".join([b"symbol,timestamp,close", b"AA,2020-01-01,1", *LINES, b"AA,2020-01-05,1"]) + b"\n")
    ran = run_job("-r", runner, bars, job=Rejects)
    told = [json.loads(line) for line in ran.lines]
    assert ran.status == 0
    assert {line["file"] for line in told} == {str(bars)}
    expected = {line.decode(errors="backslashreplace"): reason for line, reason in LINES.items()}
    assert {line["text"]: line["reason"] for line in told} == expected
    assert "8 of 10 rows are invalid" in ran.err


def test_a_long_line_is_cut_at_1_kib(run_job, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nAA,2020-01-01,1\n" + "x" * (2 << 20) + "\n")
    (line,) = run_job(bars, job=Rejects).lines
    assert json.loads(line) == {"file": str(bars), "reason": "long", "text": "x" * 1024}


def test_another_column_rejects_other_lines(run_job, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,open,close\nAA,2020-01-01,,1\nAA,2020-01-02,2,\n")
    ran = run_job("--column", "open", bars, job=Rejects)
    assert [json.loads(line)["text"] for line in ran.lines] == ["AA,2020-01-01,,1"]


def test_no_rejected_line_is_no_output_and_no_complaint(run_job, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nAA,2020-01-01,1\n")
    ran = run_job(bars, job=Rejects)
    assert (ran.status, ran.out, ran.err) == (0, b"", "0 of 1 rows are invalid\n")


def test_an_output_directory_holds_the_lines(run_job, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,x\n")
    assert run_job("-o", tmp_path / "out", bars, job=Rejects).status == 0
    (line,) = (tmp_path / "out" / "part-00000").read_text().splitlines()
    assert json.loads(line)["reason"] == "number"
