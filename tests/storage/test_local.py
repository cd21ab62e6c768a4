"""Files on this machine: two jobs of one output, and of one process id; what is killed or removed; what is an input."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from jobs.moving_average import MovingAverage
from tests.conftest import ROOT
from windrow.errors import InputError, OutputError
from windrow.storage.source import list_inputs, source_of

HEADER = "symbol,timestamp,close\n"
#: Two jobs' bars: averages of one bar are the bars themselves.
ONE = "".join(f"ONE{number % 5},2008-03-{number // 5 + 1:02d},{number}.5\n" for number in range(100))
TWO = ONE.replace("ONE", "TWO")
#: Every process has this id: what containers that share a volume see, where the machine cannot make one.
SAME_ID = "import os; os.getpid = lambda: 7\nimport sys; from windrow.cli import main; sys.exit(main(sys.argv[1:]))"


def averages(rows):
    """The lines of averages of one bar, by hand: the closes, as floats are printed."""
    return sorted("\t".join(row.split(",")).encode() for row in rows.splitlines())


def lines_of(output, pattern="part-*"):
    return sorted(line for part in output.glob(pattern) for line in part.read_bytes().splitlines())


@pytest.fixture(params=["pid namespace", "patched"])
def starts(request, tmp_path):
    """Starts a job in a process whose id others have too; it waits for its standard input."""
    isolated = ["unshare", "--pid", "--fork", "--kill-child"]
    if request.param == "pid namespace" and (
        not shutil.which("unshare") or subprocess.run([*isolated, "true"], capture_output=True).returncode
    ):
        pytest.skip("this machine lets no process have a pid namespace")
    command = (
        [*isolated, sys.executable, "-m", "windrow.cli"] if request.param == "pid namespace"
        else [sys.executable, "-c", SAME_ID]
    )  # fmt: skip
    started = []

    def start(*args):
        begun = subprocess.Popen(
            [*command, "moving-average", "--window", "1", *map(str, args), "-"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        started.append(begun)
        return begun

    yield start
    for one in started:
        one.kill()
        one.wait()


def stagings(folder):
    return list(folder.rglob(".out.*"))


def wait_for_staging(folder, number, *processes):
    """Waits until that many jobs have begun to write, or one of these has ended."""
    while len(stagings(folder)) < number and not any(one.poll() is not None for one in processes):
        time.sleep(0.01)


@pytest.mark.processes
@pytest.mark.parametrize(
    "options",
    [
        ["-r", "inline"],
        ["-r", "local", "-D", "mapreduce.job.reduces=3"],
        ["-r", "local", "-D", "mapreduce.job.reduces=2", "--slices", "5d"],
        ["-r", "local", "-D", "mapreduce.job.reduces=2", "--slices", "5d", "--output-format", "parquet"],
    ],
    ids=["inline", "local", "slices", "parquet"],
)
def test_of_two_jobs_with_one_output_and_one_id_the_first_to_end_wins_whole(starts, tmp_path, options):
    first = starts(*options, "-o", tmp_path / "out")
    wait_for_staging(tmp_path, 1, first)
    second = starts(*options, "-o", tmp_path / "out")
    wait_for_staging(tmp_path, 2, first, second)
    assert first.poll() is None
    _, of_first = first.communicate(HEADER + ONE)
    _, of_second = second.communicate(HEADER + TWO)
    assert first.returncode == 0, of_first
    if "parquet" in options:
        import windrow

        frame = windrow.read_output(tmp_path / "out")
        assert sorted(frame["sma:1"]) == [number + 0.5 for number in range(100)] and set(frame.symbol.str[:3]) == {
            "ONE"
        }
    else:
        assert lines_of(tmp_path / "out") == averages(ONE)
    assert second.returncode == 1 and of_second.count("\n") == 1
    assert of_second.startswith(f"error: {tmp_path}/out: exists and is not empty; a job writes a new directory only;")
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.processes
def test_a_job_that_fails_removes_only_what_it_made(starts, tmp_path):
    first = starts("-r", "local", "-o", tmp_path / "new/below/out")
    second = starts("-r", "local", "-o", tmp_path / "new/below/out")
    wait_for_staging(tmp_path, 2, first, second)
    _, of_second = second.communicate("no bars at all\n")
    assert second.returncode == 1 and of_second.count("\n") == 1
    _, of_first = first.communicate(HEADER + ONE)
    assert (first.returncode, lines_of(tmp_path / "new/below/out")) == (0, averages(ONE)), of_first
    assert os.listdir(tmp_path / "new/below") == ["out"]


@pytest.mark.processes
def test_after_kill_9_the_next_job_of_the_same_id_works_and_leaves_the_live_one_alone(starts, tmp_path):
    killed = starts("-o", tmp_path / "out")
    wait_for_staging(tmp_path, 1, killed)
    killed.kill()
    killed.wait()
    [left] = stagings(tmp_path)
    live = starts("-o", tmp_path / "out")
    wait_for_staging(tmp_path, 2, live)
    other = starts("-o", tmp_path / "another")
    _, of_other = other.communicate(HEADER + TWO)
    _, of_live = live.communicate(HEADER + ONE)
    assert (other.returncode, lines_of(tmp_path / "another")) == (0, averages(TWO)), of_other
    assert (live.returncode, lines_of(tmp_path / "out")) == (0, averages(ONE)), of_live
    assert stagings(tmp_path) == [left]


def test_directories_that_another_run_made_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)
    output = str(tmp_path / "new" / "out")
    local = source_of(output)
    with local.staging(output) as first:
        with pytest.raises(ZeroDivisionError), local.staging(output) as second:
            raise ZeroDivisionError
        assert first.is_dir() and not second.exists() and first != second
    assert not (tmp_path / "new").exists()


def test_a_directory_that_appears_while_a_job_runs_is_not_touched(tmp_path):
    output = tmp_path / "out"
    local = source_of(str(output))
    with (
        pytest.raises(OutputError, match=r"out: exists and is not empty; a job writes"),
        local.staging(str(output)) as staging,
    ):
        (staging / "part-00000").touch()
        output.mkdir()
        (output / "theirs").touch()
        local.commit(staging, ["part-00000"], str(output), int)
    assert os.listdir(tmp_path) == ["out"] and os.listdir(output) == ["theirs"]


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("what", ["folder", "part"])
@pytest.mark.parametrize(
    "options", [[], ["--slices", "1d"], ["--output-format", "parquet"]], ids=["text", "slices", "parquet"]
)
def test_parts_that_were_removed_while_a_job_ran_are_missed(run_job, tmp_path, runner, what, options):
    """Another process removes parts that are complete, or all of the folder; the last reducers run on."""

    def remove():
        for staging in stagings(tmp_path):
            if what == "folder":
                shutil.rmtree(staging)
            for part in sorted(staging.glob("part-00000*")) if what == "part" else []:
                part.unlink()

    class Removes(MovingAverage):
        def kernel(self):
            if self.is_task() and os.environ["mapreduce_task_partition"] == "1":  # noqa: SIM112 - it is Hadoop's name
                remove()
            return super().kernel()

    (tmp_path / "bars.csv").write_text(HEADER + ONE)
    parts = ["-D", "mapreduce.job.reduces=2", "--num-cores", "1"]
    ran = run_job(
        "-r", runner, "--window", "1", *parts, *options, "-o", tmp_path / "out", tmp_path / "bars.csv", job=Removes
    )
    assert ran.status == 1 and ran.err.count("\n") == 1, ran.err
    assert "something else writes or removes files there" in ran.err or "was removed while the job ran" in ran.err
    assert os.listdir(tmp_path) == ["bars.csv"]


SKIPPED = (
    "a directory means the files directly in it (with --recursive, those in its subdirectories too), without those"
    " whose names begin with _ or .\n"
)


@pytest.fixture
def folder(tmp_path):
    """A folder of inputs with one of bars, B."""
    (tmp_path / "bars").mkdir()
    (tmp_path / "bars" / "b.csv").write_text(HEADER + "B,2008-03-01,2.5\n")
    return tmp_path / "bars"


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_what_a_directory_has_besides_files_is_named(run_job, folder, runner):
    for name in ("below", "_temporary", ".git", "below/deeper"):
        (folder / name).mkdir()
    for name in ("_SUCCESS", "_windrow.json", ".b.csv.crc", ".DS_Store", "_old.csv", "below/c.csv"):
        (folder / name).write_text(HEADER + "C,2008-03-01,1\n")
    os.mkfifo(folder / "pipe")
    ran = run_job("-r", runner, "-q", "--window", "1", folder)
    assert (ran.status, ran.out) == (0, b"B\t2008-03-01\t2.5\n")
    assert ran.err == f"warning: {folder}: skipped _old.csv, _temporary, below/, pipe (not a regular file); {SKIPPED}"


def test_of_many_names_a_few_are_told(run_job, folder):
    for number in range(9):
        (folder / f"{number}").mkdir()
    assert (
        run_job("-q", "--window", "1", folder).err
        == f"warning: {folder}: skipped 0/, 1/, 2/, 3/, 4/ and 4 more; {SKIPPED}"
    )


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("target", ["nowhere/a.csv", "a.csv"], ids=["dangling", "loop"])
def test_a_link_to_nothing_is_refused(run_job, folder, runner, target):
    """A file system that is not mounted: its symbols were left out, exit 0."""
    (folder / "a.csv").symlink_to(target)
    says = f"error: {folder}/a.csv: is a link to {target}, which does not exist; "
    for argument in (folder, folder / "a.csv"):
        ran = run_job("-r", runner, "-q", "--window", "1", argument)
        assert (ran.status, ran.out, ran.err.count("\n")) == (1, b"", 1) and ran.err.startswith(says)


def test_a_link_to_a_file_is_that_file(run_job, folder):
    (folder / "a.csv").symlink_to(folder.parent / "real.csv")
    (folder.parent / "real.csv").write_text(HEADER + "A,2008-03-01,1.5\n")
    ran = run_job("-q", "--window", "1", folder)
    assert (ran.lines, ran.err) == ([b"A\t2008-03-01\t1.5", b"B\t2008-03-01\t2.5"], "")


@pytest.mark.parametrize("how", ["file", "beyond a folder"])
def test_a_file_that_must_not_be_read_is_refused(how):
    """As nobody: root may read everything."""
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o755)
        (place / "bars").mkdir()
        (place / "bars" / "b.csv").write_text(HEADER + "B,2008-03-01,2.5\n")
        (place / "closed").mkdir()
        (place / "closed" / "a.csv").write_text(HEADER)
        if how == "file":
            shutil.copy(place / "closed" / "a.csv", place / "bars" / "a.csv")
            (place / "bars" / "a.csv").chmod(0)
        else:
            (place / "bars" / "a.csv").symlink_to(place / "closed" / "a.csv")
            (place / "closed").chmod(0)
        assert as_nobody(lambda: list_inputs([str(place / "bars")])) == (
            f"{place}/bars/a.csv: cannot be read: Permission denied; check the path and its permissions"
        )
    finally:
        (place / "closed").chmod(0o700)
        shutil.rmtree(place)


def as_nobody(work):
    """What InputError a function raises in a process without root's privileges; empty if none."""
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            work()
        except InputError as error:
            os.write(writes, str(error).encode())
        finally:
            os._exit(0)
    os.close(writes)
    with open(reads) as file:
        told = file.read()
    os.waitpid(child, 0)
    return told
