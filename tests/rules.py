"""The rules of the house, each a function over a folder of sources that yields what breaks it.

A violation is a line, `FILE:LINE: what is wrong: the rule; the fix`. The graph of imports, and the order of the rooms,
are those that docs/architecture.py draws. tests/test_architecture.py holds our sources to the rules, and shows for each
rule that it finds what breaks it.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MOST_ROOMS, MOST_LEVELS, ONE_SCREEN = 30, 9, 80
#: The one module that touches what is private to mrjob.
ADAPTER = "windrow/runners/mrjob_adapter.py"
#: Who imports mrjob at all.
MRJOB = ("windrow/runners/", "windrow/mapreduce/barjob.py")
KERNELS = ("sort_keys", "exact", "windows", "trading")
#: What kernels may use beside each other, numpy and Python.
UNDER_KERNELS = ("errors", "arrays", "times", "states")
#: Parts of Python that kernels have no use for: options and files.
OUTSIDE = {"argparse", "glob", "io", "logging", "os", "pathlib", "shutil", "socket", "subprocess", "tempfile"}


def _load_architecture():
    spec = spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


architecture = _load_architecture()


def _at(root: Path, path: Path, line: int = 1) -> str:
    return f"{path.relative_to(root)}:{line}"


def _walk(root: Path, *packages: str) -> Iterator[tuple[Path, ast.AST]]:
    """Every node of the sources of our packages, or of some."""
    for module, path in architecture.modules(root).items():
        if not packages or module.partition(".")[0] in packages:
            for node in ast.walk(architecture.parsed(path)):
                yield path, node


# Rooms and imports.


def circles_of_rooms(root: Path) -> Iterator[str]:
    """Rooms that import each other, in functions too."""
    yield from _circles(root, architecture.room_of, list(architecture.imports(root)), "rooms")


def circles_of_modules(root: Path) -> Iterator[str]:
    """Modules that import each other while they are loaded."""
    yield from _circles(root, str, [one for one in architecture.imports(root) if not one.late], "modules")


def _circles(root, name_of, imports, what) -> Iterator[str]:
    by_edge = {}
    for one in imports:
        ends = name_of(one.importer), name_of(one.imported)
        if all(ends) and ends[0] != ends[1]:
            by_edge.setdefault(ends, one)
    graph = defaultdict(set)
    for importer, imported in by_edge:
        graph[importer].add(imported)
    for group in architecture.circles(graph):
        way = _way_back(graph, group[0])
        for edge in pairwise(way):
            one = by_edge[edge]
            yield (
                f"{_at(root, one.path, one.line)}: imports {one.imported}, on a circle of {what}, {' -> '.join(way)}:"
                " imports go one way; move what both need to one below them"
            )


def _way_back(graph: Mapping[str, Collection[str]], start: str) -> list[str]:
    """A shortest way from a node to itself."""
    ways = [[start]]
    while True:
        way = ways.pop(0)
        for other in sorted(graph.get(way[-1], ())):
            if other == start:
                return [*way, start]
            if other not in way:
                ways.append([*way, other])


def upward_imports(root: Path) -> Iterator[str]:
    """Imports of a room that the order of rooms names later, and rooms that it does not name."""
    order = {room: number for number, room in enumerate(architecture.ROOMS)}
    for module, path in architecture.modules(root).items():
        if architecture.room_of(module) not in order:
            yield (
                f"{_at(root, path)}: room {architecture.room_of(module)} has no place: ROOMS in docs/architecture.py"
                " names all rooms in order; add it below those that import it"
            )
    for one in architecture.imports(root):
        room, other = architecture.room_of(one.importer), architecture.room_of(one.imported)
        if room != other and room in order and order.get(other, -1) > order[room]:
            yield (
                f"{_at(root, one.path, one.line)}: imports {one.imported}, and {other} is above {room}: a room imports"
                " only those before it in ROOMS of docs/architecture.py; move what is needed down, or pass it in"
            )


def too_large(root: Path) -> Iterator[str]:
    """More rooms under windrow/, or more levels, than one keeps in mind."""
    known = architecture.modules(root)
    inside = sorted({architecture.room_of(module) for module in known if module.startswith("windrow.")})
    if len(inside) > MOST_ROOMS:
        yield (
            f"{_at(root, known['windrow'])}: has {len(inside)} rooms, {', '.join(inside)}: at most {MOST_ROOMS}; put"
            " some together"
        )
    graph = architecture.rooms(root)
    if architecture.circles(graph):
        return  # which have no levels
    level_of = architecture.levels(graph)
    for one in architecture.imports(root):
        room, other = architecture.room_of(one.importer), architecture.room_of(one.imported)
        if level_of[room] > MOST_LEVELS and level_of.get(other) == level_of[room] - 1:
            yield (
                f"{_at(root, one.path, one.line)}: imports {one.imported}, so {room} is on level {level_of[room]}:"
                f" there are at most {MOST_LEVELS}; let it, or what is below it, import less"
            )


# mrjob.


def imports_of_mrjob(root: Path) -> Iterator[str]:
    """Imports of mrjob by others than the runners and BarJob."""
    for one in architecture.imports(root):
        place = str(one.path.relative_to(root))
        if one.imported.partition(".")[0] == "mrjob" and not place.startswith(MRJOB):
            yield (
                f"{_at(root, one.path, one.line)}: imports {one.imported}: only {' and '.join(MRJOB)} know mrjob;"
                " use what they offer"
            )


class _Class(NamedTuple):
    bases: tuple[str, ...]
    private: frozenset[str]


class _Code(NamedTuple):
    """The classes of some modules by full name, and what each module's imports are called there."""

    classes: dict[str, _Class]
    aliases: dict[str, dict[str, str]]

    def found(self, name: str) -> str:
        """The full name of a class, from the name by which a module imports it."""
        module, _, last = name.rpartition(".")
        other = self.aliases.get(module, {}).get(last)
        return name if name in self.classes or other is None or other == name else self.found(other)

    def ancestors(self, name: str) -> set[str]:
        """A class and all that it derives from."""
        name = self.found(name)
        bases = self.classes[name].bases if name in self.classes else ()
        return {name}.union(*map(self.ancestors, bases))


