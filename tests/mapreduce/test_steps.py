"""A job is a list of steps, of any length: one of three, made up here, runs on every runner of this machine."""

from collections import Counter
from functools import partial

import pytest

from jobs.moving_average import MovingAverage
from tests.conftest import ROOT
from windrow.mapreduce.steps import Step, pass_on

KEY = b"0000000000000000"


class Busiest(MovingAverage):
    """SYMBOL <tab> its number of lines, then the symbol that has most, of moving averages: three steps."""

    no_lines = "nothing was counted"

    def pipeline(self):
        averages = [Step(step.map, step.reduce and partial(self.keyed, step.reduce)) for step in super().pipeline()]
        return [*averages, Step(pass_on, self.count), Step(pass_on, self.choose)]

    def keyed(self, reduce, task):
        """Lines of averages: SYMBOL<tab>TIME<tab>VALUE, which are keyed already."""
        reduce(task)

    def count(self, task):
        lines = Counter(line.partition(b"\t")[0] for line in task.stdin)
        task.write(b"all\t%b\t%d %b\n" % (KEY, number, symbol) for symbol, number in sorted(lines.items()))
        task.count(Counter({"counted": sum(lines.values())}))

    def choose(self, task):
        found = [line.split(b"\t")[2].split() for line in task.stdin]
        best = sorted((-int(number), symbol) for number, symbol in found)[:1]
        task.write(b"%b\t%d\n" % (symbol, -number) for number, symbol in best)


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("reducers", [1, 3])
def test_a_job_of_three_steps(run_job, tmp_path, runner, reducers):
    rows = (ROOT / "data/bars.csv").read_text().splitlines()
    (tmp_path / "bars.csv").write_text("\n".join([*rows, f"MOST,2023-01-02,{','.join('12345')}"] * 1) + "\n")
    options = ["-r", runner, "-D", f"mapreduce.job.reduces={reducers}", "--window", "2"]
    ran = run_job(*options, tmp_path / "bars.csv", job=Busiest)
    assert (ran.status, ran.out) == (0, b"AAA\t249\n"), ran.err
    published = run_job(*options, "-o", tmp_path / "out", tmp_path / "bars.csv", job=Busiest)
    assert published.status == 0
    assert b"".join(part.read_bytes() for part in (tmp_path / "out").glob("part-*")) == b"AAA\t249\n"


def test_steps_are_what_the_job_declares():
    described = Busiest(["bars.csv"]).describe_steps()
    assert [sorted(set(step) & {"mapper", "reducer"}) for step in described] == [["mapper", "reducer"]] * 3
