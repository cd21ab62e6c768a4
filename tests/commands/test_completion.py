"""Shells complete commands, jobs' options and their values, and names of files: real ones, on a terminal."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.conftest import ROOT
from windrow.commands import completion
from windrow.mapreduce.completions import options_of
from windrow.mapreduce.registry import find_jobs, job_class

pytestmark = pytest.mark.options


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A user's home: a `windrow` to run, an empty cache, and a folder with files."""
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    command = home / "bin" / "windrow"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m windrow.cli "$@"\n')
    command.chmod(0o755)
    (home / "prices.csv").touch()
    (home / "results").mkdir()
    return home


@pytest.fixture(scope="module")
def env(home):
    kept = {name: value for name, value in os.environ.items() if name not in ("XDG_CACHE_HOME", "ZDOTDIR")}
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    return {**kept, "HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT), "TERM": "dumb", "PS1": "$ "}


@pytest.fixture(scope="module")
def asked(home, env):
    """What bash is told at TAB after these words, the last of which is not complete: (kind, value)."""

    def ask(*words, shell="bash"):
        told = {"_WINDROW_COMPLETE": f"{shell}_complete", "COMP_WORDS": " ".join(["windrow", *words])}
        told["COMP_CWORD"] = str(len(words)) if shell != "fish" else words[-1]
        done = subprocess.run(["windrow"], env={**env, **told}, cwd=home, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return [tuple(line.split(",", 1)) for line in done.stdout.splitlines() if line]

    return ask


def plain(found):
    assert {kind for kind, _ in found} <= {"plain"}
    return [value for _, value in found]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["swe"], ["sweep"]),
        (["com"], ["completion"]),
        (["rejects", "--comp"], ["--compress"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["sweep", "--obj"], ["--objective"]),
        (["sweep", "--on"], ["--on-conflict"]),
        (["sweep", "--on-conflict", ""], ["fail", "smallest", "largest"]),
        (["sweep", "--on-conflict", "s"], ["smallest"]),
        (["sweep", "--on-conflict", "=", "s"], ["smallest"]),
        (["sweep", "-r", ""], ["inline", "local", "hadoop", "emr", "spark"]),
        (["moving-average", "--output-format", "parquet-"], ["parquet-ns"]),
        (["moving-average", "--compress", ""], ["gzip", "zstd"]),
        (["moving-average", "--timezone", "Europe/Berl"], ["Europe/Berlin"]),
        (["moving-average", "--no-such"], []),
        (["moving-average", "--window", ""], []),
        (["moving-average", "--spark-deploy"], ["--spark-deploy-mode"]),  # mrjob's own
        (["emr", "plan", "moving-av"], ["moving-average"]),
        (["emr", "plan", "--cores", "4", "sweep", "--obj"], ["--objective"]),
        (["emr", "submit", "sweep", "--on-conflict", "l"], ["largest"]),
        (["catalog", "rep"], ["report"]),
        (["report", "--equ"], ["--equity"]),
        (["backtest", "--portf"], ["--portfolio"]),
        (["backtest", "--rebalance", ""], ["month", "quarter"]),
        (["paper", ""], ["report", "reset", "status"]),
        (["paper", "st"], ["status"]),
        (["paper", "--stat"], ["--state"]),
        (["paper", "report", "--sym"], ["--symbol"]),
        (["paper", "kinesis://bars", "--ema-seed", "f"], ["first"]),
        (["no-such-job", "--x"], []),
    ],
)
def test_what_a_word_may_become(asked, words, values):
    assert plain(asked(*words)) == values


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["moving-average", ""], "file"),
        (["moving-average", "--window", "20", "pri"], "file"),
        (["moving-average", "--", "-"], "file"),
        (["moving-average", "-o", ""], "dir"),
        (["normalize", "--inverse", ""], "dir"),
        (["sectors", "--constituents", "x"], "file"),
        (["backtest", "--portfolio", "w"], "file"),
        (["paper", "kinesis://bars", "--best", ""], "file"),
        (["paper", "kinesis://bars", "--state", ""], "dir"),
        (["paper", "report", ""], "file"),
        (["report", ""], "file"),
        (["report", "--bars", ""], "file"),
        (["plot", ""], "file"),
        (["inspect", "x"], "file"),
        (["catalog", "report", ""], "file"),
        (["emr", "plan", "sweep", ""], "file"),
    ],
)
def test_names_of_files_are_left_to_the_shell(asked, words, kind):
    assert asked(*words) == [(kind, words[-1])]


def test_a_portfolio_is_a_word_or_the_name_of_a_file(asked):
    assert asked("backtest", "--portfolio", "e") == [("plain", "equal"), ("file", "e")]


