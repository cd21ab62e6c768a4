"""Indicators side by side, and which bars get a line."""

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.errors import UsageError
from windrow.windows import Options, parse_indicator
from windrow.windows.indicators import Indicators, Step, parse_step

DAY = 86_400_000_000_000
ALCOA = Path(__file__).parents[3] / "shared/data/yahoo_stock_AA_32_mini.csv"


def indicators(*texts: str, step: str | None = None, **options: object) -> Indicators:
    specs = [parse_indicator(text) for text in texts]
    return Indicators(specs, Options(**options), parse_step(step) if step else None)  # type: ignore[arg-type]


def lines_of(job: Indicators, days: list[int], starts: list[int]) -> list[int]:
    times = np.array(days, np.int64) * DAY
    index, _ = job.push(times, np.arange(len(days)) + 1.0, starts=np.array(starts, np.int64))
    return index.tolist()


def test_a_line_once_any_column_has_a_value() -> None:
    prices, starts = np.array([1.0, 5.0, 3.0, 4.0]), np.array([0])
    index, columns = indicators("sma:3", "max:2").push(np.arange(4), prices, starts=starts)
    assert index.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(columns[0], [np.nan, 3.0, 4.0])
    np.testing.assert_array_equal(columns[1], [5.0, 5.0, 4.0])


def test_every_third_bar_after_a_symbols_first_line() -> None:
    #  bar     0  1  2  3  4  5  6  7 | 8  9 10 11 12
    #  line       *        *        * |    *        *
    assert lines_of(indicators("sma:2", step="3"), list(range(13)), [0, 8]) == [1, 4, 7, 9, 12]


def test_a_step_in_time_has_no_grid() -> None:
    #  day     0  1  2  .  .  5  6  7  8 | 0  3  4
    #  line    *     *        *     *    | *  *        the first bar at least 2 days after the line before
    days = [0, 1, 2, 5, 6, 7, 8, 0, 3, 4]
    assert lines_of(indicators("sma:1", step="2d"), days, [0, 7]) == [0, 2, 3, 5, 7, 8]


def test_a_step_waits_for_a_value() -> None:
    #  day     0  1  2  3  .  .  .  7  8  9        sum:2d wants two bars: none at day 7
    #  line       *     *              *           day 5 is past, day 7 has no value, day 8 has
    job = indicators("sum:2d", step="2d", min_periods=2)
    assert lines_of(job, [0, 1, 2, 3, 7, 8, 9], [0]) == [1, 3, 5]


def test_a_step_in_time_fills_a_time_window_sooner() -> None:
    assert lines_of(indicators("sma:3d"), [0, 1, 2, 3, 4], [0]) == [3, 4]
    assert lines_of(indicators("sma:3d", step="1d"), [0, 1, 2, 3, 4], [0]) == [2, 3, 4]
    assert lines_of(indicators("sma:3d", step="1"), [0, 1, 2, 3, 4], [0]) == [3, 4]


def slow_lines(candidates: list[bool], clock: list[int], starts: list[int], distance: int) -> list[int]:
    chosen: list[int] = []
    for begin, end in pairwise([*starts, len(clock)]):
        last = None
        for i in range(begin, end):
            if candidates[i] and (last is None or clock[i] - last >= distance):
                last = clock[i]
                chosen.append(i)
    return chosen


Case = tuple[Step, Options, np.ndarray, np.ndarray, np.ndarray]
COLUMNS = [parse_indicator("sma:4d"), parse_indicator("max:3")]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A step, options, and times, values and starts of a few symbols with gaps of 1 to 5 days."""
    lengths = draw(st.lists(st.integers(1, 25), min_size=1, max_size=5))
    n = sum(lengths)
    days = np.cumsum(draw(st.lists(st.integers(1, 5), min_size=n, max_size=n)))
    step = parse_step(draw(st.sampled_from(["1", "2", "3", "40", "1d", "3d", "9w"])))
    options = Options(min_periods=draw(st.sampled_from([None, 2])), step_ns=step.span_ns)
    return step, options, days * DAY, np.arange(n) + 1.0, np.cumsum([0, *lengths[:-1]])


@settings(max_examples=200, deadline=None)
@given(cases(), st.data())
def test_lines_by_the_rule_in_any_blocks(case: Case, data: st.DataObject) -> None:
    step, options, times, values, starts = case
    whole = [column.kernel(options).push(times, values, starts) for column in COLUMNS]
    ordinals = np.arange(len(times)) - np.repeat(starts, np.diff(starts, append=len(times)))
    clock = times if step.span_ns else ordinals
    candidates = ~(np.isnan(whole[0]) & np.isnan(whole[1]))
    wanted = slow_lines(candidates.tolist(), clock.tolist(), starts.tolist(), step.span_ns or step.bars)

    job, index, columns = Indicators(COLUMNS, options, step), [], []
    cuts = data.draw(st.lists(st.integers(0, len(times)) | st.sampled_from(starts.tolist()), max_size=8))
    for begin, end in pairwise([0, *sorted(cuts), len(times)]):
        inside = starts[(starts >= begin) & (starts < end)] - begin
        lines, parts = job.push(times[begin:end], values[begin:end], starts=inside)
        index += (lines + begin).tolist()
        columns.append(parts)
    assert index == wanted
    for k, column in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([parts[k] for parts in columns]), column[wanted])


def test_a_step_may_pass_over_more_bars_than_a_window_holds() -> None:
    times = np.arange(1_500_000)
    index, _ = indicators("max:1", step="1s").push(times, np.ones(len(times)), starts=np.array([0]))
    assert index.tolist() == [0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", "--step 0: a step is 1 bar or more, or a duration; use e.g. 5 or 1d"),
        ("1.5", "duration '1.5': a duration is a whole number and a unit (s, min, h, d, w); give one, e.g. 30d"),
        (
            "0d",
            "duration '0d': a duration is longer than 0 and shorter than 2^63 ns (292 years); give one in that range",
        ),
    ],
)
def test_what_is_no_step(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_step(text)
    assert str(raised.value) == message


@pytest.mark.skipif(not ALCOA.exists(), reason="needs ../shared/data/yahoo_stock_AA_32_mini.csv, which is absent")
def test_the_figures_of_the_original_java_job() -> None:
    with ALCOA.open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["date"])
    times = np.array([row["date"] for row in rows], "datetime64[ns]").astype(np.int64)
    values = np.array([float(row["adj close"]) for row in rows])
    index, (averages,) = indicators("sma:30d", step="1d").push(times, values, starts=np.array([0]))
    assert [rows[i]["date"] for i in index] == ["2008-03-03", "2008-03-04", "2008-03-05"]
    wanted = np.array([33.529335, 34.529335, 35.396], np.float32)
    np.testing.assert_array_equal(averages.astype(np.float32), wanted)
