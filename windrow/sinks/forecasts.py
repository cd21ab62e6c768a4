"""Forecasts -> lines of text, SYMBOL <tab> JSON object; models and what else a task leaves beside them, as parts.

part-NNNNN                what the models of these symbols are worth, a line each
part-NNNNN-models.npz     the models (windrow/learn/models.py), for `windrow forecast --apply`
part-NNNNN-keras.zip      the same as .keras files, SYMBOL.keras, if asked for
part-NNNNN-times          a line of JSON for each worker: its seconds of fitting, compiling, waiting and in all
part-NNNNN-card.md        a model card
"""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from io import BytesIO, StringIO
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote

import numpy as np
import orjson

from sort_keys.keys import decode_symbol, encode_symbol
from sort_keys.merge import Piece, Stretch, by_symbol
from windrow.arrays import Floats, Ints
from windrow.errors import InputError, TooFewError
from windrow.learn import averaging
from windrow.learn.card import card
from windrow.learn.engine import Spent
from windrow.learn.evaluation import shortened
from windrow.learn.features import Features
from windrow.learn.forecasting import (
    Plan,
    apply,
    forecast_symbol,
    next_told,
    parts_told,
    tested_model,
    tested_told,
)
from windrow.learn.models import Model, load, save
from windrow.learn.problem import Dataset
from windrow.learn.rowfiles import read_records, read_state, write_record, write_share
from windrow.learn.sequences import are_of_days, usual_distance
from windrow.learn.sequencing import LEFT_OUT, OF_DAYS
from windrow.learn.together import Together
from windrow.learn.tuning import Combination, Search, check_bars, with_settings
from windrow.sinks.fields import TEXT, Format
from windrow.storage.part import own_part
from windrow.storage.publish import at_hand
from windrow.times import format_times

#: How a line came about: a model a symbol, one of all, or one that was there.
OWN, GLOBAL, APPLIED = "a model a symbol", "one global model", "applied"
#: Ends of the names of parts.
MODELS, KERAS, TIMES, CARD, TABLE = "-models.npz", "-keras.zip", "-times", "-card.md", "-table.csv"
#: Ends of the names of parts between steps: a share's rows, and what is held out.
SHARE, HELD, BARS = "-share-", "-held-out", "-bars"


class Bars(NamedTuple):
    """All bars of a symbol: their times, the values of each column, and whether the times are dates."""

    symbol: str
    times: Ints
    values: list[Floats]
    dated: bool


class Beside(NamedTuple):
    """How a task writes what is beside its lines: models as .keras files too, and lines compressed as in a format."""

    keras: bool = False
    form: Format = TEXT


def whole(stretches: Iterable[Stretch], dated: bool, counts: Counter[str]) -> Iterator[Bars]:
    """The bars of each symbol, put together; counts those of days. Memory: those of one."""
    for symbol, pieces in by_symbol(stretches):
        bars = Bars(decode_symbol(symbol), *_together(pieces), dated)
        counts[OF_DAYS] += are_of_days(usual_distance(bars.times))
        yield bars


def forecast_lines(
    plan: Plan, series: Iterable[Bars], beside: Beside, counts: Counter[str], spent: Spent, more: Sequence[Any] = ()
) -> Iterator[bytes]:
    """A line for each symbol, with a model of its own; writes the models beside, and counts outcomes.

    A symbol with too few bars has no model, and a line that says so. more: what else is told of times.

    Memory: the bars of one symbol as float64, its rows as float32, and the models of all symbols (20 KB each).
    """
    models, all_told = [], []
    for bars in series:
        try:
            model, told = forecast_symbol(plan, bars.symbol, bars.times, bars.values, spent)
        except TooFewError as error:
            counts[LEFT_OUT] += 1
            yield _line_of_left_out(plan, OWN, _left_out(bars, error))
            continue
        models.append(model)
        all_told.append(told)
        counts[told["outcome"]] += 1
        yield _line(bars.symbol, {**_head(plan, OWN), **told}, bars.dated)
    _write_beside(plan, models, all_told, [*more, {"models": len(models), "seconds": spent.told()}], beside)


def apply_lines(
    plan: Plan, models: Mapping[str, Model], series: Iterable[Bars], counts: Counter[str], spent: Spent
) -> Iterator[bytes]:
    """A line for each symbol of new bars: what its model says of them, or why it says nothing; counts outcomes."""
    for bars in series:
        if bars.symbol not in models:
            known = ", ".join(sorted(models)[:5])
            raise InputError(
                f"{bars.symbol}: has no model; there are models of {known}{' and others' * (len(models) > 5)}; train"
                " one of it too, or leave it out with --symbols"
            )
        try:
            told = apply(plan, models[bars.symbol], bars.times, bars.values, spent)
        except TooFewError as error:
            counts[LEFT_OUT] += 1
            yield _line_of_left_out(plan, APPLIED, _left_out(bars, error))
            continue
        if "outcome" in told:
            counts[told["outcome"]] += 1
        yield _line(bars.symbol, {**_head(plan, APPLIED), **told}, bars.dated)


