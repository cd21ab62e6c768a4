"""Forecasts on a page: against the truth, their errors beside simple forecasts', how training went, and how long."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import orjson

from sort_keys.keys import decode_symbol
from windrow.arrays import Floats
from windrow.errors import InputError
from windrow.learn.evaluation import told_outcomes
from windrow.pages.market.shown import Shown
from windrow.pages.report.results import Output
from windrow.pages.sections import Figure, Section, Table
from windrow.pages.vega import records, shortened
from windrow.storage.compressed import open_part

#: What a worker's seconds are for, in the order of its work.
SECONDS = ("starting", "compiling", "fitting", "forecasting", "waiting")
#: The published run: seconds on one worker and on two, and what its test error became.
_PUBLISHED = "The published run went from 14.98 s on one worker to 10.29 s on two, 1.46 x, at twice the test error."
_NEEDED = ("errors", "against", "points", "loss", "verdict", "outcome", "way", "column")


class Trained(NamedTuple):
    """A forecast's output: its lines by symbol, and what its workers' seconds were for, a list of rounds each."""

    label: str
    lines: Mapping[str, dict[str, Any]]
    workers: Mapping[str, list[dict[str, float]]]

    def seconds(self, kind: str) -> float:
        """Seconds until all workers had done this in all rounds, if they waited for each other in each."""
        rounds = max(map(len, self.workers.values()), default=0)
        return sum(
            max(spent[at].get(kind, 0.0) for spent in self.workers.values() if at < len(spent)) for at in range(rounds)
        )


def read(output: Output) -> Trained:
    """The lines and the times of a forecast's output. Raises InputError for what no forecast wrote."""
    lines = dict(line for part in output.parts for line in _lines(part))
    workers = defaultdict[str, list[dict[str, float]]](list)
    for part in output.beside("-times"):
        for text in _lines_of(part):
            told = orjson.loads(text)
            if "combination" in told:
                continue  # of which a task may have had several, or none
            if "share" in told:
                workers[f"worker {told['share'] + 1}"].append(told["seconds"])
            elif told.get("seconds", {}).get("fitting"):
                workers[f"worker {int(part.name[5:10]) + 1}"].append(told["seconds"])
    return Trained(output.label, lines, dict(workers))


def sections(outputs: Sequence[Trained], shown: Shown) -> Iterator[Section]:
    """What the page says of forecasts: of the first output in full, of all of them how long they took."""
    first = outputs[0]
    chosen = shown.of(first.lines)
    counts = {
        name: sum(line["outcome"] == name for line in first.lines.values()) for name in ("better", "same", "worse")
    }
    column = next(iter(first.lines.values()))["column"]
    words = [
        f"The next {column} of {len(first.lines):,} symbols, forecast from the bars before it: {first.label},"
        f" {next(iter(first.lines.values()))['way']}. {_sentence(told_outcomes(counts))}",
        *sorted({note for line in first.lines.values() for note in line.get("notes", ())}),
    ]
    figures = [_against_truth(symbol, first.lines[symbol]) for symbol in chosen]
    yield Section("Forecasts", words, [*figures, _beside_simple(first.lines), _losses(first.lines)])
    timed = [one for one in outputs if one.workers]
    if timed:
        yield Section("Workers", _words_of_times(timed), [_times(timed)], [_table_of_times(timed)])


def _lines_of(part: Any) -> Iterator[bytes]:
    with open_part(part) as lines:
        yield from lines


