"""Blocks: every value and time comes back to the last bit, and a damaged block is refused."""

import struct
from zlib import crc32

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sort_keys import blocks, keys
from sort_keys.slots import Slots
from tests.sort_keys.checks import (
    SYMBOLS,
    TIMES,
    assert_red,
    bits,
    check_blocks,
    columns_of,
    decoded,
    lines_of,
    mutant,
)  # fmt: skip
from windrow.errors import InputError

MINUTE = 60 * 10**9

SIGN = st.sampled_from([1.0, -1.0])
PLACES = {
    "zero": st.just(0.0),
    "whole": st.integers(-(10**15), 10**15).map(float),
    "cents": st.integers(-(10**7), 10**7).map(lambda cents: cents / 100),
    "8 places": st.integers(-(10**13), 10**13).map(lambda q: q / 10**8),
    "9 places": st.integers(-(10**13), 10**13).map(lambda q: q / 10**9),
    "limits": st.tuples(SIGN, st.sampled_from([1e-15, 2e-9, 1e15, np.nextafter(1e15, 0), 2**53 / 1e9])).map(np.prod),
    "17 digits": st.tuples(SIGN, st.floats(1e-15, 1e15)).map(np.prod),
    "near a cent": st.integers(1, 10**7).map(lambda cents: float(np.nextafter(cents / 100, np.inf))),
}
VALUE = st.one_of(*PLACES.values()).map(float)


def series_of(value, columns):
    bar = st.tuples(st.integers(0, 9).map(lambda minute: minute * MINUTE) | TIMES, st.tuples(*[value] * columns))
    return st.lists(bar, min_size=1, max_size=70)


BARS = st.integers(1, 3).flatmap(
    lambda columns: st.dictionaries(
        SYMBOLS,
        st.one_of(*[series_of(value.map(float), columns) for value in [*PLACES.values(), VALUE]]),
        min_size=1, max_size=3,
    )
).map(
    lambda series: [(symbol, time, row) for symbol, own in series.items() for time, row in own]
)  # fmt: skip
SLOTS = st.sampled_from([Slots(10**18), Slots(MINUTE), Slots(3 * MINUTE, {"A": MINUTE}), Slots(2**63 - 1)])
BLOCK_BARS = st.sampled_from([1, 2, 64, blocks.BLOCK_BARS])


@settings(max_examples=150, deadline=None)
@given(BARS, SLOTS, BLOCK_BARS)
@example([("A", time, (1.0,)) for time in (-(2**63), -1, 0, 2**63 - 1)], Slots(2**63 - 1), 4096)
@example([("A", -(2**63), (5e-324,)), ("A", 2**63 - 1, (1.7976931348623157e308,))], Slots(2**63 - 1), 4096)
@example([("A", minute * MINUTE, (37.1, 0.1 + 0.2)) for minute in range(200)], Slots(10**18), 64)
@example([("A", 7, (1.5,))] * 300, Slots(10**18), 4096)
def test_bars_come_back_to_the_last_bit(bars, slots, block_bars):
    check_blocks(bars, slots, block_bars)


def decoded_times(line):
    _, first, payload = keys.split_record(line[:-1])
    return blocks.read_blocks([first], [payload], 0)[1].tolist()


@pytest.mark.parametrize("times", [
    [-(2**63), 2**63 - 1], [-(2**63), 0, 2**63 - 1], [-(2**62) * 2, 2**62, 2**62 + 1],
    [-5, 2**63 - 6, 2**63 - 5],
    [-(2**63), -(2**63) + 86_400 * 10**9, 2**63 - 1],
    [-(2**63), -(2**63) + 106_752 * 86_400 * 10**9, -(2**63) + 213_503 * 86_400 * 10**9],
])  # fmt: skip
def test_spans_that_wrap_int64_come_back(times, monkeypatch):
    monkeypatch.setattr(Slots, "edges", lambda *_: np.array([], np.int64))
    series = blocks.Columns(["A"], np.array([0]), np.array(times), [])
    (line,) = blocks.write_blocks(series, Slots(1))
    assert decoded_times(line) == times


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 1.7e308, 1e16, 9.3e18, -9.3e18]
)
def test_values_no_feed_lets_through_come_back_too(value):
    (line,) = lines_of([[("A", 1, (value,)), ("A", 2, (1.25,))]], Slots(10**18), 64)
    assert [bits(row) for _, _, row in decoded(line, 1)] == [bits([value]), bits([1.25])]


def test_every_setting_gives_the_same_bars():
    rng = np.random.default_rng(3)
    bars = [
        (symbol, int(t) * MINUTE, (round(v, 2), v))
        for symbol in ("A", "B")
        for t, v in enumerate(rng.normal(50, 9, 900))
    ]
    flat = [
        [bar for line in lines_of([bars], Slots(span), block_bars) for bar in decoded(line, 2)]
        for block_bars in (1, 64, blocks.BLOCK_BARS) for span in (MINUTE, 100 * MINUTE, 10**18)
    ]  # fmt: skip
    assert all(found == bars for found in flat)


