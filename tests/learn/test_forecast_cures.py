"""Errors of forecasts: what fails, what is said, and what follows its cure.

By function, of learn/training_options.py:
learn/training_options.py:check_ways, learn/training_options.py:plan_of, learn/training_options.py:problem_of,
learn/training_options.py:recipe_of, learn/training_options.py:check_search, learn/training_options.py:check_symbols,
learn/training_options.py:_applied, learn/training_options.py:check_installed, learn/training_options.py:check_count;
of others: learn/problem.py:_too_few, learn/problem.py:all_tested,
learn/training.py:train, learn/rowfiles.py:read_share,
learn/keras_models.py:_build, learn/keras_models.py:_function, learn/engine.py:missing, sinks/forecasts.py:apply_lines.

mapreduce/rounds.py:_runner and mapreduce/rounds.py:prepared are no errors: they give tasks their options.
mapreduce/rounds.py:task_arguments is none either.
"""

import builtins
import json
import sys
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec

import numpy as np
import pytest

from jobs.forecast import Forecast
from jobs.grid_search import GridSearch
from jobs.sequences import Sequences
from tests.learn.series import COLUMNS, HEADER, made, rows, write
from windrow.errors import InputError, UsageError
from windrow.learn import engine, training_options
from windrow.learn.evaluation import OUTCOMES
from windrow.learn.models import saved
from windrow.learn.problem import Problem
from windrow.learn.rowfiles import read_share
from windrow.sinks.forecasts import read_models

FAST = ["-q", "--hidden", "2", "--epochs", "2", "--length", "3"]


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    return write(tmp_path_factory.mktemp("bars") / "bars.csv", {"AA": "rw"}, 120)


def figures(ran):
    return json.loads(ran.out.splitlines()[0].partition(b"\t")[2])


CASES = {
    "a share that is none": (["--split", "80"], "give e.g. 0.8", ["--split", "0.8"]),
    "a share that is a word": (["--split", "most"], "is neither a decimal above 0 and below 1, the share of",
                             ["--split", "random"]),
    "a column that is no feature": (
        ["--features", "close,open"], "add it to --features", ["--features", "close,open,adj_close"]),
    "no rate": (["--rate", "0"], "give one above 0, e.g. 0.001", ["--rate", "0.001"]),
    "a negative seed": (["--seed", "-1"], "give a number in between", ["--seed", "0"]),
    "no batch": (["--batch", "0"], "--batch 0: there is at least 1; give 1 or more", ["--batch", "1"]),
    "negative points": (["--points", "-1"], "give 0 or more", ["--points", "0"]),
    "shares of many models": (["--shares", "2"], "add --global, or leave it out", ["--shares", "2", "--global"]),
    "no share": (["--global", "--shares", "0"], "give 1 or more", ["--global", "--shares", "1"]),
    "walks of one model": (["--global", "--walk-forward", "2"], "leave out one of them", ["--walk-forward", "2"]),
    "more rounds than epochs": (["--global", "--rounds", "3"], "give fewer rounds", ["--global", "--rounds", "2"]),
    "walks and a split": (["--walk-forward", "2", "--split", "0.5"], "give one of the two", ["--walk-forward", "2"]),
    "a gap across gaps": (["--gap", "5min", "--across"], "that is between bars; leave one out", ["--gap", "5min"]),
    "a sequence longer than the data": (["--length", "100"], "give a smaller --length", ["--length", "10"]),
    "more shares than sequences": (["--global", "--shares", "99"], "give fewer --shares", ["--global"]),
}  # fmt: skip


@pytest.mark.learn
@pytest.mark.parametrize("name", CASES)
def test_each_cure_of_a_message_ends_well(run_job, bars, name):
    wrong, says, right = CASES[name]
    failed = run_job(*FAST, *wrong, bars, job=Forecast)
    assert failed.status in (1, 2) and failed.out == b"" and says in failed.err, failed.err
    assert failed.err.count("\n") == 1
    cured = run_job(*FAST, *right, bars, job=Forecast)
    assert cured.status == 0 and figures(cured)["bars"] == 120, cured.err


