"""Inputs that Hadoop cannot split, or not read at all, go whole to a task that reads them."""

import pytest

from tests.feeds.test_kinds import KINDS, LINES, TEXT, write

#: Of these the first alone would be read by lines: its bytes are no UTF-8 lines.
ENCODED = {
    "wide.csv": TEXT.encode("utf-16"),
    "returns.csv": TEXT.replace("\n", "\r").encode(),
    "plain.csv": TEXT.encode(),
}
WINDOW = ["--window", "1"]


@pytest.mark.parametrize(
    "files",
    [ENCODED, {name: KINDS[name] for name in ("folder.zip", "a.csv.xz", "a.json", "a.jsonl.xz", "a.feather")}],
    ids=["encodings", "kinds"],
)
def test_inputs_that_go_whole(on_hadoop, tmp_path, files):
    paths = [write(tmp_path, name, content) for name, content in files.items()]
    for inputs in ([paths[0]], paths):
        ran = on_hadoop(*WINDOW, *inputs)
        assert (ran.status, ran.lines) == (0, LINES), ran.err


def test_an_encoding_that_is_asked_for(on_hadoop, tmp_path):
    path = write(tmp_path, "a.csv", TEXT.replace("AA", "ÄA").encode("cp1252"))
    ran = on_hadoop(*WINDOW, "--encoding", "cp1252", path)
    assert ran.status == 0 and ran.lines == sorted(line.replace(b"AA", "ÄA".encode()) for line in LINES), ran.err
