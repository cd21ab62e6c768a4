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
