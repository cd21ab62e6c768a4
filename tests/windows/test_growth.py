"""A table's growth beside school arithmetic, lists and scipy; what is a step; tables that are no textbook's."""

from fractions import Fraction
from itertools import pairwise
from statistics import median

import numpy as np
import pytest
from scipy.stats import theilslopes

from windrow.errors import InputError, WindowSizeError
from windrow.times import DAY
from windrow.windows.growth import AHEAD, Growing, Growth, Since

Column = dict[str, np.ndarray]


def grown(days: object, sizes: object, files: object = None, how: Growing | None = None, cuts: object = ()) -> Column:
    """The columns of a table whose bars are pushed in pieces, cut at these positions."""
    how = how or Growing(limit=1e12, every=True)
    times, values = np.asarray(days) * DAY, np.asarray(sizes, float)
    counts = np.full(len(times), 10.0) if files is None else np.asarray(files, float)
    table, parts = Growth("a/eu/b.c", how), []
    bounds = [0, *cuts, len(times)]  # type: ignore[misc]
    for begin, end in pairwise(bounds):
        rows = slice(begin, end)
        parts.append(table.push(times[rows], values[rows], counts[rows], last=end == len(times)))
    return dict(zip(how.names, map(np.concatenate, zip(*parts, strict=True)), strict=True))


def taught(days: list[int], sizes: list[float], files: list[float], window: int, limit: float) -> Column:
    """The same by lists, a bar at a time, from all bars before it."""
    rows = []
    rates: list[float | None] = [None]
    stepped = [0.0]
    for i, day in enumerate(days):
        if i:
            change = sizes[i] - sizes[i - 1]
            rates.append(change / (day - days[i - 1]))
            near = [rates[j] for j in range(i) if days[j] > day - window]
            usual = [rate for rate in near if rate]
            large = change != 0 and abs(change) >= 0.1 * max(sizes[i], sizes[i - 1])
            if len(usual) >= 2:
                middle = median(usual)
                spread = max(1.4826 * median(abs(rate - middle) for rate in usual), abs(middle))
                large = large and abs(rates[i] - middle) > 3.5 * spread  # type: ignore[operator]
            again = change > 0 and any(stepped[j] > 0 for j in range(max(i - 6, 0), i) if days[j] > day - window)
            stepped.append(change if large and len(near) >= 7 and not again else 0.0)
        row: dict[str, float] = {"bytes": sizes[i], "files": files[i]}
        row["file_bytes"] = sizes[i] / files[i] if files[i] > 0 else np.nan
        for name, values in (("bytes", sizes), ("files", files)):
            known = [(days[j], values[j]) for j in range(i + 1) if not np.isnan(values[j])]
            for span in (7, 30):
                near_values = [Fraction(value) for other, value in known if other > day - span]
                full = bool(known) and known[-1][0] == day and day - known[0][0] >= span - 1
                row[f"{name}_{span}d"] = float(sum(near_values) / len(near_values)) if full else np.nan
        row["bytes_change"] = np.nan if rates[i] is None else rates[i]  # type: ignore[assignment]
        row["files_change"] = (files[i] - files[i - 1]) / (day - days[i - 1]) if i else np.nan
        row["step"] = stepped[i] or np.nan
        points = [j for j in range(i + 1) if days[j] > day - window and not any(stepped[j + 1 : i + 1])]
        if len(points) >= 7:
            x, y = [float(days[j] - day) for j in points], [sizes[j] for j in points]
            line = theilslopes(y, x)
            for end, slope in (("", line.slope), ("_low", line.low_slope), ("_high", line.high_slope)):
                row[f"slope{end}"] = slope
                for ahead in AHEAD:
                    there = median(y) + slope * (ahead - median(x))
                    row[f"bytes_in_{ahead}d{end}"] = max(there, 0.0)
            if sizes[i] >= limit:
                row["days_to_limit"] = 0.0
            elif line.slope > 0:
                row["days_to_limit"] = max((limit - line.intercept) / line.slope, 0.0)
        rows.append(row)
    return {name: np.array([row.get(name, np.nan) for row in rows]) for name in Growing(limit=1.0).names}


def history(seed: int) -> tuple[list[int], list[float], list[float]]:
    """A table of some kind: by day, by week, at rest, shrinking; with gaps, steps, and files that are not known."""
    random = np.random.default_rng(seed)
    bars = int(random.integers(1, 160))
    days = np.sort(random.choice(int(bars * random.choice([1, 1.1, 2])) + 1, bars, replace=False)) + 20_000
    changes = random.lognormal(14, 1) * random.random(bars)
    changes = np.where(random.random(bars) < random.choice([0.15, 0.8, 1]), changes, 0) * random.choice([-1, 1, 1, 1])
    sizes = np.maximum(random.choice([0, 1e6, 1e9, 1e13]) + changes.cumsum(), 0)
    for at in random.integers(0, bars, random.integers(0, 4)):
        sizes[at:] = sizes[at:] * random.choice([0, 0.3, 4])
    files = np.where(random.random(bars) < random.choice([0, 0.2]), np.nan, random.integers(0, 1000, bars))
    return days.tolist(), np.round(sizes).tolist(), files.tolist()


