"""Jobs are found by looking into the `jobs` package, and described without importing them."""

import ast
import importlib
import inspect
import pkgutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from windrow.errors import WindrowError

if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob

JOBS_PACKAGE = "jobs"


def find_jobs(package: str = JOBS_PACKAGE) -> dict[str, Path]:
    """Return each job's file by command name (moving_average.py is `moving-average`), importing none."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    modules = [Path(folder, module.name) for folder in folders or () for module in pkgutil.iter_modules([folder])]
    names = {module.name.replace("_", "-"): module.with_suffix(".py") for module in sorted(modules)}
    return {name: file for name, file in names.items() if file.is_file() and not name.startswith("-")}


def summary(file: Path) -> str:
    """Return the first line of a module's docstring, from its text alone; empty if there is none."""
    try:
        docstring = ast.get_docstring(ast.parse(file.read_bytes()))
    except (SyntaxError, ValueError):
        return "(its file does not parse)"
    return (docstring or "").partition("\n")[0]


def job_class(file: Path) -> "type[BarJob]":
    """Import a job's module and return the one BarJob defined in it. Raises WindrowError unless it is one."""
    from windrow.mapreduce.barjob import BarJob

    module = importlib.import_module(f"{file.parent.name}.{file.stem}")
    jobs = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, BarJob) and value.__module__ == module.__name__
    ]
    if len(jobs) != 1:
        names = ", ".join(job.__name__ for job in jobs) or "none"
        raise WindrowError(f"{file}: a job's file defines one subclass of BarJob, this one: {names}")
    return jobs[0]
