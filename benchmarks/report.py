"""Writes what was measured: tables between marks in RESULTS.md, and a picture, from results.json.

python benchmarks/report.py
"""

import json
import os
import platform
import re
import textwrap
from importlib.metadata import version
from pathlib import Path
from statistics import median

from cases import MILLION, START, WORK_SHAPES, Case
from programs import ENGINES, PROGRAMS, WINDROW

#: Packages whose versions are told.
_PACKAGES = ("chdb", "dask", "duckdb", "polars", "pyspark", "pandas", "mrjob", "numpy", "pyarrow")
NONE = "–"


# What was measured.


def record(folder, kind, case):
    """Puts a case's figures into results.json, in the place of the same case's; figures of other machines go."""
    results = load(folder)
    if results.get("machine") != machine():
        results = {"machine": machine()}
    case = {**case, "versions": _versions()}
    others = [old for old in results.get(kind, []) if _key(old) != _key(case)]
    results[kind] = sorted([*others, case], key=_order)
    results.setdefault("versions", case["versions"])  # of older cases, which have none of their own
    save(folder, results)


def machine():
    """What figures depend on most."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {memory:.0f} GB, Python {'.'.join(platform.python_version_tuple()[:2])}"


def _versions():
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except ModuleNotFoundError:  # its program did not run
            continue
    return found


def load(folder):
    """What was measured so far."""
    path = Path(folder, "results.json")
    return json.loads(path.read_text()) if path.exists() else {}


def save(folder, results):
    """Writes what was measured."""
    Path(folder, "results.json").write_text(json.dumps(results, indent=1) + "\n")


def _key(case):
    return case["work"], case["shape"], case["bars"]


def _order(case):
    return WORK_SHAPES.index((case["work"], case["shape"])), case["bars"]


# Tables.


def write_report(folder):
    """Writes the tables, and the picture, of all cases measured."""
    results = load(folder)
    if "cases" in results:
        starts, cases = _parted(results["cases"])
        if cases:
            write_block(Path(folder, "RESULTS.md"), "bench", "\n\n".join(tables(results, cases)))
            draw(cases).save(Path(folder, "results.svg"))
        for case in starts:
            write_block(Path(folder, "RESULTS.md"), "start", "\n\n".join(start_tables(results, case)))
    if "pairs" in results:
        write_block(Path(folder, "RESULTS.md"), "pairs", pairs_table(results))
    if "sweep" in results:
        write_block(Path(folder, "RESULTS.md"), "sweep", "\n\n".join(sweep_tables(results["sweep"])))
    if "cluster" in results:
        write_block(Path(folder, "RESULTS.md"), "bench-cluster", "\n\n".join(cluster_tables(results)))


def write_block(path, name, text):
    """Puts text between the marks of that name in a document."""
    whole = re.compile(f"(<!-- {re.escape(name)}: [^\n]*-->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    path.write_text(whole.sub(lambda marks: f"{marks[1]}\n{text}\n\n{marks[2]}", path.read_text()))


def _parted(cases):
    """Cases of a program's start, and those of its work."""
    return [case for case in cases if case["bars"] <= START], [case for case in cases if case["bars"] > START]


def start_tables(results, case):
    """The paragraphs of what a program's start takes."""
    yield conditions(results, [case])
    heads = [_title(case), "wall, s", "x windrow's", "CPU, s", "first line, s", "memory, MB"]
    yield table(heads, [_start_row(name, figure, case) for name, figure in case["programs"].items()])


def _start_row(name, figure, case):
    share = f"{_wall(figure) / _wall(case['programs'][WINDROW.name]):.2f}"
    wall, cpu, first = (_seconds(what)(figure) for what in ("wall", "cpu", "first"))
    return [name, wall, share, cpu, first, f"{figure['memory']:.0f}"]


def tables(results, cases):
    """The paragraphs of what `make bench` measured."""
    names = [program.name for program in PROGRAMS if any(program.name in case["programs"] for case in cases)]
    peers = names[1:]
    yield conditions(results, cases)
    yield "![Wall time and memory of every program](results.svg)"
    yield "windrow's wall time as a share of each program's: below 1 windrow is the quicker."
    heads = ["bars", f"the fastest of {', '.join(ENGINES)}", *peers]
    yield table(heads, [[_title(case), _fastest(case), *_shares(case, peers)] for case in cases])
    yield "Seconds of wall time, medians, and the quickest and the slowest run:"
    yield table(["bars", *names], [_row(case, names, _seconds("wall"), "{}") for case in cases])
    yield "Seconds of CPU, all processes together:"
    yield table(["bars", *names], [_row(case, names, _seconds("cpu"), "{}") for case in cases])
    if any("first" in figure for case in cases for figure in case["programs"].values()):
        yield "Seconds to the first line that can be read where the output goes; – where an older result has none:"
        yield table(["bars", *names], [_row(case, names, _seconds("first"), "{}") for case in cases])
    yield "MB of memory at the peak, all processes together:"
    yield table(["bars", *names], [_row(case, names, lambda figure: figure["memory"], "{:.0f}") for case in cases])
    if growth := list(_growth({_key(case): _wall(case["programs"][WINDROW.name]) for case in cases})):
        yield "windrow beside itself:"
        yield table(["a bar of", "takes the time of one of", "x"], growth)