def _code(modules: Mapping[str, Path]) -> _Code:
    code = _Code({}, {})
    for module, path in modules.items():
        tree = architecture.parsed(path)
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        code.aliases[module] = dict(_aliases(tree, package))
        for name, node in _classes(tree, module):
            bases = (ast.unparse(base) for base in node.bases)
            code.classes[name] = _Class(tuple(_full(base, module, code) for base in bases), frozenset(_privates(node)))
    return code


def _aliases(tree: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname, alias.name) for alias in node.names if alias.asname)
        elif isinstance(node, ast.ImportFrom):
            bases = [base for base, _ in architecture.names_in(node, package)]
            yield from ((a.asname or a.name, f"{base}.{a.name}") for a, base in zip(node.names, bases, strict=True))


def _full(name: str, module: str, code: _Code) -> str:
    first, dot, rest = name.partition(".")
    if first in code.aliases[module]:
        return code.aliases[module][first] + dot + rest
    return name if dot else f"{module}.{name}"


def _classes(node: ast.AST, place: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield f"{place}.{child.name}", child
        yield from _classes(child, f"{place}.{child.name}" if isinstance(child, ast.ClassDef) else place)


def _privates(node: ast.ClassDef | ast.Module) -> Iterator[str]:
    """Private names that a class, or the classes of a module and itself, define or assign."""
    for child in node.body:
        yield from (name for name, _ in defined(child) if _is_private(name))
    for child in ast.walk(node):
        stored = isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store)
        if stored and _is_private(child.attr) and ast.unparse(child.value) in ("self", "cls"):
            yield child.attr