def test_cents_take_about_two_bytes_a_bar():
    rng = np.random.default_rng(3)
    bars = [
        ("A", t * MINUTE, (v,)) for t, v in enumerate(np.round(50 + rng.normal(0, 0.02, 4000).cumsum(), 2).tolist())
    ]
    assert sum(map(len, lines_of([bars], Slots(10**18), 4096))) < 2.2 * len(bars)


def test_a_block_never_holds_more_bars_than_bytes():
    for bars in ([("A", 5, (1.0,))] * 3000, [("A", t, (1.0,)) for t in range(3000)]):
        (line,) = lines_of([bars], Slots(10**18), 4096)
        assert len(line) > len(bars)


def test_no_bars_give_no_lines():
    assert lines_of([[]], Slots(1), 1) == []


def test_control_a_place_not_checked_loses_digits(monkeypatch):
    lossy = mutant(blocks, ("(counted / power).view(np.int64) == values.view(np.int64)", "np.ones(len(values), bool)"))
    monkeypatch.setattr(blocks, "_counted", lossy._counted)
    assert_red(check_blocks, BARS, SLOTS, BLOCK_BARS)


def test_control_slots_ignored(monkeypatch):
    monkeypatch.setattr(Slots, "edges", lambda *_: np.array([], np.int64))
    assert_red(check_blocks, BARS, SLOTS, BLOCK_BARS)


def test_control_line_ends_not_escaped(monkeypatch):
    careless = mutant(blocks, (r'.replace(b"\n", b"\x1bn")', ""))
    monkeypatch.setattr(blocks, "_escape", careless._escape)
    assert_red(check_blocks, BARS, SLOTS, BLOCK_BARS)


def test_control_plain_decimal_times_break_the_order_of_lines(monkeypatch):
    monkeypatch.setattr(blocks, "encode_times", lambda times: [b"%d" % time for time in times.tolist()])
    monkeypatch.setattr(keys, "decode_time", int)
    assert_red(check_blocks, BARS, SLOTS, BLOCK_BARS)


# Sorting a chunk.

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(-9, 9) | TIMES, VALUE), min_size=1, max_size=60)
ORDERS = {
    "as it comes": lambda rows: rows,
    "by time": lambda rows: sorted(rows, key=lambda row: row[1]),
    "newest first": lambda rows: sorted(rows, key=lambda row: -row[1]),
    "by symbol": lambda rows: sorted(rows, key=lambda row: row[:2]),
    "by symbol, newest first": lambda rows: sorted(rows, key=lambda row: (row[0], -row[1])),
    "with repeats": lambda rows: [*rows, *reversed(rows)],
}


def check_sort_bars(rows, names):
    codes, times, values = (list(column) for column in zip(*rows, strict=True))
    found = blocks.sort_bars(
        np.array(codes, np.int32), names, np.array(times), [np.array(values), np.array(times, float)]
    )
    starts = [*found.starts.tolist(), len(rows)]
    flat = [
        (names.index(symbol) if len(names) < 99 else int(symbol), time, value)
        for symbol, a, b in zip(found.symbols, starts, starts[1:], strict=False)
        for time, value in zip(found.times[a:b].tolist(), found.values[0][a:b].tolist(), strict=True)
    ]
    assert sorted(flat) == sorted(rows)
    assert [row[:2] for row in flat] == sorted(row[:2] for row in rows)
    assert found.values[1].tolist() == [float(time) for time in found.times.tolist()]


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_bars_in_any_order_are_sorted(order, rows):
    check_sort_bars(ORDERS[order](rows), list("UVWXYZ"))


@pytest.mark.parametrize("order", ORDERS)
def test_more_symbols_than_16_bits_hold(order):
    rng = np.random.default_rng(1)
    codes = np.concatenate([rng.permutation(70_000), rng.integers(0, 70_000, 5_000)]).tolist()
    rows = [(code, int(time), 1.5) for code, time in zip(codes, rng.integers(-50, 50, len(codes)), strict=True)]
    check_sort_bars(ORDERS[order](rows), [str(code) for code in range(70_000)])


def test_no_bars_sort_to_none():
    assert columns_of([]).symbols == []


# Damage.


def payload_of(columns=1, bars=50):
    rng = np.random.default_rng(bars)
    rows = [("A", t * MINUTE, tuple(np.round(rng.normal(50, 5, columns), 2))) for t in range(bars)]
    (line,) = lines_of([rows], Slots(10**18), 4096)
    _, first, payload = keys.split_record(line[:-1])
    return first, payload


FIRST, PAYLOAD = payload_of()


def resealed(payload):
    """A payload with its checksum made right: what a mapper of another version might send."""
    body = payload + struct.pack("<I", crc32(payload))
    return blocks._escape(body, np.array([len(body)]))[0]