@pytest.mark.parametrize("seed", range(30))
def test_every_column_of_every_bar_is_that_of_school_arithmetic(seed: int) -> None:
    days, sizes, files = history(seed)
    window, limit = (90, 30, 180)[seed % 3], 1e9
    expected = taught(days, sizes, files, window, limit)
    found = grown(days, sizes, files, Growing(window * DAY, limit, every=True))
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_the_histories_have_steps_and_growth_by_the_week() -> None:
    histories = [history(seed) for seed in range(30)]
    steps = [np.isfinite(taught(*one, 90, 1e9)["step"]).sum() for one in histories]
    assert sum(count > 0 for count in steps) > 10 and sum(count == 0 for count in steps) > 10
    assert sum(len(one[0]) > 40 and np.count_nonzero(np.diff(one[1])) < len(one[0]) / 3 for one in histories) > 3


@pytest.mark.parametrize("seed", range(8))
def test_values_do_not_depend_on_where_pieces_end(seed: int) -> None:
    days, sizes, files = history(seed + 100)
    whole = grown(days, sizes, files)
    every = grown(days, sizes, files, cuts=range(1, len(days)))
    some = grown(days, sizes, files, cuts=[] if len(days) < 3 else [len(days) // 3, len(days) // 3 * 2])
    for name, values in whole.items():
        assert values.tobytes() == every[name].tobytes() == some[name].tobytes(), name


def test_only_the_last_bar_has_a_projection_and_it_is_the_one_of_every_day() -> None:
    days, sizes, files = history(7)
    every, last = grown(days, sizes, files), grown(days, sizes, files, Growing(limit=1e12))
    for name in Growing(limit=1e12).projected:
        assert np.isnan(last[name][:-1]).all() and last[name][-1] == every[name][-1]
    assert np.isfinite(last["slope"][-1])


def test_state_is_bounded_by_the_longest_window() -> None:
    table = Growth("a.b", Growing(30 * DAY, held_ns=60 * DAY))
    for begin in range(0, 2000, 50):
        days = np.arange(begin, begin + 50)
        table.push(days * DAY, 1e9 + days, days + 1.0, last=False)
        assert len(table._times) <= 60
        assert len(table._sizes) == len(table._files) == len(table._rates) == len(table._steps) == len(table._times)


# What is a step.


def steps(sizes: list[float], days: list[int] | None = None) -> list[tuple[int, float]]:
    found = grown(days or range(len(sizes)), sizes)["step"]
    return [(int(at), float(found[at])) for at in np.flatnonzero(~np.isnan(found))]


def test_growth_by_the_day_the_week_or_the_month_is_no_step() -> None:
    assert steps([1e9 * day for day in range(1, 200)]) == []
    assert steps([1e9 * (1 + day // 7) for day in range(200)])[2:] == []  # the first loads of a table at rest are
    assert steps([1e9 * 1.02**day for day in range(200)]) == []
    monthly = [1e9 * (1 + day // 30) for day in range(360)]
    assert [at for at, _ in steps(monthly)] == [30, 60]  # so are these


def test_noise_is_no_step_however_often_a_table_is_compacted() -> None:
    random = np.random.default_rng(2)
    assert steps([1e9 * (day + random.random()) for day in range(30, 200)]) == []
    assert steps([1e12 * (1 + day % 2) for day in range(20)] * 3)[3:] == []  # rewritten each day: that is its usual


def test_a_truncated_a_rewritten_and_a_first_loaded_table_have_steps() -> None:
    before = [1e9 * day for day in range(100, 150)]
    assert steps([*before, 0.0, 0.0]) == [(50, -149e9)]
    assert steps([*before, 60e9, 61e9]) == [(50, -89e9)]
    assert steps([*before, 450e9, 451e9]) == [(50, 301e9)]
    assert steps([0.0] * 10 + [5e12] * 10) == [(10, 5e12)]


@pytest.mark.parametrize(
    ("before", "change", "is_step"),
    [
        # By 1 a day: more than 3.5 times that away from it.
        (range(10, 21), 4.5, False), (range(10, 21), 4.6, True),
        # By -1 or 3, so 1 is the median, and 2 the distance from it: 3.5 times 1.4826 times 2 away is 10.3782.
        ([50 + day // 2 * 2 - day % 2 for day in range(21)], 11.3, False),
        ([50 + day // 2 * 2 - day % 2 for day in range(21)], 11.5, True),
        # At rest: a tenth of the larger size.
        ([100] * 10, 11, False), ([100] * 10, 12, True), ([100] * 10, -9.9, False), ([100] * 10, -10, True),
        # For less than a week.
        ([100] * 6, 50, False), ([100] * 7, 50, True),
    ],
)  # fmt: skip
def test_what_is_a_step_has_bounds(before: list[float], change: float, is_step: bool) -> None:
    found = steps([1e9 * size for size in [*before, before[-1] + change]])
    assert found == ([(len(before), pytest.approx(1e9 * change))] if is_step else [])


def test_a_table_that_runs_away_grows_but_for_a_step_a_week() -> None:
    sizes = [1e6 * 2**day for day in range(40)]
    assert {at % 7 for at, _ in steps(sizes)} == {0} and len(steps(sizes)) == 5
    table = Growth("a.b", Growing(held_ns=14 * DAY))
    table.push(np.arange(40) * DAY, np.array(sizes), np.ones(40), last=True)
    since = table.since(7 * DAY)
    assert since is not None and since.grown > 60 * since.size


def test_what_was_added_while_nobody_looked_is_growth() -> None:
    days = [*range(50), *range(90, 100)]
    assert steps([1e9 * (day + 10) for day in days], days) == []


def test_a_step_ends_the_past_that_a_projection_goes_on_from() -> None:
    sizes = [1e9 * day for day in range(100, 150)] + [20e9 + 2e9 * day for day in range(10)]
    found = grown(range(60), sizes)
    assert np.isfinite(found["slope"][49]) and np.isnan(found["slope"][50:56]).all()
    assert found["slope"][56:].tolist() == [2e9] * 4
    assert found["bytes_in_30d"][-1] == 20e9 + 2e9 * 39


# Tables that are no textbook's.


def test_a_table_of_one_day_has_its_size_and_no_more() -> None:
    found = grown([20_000], [5e12])
    assert {name for name, values in found.items() if np.isfinite(values[0])} == {"bytes", "files", "file_bytes"}


def test_a_constant_size_stays_and_never_reaches_a_limit() -> None:
    found = grown(range(100), [5e11] * 100)
    assert found["bytes_in_365d_low"][-1] == found["bytes_in_365d"][-1] == found["bytes_in_365d_high"][-1] == 5e11
    assert np.isnan(found["days_to_limit"][-1]) and found["slope"][-1] == 0


def test_a_table_without_bytes_is_a_table_and_its_files_have_a_mean_of_0() -> None:
    found = grown(range(10), [0.0] * 10, [3.0] * 9 + [0.0])
    assert found["bytes_in_365d"][-1] == 0 and found["bytes_change"][-1] == 0 and np.isnan(found["step"]).all()
    assert found["file_bytes"][0] == 0 and np.isnan(found["file_bytes"][-1])


def test_a_shrinking_table_ends_at_0_and_not_below() -> None:
    found = grown(range(100), [1e12 - 9e9 * day for day in range(100)])
    assert found["slope"][-1] == -9e9 and found["bytes_in_30d"][-1] == 0.0 == found["bytes_in_365d_high"][-1]
    assert not np.signbit(found["bytes_in_365d"][-1]) and np.isnan(found["days_to_limit"][-1])


def test_a_limit_is_reached_when_the_line_does_and_passed_once_the_size_is_there() -> None:
    sizes = [9e11 + 1e9 * day for day in range(120)]
    found = grown(range(120), sizes)["days_to_limit"]
    assert found[20] == 80 and found[99] == 1 and found[100:].tolist() == [0.0] * 20


def test_petabytes_are_sizes() -> None:
    sizes = [9e14 + 1e12 * day for day in range(90)]
    found = grown(range(90), sizes)
    assert found["bytes_in_365d"][-1] == 9e14 + 1e12 * (89 + 365) and found["bytes_7d"][-1] == 9e14 + 86e12


def test_growth_is_counted_from_the_last_bar_that_is_old_enough_and_without_steps() -> None:
    def since(span: int, days: list[int], sizes: list[float]) -> Since | None:
        table = Growth("a.b", Growing(held_ns=2 * span * DAY))
        table.push(np.array(days) * DAY, np.array(sizes), np.ones(len(days)), last=True)
        return table.since(span * DAY)

    assert since(7, list(range(20)), [100.0 + day for day in range(20)]) == Since(112, 7)
    assert since(7, [0, 5, 15], [100.0, 110.0, 180.0]) == Since(110, 70)  # ten days for want of one of seven
    assert since(7, [0, 15], [100.0, 180.0]) is None and since(7, [0], [1.0]) is None
    jumped = [100.0 + day for day in range(15)] + [900.0 + day for day in range(5)]
    assert since(7, list(range(20)), jumped) == Since(112, 6)


@pytest.mark.parametrize(("sizes", "files", "told"), [([1.0, -5.0], [1, 1], "-5 bytes"), ([1, 1], [1, -2], "-2 files")])
def test_sizes_below_0_are_refused_with_what_to_check(sizes: list[float], files: list[float], told: str) -> None:
    with pytest.raises(InputError, match=rf"a/eu/b.c at 1970-01-02: has {told}: .*; check that --column and --files-c"):
        grown([0, 1], sizes, files)


def test_bars_by_the_minute_are_too_many_for_a_trend() -> None:
    table, times = Growth("a.b", Growing()), np.arange(2000) * 60 * 10**9
    with pytest.raises(WindowSizeError, match="a trend of 2,000 points"):
        table.push(times, np.ones(2000), np.ones(2000), last=True)
