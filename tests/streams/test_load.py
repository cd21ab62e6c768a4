"""`windrow stream load` into a real server: what is in the stream afterwards is the files, in order, whatever came.

Cures are followed of commands/stream.py:reading_of, commands/stream.py:load, sinks/journal.py:_lines,
sinks/journal.py:journal, sinks/loading.py:load, storage/kinesis/producer.py:check_key,
storage/kinesis/producer.py:_checked, storage/kinesis/producer.py:_create, and sinks/loading.py:_since.
"""

import csv
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.streams.faults import answered, canned_answer, refused
from tests.streams.wire import Refusing, wire
from windrow import cli

KEYS = ("open", "high", "low", "close", "vol")


@pytest.fixture
def run(capfdbinary, tmp_path, monkeypatch):
    """Runs `windrow stream ...` here; returns its status, what it printed, and its errors."""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        capfdbinary.readouterr()
        status = cli.main(["stream", *map(str, args)])
        out, err = capfdbinary.readouterr()
        return status, out.decode(), err.decode()

    return run


def rows_of(path):
    """The rows of a file as records have them."""
    with open(path, newline="") as file:
        return [
            {"dt": row["dt"], "sym": row["sym"], **{key: float(row[key]) for key in KEYS}}
            for row in csv.DictReader(file)
        ]  # fmt: skip


def loaded(stream):
    """The bars of a stream, in its order; each record's key is its symbol."""
    records = stream.records()
    bars = [json.loads(record["Data"])["data"] for record in records]
    assert [record["PartitionKey"] for record in records] == [bar["sym"] for bar in bars]
    return bars


def by_symbol(bars):
    return {symbol: [bar for bar in bars if bar["sym"] == symbol] for symbol in sorted({bar["sym"] for bar in bars})}


def write(path, symbols, days, first=1):
    """Rows of so many symbols and days, by symbol, not by time."""
    lines = ["dt,sym,open,high,low,close,vol"]
    for number in range(symbols):
        for day in range(first, first + days):
            price = 10 + number + day / 7
            lines.append(
                f"2023-{day // 28 + 1:02}-{day % 28 + 1:02},S{number},{price},{price + 1},{price - 1},{price},{day}"
            )
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_year_of_bars_in_four_shards_is_the_file(run, no_stream, shared_data):
    path = shared_data / "INTC_year.csv"
    status, out, err = run("load", path, "--to", no_stream.uri, "--shards", "4")
    assert (status, out) == (0, "") and "has all 364 bars; 364 of them were put by this command" in err
    assert f"{no_stream.uri}: was not there, and was made: arn:aws:kinesis:us-east-1:" in err
    assert loaded(no_stream) == rows_of(path)
    summary = no_stream.summary()
    assert (summary["RetentionPeriodHours"], summary["OpenShardCount"]) == (8760, 4)
    assert run("load", path, "--to", no_stream.uri, "--shards", "4", "--quiet") == (0, "", "")  # nothing to do
    assert len(loaded(no_stream)) == 364


def test_bars_of_files_come_in_order_of_time(run, kinesis, tmp_path):
    one, two = write(tmp_path / "a.csv", 3, 4), write(tmp_path / "b.csv", 2, 5, first=3)
    status, _, err = run("load", two, one, "--to", kinesis.uri)
    assert status == 0, err
    expected = by_symbol(sorted(rows_of(two) + rows_of(one), key=lambda bar: bar["dt"]))
    assert by_symbol(loaded(kinesis)) == expected


def test_nothing_is_missing_or_out_of_order_where_records_and_calls_are_refused(run, kinesis, tmp_path):
    path = write(tmp_path / "a.csv", 8, 20)
    refusing = Refusing()
    with wire(refusing, "PutRecords"):
        status, _, err = run("load", path, "--to", kinesis.uri)
    assert status == 0, err
    assert refusing.refused > 20 and refusing.sent > 20
    assert by_symbol(loaded(kinesis)) == by_symbol(rows_of(path))


def test_a_stream_that_is_split_and_merged_meanwhile_keeps_the_order(run, kinesis, tmp_path):
    path = write(tmp_path / "a.csv", 4, 30)
    calls = iter(range(1000))

    def reshard(request, asked):
        call = next(calls)
        if call == 8:
            kinesis.split(1)
        if call == 16:
            kinesis.merge(0)

    with wire(reshard, "PutRecords"):
        status, _, err = run("load", path, "--to", kinesis.uri)
    assert status == 0, err
    assert len(kinesis.shards()) == 7
    assert by_symbol(loaded(kinesis)) == by_symbol(rows_of(path))