def defined(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Names that a statement defines, and its line."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, node.lineno
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from ((target.id, node.lineno) for target in targets if isinstance(target, ast.Name))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@cache
def mrjob_code() -> _Code:
    """The classes of mrjob, from its sources."""
    return _code(_mrjob_modules())


def _mrjob_modules() -> dict[str, Path]:
    folder = Path(find_spec("mrjob").origin).parent
    paths = [path for path in folder.rglob("*.py") if path.relative_to(folder).parts[0] not in ("examples", "tools")]
    return {".".join(["mrjob", *path.relative_to(folder).with_suffix("").parts]).removesuffix(".__init__"): path
            for path in sorted(paths)}  # fmt: skip


def private_to(*classes: str) -> set[str]:
    """Private names of instances of classes of mrjob, inherited ones too."""
    code = mrjob_code()
    names = {name for one in classes for name in code.ancestors(one)}
    return {private for name in names if name in code.classes for private in code.classes[name].private}


@cache
def private_in_mrjob() -> set[str]:
    """Every private name in mrjob, of a class or of a module."""
    return private_to(*mrjob_code().classes).union(
        *(_privates(architecture.parsed(p)) for p in _mrjob_modules().values())
    )


def privates_of_mrjob(root: Path) -> Iterator[str]:
    """Private names of mrjob's that are touched outside the adapter: used, overridden, or imported.

    `self` and a class's own definitions count where the class shares its namespace with one of mrjob's: it derives from
    it, or is mixed into a class that does. Of any other object those names count that mrjob has, unless a class of ours
    in the same file defines them, apart from such classes: private is private to a file.
    """
    modules = architecture.modules(root)
    code = _code(modules)
    shared = _shared_with_mrjob(code)
    for module, path in modules.items():
        if str(path.relative_to(root)) == ADAPTER:
            continue
        ours = {private for name, one in code.classes.items() if name.startswith(f"{module}.") and not shared.get(name)
                for private in one.private}  # fmt: skip
        for line, name in _touches(architecture.parsed(path), module, shared, private_in_mrjob() - ours):
            yield (
                f"{_at(root, path, line)}: {name} is private to mrjob: only {ADAPTER} touches that; offer there what is"
                " needed here, under a public name"
            )


def _shared_with_mrjob(code: _Code) -> dict[str, set[str]]:
    """For each class of ours that shares its namespace with some of mrjob's, the private names of those."""
    shared: dict[str, set[str]] = defaultdict(set)
    for name in code.classes:
        family = code.ancestors(name)
        mrjobs = [one for one in family if one.startswith("mrjob.")]
        for one in family if mrjobs else ():
            shared[one] |= private_to(*mrjobs)
    return shared


def _touches(node: ast.AST, place: str, shared: Mapping[str, set[str]], foreign: set[str]) -> Iterator[tuple[int, str]]:
    """Lines, and what in them is private to mrjob; `place` is the full name of the class around, or of the module."""
    for child in ast.iter_child_nodes(node):
        here = place
        if isinstance(child, ast.ClassDef):
            here = f"{place}.{child.name}"
            own = (found for one in child.body for found in defined(one))
            yield from ((line, f"{child.name}.{name}") for name, line in own if name in shared.get(here, ()))
        elif isinstance(child, ast.Attribute) and _is_private(child.attr):
            of_self = ast.unparse(child.value) in ("self", "cls", "super()")
            if child.attr in (shared.get(place, ()) if of_self else foreign):
                yield child.lineno, ast.unparse(child)
        elif isinstance(child, ast.ImportFrom) and _knows_mrjob(child.module):
            private = (alias.name for alias in child.names if alias.name in foreign)
            yield from ((child.lineno, f"{child.module}.{name}") for name in private)
        elif isinstance(child, ast.Call) and ast.unparse(child.func) in ("getattr", "setattr", "hasattr", "delattr"):
            names = (one.value for one in child.args[1:2] if isinstance(one, ast.Constant) and one.value in foreign)
            yield from ((child.lineno, f"{ast.unparse(child.args[0])}.{name}") for name in names)
        yield from _touches(child, here, shared, foreign)


def _knows_mrjob(module: str | None) -> bool:
    return (module or "").partition(".")[0] == "mrjob" or (module or "").rpartition(".")[2] == Path(ADAPTER).stem


# Types.


def untyped(root: Path, *packages: str) -> Iterator[str]:
    """Public functions and methods with a parameter, or a result, that has no type; `__init__` is its class's."""
    for module, path in architecture.modules(root).items():
        if not packages or module.partition(".")[0] in packages:
            for name, node, is_method in _public(architecture.parsed(path)):
                if missing := _without_types(node, is_method):
                    yield (
                        f"{_at(root, path, node.lineno)}: {name} has no type for {', '.join(missing)}: public names"
                        " have typed signatures; add them"
                    )


def _public(node: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
    for child in node.body:
        public = not _is_private(getattr(child, "name", "_"))
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and public:
            static = any(ast.unparse(one) == "staticmethod" for one in child.decorator_list)
            if not child.name.startswith("__") or child.name in ("__init__", "__call__"):
                yield child.name, child, isinstance(node, ast.ClassDef) and not static
        elif isinstance(child, ast.ClassDef) and public:
            yield from ((f"{child.name}.{name}", found, is_method) for name, found, is_method in _public(child))


def _without_types(node: ast.FunctionDef | ast.AsyncFunctionDef, is_method: bool) -> list[str]:
    named = [*node.args.posonlyargs, *node.args.args]
    others = [*node.args.kwonlyargs, *filter(None, (node.args.vararg, node.args.kwarg))]
    missing = [one.arg for one in [*named[is_method:], *others] if one.annotation is None]
    return missing if node.returns else [*missing, "its result"]


# Kernels and jobs.


def kernels_that_know_more(root: Path) -> Iterator[str]:
    """Kernels that know more than arrays: options (but in their options.py), files, mrjob, or packages beside numpy."""
    for one in architecture.imports(root):
        room, other = architecture.room_of(one.importer), architecture.room_of(one.imported)
        package = one.imported.partition(".")[0]
        if room not in KERNELS or one.path.name == "options.py":
            continue
        python = package in sys.stdlib_module_names and package not in OUTSIDE
        if not (other in (*KERNELS, *UNDER_KERNELS) or package == "numpy" or python) or one.imported.endswith(
            ".options"
        ):
            yield (
                f"{_at(root, one.path, one.line)}: imports {one.imported}, and {room} are kernels: they know arrays, no"
                " options, no files, no mrjob; pass in what is needed"
            )
    for module, path in architecture.modules(root).items():
        if (room := architecture.room_of(module)) in KERNELS:
            for node in ast.walk(architecture.parsed(path)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "open":
                    yield (
                        f"{_at(root, path, node.lineno)}: opens a file, and {room} are kernels: they know arrays, no"
                        " files; pass in what is needed"
                    )


def backtests_that_know_files(root: Path) -> Iterator[str]:
    """Backtests and sweeps that know how bars are read: they take arrays, on any way that these came."""
    for one in architecture.imports(root):
        reads = architecture.room_of(one.imported) in ("feeds", "storage") or one.imported == "windrow.bars.text"
        if reads and architecture.room_of(one.importer) in ("trading", "sweeps"):
            yield (
                f"{_at(root, one.path, one.line)}: imports {one.imported}: backtests and sweeps know nothing of how"
                " bars are read; pass in arrays"
            )


def overgrown_jobs(root: Path) -> Iterator[str]:
    """Jobs that are longer than a screen, or do themselves what kernels are for."""
    for one in architecture.imports(root):
        package = one.imported.partition(".")[0]
        if architecture.room_of(one.importer) == "jobs" and package in ("numpy", "pandas", "pyarrow"):
            yield f"{_at(root, one.path, one.line)}: imports {one.imported}: a job holds no arithmetic; write a kernel"
    for module, path in architecture.modules(root).items():
        if architecture.room_of(module) == "jobs":
            yield from _overgrown(root, path)


def _overgrown(root: Path, path: Path) -> Iterator[str]:
    if (lines := len(path.read_text().splitlines())) > ONE_SCREEN:
        yield f"{_at(root, path, lines)}: is the last line: a job is one screen, {ONE_SCREEN} lines; move logic out"
    if path.stem in sys.stdlib_module_names:
        yield f"{_at(root, path)}: is named like a module of Python's: tasks would import the job; rename it"
    for node in ast.walk(architecture.parsed(path)):
        if isinstance(node, ast.FunctionDef) and node.name in ("map_bars", "reduce_bars", "unite"):
            for loop in _loops_over(node, {one.arg for one in node.args.args[1:]}):
                yield f"{_at(root, path, loop.lineno)}: loops over bars: a job holds no such loop; write a kernel"


def _loops_over(function: ast.FunctionDef, names: set[str]) -> Iterator[ast.expr | ast.stmt]:
    """Loops over these names, or over what is made of them; over the texts of invalid rows a job may loop."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.For | ast.comprehension):
            source = node.value if isinstance(node, ast.Assign) else node.iter
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if not _uses(source, names):
                continue
            names |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
            if not isinstance(node, ast.Assign):
                yield source
        elif isinstance(node, ast.While):
            yield node


def _uses(node: ast.expr, names: set[str]) -> bool:
    if isinstance(node, ast.Attribute) and node.attr == "texts":
        return False
    used = isinstance(node, ast.Name) and node.id in names
    return used or any(_uses(child, names) for child in ast.iter_child_nodes(node))


# Manners.


def callable_modules(root: Path) -> Iterator[str]:
    """Modules that are made callable."""
    for path, node in _walk(root):
        stored = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr == "__class__"
        made = isinstance(node, ast.ClassDef) and any(ast.unparse(one).endswith("ModuleType") for one in node.bases)
        if stored or made:
            what = f"assigns {ast.unparse(node)}" if stored else f"{node.name} is a class of modules"
            yield f"{_at(root, path, node.lineno)}: {what}: no module is made callable; give it a function"


def attributes_assigned_by_with(root: Path) -> Iterator[str]:
    """`with ... as self.x`: an attribute that outlives the block that it is for."""
    for path, node in _walk(root):
        if isinstance(node, ast.withitem) and node.optional_vars is not None:
            targets = [one for one in ast.walk(node.optional_vars) if isinstance(one, ast.Attribute | ast.Subscript)]
            if any(isinstance(one.ctx, ast.Store) for one in targets):
                yield (
                    f"{_at(root, path, node.optional_vars.lineno)}: with ... as {ast.unparse(node.optional_vars)}:"
                    " `with` assigns no attribute; name a variable and pass it on"
                )


def names_used_twice(root: Path, judged: Collection[str] = ()) -> Iterator[str]:
    """Modules and rooms of one name; those `judged` have one meaning."""
    places = defaultdict(list)
    for module, path in architecture.modules(root).items():
        places[module.rpartition(".")[2]].append(path)
    for name, paths in places.items():
        if len(paths) > 1 and name not in judged:
            others = ", ".join(str(path.relative_to(root)) for path in paths[1:])
            yield (
                f"{_at(root, paths[0])}: has the name of {others}: one name, one meaning; rename one, or say in"
                " tests/test_architecture.py what all of them mean"
            )


def functions_written_twice(root: Path) -> Iterator[str]:
    """Functions of the same statements, of some size; those that only raise an error share nothing."""
    written = defaultdict(list)
    for path, node in _walk(root):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if not all(isinstance(statement, ast.Raise) for statement in body):
                written["".join(map(ast.dump, body))].append((path, node))
    for body, found in written.items():
        if len(body) > 300 and len(found) > 1:
            (path, node), *others = found
            places = ", ".join(f"{other.name} at {_at(root, place, other.lineno)}" for place, other in others)
            yield (
                f"{_at(root, path, node.lineno)}: {node.name} has the statements of {places}: a function is written"
                " once; move it below both"
            )
