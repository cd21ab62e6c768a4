"""The options of jobs that learn: what is forecast, from what, and how it is trained."""

from argparse import Namespace
from collections import Counter
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from windrow.bars.layout import normalise
from windrow.errors import InputError, UsageError
from windrow.learn.engine import missing
from windrow.learn.features import TARGETS
from windrow.learn.forecasting import Plan
from windrow.learn.models import Model
from windrow.learn.options import PUBLISHED, RANDOM, Group, add_gaps, check_gaps, gap_of, share_asked
from windrow.learn.problem import Problem
from windrow.learn.sequencing import LEFT_OUT
from windrow.learn.training import Recipe
from windrow.learn.tuning import GRID, Combination, combinations

_SHARES = "train it on W shares of the rows, by a task each, whose models are averaged (default 2)"
_WALKS = "test N times: N + 1 equal parts; train on the first k, test on the next one, for k from 1 to N"
_APPLY = "train nothing: apply the models in a part-NNNNN-models.npz, or in the directory of an output, to these bars"
_TRIED = {
    "batch": "sequences of a batch", "hidden": "units of the LSTM", "rate": "Adam's learning rates",
    "length": "bars of a sequence",
}  # fmt: skip
_HALVING = "try all with a quarter of the epochs, the better half with half of them, the better half of these with all"
#: Options of training, and their values where they are not given; of a model that is applied the file says them.
_TRAINING = {
    "length": 10, "hidden": 32, "batch": 32, "rate": 1e-3, "epochs": 10, "seed": 0, "split": "0.8",
}  # fmt: skip
_USUAL = share_asked(str(_TRAINING["split"]))
#: What a user can do where an input lacks one of the columns.
CURES = {
    "adj_close": (
        "forecasts are of the adjusted close; where prices are not adjusted forecast the close, --column close"
        " --features close,high,low,open,volume"
    )
}

_FEATURES = f"columns that a network sees (default {','.join(PUBLISHED)})"
_TARGET = "forecast the change from the last value, or, as published, the level (default change)"
_SPLIT = "share of a symbol's bars to train on, in order of time; random: 0.8 by chance, the published leak"
_POINTS = "write the last N forecasts of a test beside the truth (default 250)"
_MODEL = "a function of yours that takes (length, features) and returns a Keras model, in place of the LSTM"


def add_problem(group: Group) -> None:
    """Adds the options of what is forecast from what."""
    group.add("--column NAME", "column to forecast (default adj_close)")
    group.add("--features NAME,...", _FEATURES, default=",".join(PUBLISHED))
    group.add("--target", _TARGET, choices=TARGETS, default=TARGETS[0])
    group.add("--split SHARE", f"{_SPLIT} (default 0.8)", default="0.8")
    add_gaps(group)
    group.add("--points N", _POINTS, type=int, default=250)


def add_recipe(group: Group, tuned: bool = False) -> None:
    """Adds the options of how a network is trained; of one that is tuned without those that are tried."""
    if not tuned:
        group.add("--length N", "bars of a sequence (default 10)", type=int, default=10)
        group.add("--hidden N", "units of the LSTM (default 32)", type=int, default=32)
        group.add("--batch N", "sequences of a batch (default 32)", type=int, default=32)
        group.add("--rate RATE", "Adam's learning rate at first (default 0.001)", type=float, default=1e-3)
        group.add("--model MODULE:FUNCTION", _MODEL)
    group.add("--epochs N", "passes over the training part (default 10)", type=int, default=10)
    group.add("--seed N", "of initial values and shuffles (default 0)", type=int, default=0)


def add_ways(group: Group) -> None:
    """Adds the options of how many models there are, how they are tested, and what is done with them."""
    group.add(
        "--global", "train one model of all symbols, in place of one a symbol", action="store_true", dest="together"
    )
    group.add("--shares W", _SHARES, type=int, default=None)
    group.add(
        "--rounds R", "how often the shares' models are averaged (default 2, or 1 of 1 epoch)", type=int, default=None
    )
    group.add("--walk-forward N", _WALKS, type=int)
    group.add("--keras", "also write each model as a .keras file, into part-NNNNN-keras.zip", action="store_true")
    group.add("--apply MODEL", _APPLY)


def add_search(group: Group) -> None:
    """Adds the options of a search for settings."""
    for name in GRID:
        told = _told(name)
        group.add(f"--{name} VALUES", f"{_TRIED[name]} that are tried (default {told})", default=told)
    group.add("--walk-forward N", "judge by N walks through the training part (default 3)", type=int, default=3)
    group.add("--early-stop", _HALVING, action="store_true")