def test_every_option_that_help_shows_is_completed(asked):
    for name, file in find_jobs().items():
        helped = subprocess.run(
            [sys.executable, "-m", "windrow.cli", name, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        options = [line.strip().split("  ")[0] for line in helped.splitlines() if line.startswith("  -")]
        shown = {word.strip(",") for option in options for word in option.split() if word.startswith("-")}
        usual = {spelling for option in options_of(job_class(file)) if option.is_usual for spelling in option.names}
        assert shown == usual, name


def test_the_second_time_no_job_is_imported(asked, env, home):
    first = asked("sweep", "--obj")
    program = (
        "import sys, os; from windrow.cli import main\n"
        "try: main([])\nexcept SystemExit: pass\n"
        "print(*(name for name in ('numpy', 'pyarrow', 'mrjob', 'rich') if name in sys.modules), file=sys.stderr)"
    )
    told = {"_WINDROW_COMPLETE": "bash_complete", "COMP_WORDS": "windrow sweep --obj", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**env, **told}, cwd=ROOT, capture_output=True, text=True
    )
    assert [tuple(line.split(",")) for line in done.stdout.splitlines()] == first == [("plain", "--objective")]
    assert done.stderr == "\n"
    assert (home / ".cache" / "windrow" / "completion").stat().st_mode & 0o777 == 0o700


def test_the_cache_is_of_the_sources_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(completion, "JOBS", tmp_path / "jobs")
    shutil.copytree(ROOT / "jobs", tmp_path / "jobs")
    file = tmp_path / "jobs" / "crossover.py"
    before = completion._known("crossover", file)
    [kept] = (tmp_path / "cache" / "windrow" / "completion").iterdir()
    assert json.loads(kept.read_text()) == before == completion._known("crossover", file)
    kept.write_text("[]")
    assert completion._known("crossover", file) == []  # it is read
    kept.write_text("[")
    assert completion._known("crossover", file) == before  # unless it is damaged
    os.utime(file, ns=(1, 1))
    assert completion._known("crossover", file) == before
    assert [path.name for path in kept.parent.iterdir()] != [kept.name] and len(list(kept.parent.iterdir())) == 1


def test_without_a_place_for_a_cache_it_takes_longer(monkeypatch):
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    assert [item.value for item in completion.for_job("sweep", [], "--obj")] == ["--objective"]
    assert completion.for_job("no-such-job", [], "--obj") == []


def test_the_script_is_printed_at_once(env):
    program = (
        "import sys; from windrow.cli import main; main(['completion', 'bash'])\n"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'pyarrow', 'mrjob', 'rich')))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "complete -o nosort -F" in done.stdout, done.stderr


# In shells.


@contextmanager
def typing(command, env, cwd):
    """A shell on a terminal: a function that types, and waits for a text to appear."""
    main_end, end = pty.openpty()
    process = subprocess.Popen(
        command, stdin=end, stdout=end, stderr=end, env=env, cwd=cwd, start_new_session=True, close_fds=True
    )
    os.close(end)

    def type_(text, until, seconds=60):
        os.write(main_end, text.encode())
        shown, stop = "", time.monotonic() + seconds
        while until not in shown.rpartition("READY")[2] if until != "READY" else until not in shown:
            ready, _, _ = select.select([main_end], [], [], max(0, stop - time.monotonic()))
            assert ready, f"{until!r} did not appear: {shown!r}"
            shown += os.read(main_end, 1 << 16).decode(errors="replace")
        return shown

    try:
        yield type_
    finally:
        process.kill()
        process.wait()
        os.close(main_end)


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(windrow completion bash)"; echo REA""DY\n'),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -Uz compinit && compinit -u -D; eval "$(windrow completion zsh)"; echo REA""DY\n',
    ),
}


@pytest.mark.parametrize("shell", [pytest.param(name, marks=pytest.mark.needs(name)) for name in SHELLS])
def test_a_shell_completes(shell, env, home):
    command, begin = SHELLS[shell]
    with typing(command, env, home) as type_:
        type_(begin, "READY")
        type_("windrow swe\t", "sweep ")
        type_("--obj\t", "--objective ")
        type_("sha\t", "sharpe ")
        type_("--on-conflict=sm\t", "smallest")
        type_(" pri\t", "prices.csv")


@pytest.mark.needs("fish")
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("windrow swe", "sweep"),
        ("windrow sweep --obj", "--objective"),
        ("windrow sweep --objective sha", "sharpe"),
        ("windrow sweep --on-conflict=sm", "--on-conflict=smallest"),
        ("windrow sweep pri", "prices.csv"),
        ("windrow normalize --inverse res", "results/"),
    ],
)
def test_fish_completes(line, found, env, home):
    program = f"windrow completion fish | source; complete -C '{line}'"
    done = subprocess.run(["fish", "--no-config", "-c", program], env=env, cwd=home, capture_output=True, text=True)
    assert [one.partition("\t")[0] for one in done.stdout.splitlines()] == [found], done.stderr
