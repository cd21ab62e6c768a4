"""Crosses, and what else is no table of averages, on Hadoop: the bytes of one process here, as for averages.

In one process in every run of the tests, and on the one-machine cluster.
"""

from collections import defaultdict
from itertools import product

import pytest

from tests.cluster.test_invariance import SMALL, files_of
from tests.jobs.test_invariance_signals import DATA, JOBS, written

# Reducers, files, their order, and kind; of each two settings that occur together somewhere.
RUNS = [
    (1, 3, "shuffled", "csv"),
    (3, 1, "by time", "gz"),
    (8, 3, "shuffled", "small blocks"),
    (3, 3, "by time", "parquet"),
]
#: On the cluster in CI, whose time a run takes half a minute of.
FEW = [(list(JOBS)[-1], RUNS[-1])]
MATRIX = [
    pytest.param(JOBS[name], run, marks=[] if (name, run) in FEW else [pytest.mark.full], id=f"{name}-{run}")
    for name, run in product(JOBS, RUNS)
]


@pytest.fixture(
    scope="module",
    params=["crossover", "sweep best", *(pytest.param(name, marks=pytest.mark.full) for name in ("backtest", "sweep"))],
)
def case(request):
    return JOBS[request.param]


def check(ran, run_module, case):
    assert ran.status == 0, ran.err
    here = run_module(case.job.__module__, *case.options, DATA / "bars.csv")
    assert ran.lines == here.lines and len(here.lines) > 0


def test_one_process_writes_the_same_bytes(on_hadoop, run_module, tmp_path, case):
    for name, content in files_of("shuffled", 3, "csv", tmp_path):
        (tmp_path / name).write_bytes(content)
    options = ["--block-bars", "64", "--slot", "90d", "-D", "mapreduce.job.reduces=3"]
    paths = sorted(tmp_path.glob("*.csv"))
    check(on_hadoop(*case.options, *options, *paths, job=case.job.__module__), run_module, case)


@pytest.mark.cluster
@pytest.mark.parametrize(("case", "run"), MATRIX)
def test_the_cluster_writes_the_same_bytes(on_cluster, hdfs, tmp_path, case, run):
    reducers, files, order, kind = run
    for name, content in files_of(order, files, kind, tmp_path):
        hdfs.put(f"in/{name}", content, **({"blocksize": SMALL} if kind == "small blocks" else {}))
    options = [*case.options, *case.beside, "-D", f"mapreduce.job.reduces={reducers}", "-o", hdfs.uri("out")]
    ran = on_cluster(*options, hdfs.uri("in"), job=case.job.__module__)
    assert ran.status == 0, ran.err
    names = hdfs.list("out")
    assert {"_SUCCESS", "_windrow.json", *(f"part-{number:05}" for number in range(reducers))} <= set(names)
    lines = defaultdict(list)
    for part in names:
        if part.startswith("part-"):
            lines[part[len("part-00000") :]] += hdfs.read(f"out/{part}").splitlines()
    here = written(case, tmp_path / "here", DATA / "bars.csv")
    assert {ending: sorted(its) for ending, its in lines.items()} == here
