"""Measures how the main job's cost grows, fits a model of it, checks the model, and writes docs/scaling.md's figures.

    python benchmarks/scaling.py [--series bars,window] [--runs 3] [--scale 1.0]

Each run is `-r local` on all cores of this machine (phases.py), on bars by the minute in cents. The model is fitted on
the series of bars, and what no order costs on that of orders; then it predicts the check, a run of another shape.
Figures go to results.json, the model to windrow/emr/model.json, from which `windrow emr plan` reckons; the tables and
the picture of docs/scaling.md are made of them. 50 million bars take 3 GB in the folder for temporary files.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np
from bench import among, remove
from cases import MILLION
from report import load, machine, save, table, write_block

from windrow.emr import prices
from windrow.emr.model import Model
from windrow.emr.model import save as save_model
from windrow.sample.bars import Sample, write

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
#: What varies in a series, and its values; the rest is as in USUAL.
SERIES = {
    "bars": [1 * MILLION, 2 * MILLION, 5 * MILLION, 10 * MILLION, 25 * MILLION, 50 * MILLION],
    "symbols": [1, 5, 50, 500, 5_000, 50_000],
    "window": [5, 20, 100, 1_000, 10_000, 100_000],
    "reducers": [1, 2, 4, 8, 16],
    "order": ["time", "symbol", "shuffled"],
}
AXES = {
    "bars": "bars of 500 symbols",
    "symbols": "symbols, of 5 million bars in all",
    "window": "bars in the window, 5 symbols",
    "reducers": "reducers, on two cores",
    "order": "order of the rows, 5 million bars of 500 symbols",
}


@dataclass(frozen=True)
class Run:
    """A run of the main job."""

    bars: int = 5 * MILLION
    symbols: int = 500
    window: int = 20
    reducers: int = 2
    order: str = "time"


#: Nothing of it was used for the model: another number of bars and symbols, another window, another order.
CHECK = Run(bars=20 * MILLION, symbols=2_000, window=50, reducers=4, order="shuffled")
#: Asked of the model: what, bars, and how they come about.
QUESTIONS = (
    ("all US stocks by minute since 1980", 8_000 * 46 * 252 * 390, "8,000 stocks, 46 years of 252 days of 390 minutes"),
    ("30 years of one symbol's ticks", 30 * 252 * 1_000_000, "a million trades a day; in slices"),
)
CORES = (10, 100, 1000)
#: What a core costs an hour: a quarter of an m7g.xlarge with EMR's fee, on demand.
PRICE = prices.load().instances["m7g.xlarge"]
DOLLARS = (PRICE["ec2"] + PRICE["emr"]) / PRICE["vcpus"]


def main():
    options = parse()
    results = load(HERE)
    results = results if results.get("machine") == machine() else {"machine": machine()}
    measured = results.setdefault("scaling", {})
    for name in options.series:
        values = [max(1, int(value * options.scale)) if name == "bars" else value for value in SERIES[name]]
        usual = Run(bars=max(1000, int(5 * MILLION * options.scale)))
        if name == "window":  # the longest has to be full for most bars
            usual = replace(usual, symbols=5)
        runs = [replace(usual, **{name: value}) for value in values]
        measured[name] = [{**asdict(run), **measure(run, options.runs)} for run in runs if run.symbols <= run.bars]
    if "check" in options.checks:
        check = replace(CHECK, bars=int(CHECK.bars * options.scale))
        measured["check"] = {**asdict(check), **measure(check, options.runs)}
    save(HERE, results)
    write_document(results)


def measure(run, times):
    """Medians of the figures of a run."""
    bars = made(run.bars, run.symbols, run.order)
    out = bars.parent / "out"
    found = []
    for _ in range(times):
        command = [sys.executable, HERE / "phases.py", "--window", run.window]
        command += ["-D", f"mapreduce.job.reduces={run.reducers}", "-o", out, bars]
        found.append(json.loads(subprocess.check_output(list(map(str, command)))))
        remove(out)
    figures = {
        "map_cpu": median(one["map"]["cpu"] for one in found),
        "reduce_cpu": median(one["reduce"]["cpu"] for one in found),
        "wall": median(one["map"]["wall"] + one["reduce"]["wall"] for one in found),
        "shuffled": found[0]["shuffled"] / run.bars,
        "task_mb": median(one["task_mb"] for one in found),
    }
    print(run, {name: round(value, 2) for name, value in figures.items()}, flush=True)
    return figures


@cache
def folder():
    """A folder for bars, removed at the end."""
    return tempfile.TemporaryDirectory(prefix="windrow-scaling-")


def made(bars, symbols, order):
    """A file of these bars; the one before it goes."""
    place = Path(folder().name, f"{bars}-{symbols}-{order}.csv")
    if not place.exists():
        for old in place.parent.glob("*.csv"):
            old.unlink()
        write(Sample(symbols=symbols, bars=max(1, bars // symbols), spacing="1min", order=order), place)
    return place


# The model.


def fit(runs, orders, cores):
    """The model of a series of bars, lines by least squares of the errors' shares, and of one of orders."""
    bars = np.array([run["bars"] for run in runs]) / MILLION
    cpu = {name: np.array([run[name] for run in runs]) for name in ("map_cpu", "reduce_cpu")}
    lines = {name: np.polyfit(bars, figures, 1, w=1 / figures) for name, figures in cpu.items()}
    total = sum(cpu.values())
    by_order = {run["order"]: (run["map_cpu"] + run["reduce_cpu"]) / run["bars"] * MILLION for run in orders}
    return Model(
        map_cpu=float(lines["map_cpu"][0]),
        reduce_cpu=float(lines["reduce_cpu"][0]),
        unordered=by_order["shuffled"] - by_order["time"],
        fixed=float(max(0.0, lines["map_cpu"][1] + lines["reduce_cpu"][1])),
        efficiency=float(np.median(total[-3:] / cores / np.array([run["wall"] for run in runs])[-3:])),
        shuffled=float(np.mean([run["shuffled"] for run in runs])),
        task_mb=max(run["task_mb"] for run in runs),
    )


