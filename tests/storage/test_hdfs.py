"""What Hadoop's client lists: which of it is an input, what is told, what is refused."""

import pytest

from windrow.errors import InputError
from windrow.storage.hdfs import entries, inputs_in

LISTED = b"""Found 6 items
-rw-r--r--   1 me supergroup          0 2026-01-02 10:00 hdfs://nn:8020/bars/_SUCCESS
-rw-r--r--   1 me supergroup         12 2026-01-02 10:00 hdfs://nn:8020/bars/_old.csv
drwxr-xr-x   - me supergroup          0 2026-01-02 10:00 hdfs://nn:8020/bars/_temporary
-rw-r--r--   1 me supergroup       1234 2026-01-02 10:00 hdfs://nn:8020/bars/a b.csv
drwxr-xr-x   - me supergroup          0 2026-01-02 10:00 hdfs://nn:8020/bars/below
-rw-r--r--   1 me supergroup         77 2026-01-02 10:00 hdfs://nn:8020/other/_named.csv
"""
FILES, FOLDERS = dict(entries(LISTED, "-")), [uri for uri, _ in entries(LISTED, "d")]


def test_files_are_inputs_and_what_else_is_there_is_named(capsys):
    found = inputs_in(FILES, FOLDERS, ["hdfs:///bars", "hdfs:///other/_named.csv"])
    assert found == {"hdfs://nn:8020/bars/a b.csv": 1234, "hdfs://nn:8020/other/_named.csv": 77}
    assert capsys.readouterr().err == (
        "warning: hdfs://nn:8020/bars: skipped _old.csv, _temporary/, below/; a directory means the files directly in"
        " it (with --recursive, those in its subdirectories too), without those whose names begin with _ or .\n"
    )


def test_a_directory_without_files_is_refused_beside_one_with_some():
    with pytest.raises(InputError, match=r"^hdfs:///bar: is a directory without files"):
        inputs_in(FILES, FOLDERS, ["hdfs:///bars", "hdfs:///bar"])
    assert inputs_in(FILES, FOLDERS, ["hdfs:///bar*"])