def pairs_table(results):
    """What `make bench-pairs` measured."""
    rows = []
    for pair in results["pairs"].values():
        one, other = median(pair["one"]), median(pair["other"])
        rows.append([pair["title"], f"{one / other:.2f}", pair["goal"], spread(pair["one"]), spread(pair["other"])])
    return table(["what", "x", "goal", "the first, s", "the second, s"], rows)


def sweep_tables(measured):
    """The paragraphs of what `make bench-sweep` measured."""
    heads = ["", "backtests, s", "a second", "x", "whole command, s", "a second", "x", "memory, MB", "share"]
    titles = {"vectorbt": "vectorbt", "figures": "vectorbt, with 21 more figures", "backtrader": "backtrader"}
    rows = [row for name, title in titles.items() if name in measured for row in _sweep_rows(title, measured[name])]
    if rows:
        yield table(heads, rows)
    if "large" in measured:
        its = measured["large"]
        yield (
            f"{its['pairs']:,} pairs on {its['bars']:,} bars of one symbol: {its['whole']:.0f} s, {its['cpu']:.0f} s of"
            f" CPU, {its['memory']:,} MB at the peak, all processes together."
        )


def _sweep_rows(peer, measured):
    """windrow and a peer: `x`, how many times the peer's backtests a second windrow does; `share`, of its memory."""
    for name, title in (("windrow", f"windrow, {measured['backtests']:,} backtests"), ("peer", peer)):
        row = [title]
        for times in ("seconds", "whole"):
            mine, its = median(measured[name][times]), median(measured["peer"][times])
            times_its = f"**{its / mine:.1f}**" if name == "windrow" else NONE
            row += [spread(measured[name][times]), f"{measured['backtests'] / mine:,.0f}", times_its]
        memory, its = measured[name]["memory"], measured["peer"]["memory"]
        yield [*row, f"{memory:,}", f"**{memory / its:.2f}**" if name == "windrow" else NONE]


def cluster_tables(results):
    """The paragraphs of what `make bench-cluster` measured."""
    yield conditions(results, results["cluster"])
    heads = [
        "bars",
        "program",
        "wall, s",
        "CPU, s",
        "bytes shuffled a bar",
        "windrow's wall / its",
        "windrow's CPU / its",
    ]
    yield table(heads, [row for case in results["cluster"] for row in _cluster_rows(case)])


def _cluster_rows(case):
    mine = case["programs"][WINDROW.name]
    for name, figure in case["programs"].items():
        shares = [f"{part(mine) / part(figure):.2f}" for part in (_wall, _cpu)] if name != WINDROW.name else [NONE] * 2
        shuffled = f"{figure['shuffled']:.1f}" if "shuffled" in figure else NONE
        yield [_title(case), name, spread(figure["wall"], 1), spread(figure["cpu"], 1), shuffled, *shares]


def conditions(results, cases):
    """On what, and how, this was measured."""
    runs = sorted({len(figure["wall"]) for case in cases for figure in case["programs"].values()})
    worst = max(max(f["wall"]) / median(f["wall"]) for case in cases for f in case["programs"].values())
    numbers: dict[str, dict[str, None]] = {}
    for case in cases:
        for name, number in case.get("versions", results["versions"]).items():
            numbers.setdefault(name, {})[number] = None
    packages = ", ".join(f"{name} {' or '.join(of_it)}" for name, of_it in numbers.items())
    return textwrap.fill(
        f"{results['machine']}; {packages}. Medians of {' or '.join(map(str, runs))} runs in turn; the slowest run took"
        f" {worst:.2f} x its program's median.",
        width=120,
    )


def table(heads, rows):
    """A table in Markdown, its first column words and the others numbers."""
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _wall(figure):
    return median(figure["wall"])


def _cpu(figure):
    return median(figure["cpu"])


def _seconds(what, places=2):
    """Writes what a program took, NONE where that was not measured, as the first line of older results."""
    return lambda figure: spread(figure[what], places) if what in figure else NONE


