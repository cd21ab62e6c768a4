"""Choosing rows on Hadoop: the same rows as here, from folders below folders."""

import pytest

pytestmark = pytest.mark.one_python

ROWS = "symbol,date,close,series\nA,2023-01-02,1,EQ\nA,2023-01-03,2,EQ\nA,2023-01-03,9,B E\nB,2023-01-02,5,EQ\n"
#: A quote and a blank go through the command lines of tasks.
WHERE = ["--where", "series=EQ", "--where", "series=it's B", "--where", "series=EQ"]


@pytest.fixture
def tree(tmp_path):
    for place in ("x/y/a.csv", "x/_y/hidden.csv", "x/y/.b.csv"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(ROWS if place == "x/y/a.csv" else ROWS.replace("A,", "HIDDEN,"))
    return tmp_path


def test_folders_below_and_rows_on_hadoop(tree, on_hadoop):
    for place in (f"file://{tree}", str(tree), f"file://{tree}/x*"):
        ran = on_hadoop("--recursive", "--window", "1", "--symbols", "A,no such", "--from", "2023-01-03", *WHERE, place)
        assert (ran.status, ran.lines) == (0, [b"A\t2023-01-03\t2.0"]), ran.err
        assert "3 rows not asked for" in ran.err and "warning: --symbols: no bar is of no such" in ran.err


def test_two_stars_are_not_hadoops(tree, on_hadoop):
    ran = on_hadoop("--window", "1", f"file://{tree}/**/*.csv")
    assert ran.status == 1 and "Hadoop's patterns have no **; name the directory above, with --recursive" in ran.err
