"""What is said of a step that failed on Hadoop: the task's own words or Hadoop's reason, and the cure."""

import pytest

from windrow.errors import InputError, OutputError
from windrow.runners.failures import Failure, explain, traceback_in
from windrow.runners.tasks import TaskError

PIPE = "Error: java.lang.RuntimeException: PipeMapRed.waitOutputThreads(): subprocess failed with code {}\n\tat org..."
TRACEBACK = """Traceback (most recent call last):
  File "{}job.py", line 3, in map_bars
    raise KeyError("AA")
KeyError: 'AA'"""
CHAINED = TRACEBACK + "\n\nDuring handling of the above exception, another exception occurred:\n\n" + TRACEBACK
CONTAINER = "/disk1/yarn/usercache/a user/appcache/application_1_0001/container_1_0001_01_000002/"
MORE = "to see more: yarn logs -applicationId application_1_0001"


def said(attempts=(), client="", logs=()):
    error = explain(Failure(attempts, client, logs), MORE, ["hdfs:///bars"], "hdfs:///out")
    return type(error), str(error)


@pytest.mark.parametrize("traceback", [TRACEBACK, CHAINED], ids=["one", "chained"])
def test_a_tasks_traceback_is_shown_whole_with_names_of_files_alone(traceback):
    log = f"+ python job.py\n{traceback.format(CONTAINER, CONTAINER)}\n"
    kind, text = said([PIPE.format(1)], logs=["", "+ sh\n", log, log])
    assert kind is TaskError
    assert text == traceback.format("", "") + "\n" + MORE


def test_a_traceback_among_what_the_client_says():
    lines = TRACEBACK.format("").splitlines()
    logged = "26/11/21 14:00:00 INFO mapreduce.Job:  map 0% reduce 0%"
    client = "\r\n".join(
        [logged, *lines[:2], logged, *lines[2:], "java.lang.Exception: java.lang.RuntimeException: Pipe"]
    )
    assert said(client=client) == (TaskError, TRACEBACK.format("") + "\n" + MORE)
    assert traceback_in("\n".join(lines * 2)) == TRACEBACK.format("")


PIPE_FAILED = "Hadoop failed the job: RuntimeException: PipeMapRed.waitOutputThreads(): subprocess failed with code"
NO_NUMPY = TRACEBACK.format("").replace("KeyError: 'AA'", "ModuleNotFoundError: No module named 'numpy'")
NOT_FOUND = "setup-wrapper.sh: 19: python3.9: not found"
LIMIT = "[2026-11-21 14:00:00.000]Container [pid=7] is running 12B beyond the 'PHYSICAL' memory limit. Killing"
SHIP = "ship an environment to the tasks: windrow pack, then --environment FILE"
MORE_MEMORY = (
    "give each task more with -D mapreduce.map.memory.mb=MB or -D mapreduce.reduce.memory.mb=MB,"
    " or make a reducer hold less with --slot SPAN"
)


@pytest.mark.parametrize(
    ("attempt", "logs", "words", "cure"),
    [
        (
            PIPE.format(127),
            [f"+ sh\n{NOT_FOUND}\n"],
            f"{NOT_FOUND}\n{PIPE_FAILED} 127",
            f"the cluster's nodes lack that command; name their Python with --task-python-bin, or {SHIP}",
        ),
        (PIPE.format(1), [NO_NUMPY], NO_NUMPY, f"the Python of the cluster's nodes lacks it; {SHIP}"),
        (LIMIT, [], f"Hadoop failed the job: {LIMIT}", MORE_MEMORY),
        (PIPE.format(137), ["Killed\n"], f"Killed\n{PIPE_FAILED} 137", f"out of memory; {MORE_MEMORY}"),
        (
            PIPE.format(1),
            [],
            f"{PIPE_FAILED} 1",
            "the task's output is in its log on a node: this cluster does not aggregate logs",
        ),
    ],
    ids=["no such Python", "no numpy", "memory limit", "out of memory", "logs not gathered"],
)
def test_a_failed_task_and_its_cure(attempt, logs, words, cure):
    assert said([attempt], logs=logs) == (TaskError, f"{words}\n{cure}\n{MORE}")


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        ("26/11/21 14:00:00 ERROR streaming.StreamJob: Error Launching job : No queue q\nFailed!\n", "No queue q"),
        ("... INFO mapreduce.Job: Job job_1 failed with state FAILED due to: AM failed 2 times\n", "AM failed 2 times"),
        ("Exception in thread main java.net.ConnectException: refused\n\tat x\n", "ConnectException: refused"),
        ("", "it gave no reason"),
    ],
)
def test_a_job_that_did_not_start(client, reason):
    kind, text = said(client=client)
    assert kind is TaskError
    assert text.startswith("Hadoop failed the job: ") and text.endswith(f"{reason}\n{MORE}")


def test_more_reports_than_hadoop_has_counters_for():
    log = "INFO mapreduce.Job: Job job_1 failed with state FAILED due to: Too many counters: 121 max=120\n"
    _, text = said(client=log)
    assert text.splitlines()[1:] == [
        "so many tasks were stopped by their inputs that Hadoop has no counters for what they report; to see it, run"
        " the job over a few of the inputs, or with -r local",
        MORE,
    ]


def test_no_room_on_hdfs():
    quota = (
        "Error: org.apache.hadoop.hdfs.protocol.DSQuotaExceededException: The DiskSpace quota of /a is exceeded\n\tat"
    )
    assert said([PIPE.format(1), quota]) == (
        OutputError,
        "hdfs:///out: HDFS has no space for it: DSQuotaExceededException: The DiskSpace quota of /a is exceeded;"
        f" free some, or choose another place; {MORE}",
    )


def test_a_damaged_input():
    assert said(["Error: java.io.EOFException: Unexpected end of input stream\n\tat"]) == (
        InputError,
        f"hdfs:///bars: is truncated or damaged: EOFException: Unexpected end of input stream; get it again; {MORE}",
    )
