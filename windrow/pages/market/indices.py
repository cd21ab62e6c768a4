"""Sectors on a page: how many companies each has, its indices, and how many of them are above their averages."""

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from windrow.pages.market.shown import lines_of
from windrow.pages.market.views import chart_of_lines, take_line
from windrow.pages.report.results import Output
from windrow.pages.sections import Figure, Section, Table
from windrow.pages.vega import records, shortened

#: Cells side by side that can be told apart on a phone.
_CELLS = 120


def sectors(output: Output) -> Iterator[Section]:
    """A section about the sectors of an output. Raises InputError for what `sectors` did not write."""
    table = lines_of(output)
    names = sorted(set(table["symbol"]))
    last = table.groupby("symbol", sort=True).last()
    figures = [_distribution(last)]
    for kind, what in (("equal", "all members alike"), ("volume", "by what was traded of each the bar before")):
        if f"{kind}_index" in table:
            caption = f"100 at a sector's first time; returns of members, {what}."
            figures.append(_lines(table, names, f"{kind}_index", f"Index, {kind}-weighted", caption))
    breadths = [name for name in table.columns if name.startswith("above_")]
    for name in breadths:
        known = table.dropna(subset=[name])
        if len(known):
            average = name.removeprefix("above_").upper().replace(":", "(") + ")"
            caption = f"The share of a sector's members whose price is above its own {average}."
            figures.append(_cells(known, names, name, f"Breadth: above {average}", caption))
    begins, ends = table["timestamp"].min(), table["timestamp"].max()
    words = [f"{len(names):,} sectors, {begins:%Y-%m-%d} to {ends:%Y-%m-%d}."]
    yield Section("Sectors", words, figures, [_table(last, breadths)])


def _distribution(last: pd.DataFrame) -> Figure:
    counted = last["companies"].fillna(last["traded"]).astype(int)
    rows: dict[str, list[Any]] = {"sector": [shortened(name) for name in last.index], "companies": counted.tolist()}
    bars = alt.Chart(records(rows)).mark_bar().encode(
        x=alt.X("companies:Q", title="companies", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("sector:N", title=None, sort="-x"),
        tooltip=["sector:N", "companies:Q"],
    )  # fmt: skip
    return Figure("Companies by sector", bars, "On the last day of each.", 40 + 22 * len(last))


def _lines(table: pd.DataFrame, names: Sequence[str], column: str, title: str, caption: str) -> Figure:
    rows: dict[str, list[Any]] = {"t": [], "value": [], "sector": []}
    for name in names:
        take_line(rows, table[table["symbol"] == name], column, shortened(name, 40))
    return Figure(title, chart_of_lines(rows, "sector", [shortened(name, 40) for name in names]), caption)


def _cells(table: pd.DataFrame, names: Sequence[str], column: str, title: str, caption: str) -> Figure:
    """A row of cells for each sector, each the mean over a stretch of time."""
    times = table["timestamp"].to_numpy("datetime64[ms]").astype(np.int64)
    known = np.unique(times)
    firsts = known[np.unique(np.linspace(0, len(known), _CELLS, endpoint=False).astype(np.int64))]
    edges = np.append(firsts, known[-1] + max(1, known[-1] - firsts[-1]))  # so that nights and weekends are no holes
    cell = np.searchsorted(edges, times, side="right") - 1
    means = table.assign(cell=cell).groupby(["symbol", "cell"])[column].mean().reset_index()
    at = means["cell"].to_numpy()
    rows = {
        "sector": [shortened(str(name), 40) for name in means["symbol"]],
        "from": edges[at].tolist(), "to": edges[at + 1].tolist(), "share": means[column].tolist(),
    }  # fmt: skip
    cells = (
        alt.Chart(records(rows))
        .mark_rect()
        .encode(
            x=alt.X("from:T", title=None, scale=alt.Scale(type="utc")),
            x2="to:T",
            y=alt.Y("sector:N", title=None, sort=[shortened(name, 40) for name in names]),
            color=alt.Color(
                "share:Q", title=None, scale=alt.Scale(domain=[0, 1]), legend=alt.Legend(format=".0%", tickCount=2)
            ),
            tooltip=["sector:N", alt.Tooltip("from:T", title="from"), alt.Tooltip("share:Q", format=".0%")],
        )
    )
    return Figure(title, cells, caption, 40 + 22 * len(names))


def _table(last: pd.DataFrame, breadths: Sequence[str]) -> Table:
    """What each sector came to."""
    deviation = next((name for name in last.columns if name.startswith("equal_std:")), None)
    head = ["sector", "companies", "traded", "equal index", "volume index"]
    columns = [(name, 0) for name in ("companies", "traded")] + [("equal_index", 2), ("volume_index", 2)]
    if deviation:
        head.append(f"deviation of {deviation.partition(':')[2]} returns, %")
    rows = []
    for name, row in last.iterrows():
        cells = [_number(row.get(column), digits) for column, digits in columns]
        cells += [_number(100 * row[deviation], 2)] if deviation else []
        rows.append([str(name), *cells, *(_number(100 * row[one], 0, "%") for one in breadths)])
    return Table(
        [*head, *(f"{one.replace('_', ' ').replace('sma:', 'SMA ')}" for one in breadths)],
        rows,
        "On the last day of each.",
    )


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return "–" if value is None or pd.isna(value) else f"{value:,.{digits}f}{unit and ' '}{unit}"
