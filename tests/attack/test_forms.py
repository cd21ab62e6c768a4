"""The campaign of forms sees a reader that guesses."""

import random

import pytest

from tests.attack import forms
from tests.attack.forms import attempt, bars_of
from windrow.bars import clocks, numbers
from windrow.feeds import shaped

pytestmark = pytest.mark.one_python


def tries(tmp_path, seeds):
    return [why for seed in seeds if (why := attempt(random.Random(seed), tmp_path))]


def test_nothing_is_read_otherwise(tmp_path):
    assert tries(tmp_path, range(60)) == []


def test_most_tables_are_read(tmp_path, monkeypatch):
    """All but those whose days or numbers nothing decides, which are refused."""
    read = []
    monkeypatch.setattr(forms, "bars_of", lambda *args: read.append(bars_of(*args)) or read[-1])
    tries(tmp_path, range(100))
    assert len(read) > 65


def test_symbols_above_other_columns_are_seen(tmp_path, monkeypatch):
    """A negative control: of two columns, each is taken for the other's symbol."""
    decided = shaped.find_stack

    def turned(*args):
        found = decided(*args)
        return found and found._replace(symbols=found.symbols[::-1])

    monkeypatch.setattr(shaped, "find_stack", turned)
    assert tries(tmp_path, range(100))


@pytest.mark.parametrize("module", [clocks, numbers])
def test_a_guess_is_seen(tmp_path, monkeypatch, module):
    """A negative control: of two forms that fit, the last is taken."""
    decided = module.forms_of
    monkeypatch.setattr(module, "forms_of", lambda *args: decided(*args)[-1:])
    assert any(attempt(random.Random(seed), tmp_path) for seed in range(600))
