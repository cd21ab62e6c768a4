"""A job whose reducers write lines of their own, not a kernel's columns."""

import pytest

from sort_keys.merge import by_symbol
from windrow.mapreduce.barjob import BarJob

BARS = "symbol,timestamp,close\n" + "".join(f"{s},2020-01-0{day},{day}\n" for s in ("B", "A", "é") for day in (3, 1, 2))


class Ranges(BarJob):
    """SYMBOL, its number of bars, its first and last close."""

    def columns(self):
        return ["close"]

    def reduce_bars(self, stretches):
        for symbol, pieces in by_symbol(stretches):
            closes = [close for piece in pieces for close in piece.values[0].tolist()]
            yield b"%b\t%d\t%g\t%g\n" % (symbol, len(closes), closes[0], closes[-1])


@pytest.mark.parametrize("options", [(), ("--block-bars", "1"), ("-D", "mapreduce.job.reduces=3")])
def test_its_lines_are_the_output_and_are_counted(run_job, tmp_path, options):
    bars = tmp_path / "bars.csv"
    bars.write_text(BARS)
    ran = run_job(*options, bars, job=Ranges)
    assert ran.status == 0
    assert ran.lines == [b"A\t3\t1\t3", b"B\t3\t1\t3", "é\t3\t1\t3".encode()]
    assert "9 bars of 3 symbols -> 3 lines" in ran.err


def test_it_has_no_slices(run_job, tmp_path):
    ran = run_job("--slices", "1d", tmp_path, job=Ranges)
    assert (ran.status, ran.out) == (2, b"")
    assert "--slices: does not apply to this job; leave it out" in ran.err


def test_it_is_no_table_for_parquet(run_job, tmp_path):
    ran = run_job("--output-format", "parquet", "-o", tmp_path / "out", tmp_path, job=Ranges)
    assert (ran.status, ran.out) == (2, b"")
    assert "this job's output is not a table of values" in ran.err
