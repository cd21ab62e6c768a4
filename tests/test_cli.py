"""The `windrow` command: finds jobs without importing them, passes arguments on, reports an error in one line."""

import errno
import os
import resource
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import pytest

from windrow import cli, console

ROOT = Path(__file__).parents[1]
BARS = ROOT / "data/bars.csv"
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
    """A folder of jobs, and a stand-in for windrow.mapreduce.barjob that prints the arguments it gets."""

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
    monkeypatch.setattr(cli, "JOBS", folder)
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
    assert "  sample      Write sample bars" in tools
    assert "plot " in tools
    assert not any(name.startswith("fakejobs.") for name in sys.modules)


@pytest.mark.parametrize(
    "args",
    [
        ["--help"], ["-h"], ["--version"], ["-r", "local", "a.csv", "--window", "20"],
        ["--", "-x", "--", "y"], ["--force", "é 'q'"], ["moving-average", ""],
    ],
)  # fmt: skip
def test_a_job_gets_its_arguments_untouched_and_returns_the_exit_status(fake_jobs, capsys, args):
    assert cli.main(["moving-average", *args]) == len(args)
    assert capsys.readouterr().out == f"MovingAverage {args}\n"


def test_a_new_job_needs_no_list(fake_jobs, capsys):
    (fake_jobs / "fresh_job.py").write_text(MOVING)
    assert cli.main(["fresh-job"]) == 0
    assert capsys.readouterr().out == "MovingAverage []\n"


@pytest.mark.parametrize(("name", "found"), [("two", "MovingAverage, B"), ("none", "no subclass")])
def test_a_file_that_does_not_define_exactly_one_job_is_refused(fake_jobs, capsys, name, found):
    assert cli.main([name]) == 1
    message = f"defines {found}: a job's file must define exactly one subclass of BarJob"
    assert capsys.readouterr().err == f"error: {fake_jobs / name}.py: {message}\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("moving-avrage", "moving-avrage: no such command: did you mean moving-average?"),
        ("moving_average", "moving_average: no such command: did you mean moving-average?"),
        ("Plot", "Plot: no such command: did you mean plot?"),
        (
            "xyzzy",
            "xyzzy: no such command: the commands are broken, crossings, moving-average, none, two, catalog, collect,"
            " completion, emr, inspect, market, pack, paper, plot, report, sample, stream",
        ),
    ],
)
def test_an_unknown_command_names_the_nearest(fake_jobs, capsys, name, message):
    assert cli.main([name, "x"]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_another_error_in_a_job_keeps_its_traceback(fake_jobs):
    for _ in range(2):  # it is not half imported by the first
        with pytest.raises(RuntimeError, match="imported"):
            cli.main(["crossings"])


def test_every_real_job_and_tool_is_described():
    for file in cli.find_jobs().values():
        assert cli.summary(file)
    for tool in map(cli.tool, cli.find_tools()):
        assert tool.help
        assert all(option.help for option in tool.params if option.param_type_name == "option")


def test_without_a_folder_of_jobs_there_are_none(tmp_path):
    assert cli.find_jobs(tmp_path / "nothing") == {}


@pytest.fixture
def shadowed(tmp_path):
    """Runs Python in a folder with packages of the user's own that are named as ours; what it printed."""
    for name in ("jobs", "sort_keys"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("OWNER = 'the user'\n")

    def run(*args):
        env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
        return subprocess.run([sys.executable, *args], cwd=tmp_path, env=env, capture_output=True, text=True)

    return run


def test_jobs_are_found_where_the_user_has_packages_of_the_same_names(shadowed):
    assert "  moving-average  " in shadowed("-m", "windrow.cli", "--help").stdout
    expected = (ROOT / "data/averages.tsv").read_text().splitlines()
    for options in (["-r", "inline"], ["-r", "local"], ["-r", "local", "--task-python-bin", sys.executable]):
        indicators = ["--indicator", "sma:20", "--indicator", "ema:12"]
        done = shadowed("-m", "windrow.cli", "moving-average", "-q", *options, *indicators, str(BARS))
        assert (done.returncode, done.stderr) == (0, "")
        assert sorted(done.stdout.splitlines()) == sorted(expected)


def test_a_library_leaves_a_users_jobs_alone(shadowed):
    program = f"""
import pandas, windrow, jobs
from windrow.cli import main
print(len(windrow.moving_average(pandas.read_csv({str(BARS)!r}, parse_dates=["timestamp"]), "sma:20")))
main(["moving-average", "-q", "-o", "out", {str(BARS)!r}])
import jobs
print(jobs.OWNER)
"""
    done = shadowed("-c", program)
    assert (done.stdout, done.stderr) == ("1155\nthe user\n", "")


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
            "bars: no format: end the name in .csv or .parquet, or use --format",
        ),
        (["sample", "a.csv", "--bars", "x"], 2, "Invalid value for '--bars': 'x' is not a valid integer."),
        (["sample", "none/a.csv"], 1, "none/a.csv: directory none does not exist: create it first"),
        (["sample"], 2, "Missing argument 'OUT'."),
        (["plot", "out"], 2, "Missing option '--bars'."),
    ],
)
def test_errors_are_one_line_on_stderr(capsys, args, status, message):
    assert cli.main(args) == status
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"error: {message}\n")


