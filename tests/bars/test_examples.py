"""One example for each reason: what a row has, in which column, and what was expected."""

import pandas as pd
import pytest

from windrow.bars.columns import Example, Layout, examples_of
from windrow.bars.form import Form
from windrow.bars.layout import Reading
from windrow.bars.numbers import NumberForm
from windrow.bars.text import parse_lines
from windrow.feeds.files import read_bars
from windrow.feeds.settle import settle

LAYOUT = Layout(("symbol", "date", "open", "close"), "symbol", "date", ("open", "close"))
GOOD = "A,2023-01-02,1,2\n"


def examples(text, layout=LAYOUT):
    return {reason: one.shown for reason, one in parse_lines(text.encode("latin-1"), layout).examples.items()}


@pytest.mark.parametrize(("row", "reason", "shown"), [
    ("A,03/04/2023,1,2", "time", "'03/04/2023' in column 'date', expected a time as 2023-01-31 or 2023-01-31T09:30"),
    ("A,2023-01-03,1,n/a", "number", "'n/a' in column 'close', expected a number as 1234.5"),
    ("A,2023-01-03,1.5.2,2", "number", "'1.5.2' in column 'open', expected a number as 1234.5"),
    ("A,2023-01-03,1,-inf", "infinite", "'-inf' in column 'close', expected a finite number"),
    ("A,2023-01-03,1,1e16", "range", "'1e16' in column 'close', expected 0, or 1e-15 to 1e+15 in magnitude"),
    ("A,2023-01-03,1,1e-400", "range", "'1e-400' in column 'close', expected 0, or 1e-15 to 1e+15 in magnitude"),
    ("A,2023-01-03,,2", "missing", "'' in column 'open', expected a value"),
    (" ,2023-01-03,1,2", "missing", "' ' in column 'symbol', expected a value"),
    ("A,2023-01-03,2", "fields", "'A,2023-01-03,2', expected 4 fields, as in the header, not 3"),
    ('A,2023-01-03,1,"2', "quote", "'A,2023-01-03,1,\"2'"),
    ("\xff,2023-01-03,1,2", "utf8", "'\\\\xff' in column 'symbol', expected UTF-8"),
])  # fmt: skip
def test_an_example_of_each_reason(row, reason, shown):
    assert examples(f"{GOOD}{row}\n{GOOD}") == {reason: shown} and examples(GOOD) == {}


def test_the_first_row_of_each_reason_is_shown_and_no_header():
    text = f"symbol,date,open,close\n{GOOD}A,noon,1,2\nA,soon,1,x\nA,2023-01-03,1,y\n"
    assert {reason: shown[:7] for reason, shown in examples(text).items()} == {"time": "'noon' ", "number": "'y' in "}


def test_a_form_that_was_settled_is_what_is_expected():
    form = Form(";", 0, "%d/%m/%Y[ %H:%M]", NumberForm(",", "."))
    layout = Layout(("date", "close"), None, "date", ("close",), "X", form=form, timezone="Europe/Berlin")
    found = examples("13/01/2023;1.000,5\n01/13/2023;7\n26/03/2023 02:30;7\n14/01/2023;1.5\n", layout)
    berlin = "expected a time as dd/mm/yyyy that clocks of Europe/Berlin show once"
    assert found["time"] == f"'01/13/2023' in column 'date', {berlin}"
    assert found["number"] == "'1.5' in column 'close', expected a number as 1.234,5"


def test_a_long_row_is_cut_and_nothing_in_it_is_obeyed():
    shown = examples(f"A,2023-01-03,1,\x1b[2J{'x' * 5000}\n")["number"]
    assert shown.startswith(r"'\x1b[2Jxxx") and len(shown) < 260 and shown.isprintable()


def test_an_example_with_a_cure_is_kept_in_whatever_order_they_come():
    plain, cured = {"time": Example("'a'")}, {"time": Example("'b'", "leave out --time-unit")}
    assert examples_of([plain, cured]) == examples_of([cured, plain]) == cured
    assert examples_of([plain, {"time": Example("'0'")}]) == {"time": Example("'0'")}


def test_rows_of_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    frame = {"symbol": ["A", None, "A"], "date": ["2023-01-02", "2023-01-03", "soon"], "close": [float("inf"), 1, 2.0]}
    pd.DataFrame(frame).to_parquet(path)
    settled, _ = settle([str(path)], Reading(values=("close",)), slot=1)
    (bars,) = read_bars(str(path), settled.inputs[str(path)])
    assert {reason: one.shown.partition(",")[0] for reason, one in bars.examples.items()} == {
        "infinite": "'inf' in column 'close'", "missing": "'' in column 'symbol'", "time": "'soon' in column 'date'",
    }  # fmt: skip