def spread(runs, places=2):
    """The median of runs, and from the least to the most where they differ."""
    least, middle, most = (f"{part(runs):.{places}f}" for part in (min, median, max))
    return middle if least == most else f"{middle} ({least}–{most})"


def _title(case):
    return Case(*_key(case)).title


def _row(case, names, figure, form):
    programs = case["programs"]
    return [_title(case), *(form.format(figure(programs[name])) if name in programs else NONE for name in names)]


def _shares(case, peers):
    mine = _wall(case["programs"][WINDROW.name])
    return _row(case, peers, lambda figure: mine / _wall(figure), "{:.2g}")[1:]


def _fastest(case):
    programs = case["programs"]
    if not programs.keys() >= set(ENGINES):
        return NONE
    return f"**{_wall(programs[WINDROW.name]) / min(_wall(programs[name]) for name in ENGINES):.2f}**"


def _growth(walls):
    """windrow's time a bar in one case beside another's."""
    for (work, shape, bars), wall in walls.items():
        for other in [
            ("one", "daily", bars) if work == "three" else None,
            ("one", "time", bars) if shape in ("short", "shuffled", "symbol") else None,
            ("one", shape, 5 * MILLION) if work == "one" and bars == 25 * MILLION else None,
        ]:
            if other in walls:
                one, two = Case(work, shape, bars), Case(*other)
                yield [one.title, two.title, f"{wall / bars / walls[other] * other[2]:.2f}"]


# The picture.

_COLOURS = {
    "windrow": "#1d2530",
    "chDB": "#d55e00",
    "DuckDB": "#b8860b",
    "Polars": "#0072b2",
    "PySpark": "#cc79a7",
    "Dask": "#e69f00",
    "pandas": "#009e73",
    "record per bar": "#7b8794",
    "sort in reducer": "#b4bcc6",
}


def draw(cases):
    """Every program's time, as a multiple of windrow's, and its memory: a row a case, a point a program."""
    import altair as alt

    points = [
        {
            "case": _title(case),
            "program": name,
            "time": _wall(figure) / _wall(case["programs"][WINDROW.name]),
            "memory": figure["memory"],
        }
        for case in cases
        for name, figure in case["programs"].items()
    ]
    points.sort(key=lambda point: point["program"] == WINDROW.name)  # the last lies above the others
    titles = [_title(case) for case in cases]
    names = [name for name in _COLOURS if any(point["program"] == name for point in points)]
    base = (
        alt.Chart(alt.InlineData(values=points))
        .mark_point(filled=True, opacity=0.95)
        .encode(
            y=alt.Y("case:N", sort=titles, title=None, axis=alt.Axis(grid=True, minExtent=_LEFT)),
            color=alt.Color("program:N", sort=names, title=None,
                            scale=alt.Scale(domain=names, range=[_COLOURS[name] for name in names])),
            shape=alt.Shape("program:N", sort=names, title=None, scale=alt.Scale(
                domain=names, range=["diamond" if name == WINDROW.name else "circle" for name in names])),
            size=alt.condition(f"datum.program == '{WINDROW.name}'", alt.value(150), alt.value(80)),
        )
        .properties(width=360, height={"step": 24})
    )  # fmt: skip
    times = base.encode(x=_scale("time", "wall time, windrow's = 1"))
    memory = base.encode(x=_scale("memory", "peak memory of all processes, MB")).encode(
        y=alt.Y("case:N", sort=titles, axis=None)
    )
    return alt.hconcat(times, memory, spacing=30).configure(**STYLE)


def _scale(field, title):
    import altair as alt

    steps = [digit * 10**power for power in range(-2, 5) for digit in (1, 2, 5)]
    return alt.X(
        f"{field}:Q",
        title=title,
        scale=alt.Scale(type="log", nice=False, padding=14),
        axis=alt.Axis(values=steps, format=",.2~f"),
    )


#: Room for titles of cases: what draws knows another font than who looks.
_LEFT = 300
_LABEL = {"labelColor": "#5b6675", "titleColor": "#1d2530", "titleFontWeight": 600, "titleFontSize": 13}
STYLE = {
    "background": "#ffffff",
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "padding": 16,
    "view": {"stroke": None},
    "axis": _LABEL | {"labelFontSize": 12, "domain": False, "ticks": False, "gridColor": "#e4e8ee", "labelLimit": 320},
    "legend": {"orient": "top", "labelFontSize": 12.5, "symbolSize": 100, "offset": 12, "columnPadding": 16},
}

if __name__ == "__main__":
    write_report(Path(__file__).parent)