def _lines(part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for text in _lines_of(part):
        symbol, _, told = text.partition(b"\t")
        try:
            line = orjson.loads(told)
            if isinstance(line, dict) and "left_out" in line:
                continue  # a symbol with too few bars, of which there is nothing to draw
            complete = isinstance(line, dict) and all(name in line for name in _NEEDED)
        except orjson.JSONDecodeError:
            complete = False
        if not complete:
            raise InputError(
                f"{part}: a line of {decode_symbol(symbol)} is none of a trained forecast's; give the directory that"
                " windrow forecast -o wrote, without --apply"
            )
        yield decode_symbol(symbol), line


def _sentence(lines: Sequence[str]) -> str:
    return "".join(f"{line[:1].upper()}{line[1:]}." for line in lines)


def _against_truth(symbol: str, line: Mapping[str, Any]) -> Figure:
    points, level = line["points"], line["interval"]["level"]
    times = (np.array([text.rstrip("Z") for text in points["times"]], "datetime64[ms]").astype(np.int64)).tolist()
    columns = {
        name: [np.nan if one is None else one for one in points[name]] for name in ("truth", "forecast", "low", "high")
    }
    long: dict[str, list[Any]] = {"t": times * 2, "value": [*columns["forecast"], *columns["truth"]]}
    long["line"] = ["forecast"] * len(times) + ["truth"] * len(times)
    x = alt.X("t:T", title=None, scale=alt.Scale(type="utc"))
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False))
    tips = [alt.Tooltip("t:T", title="time"), "line:N", alt.Tooltip("value:Q", format=",.6~g")]
    lines = (
        alt.Chart(records(long))
        .mark_line(strokeWidth=1.4)
        .encode(x=x, y=y, color=alt.Color("line:N", title=None, sort=["forecast", "truth"]), tooltip=tips)
    )
    layers = [lines]
    if line["interval"]["coverage"] is not None:
        band = alt.Chart(records({"t": times, "low": columns["low"], "high": columns["high"]}))
        layers = [band.mark_area(style="band").encode(x=x, y=alt.Y("low:Q", title=None), y2="high:Q"), lines]
    covered = line["interval"]["coverage"]
    held = "" if covered is None else f" The band is to hold {level:.0%} of the cases, and holds {covered:.1%}."
    caption = f"{_sentence([line['verdict']])}{held} The last {len(times):,} bars of the test."
    return Figure(f"{shortened(symbol)}: forecast and truth", alt.layer(*layers), caption)


def _beside_simple(lines: Mapping[str, Mapping[str, Any]]) -> Figure:
    rows: dict[str, list[Any]] = {"symbol": [], "forecast": [], "ratio": []}
    for symbol, line in lines.items():
        last = line["errors"].get("last", {}).get("mse")
        for name, errors in line["errors"].items():
            if last and name != "last":
                rows["symbol"].append(symbol)
                rows["forecast"].append(name)
                rows["ratio"].append(errors["mse"] / last)
    marks = (
        alt.Chart(records(rows))
        .mark_tick(thickness=2, opacity=0.7)
        .encode(
            x=alt.X("ratio:Q", title="squared error / that of the last value", scale=alt.Scale(zero=False)),
            y=alt.Y("forecast:N", title=None, sort=["network", "ridge", "drift"]),
            tooltip=["symbol:N", "forecast:N", alt.Tooltip("ratio:Q", format=".4f")],
        )
    )
    one = alt.Chart(alt.InlineData(values=[{"ratio": 1}])).mark_rule(strokeDash=[4, 4]).encode(x="ratio:Q")
    return Figure(
        "Errors beside the last value's", alt.layer(marks, one),
        "A mark is a symbol. Left of the dashed line a forecast is better than saying that nothing will change.", 140,
    )  # fmt: skip


