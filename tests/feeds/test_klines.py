"""Binance's candles are known by their values, in every row sampled, and nothing else is taken for them."""

import random

import pytest

MINUTE = 60
CURE = "has no time column among"


def candles(rows=20, unit=1000, span=5 * MINUTE, begin=1_673_537_700, chance=None):
    chance = chance or random.Random(rows)
    for row in range(rows):
        opened = (begin + row * span) * unit
        low, one, other, high = sorted(chance.randint(1000, 9999) / 100 for _ in range(4))
        volume, taken = chance.randint(10, 99), chance.randint(0, 9)
        prices = [one, high, low, other] if chance.random() < 0.5 else [other, high, low, one]
        yield [opened, *prices, volume, opened + span * unit - 1, volume * low, 12, taken, taken * low, 0]


def text(rows):
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def run(run_job, tmp_path, rows, *options):
    (tmp_path / "a.csv").write_text(text(rows))
    return run_job("--window", "1", "--symbol", "X", *options, tmp_path / "a.csv")


@pytest.mark.parametrize("unit", [1, 1000, 10**6])
@pytest.mark.parametrize("span", [1, MINUTE, 86_400])
def test_candles_of_any_unit_and_length(run_job, tmp_path, unit, span):
    if unit == 1 and span == 1:
        return  # which open and close in one second
    rows = list(candles(unit=unit, span=span))
    ran = run(run_job, tmp_path, rows)
    assert ran.status == 0 and "no header: the columns are those of Binance's klines" in ran.err, ran.err
    assert [float(line.split(b"\t")[2]) for line in ran.lines] == [row[4] for row in rows]
    named = run(run_job, tmp_path, rows, "--columns", "open_time,open,high,low,close,volume,a,b,c,d,e,f")
    assert named.out == ran.out and "klines" not in named.err
    opens = run(run_job, tmp_path, rows, "--column", "open")
    assert [float(line.split(b"\t")[2]) for line in opens.lines] == [row[1] for row in rows]


def test_months_are_of_several_lengths(run_job, tmp_path):
    rows, begin = [], 1_672_531_200
    for days, row in zip((31, 28, 31, 30), candles(4), strict=True):
        rows.append([begin * 1000, *row[1:6], (begin + days * 86_400) * 1000 - 1, *row[7:]])
        begin += days * 86_400
    assert run(run_job, tmp_path, rows).status == 0


@pytest.mark.parametrize(("place", "change"), [
    (0, lambda row: row[0] + 1), (0, lambda row: row[6] + 1), (6, lambda row: row[0]), (6, lambda row: row[6] + 1),
    (1, lambda row: row[2] + 1), (4, lambda row: row[3] - 1), (3, lambda row: row[2] + 1), (3, lambda row: -row[3]),
    (8, lambda row: 1.5), (9, lambda row: row[5] + 1), (10, lambda row: row[7] + 1), (11, lambda row: 7),
    (2, lambda row: "n/a"), (5, lambda row: ""), (0, lambda row: row[0] // 1000),
])  # fmt: skip
@pytest.mark.parametrize("number", [0, 7, 19])
def test_one_row_of_another_kind_and_they_are_none(run_job, tmp_path, place, change, number):
    rows = list(candles())
    rows[number][place] = change(rows[number])
    ran = run(run_job, tmp_path, rows)
    assert ran.status == 1 and CURE in ran.err, ran.err


@pytest.mark.parametrize("width", [6, 11, 13])
def test_other_numbers_of_columns(run_job, tmp_path, width):
    rows = [[*row, 0][:width] for row in candles()]
    assert CURE in run(run_job, tmp_path, rows).err


def test_a_line_that_is_cut(run_job, tmp_path):
    (tmp_path / "a.csv").write_text(text(candles())[:-30])
    ran = run_job("--window", "1", "--symbol", "X", tmp_path / "a.csv")
    assert ran.status == 1 and "12 fields, as in the header, not 8" in ran.err
