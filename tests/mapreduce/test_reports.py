"""What tasks report in words: it arrives, however many they are and however long a symbol is."""

import random

import pytest

from sort_keys.keys import encode_symbol
from sort_keys.merge import Conflict
from windrow.errors import ClusterError
from windrow.mapreduce.accounts import Accounts, stopped_line
from windrow.mapreduce.counters import CONFLICT, refusal, summed
from windrow.mapreduce.reports import conflict_text, joined, names_for_task, names_of, read_conflict

pytestmark = pytest.mark.one_python

SECOND = 10**9
#: Hadoop's own limits.
COUNTERS, NAME = 120, 64
#: More than windrow has, and the most that a name may be.
NUMBERS = 40


def reported(conflicts, reducers, columns=("close",), dated=False):
    """The names that each of so many reducers uses for its conflict, on Hadoop."""
    names = []
    for number, conflict in enumerate(conflicts):
        here = {"mapreduce_job_reduces": str(reducers), "mapreduce_task_partition": str(number)}
        if most := names_for_task(here):
            mine = names_of(conflict_text(conflict, columns, dated, most))
            assert len(mine) <= most
            names += mine
    assert len(names) + NUMBERS <= COUNTERS and max(map(len, names)) <= NAME
    return dict.fromkeys(names, 1)


@pytest.mark.parametrize("reducers", [1, 2, 7, 20, 60, 61, 1000])
@pytest.mark.parametrize("length", [4, 30, 20_000])
@pytest.mark.parametrize("columns", [1, 4])
def test_what_any_number_of_reducers_found_fits_into_hadoops_counters(reducers, length, columns):
    chance = random.Random(reducers + length)
    names = ["open", "high", "low", "close"][:columns]
    conflicts = [
        Conflict(f"{number:04d}".ljust(length, "é").encode(), 1_600_000_000 * SECOND + number,
                 *(tuple(chance.random() for _ in names) for _ in range(2)))
        for number in range(reducers)
    ]  # fmt: skip
    found = summed([{CONFLICT: reported(conflicts, reducers, names)}]).conflicts
    assert len(found) == min(reducers, 60)
    assert found[0].startswith("0000") and " at 2020-09-13T12:26:40Z has " in found[0]
    assert len(found[0]) < 700 and ("(20,000 characters)" in found[0]) == (length == 20_000)


def test_few_reducers_report_all_columns_and_the_values_as_they_are():
    conflict = Conflict(encode_symbol("BRK A%\t"), 0, (0.1, 2e-15, 5.0), (123456789.123, 1e15, 5.0))
    text = conflict_text(conflict, ["adj close", "öpen", "low"], True)
    names = names_of(text)
    random.Random(1).shuffle(names)
    assert [read_conflict(one)[1] for one in joined(names)] == [
        "BRK A%\t at 1970-01-01 has adj close 0.1 and 123456789.123, öpen 2e-15 and 1000000000000000.0"
    ]


def test_the_first_is_the_first_by_symbol_then_by_time():
    places = [("B", -5), ("A", 7), ("A", -(1 << 62)), ("AA", 0), ("a", 1), ("A\t", 1), ("Ä", 0)]
    conflicts = [Conflict(encode_symbol(symbol), time, (1.0,), (2.0,)) for symbol, time in places]
    found = summed([{CONFLICT: reported(conflicts, len(conflicts))}]).conflicts
    expected = sorted(places, key=lambda place: (encode_symbol(place[0]), place[1]))
    assert [text.partition(" at ")[0] for text in found] == [symbol for symbol, _ in expected]
    assert found[0].startswith("A at 1823-11-12T")


def test_a_long_error_keeps_its_beginning_and_its_cure():
    text = "InputError /data/" + "long/" * 400 + "bars.csv: is damaged; get the file again"
    (told,) = joined(names_of(text))
    assert told.startswith("InputError /data/long/") and told.endswith("bars.csv: is damaged; get the file again")
    assert " ... " in told and len(names_of(text)) <= 8


@pytest.mark.parametrize("length", [40, 500, 560, 700, 1300])
def test_a_text_of_many_names_is_joined_in_order(length):
    text = "".join(chr(ord("a") + number * 7 % 26) for number in range(length))
    names = names_of(text, 24)
    random.Random(length).shuffle(names)
    assert joined(names) == [text] and len(names) == -(-length // 56)


def test_texts_of_many_tasks_do_not_mix():
    texts = sorted(f"InputError /data/{number:04d}.csv.gz: is truncated or damaged; get the file again, or test it with"
                   f" gzip -t {number}" for number in range(2000))  # fmt: skip
    names = [name for text in texts for name in names_of(text)]
    random.Random(3).shuffle(names)
    assert joined(names) == texts


@pytest.fixture
def conflicting(tmp_path):
    """3,000 symbols, each with two bars at one time; one symbol has 20,000 characters."""
    symbols = [f"S{number:04d}" for number in range(2999)] + ["L" * 20_000]
    rows = [f"{symbol},2020-01-02,{close}" for symbol in symbols for close in ("1.5", "2.25")]
    random.Random(5).shuffle(rows)
    place = tmp_path / "bars.csv"
    place.write_text("\n".join(["symbol,timestamp,close", *rows, ""]))
    return place


SAYS = "error: 3,000 conflicts, different bars at one symbol and time: {}; a symbol has one bar at each time: "


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_conflict_of_a_long_symbol_is_one_short_sentence(conflicting, run_job, runner):
    ran = run_job("-r", runner, "-D", "mapreduce.job.reduces=60", "--window", "1", conflicting)
    shown = f"{'L' * 100}... (20,000 characters) at 2020-01-02 has close 1.5 and 2.25"
    assert ran.status == 1 and ran.err.startswith(SAYS.format(shown)) and ran.err.count("\n") == 1
    kept = run_job("-r", runner, "-q", "--on-conflict", "smallest", "--window", "1", conflicting)
    assert kept.status == 0 and kept.lines[0] == b"L" * 20_000 + b"\t2020-01-02\t1.5" and len(kept.lines) == 3000


def test_what_stopped_mappers_reaches_one_reducer_whatever_is_in_it():
    texts = [f"InputError /data/{number:03d}\t\n\udcff,.csv: is damaged" for number in range(1000)] * 2
    accounts = Accounts()
    lines = [stopped_line(text) for text in texts]
    assert all(line.count(b"\n") == 1 and line.count(b"\t") == 2 for line in lines)
    assert list(accounts.without([lines[0], b"A\t1\tblock\n", *lines[1:]])) == [b"A\t1\tblock\n"]
    told = accounts.stopped()
    assert told == "InputError /data/000\t\n\\udcff,.csv: is damaged (999 more such errors)"
    assert str(refusal(joined(names_of(told)), 2000)) == told.removeprefix("InputError ")


def test_tasks_whose_errors_found_no_room_in_counters_are_an_error():
    with pytest.raises(ClusterError, match="errors stopped 1,234 tasks, and Hadoop has no counters for what each found;"
                       r".*at most 60 reducers \(-D mapreduce.job.reduces=60\), or on fewer inputs"):  # fmt: skip
        raise refusal([], 1234)
