"""A new file: of two writers of one path each has a file of its own, and the first to end gives it the name."""

import errno
import os

import pytest

from windrow.errors import OutputError
from windrow.storage.newfile import hidden_beside, new_file


@pytest.fixture(autouse=True)
def same_id(monkeypatch):
    """Every process has the same id, as in containers."""
    monkeypatch.setattr(os, "getpid", lambda: 1)


def test_the_first_to_end_wins_and_the_second_says_so(tmp_path):
    with (
        pytest.raises(OutputError, match=r"a.csv: already exists"),
        new_file(tmp_path / "a.csv") as second,
        new_file(tmp_path / "a.csv") as first,
    ):
        first.write(b"first")
        second.write(b"second")
    assert os.listdir(tmp_path) == ["a.csv"] and (tmp_path / "a.csv").read_bytes() == b"first"


def test_by_force_the_last_to_end_wins_whole(tmp_path):
    with new_file(tmp_path / "a.csv", force=True) as last:
        last.write(b"last")
        with new_file(tmp_path / "a.csv", force=True) as first:
            first.write(b"first one")
    assert os.listdir(tmp_path) == ["a.csv"] and (tmp_path / "a.csv").read_bytes() == b"last"


def test_one_that_appears_at_the_last_moment_is_not_replaced(tmp_path, monkeypatch):
    real = os.link

    def late(source, target):
        target.write_bytes(b"theirs")
        real(source, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(OutputError, match=r"a.csv: already exists"), new_file(tmp_path / "a.csv") as file:
        file.write(b"mine")
    assert os.listdir(tmp_path) == ["a.csv"] and (tmp_path / "a.csv").read_bytes() == b"theirs"


def test_a_file_system_without_links_has_renames(tmp_path, monkeypatch):
    def refused(*paths):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    with new_file(tmp_path / "a.csv") as file:
        file.write(b"mine")
    assert os.listdir(tmp_path) == ["a.csv"] and (tmp_path / "a.csv").read_bytes() == b"mine"


def test_the_longest_name_can_be_written(tmp_path):
    for name in ("x" * 255, "é" * 127):
        with new_file(tmp_path / name) as file:
            file.write(b"mine")
        assert (tmp_path / name).read_bytes() == b"mine"
    with pytest.raises(OutputError, match="cannot be written: File name too long"), new_file(tmp_path / ("x" * 256)):
        pass


def test_hidden_names_differ(tmp_path):
    assert len({hidden_beside(tmp_path / "a.csv", "part") for _ in range(1000)}) == 1000


@pytest.mark.parametrize("uri", ["hdfs:///bars/a.csv", "s3://bucket/a.csv", "file:/a.csv"])
def test_a_uri_is_no_path(tmp_path, monkeypatch, uri):
    """Its cure was to create the directory `hdfs:`."""
    monkeypatch.chdir(tmp_path)
    from windrow.cli import main

    for command in (["sample", uri], ["pack", uri]):
        assert main(command) == 1
    (tmp_path / "hdfs:" / "bars").mkdir(parents=True)
    assert main(["sample", uri]) == 1