@pytest.mark.parametrize(
    ("args", "near"),
    [
        (["--hepl"], "--help"),
        (["sample", "a.csv", "--bras", "3"], "--bars"),
        (["emr", "doctor", "--core", "3"], "--cores"),
    ],
)
def test_a_misspelt_option_names_the_nearest(capsys, args, near):
    assert cli.main(args) == 2
    assert near in capsys.readouterr().err


@pytest.mark.parametrize("columns", [40, 60, 100, 300])
@pytest.mark.parametrize("command", ["", "sample", "pack", "plot", "report", "emr", "emr plan", "emr cluster create"])
def test_help_is_no_wider_than_the_terminal(capsys, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert cli.main([*command.split(), "--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= min(columns, cli.MOST_COLUMNS)


def run_command(*args, **kwargs):
    """The command in a process of its own; its status, and what it wrote to standard error."""
    command = [sys.executable, "-m", "windrow.cli", *args]
    done = subprocess.run(command, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}, **kwargs)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    "args", [["--help"], ["--version"], ["emr", "plan", "-h"], ["sample", "bars.csv"]], ids=" ".join
)
def test_a_closed_pipe_is_one_line(tmp_path, args):
    reads, writes = os.pipe()
    os.close(reads)
    refusal = (
        "error: the output: cannot be written: Broken pipe; the program that reads it has ended; let it read to the"
    )
    try:
        assert run_command(*args, stdout=writes, cwd=tmp_path) == (1, f"{refusal} end, or write to a file\n")
    finally:
        os.close(writes)


@pytest.mark.parametrize("args", [["--help"], ["moving-average", "-q", str(BARS)]], ids=["help", "job"])
def test_a_full_disk_behind_standard_output_is_one_line(tmp_path, args):
    place, fix = f"the output, or a file in {tempfile.gettempdir()}", console.FIXES[errno.ENOSPC]
    refusal = f"error: {place}: cannot be written: No space left on device; {fix}\n"
    with open("/dev/full", "wb") as full:
        assert run_command(*args, stdout=full, cwd=tmp_path) == (1, refusal)


@pytest.mark.parametrize("args", [["sample", "bars.csv"], ["sample", "bars.parquet"], ["pack"]], ids=" ".join)
def test_a_file_that_grows_beyond_a_limit_is_one_line_and_removed(tmp_path, args):
    """As on a full disk, which takes a file system to make."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    status, said = run_command(*args, cwd=tmp_path, preexec_fn=limit)
    assert (status, said.count("\n"), os.listdir(tmp_path)) == (1, 1, [])
    assert said.endswith(": cannot be written: File too large\n")


@pytest.mark.parametrize("args", [["sample", "bars.csv"], ["pack", "windrow.pyz"]], ids=" ".join)
def test_a_read_only_place_is_one_line(tmp_path, monkeypatch, capsys, args):
    def refuse(real):
        def method(path, *args, **kwargs):
            if path.suffix == ".part":
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
            return real(path, *args, **kwargs)

        return method

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "open", refuse(Path.open))
    monkeypatch.setattr(Path, "unlink", refuse(Path.unlink))
    assert cli.main(args) == 1
    assert capsys.readouterr().err == f"error: {args[1]}: cannot be written: Read-only file system\n"


@pytest.mark.parametrize("number", console.FIXES)
def test_what_the_system_refuses_elsewhere_is_one_line_with_a_fix(monkeypatch, capsys, number):
    def refuse(*args):
        raise OSError(number, os.strerror(number), "/tmp/part")

    monkeypatch.setattr("windrow.sample.bars.write", refuse)
    assert cli.main(["sample", "a.csv"]) == 1
    reason = f"{os.strerror(number)}; {console.FIXES[number]}"
    on_disk = number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    place = f"the output, or a file in {tempfile.gettempdir()}" if on_disk else "/tmp/part"
    assert capsys.readouterr().err == f"error: {place}: cannot be written: {reason}\n"


def test_another_error_of_the_system_keeps_its_traceback(monkeypatch):
    def refuse(*args):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr("windrow.sample.bars.write", refuse)
    with pytest.raises(OSError, match="Bad file descriptor"):
        cli.main(["sample", "a.csv"])


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
