"""Errors of a forward test: what fails, what is said, and what follows its cure.

By function: paper/disk.py:locked is in tests/paper/test_process.py.
"""

import json
import shutil

import pytest

from jobs.sweep import Sweep
from tests.paper.streams import PAIR, URI, asked_for, bars, csv, lived, record, split_stream
from windrow.cli import main
from windrow.errors import InputError, StateError, UsageError
from windrow.paper import loop
from windrow.paper.checkpoint import BARS, COMMIT, EQUITY, ORDERS, Commit
from windrow.paper.options import asked
from windrow.storage.stream import Page


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Runs `windrow paper` in a folder of its own, over a stream that is made up: (status, printed, said)."""
    source = split_stream(24)
    source.identity = lambda uri: "one"
    monkeypatch.setattr(loop, "source_of", lambda uri: source)
    monkeypatch.chdir(tmp_path)

    def run(*words, of=source):
        monkeypatch.setattr(loop, "source_of", lambda uri: of)
        capsys.readouterr()
        status = main(["paper", *map(str, words)])
        return (status, *capsys.readouterr())

    run.source = source
    return run


BEGIN = [URI, "--state", "state", *PAIR]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--slow", "sma:4"], '--slow "sma:3", and now --slow "sma:4"'),
        (["--size", "10"], '--size "all-in", and now --size "10"'),
        (["--commission-per-order", "1"], "--commission-per-order 0.0, and now --commission-per-order 1.0"),
        (["--fill", "close"], '--fill "next-open", and now --fill "close"'),
        (["--ema-seed", "first"], '--ema-seed "sma", and now --ema-seed "first"'),
        (["--from", "2020-01-02"], '--from null, and now --from "2020-01-02"'),
        (["--symbols", "AA"], '--symbols [], and now --symbols ["AA"]'),
        (["--timezone", "Asia/Tokyo"], '--timezone "UTC", and now --timezone "Asia/Tokyo"'),
        (["--adjusted"], "--adjusted false, and now --adjusted true"),
    ],
)
def test_other_rules_than_it_began_with_are_refused(run, more, says):
    """paper/checkpoint.py:refuse_other"""
    assert run(*BEGIN)[0] == 0
    status, out, err = run(*BEGIN, *more)
    assert (status, out) == (1, "")
    assert err == (
        f"error: state: is a forward test with {says} is asked for: it goes on as it began; ask for the same, give"
        " another directory by --state, or archive this one with: windrow paper reset state\n"
    )
    assert run(*BEGIN)[0] == 0
    assert run(*[word if word != "state" else "other" for word in BEGIN], *more)[0] in (0, 1)
    assert run("reset", "state")[0] == 0
    assert "is a forward test with" not in run(*BEGIN, *more)[2]


def test_another_stream_is_refused_by_name_and_by_id(run):
    run(*BEGIN)
    assert 'with the stream "made-up://bars?from=trim-horizon", and now the stream "made-up://b" is' in run(
        "made-up://b", *BEGIN[1:]
    )[2]  # fmt: skip
    other = split_stream(24)
    other.identity = lambda uri: "two"
    _, _, err = run(*BEGIN, of=other)
    assert 'is a forward test with the stream\'s own id "one", and now the stream\'s own id "two" is asked for' in err


def damaged(path, change):
    path.write_bytes(change(path.read_bytes()))


def with_version(data):
    return data.replace(b'"version":2', b'"version":7', 1)


DAMAGE = {
    "another version": (COMMIT, with_version, "is of version 7, and this windrow reads version 2; go on with the "),
    "a byte": (COMMIT, lambda data: data.replace(b"records", b"recorda"), "is damaged: its checksum is not that "),
    "cut": (COMMIT, lambda data: data[: len(data) // 2], "is damaged: its checksum is not that of its contents; go"),
    "empty": (COMMIT, lambda data: b"", "is not that of a forward test, or damaged; go on with a copy of the direct"),
    "other JSON": (COMMIT, lambda data: b"[]", "is not that of a forward test, or damaged; go on with a copy"),
    "orders cut": (ORDERS, lambda data: b"", "has 0 bytes, and had "),
    "orders written to": (ORDERS, lambda data: data + b"x", "was changed by somebody else: behind its first "),
    "equity cut": (EQUITY, lambda data: data[:9], "has 9 bytes, and had "),
    "bars cut": (BARS, lambda data: data[:9], "has 9 bytes, and had "),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_directory_is_refused(run, tmp_path, name):
    file, change, says = DAMAGE[name]
    run(*BEGIN)
    shutil.copytree("state", "copy")
    damaged(tmp_path / "state" / file, change)
    status, out, err = run(*BEGIN)
    assert (status, out) == (1, "") and f"error: state/{file}: {says}" in err
    assert "archive" in err and err.endswith("windrow paper reset state\n")
    assert run(*[word if word != "state" else "copy" for word in BEGIN])[0] == 0
    assert run("reset", "state")[0] == 0 and run(*BEGIN)[0] == 0


def test_what_is_not_there_is_told(run, tmp_path):
    """paper/checkpoint.py:read, paper/checkpoint.py:archive, paper/status.py:standing"""
    run(*BEGIN)
    (tmp_path / "state" / COMMIT).unlink()
    assert "error: state/commit.json: is missing, beside " in run(*BEGIN)[2]
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "letter").touch()
    assert run(URI, "--state", "own", *PAIR)[2] == (
        "error: own: has no forward test, but letter; give a directory of its own by --state\n"
    )
    said = "no/such: does not exist; give the directory of a forward test, which --state named"
    for command in ("status", "report"):
        assert run(command, "no/such")[2] == f"error: {said}\n"
    assert run("reset", "no/such")[2] == (
        "error: no/such: is no directory; give the directory of a forward test, which --state named\n"
    )
    assert run("reset", "own")[2] == (
        "error: own: has no forward test; give the directory of one, which --state named\n"
    )
    (tmp_path / "new").mkdir()
    said = "error: new: has no commit.json, so no forward test has begun there; begin one with --state new\n"
    assert run("status", "new")[2] == said
    assert run(URI, "--state", "new", *PAIR)[0] == 0 and run("status", "new")[0] == 0
    assert run("report", "state-of-none")[0] == 1  # paper/loop.py:follow
    (tmp_path / "file").touch()
    for state in ("file", "file/below"):
        status, _, err = run(URI, "--state", state, *PAIR)
        assert status == 1 and err.startswith(f"error: {state}: cannot be made: ") and err.endswith("by --state\n")
    assert "is a file; give the directory of a forward test" in run("status", "file")[2]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--fast", "ema:7"], "the following arguments are required: --state; see --help"),
        (["--state", "s", "--fats", "ema:7"], "unrecognized arguments: --fats ema:7; did you mean --fast?"),
        (["--state", "s", "--orders"], "unrecognized arguments: --orders"),
        (["--state", "s", "--symbol-from-filename"], "a record has no file name to take a symbol from; use --symbol"),
        (["--state", "s", "--consumer", "c"], "--consumer: a forward test shares the reads of a shard with others, b"),
        (["--state", "s", "--wide", "close"], "--wide: a record is one bar; leave it out"),
        (["--state", "s3://bucket/s"], "--state s3://bucket/s: is a URI, but the state is a directory on this machine"),
        (["--state", "s", "--alert", "'"], "--alert \"'\": is no command: No closing quotation; close its quotes"),
        (["--state", "s", "--alert", ""], "--alert '': is no command; give one, e.g. --alert 'mail"),
        (["--state", "s", "--size", "-1"], "--size -1: a position's size must be above 0 and at most 1e15"),
        (["--state", "s", "--fast", "ema"], "line 'ema': a line is an indicator"),
        (["--state", "s", "--gaps", "none"], "argument --gaps: invalid choice: 'none'"),
        (["--state", "s", "--share", "0"], "--share 0.0: is no share of the reads"),
    ],
)  # fmt: skip
def test_options_that_are_wrong(run, words, says):
    """paper/alerts.py:__init__ paper/options.py:asked"""
    status, out, err = run(URI, *words)
    assert (status, out) == (2, "") and says in err
    assert run(URI, "--state", "right", *PAIR, "--alert", "cat")[0] == 0


def test_an_end_is_refused(run):
    status, _, err = run("made-up://bars?to=2020-01-02", "--state", "s")
    assert status == 2
    assert err == "error: made-up://bars?to=2020-01-02: has an end, and a forward test has none; leave &to= out\n"


def test_what_is_no_stream_is_refused(run):
    from windrow.storage.local import SOURCE

    assert run("bars.csv", "--state", "s", of=SOURCE)[2] == (
        "error: bars.csv: is no stream, and a forward test follows one; give e.g. kinesis://NAME, and for files use"
        " windrow backtest\n"
    )


@pytest.fixture
def swept(tmp_path):
    """Sweeps these bars; returns the output's name."""
    (tmp_path / "bars.csv").write_text(csv(bars(24)))

    def sweep(*more):
        words = ["--fast", "sma:1,2", "--slow", "sma:3,4", "--side", "long", "--size", "7", "--ema-seed", "first"]
        assert Sweep.main([*words, *more, "-q", "-o", str(tmp_path / "swept"), str(tmp_path / "bars.csv")]) == 0
        return tmp_path / "swept"

    return sweep


