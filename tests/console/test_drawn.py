"""How far jobs are, as a terminal shows it: each runs in a process of its own on one."""

import re

import pytest

from tests.conftest import ROOT
from tests.console.terminal import AT_ONCE, run

pytestmark = pytest.mark.processes

BARS_CSV = ROOT / "data" / "bars.csv"
SUMMARY = ["1,250 bars of 5 symbols -> 1,155 lines", "  bars            1,250"]
MOVING = ("moving-average", "--window", "20", BARS_CSV)


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_the_bars_shown_at_the_end_are_those_that_were_read(runner):
    ran = run(*MOVING, "-r", runner)
    assert ran.status == 0 and len(ran.out.splitlines()) == 1155, ran.drawn
    last = {one.split()[0]: one for one in ran.pictures}
    assert re.search(r"100%  1,250 bars ", last["map"]) and re.search(r"100%  1,250 of 1,250 bars ", last["reduce"])
    assert ran.screen[:2] == SUMMARY and re.fullmatch(r"  took +\d+\.\d s, [\d,]+ bars/s", ran.screen[-1])


@pytest.mark.parametrize("options", [["-r", "inline"], ["-r", "local", "--shards", "3"], ["--resample", "1w"]])
def test_a_sweep_is_shown_by_pairs_and_bars(options):
    ran = run("sweep", "--fast", "ema:5..7", "--slow", "ema:21,22", *options, BARS_CSV)
    assert ran.status == 0, ran.drawn
    last = [one for one in ran.pictures if "pairs x bars" in one][-1]
    assert "100%" in last
    assert ("--resample" in options) != (f"{6 * 1250:,} pairs x bars" in last), last


def test_a_job_of_two_steps_says_where_it_is():
    ran = run("sweep", "--fast", "ema:5..7", "--slow", "ema:21,22", "--best", BARS_CSV)
    stages = list(dict.fromkeys(one.partition(" [")[0].partition("  ")[0] for one in ran.pictures))
    assert stages == [f"step {step} of 2, {kind}" for step in (1, 2) for kind in ("map", "reduce")]
    assert re.search(r"100%  (\d+) of \1 lines", ran.pictures[-1])


def test_short_jobs_show_nothing_but_their_summary():
    ran = run(*MOVING, at_once=False)
    assert ran.status == 0 and ran.pictures == [] and "\x1b" not in ran.drawn and ran.screen[:2] == SUMMARY


@pytest.mark.parametrize(
    ("options", "variables"), [(["--quiet"], {}), (["-v"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})]
)
def test_it_can_be_turned_off(options, variables):
    ran = run(*MOVING, *options, **variables)
    assert ran.status == 0 and "\x1b" not in ran.drawn


@pytest.mark.parametrize("columns", [12, 30, 50, 200])
def test_it_fits_any_terminal(columns):
    ran = run(*MOVING, columns=columns)
    assert ran.pictures and max(map(len, ran.pictures)) < columns
    assert ran.screen[:2] == SUMMARY


#: A job that takes so long that it can be interrupted.
SLOW = AT_ONCE + (
    "import time; from windrow.cli import main; from windrow.mapreduce.registry import find_jobs, job_class; "
    "job = job_class(find_jobs()['moving-average']); "
    "job.reduce_bars = lambda self, stretches: (time.sleep(60) for one in stretches if self.show('') is None); "
    "sys.exit(main(sys.argv[1:]))"
)


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_ctrl_c_leaves_the_terminal_clean(runner):
    ran = run(*MOVING, "-r", runner, program=SLOW, interrupted_at=b"reduce")
    assert ran.status == 130 and ran.screen == ["stopped; nothing was written"], ran.drawn
    assert ran.drawn.endswith("\r\x1b[Kstopped; nothing was written\r\n")


def test_an_error_is_a_line_of_its_own(tmp_path):
    (tmp_path / "bars.csv").write_text("symbol,timestamp,close\nA,2023-01-02,1\nA,2023-01-02,2\n")
    ran = run("moving-average", "--window", "1", tmp_path / "bars.csv")
    assert ran.status == 1 and ran.pictures and [line[:19] for line in ran.screen] == ["error: 1 conflict, d"[:19]]