def _losses(lines: Mapping[str, Mapping[str, Any]]) -> Figure:
    rows: dict[str, list[Any]] = {"epoch": [], "loss": [], "low": [], "high": [], "part": []}
    for part, name in (("training", "loss"), ("validation", "validation")):
        curves = [[np.nan if one is None else one for one in line.get(name, ())] for line in lines.values()]
        longest = max(map(len, curves), default=0)
        for epoch in range(longest):
            at = np.array([curve[epoch] for curve in curves if len(curve) > epoch])
            low, middle, high = _quartiles(at)
            for key, value in zip(rows, (epoch + 1, middle, low, high, part), strict=True):
                rows[key].append(value)
    base = alt.Chart(records(rows)).encode(x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1)))
    color = alt.Color("part:N", title=None, sort=["training", "validation"])
    y = alt.Y("low:Q", title="loss", scale=alt.Scale(zero=False))
    band = base.mark_area(opacity=0.15).encode(y=y, y2="high:Q", color=color)
    line = base.mark_line(point=True).encode(
        y=alt.Y("loss:Q", scale=alt.Scale(zero=False)), color=color,
        tooltip=["epoch:Q", "part:N", alt.Tooltip("loss:Q", format=".5f")],
    )  # fmt: skip
    is_one = all(line["loss"] == next(iter(lines.values()))["loss"] for line in lines.values())
    many = "" if is_one else f" The line is the median of {len(lines):,} symbols, the band their middle half."
    return Figure(
        "Loss by epoch", alt.layer(band, line),
        f"The mean squared error of the scaled target, which is 1 for a forecast of its mean.{many}", 220,
    )  # fmt: skip


def _quartiles(values: Floats) -> tuple[float, float, float]:
    if np.isnan(values).all():
        return np.nan, np.nan, np.nan
    low, middle, high = np.nanquantile(values, [0.25, 0.5, 0.75])
    return float(low), float(middle), float(high)


def _times(outputs: Sequence[Trained]) -> Figure:
    rows: dict[str, list[Any]] = {"worker": [], "seconds": [], "of": [], "order": []}
    for one in outputs:
        for worker, rounds in one.workers.items():
            for order, kind in enumerate(SECONDS):
                values = (f"{one.label}, {worker}", sum(spent.get(kind, 0.0) for spent in rounds), kind, order)
                for key, value in zip(rows, values, strict=True):
                    rows[key].append(value)
    bars = (
        alt.Chart(records(rows))
        .mark_bar()
        .encode(
            x=alt.X("seconds:Q", title="seconds"),
            y=alt.Y("worker:N", title=None, sort=None),
            color=alt.Color("of:N", title=None, sort=list(SECONDS), legend=alt.Legend(symbolType="square")),
            order="order:Q",
            tooltip=["worker:N", "of:N", alt.Tooltip("seconds:Q", format=".2f")],
        )
    )
    workers = sum(len(one.workers) for one in outputs)
    return Figure(
        "Seconds of each worker", bars, "A worker of one round waits where another takes longer.", 30 + 34 * workers
    )


def _words_of_times(outputs: Sequence[Trained]) -> list[str]:
    alone = next((one for one in outputs if len(one.workers) == 1), None)
    words = []
    for one in outputs:
        if alone is not None and len(one.workers) > 1 and one.seconds("fitting"):
            faster, error, its = alone.seconds("fitting") / one.seconds("fitting"), _error(one), _error(alone)
            both = f"; the median test error is {error / its:.3f} x its" if error and its else ""
            words.append(
                f"{one.label}: {len(one.workers)} workers fit {faster:.2f} x as fast as the one of {alone.label}{both}."
            )
    return [*words, _PUBLISHED] if words else []


def _error(one: Trained) -> float | None:
    """The median over symbols of the squared error over the last value's, on the same test for all outputs.

    None where the last value is always right.
    """
    known = [ratio for line in one.lines.values() if (ratio := line["against"]["last"]["ratio"]) is not None]
    return median(known) if known else None


def _told(error: float | None) -> str:
    return "–" if error is None else f"{error:.4f}"


def _table_of_times(outputs: Sequence[Trained]) -> Table:
    rows = [
        [one.label, str(len(one.workers)), *(f"{one.seconds(kind):.2f}" for kind in SECONDS), _told(_error(one))]
        for one in outputs
    ]
    return Table(
        ["output", "workers", *SECONDS, "error / last value's"], rows,
        "Seconds of the slowest worker in each round, summed; errors are medians over symbols.",
    )  # fmt: skip