def test_the_best_pair_of_a_sweep_is_taken_with_its_rules(swept, tmp_path):
    """paper/options.py:_take_best"""
    output = swept("--best", "--split", "0.7")
    lines = [line for part in output.glob("part-*[0-9]") for line in part.read_text().splitlines()]
    [told] = [json.loads(line) for line in lines if line[0] == "\t"]
    what = asked_for(tmp_path / "s", "--best", str(output))
    assert str(what.strategy.pair) == f"sma:{told['fast']}/sma:{told['slow']}"
    rules = what.strategy.rules
    assert (rules.side, rules.size, what.strategy.options.ema_seed) == ("long", "7", "first")
    same = asked_for(tmp_path / "s", "--best", str(output), "--size", "7.0", "--timezone", "Asia/Tokyo")
    assert same.strategy == what.strategy and same.reading.timezone == "Asia/Tokyo"
    with pytest.raises(UsageError) as error:
        asked_for(tmp_path / "s", "--best", str(output), "--size", "100")
    assert str(error.value) == (
        f"--size 100: the sweep {output} has --size 7, and --best takes it; leave --size out, or leave out --best"
        " and give --fast and --slow"
    )
    assert asked_for(tmp_path / "s", "--fast", "sma:1", "--slow", "sma:3", "--size", "100").strategy.rules.size == "100"