def write_shares(plan: Plan, series: Iterable[Bars], counts: Counter[str]) -> None:
    """Writes each symbol's training rows, as parts of contiguous shares, and what is held out, or why it has none.

    Memory: as of `forecast_lines`, without models.
    """
    with ExitStack() as files:
        parts = [files.enter_context(own_part(f"{SHARE}{number}")) for number in range(plan.shares)]
        held = files.enter_context(own_part(HELD))
        for bars in series:
            try:
                dataset = plan.problem.dataset(bars.symbol, bars.times, bars.values)
            except TooFewError as error:
                counts[LEFT_OUT] += 1
                write_record(held, _left_out(bars, error), {})
                continue
            for number, part in enumerate(parts):
                mine = dataset.series._replace(starts=averaging.share_of(dataset.train, number, plan.shares))
                write_share(part, bars.symbol, mine, plan.recipe.length)
            _write_held(held, bars, dataset.with_baselines(plan.recipe.length), plan.recipe.length)


def training(plan: Plan, rows: Sequence[str]) -> Together:
    """The rounds over what `write_shares` wrote."""
    shares = [[path for path in rows if path.endswith(f"{SHARE}{number}")] for number in range(plan.shares)]
    return Together(plan, shares, [path for path in rows if path.endswith(HELD)])


def global_lines(
    plan: Plan,
    held_out: Iterable[BinaryIO],
    state: bytes,
    first: bool,
    beside: Beside,
    counts: Counter[str],
    spent: Spent,
) -> Iterator[bytes]:
    """A line for each symbol that was held out, of a global model; writes the model beside, and counts outcomes.

    The first of the tasks that do so writes the times of the rounds too.
    """
    models, all_told = [], []
    trained, adam = read_state(BytesIO(state))
    for record, arrays in chain.from_iterable(map(read_records, held_out)):
        if "left_out" in record:
            yield _line_of_left_out(plan, GLOBAL, record)
            continue
        symbol, dataset = record["symbol"], _held(record, arrays)
        model, tests = tested_model(plan, symbol, dataset, adam.weights, spent)
        spans = {name: np.array(span) for name, span in record["parts"]["spans"].items()}
        told = {"bars": record["bars"], **record["parts"], "spans": spans, "loss": trained["losses"], "validation": []}
        told |= {"shares": plan.shares, "rounds": trained["rounds"], **tested_told(plan, dataset, tests, dataset.width)}
        told["next"] = next_told(plan, dataset, model, spent)
        models.append(model)
        all_told.append(told)
        counts[told["outcome"]] += 1
        yield _line(symbol, {**_head(plan, GLOBAL), **told}, record["dated"])
    seconds = [*(trained["times"] if first else []), {"models": len(models), "seconds": spent.told()}]
    _write_beside(plan, models, all_told, seconds, beside)


def models_of(path: str | None, sent: bytes | None) -> dict[str, Model]:
    """The models that a user names, as they were sent to a task, or from where they are; none of no path."""
    if path is None:
        return {}
    return read_models(path) if sent is None else {model.symbol: model for model in load(BytesIO(sent), path)}


def write_bars(plan: Plan, grid: Sequence[Combination], series: Iterable[Bars], counts: Counter[str]) -> None:
    """Writes the bars of each symbol, for a search, or why it is left out. Memory: those of one."""
    with own_part(BARS) as file:
        for bars in series:
            try:
                check_bars(plan, grid, bars.symbol, bars.times)
            except TooFewError as error:
                counts[LEFT_OUT] += 1
                write_record(file, _left_out(bars, error), {})
                continue
            arrays = {"times": bars.times, **dict(zip(plan.problem.columns, bars.values, strict=True))}
            write_record(file, {"symbol": bars.symbol, "dated": bars.dated}, arrays)


def search(plan: Plan, grid: Sequence[Combination], rows: Sequence[str], halving: bool) -> Search:
    """The rounds over what `write_bars` wrote."""
    return Search(plan, grid, [path for path in rows if path.endswith(BARS)], halving)


def refitted_lines(
    plan: Plan,
    files: Iterable[BinaryIO],
    state: bytes,
    first: bool,
    beside: Beside,
    counts: Counter[str],
    spent: Spent,
) -> Iterator[bytes]:
    """The lines of the best combination, refitted on each symbol of the files; the first task writes the table."""
    found = json.loads(state)
    best = Combination(*(found["table"][0][name] for name in Combination._fields))
    refit = replace(with_settings(plan, best, plan.recipe.epochs), walks=None)
    if first:
        with own_part(TABLE + beside.form.end) as file:
            file.write(_table(found["table"]))
    names, kept = plan.problem.columns, chain.from_iterable(map(read_records, files))
    left_out: list[bytes] = []

    def series() -> Iterator[Bars]:
        for told, arrays in kept:
            if "left_out" in told:
                left_out.append(_line_of_left_out(refit, OWN, told))
            else:
                yield Bars(told["symbol"], arrays["times"], [arrays[name] for name in names], told["dated"])

    yield from forecast_lines(refit, series(), beside, counts, spent, found["times"] if first else ())
    yield from left_out


