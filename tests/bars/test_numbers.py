"""Numbers in other forms: their values by fractions, and what nothing decides."""

from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windrow.bars.numbers import NumberForm, forms_of, parse_numbers

#: Texts of a column, whether a comma is between the fields, the form, and the values.
COLUMNS = [
    (["1.5", "2"], True, NumberForm(), ["1.5", "2"]),
    (["1,234.5"], False, NumberForm(".", ","), ["1234.5"]),
    (["1.234,50", "7"], False, NumberForm(",", "."), ["1234.5", "7"]),
    (["12,5"], False, NumberForm(","), ["12.5"]),
    (["1.234", "0.5"], False, NumberForm(), ["1.234", "0.5"]),
    (["1234.567"], False, NumberForm(), ["1234.567"]),
    (["1,234", "1,234,567"], False, NumberForm(".", ","), ["1234", "1234567"]),
    (["1 234,5", "2\u00a0000,25"], False, NumberForm(",", " "), ["1234.5", "2000.25"]),
    (["1'234.5"], True, NumberForm(".", "'"), ["1234.5"]),
    (["$36.60", "€ 1"], True, NumberForm(marked=True), ["36.6", "1"]),
    (["1.2M", "3K", "0.1B", "2T", "5"], True, NumberForm(marked=True), ["1200000", "3000", "1e8", "2e12", "5"]),
    (["-1.5%"], True, NumberForm(marked=True), ["-0.015"]),
    (["(1.5)", "($2)"], True, NumberForm(marked=True), ["-1.5", "-2"]),
    (["1e-7", "-.5"], True, NumberForm(), ["1e-7", "-0.5"]),
]


@pytest.mark.parametrize(
    ("texts", "commas", "form", "values"), COLUMNS, ids=[" ".join(column[0]) for column in COLUMNS]
)
def test_a_column_that_only_one_form_fits(texts, commas, form, values):
    assert forms_of(texts, commas) == [form]
    read, ok = parse_numbers(pa.array(texts), form)
    assert ok.all() and read.tolist() == [float(Fraction(value)) for value in values]


@pytest.mark.parametrize("texts", [["1.234"], ["1,234"], ["1.234", "12.345"], ["$1,234", "$5,000"]])
def test_what_nothing_decides(texts):
    first, second = (parse_numbers(pa.array(texts), form)[0][0] for form in forms_of(texts, commas=False))
    assert sorted([first, second]) == pytest.approx([1.234, 1234.0])


def test_beside_commas_a_point_is_a_decimal_point():
    assert forms_of(["1.234"], commas=True) == [NumberForm()]


@pytest.mark.parametrize("text", ["abc", "1,2,3", "1.2.3", "--1", "1,23.5", "$", "K", "(1", "1e5K", "0x10", "1_0"])
def test_what_is_no_number(text):
    assert forms_of([text], commas=False) == []


def test_rows_of_another_form_are_no_numbers():
    texts = ["1.234,5", "1,5", "1.5", "1.23,5", "$1", "", "12.345.678,9"]
    read, ok = parse_numbers(pa.array(texts), NumberForm(",", "."))
    assert ok.tolist() == [True, True, False, False, False, False, True]
    assert read[[0, 1, 6]].tolist() == [1234.5, 1.5, 12345678.9]


def test_a_power_of_ten_is_exact():
    texts = ["133270000000", "-1", "1.5e5", "1E-5", "2e+3", "1e5000", "x"]
    read, ok = parse_numbers(pa.array(texts), NumberForm(), power=-9)
    assert ok.tolist() == [True] * 5 + [False] * 2 and read[:5].tolist() == [133.27, -1e-9, 1.5e-4, 1e-14, 2e-6]
    read, ok = parse_numbers(pa.array(["1.5K", "$2", "(3%)"]), NumberForm(marked=True), power=-2)
    assert ok.all() and read.tolist() == [15.0, 0.02, -3e-4]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20), st.integers(-30, 12))
def test_whole_numbers_of_64_bits_are_scaled_and_rounded_once(numbers, power):
    read, ok = parse_numbers(pa.array([str(number) for number in numbers]), NumberForm(), power=power)
    assert not power or (ok.all() and read.tolist() == [float(number * Fraction(10) ** power) for number in numbers])


cents = st.integers(-(10**12), 10**12)


@given(
    st.lists(cents, min_size=1, max_size=20),
    st.sampled_from([(".", ""), (",", ""), (".", ","), (",", "."), (",", " ")]),
)
def test_what_python_writes_is_read(numbers, marks):
    decimal, thousands = marks
    texts = []
    for number in numbers:
        text = f"{abs(number) // 100:,}.{abs(number) % 100:02}"
        text = text.replace(",", "_").replace(".", decimal).replace("_", thousands)
        texts.append("-" * (number < 0) + text)
    read, ok = parse_numbers(pa.array(texts), NumberForm(decimal, thousands))
    assert ok.all() and read.tolist() == [number / 100 for number in numbers]
    assert [parse_numbers(pa.array(texts), form)[0].tolist() for form in forms_of(texts, False)] == [read.tolist()]
