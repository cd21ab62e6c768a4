"""--help of a job, and what is told of arguments that it does not take."""

import pytest

from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from jobs.sweep import Sweep
from tests.conftest import ROOT
from windrow.mapreduce.help import command_name, usage_error


@pytest.mark.parametrize("job", [MovingAverage, Crossover, Backtest, Sweep])
def test_the_example_of_a_job_is_the_last_line_of_its_help_and_runs(job, run_job, capfdbinary, tmp_path):
    with pytest.raises(SystemExit):
        job.main(["--help"])
    _, _, example = capfdbinary.readouterr().out.decode().rpartition("\n\nExample: ")
    program, name, *arguments = example.split()
    assert (program, name) == ("windrow", command_name(job)) and job.example in " ".join(arguments)
    moved = [argument.replace("out/", f"{tmp_path}/").replace("data/", f"{ROOT}/data/") for argument in arguments]
    done = run_job("-q", *moved, job=job)
    assert done.status == 0 and not done.err, done.err
    assert done.out or list(tmp_path.glob("*/part-00000"))


@pytest.mark.parametrize(("message", "told"), [
    ("unrecognized arguments: --sze 5", "unrecognized arguments: --sze 5; did you mean --size?"),
    ("unrecognized arguments: --train 0.7", "unrecognized arguments: --train 0.7; did you mean --split?"),
    ("unrecognized arguments: --cleanups", "unrecognized arguments: --cleanups; did you mean --cleanup?"),
    ("unrecognized arguments: --zzz", "unrecognized arguments: --zzz; see --help"),
    ("argument --cash: invalid float value: 'much'", "--cash much: is not a number; give one, as --help says"),
    ("argument --top: invalid int value: '2.5'", "--top 2.5: is not a whole number; give one, as --help says"),
    ("argument --slippage: invalid float value: '5%'",
     "--slippage 5%: is a share, which is written as a fraction; use 0.05"),
    ("argument --top: invalid int value: '5%'", "--top 5%: is not a whole number; give one, as --help says"),
])  # fmt: skip
def test_what_argparse_refuses(message, told):
    assert str(usage_error(message, Sweep([]).arg_parser)) == told


def test_others_names_of_options_are_told_where_the_job_has_the_option():
    assert str(usage_error("unrecognized arguments: --train 1", MovingAverage([]).arg_parser)).endswith("; see --help")
