"""Prices on a page: by day, week and month, and raw beside normalised."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from sort_keys.keys import decode_symbol
from windrow.learn.scaling import Scale
from windrow.pages.market.shown import Shown, lines_of
from windrow.pages.report.results import Output
from windrow.pages.sections import Figure, Section
from windrow.pages.theme import DASHES, line_style
from windrow.pages.vega import MOST_POINTS, records, shortened, thin
from windrow.sinks.normalized import read_scales, scale_lines

#: What of a larger bar is drawn, the first that it has.
_PRICES = ("mean_adj_close", "adj_close", "close", "vwap", "open")


class Prices(NamedTuple):
    """A table of an output, and what it is called on the page."""

    label: str
    table: pd.DataFrame
    column: str


def larger(outputs: Sequence[Output]) -> list[Prices]:
    """The larger bars of outputs of resample, each called by its span, or by its output's name too where two have one.

    Raises InputError for what that job did not write.
    """
    tables = [lines_of(output) for output in outputs]
    spans = [str((output.description.get("resample", {}).get("spans") or [output.label])[-1]) for output in outputs]
    found = []
    for output, table, span in zip(outputs, tables, spans, strict=True):
        values = list(table.columns[2:])
        label = span if spans.count(span) == 1 else f"{span} of {output.label}"
        found.append(Prices(label, table, next((name for name in _PRICES if name in values), values[0])))
    return found


def views(outputs: Sequence[Prices], shown: Shown) -> Iterator[Section]:
    """A section with a figure for each symbol, a line for each of the outputs."""
    chosen = shown.of(symbol for one in outputs for symbol in one.table["symbol"].unique())
    told = "; ".join(f"{one.label}: {one.column} of {len(one.table):,} bars" for one in outputs)
    labels = [one.label for one in outputs]
    figures = [_lines(symbol, [(one.label, one.table, one.column) for one in outputs], labels) for symbol in chosen]
    yield Section("Views", [f"Bars of larger spans. {told}."], figures)


def scaled(output: Output, shown: Shown) -> Iterator[Section]:
    """A section with each symbol's column as it is normalised, and, by the scales beside it, as it was."""
    table, method = lines_of(output), str(output.description.get("method", "minmax"))
    column = next((name for name in _PRICES if name in table.columns), table.columns[2])
    chosen = shown.of(table["symbol"])
    table = table[table["symbol"].isin(chosen)]
    raw = None if method == "returns" else _restored(output, table, column)
    words = [f"{column} of each symbol, {_METHODS.get(method, method)}{_until(output.description)}."]
    figures = [_compared(f"Normalised: {column}", table, column, chosen)]
    if raw is not None:
        figures.insert(0, _compared(f"Raw: {column}", raw, column, chosen))
    yield Section("Normalised", words, figures)


_METHODS = {
    "minmax": "scaled so that its least value is 0 and its largest 1",
    "zscore": "in deviations from its mean",
    "robust": "in interquartile ranges from its median",
    "returns": "as the change from the bar before",
}


def _until(described: Mapping[str, Any]) -> str:
    until = described.get("fit_until")
    return f"; only bars until {until} set the scale" if until else ""


def _restored(output: Output, table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The table with the column as it was before it was scaled."""
    place = str(output.place)
    told = dict(read_scales(line, place) for line in scale_lines(place))
    scales = {decode_symbol(symbol): Scale.from_json(one["scales"][column]) for symbol, one in told.items()}
    parts = [
        part.assign(**{column: scales[str(symbol)].inverse(part[column].to_numpy())})
        for symbol, part in table.groupby("symbol", sort=False)
    ]
    return pd.concat(parts) if parts else table


def _lines(symbol: str, tables: Sequence[tuple[str, pd.DataFrame, str]], labels: Sequence[str]) -> Figure:
    rows: dict[str, list[Any]] = {"t": [], "value": [], "view": []}
    for label, table, column in tables:
        take_line(rows, table[table["symbol"] == symbol], column, label)
    return Figure(shortened(symbol), chart_of_lines(rows, "view", labels))


def _compared(title: str, table: pd.DataFrame, column: str, symbols: Sequence[str]) -> Figure:
    rows: dict[str, list[Any]] = {"t": [], "value": [], "symbol": []}
    names = [shortened(symbol, 30) for symbol in symbols]
    for symbol, name in zip(symbols, names, strict=True):
        take_line(rows, table[table["symbol"] == symbol], column, name)
    return Figure(title, chart_of_lines(rows, "symbol", names))


def take_line(rows: dict[str, list[Any]], table: pd.DataFrame, column: str, label: str) -> None:
    """Adds a line to rows: as many of its points as can be told apart."""
    values = table[column].to_numpy()
    at = thin(values, MOST_POINTS)
    times, t, value, key = table["timestamp"].to_numpy("datetime64[ms]").astype(np.int64), *rows
    rows[t] += times[at].tolist()
    rows[value] += values[at].tolist()
    rows[key] += [label] * len(at)


def chart_of_lines(rows: Mapping[str, Sequence[Any]], key: str, order: Sequence[str]) -> Any:
    """A chart of `t`, `value` and what tells one line from another, in this order; colours that recur are dashed."""
    names, dashes = list(order), [DASHES[line_style(number)[1]] for number in range(len(order))]
    return (
        alt.Chart(records(rows))
        .mark_line(strokeWidth=1.4)
        .encode(
            x=alt.X("t:T", title=None, scale=alt.Scale(type="utc")),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            color=alt.Color(f"{key}:N", title=None, scale=alt.Scale(domain=names)),
            strokeDash=alt.StrokeDash(f"{key}:N", title=None, scale=alt.Scale(domain=names, range=dashes)),
            tooltip=[alt.Tooltip("t:T", title="time"), f"{key}:N", alt.Tooltip("value:Q", format=",.6~g")],
        )
    )
