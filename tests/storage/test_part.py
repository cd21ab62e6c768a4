"""A task's own part: whole once the task has ended well, otherwise not there, however often the task is run."""

import json
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from jobs.moving_average import MovingAverage
from windrow.errors import OutputError
from windrow.sinks import parquet
from windrow.storage.part import own_part


@pytest.fixture
def output(tmp_path, monkeypatch):
    """The folder that a task is told to write to."""
    monkeypatch.setenv("mapreduce_task_output_dir", str(tmp_path / "out"))
    monkeypatch.setenv("mapreduce_task_partition", "7")
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def seen(folder):
    """Names that readers of the folder see."""
    return sorted(path.name for path in folder.iterdir() if path.name[0] not in "._")


def in_child(task):
    """Runs a function in a process of its own, which ends with it; returns how that ended."""
    child = os.fork()
    if not child:
        try:
            task()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_it_is_seen_once_it_is_whole(output):
    with own_part(".parquet") as file:
        file.write(b"half")
        file.flush()
        assert seen(output) == []
    assert seen(output) == os.listdir(output) == ["part-00007.parquet"]


def test_an_error_leaves_nothing(output):
    with pytest.raises(ZeroDivisionError), own_part(".parquet") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert not os.listdir(output)


def test_a_killed_task_leaves_nothing_to_be_seen_and_the_next_attempt_all(output):
    def killed():
        with own_part(".parquet") as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(killed) == -signal.SIGKILL
    assert seen(output) == [] and len(os.listdir(output)) == 1
    with own_part(".parquet") as file:
        file.write(b"whole")
    assert seen(output) == ["part-00007.parquet"] and (output / "part-00007.parquet").read_bytes() == b"whole"


def test_two_attempts_at_once_leave_one_part(output):
    with own_part(".parquet") as file:
        file.write(b"first")
        file.flush()
        assert in_child(write_another) == 0
        assert (output / "part-00007.parquet").read_bytes() == b"second"
    assert os.listdir(output) == ["part-00007.parquet"] and (output / "part-00007.parquet").read_bytes() == b"first"


def write_another():
    with own_part(".parquet") as file:
        file.write(b"second")


def test_a_place_that_cannot_be_written_is_named(output):
    output.rmdir()
    output.touch()
    with pytest.raises(OutputError, match=f"^{output}/part-00007.parquet: "), own_part(".parquet"):
        pass


class _Later:
    """A kernel that lets a few stretches pass before something happens; it notes what stands in the output by then."""

    def __init__(self, kernel, happens, notes):
        self.kernel, self.happens, self.notes, self.pushed = kernel, happens, notes, 0
        self.columns = kernel.columns

    def push(self, times, *values, starts):
        self.pushed += 1
        if self.pushed == 4:
            output = Path(os.environ["mapreduce_task_output_dir"])  # noqa: SIM112 - it is Hadoop's name
            self.notes.write_text(json.dumps({path.name: path.stat().st_size for path in output.iterdir()}))
            self.happens()
        return self.kernel.push(times, *values, starts=starts)


class Broken(MovingAverage):
    """The main job with a reducer that ends in the middle."""

    happens, noted = None, None

    def kernel(self):
        kernel = super().kernel()
        return _Later(kernel, type(self).happens, type(self).noted) if self.is_task() else kernel


def divide():
    return 1 / 0


@pytest.mark.parametrize(("runner", "how"), [("local", "killed"), ("local", "fails"), ("inline", "fails")])
def test_a_reducer_that_ends_in_the_middle_leaves_no_output(run_job, tmp_path, monkeypatch, runner, how):
    monkeypatch.setattr(parquet, "_ROWS", 100)
    Broken.happens = (lambda: os.kill(os.getpid(), signal.SIGKILL)) if how == "killed" else divide
    Broken.noted = tmp_path / "notes"
    path = tmp_path / "bars.csv"
    rows = "".join(f"S{i % 3},{1_600_000_000 + i},{i % 97}.25\n" for i in range(20_000))
    path.write_text("symbol,timestamp,close\n" + rows)
    options = ["--time-unit", "s", "--block-bars", "1", "-D", "mapreduce.job.reduces=2", "--output-format", "parquet"]
    run = partial(run_job, "-r", runner, *options, "-o", tmp_path / "new/out", path)
    if runner == "inline":
        with pytest.raises(ZeroDivisionError):
            run(job=Broken)
    else:
        ran = run(job=Broken)
        assert ran.status == 1 and ("SIGKILL" if how == "killed" else "ZeroDivisionError") in ran.err
    assert sorted(os.listdir(tmp_path)) == ["bars.csv", "notes"]
    there = json.loads((tmp_path / "notes").read_text())
    assert any(name[:6] == ".part-" and size > 1000 for name, size in there.items())  # it was in the middle
    assert run().status == 0
    assert len(list((tmp_path / "new/out").glob("part-*"))) == 2
