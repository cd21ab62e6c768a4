"""The campaign of forms sees a reader that guesses."""

import random
import re

import pytest

from tests.attack import forms
from tests.attack.forms import attempt, bars_of
from windrow.bars import clocks, numbers
from windrow.errors import WindrowError
from windrow.feeds import shaped

pytestmark = pytest.mark.one_python


def tries(tmp_path, seeds):
    return [why for seed in seeds if (why := attempt(random.Random(seed), tmp_path))]


def test_nothing_is_read_otherwise(tmp_path):
    assert tries(tmp_path, range(60)) == []


def test_what_is_refused_may_be_two_things(tmp_path, monkeypatch):
    """Days, numbers or times of day that nothing decides; nearly nothing else is refused, for its shape."""
    refused = []

    def read(*args):
        try:
            return bars_of(*args)
        except WindrowError as error:
            refused.append(str(error))
            raise

    monkeypatch.setattr(forms, "bars_of", read)
    tries(tmp_path, range(200))
    other = [
        why for why in refused if not re.search("day and month cannot be told apart|may be .*(give|say it with) ", why)
    ]
    assert len(refused) < 60 and len(other) < 10, other


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
