"""The `windrow` command: finds jobs without importing them, hands on arguments, refuses in one line."""

import subprocess
import sys
import types
from pathlib import Path

import pytest

from windrow import cli

MOVING = '''"""Moving averages of every symbol.

More words.
"""
from windrow.mapreduce.barjob import BarJob


class Helper:
    pass


class MovingAverage(BarJob):
    pass
'''


@pytest.fixture
def fake_jobs(tmp_path, monkeypatch):
    """A package of jobs, and a stand-in for windrow.mapreduce.barjob that prints the arguments it gets."""

    class BarJob:
        @classmethod
        def main(cls, args):
            print(cls.__name__, args)
            return len(args)

    folder = tmp_path / "fakejobs"
    folder.mkdir()
    files = {
        "__init__": "", "_shared": '"""Not a job."""', "moving_average": MOVING,
        "broken": "def (", "crossings": '"""Crosses."""\nraise RuntimeError("imported")\n',
        "two": MOVING + "class B(BarJob): pass\n", "none": "from windrow.mapreduce.barjob import BarJob\n",
    }  # fmt: skip
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "subpackage").mkdir()
    (folder / "subpackage" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(cli, "JOBS_PACKAGE", "fakejobs")
    stand_in = types.ModuleType("windrow.mapreduce.barjob")
    stand_in.BarJob = BarJob
    monkeypatch.setitem(sys.modules, "windrow.mapreduce.barjob", stand_in)
    yield folder
    for name in [name for name in sys.modules if name.startswith("fakejobs")]:
        del sys.modules[name]


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"]])
def test_help_lists_jobs_and_tools_without_importing(fake_jobs, capsys, args):
    assert cli.main(args) == 0
    text = capsys.readouterr().out
    jobs, tools = text[text.index("Jobs:") :].split("Tools:")
    assert "  moving-average  Moving averages of every symbol.\n" in jobs
    assert "  crossings       Crosses.\n" in jobs
    assert "  broken          (its file does not parse)\n" in jobs
    assert "shared" not in text
    assert "subpackage" not in text
    assert "sample  Write sample bars" in tools
    assert "plot " in tools
    assert not any(name.startswith("fakejobs.") for name in sys.modules)


@pytest.mark.parametrize(
    "args",
    [
        ["--help"], ["-h"], ["--version"], ["-r", "local", "a.csv", "--window", "20"],
        ["--", "-x", "--", "y"], ["--force", "é 'q'"], ["moving-average", ""],
    ],
)  # fmt: skip
def test_a_job_gets_its_arguments_untouched_and_gives_the_exit_status(fake_jobs, capsys, args):
    assert cli.main(["moving-average", *args]) == len(args)
    assert capsys.readouterr().out == f"MovingAverage {args}\n"


def test_a_new_job_needs_no_list(fake_jobs, capsys):
    (fake_jobs / "fresh_job.py").write_text(MOVING)
    assert cli.main(["fresh-job"]) == 0
    assert capsys.readouterr().out == "MovingAverage []\n"


@pytest.mark.parametrize(("name", "found"), [("two", "MovingAverage, B"), ("none", "none")])
def test_a_file_of_not_one_job_is_refused(fake_jobs, capsys, name, found):
    assert cli.main([name]) == 1
    message = f"a job's file defines one subclass of BarJob, this one: {found}"
    assert capsys.readouterr().err == f"error: {fake_jobs / name}.py: {message}\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("moving-avrage", "moving-avrage: no such command: did you mean moving-average?"),
        ("moving_average", "moving_average: no such command: did you mean moving-average?"),
        ("Plot", "Plot: no such command: did you mean plot?"),
        (
            "xyzzy",
            "xyzzy: no such command: there are broken, crossings, moving-average, none, two, emr, pack, plot,"
            " report, sample",
        ),
    ],
)
def test_an_unknown_command_names_the_nearest(fake_jobs, capsys, name, message):
    assert cli.main([name, "x"]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_another_error_in_a_job_keeps_its_traceback(fake_jobs):
    with pytest.raises(RuntimeError, match="imported"):
        cli.main(["crossings"])


def test_every_real_job_and_tool_is_described():
    for file in cli.find_jobs().values():
        assert cli.summary(file)
    for tool in map(cli.tool, cli.find_tools()):
        assert tool.help
        assert all(option.help for option in tool.params if option.param_type_name == "option")


def test_no_jobs_package_is_no_jobs():
    assert cli.find_jobs("no_such_package") == {}


def test_sample_says_what_it_wrote(tmp_path, capsys):
    out = tmp_path / "bars.csv"
    assert cli.main(["sample", str(out), "--symbols", "2", "--bars", "1000", "--seed", "-7"]) == 0
    assert capsys.readouterr().out == f"wrote 2,000 bars, {out.stat().st_size:,} bytes, to {out}\n"


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (
            ["sample", "bars"],
            2,
            "bars: its name tells no format: end it in .csv or .parquet, or give --format",
        ),
        (["sample", "a.csv", "--bars", "x"], 2, "Invalid value for '--bars': 'x' is not a valid integer."),
        (["sample", "none/a.csv"], 1, "none/a.csv: there is no directory none: make it first"),
        (["sample"], 2, "Missing argument 'OUT'."),
        (["plot", "out"], 2, "Missing option '--bars'."),
    ],
)
def test_refusals_are_one_line_on_stderr(capsys, args, status, message):
    assert cli.main(args) == status
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"error: {message}\n")


def test_an_interrupt_is_one_line(monkeypatch, tmp_path, capsys):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("windrow.sample.bars.write", interrupt)
    assert cli.main(["sample", str(tmp_path / "a.csv")]) == 130
    assert capsys.readouterr().err.strip() == "error: interrupted"


def test_plot_takes_files_after_bars(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(
        "windrow.pages.averages.plot",
        lambda *args, **options: calls.append((args, options)) or [Path("p.html"), Path("p.png")],
    )
    args = ["plot", "out", "--bars", "a.csv", "b.csv", "--bars", "c.csv", "--symbol", "X", "--symbol", "Y"]
    assert cli.main([*args, "-o", "p.html", "--column", "open", "--force"]) == 0
    args, options = calls[0]
    assert args == ("out", ("a.csv", "b.csv", "c.csv"))
    assert options == {"symbols": ("X", "Y"), "column": "open", "out": Path("p.html"), "force": True}
    assert capsys.readouterr().out == "wrote p.html\nwrote p.png\n"


def test_help_loads_nothing_heavy():
    script = (
        "import sys; from windrow.cli import main; main(['--help']); "
        "print(sorted({'numpy', 'pandas', 'pyarrow', 'altair', 'rich', 'mrjob'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