KILLED = """
import sys
from tests.streams.wire import killing, wire
from windrow import cli
with wire(killing({at}), "PutRecords"):
    cli.main(sys.argv[1:])
"""


def killed(at, *args):
    """Runs windrow in a process that is killed as the server has taken a call, and nobody has learned of it."""
    command = [sys.executable, "-c", KILLED.format(at=at), *map(str, args)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize("at", [0, 1, 7])
def test_killed_and_run_again_no_record_is_missing_twice_or_out_of_order(run, no_stream, tmp_path, at):
    path = write(tmp_path / "a.csv", 5, 12)
    load = ["load", path, "--to", no_stream.uri, "--shards", "2"]
    killed(at, "stream", *load)
    assert len(loaded(no_stream)) == 5 * (at + 1)
    killed(0, "stream", *load)
    status, _, err = run(*load)
    assert status == 0 and f"has all 60 bars; {60 - 5 * (at + 2)} of them were put by this command" in err
    assert by_symbol(loaded(no_stream)) == by_symbol(rows_of(path))


def test_killed_before_the_stream_is_ready_its_retention_is_seen_to(run, no_stream, tmp_path):
    path = write(tmp_path / "a.csv", 1, 2)

    def interrupted(request, asked):
        raise KeyboardInterrupt

    load = ["load", path, "--to", no_stream.uri, "--shards", "1", "--retention", "48", "--kms", "alias/aws/kinesis"]
    with wire(interrupted, "IncreaseStreamRetentionPeriod"):
        assert run(*load)[0] == 130
    assert no_stream.summary()["RetentionPeriodHours"] == 24
    assert run(*load)[0] == 0
    summary = no_stream.summary()
    assert (summary["RetentionPeriodHours"], summary["EncryptionType"]) == (48, "KMS")
    assert loaded(no_stream) == rows_of(path)


def test_a_stream_is_made_as_it_was_asked_for_first(run, no_stream, tmp_path):
    """storage/kinesis/producer.py:make, sinks/loading.py:_find, sinks/loading.py:_told"""
    load = ["load", write(tmp_path / "a.csv", 1, 2), "--to", no_stream.uri, "--shards", "2"]
    status, _, err = run(*load, "--retention", "9000")
    assert (status, err) == (
        2,
        "error: --retention 9000: Kinesis keeps records for 24 to 8,760 hours; give one of these\n",
    )
    assert run(*load, "--retention", "100")[0] == 0
    assert run(*load, "--retention", "100")[0] == 0
    assert run(*load[:4])[0] == 0
    status, _, err = run(*load[:4], "--shards", "3")
    assert status == 2 and err == (
        f"error: --shards: {no_stream.uri} is there already, made by this load with --shards 2 --retention 100, and a"
        " load changes no stream; leave it out, or name another stream\n"
    )
    assert no_stream.summary()["RetentionPeriodHours"] == 100 and len(loaded(no_stream)) == 2


def test_a_journal_of_other_bars_or_of_another_stream_is_refused(run, no_stream, tmp_path):
    path = write(tmp_path / "a.csv", 1, 3)
    to = ["--to", no_stream.uri, "--journal", "j"]
    assert run("load", path, *to, "--shards", "1")[0] == 0
    assert run("load", write(tmp_path / "b.csv", 1, 4), *to) == (
        1, "", "error: j: is the journal of a load of other bars, 3 where there are 4 now, or as many from other files"
        " or columns; go on with the same files and options, or name another journal with --journal to load these"
        " too\n",
    )  # fmt: skip
    assert "of other bars, 3 where there are 3 now" in run("load", path, *to, "--column", "close")[2]
    no_stream.remove()
    while no_stream.name in no_stream.client.list_streams()["StreamNames"]:
        pass
    gone = f"error: {no_stream.uri}: is gone, and j is the journal of a load into it; delete the journal to load all"
    assert run("load", path, *to)[2].startswith(gone)
    no_stream.create(1)
    status, _, err = run("load", path, *to)
    assert status == 1 and "j: is the journal of a load into another stream, 'arn:aws:kinesis:" in err
    assert "delete the journal to load all into this one" in err
    Path("j").unlink()
    assert run("load", path, *to)[0] == 0
    assert loaded(no_stream) == rows_of(path)


def test_a_journal_that_is_open_or_damaged_is_refused_and_one_that_was_cut_off_goes_on(run, kinesis, tmp_path):
    path = write(tmp_path / "a.csv", 1, 3)
    load = ["load", path, "--to", kinesis.uri, "--journal", "j"]
    with open("j", "ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert run(*load)[2] == (
            "error: j: is the journal of a load that is running; wait for it, or name another with --journal\n"
        )
    assert run(*load)[0] == 0
    whole = Path("j").read_bytes()
    for damaged in (b"AA,2023-01-03\n", whole.replace(b'"done"', b'"dune"'), b"a" * 100, whole[40:]):
        Path("j").write_bytes(damaged)
        assert run(*load)[2].startswith(
            "error: j: is no journal of a load, or damaged; name another file with --journal"
        )
        assert Path("j").read_bytes() == damaged
    for cut in (whole[:-4], whole[:9]):
        Path("j").write_bytes(cut)
        assert run(*load)[0] == 0
    assert loaded(kinesis)[:3] == rows_of(path)
    assert len(loaded(kinesis)) == 6  # with nothing but the first bytes of a journal it is a new load


def test_a_load_that_was_stopped_before_retention_does_not_go_on(run, kinesis, tmp_path):
    """Its first bars are gone from the stream by then."""
    path, calls = write(tmp_path / "a.csv", 1, 5), iter(range(100))
    old = {**kinesis.summary(), "StreamCreationTimestamp": 1.6e9, "RetentionPeriodHours": 24}

    def answer(operation, request):
        asked = json.loads(request.body)
        if operation == "DescribeStreamSummary" and asked["StreamName"] == kinesis.name:
            return canned_answer(request, {"StreamDescriptionSummary": old})
        if operation == "PutRecords" and next(calls) == 2:
            raise KeyboardInterrupt
        return None

    load = ["load", path, "--journal", "j", "--to"]
    with answered(answer):
        assert run(*load, kinesis.uri)[0] == 130
        early = [{**line, "at": line["at"] - 3 * 86_400 * 10**9} if "at" in line else line for line in journal_in("j")]
        Path("j").write_text("".join(json.dumps(line) + "\n" for line in early))
        status, _, err = run(*load, kinesis.uri)
        assert status == 1 and err.endswith(
            f"error: {kinesis.uri}: what was put before the load was stopped is past retention by now; load all into"
            " another stream, with a longer --retention, and another --journal than j\n"
        )
        load[3] = "k"
        assert run(*load, f"{kinesis.uri}-b", "--retention", "48", "--shards", "1")[0] == 0
    other = type(kinesis)(kinesis.port, f"{kinesis.name}-b")
    assert loaded(other) == rows_of(path)
    other.remove()


def journal_in(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def test_a_stream_that_is_there_is_not_changed(run, kinesis, tmp_path):
    path = write(tmp_path / "a.csv", 1, 3)
    assert run("load", path, "--to", kinesis.uri, "--shards", "8", "--kms", "k") == (
        2, "", f"error: --shards and --kms: {kinesis.uri} is there already, and a load changes no stream; leave them"
        " out, or name another stream\n",
    )  # fmt: skip
    assert loaded(kinesis) == []


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            "AccessDeniedException",
            "access is denied (AccessDeniedException: put in by a test); these credentials need kinesis:",
        ),
        ("KMSAccessDeniedException", "need kms:"),
        ("UnrecognizedClientException", "AWS does not know these credentials (UnrecognizedClientException); check"),
    ],
)
def test_what_is_not_worth_another_try_is_an_error_with_its_cure(run, kinesis, tmp_path, code, says):
    path = write(tmp_path / "a.csv", 1, 3)
    with wire(lambda request, asked: refused(request, code, 400), "PutRecords"):
        status, _, err = run("load", path, "--to", kinesis.uri)
    assert status == 1 and says in err and err.startswith(f"error: {kinesis.uri}: ") and err.count("\n") == 1
    assert run("load", path, "--to", kinesis.uri)[0] == 0  # and goes on
    assert loaded(kinesis) == rows_of(path)