@pytest.mark.parametrize(
    "form",
    [["csv"], ["parquet"], ["text", "--compress", "gzip"], ["csv", "--compress", "zstd"]],
    ids=lambda form: ", ".join(form[::2]),
)
def test_the_best_pair_is_found_in_every_form_of_output(swept, tmp_path, form):
    """paper/best.py:best_of"""
    text = asked_for(tmp_path / "s", "--best", str(swept("--best", "--split", "0.7")))
    shutil.rmtree(tmp_path / "swept")
    output = swept("--best", "--split", "0.7", "--output-format", *form)
    assert asked_for(tmp_path / "s", "--best", str(output)).strategy == text.strategy
    shutil.rmtree(output)
    with pytest.raises(InputError, match="has no best pair over all symbols; run the sweep with --best"):
        asked_for(tmp_path / "s", "--best", str(swept("--split", "0.7", "--output-format", *form)))


def test_an_output_without_one_best_pair_is_refused(swept, tmp_path):
    """paper/best.py:best_of"""
    output = swept("--split", "0.7")
    with pytest.raises(InputError, match=r"has no best pair over all symbols; run the sweep with --best, and give the"):
        asked_for(tmp_path / "s", "--best", str(output))
    shutil.rmtree(output)
    output = swept("--best", "--walk-forward", "2")
    with pytest.raises(
        InputError, match=r"has 2 best pairs over all symbols, one for each walk of --walk-forward, and"
    ):
        asked_for(tmp_path / "s", "--best", str(output))
    with pytest.raises(InputError, match=r"is no output of a sweep; give the directory that was given to sweep --best"):
        asked_for(tmp_path / "s", "--best", str(tmp_path))
    shutil.rmtree(output)
    swept("--best", "--split", "0.7")
    assert asked_for(tmp_path / "s", "--best", str(output))


class OfPages:
    """A life over pages of these records."""

    def __init__(self, folder, *more):
        self.paper = None
        self.what = asked([URI, "--state", str(folder), *PAIR, *more])
        folder.mkdir(exist_ok=True)
        self.paper, self.at = loop.Paper(self.what), 0

    def take(self, *records):
        self.at += len(records)
        return self.paper.take(Page("shard-0", list(records), str(self.at), 5, 0))


ROWS = list(bars(4))


