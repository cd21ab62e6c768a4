"""What mappers are handed out, and what Hadoop's client tells of a step, as a person sees it."""

import sys
from importlib.util import cache_from_source
from pathlib import Path
from zipfile import ZipFile

import mrjob.job
import pytest

from windrow.console.meter import Meter
from windrow.mapreduce import submit
from windrow.mapreduce.registry import find_jobs, job_class
from windrow.runners.hadoop import HadoopRunner
from windrow.runners.launch import Launch
from windrow.runners.streaming import LEAST_TASK, Streaming, handed_out
from windrow.storage.source import Range


class OnHadoop(Streaming):
    """Enough of a runner to be told how far a step is."""

    expected, step_count = 20_000_000.0, 2

    def __init__(self, *kinds):
        self.launch, self.described = Launch(meter=Meter()), dict.fromkeys(kinds)

    def step(self, number):
        return self.described

    def told(self, step, *shares):
        self.begin_stage("Hadoop", step)
        self.show_shares(step, shares)
        return self.launch.meter._picture(self.launch.meter._phase_began + 4)


@pytest.mark.parametrize(
    ("step", "shares", "told", "share", "rate"),
    [
        (0, (b"40", b"0"), "map 40%, reduce 0%, about 8,000,000 bars", 0.2, "2M/s"),
        (0, ("100", "66"), "map 100%, reduce 66%, about 20,000,000 bars", 0.83, ""),
        (1, ("100", "10"), "map 100%, reduce 10%", 0.55, ""),
    ],
)
def test_maps_and_reduces_and_about_how_many_bars_are_told(step, shares, told, share, rate):
    picture = OnHadoop("mapper", "reducer").told(step, *shares)
    assert (picture.title, picture.told, picture.rate) == (f"step {step + 1} of 2, Hadoop", told, rate)
    assert picture.share == pytest.approx(share)


def test_a_step_without_reducers_has_no_reduces():
    picture = OnHadoop("mapper").told(1, "50", "0")
    assert (picture.told, picture.share) == ("map 50%", 0.5)


@pytest.mark.parametrize("megabytes", [512, 600, 767, 769, 1300, 5000, 400_000, 3_000_000])
def test_ranges_of_a_file_are_even_and_about_as_large_as_wanted(megabytes):
    file = Range("bars.csv", 0, (megabytes << 20) + 7, {})
    lengths = [sum(part.length for part in task) for task in handed_out([file], {file.path})]
    assert sum(lengths) == file.length
    assert max(lengths) - min(lengths) <= 1
    wanted = min(max(file.length // 512, LEAST_TASK), 4 << 30)
    assert 2 / 3 < lengths[0] / wanted < 3 / 2


def test_small_files_beside_a_large_one_make_no_task_of_their_own():
    files = [Range("a.csv", 0, 600 << 20, {}), *(Range(f"{number}.csv", 0, 1 << 20, {}) for number in range(8))]
    tasks = handed_out(files, {file.path for file in files})
    assert [sum(part.length >> 20 for part in task) for task in tasks] == [608]


@pytest.mark.parametrize(
    ("gibibytes", "slots", "tasks"),
    [(8, 64, 16), (100, 64, 64), (100, 2000, 200), (300, 64, 128), (1000, 64, 256), (20, 3, 6), (400, None, 512)],
)
def test_there_are_as_many_mappers_as_run_at_once_or_a_multiple(gibibytes, slots, tasks):
    file = Range("bars.csv", 0, gibibytes << 30, {})
    handed = handed_out([file], {file.path}, slots=slots)
    assert len(handed) == tasks
    assert all(LEAST_TASK <= sum(part.length for part in task) <= 4 << 30 for task in handed)


def on_cluster(folder, told, status=0):
    """A runner whose Hadoop's client tells this."""
    for name in ("hadoop", "yarn"):
        (folder / name).write_text(f'#!/bin/sh\necho "$*" >>{folder}/asked-{name}\ncat {folder}/told\nexit {status}\n')
        (folder / name).chmod(0o755)
    (folder / "told").write_text(told)
    return HadoopRunner(Launch(), conf_paths=[], hadoop_bin=[str(folder / "hadoop")])


NODE = """Detailed Node Information :
\tConfigured Resources : <memory:{0}, vCores:{1}, yarn.io/gpu: 1>
\tAllocated Resources : <memory:512, vCores:1>
"""


@pytest.mark.parametrize(
    ("told", "memory", "slots"),
    [(NODE.format(8192, 4) * 3, None, 12), (NODE.format(8192, 64), None, 8), (NODE.format(8192, 64), "512", 16),
     (NODE.format(8192, 64), "nonsense", 8), (NODE.format(8192, 64), "0", 8), ("Total Nodes:0\n", None, None),
     (NODE.format(512, 4), None, None)],
)  # fmt: skip
def test_how_many_mappers_run_at_once_is_told_by_the_nodes(tmp_path, told, memory, slots):
    with on_cluster(tmp_path, told) as runner:
        runner.settings["jobconf"] |= {} if memory is None else {"mapreduce.map.memory.mb": memory}
        assert runner.slots() == slots
    assert (tmp_path / "asked-yarn").read_text() == "node -list -showDetails\n"


def test_a_cluster_that_tells_nothing_has_some_number_of_slots(tmp_path):
    with on_cluster(tmp_path, "Unrecognized option: -showDetails\n", status=255) as runner:
        assert runner.slots() is None
        (tmp_path / "yarn").unlink()
        assert runner.slots() is None


@pytest.mark.parametrize(
    ("gibibytes", "conf", "asks"),
    [(4, {}, False), (5, {}, True), (5, {"mapreduce.input.fileinputformat.split.maxsize": 1 << 30}, False)],
)
def test_only_large_inputs_are_worth_the_question(tmp_path, gibibytes, conf, asks):
    with on_cluster(tmp_path, NODE.format(8192, 4)) as runner:
        runner.settings["jobconf"] |= conf
        runner._hand_out_ranges([Range("hdfs:///b.csv", 0, gibibytes << 30, {})], {"hdfs:///b.csv"}, tmp_path)
    assert (tmp_path / "asked-yarn").exists() == asks


@pytest.mark.skipif(not Path(cache_from_source(mrjob.job.__file__)).exists(), reason="has no bytecode of mrjob")
def test_tasks_get_bytecode_of_mrjob_once():
    with HadoopRunner(Launch(), conf_paths=[], hadoop_bin=[sys.executable]) as runner:
        archive = runner._create_mrjob_zip()
        assert runner._create_mrjob_zip() == archive
        names = ZipFile(archive).namelist()
    assert names.count("mrjob/job.pyc") == 1
    assert "mrjob/emr.py" in names


@pytest.mark.parametrize("asked", [{}, {"OPENBLAS_NUM_THREADS": "4", "A": "b"}])
def test_tasks_get_the_variables_of_a_launch_where_the_user_sets_none(asked):
    launch = Launch(variables={"OPENBLAS_NUM_THREADS": "1"})
    with HadoopRunner(launch, conf_paths=[], hadoop_bin=[sys.executable], cmdenv=asked) as runner:
        assert runner.settings["cmdenv"] == {"OPENBLAS_NUM_THREADS": "1", **asked}


def test_only_jobs_that_train_use_more_threads():
    jobs = {name: job_class(file) for name, file in find_jobs().items()}
    assert {name for name, job in jobs.items() if job.multiplies} == {"forecast", "grid-search"}
    assert submit.launch(jobs["moving-average"](["bars.csv"])).variables == {"OPENBLAS_NUM_THREADS": "1"}