def test_a_stream_that_stays_busy_is_given_up_and_gone_on_with(run, kinesis, tmp_path, monkeypatch):
    monkeypatch.setattr("windrow.storage.kinesis.producer._GIVEN_UP", 0.5)
    path = write(tmp_path / "a.csv", 2, 3)
    with wire(Refusing(records=1, calls=0), "PutRecords"):
        status, _, err = run("load", path, "--to", kinesis.uri)
    assert status == 1 and "run the same command again later, which goes on" in err
    assert run("load", path, "--to", kinesis.uri)[0] == 0
    assert by_symbol(loaded(kinesis)) == by_symbol(rows_of(path))


def test_rows_that_are_no_bars_are_judged_as_jobs_judge_them(run, no_stream, tmp_path):
    path = write(tmp_path / "a.csv", 1, 9)
    with path.open("a") as file:
        file.write("noon,S0,1,1,1,1,1\n")
    status, _, err = run("load", path, "--to", no_stream.uri)
    assert status == 1 and "1 of 10 rows are invalid" in err and "--max-bad 0.001" in err
    assert no_stream.name not in no_stream.client.list_streams()["StreamNames"]
    assert run("load", path, "--to", no_stream.uri, "--shards", "1", "--max-bad", "0.2")[0] == 0
    assert len(loaded(no_stream)) == 9