# The document.


def write_document(results):
    """Writes the tables and the picture of docs/scaling.md."""
    measured = results["scaling"]
    if not {"bars", "order"} <= set(measured):
        return
    model = fit(measured["bars"], measured["order"], 2)
    save_model(HERE.parent / "windrow/emr/model.json", local=model, measured=results["machine"])
    blocks = [f"Measured on {results['machine']}."]
    blocks += [series_table(name, measured[name]) for name in SERIES if name in measured]
    write_block(DOCS / "scaling.md", "scaling", "\n\n".join(blocks))
    write_block(DOCS / "scaling.md", "model", "\n\n".join(model_text(model, measured.get("check"))))
    draw({name: measured[name] for name in SERIES if name in measured and name != "order"}).save(DOCS / "scaling.svg")


def series_table(name, runs):
    """One series."""
    heads = [
        AXES[name],
        "CPU s, map",
        "CPU s, reduce",
        "ns of CPU a bar",
        "wall, s",
        "bytes shuffled a bar",
        "MB a task",
    ]
    rows = [
        [
            run[name] if name == "order" else f"{run[name]:,}",
            f"{run['map_cpu']:.2f}",
            f"{run['reduce_cpu']:.2f}",
            f"{(run['map_cpu'] + run['reduce_cpu']) / run['bars'] * 1e9:.0f}",
            f"{run['wall']:.2f}",
            f"{run['shuffled']:.1f}",
            f"{run['task_mb']:.0f}",
        ]
        for run in runs
    ]
    return table(heads, rows)


def model_text(model, check):
    """The model's figures, how well it predicts, and what it predicts."""
    yield table(
        ["of a run", "is"],
        [
            ["CPU seconds a million bars on one core, mappers", f"{model.map_cpu:.3f}"],
            ["CPU seconds a million bars on one core, reducers", f"{model.reduce_cpu:.3f}"],
            ["more, where rows are in no order", f"{model.unordered:.3f}"],
            ["CPU seconds beside that", f"{model.fixed:.2f}"],
            ["share of the cores' time that is work", f"{model.efficiency:.2f}"],
            ["bytes shuffled a bar", f"{model.shuffled:.1f}"],
            ["MB of memory a task, at most", f"{model.task_mb:.0f}"],
        ],
    )
    if check:
        said, was = model.cpu(check["bars"], check["order"]), check["map_cpu"] + check["reduce_cpu"]
        walls = model.wall(check["bars"], 2, check["order"]), check["wall"]
        yield (
            f"Checked on a run that it was not fitted on ({check['bars']:,} bars of {check['symbols']:,} symbols,"
            f" {check['order']}, window {check['window']}, {check['reducers']} reducers): {said:.1f} s of CPU"
            f" predicted, {was:.1f} s measured ({said / was - 1:+.0%}); {walls[0]:.1f} s of wall time predicted,"
            f" {walls[1]:.1f} s measured ({walls[0] / walls[1] - 1:+.0%})."
        )
    rows = []
    for what, bars, how in QUESTIONS:
        times = [spoken(model.wall(bars, cores)) for cores in CORES]
        hours = model.wall(bars, 1) / 3600
        gigabytes = bars * model.shuffled / 1e9
        rows.append([f"{what} ({how})", f"{bars / 1e9:.1f}", f"{gigabytes:.0f}", *times, f"{hours:.1f}",
                     f"{hours * DOLLARS:.2f}"])  # fmt: skip
    cores = [f"on {cores:,} cores" for cores in CORES]
    heads = ["question", "billion bars", "GB shuffled", *cores, "core hours", "dollars"]
    yield table(heads, rows)


def spoken(seconds):
    """A time as one says it."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def draw(measured):
    """CPU a bar over each thing that varies."""
    import altair as alt

    charts = []
    for name, runs in measured.items():
        points = [
            {"at": run[name], "phase": phase, "ns": run[f"{phase}_cpu"] / run["bars"] * 1e9}
            for run in runs
            for phase in ("map", "reduce")
        ]
        axis = alt.Axis(format="~s", values=sorted(run[name] for run in runs), labelOverlap=True, grid=False)
        chart = alt.Chart(alt.InlineData(values=points)).mark_line(point=alt.OverlayMarkDef(size=50)).encode(
            x=alt.X("at:Q", title=AXES[name], scale=alt.Scale(type="log", nice=False, padding=12), axis=axis),
            y=alt.Y("ns:Q", title="ns of CPU a bar", scale=alt.Scale(zero=True)),
            color=alt.Color("phase:N", title=None, scale=alt.Scale(domain=["map", "reduce"],
                                                                   range=["#0072b2", "#d55e00"])),
        ).properties(width=300, height=180)  # fmt: skip
        charts.append(chart)
    from report import STYLE

    return alt.concat(*charts, columns=2, spacing=30).configure(**STYLE)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--series", type=among(SERIES), default=list(SERIES), help=f"of {','.join(SERIES)}")
    parser.add_argument("--checks", type=among(["check", "none"]), default=["check"], help="check (default) or none")
    parser.add_argument("--runs", type=int, default=3, help="of each, of which the median counts (default 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="of all numbers of bars, to try it out (default 1)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
