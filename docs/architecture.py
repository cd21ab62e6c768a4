"""Draws docs/architecture.svg from the code; run `python docs/architecture.py` when a room or an import has changed.

A room is a folder under windrow/, a module beside these folders, `sort_keys`, or `jobs`. What is drawn is read from the
sources: a room's line of text is the first line of its docstring, its level the longest way down along imports. Only
the imports that do not follow from others are drawn. tests/test_architecture.py tests the same graph.
"""

import ast
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from itertools import accumulate, combinations, pairwise, product
from pathlib import Path
from random import Random
from statistics import fmean
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DRAWING = ROOT / "docs" / "architecture.svg"
PACKAGES = ("windrow", "sort_keys", "jobs")

#: The rooms from the ground up, each with the part of the house that it belongs to. Imports point up this list: a room
#: imports only rooms named before it. `windrow` is windrow/__init__.py, the public names.
ROOMS = {
    "errors": "ground",
    "arrays": "ground",
    "states": "ground",
    "sort_keys": "kernels",
    "console": "ground",
    "times": "ground",
    "sessions": "ground",
    "aws": "bytes",
    "exact": "kernels",
    "storage": "bytes",
    "bars": "bars",
    "sample": "bars",
    "feeds": "bars",
    "windows": "kernels",
    "learn": "kernels",
    "trading": "kernels",
    "sweeps": "kernels",
    "sinks": "bytes",
    "runners": "running",
    "mapreduce": "running",
    "frames": "people",
    "paper": "people",
    "market": "people",
    "catalog": "people",
    "emr": "running",
    "pages": "people",
    "outcomes": "people",
    "windrow": "people",
    "commands": "people",
    "cli": "people",
    "jobs": "running",
}
PARTS = {
    "ground": "what every room may use",
    "bytes": "where bytes are",
    "bars": "bytes to bars",
    "kernels": "arithmetic on arrays",
    "running": "jobs and where they run",
    "people": "what people call and see",
}
#: The rooms that a bar passes through, in order.
WAY = (("storage",), ("feeds",), ("bars",), ("sort_keys",), ("windows", "trading", "sweeps"), ("sinks",))

Graph = Mapping[str, Collection[str]]
#: What may import: a call may be one of `import_module`.
_Statement = ast.Import | ast.ImportFrom | ast.Call


# The graph.


class Import(NamedTuple):
    """One module's import of another, by full names; of what is not ours, the name of what is imported."""

    importer: str
    imported: str
    path: Path
    line: int
    late: bool
    """Whether it happens after the module is loaded: in a function, or for type checkers alone."""


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Our modules by full name, a package by its `__init__.py`."""
    paths = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def parsed(path: Path) -> ast.Module:
    """A source's syntax tree."""
    return _parsed(path.read_text())


@cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def imports(root: Path = ROOT) -> Iterator[Import]:
    """Every import in our modules, also those in functions and by `import_module("name")`."""
    known = modules(root)
    for importer, path in known.items():
        package = importer if path.name == "__init__.py" else importer.rpartition(".")[0]
        for node, late in _imports(parsed(path)):
            for base, name in names_in(node, package):
                found = [full for full in (f"{base}.{name}", base) if full in known]
                ours = base.partition(".")[0] in PACKAGES or not name
                imported = found[0] if found else base if ours else f"{base}.{name}"
                yield Import(importer, imported, path, node.lineno, late)


@cache
def _imports(tree: ast.Module) -> list[tuple[_Statement, bool]]:
    return list(_found(tree, late=False))


