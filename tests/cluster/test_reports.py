"""What tasks report in words reaches the submitter through Hadoop's counters, however much there is."""

import random

import pytest


@pytest.fixture
def conflicting(tmp_path):
    """3,000 symbols, each with two bars at one time; one symbol has 20,000 characters."""
    symbols = [f"S{number:04d}" for number in range(2999)] + ["L" * 20_000]
    rows = [f"{symbol},2020-01-02,{close}" for symbol in symbols for close in ("1.5", "2.25")]
    random.Random(5).shuffle(rows)
    place = tmp_path / "bars.csv"
    place.write_text("\n".join(["symbol,timestamp,close", *rows, ""]))
    return place


def test_conflicts_of_sixty_reducers_on_hadoop(conflicting, on_hadoop):
    """It was `Too many counters: 121 max=120`."""
    ran = on_hadoop("-D", "mapreduce.job.reduces=60", "--window", "1", conflicting)
    assert ran.status == 1 and ran.err.startswith(
        "error: 3,000 conflicts, different bars at one symbol and time: LLLLL"
    ), ran.err
    assert "... (20,000 characters) at 2020-01-02 has close 1.5 and 2.25; a symbol has one bar" in ran.err
    assert ran.err.count("\n") == 1 and len(ran.err) < 500


def test_a_symbol_of_20_000_characters_on_hadoop(tmp_path, on_hadoop):
    place = tmp_path / "bars.csv"
    place.write_text(f"symbol,timestamp,close\n{'L' * 20_000},2020-01-02,1.5\nA,2020-01-02,2\n")
    ran = on_hadoop("-q", "--window", "1", place)
    assert (ran.status, ran.lines) == (0, [b"A\t2020-01-02\t2.0", b"L" * 20_000 + b"\t2020-01-02\t1.5"]), ran.err


def test_what_stopped_each_of_many_mappers_on_hadoop(tmp_path, on_hadoop):
    """Their texts, of some 400 characters each, were names of more counters than Hadoop has."""
    rows = "".join(f"A,{second},1.5,2\n" for second in range(1_600_000_000, 1_600_005_000))
    places = [tmp_path / f"{'long name ' * 12}{number:03d}.csv" for number in range(25)]
    for place in places:
        place.write_text(f"symbol,timestamp,close,open\n{rows}symbol,timestamp,open,close\n{rows * 3}")
    ran = on_hadoop("-q", "--window", "1", *places)
    assert ran.status == 1 and ran.err.startswith("error: "), ran.err
    assert "000.csv: " in ran.err and "(24 more such errors)" in ran.err
    assert ran.err.count("\n") == 1 and len(ran.err) < 800
