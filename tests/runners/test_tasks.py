"""Forked tasks: all are run, no more at a time than asked, and their errors come back as they were."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from windrow.errors import InputError, UsageError
from windrow.runners import tasks
from windrow.runners.tasks import Reports, TaskError, run_forked


def touches(path):
    return lambda: path.touch()


def test_all_tasks_run_in_processes_of_their_own(tmp_path):
    def task(number):
        return lambda: (tmp_path / str(number)).write_text(str(os.getpid()))

    run_forked(map(task, range(20)), 3)
    processes = {path.read_text() for path in tmp_path.iterdir()}
    assert len(list(tmp_path.iterdir())) == len(processes) == 20 and str(os.getpid()) not in processes
    run_forked([], 3)


def test_no_more_at_a_time_than_asked(tmp_path):
    def task(number):
        def run():
            mine = tmp_path / str(number)
            mine.touch()
            if len(list(tmp_path.iterdir())) > 2:
                raise AssertionError("too many at a time")
            time.sleep(0.02)
            mine.unlink()

        return run

    run_forked(map(task, range(8)), 2)


@pytest.mark.parametrize("kind", [InputError, UsageError])
def test_a_refusal_comes_back_as_it_was(kind):
    def task():
        raise kind("größer: \n %s {x}")

    with pytest.raises(kind) as raised:
        run_forked([task], 2)
    assert type(raised.value) is kind and str(raised.value) == "größer: \n %s {x}"


def test_any_other_error_comes_back_as_its_traceback():
    def task():
        raise ZeroDivisionError("x" * 1_000_000)  # more than a pipe holds

    with pytest.raises(TaskError) as raised:
        run_forked([task], 1)
    assert str(raised.value).startswith("Traceback") and len(str(raised.value)) > 1_000_000


@pytest.mark.parametrize(("end", "message"), [
    (lambda: os.kill(os.getpid(), signal.SIGKILL), r"killed by signal 9 \(SIGKILL\)"),
    (lambda: os._exit(7), "exited with status 7 and reported nothing"), (lambda: exit(3), "SystemExit: 3"),
])  # fmt: skip
def test_tasks_that_end_without_a_word(end, message):
    with pytest.raises(TaskError, match=message):
        run_forked([end], 1)


def test_a_failure_ends_the_others_and_starts_no_more(tmp_path):
    def fails():
        while not (tmp_path / "begun").exists():
            time.sleep(0.001)
        raise InputError("bad")

    def slow():
        (tmp_path / "begins").write_text(str(os.getpid()))
        (tmp_path / "begins").rename(tmp_path / "begun")  # whoever sees it may end this at once
        time.sleep(60)

    begun = time.monotonic()
    with pytest.raises(InputError):
        run_forked([fails, slow, touches(tmp_path / "never")], 2)
    assert time.monotonic() - begun < 30 and not (tmp_path / "never").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "begun").read_text()), 0)


def children():
    """The processes that this one has started, and not waited for: tests before may have left a server of theirs."""
    place = f"/proc/self/task/{threading.get_native_id()}/children"
    return Path(place).read_text().split()


def test_no_descriptor_and_no_child_stays():
    before = len(os.listdir("/proc/self/fd")), children()
    run_forked([lambda: None] * 50, 4)
    with pytest.raises(TaskError):
        run_forked([lambda: os._exit(1)] * 5, 4)
    assert (len(os.listdir("/proc/self/fd")), children()) == before


def test_what_is_done_meanwhile_is_done_once_beside_the_first_tasks(tmp_path):
    def waits():
        while not (tmp_path / "meanwhile").exists():
            time.sleep(0.001)

    done = []
    run_forked([waits] * 3, 2, meanwhile=lambda: done.append((tmp_path / "meanwhile").touch()))
    assert len(done) == 1


class Heard:
    """A meter that is shown, and what it heard."""

    is_shown = True

    def __init__(self):
        self.read, self.done, self.names, self.ticks = 0.0, 0, set(), 0

    def add(self, read, done, names):
        self.read, self.done = self.read + read, self.done + done
        self.names.update(names)

    def tick(self):
        self.ticks += 1


@pytest.mark.parametrize("seconds", [0.0, 3600.0])
def test_what_tasks_report_is_heard_whole_however_often_they_do(monkeypatch, seconds):
    monkeypatch.setattr(tasks, "_SECONDS", seconds)
    heard, reports = Heard(), []

    def task(number):
        def run():
            reports[0].add(0, 0, [f"S{number}", "A"])
            for _ in range(500):
                reports[0].add(0.5, 3)

        return run

    run_forked(map(task, range(6)), 3, meter=heard, begins=reports.append)
    assert (heard.read, heard.done) == (6 * 250, 6 * 1500) and heard.names == {"A", *(f"S{n}" for n in range(6))}
    assert not reports  # they were in the forks


def test_a_report_is_a_few_times_a_second_and_the_rest_at_the_end():
    sent = []
    reports = Reports(sent.append)
    for _ in range(1000):
        reports.add(1, 1)
    assert len(sent) < 5
    reports.pass_on()
    assert sum(json.loads(one)["done"] for one in sent) == 1000


def test_an_error_after_reports_comes_back_and_a_silent_task_is_waited_for(monkeypatch):
    monkeypatch.setattr(tasks, "TICK", 0.01)
    heard, reports = Heard(), []

    def task():
        reports[0].add(1, 1, ["A"])
        time.sleep(0.3)
        raise InputError("bad")

    with pytest.raises(InputError, match="bad"):
        run_forked([task], 1, meter=heard, begins=reports.append)
    assert heard.names == {"A"} and heard.ticks > 3


def test_without_a_terminal_tasks_report_nothing():
    heard, begun = Heard(), []
    heard.is_shown = False
    run_forked([lambda: None], 1, meter=heard, begins=begun.append)
    assert (heard.ticks, begun) == (0, [])
