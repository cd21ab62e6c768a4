"""Keys: byte order is (symbol, time) order, for every symbol and every int64."""

import subprocess

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sort_keys import keys
from tests.sort_keys.checks import EXTREMES, HARD_SYMBOLS, INT64, SYMBOLS, TIMES, assert_red, check_key_order
from windrow.errors import InputError

PAIRS = st.lists(st.tuples(SYMBOLS, TIMES), max_size=30)


@settings(max_examples=300, deadline=None)
@given(PAIRS)
@example([(symbol, time) for symbol in HARD_SYMBOLS for time in EXTREMES])
def test_byte_order_is_symbol_then_time(pairs):
    check_key_order(pairs)


def test_control_plain_decimal_times_break_the_order(monkeypatch):
    monkeypatch.setattr(keys, "encode_time", lambda nanoseconds: b"%d" % nanoseconds)
    assert_red(check_key_order, PAIRS)


def test_control_times_without_the_bias_break_the_order(monkeypatch):
    monkeypatch.setattr(keys, "encode_time", lambda nanoseconds: b"%016x" % (nanoseconds % 2**64))
    assert_red(check_key_order, PAIRS)


def test_control_a_symbol_left_raw_breaks_the_order(monkeypatch):
    monkeypatch.setattr(keys, "encode_symbol", str.encode)
    assert_red(check_key_order, PAIRS)


def test_sort_in_the_c_locale_agrees():
    written = [
        keys.encode_symbol(symbol) + b"\t" + keys.encode_time(time) for symbol in HARD_SYMBOLS for time in EXTREMES
    ]
    done = subprocess.run(
        ["sort"], input=b"\n".join(written) + b"\n", capture_output=True, check=True, env={"LC_ALL": "C"}
    )
    assert done.stdout.splitlines() == sorted(written)


@settings(max_examples=300, deadline=None)
@given(SYMBOLS)
def test_symbols_come_back_and_keep_fields_whole(symbol):
    encoded = keys.encode_symbol(symbol)
    assert keys.decode_symbol(encoded) == symbol
    assert not set(encoded) & {*range(0x20), 0x7F}


@pytest.mark.parametrize("symbol", HARD_SYMBOLS)
def test_hard_symbols_come_back(symbol):
    assert keys.decode_symbol(keys.encode_symbol(symbol)) == symbol


def test_no_two_symbols_share_an_encoding():
    assert len({keys.encode_symbol(symbol) for symbol in HARD_SYMBOLS}) == len(HARD_SYMBOLS)


@given(TIMES)
def test_times_come_back_at_fixed_width(time):
    encoded = keys.encode_time(time)
    assert len(encoded) == 16
    assert keys.decode_time(encoded) == time


@given(SYMBOLS, TIMES, st.binary(max_size=20))
def test_a_record_splits_at_its_first_two_tabs(symbol, time, payload):
    encoded = keys.encode_symbol(symbol)
    assert keys.split_record(b"%b\t%b\t%b" % (encoded, keys.encode_time(time), payload)) == (
        encoded,
        time,
        payload,
    )


@pytest.mark.parametrize("line", [
    b"", b"no tabs", b"AA\t8000000000000000", b"AA\tnot hexadecimal!\tx", b"AA\t2024-01-01\t5.0",
    b"AA\t20\t33.5", b"AA\t800000000000000000000000\tx",
    b"AA\t1_00\tx", b"AA\t 800000000000000\tx", b"AA\t-000000000000001\tx", b"AA\t0x80000000000000\tx",
])  # fmt: skip
def test_a_line_no_mapper_wrote_is_refused(line):
    with pytest.raises(InputError, match="it takes the lines that windrow's mappers write"):
        keys.split_record(line)


CODES_AND_TIMES = st.lists(
    st.tuples(st.integers(0, 5) | st.integers(0, 70_000), st.integers(-9, 9) | INT64), min_size=1
)


@settings(max_examples=300, deadline=None)
@given(CODES_AND_TIMES)
def test_key_order_sorts_by_code_then_time(pairs):
    codes, times = np.array([c for c, _ in pairs], np.int32), np.array([t for _, t in pairs], np.int64)
    order = keys.key_order(codes, times)
    assert sorted(order.tolist()) == list(range(len(pairs)))
    assert [pairs[i] for i in order] == sorted(pairs)


@pytest.mark.parametrize("most", [3, 1 << 16, (1 << 16) + 1, 200_000])
def test_bars_of_one_code_stay_in_order(most):
    codes = np.random.default_rng(most).integers(0, most, 5000)
    codes[7] = codes[4000] = most - 1
    assert keys.code_order(codes, most).tolist() == sorted(range(5000), key=lambda at: codes[at])