def grid_of(given: Namespace) -> list[Combination]:
    """The combinations that are tried. Raises UsageError for values that are none."""
    return combinations({name: [_value(name, text) for text in getattr(given, name).split(",")] for name in GRID})


def search_plan(given: Namespace) -> Plan:
    """What is forecast; each combination has its settings in place of these. Raises UsageError for wrong values."""
    first = grid_of(given)[0]
    for one in grid_of(given):
        plan_of(given, walks=given.walk_forward, **one._asdict())
    return plan_of(given, walks=given.walk_forward, **first._asdict())


def check_search(given: Namespace, here: bool) -> None:
    """Raises UsageError for a search by what leaks, for gaps that are none, or for what is not installed `here`."""
    if given.split == RANDOM:
        raise UsageError(
            f"--split {RANDOM}: most of what it tests was trained on, and a search judges by errors of what was not;"
            " give the share of bars to train on, e.g. --split 0.8"
        )
    check_gaps(given)
    if here:
        check_installed(None, keras=False)


def _value(name: str, text: str) -> int | float:
    try:
        return float(text) if name == "rate" else int(text)
    except ValueError:
        raise UsageError(f"--{name} {text!r}: is no number; give a list, e.g. --{name} {_told(name)}") from None


def _told(name: str) -> str:
    return ",".join(f"{value:g}" for value in GRID[name])


def check_symbols(given: Namespace, counts: Counter[str]) -> None:
    """Raises InputError where all symbols are left out."""
    if not counts[LEFT_OUT] or counts[LEFT_OUT] < counts["symbols"]:
        return
    if getattr(given, "apply", None) is not None:
        raise InputError("no symbol: has as many bars as its model forecasts from; give more bars")
    longest = max(map(int, str(given.length).split(",")))
    raise InputError(
        f"no symbol: has sequences of {longest} bars and the one after, both to train on and to test; give a"
        " smaller --length, or more bars; where gaps cut them, see --gap and --across"
    )


def warnings_of(counts: Counter[str]) -> list[str]:
    """What a user must be told of symbols that are left out."""
    few = counts[LEFT_OUT]
    symbols = "1 symbol is" if few == 1 else f"{few:,} symbols are"
    return [f"{symbols} left out, having too few bars without a gap; the output says of each how many"] if few else []


def check_ways(given: Namespace, here: bool) -> None:
    """Raises UsageError for ways that contradict each other, or, if tasks run `here`, for what is not installed."""
    for name in ("shares", "rounds"):
        value = getattr(given, name)
        if value is None:
            continue
        if not given.together:
            raise UsageError(f"--{name} {value}: is of one model of all symbols; add --global, or leave it out")
        check_count(name, value)
    if given.together and given.walk_forward is not None:
        raise UsageError(
            f"--global and --walk-forward {given.walk_forward}: one global model is tested once; leave out one of them"
        )
    if given.together and _rounds(given) > given.epochs:
        raise UsageError(
            f"--rounds {_rounds(given)} --epochs {given.epochs}: a round has at least one epoch; give fewer rounds"
        )
    if given.apply is not None and (given.together or given.walk_forward is not None or given.keras):
        other = "--global" if given.together else "--keras" if given.keras else "--walk-forward"
        raise UsageError(f"--apply {given.apply} and {other}: a model is applied, or trained; leave one of the two out")
    for name, default in _TRAINING.items():
        if given.apply is not None and getattr(given, name) != default:
            raise UsageError(
                f"--apply {given.apply} and --{name} {getattr(given, name)}: says how a model is trained, and this one"
                f" is; leave out --{name}"
            )
    if given.model is not None and given.hidden != _TRAINING["hidden"]:
        raise UsageError(
            f"--model {given.model} and --hidden {given.hidden}: a function makes the network, which has no such"
            " setting of ours; leave out --hidden"
        )
    check_gaps(given)
    if here:
        check_installed(given.model, given.keras)