def refused(payload, columns=1, first=FIRST):
    with pytest.raises(InputError, match=r"by a reducer is damaged: .*; install one") as caught:
        blocks.read_blocks([*[FIRST] * 2, first], [PAYLOAD] * 2 + [payload], columns)
    assert "block 3 of 3" in str(caught.value) or columns != 1
    return str(caught.value)


def test_a_truncated_block_is_refused():
    for length in range(len(PAYLOAD)):
        refused(PAYLOAD[:length])


def test_any_changed_byte_is_refused():
    for at in range(len(PAYLOAD)):
        for change in (1, 0x80, 0xFF):
            refused(PAYLOAD[:at] + bytes([PAYLOAD[at] ^ change]) + PAYLOAD[at + 1 :])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\x1b")
@example(b"\x1b\x1b\x1be\x1b")
def test_garbage_is_refused(garbage):
    refused(garbage)
    refused(PAYLOAD + garbage + b"\x00")


@pytest.mark.parametrize(("written", "read"), [(1, 0), (1, 2), (2, 1), (3, 1), (1, 3), (2, 3)])
@pytest.mark.parametrize("bars", [1, 2, 50])
def test_another_number_of_columns_is_refused(written, read, bars):
    first, payload = payload_of(written, bars)
    with pytest.raises(InputError, match="is damaged"):
        blocks.read_blocks([first], [payload], read)


def lie(**fields):
    bodies, (end,) = blocks._unescape([PAYLOAD])
    body = bodies[:end]
    header = np.frombuffer(body[: blocks._header(1).itemsize], blocks._header(1)).copy()
    for name, value in fields.items():
        if name == "bars":
            header["bars"] = value
        else:
            kind, column = name.split("_")
            header["columns"][kind][:, int(column)] = value
    return resealed(header.tobytes() + body[header.itemsize : -4])


@pytest.mark.parametrize(("fields", "why"), [
    ({"bars": 0}, "it does not hold bars of 1 columns"),
    ({"bars": 49}, "it does not hold bars of 1 columns"),
    ({"bars": 2**32 - 1}, "it does not hold bars of 1 columns"),
    ({"bars": 2**32 - 1, "width_0": 0, "width_1": 0}, "it does not hold bars of 1 columns"),
    ({"width_1": 3}, "it has a column of unknown width"),
    ({"width_0": 8}, "it does not hold bars of 1 columns"),
    ({"scale_0": 7}, "its times are in an unknown unit"),
    ({"scale_1": 6}, "its values are in an unknown unit"),
    ({"first_0": 5}, "its key belongs to another block"),
])  # fmt: skip
def test_a_header_that_lies_is_refused(fields, why):
    assert why in refused(lie(**fields))


def test_as_many_bars_as_bytes_without_any_delta_is_refused():
    header = np.zeros(1, blocks._header(1))
    header["bars"] = 4_000_000_000
    assert "it does not hold bars" in refused(resealed(header.tobytes()), first=0)


def test_a_block_of_no_bars_is_refused():
    assert "it does not hold bars" in refused(resealed(np.zeros(1, blocks._header(1)).tobytes()), first=0)


def test_a_block_under_another_key_is_refused():
    assert "its key belongs to another block" in refused(PAYLOAD, first=FIRST + 1)


def test_an_honest_header_is_not_refused():
    assert lie() == PAYLOAD
    assert len(blocks.read_blocks([FIRST], [PAYLOAD], 1)[1]) == 50


def test_control_without_the_checksum_a_changed_byte_is_silent_data(monkeypatch):
    blind = mutant(blocks, ("checks != _CHECKED", "checks != checks"))
    monkeypatch.setattr(blocks, "read_blocks", blind.read_blocks)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        test_any_changed_byte_is_refused()


@pytest.mark.parametrize("at_once", [1, 2, 3, 7])
@pytest.mark.parametrize("slices", [None, Slots(5)])
def test_blocks_written_a_few_at_a_time_are_the_same_bars(monkeypatch, at_once, slices):
    chance = np.random.default_rng(at_once)
    names = ["AA", "B%", "é", "D"]
    codes = np.sort(chance.integers(0, 4, 60)).astype(np.int32)
    bars = blocks.sort_bars(codes, names, chance.permutation(60), [chance.integers(0, 9, 60) / 4, chance.random(60)])

    def read():
        lines = list(blocks.write_blocks(bars, Slots(10), 3, slices))
        fields, times, payloads = keys.split_records(lines)
        counts, *columns = blocks.read_blocks(times, payloads, 2)
        return fields, counts.tolist(), columns[0].tolist(), [column.tolist() for column in columns[1]]

    whole = read()
    monkeypatch.setattr(blocks, "_MOST_BLOCKS", at_once)
    assert read() == whole and len(whole[0]) > 20 and whole[2] == bars.times.tolist()
