"""Jobs are found by listing the `jobs` folder beside the windrow package, and described without importing them."""

import ast
import inspect
import pkgutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from windrow import errors
from windrow.errors import WindrowError

if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob

#: Found by its place: what `import jobs` finds first may be a package of the user's own.
JOBS = Path(errors.__file__).parents[1] / "jobs"


def find_jobs(folder: Path = JOBS) -> dict[str, Path]:
    """Return each job's file by command name (moving_average.py is `moving-average`), without importing any."""
    modules = sorted(module.name for module in pkgutil.iter_modules([str(folder)]) if not module.ispkg)
    return {name.replace("_", "-"): folder / f"{name}.py" for name in modules if not name.startswith("_")}


def summary(file: Path) -> str:
    """Return the first line of a module's docstring, from its text alone; empty if it has no docstring."""
    try:
        docstring = ast.get_docstring(ast.parse(file.read_bytes()))
    except (SyntaxError, ValueError):
        return "(its file does not parse)"
    return (docstring or "").partition("\n")[0]


def job_class(file: Path) -> "type[BarJob]":
    """Import a job's file and return the BarJob that it defines. Raises WindrowError unless there is exactly one."""
    from windrow.mapreduce.barjob import BarJob

    module = _imported(file)
    jobs = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, BarJob) and value.__module__ == module.__name__
    ]
    if len(jobs) != 1:
        names = ", ".join(job.__name__ for job in jobs) or "no subclass"
        raise WindrowError(f"{file}: defines {names}: a job's file must define exactly one subclass of BarJob")
    return jobs[0]


def _imported(file: Path) -> ModuleType:
    """The module of a file, under the name by which `python -m` runs it; imported by its place, and once."""
    name = f"{file.parent.name}.{file.stem}"
    module = sys.modules.get(name)
    if module is None or module.__file__ != str(file):
        spec = spec_from_file_location(name, file)
        assert spec and spec.loader
        sys.modules[name] = module = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return module