def _table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The combinations as CSV, best first."""
    names = ("rank", *Combination._fields, "round", "epochs", "tests", "error", "why")
    text = StringIO()
    written = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    written.writeheader()
    written.writerows({"rank": rank, **row} for rank, row in enumerate(rows, 1))
    return text.getvalue().encode()


def read_models(path: str) -> dict[str, Model]:
    """The models in a file, or in those of an output's directory, by their symbols; here or on S3.

    Raises InputError if there are none, or two of one symbol.
    """
    with at_hand(path) as place:
        files = sorted(place.glob(f"part-*{MODELS}")) if place.is_dir() else [place]
        found: dict[str, Model] = {}
        for file in files:
            with _opened(file, path) as opened:
                for model in load(opened, path):
                    if model.symbol in found:
                        raise InputError(f"{path}: has two models of {model.symbol}; give the output of one run")
                    found[model.symbol] = model
    if not found:
        raise InputError(
            f"{path}: has no part-NNNNN{MODELS}; give such a file, or the directory that windrow forecast wrote one to"
        )
    return found


@contextmanager
def _opened(file: Path, name: str) -> Iterator[BinaryIO]:
    try:
        with file.open("rb") as opened:
            yield opened
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}; give a part-NNNNN{MODELS}, or the directory with one") from None


def _together(pieces: Iterable[Piece]) -> tuple[Ints, list[Floats]]:
    parts = list(pieces)
    columns = zip(*(part.values for part in parts), strict=True)
    return np.concatenate([part.times for part in parts]), [np.concatenate(column) for column in columns]


def _head(plan: Plan, way: str) -> dict[str, Any]:
    """What a reader must know of how a line came about."""
    problem, recipe = plan.problem, plan.recipe
    told: dict[str, Any] = {
        "way": way,
        "column": problem.column,
        "target": problem.target,
        "columns": list(problem.columns),
    }
    told |= {"network": dict(plan.described), "length": recipe.length}
    if way == APPLIED:
        return told
    told |= {"batch": recipe.batch, "epochs": recipe.epochs, "rate": shortened(recipe.rate), "seed": recipe.seed}
    split = "random" if problem.shuffled else float(problem.share)
    return told | {"split": split if plan.walks is None else f"walk-forward {plan.walks}", "notes": plan.notes}


def _line(symbol: str, told: dict[str, Any], dated: bool) -> bytes:
    return b"%b\t%b\n" % (encode_symbol(symbol), orjson.dumps(_with_times(told, dated)))


def _left_out(bars: Bars, error: TooFewError) -> dict[str, Any]:
    """A record of a symbol that is left out, and why."""
    return {"symbol": bars.symbol, "bars": len(bars.times), "left_out": str(error)}


def _line_of_left_out(plan: Plan, way: str, record: Mapping[str, Any]) -> bytes:
    told = {name: record[name] for name in ("bars", "left_out")}
    return _line(record["symbol"], {**_head(plan, way), **told}, dated=False)


def _with_times(told: dict[str, Any], dated: bool) -> dict[str, Any]:
    """The same with times, the only arrays, as text; one alone where there is one."""

    def text(value: Any, name: str) -> Any:
        if isinstance(value, np.ndarray):
            texts = [one.decode() for one in format_times(value, dated)]
            return texts[0] if name == "after" else texts
        if isinstance(value, dict):
            return {inner: text(one, inner) for inner, one in value.items()}
        return [text(one, "") for one in value] if isinstance(value, list) else value

    return {name: text(value, name) for name, value in told.items()}


def _write_beside(
    plan: Plan, models: Sequence[Model], told: Sequence[Mapping[str, Any]], times: Sequence[Any], beside: Beside
) -> None:
    with own_part(MODELS) as file:
        save(file, models)
    with own_part(TIMES + beside.form.end) as file:
        file.writelines(orjson.dumps(one) + b"\n" for one in times)
    with own_part(CARD) as file:
        file.write(card(plan, [model.symbol for model in models], told).encode())
    if beside.keras:
        from windrow.learn.keras_models import save_as_keras

        with own_part(KERAS) as file:
            save_as_keras(file, [quote(model.symbol, safe="") for model in models], models)


def _write_held(file: BinaryIO, bars: Bars, dataset: Dataset, length: int) -> None:
    held, parts = dataset.untrained(), parts_told(dataset, length)
    arrays = {name: one for name, one in held._asdict().items() if isinstance(one, np.ndarray)}
    told = {name: one for name, one in held._asdict().items() if isinstance(one, float | bool)}
    spans = {name: span.tolist() for name, span in parts["spans"].items()}
    more = {"symbol": bars.symbol, "bars": len(bars.times), "dated": bars.dated}
    more["features"] = held.features.to_json()
    write_record(file, {**more, "dataset": told, "parts": {**parts, "spans": spans}}, arrays)


def _held(told: Mapping[str, Any], arrays: Mapping[str, Any]) -> Dataset:
    return Dataset(features=Features.from_json(told["features"]), **told["dataset"], **arrays)
