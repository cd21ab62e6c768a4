"""A short part of the campaign over fuzzed lines; and that the campaign would notice."""

import pytest

from tests.attack import lines


def test_no_line_is_read_otherwise():
    tried, wrong = lines.campaign(seed=1, seconds=5)
    assert tried > 1000 and wrong == 0


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        (b" AA ,2008-03-05,1, 2 ,", ("AA", 1_204_675_200 * 10**9, (1.0).hex(), (2.0).hex())),
        (b'"A,""B",1970-01-01T01:00+01:00,.5,-0.0,x', ('A,"B', 0, (0.5).hex(), (0.0).hex())),
        (b"AA,2008-03-05,1,n/a,", "number"),
        (b"AA,2008-02-30,NaN,1,", "time"),
        (b"AA,2008-03-05,-,1,", "missing"),
        (b'AA,2008-03-05,1,1,"x"y', "quote"),
        (b"symbol,timestamp,close,open,note", lines.OTHER_HEADER),
    ],
)
def test_the_slow_parser_means_what_the_rules_say(line, meaning):
    assert lines.meaning(line) == meaning and lines.agrees([line])


def test_a_parser_that_is_wrong_is_found(monkeypatch):
    monkeypatch.setattr("windrow.bars.text.trim_symbols", lambda symbols, codes: (symbols, codes))
    assert lines.campaign(seed=1, seconds=1)[1] > 0
