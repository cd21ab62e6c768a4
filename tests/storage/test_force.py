"""--force replaces an output of a job, which is there until the new one is complete, and nothing else.

Cures followed here: storage/publish.py:refuse_what_no_job_wrote, mapreduce/submission.py:_check_force,
storage/publish.py:_refuse_current.
"""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import ROOT
from windrow.storage import replacing
from windrow.storage.publish import refuse_taken, staged
from windrow.storage.replacing import exchange

BARS = ROOT / "data" / "bars.csv"


@pytest.fixture
def old(run_job, tmp_path):
    """An output, and what is in it."""
    assert run_job("--window", "20", "-o", tmp_path / "out", BARS).status == 0
    return tmp_path / "out"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("options", [[], ["-r", "local"], ["--output-format", "parquet"]])
def test_an_output_is_replaced_and_nothing_of_it_stays(run_job, old, tmp_path, options):
    before = contents(old)
    ran = run_job("--window", "5", *options, "-o", old, "--force", BARS)
    assert ran.status == 0, ran.err
    assert run_job("--window", "5", *options, "-o", tmp_path / "new", BARS).status == 0
    assert contents(old) == contents(tmp_path / "new") != before
    assert sorted(os.listdir(tmp_path)) == ["new", "out"]


@pytest.mark.parametrize("there", [False, True])
def test_where_nothing_is_it_is_written(run_job, tmp_path, there):
    if there:
        (tmp_path / "out").mkdir()
    assert run_job("--window", "20", "-o", tmp_path / "out", "--force", BARS).status == 0
    assert (tmp_path / "out" / "_SUCCESS").exists() and os.listdir(tmp_path) == ["out"]


def test_a_link_to_an_output_stays_one(run_job, old, tmp_path):
    (tmp_path / "link").symlink_to("out")
    before = contents(old)
    assert run_job("--window", "5", "-o", tmp_path / "link", "--force", BARS).status == 0
    assert os.readlink(tmp_path / "link") == "out" and contents(old) != before


def test_an_output_of_this_job_may_be_its_input(run_job, tmp_path):
    assert run_job("--window", "20", "-o", tmp_path / "out", BARS).status == 0
    names = ["--columns", "symbol,timestamp,close", "--max-missing", "1", "--delimiter", "tab"]
    ran = run_job("--window", "2", *names, "-o", tmp_path / "out", "--force", tmp_path / "out" / "part-00000")
    assert ran.status == 0 and "1,155 bars of 5 symbols -> 1,150 lines" in ran.err, ran.err


def no_description(folder):
    (folder / "_windrow.json").unlink()
    return "has no _windrow.json of a job"


def another_description(folder):
    (folder / "_windrow.json").write_text(json.dumps({"job": "theirs"}))
    return "has no _windrow.json of a job"


def damaged_description(folder):
    (folder / "_windrow.json").write_text("{")
    return "has no _windrow.json of a job"


def a_file_besides(folder):
    (folder / "notes.txt").write_text("mine")
    return "has notes.txt, which no job wrote"


def a_file_that_is_nearly_a_part(folder):
    (folder / "part-two.md").write_text("mine")
    return "has part-two.md, which no job wrote"


def a_hidden_file_besides(folder):
    (folder / ".git").write_text("mine")
    return "has .git, which no job wrote"


def a_folder_besides(folder):
    (folder / "part-mine").mkdir()
    return "has part-mine, which no job wrote"


def a_link_besides(folder):
    (folder / "part-99999").symlink_to(BARS)
    return "has part-99999, which no job wrote"


SPOILT = [
    no_description,
    another_description,
    damaged_description,
    a_file_besides,
    a_file_that_is_nearly_a_part,
    a_hidden_file_besides,
    a_folder_besides,
    a_link_besides,
]


@pytest.mark.parametrize("spoils", SPOILT)
def test_what_no_job_wrote_is_refused_and_stays(run_job, old, tmp_path, spoils):
    why = spoils(old)
    before, command = contents(old), ("--window", "5", "--force", BARS)
    ran = run_job(*command, "-o", old)
    assert ran.status == 1 and ran.err == (
        f"error: {old}: {why}; --force replaces outputs of jobs and nothing else; remove it yourself, or choose another"
        " with --output-dir\n"
    )
    assert contents(old) == before and os.listdir(tmp_path) == ["out"]
    assert run_job(*command, "-o", tmp_path / "another").status == 0
    old.rename(tmp_path / "removed")
    assert run_job(*command, "-o", old).status == 0


@pytest.mark.parametrize("named", [".", "../out", "{old}", "{old}/.", "..", "file:{old}"])
@pytest.mark.parametrize("more", [["--force"], []])
def test_the_directory_that_a_shell_is_in_is_refused(run_job, old, monkeypatch, named, more):
    before, output = contents(old), named.format(old=old)
    monkeypatch.chdir(old)
    ran = run_job("--window", "5", *more, "-o", output, BARS)
    where = "above the current directory" if named == ".." else "the current directory"
    assert ran.status == 1 and ran.err == (
        f"error: {output}: is {where}, and an output takes the place of the directory that is there, so that a shell"
        " would stay in one that is removed; change to another (cd), or choose another with --output-dir\n"
    )
    assert contents(old) == before and os.getcwd() == str(old)
    assert run_job("--window", "5", "--output-dir", "../another", BARS).status == 0
    monkeypatch.chdir(BARS.parent)
    assert run_job("--window", "5", "--force", "-o", old, BARS).status == 0
    assert contents(old) == contents(old.parent / "another") != before


