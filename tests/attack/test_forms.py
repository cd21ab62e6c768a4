"""The campaign of forms sees a reader that guesses."""

import random

import pytest

from tests.attack import forms
from tests.attack.forms import attempt, bars_of
from windrow.bars import clocks, numbers

pytestmark = pytest.mark.one_python


def tries(tmp_path, seeds):
    return [why for seed in seeds if (why := attempt(random.Random(seed), tmp_path / "table.csv"))]


def test_nothing_is_read_otherwise(tmp_path):
    assert tries(tmp_path, range(60)) == []


def test_most_tables_are_read(tmp_path, monkeypatch):
    """All but those whose days or numbers nothing decides, which are refused."""
    read = []
    monkeypatch.setattr(forms, "bars_of", lambda *args: read.append(bars_of(*args)) or read[-1])
    tries(tmp_path, range(100))
    assert len(read) > 75


@pytest.mark.parametrize("module", [clocks, numbers])
def test_a_guess_is_seen(tmp_path, monkeypatch, module):
    """A negative control: of two forms that fit, the last is taken."""
    decided = module.forms_of
    monkeypatch.setattr(module, "forms_of", lambda *args: decided(*args)[-1:])
    assert any(attempt(random.Random(seed), tmp_path / "table.csv") for seed in range(600))