def test_options_choose_rows_and_columns(run, kinesis, tmp_path):
    path = write(tmp_path / "a.csv", 3, 5)
    asked = ["--symbols", "S1", "--from", "2023-01-03", "--until", "2023-01-05", "--column", "close"]
    status, _, err = run("load", path, "--to", kinesis.uri, *asked)
    assert status == 0 and "not loaded: high, low, open, vol; --column names" in err
    rows = [row for row in rows_of(path) if row["sym"] == "S1" and "2023-01-03" <= row["dt"] <= "2023-01-05"]
    assert loaded(kinesis) == [{key: row[key] for key in ("dt", "sym", "close")} for row in rows]
    status, _, err = run("load", path, "--to", kinesis.uri, "--until", "May")
    assert status == 2 and err.startswith("error: --until May: is not a date or time; give e.g. 2023-01-31")


def test_a_job_over_the_stream_has_the_bytes_of_one_over_the_file(run, kinesis, tmp_path, run_job):
    from jobs.backtest import Backtest

    path = write(tmp_path / "a.csv", 4, 40)
    assert run("load", path, "--to", kinesis.uri)[0] == 0
    rules = ["--fast", "sma:2", "--slow", "sma:5", "--quiet"]
    of_stream, of_file = (run_job(*rules, place, job=Backtest) for place in (kinesis.uri, path))
    assert of_stream.status == 0 and of_file.out == of_stream.out != b""


def test_no_credentials_and_no_server_are_one_sentence_with_its_cure(run, kinesis, tmp_path, monkeypatch):
    path = write(tmp_path / "a.csv", 1, 3)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:9")
    status, _, err = run("load", path, "--to", kinesis.uri)
    assert status == 1 and err.startswith(f"error: {kinesis.uri}: Kinesis cannot be reached: ") and err.count("\n") == 1
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    status, _, err = run("load", path, "--to", kinesis.uri)
    assert status == 1 and f"error: {kinesis.uri}: no AWS credentials were found" in err and err.count("\n") == 1


@pytest.mark.parametrize("to", ["bars", "s3://bars/x", "kinesis://S?from=2023-01-03"])
def test_other_places_than_whole_streams_are_refused(run, tmp_path, to):
    path = write(tmp_path / "a.csv", 1, 3)
    status, _, err = run("load", path, "--to", to)
    assert status == 2 and err.startswith(f"error: --to {to}: ")


def test_what_kinesis_never_takes_is_refused_before_it_is_asked(run, kinesis, tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text(f"dt,sym,close\n2023-01-03,A,1\n2023-01-04,{'B' * 300},1\n")
    status, _, err = run("load", path, "--to", kinesis.uri)
    assert status == 1 and "has 300 characters, and a record's key, which is its symbol, has 1 to 256; leave" in err
    assert not loaded(kinesis)
    assert run("load", path, "--to", kinesis.uri, "--symbols", "A")[0] == 0
    assert [bar["sym"] for bar in loaded(kinesis)] == ["A"]
    monkeypatch.setattr("windrow.storage.kinesis.producer._LARGEST_RECORD", 70)
    path = write(tmp_path / "b.csv", 1, 2)
    status, _, err = run("load", path, "--to", kinesis.uri, "--journal", "k")
    assert status == 1 and "bytes, and Kinesis takes 70; choose fewer columns with --column" in err
    assert run("load", path, "--to", kinesis.uri, "--journal", "l", "--column", "close")[0] == 0


def test_more_shards_than_the_account_may_have_is_an_error_of_one_sentence(run, no_stream, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    load = ["load", write(tmp_path / "a.csv", 1, 2), "--to", no_stream.uri, "--shards"]
    status, _, err = run(*load, "51")
    assert (
        status == 1 and "cannot be made: " in err and "give fewer --shards, remove streams that are not needed" in err
    )
    assert run(*load, "2")[0] == 0
    assert len(no_stream.open_shards()) == 2