@pytest.mark.learn
def test_bars_in_two_parts_of_a_day_are_too_few_or_across(run_job, tmp_path):
    times, values = made(30, "rw")
    apart = times + np.arange(30) // 3 * 3_600_000_000_000
    (tmp_path / "bars.csv").write_text("\n".join([HEADER, *rows("AA", apart, values), ""]))
    failed = run_job(*FAST, tmp_path / "bars.csv", job=Forecast)
    assert failed.status == 1 and "where gaps cut them, see --gap and --across" in failed.err
    for cure in (["--across"], ["--gap", "2h"]):
        assert run_job(*FAST, *cure, tmp_path / "bars.csv", job=Forecast).status == 0


@pytest.mark.learn
def test_a_network_that_diverges_names_the_rate(run_job, tmp_path):
    from tests.learn.test_training import NETWORK, started
    from windrow.learn.training import Recipe, train

    dataset = Problem(COLUMNS, "adj_close").dataset("A", *made(200, "ar"))
    with pytest.raises(InputError, match=r"lower the learning rate, --rate 1e\+30"):
        train(NETWORK, Recipe(rate=1e30), started(), dataset.series, range(2), (0, 0))
    assert train(NETWORK, Recipe(), started(), dataset.series, range(2), (0, 0)).losses[-1] < 2