def _found(node: ast.AST, late: bool) -> Iterator[tuple[_Statement, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Statement):
            yield child, late
        yield from _found(child, late or _is_late(child))


def _is_late(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return ast.unparse(node.test).endswith("TYPE_CHECKING")
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def names_in(node: _Statement, package: str) -> Iterator[tuple[str, str]]:
    """What a statement imports: a module, and the name that is taken from it, if any."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *filter(None, [node.module])])
        yield from ((base, alias.name) for alias in node.names)
    elif ast.unparse(node.func).endswith("import_module") and node.args and isinstance(node.args[0], ast.Constant):
        yield str(node.args[0].value), ""


def room_of(module: str) -> str | None:
    """The room that a module is in; None where it is not ours."""
    package, _, rest = module.partition(".")
    if package not in PACKAGES:
        return None
    return rest.partition(".")[0] if package == "windrow" and rest else package


def rooms(root: Path = ROOT) -> dict[str, set[str]]:
    """Every room, and the rooms that it imports."""
    graph: dict[str, set[str]] = {room_of(module) or "": set() for module in modules(root)}
    for one in imports(root):
        room, other = room_of(one.importer), room_of(one.imported)
        if room and other and room != other:
            graph[room].add(other)
    return graph


def reachable(graph: Graph, start: str) -> set[str]:
    """What can be reached from a node in one step or more."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = set(graph.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def circles(graph: Graph) -> list[list[str]]:
    """Groups of nodes each of which can be reached from all others of its group, and so from itself."""
    reach = {node: reachable(graph, node) for node in graph}
    groups = {tuple(sorted(other for other in reach[node] if node in reach.get(other, ()))) for node in graph}
    return [list(group) for group in sorted(groups) if group]


def levels(graph: Graph) -> dict[str, int]:
    """For each node of a graph without circles 1 more than the highest level below it; 1 where there is nothing."""

    @cache
    def level(node: str) -> int:
        return 1 + max(map(level, graph.get(node, ())), default=0)

    return {node: level(node) for node in graph}


def needed(graph: Graph) -> list[tuple[str, str]]:
    """The edges of a graph without circles that do not follow from others (its transitive reduction), sorted."""
    reach = {node: reachable(graph, node) for node in graph}
    return sorted(
        (node, other)
        for node, others in graph.items()
        for other in others
        if not any(other in reach.get(between, ()) for between in others)
    )


def purpose(room: str, root: Path = ROOT) -> str:
    """The first line of a room's docstring, without the room's name before it."""
    known = modules(root)
    path = known.get(f"windrow.{room}") or known[room]
    line = (ast.get_docstring(parsed(path)) or "").partition("\n")[0].replace("`", "").removesuffix(".")
    line = line[len(room) + 2 :] if line.lower().startswith(f"{room}: ") else line
    return line[:1].upper() + line[1:]


# The drawing.

#: Sizes: the page at least, boxes, what is between them, arrows, text.
_WIDTH, _MARGIN, _TOP = 1020, 40, 112
_BOX, _HEIGHT, _GAP, _BETWEEN = 210, 80, 20, 58
_PORTS, _HEAD = 22, 8
_TEXT_SIZE, _LINE, _LINES = 12, 15, 3
#: The search for an arrangement.
_STARTS, _SWEEPS, _FINISHED, _ROUNDS = 60, 6, 5, 200
#: How strongly links pull, by how many of their ends are lanes; and the middle of the page.
_STIFF, _TO_MIDDLE = (1.0, 2.0, 16.0), 0.3
_ABOUT = (
    "A box is a folder of windrow/, or a module there. Arrows point to what is imported; what follows from other arrows"
    " is left out. 1 to 6: the way of a bar."
)
#: Widths of characters in ems, generously, as fonts differ.
_WIDTHS = {**dict.fromkeys("iljtfr.,:;'|()[] ", 0.36), **dict.fromkeys("mwMW@", 0.92)}

_STYLE = """\
  svg { --paper: #ffffff; --ink: #1d2430; --soft: #57606f; --line: #8a94a6; --band: #f5f7fa;
    --ground: #64748b; --bytes: #0e7490; --bars: #2563eb; --kernels: #15803d; --running: #7c3aed; --people: #c2410c;
    font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #12161d; --ink: #e8ecf2; --soft: #a3adbd; --line: #7c889c; --band: #191f29;
      --ground: #94a3b8; --bytes: #22b8cf; --bars: #6ea8fe; --kernels: #4ade80; --running: #b197fc; --people: #ff9f66; }
  }
  .paper { fill: var(--paper); }
  .band { fill: var(--band); }
  .box { fill: var(--paper); stroke-width: 1.5; }
  .tint { fill-opacity: 0.09; }
  .title { font-size: 20px; font-weight: 700; fill: var(--ink); }
  .name { font-size: 15.5px; font-weight: 650; fill: var(--ink); }
  .text { font-size: 12px; fill: var(--soft); }
  .level { font-size: 12px; fill: var(--line); }
  .way { font-size: 12px; font-weight: 700; fill: var(--paper); text-anchor: middle; }
  .arrow { fill: none; stroke: var(--line); stroke-width: 1.4; }
  .head { fill: var(--line); }
"""


class _Lane(NamedTuple):
    """Where an arrow passes a level that has neither of its ends."""

    edge: tuple[str, str]
    level: int


_Node = str | _Lane
#: What is on each level, the lowest first, from left to right.
_Rows = list[list[_Node]]
_Links = Sequence[tuple[_Node, _Node]]


class _Plan(NamedTuple):
    """Where everything is."""

    width: float
    chains: Sequence[Sequence[_Node]]
    """What each import passes from its upper end to its lower."""
    middles: Mapping[_Node, float]
    """Left to right, from the middle of the page."""
    tops: Mapping[_Node, float]


def draw(root: Path = ROOT) -> str:
    """The drawing, as SVG; the same bytes on any machine."""
    graph = rooms(root)
    plan = _planned(graph)
    arrows = [_arrow(chain, plan) for chain in plan.chains]
    boxes = [_box(room, purpose(room, root), plan) for room in sorted(graph)]
    moved = f'<g transform="translate({plan.width / 2:g} 0)">'
    return "\n".join([*_frame(plan), moved, *arrows, *boxes, "</g>", "</svg>", ""])


def _planned(graph: Graph) -> _Plan:
    level_of = levels(graph)
    chains = [_chain(edge, level_of) for edge in needed(graph)]
    links = [link for chain in chains for link in pairwise(chain)]
    rows = _arranged(_rows(level_of, chains), links)
    width = max(_WIDTH, *(_offsets(row)[-1] + (_width(row[0]) + _width(row[-1])) / 2 + 2 * _MARGIN for row in rows))
    tops = {node: _TOP + (_HEIGHT + _BETWEEN) * number for number, row in enumerate(reversed(rows)) for node in row}
    return _Plan(width, chains, _middles(rows, links, width), tops)


def _chain(edge: tuple[str, str], level_of: Mapping[str, int]) -> list[_Node]:
    upper, lower = edge
    return [upper, *(_Lane(edge, level) for level in range(level_of[upper] - 1, level_of[lower], -1)), lower]


def _rows(level_of: Mapping[str, int], chains: Sequence[Sequence[_Node]]) -> _Rows:
    rows: _Rows = [[] for _ in range(max(level_of.values()))]
    for room in sorted(level_of):
        rows[level_of[room] - 1].append(room)
    for lane in (node for chain in chains for node in chain if isinstance(node, _Lane)):
        rows[lane.level - 1].append(lane)
    return rows


def _arranged(rows: _Rows, links: _Links) -> _Rows:
    """The rows in an order in which few arrows cross, and arrows are short: the best found from many starts."""
    swept = sorted((_swept(_shuffled(rows, seed), links) for seed in range(_STARTS)), key=lambda one: _cost(one, links))
    return min((_sifted(one, links) for one in swept[:_FINISHED]), key=lambda one: _cost(one, links))


def _shuffled(rows: _Rows, seed: int) -> _Rows:
    numbers = Random(seed)  # noqa: S311  random() gives the same numbers in every version of Python
    return [sorted(row, key=lambda _: numbers.random()) for row in rows]


def _swept(rows: _Rows, links: _Links) -> _Rows:
    """The best of the orders met while rows are sorted, down and up the page, by the mean place of their neighbours."""
    near, met = _neighbours(links), []
    for _ in range(_SWEEPS):
        for order in (rows[::-1], rows):
            for fixed, row in pairwise(order):
                at = _packed([fixed, row])
                ends = {
                    node: [at[other] for other in near.get(node, ()) if other in fixed] or [at[node]] for node in row
                }
                row.sort(key=lambda node: fmean(ends[node]))
            met.append([list(row) for row in rows])
    return min(met, key=lambda one: _cost(one, links))


def _sifted(rows: _Rows, links: _Links) -> _Rows:
    """The rows after every move of one node within its row that makes things better."""
    best, better = _cost(rows, links), True
    while better:
        better = False
        for row in rows:
            for node, place in product(list(row), range(len(row))):
                before = list(row)
                row.remove(node)
                row.insert(place, node)
                if (cost := _cost(rows, links)) < best:
                    best, better = cost, True
                else:
                    row[:] = before
    return rows


def _cost(rows: _Rows, links: _Links) -> tuple[int, float]:
    """How many links cross, and how far they go sideways while rows stand in the middle of the page."""
    at = _packed(rows)
    level = {node: number for number, row in enumerate(rows) for node in row}
    below: dict[int, list[tuple[float, float]]] = {}
    for upper, lower in links:
        below.setdefault(level[upper], []).append((at[upper], at[lower]))
    crossings = sum((a - c) * (b - d) < 0 for ends in below.values() for (a, b), (c, d) in combinations(ends, 2))
    return crossings, sum(abs(a - b) for ends in below.values() for a, b in ends)


def _neighbours(links: _Links) -> dict[_Node, list[_Node]]:
    near: dict[_Node, list[_Node]] = {}
    for upper, lower in links:
        near.setdefault(upper, []).append(lower)
        near.setdefault(lower, []).append(upper)
    return near


def _packed(rows: _Rows) -> dict[_Node, float]:
    """Where everything is while each row is as narrow as it can be, in the middle of the page."""
    ends = {id(row): _offsets(row) for row in rows}
    return {node: x - ends[id(row)][-1] / 2 for row in rows for node, x in zip(row, ends[id(row)], strict=True)}


def _offsets(row: Sequence[_Node]) -> list[float]:
    """How far the middles of a row must at least be from that of the first."""
    gaps = ((_width(left) + _width(right)) / 2 + _GAP for left, right in pairwise(row))
    return list(accumulate(gaps, initial=0.0))


def _width(node: _Node) -> float:
    return _BOX if isinstance(node, str) else 0.0


def _middles(rows: _Rows, links: _Links, width: float) -> dict[_Node, float]:
    """Where everything is in the end: in the order of its row, and near what it is linked to."""
    at, near = _packed(rows), _neighbours(links)
    for _ in range(_ROUNDS):
        for row in rows:
            pulls = [_pull(node, near.get(node, ()), at) for node in row]
            at.update(zip(row, _spaced(row, pulls, width), strict=True))
    least, most = (edge(at[node] + side * _width(node) / 2 for node in at) for edge, side in ((min, -1), (max, 1)))
    return {node: middle - (least + most) / 2 for node, middle in at.items()}


def _pull(node: _Node, others: Sequence[_Node], at: Mapping[_Node, float]) -> tuple[float, float]:
    """Where a node is pulled, and how strongly: by its links, those of lanes more, and a little to the middle."""
    pulls = {other: _STIFF[isinstance(node, _Lane) + isinstance(other, _Lane)] for other in others}
    force = sum(pulls.values()) + _TO_MIDDLE
    return sum(at[other] * pull for other, pull in pulls.items()) / force, force


def _spaced(row: Sequence[_Node], pulls: Sequence[tuple[float, float]], width: float) -> list[float]:
    """The places nearest to where nodes are pulled, by squares, at which none overlap and all are on the page.

    Less its distance from the first, each place must be at least the one before: neighbours that would not be share the
    mean of what they want (pool adjacent violators).
    """
    offsets = _offsets(row)
    pools: list[tuple[float, float, int]] = []
    for (middle, force), offset in zip(pulls, offsets, strict=True):
        pool = (middle - offset, force, 1)
        while pools and pools[-1][0] > pool[0]:
            pool = _pooled(pools.pop(), pool)
        pools.append(pool)
    least = _MARGIN + _width(row[0]) / 2 - width / 2
    most = width / 2 - _MARGIN - _width(row[-1]) / 2 - offsets[-1]
    bases = [min(max(middle, least), most) for middle, _, size in pools for _ in range(size)]
    return [base + offset for base, offset in zip(bases, offsets, strict=True)]


def _pooled(one: tuple[float, float, int], other: tuple[float, float, int]) -> tuple[float, float, int]:
    force = one[1] + other[1]
    return (one[0] * one[1] + other[0] * other[1]) / force, force, one[2] + other[2]


def _arrow(chain: Sequence[_Node], plan: _Plan) -> str:
    """An import, from the foot of the importer to the head of what is imported."""
    x, y = _port(chain, 0, plan), plan.tops[chain[0]] + _HEIGHT
    path = f"M{x:.1f} {y:g}"
    for lane in chain[1:-1]:
        path += _bend(x, y, plan.middles[lane], plan.tops[lane])
        x, y = plan.middles[lane], plan.tops[lane] + _HEIGHT
        path += f"V{y:g}"
    end, foot = _port(chain, -1, plan), plan.tops[chain[-1]] - 1
    path += _bend(x, y, end, foot - _HEAD)
    title = f"<title>{escape(str(chain[0]))} imports {escape(str(chain[-1]))}</title>"
    return f'<g>{title}<path class="arrow" d="{path}"/><path class="head" d="M{end:.1f} {foot:g}l-4 -{_HEAD}h8z"/></g>'


def _port(chain: Sequence[_Node], end: int, plan: _Plan) -> float:
    """Where an arrow leaves (end 0) or reaches (end -1) a box: beside its others, in the order of where they go."""
    beyond = 1 if end == 0 else -2
    here = sorted((one for one in plan.chains if one[end] == chain[end]), key=lambda one: plan.middles[one[beyond]])
    apart = min(_PORTS, _BOX * 0.7 / len(here))
    return plan.middles[chain[end]] + apart * (here.index(chain) - (len(here) - 1) / 2)


def _bend(x: float, y: float, to_x: float, to_y: float) -> str:
    half = (to_y - y) * 0.55
    return f"C{x:.1f} {y + half:.1f} {to_x:.1f} {to_y - half:.1f} {to_x:.1f} {to_y:g}"


def _frame(plan: _Plan) -> list[str]:
    """The page, its title and legend, and a band for each level."""
    tops = sorted(set(plan.tops.values()), reverse=True)
    width, height = plan.width, tops[0] + _HEIGHT + 28
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title about">',
        '<title id="title">The rooms of windrow</title>',
        f'<desc id="about">{escape(_ABOUT)}</desc>',
        f"<style>\n{_STYLE}</style>",
        f'<rect class="paper" width="{width:g}" height="{height:g}" rx="10"/>',
        f'<text class="title" x="{_MARGIN}" y="38">The rooms of windrow</text>',
        f'<text class="text" x="{_MARGIN}" y="59">{escape(_ABOUT)}</text>',
        *_legend(),
        *(_band(level, top, width) for level, top in enumerate(tops, 1)),
    ]


def _legend() -> Iterator[str]:
    x = float(_MARGIN)
    for part, text in PARTS.items():
        swatch = f'<rect x="{x:.1f}" y="73" width="11" height="11" rx="3" fill="var(--{part})"/>'
        yield f'{swatch}<text class="text" x="{x + 17:.1f}" y="83">{escape(text)}</text>'
        x += _measure(text) + 34


def _band(level: int, top: float, width: float) -> str:
    band = f'<rect class="band" x="10" y="{top - 10:g}" width="{width - 20:g}" height="{_HEIGHT + 20}" rx="8"/>'
    return f'{band}<text class="level" x="18" y="{top + _HEIGHT / 2 + 4:g}">{level}</text>'


def _box(room: str, text: str, plan: _Plan) -> str:
    """A room: its name, what it is for, and its number on the way of a bar."""
    x, top, color = plan.middles[room] - _BOX / 2, plan.tops[room], f"var(--{ROOMS[room]})"
    shape = f'x="{x:.1f}" y="{top:g}" width="{_BOX}" height="{_HEIGHT}" rx="7"'
    parts = [f'<rect class="box" {shape} stroke="{color}"/><rect class="tint" {shape} fill="{color}"/>']
    parts.append(f'<text class="name" x="{x + 12:.1f}" y="{top + 22:g}">{escape(room)}</text>')
    for number, line in enumerate(_wrapped(text, _BOX - 22)):
        parts.append(f'<text class="text" x="{x + 12:.1f}" y="{top + 39 + number * _LINE:g}">{escape(line)}</text>')
    for number in [number for number, stage in enumerate(WAY, 1) if room in stage]:
        parts.append(f'<circle cx="{x + _BOX - 17:.1f}" cy="{top + 17:g}" r="9" fill="{color}"/>')
        parts.append(f'<text class="way" x="{x + _BOX - 17:.1f}" y="{top + 21.2:g}">{number}</text>')
    return f"<g>{''.join(parts)}</g>"


def _wrapped(text: str, width: float) -> list[str]:
    """The text in lines that fit; what they do not hold is cut at a word."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _measure(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) <= _LINES:
        return lines
    last = lines[_LINES - 1]
    while _measure(f"{last} …") > width:
        last = last.rpartition(" ")[0]
    return [*lines[: _LINES - 1], f"{last.rstrip(',;:.')} …"]


def _measure(text: str) -> float:
    """About how wide a text is in small print."""
    return _TEXT_SIZE * sum(_WIDTHS.get(character, 0.67 if character.isupper() else 0.56) for character in text)


def main() -> None:
    """Writes the drawing."""
    DRAWING.write_text(draw())
    sys.stdout.write(f"{DRAWING.relative_to(ROOT)} is up to date\n")


if __name__ == "__main__":
    main()