def test_records_that_are_no_bars_are_counted_and_told(tmp_path):
    life = OfPages(tmp_path / "s")
    about = b'{"metadata": {"operation": "create-table"}}'
    assert life.take(about).warnings == [] and life.paper.commit.rules is None
    assert life.take(json.dumps({"data": json.loads(record(ROWS[0]))}).encode(), about).warnings == []
    bad = record(ROWS[1]).replace(b'"BB", "dt": "2020-01-01"', b'"BB", "dt": "yesterday"')
    [told] = life.take(bad, b"not JSON", record(ROWS[2])).warnings
    assert told.startswith("records that are no bars: 1 by their time ('yesterday' in column 'dt', expected ")
    assert "1 by their record ('not JSON'" in told
    counts = life.paper.commit.counts
    assert {name: counts[name] for name in ("records", "bars", "controls", "invalid")} == {
        "records": 6, "bars": 2, "controls": 2, "invalid": 2
    }  # fmt: skip


def test_bars_that_are_late_or_sent_again_are_counted_and_told(tmp_path):
    life = OfPages(tmp_path / "s")
    life.take(record(ROWS[0]), record(ROWS[3]))
    [told] = life.take(record(ROWS[0]), record(ROWS[3]), record((*ROWS[3][:2], 1.5, 1.5))).warnings
    assert told == (
        "bars that are not traded: 1 older than its symbol's newest, so re-sent or too late; 1 sent again; 1 sent again"
        " with other prices, e.g. AA 2020-01-01; what has been traded is not taken back"
    )
    counts = life.paper.commit.counts
    assert {name: counts[name] for name in ("bars", "late", "repeats", "changed")} == {
        "bars": 2, "late": 1, "repeats": 1, "changed": 1
    }  # fmt: skip


def test_a_member_that_the_first_records_lack_is_refused_if_it_would_be_read(tmp_path):
    life = OfPages(tmp_path / "s")
    life.take(record(ROWS[0]))
    assert life.take(record(ROWS[1], note="x")).warnings == []
    with pytest.raises(InputError, match=r"has a record with a member 'symbol', and none of the first records has it"):
        life.take(record(ROWS[2], symbol="DD"))


def test_adjusted_closes_that_are_not_used_are_told_once(tmp_path):
    life = OfPages(tmp_path / "s")
    [told] = life.take(record(ROWS[0], adj_close=5.0)).warnings
    assert told.startswith("made-up://bars: has close and adj_close, and orders are filled at unadjusted prices")
    assert life.take(record(ROWS[1], adj_close=5.0)).warnings == []
    adjusted = OfPages(tmp_path / "a", "--adjusted")
    assert adjusted.take(record(("AA", "2020-01-01", 10.0, 12.0), adj_close=5.0)).warnings == []
    assert (tmp_path / "a" / BARS).read_text().endswith("\nAA,2020-01-01,5.0,6.0\n")


def test_a_report_needs_a_bar(tmp_path, capsys):
    life = OfPages(tmp_path / "s")
    life.take(b'{"metadata": {"operation": "create-table"}}')
    assert main(["paper", "report", str(tmp_path / "s")]) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 's'}: has traded no bar yet; windrow paper status {tmp_path / 's'} tells why\n"
    )


def test_times_of_another_kind_than_the_first_are_refused(tmp_path):
    life = OfPages(tmp_path / "s")
    life.take(record(ROWS[0]))
    with pytest.raises(InputError, match=r"^made-up://bars: contains dates, but also a time of day"):
        life.take(record(("AA", "2020-01-02T09:30", 1.5, 1.5)))


def days(symbol, *times):
    """Bars at these times, whose closes are 1, 2, ..."""
    rows = ({"sym": symbol, "dt": time, "close": close, "open": close} for close, time in enumerate(times, 1))
    return [json.dumps(row).encode() for row in rows]


DAILY, MINUTES = (["2020-01-01T00:00:00", time] for time in ("2020-01-02T00:00:00", "2020-01-01T00:01:00"))


