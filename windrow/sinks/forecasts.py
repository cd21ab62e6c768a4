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
from windrow.errors import InputError
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
from windrow.learn.together import Together
from windrow.learn.tuning import Combination, Search, with_settings
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


def whole(stretches: Iterable[Stretch], dated: bool) -> Iterator[Bars]:
    """The bars of each symbol, put together. Memory: those of one."""
    for symbol, pieces in by_symbol(stretches):
        yield Bars(decode_symbol(symbol), *_together(pieces), dated)


def forecast_lines(
    plan: Plan, series: Iterable[Bars], keras: bool, counts: Counter[str], more: Sequence[Any] = ()
) -> Iterator[bytes]:
    """A line for each symbol, with a model of its own; writes the models beside, and counts outcomes.

    more: what else is told of times.

    Memory: the bars of one symbol as float64, its rows as float32, and the models of all symbols (20 KB each).
    """
    spent, models, all_told = Spent(), [], []
    for symbol, times, values, dated in series:
        model, told = forecast_symbol(plan, symbol, times, values, spent)
        models.append(model)
        all_told.append(told)
        counts[told["outcome"]] += 1
        yield _line(encode_symbol(symbol), {**_head(plan, OWN), **told}, dated)
    _write_beside(plan, models, all_told, [*more, {"models": len(models), "seconds": spent.told()}], keras)


def apply_lines(
    plan: Plan, models: Mapping[str, Model], stretches: Iterable[Stretch], dated: bool, counts: Counter[str]
) -> Iterator[bytes]:
    """A line for each symbol of new bars: what its model says of them; counts outcomes."""
    spent = Spent()
    for symbol, pieces in by_symbol(stretches):
        name = decode_symbol(symbol)
        if name not in models:
            known = ", ".join(sorted(models)[:5])
            raise InputError(
                f"{name}: has no model; there are models of {known}{' and others' * (len(models) > 5)}; train one of it"
                " too, or leave it out with --symbols"
            )
        told = apply(plan, models[name], *_together(pieces), spent)
        if "outcome" in told:
            counts[told["outcome"]] += 1
        yield _line(symbol, {**_head(plan, APPLIED), **told}, dated)


def write_shares(plan: Plan, stretches: Iterable[Stretch], dated: bool) -> None:
    """Writes each symbol's training rows, as parts of contiguous shares, and what is held out.

    Memory: as of `forecast_lines`, without models.
    """
    with ExitStack() as files:
        parts = [files.enter_context(own_part(f"{SHARE}{number}")) for number in range(plan.shares)]
        held = files.enter_context(own_part(HELD))
        for symbol, pieces in by_symbol(stretches):
            name, (times, values) = decode_symbol(symbol), _together(pieces)
            dataset = plan.problem.dataset(name, times, values)
            for number, part in enumerate(parts):
                mine = dataset.series._replace(starts=averaging.share_of(dataset.train, number, plan.shares))
                write_share(part, name, mine, plan.recipe.length)
            _write_held(held, name, dataset, parts_told(dataset, plan.recipe.length), len(times), dated)


def training(plan: Plan, rows: Sequence[str]) -> Together:
    """The rounds over what `write_shares` wrote."""
    shares = [[path for path in rows if path.endswith(f"{SHARE}{number}")] for number in range(plan.shares)]
    return Together(plan, shares, [path for path in rows if path.endswith(HELD)])


def global_lines(
    plan: Plan, held_out: Iterable[BinaryIO], state: bytes, first: bool, keras: bool, counts: Counter[str]
) -> Iterator[bytes]:
    """A line for each symbol that was held out, of a global model; writes the model beside, and counts outcomes.

    The first of the tasks that do so writes the times of the rounds too.
    """
    spent, models, all_told = Spent(), [], []
    trained, adam = read_state(BytesIO(state))
    for record, arrays in chain.from_iterable(map(read_records, held_out)):
        dataset, dated = _held(record, arrays), record["dated"]
        model, tests = tested_model(plan, record["symbol"], dataset, adam.weights, spent)
        spans = {name: np.array(span) for name, span in record["parts"]["spans"].items()}
        told = {"bars": record["bars"], **record["parts"], "spans": spans, "loss": trained["losses"], "validation": []}
        told |= {"shares": plan.shares, "rounds": trained["rounds"], **tested_told(plan, dataset, tests, dataset.width)}
        told["next"] = next_told(plan, dataset, model, spent)
        models.append(model)
        all_told.append(told)
        counts[told["outcome"]] += 1
        yield _line(encode_symbol(record["symbol"]), {**_head(plan, GLOBAL), **told}, dated)
    seconds = [*(trained["times"] if first else []), {"models": len(models), "seconds": spent.told()}]
    _write_beside(plan, models, all_told, seconds, keras)


