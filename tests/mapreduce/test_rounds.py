"""Jobs in rounds, by one made up here: its tasks count what the first run wrote, and get what the submitter knows."""

import json
import sqlite3
from collections import Counter

import pytest

from sort_keys.merge import by_symbol
from tests.conftest import ROOT
from windrow.console.meter import Meter
from windrow.errors import ClusterError, OutputError
from windrow.mapreduce.rounds import RoundsJob, _returned
from windrow.storage.part import own_part

BARS = ROOT / "data" / "bars.csv"


class Means:
    """The submitter: two rounds, each of which adds what the tasks found to what it had."""

    def __init__(self, files):
        self.files, self.totals, self.done = files, [], 0

    def tasks(self):
        return [{"files": [file], "number": number} for number, file in enumerate(self.files)] if self.done < 2 else []

    def state(self):
        return json.dumps(self.totals).encode()

    def take(self, lines):
        self.done += 1
        self.totals.append(sum(json.loads(line)["bars"] for line in lines))

    def last(self):
        return [{"files": self.files[:1]}]

    def told(self):
        return f"round {self.done}: {self.totals[-1]} bars"


class InRounds(RoundsJob):
    """How many bars all files have, counted once in each of two rounds."""

    no_lines = "nothing was counted"

    def columns(self):
        return ["close"]

    def in_rounds(self):
        return True

    def write_rows(self, stretches, counts):
        with own_part("-rows") as file:
            for symbol, pieces in by_symbol(stretches):
                file.write(json.dumps([symbol.decode(), sum(len(piece.times) for piece in pieces)]).encode() + b"\n")

    def rounds(self, rows):
        return Means([path for path in rows if path.endswith("-rows")])

    def work(self, asked, rows):
        return json.dumps({"bars": sum(json.loads(line)[1] for file in rows for line in file)}).encode()

    def finish(self, asked, rows, counts):
        counts["told"] += 1
        yield b"all\t%b\n" % self.state


@pytest.mark.parametrize("options", [[], ["-r", "local", "-D", "mapreduce.job.reduces=3"]])
def test_rounds_work_on_what_was_written_once(run_job, options):
    ran = run_job(*options, BARS, job=InRounds)
    assert (ran.status, ran.out) == (0, b"all\t[1250, 1250]\n"), ran.err
    assert [line for line in ran.err.splitlines() if line.startswith("round")] == [
        "round 1: 1250 bars", "round 2: 1250 bars"
    ]  # fmt: skip


def test_a_warning_of_the_inputs_is_said_once(run_job, tmp_path):
    (tmp_path / "bars.csv").write_text("symbol,timestamp,close\nA,2023-01-02,1\nA,2023-01-02,2\nA,2023-01-03,2\n")
    ran = run_job("--on-conflict", "smallest", "--resample", "1d", tmp_path / "bars.csv", job=InRounds)
    assert ran.status == 0, ran.err
    for said in ("settled by --on-conflict", "each larger bar is made of one bar"):
        assert ran.err.count(said) == 1, ran.err


def test_the_tables_that_were_read_are_described(run_job, tmp_path):
    with sqlite3.connect(tmp_path / "bars.db") as database:
        database.execute("CREATE TABLE bars (symbol TEXT, ts TEXT, close REAL)")
        database.execute("INSERT INTO bars VALUES ('A', '2023-01-02', 1.5)")
    ran = run_job("-o", tmp_path / "out", f"sqlite:///{tmp_path}/bars.db", job=InRounds)
    assert ran.status == 0, ran.err
    described = json.loads((tmp_path / "out" / "_windrow.json").read_text())
    assert [one["rows"] for one in described["tables"]] == [1]


class Ran:
    """A run whose tasks counted and wrote this."""

    def __init__(self, counters, lines):
        self.counted, self.lines = counters, lines

    def run(self):
        pass

    def counters(self):
        return [self.counted]

    def cat_output(self):
        return iter(self.lines)


def test_a_task_that_was_stopped_without_a_text_is_not_left_out():
    stopped = Ran({"windrow": {"map tasks": 1, "stopped": 1}}, [b"1\n"])
    with pytest.raises(ClusterError, match=r"errors stopped 1 task, and Hadoop has no counters for what each found"):
        _returned(stopped, 2)


def test_a_result_that_is_gone_is_not_left_out():
    assert _returned(Ran({}, [b"1\n2", b"\n"]), 2) == [b"1", b"2"]
    with pytest.raises(OutputError, match=r"a round of 2 tasks: has 1 results; something else writes or removes"):
        _returned(Ran({}, [b"1\n"]), 2)


def test_what_tasks_counted_reaches_the_report(monkeypatch, run_job):
    reported = []
    monkeypatch.setattr(InRounds, "report", lambda self, counts: reported.append(Counter(counts)))
    assert run_job(BARS, job=InRounds).status == 0
    assert reported[0]["told"] == 1 and reported[0]["bars"] == 1250 and reported[0]["output lines"] == 1


class Alone(InRounds):
    """A line for each symbol, as of a model, without rounds."""

    def in_rounds(self):
        return False

    def reduce_whole(self, stretches, counts):
        for symbol, pieces in by_symbol(stretches):
            yield b"%b\t%d\n" % (symbol, sum(len(piece.times) for piece in pieces))


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize(
    ("job", "told"),
    [(Alone, ["map 1,250 bars", "reduce 5 of 5 models"]), (InRounds, ["map 1,250 bars", "reduce 1,250 of 1,250 bars"])],
)
def test_what_is_done_is_told_by_models_and_by_tasks(run_job, monkeypatch, job, told, runner):
    ends = []

    def end(meter):
        ends.append(f"{meter._title} {meter._picture(0).told}")

    monkeypatch.setattr(Meter, "is_shown", True)
    monkeypatch.setattr(Meter, "_end", end)
    ran = run_job("-r", runner, "-D", "mapreduce.job.reduces=2", BARS, job=job)
    assert ran.status == 0, ran.err
    rounds = [] if job is Alone else 2 * ["map 2 of 2 tasks"] + ["map 1 of 1 tasks"]
    assert [one for one in dict.fromkeys(ends) if one.strip()] == list(dict.fromkeys(told + rounds))