@pytest.mark.parametrize(
    ("times", "zone", "written"),
    [
        (DAILY, "UTC", ["2020-01-01", "2020-01-02"]),
        (DAILY, "Asia/Tokyo", ["2020-01-01", "2020-01-02"]),
        (MINUTES, "UTC", ["2020-01-01T00:00:00Z", "2020-01-01T00:01:00Z"]),
        ([1577836800, 1577836860], "UTC", ["2020-01-01T00:00:00Z", "2020-01-01T00:01:00Z"]),
        ([1577836800, 1577923200], "UTC", ["2020-01-01", "2020-01-02"]),
    ],
)
def test_midnights_are_dates_once_two_of_a_symbol_show_it(tmp_path, times, zone, written):
    life = OfPages(tmp_path / "s", "--timezone", zone)
    (one, two), (other,) = days("AA", *times), days("BB", times[0])
    for early in (one, other):  # each at midnight: of a day, or of a minute?
        life.take(early)
        assert life.paper.commit.counts == {} and life.paper.commit.places == {}
    assert life.paper.take(Page("shard-0", [], "2", 5, 0)) == loop.Shown(b"", b"", [])
    life.take(two)
    assert life.paper.commit.counts["bars"] == 3 and life.paper.commit.places == {"shard-0": "3"}
    lines = (tmp_path / "s" / BARS).read_text().splitlines()[1:]
    assert lines == [f"AA,{written[0]},1.0,1.0", f"BB,{written[0]},1.0,1.0", f"AA,{written[1]},2.0,2.0"]


def test_what_was_not_taken_is_read_again(tmp_path):
    OfPages(tmp_path / "s").take(*days("AA", MINUTES[0]))
    again = OfPages(tmp_path / "s")
    again.take(*days("AA", *MINUTES))
    assert again.paper.commit.counts["bars"] == 2


def test_lines_of_csv_are_records_too(tmp_path):
    life = OfPages(tmp_path / "s", "--columns", "symbol,date,close,open")
    life.take(b"AA,2020-01-01,10.5,10", b"AA,2020-01-02,11.5,11\nBB,2020-01-01,7,7\n")
    again = OfPages(tmp_path / "s", "--columns", "symbol,date,close,open")
    again.take(b"BB,2020-01-02,8,8")
    assert (tmp_path / "s" / BARS).read_text() == (
        "symbol,timestamp,close,open\nAA,2020-01-01,10.5,10.0\nAA,2020-01-02,11.5,11.0\nBB,2020-01-01,7.0,7.0\n"
        "BB,2020-01-02,8.0,8.0\n"
    )


def test_whole_numbers_and_text_are_prices_whatever_the_first_were(tmp_path):
    life = OfPages(tmp_path / "s")
    for number, close in enumerate((10, 10.5, "11", "11.25", 12), 1):
        life.take(json.dumps({"sym": "AA", "dt": f"2020-01-0{number}", "close": close, "open": 1}).encode())
    lines = (tmp_path / "s" / BARS).read_text().splitlines()[1:]
    assert [line.split(",")[2] for line in lines] == ["10.0", "10.5", "11.0", "11.25", "12.0"]


def test_a_forged_state_is_refused_and_not_run(tmp_path):
    lived(split_stream(24), asked_for(tmp_path / "s"))
    path = tmp_path / "s" / COMMIT
    commit = Commit.of(path.read_bytes(), path)
    commit.symbols["AA"]["last"] = "never"
    path.write_bytes(commit.to_bytes())
    with pytest.raises(StateError, match=r"^AA: its newest bar is not a whole number of 64 bits; it is damaged"):
        lived(split_stream(24), asked_for(tmp_path / "s"))
    commit.symbols["AA"] = {"state": {}}
    path.write_bytes(commit.to_bytes())
    with pytest.raises(StateError, match=r"^AA: a state: is no state"):
        lived(split_stream(24), asked_for(tmp_path / "s"))


def test_a_disk_that_is_full_ends_it_and_nothing_is_lost(run, monkeypatch, tmp_path):
    from windrow.paper.disk import Disk

    append = Disk.append

    def full(self, path, at, data):
        if path.name == ORDERS and at > 100:
            raise OSError(28, "No space left on device")
        append(self, path, at, data)

    monkeypatch.setattr(Disk, "append", full)
    status, _, err = run(*BEGIN)
    assert status == 1 and "No space left on device; free some space" in err
    monkeypatch.setattr(Disk, "append", append)
    status, out, _ = run(*BEGIN)
    lived(run.source, asked_for(tmp_path / "whole"))
    whole = (tmp_path / "whole" / ORDERS).read_bytes()
    assert status == 0 and (tmp_path / "state" / ORDERS).read_bytes() == whole and out.encode()[:9] in whole
