"""A file here is replaced only where nobody has replaced it in the meantime, however many try at one time."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from windrow.errors import InputError, OutputError
from windrow.storage.source import source_of


def put(uri, folder, text, revision):
    new = Path(folder) / f"new-{os.getpid()}"
    new.write_text(text)
    return source_of(uri).replace(uri, new, revision)


def count(uri, folder, times):
    """Adds one to the number in a file, so often; what another has written meanwhile is read again."""
    for _ in range(times):
        done = None
        while done is None:
            revision = source_of(uri).revision(uri)
            number = int(Path(uri).read_text()) if revision else 0
            done = put(uri, folder, str(number + 1), revision)


def test_a_file_is_put_where_none_is_and_replaced_where_it_is_as_it_was(tmp_path):
    uri = str(tmp_path / "a/b/c")
    assert source_of(uri).revision(uri) is None
    one = put(uri, tmp_path, "one", None)
    assert one and source_of(uri).revision(uri) == one and Path(uri).read_text() == "one"
    assert put(uri, tmp_path, "two", None) is put(uri, tmp_path, "two", "other") is None
    two = put(uri, tmp_path, "two", one)
    assert two not in (None, one) and put(uri, tmp_path, "three", one) is None
    assert Path(uri).read_text() == "two" and os.listdir(tmp_path / "a/b") == ["c"]
    Path(uri).unlink()
    assert put(uri, tmp_path, "three", two) is None and not Path(uri).exists()


def test_nothing_is_lost_where_many_replace_a_file_at_one_time(tmp_path):
    """A number that four processes count up; without the lock some of their steps would be lost."""
    uri = str(tmp_path / "count")
    with ProcessPoolExecutor(4, get_context("fork")) as pool:
        list(pool.map(count, [uri] * 4, [str(tmp_path)] * 4, [25] * 4))
    assert Path(uri).read_text() == "100" and not list(tmp_path.glob(".*"))


def test_the_lock_of_a_killed_process_is_no_lock(tmp_path):
    (tmp_path / ".c.lock").touch()
    assert put(str(tmp_path / "c"), tmp_path, "one", None) and not (tmp_path / ".c.lock").exists()


def test_files_below_a_folder_are_listed_at_any_depth(tmp_path):
    for name in ("a/[b]/c", "a/.d", "e*"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    below = source_of("x").below
    for folder in (str(tmp_path), f"file:{tmp_path}", f"{tmp_path}/a/../"):
        assert below(folder) == ["a/.d", "a/[b]/c", "e*"]
    assert below(str(tmp_path / "nothing")) == below(str(tmp_path / "e*")) == []


def test_what_cannot_be_read_or_written_is_told(tmp_path):
    (tmp_path / "folder").mkdir()
    uri = str(tmp_path / "folder")
    with pytest.raises(InputError, match="folder: cannot be read: Is a directory; check the path and its permissions"):
        source_of(uri).revision(uri)
    with pytest.raises(
        OutputError, match="folder: cannot be written: Is a directory; use a place that can be written to"
    ):
        put(uri, tmp_path, "one", None)
    assert sorted(os.listdir(tmp_path))[0] == "folder", "nothing is left of it"


def test_a_level_of_a_folder_is_its_files_and_subfolders(tmp_path):
    for name in ("a/c", "a/b/d", ".e", "[f]", "\u202eg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "[f]")
    level = source_of("x").level
    assert list(level(str(tmp_path))) == [f"{tmp_path}/{name}" for name in (".e", "[f]", "a/", "link", "\u202eg")]
    assert list(level(f"{tmp_path}/a/")) == [f"{tmp_path}/a/{name}" for name in ("b/", "c")]
    assert list(level(str(tmp_path / "nothing"))) == list(level(str(tmp_path / "a/c"))) == []


def test_folders_elsewhere_are_not_looked_through():
    with pytest.raises(InputError, match="hdfs:/a: only folders here and on S3 are looked through; copy it to one"):
        next(source_of("hdfs:/a").level("hdfs:/a"))
