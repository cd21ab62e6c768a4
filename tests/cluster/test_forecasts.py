"""Forecasts under Hadoop Streaming: a model a symbol, and one global model in rounds; the same bits as here."""

import json

import pytest

from tests.cluster.conftest import ROOT
from tests.jobs.test_forecast import FAST, lines, weights
from tests.learn.series import write

pytestmark = pytest.mark.learn


@pytest.mark.parametrize("way", [[], ["--global"]], ids=["a model a symbol", "global"])
def test_forecasts_have_the_bits_of_a_run_here(on_hadoop, run_module, tmp_path, way):
    bars = write(tmp_path / "bars.csv", {"BRK/B": "ar", "AA": "rw"}, 200)
    here = run_module("jobs.forecast", *FAST, *way, "-o", tmp_path / "here", bars, cwd=ROOT)
    assert here.status == 0, here.err
    ran = on_hadoop(*FAST, *way, "-o", f"file://{tmp_path}/there", bars, job="jobs.forecast")
    assert ran.status == 0, ran.err
    assert lines(tmp_path / "there") == lines(tmp_path / "here") != []
    assert weights(tmp_path / "there") == weights(tmp_path / "here")
    told = [json.loads(line) for line in (tmp_path / "there/part-00000-times").read_text().splitlines()]
    assert len([one for one in told if "round" in one]) == (4 if way else 0)


def test_what_stops_a_task_is_told(on_hadoop):
    bars = ["--column", "close", "--features", "close", ROOT / "data/bars.csv"]
    ran = on_hadoop(*FAST, "--session", "09:30-16:00", *bars, job="jobs.forecast")
    assert ran.status == 2 and ran.err.startswith("error: --session 09:30-16:00: the bars have dates"), ran.err


def test_that_no_symbol_is_left_is_told(on_hadoop, tmp_path):
    bars = write(tmp_path / "bars.csv", {"AA": "rw"}, 20)
    ran = on_hadoop(*FAST, "--length", "40", bars, job="jobs.forecast")
    assert ran.status == 1 and ran.err.startswith("error: no symbol: has sequences of 40 bars and the one"), ran.err
