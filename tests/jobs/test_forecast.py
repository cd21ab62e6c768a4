"""The job that forecasts: the same bytes whatever the runner and the reducers, models applied, what is refused."""

import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

import windrow
from jobs.forecast import Forecast
from tests.conftest import ROOT
from tests.learn.series import made, rows, write
from windrow.learn.models import load
from windrow.sinks.forecasts import read_models

pytestmark = pytest.mark.learn

FAST = ["-q", "--hidden", "4", "--epochs", "2", "--length", "5", "--points", "3"]
SYMBOLS = {"BRK/B": "ar", "AA": "rw", "Z|<b>": "ar"}


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    return write(tmp_path_factory.mktemp("bars") / "bars.csv", SYMBOLS, 300)


def told(out):
    return {symbol: json.loads(line) for symbol, _, line in (one.partition("\t") for one in out.decode().splitlines())}


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    """Runs the job in a process of its own, for forks must not have jax's threads."""

    def run(*args):
        command = [sys.executable, "-m", "jobs.forecast", *FAST, *map(str, args)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done

    return run


@pytest.fixture(scope="module")
def alone(forecast, bars, tmp_path_factory):
    """The output, inline, of a model a symbol."""
    out = tmp_path_factory.mktemp("alone") / "out"
    forecast("-o", out, bars)
    return out


@pytest.fixture(scope="module")
def together(forecast, bars, tmp_path_factory):
    """The output, inline, of one global model."""
    out = tmp_path_factory.mktemp("together") / "out"
    forecast("--global", "-o", out, bars)
    return out


def lines(out):
    return sorted(line for part in out.glob("part-*[0-9]") for line in part.read_bytes().splitlines())


def weights(out):
    return {
        symbol: {name: one.tobytes() for name, one in model.weights.items()}
        for symbol, model in read_models(str(out)).items()
    }


def test_a_line_has_what_the_page_draws(alone):
    found = told(b"\n".join(lines(alone)))
    assert found.keys() == {"BRK/B", "AA", "Z|<b>"}
    one = found["AA"]
    assert one["way"] == "a model a symbol" and one["bars"] == 300
    assert len(one["loss"]) == len(one["validation"]) == 2
    assert set(one["errors"]) == {"network", "last", "drift", "ridge"} and set(one["against"]) == {
        "last",
        "drift",
        "ridge",
    }
    assert [len(one["points"][name]) for name in ("times", "truth", "forecast", "low", "high")] == [3] * 5
    assert one["points"]["times"][-1] == "2024-01-02T19:29:00Z" == one["next"]["after"]
    assert one["next"]["low"] < one["next"]["forecast"] < one["next"]["high"]
    _, values = made(300, "rw", 1)
    assert one["points"]["truth"] == [round(value, 6) for value in values[0][-3:]]
    assert one["sequences"] == {"train": 187, "calibrate": 43, "test": 55}


def test_what_is_beside_the_lines(alone):
    seconds = [json.loads(line) for line in (alone / "part-00000-times").read_text().splitlines()]
    assert seconds[0]["models"] == 3
    assert list(seconds[0]["seconds"]) == [
        "starting", "compiling", "fitting", "fitting_cpu", "forecasting", "waiting", "all"
    ]  # fmt: skip
    card = (alone / "part-00000-card.md").read_text()
    assert "| AA | 300 | 55 |" in card and "| Z%7C%3Cb%3E |" in card and "<b>" not in card and "Not for" in card


@pytest.mark.parametrize("options", [["--num-cores", "2"], ["-D", "mapreduce.job.reduces=5"]], ids=["two", "five"])
def test_any_number_of_reducers_gives_the_same_bits(forecast, bars, alone, tmp_path, options):
    forecast("-r", "local", *options, "--block-bars", "7", "-o", tmp_path / "out", bars)
    assert lines(tmp_path / "out") == lines(alone) and weights(tmp_path / "out") == weights(alone)


def test_a_symbol_s_model_does_not_depend_on_other_symbols(forecast, bars, alone):
    assert forecast("--symbols", "AA", bars).stdout.splitlines() == [line for line in lines(alone) if line[:2] == b"AA"]


def test_quiet_is_quiet(forecast, bars):
    assert forecast("--symbols", "AA", bars).stderr == b""


def test_a_global_model_has_the_same_bits_on_any_number_of_workers(forecast, bars, together, tmp_path):
    forecast("--global", "-r", "local", "-D", "mapreduce.job.reduces=3", "-o", tmp_path / "out", bars)
    assert lines(tmp_path / "out") == lines(together) and weights(tmp_path / "out") == weights(together)
    one, *others = weights(together).values()
    assert all(other == one for other in others)
    rounds = [json.loads(line) for line in (together / "part-00000-times").read_text().splitlines()]
    assert [(one["round"], one["share"]) for one in rounds[:-1]] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert not [path.name for path in together.iterdir() if "share" in path.name or "held" in path.name]


def test_one_share_is_one_model(forecast, bars):
    one, other = (forecast("--global", "--shares", "1", "--rounds", rounds, "--symbols", "AA", bars) for rounds in "12")
    assert [figures["errors"] for figures in told(one.stdout).values()] == [
        figures["errors"] for figures in told(other.stdout).values()
    ]


def test_a_model_says_the_same_again_when_it_is_applied(run_job, bars, alone, together):
    for out in (alone, together):
        applied = told(run_job("-q", "--points", "3", "--apply", out, bars, job=Forecast).out)
        trained = told(b"\n".join(lines(out)))
        for symbol, one in applied.items():
            assert one["way"] == "applied" and one["next"]["forecast"] == trained[symbol]["next"]["forecast"]
            assert one["points"]["forecast"] == trained[symbol]["points"]["forecast"]


def test_walks_are_told_one_by_one(forecast, bars):
    one = told(forecast("--walk-forward", "2", "--symbols", "AA", bars).stdout)["AA"]
    assert [walk["sequences"] for walk in one["walks"]] == [95, 95] and one["split"] == "walk-forward 2"
    assert one["direction"]["cases"] == pytest.approx(190, abs=2) and one["sequences"]["test"] == 95


def test_the_leak_and_averaged_levels_are_said(forecast, bars, run_job):
    leak = told(forecast("--split", "random", "--symbols", "AA", bars).stdout)["AA"]
    assert "so the test was seen in training, and its error is too small" in leak["notes"][0]
    levels = told(forecast("--target", "level", "--global", "--symbols", "AA", bars).stdout)["AA"]
    assert "1.04 to 1.95 x" in levels["notes"][0] and levels["scaled_mse"] is not None
    ran = run_job(*FAST[1:], "--split", "random", "--symbols", "AA", bars, job=Forecast)
    assert "note: the test part was chosen by chance" in ran.err


@pytest.mark.needs("keras")
def test_keras_files_forecast_the_same(forecast, bars, tmp_path):
    from windrow.learn.keras_models import keras

    forecast("--keras", "-o", tmp_path / "out", bars)
    with zipfile.ZipFile(tmp_path / "out/part-00000-keras.zip") as archive:
        assert archive.namelist() == ["AA.keras", "BRK%2FB.keras", "Z%7C%3Cb%3E.keras"]
        (tmp_path / "AA.keras").write_bytes(archive.read("AA.keras"))
    model = keras().models.load_model(tmp_path / "AA.keras")
    ours = read_models(str(tmp_path / "out"))["AA"]
    assert np.array_equal(model.get_weights()[0], ours.weights["kernel"]) and model.input_shape == (None, 5, 6)


@pytest.mark.needs("keras")
def test_a_model_of_the_user_s_is_trained_and_applied(bars, tmp_path, run_module):
    (tmp_path / "mine.py").write_text(
        "import keras\n"
        "def model(length, features):\n"
        "    layers = [keras.layers.Input((length, features)), keras.layers.Flatten(), keras.layers.Dense(1)]\n"
        "    return keras.Sequential(layers)\n"
    )
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    options = ["-q", *FAST[3:], "--model", "mine:model", "--symbols", "AA"]
    ran = run_module("jobs.forecast", *options, "-o", tmp_path / "out", bars, env=env)
    assert ran.status == 0, ran.err
    applied = ["--apply", tmp_path / "out", "--symbols", "AA", bars]
    again = run_module("jobs.forecast", *FAST[:1], *applied, "--model", "mine:model", env=env)
    assert again.status == 0, again.err
    refused = run_module("jobs.forecast", "-q", *applied, env=env)
    assert refused.status == 2 and refused.err.endswith("if you trust it, add --model mine:model\n")
    next_ = told((tmp_path / "out/part-00000").read_bytes())["AA"]["next"]
    assert told(again.out)["AA"]["next"]["forecast"] == next_["forecast"]


def test_a_symbol_without_a_model_is_named(run_job, alone, tmp_path):
    (tmp_path / "new.csv").write_text("\n".join(["symbol,timestamp,open,high,low,close,adj_close,volume",
                                                 *rows("NEW", *made(60, "rw")), ""]))  # fmt: skip
    ran = run_job("-q", "--apply", alone, tmp_path / "new.csv", job=Forecast)
    assert ran.status == 1 and ran.err == (
        "error: NEW: has no model; there are models of AA, BRK/B, Z|<b>; train one of it too, or leave it out with"
        " --symbols\n"
    )


def test_models_are_read_back_from_the_file_alone(alone):
    file = alone / "part-00000-models.npz"
    assert read_models(str(file)).keys() == read_models(str(alone)).keys()
    assert [model.symbol for model in load(BytesIO(file.read_bytes()), "x")] == ["AA", "BRK/B", "Z|<b>"]


def test_read_output_reads_forecasts_of_every_form(forecast, bars, alone, tmp_path):
    expected = windrow.read_output(alone)
    assert list(expected.symbol) == sorted(SYMBOLS) and expected.errors_network_mse.notna().all()
    for form in ("csv", "parquet"):
        forecast("--output-format", form, "-o", tmp_path / form, bars)
        found = windrow.read_output(tmp_path / form)
        assert_frame_equal(found, expected, check_dtype=False)
        assert found.next_after.tolist() == expected.next_after.tolist()  # texts, not dates
