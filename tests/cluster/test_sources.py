"""The field's sources on Hadoop in one process: tests/feeds/test_sources.py reads them here."""

import pytest

from tests.feeds.test_sources import ALL, SOURCES, lines, together

pytestmark = pytest.mark.one_python


#: A mapper takes seconds to start there, and each file has its own: outside of whole matrices the sources of times.
GROUPS = [
    pytest.param(*group, marks=() if b"T" in group[1][0].split(b"\t")[1] else pytest.mark.full) for group in together()
]


@pytest.mark.parametrize(("names", "expected"), GROUPS)
def test_sources_are_read_together_on_hadoop(on_hadoop, names, expected):
    ran = on_hadoop("-q", "--window", "1", "--symbol-from-filename", *(SOURCES / name for name in names))
    assert (ran.status, sorted(ran.lines)) == (0, expected), ran.err


@pytest.mark.full
@pytest.mark.parametrize("source", ALL, ids=[source.name for source in ALL])
def test_a_source_is_read_right_on_hadoop(on_hadoop, source):
    symbol = ["--symbol", "X"] if source.symbols == "X" else []
    ran = on_hadoop("--window", "1", *source.options.split(), *symbol, SOURCES / source.name)
    assert (ran.status, ran.lines) == (0, lines(source)), ran.err