@pytest.fixture(scope="module")
def applied(bars, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "out"
    assert Forecast.main([*FAST, "-o", str(out), str(bars)]) == 0
    return out


@pytest.mark.learn
def test_a_model_of_other_columns(run_job, bars, applied):
    failed = run_job("-q", "--apply", applied, "--features", "close,adj_close", bars, job=Forecast)
    assert failed.status == 2 and failed.err == (
        f"error: --apply {applied} --features close,adj_close: the model was trained on other columns, --features"
        f" {','.join(COLUMNS)}; leave --features out\n"
    )
    failed = run_job("-q", "--apply", applied, "--column", "close", bars, job=Forecast)
    assert failed.err.endswith("--column adj_close; leave --column out\n")
    assert run_job("-q", "--apply", applied, bars, job=Forecast).status == 0


@pytest.mark.learn
def test_bars_without_the_columns_of_a_model(run_job, bars, applied, tmp_path):
    lines = [line.split(",") for line in bars.read_text().splitlines()]
    (tmp_path / "few.csv").write_text("\n".join([",".join(line[:5] + line[6:]) for line in lines] + [""]))
    failed = run_job("-q", "--apply", applied, tmp_path / "few.csv", job=Forecast)
    assert failed.status == 1 and "has no column 'close'" in failed.err


@pytest.mark.learn
@pytest.mark.parametrize("more", [["--global"], ["--keras"], ["--walk-forward", "2"]])
def test_a_model_is_applied_or_trained(run_job, bars, applied, more):
    failed = run_job("-q", "--apply", applied, *more, bars, job=Forecast)
    assert failed.status == 2 and failed.err.endswith("a model is applied, or trained; leave one of the two out\n")


@pytest.mark.learn
@pytest.mark.parametrize(
    ("more", "cure"),
    [
        (["--length", "7"], "leave out --length"), (["--seed", "1"], "leave out --seed"),
        (["--split", "random"], "leave out --split"), (["--target", "level"], "leave --target out"),
        (["--model", "os:system"], "leave out --model"),
    ],
)  # fmt: skip
def test_what_an_applied_model_would_not_obey(run_job, bars, applied, more, cure):
    """It was ignored without a word."""
    failed = run_job("-q", "--apply", applied, *more, bars, job=Forecast)
    assert failed.status == 2 and f"{' '.join(more)}: " in failed.err and failed.err.endswith(f"{cure}\n")


@pytest.mark.learn
def test_bars_at_another_distance_than_those_of_a_model(run_job, applied, tmp_path):
    times, values = made(60, "rw")
    (tmp_path / "bars.csv").write_text("\n".join([HEADER, *rows("AA", times[0] + (times - times[0]) * 5, values), ""]))
    failed = run_job("-q", "--apply", applied, tmp_path / "bars.csv", job=Forecast)
    assert failed.status == 1 and "apart, and its model was trained on bars" in failed.err and failed.out == b""


@pytest.mark.learn
def test_a_model_that_is_applied_to_what_it_was_trained_on(run_job, bars, applied, tmp_path):
    """Nothing told these errors from those of a test."""
    lines = bars.read_text().splitlines()
    seen = figures(run_job("-q", "--apply", applied, bars, job=Forecast))
    assert seen["notes"] == [
        "93 of the 117 forecasts are of times up to which the model was trained: errors are too small"
    ]
    (tmp_path / "new.csv").write_text("\n".join([lines[0], *lines[97:], ""]))
    assert figures(run_job("-q", "--apply", applied, tmp_path / "new.csv", job=Forecast))["notes"] == []
    (tmp_path / "few.csv").write_text("\n".join([lines[0], *lines[119:], ""]))
    failed = run_job("-q", "--apply", applied, tmp_path / "few.csv", job=Forecast)
    assert failed.status == 1 and failed.err == (
        "error: no symbol: has as many bars as its model forecasts from; give more bars\n"
    )


@pytest.fixture(scope="module")
def with_short(bars, tmp_path_factory):
    """The same bars, and 8 of another symbol before and behind them."""
    path, lines = tmp_path_factory.mktemp("short") / "bars.csv", bars.read_text().splitlines()
    short = [line.replace("AA,", f"{symbol},") for symbol in ("A", "ZZ") for line in lines[1:9]]
    path.write_text("\n".join([*lines, *short, ""]))
    return path


LEFT_OUT = (
    "has 8 bars, in which 1 sequences of 3 bars and the one after are to train on and 0 to test, and there must be one"
    " of each; give a smaller --length, or more bars; where gaps cut them, see --gap and --across"
)


@pytest.mark.learn
@pytest.mark.parametrize("way", [[], ["--global"]])
def test_a_symbol_with_too_few_bars_is_left_out_and_stops_no_other(run_job, bars, with_short, tmp_path, way):
    ran = run_job(*FAST, *way, "-o", tmp_path / "out", with_short, job=Forecast)
    assert ran.status == 0 and "warning: 2 symbols are left out, having too few bars without a gap" in ran.err, ran.err
    told = lines_of(tmp_path / "out")
    assert told["A"]["left_out"] == f"A: {LEFT_OUT}" and told["ZZ"]["left_out"] == f"ZZ: {LEFT_OUT}"
    assert told["A"]["bars"] == 8 and list(read_models(str(tmp_path / "out"))) == ["AA"]
    alone = run_job(*FAST, *way, bars, job=Forecast)
    assert "warning" not in alone.err and figures(alone) == told["AA"]


def lines_of(out):
    """What is told of each symbol in an output."""
    lines = (line for part in sorted(out.glob("part-*[0-9]")) for line in part.read_bytes().splitlines())
    return {symbol.decode(): json.loads(told) for symbol, _, told in (line.partition(b"\t") for line in lines)}


@pytest.mark.learn
def test_a_symbol_with_too_few_bars_for_its_model_stops_no_other(run_job, bars, with_short, tmp_path):
    lines = with_short.read_text().splitlines()
    assert run_job(*FAST, "-o", tmp_path / "out", bars, job=Forecast).status == 0
    models = read_models(str(tmp_path / "out"))
    (tmp_path / "models.npz").write_bytes(saved([models["AA"], replace(models["AA"], symbol="A")]))
    (tmp_path / "few.csv").write_text("\n".join([*lines[:121], lines[121], ""]))
    ran = run_job("-q", "--apply", tmp_path / "models.npz", "-o", tmp_path / "told", tmp_path / "few.csv", job=Forecast)
    assert ran.status == 0 and "warning: 1 symbol is left out" in ran.err, ran.err
    told = lines_of(tmp_path / "told")
    assert told["A"]["left_out"].startswith("A: has 1 bars, and its model forecasts from the last 3; give more bars")
    assert told["AA"]["outcome"] in OUTCOMES


@pytest.mark.learn
def test_a_symbol_with_too_few_bars_is_left_out_of_all_combinations_of_a_search(run_job, bars, tmp_path):
    """It stopped none with short sequences, and all with long ones: which were then not chosen."""
    lines = bars.read_text().splitlines()
    short = [line.replace("AA,", "A,") for line in lines[1:25]]
    (tmp_path / "bars.csv").write_text("\n".join([*lines, *short, ""]))
    options = ["-q", "--batch", "16", "--hidden", "2", "--rate", "0.01", "--length", "2,10", "--epochs", "1"]
    both = run_job(*options, "-o", tmp_path / "both", tmp_path / "bars.csv", job=GridSearch)
    assert both.status == 0 and "warning: 1 symbol is left out" in both.err, both.err
    assert run_job(*options, "-o", tmp_path / "one", bars, job=GridSearch).status == 0
    table, wanted = ((tmp_path / name / "part-00000-table.csv").read_text() for name in ("both", "one"))
    assert table == wanted and table.count(",3,") == 2
    told = lines_of(tmp_path / "both")
    assert told["A"]["left_out"].startswith("A: has 24 bars, in which ") and told["AA"]["outcome"] in OUTCOMES
    (tmp_path / "few.csv").write_text("\n".join([lines[0], *short, ""]))
    failed = run_job(*options, tmp_path / "few.csv", job=GridSearch)
    assert failed.status == 1 and failed.err.startswith("error: no symbol: has sequences of 10 bars and the one after,")
    assert run_job(*options[:7], "--length", "2", "--epochs", "1", tmp_path / "few.csv", job=GridSearch).status == 0


@pytest.mark.learn
@pytest.mark.parametrize(
    "options",
    [[], ["--session", "14:30-19:00"], ["--gap", "1h"], ["--across"], ["--calendar", "XNYS"],
     ["--resample", "2min", "--session", "14:30-19:00"]],
)  # fmt: skip
@pytest.mark.parametrize("way", [[], ["--global"]])
def test_sequences_are_cut_where_the_job_of_sequences_cuts_them(run_job, tmp_path, options, way):
    """Of sessions forecasts knew nothing."""
    times, values = made(300, "rw")
    kept = np.r_[0:100, 103:300]
    lines = [HEADER, *rows("AA", times[kept], [value[kept] for value in values]), ""]
    (tmp_path / "bars.csv").write_text("\n".join(lines))
    told = figures(run_job("-q", "--length", "3", *options, tmp_path / "bars.csv", job=Sequences))
    ran = run_job(*FAST, *way, *options, tmp_path / "bars.csv", job=Forecast)
    found = figures(ran)["sequences"]
    assert found["test"] == told["test"] > 0 and found["train"] + found["calibrate"] <= told["train"]
    assert bool(figures(ran)["next"]) == (options[:1] != ["--session"])  # whose last bars are outside


@pytest.mark.learn
def test_a_search_knows_sessions_too(run_job, tmp_path):
    write(tmp_path / "bars.csv", {"AA": "rw"}, 300)
    options = ["-q", "--batch", "16", "--hidden", "2", "--rate", "0.01", "--length", "3", "--epochs", "1"]
    wanted = figures(run_job("-q", "--length", "3", "--session", "14:30-19:00", tmp_path / "bars.csv", job=Sequences))
    ran = run_job(*options, "--session", "14:30-19:00", tmp_path / "bars.csv", job=GridSearch)
    assert figures(ran)["sequences"]["test"] == wanted["test"] == 30 - 3


@pytest.mark.learn
@pytest.mark.parametrize("job", [Forecast, GridSearch])
def test_days_that_were_left_out_are_not_passed_over_unseen(run_job, tmp_path, job):
    _, values = made(80, "rw")
    days = np.busday_offset("2024-01-02", np.arange(80)).astype("datetime64[ns]").astype(np.int64)
    lines = [line.replace("T00:00:00Z", "") for line in rows("AA", days, values)]
    lines[70] = ",".join([*lines[70].split(",")[:-1], ""])
    (tmp_path / "bars.csv").write_text("\n".join([HEADER, *lines, ""]))
    options = ["-q", "--max-missing", "0.5", "--length", "3", "--hidden", "2", "--epochs", "1"]
    failed = run_job(*options, tmp_path / "bars.csv", job=job)
    assert (
        failed.status == 1
        and failed.out == b""
        and failed.err
        == (
            "error: 1 rows: lack a value or are invalid, and sequences of days would pass over them unseen; fill them"
            " in, or give the exchange with --calendar, whose days without a bar are gaps, or --across\n"
        )
    )
    for cure in (["--across"], ["--calendar", "XNYS"]):
        ran = run_job(*options, *cure, tmp_path / "bars.csv", job=job)
        assert ran.status == 0, ran.err


@pytest.mark.learn
@pytest.mark.parametrize("job", [Forecast, GridSearch])
def test_a_session_and_what_contradicts_it(run_job, bars, job):
    for more, says in (
        (["--across"], "--across: given with --session 14:30-19:00, and passes over all that is between bars;"),
        (["--calendar", "XNYS"], "--session 14:30-19:00: given with --calendar XNYS, which has hours of its own;"),
    ):
        failed = run_job("-q", "--session", "14:30-19:00", *more, bars, job=job)
        assert failed.status == 2 and says in failed.err and failed.err.endswith("leave one out\n")


@pytest.mark.learn
def test_a_search_by_what_leaks(run_job, bars):
    failed = run_job("-q", "--split", "random", bars, job=GridSearch)
    assert failed.status == 2 and failed.err == (
        "error: --split random: most of what it tests was trained on, and a search judges by errors of what was not;"
        " give the share of bars to train on, e.g. --split 0.8\n"
    )
    assert GridSearch(["--split", "0.8", str(bars)]).plan.problem.share == Fraction(4, 5)


@pytest.mark.parametrize("cure", [{"gap": 10**11}, {"across": True}])
def test_irregular_times_need_a_gap_once(cure):
    """With --gap, or --across, the same was asked for again."""
    count = 17_000
    times = np.cumsum(np.arange(1, count + 1)) * 1_000_000
    values = [np.arange(count) % 7.0] * 6
    with pytest.raises(InputError, match=r"say from what distance on there is a gap with --gap"):
        Problem(COLUMNS, "close", length=3).dataset("A", times, values)
    assert len(Problem(COLUMNS, "close", length=3, **cure).dataset("A", times, values).test)


@pytest.mark.learn
def test_nothing_is_sent_to_tasks_that_train(bars, tmp_path):
    """A file without a model was."""
    assert Forecast([str(bars)]).task_arguments(tmp_path) == [] and list(tmp_path.iterdir()) == []


@pytest.mark.learn
@pytest.mark.parametrize("how", ["hidden", "length", "nan", "lacking", "kind"])
def test_a_file_of_models_that_do_not_fit_together(run_job, bars, applied, tmp_path, how):
    with np.load(applied / "part-00000-models.npz") as file:
        arrays = dict(file)
    told = json.loads(bytes(arrays["models"]))
    one = told["models"][0]
    if how == "hidden":
        one["network"]["hidden"] = 9
    elif how == "length":
        one["length"] = 0
    elif how == "kind":
        one["network"]["kind"] = "other"
    elif how == "nan":
        arrays["0/bias"] = arrays["0/bias"] * np.float32("nan")
    else:
        del arrays["0/kernel"]
    arrays["models"] = np.frombuffer(json.dumps(told).encode(), np.uint8)
    np.savez(tmp_path / "models.npz", **arrays)
    failed = run_job("-q", "--apply", tmp_path / "models.npz", bars, job=Forecast)
    assert failed.status == 1 and "holds no models of windrow" in failed.err and failed.err.count("\n") == 1


@pytest.mark.learn
def test_prices_that_are_not_adjusted(run_job, bars, tmp_path):
    """learn/training_options.py's CURES"""
    text = bars.read_text().replace("adj_close", "other")
    (tmp_path / "bars.csv").write_text(text)
    failed = run_job(*FAST, tmp_path / "bars.csv", job=Forecast)
    cure = ["--column", "close", "--features", "close,high,low,open,volume"]
    assert failed.status == 1 and failed.err.endswith(f"forecast the close, {' '.join(cure)}\n"), failed.err
    assert run_job(*FAST, *cure, tmp_path / "bars.csv", job=Forecast).status == 0


@pytest.mark.parametrize("path", ["nothing", "empty", "bars.csv"])
def test_what_is_no_model(run_job, bars, tmp_path, path):
    (tmp_path / "empty").mkdir()
    place = bars if path == "bars.csv" else tmp_path / path
    failed = run_job("-q", "--apply", place, bars, job=Forecast)
    assert failed.status == 1 and failed.err.startswith(f"error: {place}: ") and "part-NNNNN" in failed.err


def test_a_share_without_rows():
    with pytest.raises(InputError, match=r"has no sequence, and each needs one; give fewer --shares"):
        read_share([])


# What is not installed.


@pytest.mark.parametrize(
    ("package", "options", "extra"),
    [("jax", [], "learn"), ("keras", ["--keras"], "keras"), ("keras", ["--model", "json:loads"], "keras")],
)
def test_what_is_missing_is_named_before_any_work(run_job, bars, monkeypatch, package, options, extra):
    monkeypatch.setattr(training_options, "find_spec", lambda name: None if name == package else find_spec("json"))
    failed = run_job("-q", *options, bars, job=Forecast)
    cure = f"install it with: pip install 'windrow[{extra}]'"
    assert failed.status == 2
    assert failed.err == f"error: forecasts: need {package}, which is not installed here; {cure}\n"


def test_what_is_missing_in_a_task_is_named_too(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "jax":
            raise ModuleNotFoundError("No module named 'jax'", name="jax")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    engine.started.cache_clear()
    with pytest.raises(UsageError, match=r"need jax, which is not installed here; install it with: pip install"):
        engine.started()
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("spec", "says"),
    [("json", "names no function; give MODULE:FUNCTION"),
     ("no_such_module:f", "there is no module no_such_module on the path of Python; give MODULE:FUNCTION")],
)  # fmt: skip
def test_a_model_that_is_not_there(run_job, bars, monkeypatch, spec, says):
    found = find_spec
    monkeypatch.setattr(
        training_options, "find_spec", lambda name: found("json") if name in ("jax", "keras") else found(name)
    )
    failed = run_job("-q", "--model", spec, bars, job=Forecast)
    assert failed.status == 2 and failed.err == f"error: --model {spec}: {says}\n"


@pytest.mark.learn
@pytest.mark.needs("keras")
@pytest.mark.parametrize(
    ("function", "says"),
    [("number", "but int; return one, e.g. keras.Sequential"), ("two", r"but (None, 2); return one"),
     ("nothing", "names no function"), ("missing", "names no function")],
)  # fmt: skip
def test_a_function_that_makes_no_such_model(run_job, bars, monkeypatch, tmp_path, function, says):
    name = f"made_{function}"
    (tmp_path / f"{name}.py").write_text(
        "import keras\n"
        "nothing = None\n"
        "def number(length, features): return 7\n"
        "def two(length, features):\n"
        "    layers = [keras.layers.Input((length, features)), keras.layers.Flatten(), keras.layers.Dense(2)]\n"
        "    return keras.Sequential(layers)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    failed = run_job("-q", *FAST[3:], "--model", f"{name}:{function}", bars, job=Forecast)
    sys.modules.pop(name, None)
    assert failed.status == 2 and (says in failed.err or "cannot be imported" in failed.err), failed.err


@pytest.mark.learn
def test_units_of_a_network_that_a_function_makes(run_job, bars):
    """They were ignored without a word."""
    failed = run_job("-q", "--model", "json:loads", "--hidden", "7", bars, job=Forecast)
    assert failed.status == 2 and failed.err.endswith("leave out --hidden\n")


@pytest.mark.learn
@pytest.mark.needs("keras")
def test_functions_that_make_no_network_for_these_sequences(tmp_path, monkeypatch):
    from windrow.learn.keras_models import KerasNetwork

    (tmp_path / "odd_networks.py").write_text(
        "import keras\n"
        "def none():\n"
        "    pass\n"
        "def longer(length, features):\n"
        "    layers = [keras.layers.Input((length + 1, features)), keras.layers.Flatten(), keras.layers.Dense(1)]\n"
        "    return keras.Sequential(layers)\n"
        "def any_length(length, features):\n"
        "    layers = [keras.layers.Input((None, features)), keras.layers.LSTM(2), keras.layers.Dense(1)]\n"
        "    return keras.Sequential(layers)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"odd_networks:none: takes no .length, features.: too many positional"):
        KerasNetwork("odd_networks:none", 3, 2).initial(0)
    with pytest.raises(UsageError, match=r"sequences of 3 x 2 with one output each, but of \(None, 4, 2\)"):
        KerasNetwork("odd_networks:longer", 3, 2).initial(0)
    assert KerasNetwork("odd_networks:any_length", 3, 2).initial(0)
