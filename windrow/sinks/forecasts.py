"""Forecasts -> lines of text, SYMBOL <tab> JSON object; models and what else a task leaves beside them, as parts.

part-NNNNN                what the models of these symbols are worth, a line each
part-NNNNN-models.npz     the models (windrow/learn/models.py), for `windrow forecast --apply`
part-NNNNN-keras.zip      the same as .keras files, SYMBOL.keras, if asked for
part-NNNNN-times          a line of JSON for each worker: its seconds of fitting, compiling, waiting and in all
part-NNNNN-card.md        a model card
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO
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
from windrow.learn.forecasting import (
    Plan,
    apply,
    forecast_symbol,
    next_told,
    parts_told,
    tested_model,
    tested_told,
)
from windrow.learn.models import Model, save
from windrow.learn.problem import Dataset
from windrow.learn.rowfiles import write_record, write_share
from windrow.storage.part import own_part
from windrow.times import format_times

#: Ends of the names of parts.
MODELS, KERAS, TIMES, CARD = "-models.npz", "-keras.zip", "-times", "-card.md"
#: Ends of the names of parts between steps: a share's rows, and what is held out.
SHARE, HELD = "-share-", "-held-out"


def forecast_lines(plan: Plan, stretches: Iterable[Stretch], dated: bool, keras: bool) -> Iterator[bytes]:
    """A line for each symbol, with a model of its own; writes the models beside.

    Memory: the bars of one symbol as float64, its rows as float32, and the models of all symbols (20 KB each).
    """
    spent, models, all_told = Spent(), [], []
    for symbol, pieces in by_symbol(stretches):
        model, told = forecast_symbol(plan, decode_symbol(symbol), *_together(pieces), spent)
        models.append(model)
        all_told.append(told)
        yield _line(symbol, {**_head(plan, "a model a symbol"), **told}, dated)
    _write_beside(plan, models, all_told, [{"models": len(models), "seconds": spent.told()}], keras)


def apply_lines(plan: Plan, models: Mapping[str, Model], stretches: Iterable[Stretch], dated: bool) -> Iterator[bytes]:
    """A line for each symbol of new bars: what its model says of them."""
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
        yield _line(symbol, {**_head(plan, "applied"), **told}, dated)


def write_shares(plan: Plan, stretches: Iterable[Stretch], shares: int, dated: bool) -> Iterator[bytes]:
    """Writes each symbol's training rows, as parts of contiguous shares, and what is held out; yields no line.

    Memory: as of `forecast_lines`, without models.
    """
    with ExitStack() as files:
        parts = [files.enter_context(own_part(f"{SHARE}{number}")) for number in range(shares)]
        held = files.enter_context(own_part(HELD))
        for symbol, pieces in by_symbol(stretches):
            name, (times, values) = decode_symbol(symbol), _together(pieces)
            dataset = plan.problem.dataset(name, times, values)
            for number, part in enumerate(parts):
                mine = dataset.series._replace(starts=averaging.share_of(dataset.train, number, shares))
                write_share(part, name, mine, plan.recipe.length)
            _write_held(held, name, dataset, parts_told(dataset, plan.recipe.length), len(times), dated)
    yield from ()


def global_lines(
    plan: Plan, records: Iterable[tuple[dict[str, Any], dict[str, Any]]], state: tuple[dict[str, Any], Any],
    shares: int, rounds: int, keras: bool, times: Sequence[Mapping[str, Any]],
) -> Iterator[bytes]:  # fmt: skip
    """A line for each symbol that was held out, of a global model; writes the model beside."""
    spent, models, all_told, (trained, adam) = Spent(), [], [], state
    for told, arrays in records:
        dataset, dated = _held(told, arrays), told["dated"]
        model, tests = tested_model(plan, told["symbol"], dataset, adam.weights, spent)
        spans = {name: np.array(span) for name, span in told["parts"]["spans"].items()}
        parts = {"bars": told["bars"], **told["parts"], "spans": spans, "loss": trained["losses"]}
        parts |= {"shares": shares, "rounds": rounds, **tested_told(plan, dataset, tests, dataset.width)}
        parts["next"] = next_told(plan, dataset, model, spent)
        models.append(model)
        all_told.append(parts)
        yield _line(encode_symbol(told["symbol"]), {**_head(plan, "one global model"), **parts}, dated)
    seconds = [*times, {"models": len(models), "seconds": spent.told()}]
    _write_beside(plan, models, all_told, seconds, keras)


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
    told |= {"network": dict(plan.described), "length": recipe.length, "batch": recipe.batch}
    told |= {"epochs": recipe.epochs, "rate": shortened(recipe.rate), "seed": recipe.seed}
    return told | ({"notes": notes} if (notes := plan.notes) else {})


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
    from windrow.learn.features import Features

    return Dataset(features=Features.from_json(told["features"]), **told["dataset"], **arrays)
