"""The search for settings: combinations are judged apart from the test, the best is refitted, on any runner alike."""

import csv
import json
import subprocess
import sys
from collections import Counter
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest

from jobs.grid_search import GridSearch
from tests.conftest import ROOT
from tests.learn.series import COLUMNS, made, write
from windrow.errors import InputError, UsageError
from windrow.learn import tuning
from windrow.learn.engine import Spent
from windrow.learn.forecasting import Plan
from windrow.learn.problem import Problem
from windrow.learn.rowfiles import write_record
from windrow.learn.training import Recipe
from windrow.learn.tuning import GRID, Combination, Search, combinations, try_combination
from windrow.sinks import forecasts

SMALL = ["-q", "--batch", "16,64", "--hidden", "3", "--rate", "0.03,0.0001", "--length", "4", "--epochs", "4"]


def search(*args):
    command = [sys.executable, "-m", "jobs.grid_search", *SMALL, *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    return write(tmp_path_factory.mktemp("bars") / "bars.csv", {"AA": "ar", "B": "ar"}, 400)


@pytest.fixture(scope="module")
def found(bars, tmp_path_factory):
    out = tmp_path_factory.mktemp("found") / "out"
    search("-o", out, bars)
    return out


def table(out):
    return list(csv.DictReader((out / "part-00000-table.csv").open()))


def lines(out):
    return sorted(line for part in out.glob("part-*[0-9]") for line in part.read_bytes().splitlines())


@pytest.mark.learn
def test_all_combinations_are_in_the_table_and_the_best_is_refitted(found):
    rows = table(found)
    assert sorted((row["batch"], row["rate"]) for row in rows) == [
        ("16", "0.0001"), ("16", "0.03"), ("64", "0.0001"), ("64", "0.03")
    ]  # fmt: skip
    errors = [float(row["error"]) for row in rows]
    assert errors == sorted(errors) and errors[0] < 0.9 < errors[-1] and {row["tests"] for row in rows} == {"6"}
    for line in lines(found):
        told = json.loads(line.partition(b"\t")[2])
        assert (str(told["batch"]), told["rate"]) == (rows[0]["batch"], float(rows[0]["rate"]))
        assert told["sequences"]["test"] == 76
    times = [json.loads(line) for line in (found / "part-00000-times").read_text().splitlines()]
    assert [one.get("combination") for one in times] == [0, 1, 2, 3, None]


@pytest.mark.learn
def test_tasks_beside_each_other_find_the_same(found, bars, tmp_path):
    search("-r", "local", "-D", "mapreduce.job.reduces=2", "-o", tmp_path / "out", bars)
    assert table(tmp_path / "out") == table(found) and lines(tmp_path / "out") == lines(found)


@pytest.mark.learn
def test_no_bar_of_the_test_part_changes_what_is_chosen(found, bars, tmp_path):
    """All columns of the last fifth of each symbol's bars are three times as high."""
    header, *rows = bars.read_text().splitlines()
    changed = [row if number % 400 < 320 else tripled(row) for number, row in enumerate(rows)]
    (tmp_path / "bars.csv").write_text("\n".join([header, *changed, ""]))
    search("-o", tmp_path / "out", tmp_path / "bars.csv")
    assert table(tmp_path / "out") == table(found) and lines(tmp_path / "out") != lines(found)


def tripled(row):
    symbol, time, *values = row.split(",")
    return ",".join([symbol, time, *(repr(3 * float(value)) for value in values)])


@pytest.mark.learn
def test_with_early_stopping_the_better_half_goes_on(bars, tmp_path):
    search("--early-stop", "--symbols", "AA", "-o", tmp_path / "out", bars)
    rows = table(tmp_path / "out")
    assert [(row["round"], row["epochs"]) for row in rows] == [("3", "4"), ("2", "2"), ("1", "1"), ("1", "1")]


def judged(monkeypatch, made_of, flat=()):
    """What a combination is told to be worth on A and B, with forecasts by `made_of(symbol, starts)`, untrained."""
    file, plan = BytesIO(), Plan(Problem(COLUMNS, "close"), Recipe(), (), walks=2)
    for symbol in "AB":
        times, values = made(300, "rw", seed=ord(symbol))
        values = [np.ones(300)] * 6 if symbol in flat else values
        arrays = dict(zip(COLUMNS, values, strict=True))
        write_record(file, {"symbol": symbol, "dated": False}, {"times": times, **arrays})
    symbols = iter("AABB")
    monkeypatch.setattr(tuning, "train", lambda *_: SimpleNamespace(state=SimpleNamespace(weights=None)))
    monkeypatch.setattr(tuning, "forecasts", lambda *asked: made_of(next(symbols), asked[4]))
    asked = {"combination": 0, "epochs": 1}
    return json.loads(try_combination(plan, combinations(GRID), asked, [BytesIO(file.getvalue())], Spent()))


def test_a_combination_that_fails_on_one_symbol_is_not_judged_by_the_others(monkeypatch):
    """learn/tuning.py:_walks"""
    told = judged(monkeypatch, lambda symbol, starts: np.full(len(starts), np.nan if symbol == "B" else 0.0))
    assert (told["error"], told["tests"]) == (None, 0)
    assert told["why"] == (
        "B: forecasts that are no numbers: the network has diverged; lower the learning rates, --rate"
    )


def test_where_the_last_value_is_always_right_is_no_test(monkeypatch):
    told = judged(monkeypatch, lambda symbol, starts: np.zeros(len(starts)), flat="B")
    assert (told["error"], told["tests"], told["why"]) == (1.0, 2, "")
    told = judged(monkeypatch, lambda symbol, starts: np.zeros(len(starts)), flat="AB")
    assert (told["error"], told["tests"], told["why"]) == (None, 0, tuning._ALWAYS_RIGHT)


def taken(errors, halving=False):
    """A search that has taken these errors, a list for each round."""
    one = Search(None, combinations(GRID)[: len(errors[0])], ["f"], halving)
    one.plan = SimpleNamespace(recipe=SimpleNamespace(epochs=4))
    for found in errors:
        asked = [task["combination"] for task in one.tasks()]
        rows = [{"combination": n, "error": found[n], "why": f"why {n}", "seconds": {}} for n in asked]
        one.take([json.dumps(row).encode() for row in rows[::-1]])
    return one


def test_where_no_combination_has_an_error_none_is_refitted():
    """The first of them was, and its forecasts were told as those of the best."""
    says = (
        r"^none of 2 combinations has an error to choose by; of the first, batch 16, hidden 16, rate 0\.01, length 5:"
        r" why 0$"
    )
    with pytest.raises(InputError, match=says):
        taken([[None, None]])
    assert [row["error"] for row in taken([[None, 0.5]]).ranked()] == [0.5, None]


def test_a_combination_whose_last_trial_has_no_error_is_behind_those_that_were_left_behind():
    one = taken([[0.1, 0.2, 0.3], [None, 0.2, None], [None, None, None]], halving=True)
    assert one.tasks() == [] and [row["combination"] for row in one.ranked()] == [2, 1, 0]


def test_refitting_holds_the_bars_of_one_symbol(monkeypatch, tmp_path):
    """It held those of all."""
    monkeypatch.chdir(tmp_path)
    file, held = BytesIO(), []
    for number in range(3):
        times, values = made(60, "rw", number)
        write_record(
            file, {"symbol": f"S{number}", "dated": False}, {"times": times, **dict(zip(COLUMNS, values, strict=True))}
        )

    def forecast_symbol(plan, symbol, times, values, spent):
        held.append(file.tell())
        return SimpleNamespace(symbol=symbol), {"outcome": "same"}

    monkeypatch.setattr(forecasts, "forecast_symbol", forecast_symbol)
    monkeypatch.setattr(forecasts, "_write_beside", lambda *_: None)
    file.seek(0)
    plan = Plan(Problem(COLUMNS, "close"), Recipe(), (("kind", "lstm"), ("hidden", 2)))
    state = json.dumps({"table": [combinations(GRID)[0]._asdict()], "times": []}).encode()
    lines = list(forecasts.refitted_lines(plan, [file], state, False, forecasts.Beside(), Counter(), Spent()))
    assert len(lines) == 3 and held[0] < held[1] < held[2]


def test_halves_go_on_by_their_errors_whatever_the_order_of_the_lines():
    one = Search(None, combinations(GRID)[:5], ["f"], halving=True)
    one.plan = type("Plan", (), {"recipe": type("Recipe", (), {"epochs": 8})})
    errors = [0.5, None, 0.2, 0.9, 0.1]
    left = []
    while tasks := one.tasks():
        left.append([(task["combination"], task["epochs"]) for task in tasks])
        told = [{"combination": number, "error": errors[number], "seconds": {}} for number, _ in left[-1][::-1]]
        one.take([json.dumps(line).encode() for line in told])
    assert left == [[(number, 2) for number in range(5)], [(0, 4), (2, 4), (4, 4)], [(2, 8), (4, 8)]]
    assert [row["combination"] for row in one.ranked()] == [4, 2, 0, 3, 1]
    assert one.told().startswith("round 3 of 3: best batch 16")


def test_the_grid_is_every_combination():
    assert len(combinations(GRID)) == 54 and combinations(GRID)[0] == Combination(16, 16, 0.01, 5)


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--batch", "16,many"], r"^--batch 'many': is no number; give a list, e.g. --batch 16,32,64$"),
     (["--rate", "0.1,"], r"^--rate '': is no number; give a list, e.g. --rate 0.01,0.001$"),
     (["--hidden", "0"], r"^--hidden 0: there is at least 1; give 1 or more$"),
     (["--walk-forward", "0"], r"^--walk-forward 0: there is at least 1"),
     pytest.param(["-r", "spark"], r"^-r spark: cannot run jobs in rounds", marks=pytest.mark.learn)],
)  # fmt: skip
def test_what_is_refused(options, says):
    """learn/training_options.py:_value"""
    with pytest.raises(UsageError, match=says):
        job = GridSearch([*options, "bars.csv"])
        assert job.columns()