def _applied(given: Namespace, models: Mapping[str, Model]) -> Plan:
    """The plan by which models of one output are applied to new bars."""
    model = next(iter(models.values()))
    features = model.features
    told, function = ",".join(features.columns), model.network.get("model")
    if given.model != function and function is not None:
        raise UsageError(
            f"--apply {given.apply}: its networks are made by the function {function}, which a file of models must not"
            f" call by itself; if you trust it, add --model {function}"
        )
    if given.model != function:
        raise UsageError(f"--apply {given.apply} --model {given.model}: its networks are LSTMs; leave out --model")
    asked = {
        "features": (given.features, ",".join(PUBLISHED), told),
        "column": (given.column, None, features.column),
        "target": (given.target, TARGETS[0], features.target),
    }
    for name, (value, default, own) in asked.items():
        if value not in (default, own):
            what = "for another target" if name == "target" else "on other columns"
            raise UsageError(
                f"--apply {given.apply} --{name} {value}: the model was trained {what}, --{name} {own}; leave"
                f" --{name} out"
            )
    columns, column, target = features.columns, features.column, features.target
    problem = Problem(columns, column, target, model.length, gap=gap_of(given), across=given.across)
    return Plan(problem, Recipe(length=model.length), tuple(model.network.items()), points=given.points)


def problem_of(given: Namespace, length: int) -> Problem:
    """What is to be forecast. Raises UsageError for wrong values."""
    columns = tuple(dict.fromkeys(map(normalise, given.features.split(","))))
    column = normalise(given.column or PUBLISHED[0])
    if column not in columns:
        raise UsageError(
            f"--column {column}: is not among --features {','.join(columns)}, and a column is forecast from its own"
            " past; add it to --features"
        )
    return Problem(
        columns, column, given.target, length, _USUAL if given.split == RANDOM else share_asked(given.split),
        given.split == RANDOM, gap_of(given), None, given.across, given.seed,
    )  # fmt: skip


def recipe_of(given: Namespace, **tried: Any) -> Recipe:
    """How a network is trained; `tried` in place of options. Raises UsageError for wrong values."""
    names = ("length", "batch", "epochs", "rate", "seed")
    values: dict[str, Any] = {name: tried.get(name, getattr(given, name, None)) for name in names}
    for name in ("length", "batch", "epochs"):
        check_count(name, values[name])
    if not 0 < values["rate"] < 10:
        raise UsageError(f"--rate {values['rate']:g}: is no rate of learning; give one above 0, e.g. 0.001")
    if not 0 <= given.seed < 1 << 31:
        raise UsageError(f"--seed {given.seed}: is not between 0 and 2147483647; give a number in between")
    return Recipe(**values)


def plan_of(given: Namespace, models: Mapping[str, Model] | None = None, **tried: Any) -> Plan:
    """What is forecast and how it is learnt, or, with models, what they are applied to; `tried` in place of options.

    Raises UsageError for wrong values.
    """
    if models:
        return _applied(given, models)
    recipe = recipe_of(given, **tried)
    hidden, model = tried.get("hidden", getattr(given, "hidden", None)), getattr(given, "model", None)
    if hidden is not None:
        check_count("hidden", hidden)
    if given.points < 0:
        raise UsageError(f"--points {given.points}: is a number of forecasts to write; give 0 or more")
    kind = (("kind", "lstm"), ("hidden", hidden)) if model is None else (("kind", "keras"), ("model", model))
    walks = getattr(given, "walk_forward", None)
    if walks is not None:
        check_count("walk-forward", walks)
        if given.split != "0.8" and "walks" not in tried:
            raise UsageError(
                f"--walk-forward {walks} and --split {given.split}: both divide the bars; give one of the two"
            )
    together = getattr(given, "together", False)
    shares, rounds = (_shares(given), _rounds(given)) if together else (1, 1)
    return Plan(problem_of(given, recipe.length), recipe, kind, walks, given.points, shares, rounds)


def check_count(name: str, value: int) -> None:
    """Raises UsageError for a number below 1."""
    if value < 1:
        raise UsageError(f"--{name} {value}: there is at least 1; give 1 or more")


def check_installed(model: str | None, keras: bool) -> None:
    """Raises UsageError where what tasks need is not installed here.

    Nothing is imported: a process with jax in it, which has threads, must not fork.
    """
    if find_spec("jax") is None:
        raise missing("jax", "learn")
    if (model is not None or keras) and find_spec("keras") is None:
        raise missing("keras", "keras")
    if model is None:
        return
    module, _, name = model.partition(":")
    if not (module and name):
        raise UsageError(f"--model {model}: names no function; give MODULE:FUNCTION")
    try:
        found = find_spec(module) is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        raise UsageError(f"--model {model}: there is no module {module} on the path of Python; give MODULE:FUNCTION")


def _shares(given: Namespace) -> int:
    return int(given.shares or 2)


def _rounds(given: Namespace) -> int:
    return int(given.rounds or min(2, given.epochs))