def models_of(path: str | None, sent: bytes | None) -> dict[str, Model]:
    """The models that a user names, as they were sent to a task, or from where they are; none of no path."""
    if path is None:
        return {}
    return read_models(path) if sent is None else {model.symbol: model for model in load(BytesIO(sent), path)}


def write_bars(columns: Sequence[str], stretches: Iterable[Stretch], dated: bool) -> None:
    """Writes the bars of each symbol, for a search. Memory: those of one."""
    with own_part(BARS) as file:
        for bars in whole(stretches, dated):
            arrays = {"times": bars.times, **dict(zip(columns, bars.values, strict=True))}
            write_record(file, {"symbol": bars.symbol, "dated": dated}, arrays)


def search(plan: Plan, grid: Sequence[Combination], rows: Sequence[str], halving: bool) -> Search:
    """The rounds over what `write_bars` wrote."""
    return Search(plan, grid, [path for path in rows if path.endswith(BARS)], halving)


def refitted_lines(
    plan: Plan, files: Iterable[BinaryIO], state: bytes, first: bool, counts: Counter[str]
) -> Iterator[bytes]:
    """The lines of the best combination, refitted on each symbol of the files; the first task writes the table."""
    found = json.loads(state)
    best = Combination(*(found["table"][0][name] for name in Combination._fields))
    refit = replace(with_settings(plan, best, plan.recipe.epochs), walks=None)
    if first:
        with own_part(TABLE) as file:
            file.write(_table(found["table"]))
    records = chain.from_iterable(map(read_records, files))
    series = (
        Bars(told["symbol"], arrays["times"], [arrays[name] for name in plan.problem.columns], told["dated"])
        for told, arrays in records
    )
    yield from forecast_lines(refit, series, False, counts, found["times"] if first else ())


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
    return told | {"split": "random" if problem.shuffled else problem.share, "notes": plan.notes}


def _line(symbol: bytes, told: dict[str, Any], dated: bool) -> bytes:
    return b"%b\t%b\n" % (symbol, orjson.dumps(_with_times(told, dated)))


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
    plan: Plan, models: Sequence[Model], told: Sequence[Mapping[str, Any]], times: Sequence[Any], keras: bool
) -> None:
    with own_part(MODELS) as file:
        save(file, models)
    with own_part(TIMES) as file:
        file.writelines(orjson.dumps(one) + b"\n" for one in times)
    with own_part(CARD) as file:
        file.write(card(plan, [model.symbol for model in models], told).encode())
    if keras:
        from windrow.learn.keras_models import save_as_keras

        with own_part(KERAS) as file:
            save_as_keras(file, [quote(model.symbol, safe="") for model in models], models)


def _write_held(file: BinaryIO, symbol: str, dataset: Dataset, parts: dict[str, Any], bars: int, dated: bool) -> None:
    held = dataset.untrained()
    arrays = {name: one for name, one in held._asdict().items() if isinstance(one, np.ndarray)}
    told = {name: one for name, one in held._asdict().items() if isinstance(one, float | bool)}
    spans = {name: span.tolist() for name, span in parts["spans"].items()}
    more = {"symbol": symbol, "bars": bars, "dated": dated, "features": held.features.to_json()}
    write_record(file, {**more, "dataset": told, "parts": {**parts, "spans": spans}}, arrays)


def _held(told: Mapping[str, Any], arrays: Mapping[str, Any]) -> Dataset:
    return Dataset(features=Features.from_json(told["features"]), **told["dataset"], **arrays)
