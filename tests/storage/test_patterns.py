"""Names of inputs with `*`, `?`, `[...]` and `**`, and directories with all that is below them, here."""

import subprocess
from pathlib import Path

import pytest

from jobs.moving_average import MovingAverage
from windrow.errors import InputError
from windrow.storage.source import list_inputs

KEYS = ["2019/a.csv", "2020/x/a.csv", "2020/x/y/a.csv", "2020/x/y/b.csv.gz", "z.csv"]
HIDDEN = ["2020/_x/a.csv", "2020/x/_SUCCESS", "2020/x/.b.csv"]


@pytest.fixture
def tree(tmp_path):
    for key in (*KEYS, *HIDDEN):
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_text("symbol,date,close\nA,2023-01-02,1\n")
    return tmp_path


@pytest.fixture
def listed(tree):
    return lambda *names, **how: [
        str(Path(path).relative_to(tree)) for path in list_inputs([f"{tree}/{name}" for name in names], **how)
    ]


def test_patterns_match_as_in_a_shell(tree, listed):
    for pattern in ("20*/?.csv", "*.csv", "20[12]?/x/*.csv", "2020/x/y/*", "2020/x/_*", "2019/a.csv"):
        expected = subprocess.run(f"ls -d {pattern}", shell=True, cwd=tree, capture_output=True, text=True)
        assert listed(pattern) == expected.stdout.split() and listed(pattern), pattern


def test_two_stars_match_any_depth(tree, listed):
    assert listed("**/*.csv") == ["z.csv", *KEYS[:3]]
    assert listed("2020/**/a.csv") == KEYS[1:3] and listed("**/y/*") == KEYS[2:4]
    assert listed("**") == ["z.csv", *KEYS[:4]] and listed("2020/**") == KEYS[1:4] and listed("**/**") == listed("**")


def test_a_directory_that_matches_means_the_files_in_it(listed, capsys):
    assert listed("2019*") == KEYS[:1] and listed("20*") == KEYS[:1]
    assert "skipped _x, x/;" in capsys.readouterr().err


def test_recursive_directories_are_read_whole(tree, listed, capsys):
    assert listed("", recursive=True) == KEYS and listed("2020", "2019", recursive=True) == [*KEYS[1:4], KEYS[0]]
    assert listed("20*", recursive=True) == KEYS[:4]
    assert capsys.readouterr().err.count("skipped _x") == 3
    (tree / "2020/x/up").symlink_to(tree)
    (tree / "link").symlink_to(tree / "2019")
    assert listed("", recursive=True) == [*KEYS[:4], "link/a.csv", "z.csv"]
    (tree / "2020/x/none").symlink_to("nowhere")
    with pytest.raises(InputError, match="none: is a link to nowhere, which does not exist"):
        listed("", recursive=True)


def test_a_name_that_exists_is_taken_literally(tree, listed):
    (tree / "b[1]").mkdir()
    (tree / "b[1]/a*.csv").write_text("")
    (tree / "b[1]/ab.csv").write_text("")
    assert listed("b[1]/a*.csv") == ["b[1]/a*.csv"] and listed("b[1]/*b.csv") == ["b[1]/ab.csv"]


@pytest.mark.parametrize("pattern", ["*.parquet", "**/no.csv", "none/*", "z.csv/*"])
def test_what_matches_nothing_is_refused(tree, listed, pattern):
    with pytest.raises(InputError, match=r"matches no file; names that begin with _ or \. match only"):
        listed(pattern)


def test_a_directory_without_files_names_the_option(tree, run_job):
    ran = run_job("--window", "1", tree / "2020")
    assert ran.status == 1 and "name the files, or add --recursive" in ran.err
    ran = run_job("-q", "--window", "1", "--recursive", "--symbol-from-path", "2020/(.+)/a", tree / "2020/x/a.csv")
    assert ran.status == 1 and "has a symbol column, 'symbol', so --symbol-from-path would be ignored" in ran.err
    ran = run_job("-q", "--window", "1", "--recursive", f"{tree}/2020")
    assert (ran.status, ran.lines) == (1, []) and "2020/x/y/b.csv.gz" in ran.err  # no gzip


def test_the_job_reads_what_matches(tree, run_job):
    (tree / "2020/x/y/b.csv.gz").unlink()
    assert run_job("-q", "--window", "1", f"{tree}/**/*.csv", job=MovingAverage).lines == [b"A\t2023-01-02\t1.0"]
