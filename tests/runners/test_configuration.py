"""mrjob's configuration: what is missing, broken, hostile or of the wrong kind is one sentence, and runs nothing."""

import os

import pytest

from tests.conftest import ROOT
from windrow import cli

pytestmark = pytest.mark.one_python

BARS = ROOT / "data/bars.csv"
BOMB = "\n".join(["b0: &b0 [x, x]", *(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, 30))])
SHAPE = "; write an mrjob configuration: runners: {RUNNER: {OPTION: VALUE}}"
NO_MAPPING = "has no mapping of runners at its top" + SHAPE
BROKEN = {
    "runners: {inline: {cmdenv: [1,2": "is not YAML of plain values: line 1: expected ',' or ']', but got",
    "runners: {inline: {cmdenv: {A: 'x}}}": "is not YAML of plain values: line 1: found unexpected end of stream",
    "!!python/object/apply:os.system ['touch PWNED']": "is not YAML of plain values: line 1: could not determine a",
    "runners: {inline: {setup: !!python/name:os.system }}": "is not YAML of plain values: line 1: could not determine",
    "runners: {inline: {tags: !!timestamp 2020-99-99}}": "is not YAML of plain values: ",
    "runners: {inline: {[1]: 2}}": "is not YAML of plain values: ",
    "runners: 5": NO_MAPPING,
    "- 1": NO_MAPPING,
    "text": NO_MAPPING,
    "runners: {inline: 5}": "has 5 for runner inline, where a mapping of options belongs" + SHAPE,
    "include: 5": "includes 5, where names of files belong" + SHAPE,
    "include: [[x]]": "includes [['x']], where names of files belong" + SHAPE,
    BOMB: "has more than 100,000 values" + SHAPE,
    "a: &a [*a]": "has more than 100,000 values" + SHAPE,
    "[" * 100_000: "is nested too deeply" + SHAPE,
    "\x00": "is not YAML of plain values: ",
    "runners: {inline: {cmdenv: 5}}": "cmdenv is 5, where a mapping belongs; correct it, or leave it out",
    "runners: {inline: {cmdenv: {A: 5}}}": "cmdenv sets A to something that is not text; put it in quotes",
    "runners: {inline: {jobconf: [x]}}": "jobconf is ['x'], where a mapping belongs; correct it, or leave it out",
    "runners: {inline: {jobconf: !clear 3}}": "jobconf is 3, where a mapping belongs; correct it, or leave it out",
    "runners: {inline: {py_files: none.zip}}": "py_files names none.zip, which does not exist; correct it, or leave it",
    "runners: {inline: {upload_files: [3]}}": "upload_files names 3, where a path belongs; correct it, or leave it out",
    "runners: {inline: {local_tmp_dir: 7}}": "local_tmp_dir is 7, where a path belongs; correct it, or leave it out",
}


def refused(ran, begins):
    assert (ran.status, ran.out) == (1, b"") and ran.err.startswith(f"error: {begins}") and ran.err.count("\n") == 1, (
        ran.err
    )


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:40])
def test_a_file_that_is_no_configuration(text, tmp_path, run_job, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.conf").write_text(text)
    refused(run_job("-c", "my.conf", "-o", "out", BARS), f"-c my.conf: {BROKEN[text]}")
    assert os.listdir() == ["my.conf"]


@pytest.mark.parametrize("runner", ["inline", "local", "hadoop"])
def test_files_that_cannot_be_read(runner, tmp_path, run_job):
    cure = "; name an mrjob configuration file, or leave -c out\n"
    none = tmp_path / "none.conf"
    refused(run_job("-r", runner, "-c", none, BARS), f"-c {none}: cannot be read: No such file or directory{cure}")
    refused(run_job("-r", runner, "-c", tmp_path, BARS), f"-c {tmp_path}: cannot be read: Is a directory{cure}")
    own = tmp_path / "own.conf"
    own.write_text("include: none.conf")
    refused(run_job("-r", runner, "-c", own, BARS), f"-c {none}: cannot be read: No such file or directory{cure}")
    own.write_bytes(b"\xff\xfe")
    refused(
        run_job("-r", runner, "-c", own, BARS), f"-c {own}: is not YAML of plain values: 'utf-8' codec can't decode"
    )


def test_the_options_of_each_runner_are_checked(tmp_path, run_job):
    own = tmp_path / "own.conf"
    own.write_text("runners: {local: {cmdenv: 5}, hadoop: {hadoop_bin: 7}}")
    assert run_job("-c", own, "-q", "--window", "1", BARS).status == 0  # of other runners
    refused(run_job("-r", "local", "-c", own, BARS), f"-c {own}: cmdenv is 5, where a mapping belongs")
    refused(run_job("-r", "hadoop", "-c", own, BARS), f"-c {own}: hadoop_bin is 7, where a command (text, or words) ")


def test_a_place_for_temporary_files_that_cannot_be_made(tmp_path, run_job):
    own = tmp_path / "own.conf"
    own.write_text("runners: {inline: {local_tmp_dir: /proc/none}}")
    refused(run_job("-c", own, BARS), "/proc/none: cannot be created: No such file or directory; it is for temporary")


@pytest.mark.parametrize(
    "text",
    ["", "runners:", "runners: {inline: }", "include: own.conf", "runners: {inline: {cmdenv: {A: !clear }}}",
     "runners: {inline: {jobconf: !clear {a: b}}}", "include: [other.conf, own.conf]", "a: &a [1]\nb: [*a, *a]"],
)  # fmt: skip
def test_what_mrjob_can_use_is_used(text, tmp_path, run_job):
    own = tmp_path / "own.conf"
    own.write_text(text)
    (tmp_path / "other.conf").write_text("include: own.conf")
    ran = run_job("-c", own, "-q", "--window", "1", BARS)
    assert ran.status == 0 and len(ran.lines) == 1250


@pytest.mark.parametrize("text", ["- 1", "runners: {emr: 5}", "!!python/object/apply:os.system ['touch PWNED']"])
@pytest.mark.needs("boto3")
def test_tools_for_emr_say_the_same(text, tmp_path, capsys):
    own = tmp_path / "own.conf"
    own.write_text(text)
    assert cli.main(["emr", "plan", "-c", str(own), "moving-average", str(BARS)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: -c {own}: ") and said.count("\n") == 1
