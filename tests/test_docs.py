"""The guides in docs/ are true: what they show on a console is what the commands print, their options exist."""

import ast
import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from windrow import errors
from windrow.catalog.collection.collected import INCOMPLETE
from windrow.cli import INTERRUPTED
from windrow.trading.backtests import Backtests, Rules
from windrow.trading.measures import Measures
from windrow.windows import kernels

pytestmark = pytest.mark.one_python
ROOT = Path(__file__).parents[1]
GUIDES = sorted(path.name for path in (ROOT / "docs").glob("*.md") if "```console\n" in path.read_text())


def consoles(guide):
    """The console blocks of a guide."""
    return "".join(
        re.findall(r"^```console\n(.*?)^```$", (ROOT / "docs" / guide).read_text(), re.MULTILINE | re.DOTALL)
    )


@pytest.fixture
def shell(tmp_path):
    """Runs a command in a folder with the sample bars and `windrow` on the path; returns what a terminal would show."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    command = tmp_path / "bin" / "windrow"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m windrow.cli "$@"\n')
    command.chmod(0o755)
    env = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return lambda command: subprocess.run(["bash", "-c", command], cwd=tmp_path, env=env, **both).stdout.decode()


@pytest.mark.docs
@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_prints_what_the_guide_shows(shell, guide):
    shown = consoles(guide)
    commands = re.findall(r"^\$ (.*)$", shown, re.MULTILINE)
    assert "".join(f"$ {command}\n{shell(command)}" for command in commands) == shown
    assert commands


def test_the_guide_to_signals_and_help_name_the_same_options_of_crosses(run_module):
    section = (ROOT / "docs/signals.md").read_text().partition("## Crosses\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)
    helped = run_module("jobs.crossover", "--help").out.decode().partition("Crosses:")[2].partition("Reading bars:")[0]
    assert listed == re.findall(r"^  (--[a-z-]+)", helped, re.MULTILINE)


def test_the_guide_to_indicators_has_every_kind_with_its_numbers_and_columns():
    rows = re.findall(r"^\| (`.*?) \| (.*?) \| (.*?) \|", (ROOT / "docs/indicators.md").read_text(), re.MULTILINE)
    told = {}
    for names, takes, formula in rows:
        for kind, _, numbers in (text.partition(":") for text in re.findall("`(.*?)`", names)):
            told[kind] = numbers.split(",")[1:], [] if takes == "x" else takes.split(", "), formula
    assert told.keys() == kernels().keys()
    for kind, (numbers, takes, formula) in told.items():
        made = kernels()[kind]
        assert (kind, numbers) == (kind, [argument.default for argument in made.arguments])
        assert (kind, takes) == (kind, list(made.inputs))
        assert set(re.findall("`([a-z]+)`", formula)) == set(made.outputs)


def test_the_guide_to_catalogs_and_help_name_the_same_options_of_growth(run_module):
    section = (ROOT / "docs/catalog.md").read_text().partition("## Growth\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)
    helped = run_module("jobs.catalog_growth", "--help").out.decode().partition("Growth:")[2]
    assert listed == re.findall(r"^  (--[a-z-]+)", helped.partition("Reading bars:")[0], re.MULTILINE)


def backtests():
    """The guide to backtests."""
    return (ROOT / "docs/signals.md").read_text().partition("## Backtests\n")[2]


def test_the_guide_to_backtests_and_help_name_the_same_options(run_module):
    listed = re.findall(r"^\| `(--[a-z-]+)", backtests(), re.MULTILINE)
    helped = run_module("jobs.backtest", "--help").out.decode()
    titles = "Backtest", "Trading", "Portfolio", "Figures"
    groups = (helped.partition(f"\n{title}:\n")[2].partition("\n\n")[0] for title in titles)
    assert listed == re.findall(r"^  (--[a-z-]+)", "\n".join(groups), re.MULTILINE)


def test_the_guide_to_figures_defines_every_one():
    guide = (ROOT / "docs/figures.md").read_text().partition("## Undefined figures\n")[0]
    names = re.findall(r"^\| (`.*?`) \|", guide, re.MULTILINE)
    every = Backtests(Rules(), 1, measures=Measures(backtrader=True)).figures()[0]
    assert re.findall("`([a-z_]+)`", " ".join(names)) == list(every)[:-1]


def test_the_guide_to_reports_and_help_name_the_same_options(run_module):
    listed = re.findall(r"^\| `(--?[a-z-]+)", (ROOT / "docs/report.md").read_text(), re.MULTILINE)
    helped = run_module("windrow.cli", "report", "--help").out.decode()
    assert listed == re.findall(r"^  (--?[a-z-]+)", helped.partition("Options:")[2], re.MULTILINE)[:-1]


def test_the_guide_to_sweeps_and_help_name_the_same_options_of_sweeps(run_module):
    listed = re.findall(r"^\| `(--[a-z-]+)", (ROOT / "docs/sweeps.md").read_text().partition("\n## ")[0], re.MULTILINE)
    helped = run_module("jobs.sweep", "--help").out.decode().partition("Pairs and parts:")[2].partition("Trading:")[0]
    assert listed == re.findall(r"^  (--[a-z-]+)", helped, re.MULTILINE)


@pytest.mark.docs
@pytest.mark.parametrize(("guide", "lines", "shown"), [("sweeps.md", 7, "train_pnl"), ("signals.md", None, "golden")])
def test_the_notebook_of_a_guide_runs(guide, lines, shown):
    [program] = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / guide).read_text(), re.MULTILINE | re.DOTALL)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert shown in done.stdout and lines in (None, len(done.stdout.splitlines()))


def test_the_guide_to_python_shows_what_is_printed(monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```pycon\n(.*?)^```$", (ROOT / "docs/python.md").read_text(), re.MULTILINE | re.DOTALL)
    guide = doctest.DocTestParser().get_doctest("".join(blocks), {}, "docs/python.md", None, 0)
    said = []
    ran = doctest.DocTestRunner(verbose=False).run(guide, out=said.append)
    assert ran.attempted > 8 and not ran.failed, "".join(said)


# docs/command-line.md.

COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text()
#: What libraries read that windrow uses: of the variables in the table, those that no source of windrow names.
OF_LIBRARIES = {
    "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "COMP_CWORD", "COMP_WORDS",
    "HADOOP_INSTALL", "HADOOP_MAPRED_HOME", "HADOOP_PREFIX", "MRJOB_CONF", "http_proxy", "https_proxy", "no_proxy",
}  # fmt: skip
#: Texts of functions that read variables that are none, and prefixes of such that Hadoop sets.
NO_VARIABLES = {"AWS_", "mapreduce_task_", "output_dir"}
_VARIABLE = re.compile(r"_?[A-Za-z]+_[A-Za-z_0-9]+|PATH|HOME|TERM|COLUMNS|TMPDIR")


def texts_of(node, constants):
    """The texts in a piece of source, those of the constants that it names included."""
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value
        elif isinstance(one, ast.Name):
            yield from constants.get(one.id, ())


def variables_of_sources():
    """The names in each statement that reads or sets environment variables, and the variables of our shell scripts."""
    parsed = [ast.parse(path.read_text()) for room in ("windrow", "jobs") for path in (ROOT / room).rglob("*.py")]
    constants = {}
    for statement in (statement for tree in parsed for statement in tree.body if isinstance(statement, ast.Assign)):
        for target in statement.targets:
            constants.setdefault(ast.unparse(target), []).extend(texts_of(statement.value, {}))
    for statement in (node for tree in parsed for node in ast.walk(tree) if isinstance(node, ast.stmt)):
        heads = [getattr(statement, name) for name in ("test", "iter") if hasattr(statement, name)]
        for part in heads if hasattr(statement, "body") else [statement]:
            if any(isinstance(one, ast.Attribute) and one.attr == "environ" for one in ast.walk(part)):
                yield from texts_of(part, constants)
    for path in (ROOT / "windrow").rglob("*.sh"):
        yield from re.findall(r"\$\{([A-Z_]+)", path.read_text())


def test_every_environment_variable_is_in_the_guide_and_no_other():
    told = COMMAND_LINE.partition("## Environment variables")[2]
    documented = set(re.findall(r"`(_?[A-Za-z]+_[A-Za-z_0-9]+|[A-Z]+)`", told))
    used = {text for text in variables_of_sources() if _VARIABLE.fullmatch(text)} - NO_VARIABLES
    assert {name for name in used if not name.startswith(("mapreduce_", "mapred_", "map_input"))} <= documented
    set_by_us = {"WINDROW_EMR", "KERAS_BACKEND", "HADOOP_ROOT_LOGGER", "PYSPARK_PYTHON", "PYSPARK_SUBMIT_ARGS"}
    set_by_us |= {"windrow_webhdfs", "windrow_webhdfs_of", "windrow_webhdfs_user"}
    assert documented - used <= OF_LIBRARIES | set_by_us | {"mapreduce_", "mapred_", "map_"}


def test_every_exit_status_is_in_the_guide_and_no_other():
    rows = re.findall(r"^\| (\d+) \|", COMMAND_LINE, re.MULTILINE)
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.WindrowError)]
    assert set(map(int, rows)) == {0, INTERRUPTED, INCOMPLETE, *(kind.exit_status for kind in kinds)}
