"""The few public names of `windrow`, and what `inspect.signature` tells of them."""

import inspect
import subprocess
import sys

import pytest

import windrow
from tests.conftest import ROOT

NAMES = ["BarJob", "backtest", "crossover", "moving_average", "plot", "read_output", "report", "sweep"]


def test_they_are_these():
    assert windrow.__all__ == NAMES
    with pytest.raises(AttributeError, match="no attribute 'sweeps_of'"):
        windrow.sweeps_of  # noqa: B018


@pytest.mark.parametrize("name", [name for name in NAMES if name != "BarJob"])
def test_each_is_a_function_whose_signature_is_typed(name):
    function = getattr(windrow, name)
    assert inspect.isfunction(function) and function.__doc__
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty and parameter.name != "kwargs"


def test_a_job_is_a_subclass_of_barjob():
    from jobs.moving_average import MovingAverage

    assert issubclass(MovingAverage, windrow.BarJob)


def test_asking_for_none_of_them_loads_no_pandas():
    program = "import sys, windrow; print('pandas' in sys.modules, 'mrjob' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, check=True)
    assert done.stdout == b"False False\n"