def test_an_empty_directory_that_a_shell_is_in_is_refused(run_job, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = run_job("--window", "5", "-o", ".", BARS)
    assert ran.status == 1 and ran.err.startswith("error: .: is the current directory, and an output takes")
    assert tmp_path.exists() and os.listdir(tmp_path) == []


def test_a_file_is_refused(run_job, tmp_path):
    (tmp_path / "out").write_text("mine")
    ran = run_job("--window", "5", "-o", tmp_path / "out", "--force", BARS)
    assert ran.status == 1 and "out: exists and is a file; a job writes a new directory only" in ran.err
    assert (tmp_path / "out").read_text() == "mine"


def test_what_appears_while_a_job_runs_is_not_replaced(old):
    before = contents(old)
    with (
        pytest.raises(Exception, match=r"has notes.txt, which no job wrote"),
        staged(str(old), {"windrow": 1, "job": "jobs.x"}, force=True) as staging,
    ):
        (staging / "part-00000").touch()
        a_file_besides(old)
    assert contents(old) == {**before, "notes.txt": b"mine"}
    assert os.listdir(old.parent) == ["out"]


def test_a_job_that_fails_leaves_the_old_output(run_job, old, tmp_path):
    before = contents(old)
    (tmp_path / "bad.csv").write_text("symbol,timestamp,close\nA,2023-01-02,1\nA,2023-01-02,2\n")
    assert run_job("--window", "1", "-o", old, "--force", tmp_path / "bad.csv").status == 1
    assert contents(old) == before and sorted(os.listdir(tmp_path)) == ["bad.csv", "out"]


def test_lines_that_are_printed_replace_nothing(run_job, tmp_path):
    ran = run_job("--window", "20", "--force", BARS)
    assert (ran.status, ran.err) == (
        2,
        "error: --force: replaces an output, but lines are printed; name it with -o DIR, or leave --force out\n",
    )
    assert run_job("--window", "20", BARS).status == 0
    assert run_job("--window", "20", "--force", "-o", tmp_path / "out", BARS).status == 0


@pytest.mark.parametrize(
    "where",
    [["-o", "s3://b/out"], ["-o", "sqlite:///bars.db?table=out"], ["-r", "hadoop", "-o", "s3://b/out"]],
)
def test_elsewhere_it_is_refused(run_job, where):
    ran = run_job("--window", "20", "--force", *where, BARS)
    assert (ran.status, ran.err) == (
        2,
        f"error: -o {where[-1]}: --force replaces directories on this machine and on HDFS only, where the old output is"
        " there until the new one is complete; leave --force out, and remove the old output before\n",
    )


def test_elsewhere_an_output_is_written_without_it(run_job, tmp_path):
    """As the refusal says."""
    table = f"sqlite:///{tmp_path}/bars.db?table=out"
    assert run_job("--window", "20", "-o", table, BARS).status == 0


KILLED = """
import os, signal, sys
from windrow.storage import replacing
at_once, kill = replacing._exchange_at_once, lambda: os.kill(os.getpid(), signal.SIGKILL)
def exchange(one, other):
    if sys.argv[1] == "before": kill()
    at_once(one, other)
    kill()
replacing._exchange_at_once = exchange
from windrow.cli import main
main(sys.argv[2:])
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_one_of_both_is_there_whole_when_a_job_is_killed(run_job, old, tmp_path, when):
    before = contents(old)
    command = ["moving-average", "--quiet", "--window", "5", "-o", str(old), "--force", str(BARS)]
    killed = subprocess.run([sys.executable, "-c", KILLED, when, *command], cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert run_job("--window", "5", "-o", tmp_path / "new", BARS).status == 0
    assert contents(old) == (before if when == "before" else contents(tmp_path / "new"))
    assert run_job("--window", "5", "-o", old, "--force", BARS).status == 0  # what is left is in nobody's way
    assert contents(old) == contents(tmp_path / "new")


def made(folder, name):
    (folder / name).mkdir()
    (folder / name / "a").write_text(name)
    return folder / name


@pytest.mark.parametrize("number", [None, errno.ENOSYS, errno.EINVAL, errno.ENOTSUP])
def test_names_are_exchanged_on_any_file_system(tmp_path, monkeypatch, number):
    if number is not None:
        monkeypatch.setattr(replacing, "_exchange_at_once", lambda *_: (_ for _ in ()).throw(OSError(number, "no")))
    one, other = made(tmp_path, "one"), made(tmp_path, "other")
    exchange(one, other)
    assert ((one / "a").read_text(), (other / "a").read_text()) == ("other", "one")
    assert sorted(os.listdir(tmp_path)) == ["one", "other"]


def test_a_refusal_amid_the_exchange_leaves_the_old_one(tmp_path, monkeypatch):
    monkeypatch.setattr(replacing, "_exchange_at_once", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSYS, "no")))
    other = made(tmp_path, "other")
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "gone", other)
    assert (other / "a").read_text() == "other" and os.listdir(tmp_path) == ["other"]


def test_any_other_error_is_raised(tmp_path):
    with pytest.raises(FileNotFoundError):
        exchange(made(tmp_path, "one"), tmp_path / "gone")


def test_who_looks_meanwhile_always_finds_an_output(tmp_path):
    one, other = made(tmp_path, "one"), made(tmp_path, "other")
    ended, missed = threading.Event(), []

    def look():
        while not ended.is_set():
            if not (other / "a").exists():
                missed.append(1)

    looks = threading.Thread(target=look)
    looks.start()
    for _ in range(500):
        exchange(one, other)
    ended.set()
    looks.join()
    assert not missed


def test_a_free_place_is_not_refused(tmp_path):
    refuse_taken(str(tmp_path / "out"), force=True)
    refuse_taken(str(Path(tmp_path)), force=True)
