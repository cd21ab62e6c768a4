"""Every rejected line, with file, reason and text; nothing else."""

import json
import os

import pytest

from jobs.rejects import Rejects

LINES = {
    b"AA,2020-01-02,x": "number",
    b"AA,2020-01-03,inf": "infinite",
    b"AA,2020-13-03,1": "time",
    b"\xff,2020-01-03,4": "utf8",
    b'"AA,2020-01-03,4': "quote",
    b"AA,2020-01-03": "fields",
    b"AA,,4": "missing",
    b"AA,2020-01-03,nan": "missing",
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
    assert ran.err.splitlines()[-1] == "7 of 11 rows are invalid; 2 rows lack a needed value"


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


def test_no_rejected_line_is_no_output_and_the_demanded_form_is_told(run_job, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nAA,2020-01-01,1\n")
    ran = run_job(bars, job=Rejects)
    form = f"note: {bars}: expected a time as 2023-01-31 or 2023-01-31T09:30, a number as 1234.5\n"
    assert (ran.status, ran.out, ran.err) == (0, b"", f"{form}0 of 1 rows are invalid\n")
    rows = "".join(f"AA;{day}/01/2023;1.000,{day}\n" for day in range(1, 31))
    bars.write_text(f"symbol;date;close\n{rows}AA;31/01/2023;x\n")
    ran = run_job(bars, job=Rejects)
    assert f"note: {bars}: expected a time as dd/mm/yyyy, a number as 1.234,5\n" in ran.err
    assert json.loads(ran.out)["text"] == "AA;31/01/2023;x" and run_job("-q", bars, job=Rejects).err == ""


def test_an_output_directory_holds_the_lines(run_job, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,x\n")
    assert run_job("-o", tmp_path / "out", bars, job=Rejects).status == 0
    (line,) = (tmp_path / "out" / "part-00000").read_text().splitlines()
    assert json.loads(line)["reason"] == "number"


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_name_that_is_not_utf8(run_job, tmp_path, runner):
    bars = tmp_path / os.fsdecode(b"b\xff.csv")
    bars.write_text("symbol,timestamp,close\nAA,2020-01-02,x\n")
    (line,) = run_job("-r", runner, bars, job=Rejects).lines
    assert json.loads(line) == {"file": f"{tmp_path}/b\\xff.csv", "reason": "number", "text": "AA,2020-01-02,x"}
    damaged = tmp_path / os.fsdecode(b"b\xff.csv.gz")
    damaged.write_bytes(b"\x1f\x8b\x08\x00cut")
    assert f"{tmp_path}/b\\udcff.csv.gz: is truncated or damaged" in run_job("-r", runner, damaged, job=Rejects).err
