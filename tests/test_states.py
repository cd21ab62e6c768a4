"""The contract of what is resumed: restored at any bar, the bits of going on. What takes pushes is found by looking."""

import importlib
import itertools
import json
import pickle
import pkgutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import windrow.trading
import windrow.windows
from sort_keys.merge import Piece
from windrow.errors import StateError, UsageError
from windrow.states import VERSION, Part, Parts, Resumable
from windrow.trading.backtests import Backtests, Strategy
from windrow.trading.curves import Curve
from windrow.trading.rules import Rules
from windrow.trading.signals import NOT_FULL, Crosses, Pair, PriceKernel, Signals, parse_line, parse_pairs
from windrow.windows import Indicator, Options, kernels, parse_window
from windrow.windows.growth import Growing, Growth
from windrow.windows.indicators import Indicators, Step

pytestmark = pytest.mark.one_python

DAY = 86_400 * 10**9
BARS = 300
#: Of moving state to a new object: after each of so many bars.
EVERY = 7
#: What takes pushes and is no computation over bars that anything resumes, or carries nothing: counts of whole jobs
#: are counted anew, and `Whole` passes on what it gets.
PROTOCOLS = {"Kernel", "Sliceable", "LineKernel", "Whole"}


def bars(seed, zeros=False):
    """Times over two years, opens and closes in cents: ties, spikes, and on request suspensions (0)."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.integers(1, 5, BARS)) * DAY + np.datetime64("2018-12-20", "ns").astype(np.int64)
    closes = np.round(20 * np.exp(np.cumsum(rng.normal(0, 0.03, BARS))), 1)
    closes[rng.random(BARS) < 0.1] = 20.0
    closes[rng.integers(0, BARS, 3)] = 4000.0
    flat = rng.integers(0, BARS - 30)
    closes[flat : flat + 25] = closes[flat]
    opens = np.round(closes * (1 + rng.normal(0, 0.02, BARS)), 1)
    if zeros:
        for prices in (opens, closes):
            prices[rng.integers(0, BARS, 60)] = 0.0
    return times, opens, closes


def bits(value):
    """A value that is equal to another's only if all bits of its floats are."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, dict):
        return {name: bits(each) for name, each in value.items()}
    return [bits(each) for each in value] if isinstance(value, list | tuple) else value


def moved(before, new):
    """A new object that goes on where another was."""
    text = json.dumps(before.state(), allow_nan=False)
    new.restore(json.loads(text))
    assert bits(new.carried()) == bits(before.carried())
    return new


def _runs(one):
    return hasattr(one, "push") or issubclass(one, Resumable)


def classes(package):
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for one in vars(importlib.import_module(found.name)).values():
            if isinstance(one, type) and one.__module__ == found.name and _runs(one):
                yield one


FOUND = [one for package in (windrow.windows, windrow.trading) for one in classes(package)]


def test_whatever_takes_pushes_is_resumable():
    assert {"SMA", "EMA", "Indicators", "Signals", "Backtest", "Backtests", "Broker", "Value"} <= {
        one.__name__ for one in FOUND
    }
    assert [one.__name__ for one in FOUND if not issubclass(one, Resumable) and one.__name__ not in PROTOCOLS] == []


def fixed(thing, path=""):
    """By name, the pickled values of all attributes that are not carried, of an object and its parts."""
    own = vars(thing)
    parts = {name: kind for name, kind in thing.carries.items() if isinstance(kind, Part | Parts)}
    inner = [
        (f"{path}.{name}", each)
        for name, kind in parts.items()
        if own[name] is not None
        for each in (own[name] if isinstance(kind, Parts) else [own[name]])
    ]
    known = {id(each) for _, each in inner}
    found = {}
    for name, value in own.items():
        among = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        if name not in thing.carries and not callable(value) and not all(id(each) in known for each in among):
            found[f"{path}.{name}"] = pickle.dumps(value)
    for where, each in inner:
        found |= fixed(each, where)
    return found


def seen(thing):
    """The classes of an object and its parts."""
    parts = [getattr(thing, name) for name, kind in thing.carries.items() if isinstance(kind, Part | Parts)]
    flat = [each for part in parts if part is not None for each in (part if isinstance(part, list) else [part])]
    return {type(thing).__name__}.union(*map(seen, flat))


# Window kernels.

WINDOWS = ["1", "2", "5", "40", "1d", "9d", "120d"]
OPTIONS = [Options(), Options(min_periods=1), Options(ema_seed="first", ddof=0, step_ns=3 * DAY)]


def columns_for(names, opens, closes):
    """Columns of bars by their names, those that are neither opens nor closes made of the two."""
    made = {"open": opens, "close": closes, "high": np.maximum(opens, closes), "low": np.minimum(opens, closes)}
    made["volume"] = np.rint(1000 * opens)
    return [made[name] for name in names]


def possible():
    for kind, window, options in itertools.product(kernels(), WINDOWS, OPTIONS):
        indicator = Indicator(kind, parse_window(window))
        try:
            indicator.kernel(options)
        except UsageError:
            continue
        yield pytest.param(indicator, options, id=f"{indicator} {OPTIONS.index(options)}")


@pytest.mark.parametrize(("indicator", "options"), list(possible()))
def test_a_kernel_goes_on_from_its_state(indicator, options):
    times, opens, closes = bars(1)
    starts, columns = np.array([0, 150, 151]), columns_for(indicator.columns("close"), opens, closes)
    whole = indicator.kernel(options).push(times, *columns, starts=starts)
    kernel, found = indicator.kernel(options), []
    unmoved = fixed(kernel)
    for at in range(BARS):
        inside = starts[starts == at] - at
        found.append(kernel.push(times[at : at + 1], *(each[at : at + 1] for each in columns), starts=inside))
        assert fixed(kernel) == unmoved
        if at % EVERY == 0:
            kernel = moved(kernel, indicator.kernel(options))
            unmoved = fixed(kernel)
    assert bits(np.concatenate(found, axis=-1)) == bits(whole)


def test_a_kernel_that_skips_carries_what_it_skipped():
    from windrow.windows.kernel import Skipped

    kernel = Indicator("ema", parse_window("3")).kernel(Options())
    values = np.arange(1.0, 201)
    kernel.push(np.arange(200), values, np.array([0]))
    kernel.skip(np.array([300]), np.array([9.0]), Skipped(1, 199.0, 200.0, 200.0))
    again = moved(kernel, Indicator("ema", parse_window("3")).kernel(Options()))
    assert again._largest == 200.0


@pytest.mark.parametrize("step", [Step(), Step(bars=3), Step(span_ns=4 * DAY)])
def test_indicators_go_on_from_their_state(step):
    asked = [Indicator(kind, parse_window("5")) for kind in kernels()]
    times, opens, closes = bars(2)
    starts = np.array([0, 100])
    indicators, found = Indicators(asked, step=step), []
    values = columns_for(indicators.columns, opens, closes)
    index, columns = Indicators(asked, step=step).push(times, *values, starts=starts)
    for at in range(BARS):
        now = [each[at : at + 1] for each in values]
        got, its = indicators.push(times[at : at + 1], *now, starts=starts[starts == at] - at)
        found += [(at, [column[0] for column in its])] if len(got) else []
        if at % EVERY == 0:
            indicators = moved(indicators, Indicators(asked, step=step))
    assert [at for at, _ in found] == index.tolist()
    assert bits(np.array([row for _, row in found]).T.copy()) == bits(np.array(columns))


def test_signals_go_on_from_their_state():
    pairs = parse_pairs(["close", "ema:3", "close", "close"], ["sma:4", "sma:4", "max:2", "bollinger:5,1.upper"])
    times, _, values = bars(3)
    whole = Signals(pairs).push(times, values, starts=np.array([0, 200]))
    signals, found = Signals(pairs), []
    for at in range(BARS):
        starts = np.array([0] if at in (0, 200) else [], np.int64)
        got = signals.push(times[at : at + 1], values[at : at + 1], starts=starts)
        found.append(got._replace(positions=got.positions + at))
        if at % EVERY == 0:
            signals = moved(signals, Signals(pairs))
    assert len(whole.positions) > 50
    assert bits([np.concatenate(column) for column in zip(*found, strict=True)]) == bits(list(whole))


def test_growth_goes_on_from_its_state():
    """Over days that are missing, files that are not known, and a step."""
    rng = np.random.default_rng(11)
    times = np.cumsum(rng.integers(1, 4, BARS)) * DAY
    sizes = 1e12 + 1e9 * np.cumsum(rng.random(BARS)) + np.where(np.arange(BARS) > BARS - 20, 5e11, 0)
    files = np.where(rng.random(BARS) < 0.1, np.nan, np.arange(BARS) + 10.0)
    how = Growing(limit=3e12, every=True, held_ns=60 * DAY)
    whole = Growth("a.b", how)
    wanted = whole.push(times, sizes, files, last=True)
    growth, found = Growth("a.b", how), []
    unmoved = fixed(growth)
    for at in range(BARS):
        piece = slice(at, at + 1)
        found.append(growth.push(times[piece], sizes[piece], files[piece], last=at == BARS - 1))
        assert fixed(growth) == unmoved
        if at % EVERY == 0:
            growth = moved(growth, Growth("a.b", how))
            unmoved = fixed(growth)
    assert bits([np.concatenate(column) for column in zip(*found, strict=True)]) == bits(wanted)
    assert growth.since(30 * DAY) == whole.since(30 * DAY) and growth.stepped_within(80 * DAY)


# Backtests.

LINES = [("ema:7", "ema:21"), ("sma:5", "sma:20"), ("wma:3", "close"), ("min:5", "max:9"), ("sma:10d", "ema:4"),
         ("close", "bollinger:20,1.lower"), ("std:5", "sum:2")]  # fmt: skip
RULES = {
    "plain": {}, "shares": {"size": 100}, "at the close": {"fill": "close", "size": 100},
    "cross": {"entry": "cross"}, "half": {"size": "50%"},
    "money": {"size": "money:5000", "whole_shares": True}, "short": {"side": "short"},
    "long": {"side": "long"}, "costs": {"commission": 0.001, "slippage": 0.0005, "commission_per_order": 1.0},
    "no cash": {"cash": 2_500.0, "size": 100}, "stopped": {"stop_at_ruin": True, "cash": 3_000.0, "size": 100},
    "stopped at the close": {"stop_at_ruin": True, "cash": 3_000.0, "size": 100, "fill": "close"},
    "all of it": {"fill": "close", "entry": "cross", "size": "all-in", "side": "long", "commission": 0.002},
}  # fmt: skip
#: What follows the days of runs that hold shares or cash, never both.
SPAN_BY_SPAN = {"InvestedDays", "RunningSums", "SpanFalls", "SpanReturns"}


def result(test):
    """What there is to ask of a backtest."""
    counts = test.orders
    asked = [test.figures(dated=True), [counts.placed, counts.refused, counts.postponed, counts.refused_price]]
    return bits([*asked, list(test.open_orders()) if test.made_of()["traced"] else None])


def run(test, pieces, move=None):
    """Orders, values, and in the end what there is to ask."""
    orders, values = [], []
    for at, piece in enumerate(pieces):
        if trace := test.push(piece):
            orders += zip(*(column.tolist() for column in trace.orders), strict=True)
            values += trace.values[:, 0].tolist()
        if move and at % EVERY == 0:
            test = moved(test, move())
    return bits(orders), bits(values), result(test)


@pytest.mark.parametrize("lines", LINES, ids="/".join)
@pytest.mark.parametrize("rules", RULES)
def test_a_backtest_goes_on_from_its_state(rules, lines):
    strategy = Strategy(Pair(*map(parse_line, lines)), Rules(**RULES[rules]))
    times, opens, closes = bars(len(rules), zeros=LINES.index(lines) % 2 == 1)
    columns = {"close": closes, "open": opens}

    def piece(begin, end):
        return Piece(times[begin:end], [columns[name][begin:end] for name in strategy.columns])

    def new():
        return strategy.backtest(traced=lines != LINES[-1])

    assert run(new(), [piece(at, at + 1) for at in range(BARS)], new) == run(new(), [piece(0, BARS)])


@pytest.mark.parametrize("rules", [{}, {"fill": "close", "entry": "cross"}, {"stop_at_ruin": True, "cash": 3_000.0}])
def test_many_runs_side_by_side_go_on_from_their_state(rules):
    rng = np.random.default_rng(9)
    times, opens, closes = bars(4, zeros=True)
    trend = np.sign(np.cumsum(rng.integers(-1, 2, (BARS, 30)), axis=0)).astype(np.int8)
    trend[:20] = NOT_FULL
    made = {"rules": Rules(**rules), "runs": 30, "traced": True}
    whole = Backtests(**made)
    whole.push(times, opens, closes, trend)
    tests = Backtests(**made)
    for begin, end in pairwise([*range(0, BARS, EVERY), BARS]):
        cut = slice(begin, end)
        tests.push(times[cut], opens[cut], closes[cut], trend[cut])
        tests = moved(tests, Backtests(**made))
    assert bits(list(tests.figures())) == bits(list(whole.figures()))
    assert bits(list(tests.daily())) == bits(list(whole.daily()))


def test_a_curve_goes_on_from_its_state():
    times, _, closes = bars(3)
    whole, curve = Curve(50.0), Curve(50.0)
    whole.push(times, closes, closes)
    before = fixed(curve)
    for begin, end in pairwise([*range(0, BARS, EVERY), BARS]):
        cut = slice(begin, end)
        curve.push(times[cut], closes[cut], closes[cut])
        assert fixed(curve) == before
        curve = moved(curve, Curve(50.0))
    assert bits(curve.figures()) == bits(whole.figures())


@pytest.mark.parametrize("rules", RULES)
def test_nothing_changes_in_a_push_that_is_not_in_the_state(rules):
    classes = set()
    for lines, zeros, traced in itertools.product(LINES, (False, True), (False, True)):
        strategy = Strategy(Pair(*map(parse_line, lines)), Rules(**RULES[rules]))
        times, opens, closes = bars(5, zeros)
        columns = {"close": closes, "open": opens}
        test = strategy.backtest(traced)
        before = fixed(test)
        ends = [*range(1, 200), BARS] if zeros and traced else [1, 50, BARS]
        for begin, end in pairwise([0, *ends]):
            cut = slice(begin, end)
            test.push(Piece(times[cut], [columns[name][cut] for name in strategy.columns]))
            assert fixed(test) == before
        classes |= seen(test)
    unseen = {one.__name__ for one in FOUND} - classes - PROTOCOLS
    kernels_above = set().union(*(seen(one.values[0].kernel(one.values[1])) for one in possible()))
    bases = {"Declared", "Windowed", "Rolling", "Chained", "Days"}
    others = {"Indicators", "Signals", "Crosses", "Growth", "Curve"}
    others |= {"Daily"} if Rules(**RULES[rules]).all_or_nothing else SPAN_BY_SPAN
    assert unseen <= kernels_above | bases | others  # each has a test above


def test_a_part_that_a_state_alone_has_is_refused():
    tests = Backtests(Rules(), 1)
    carried = {**tests.state()["carried"], "_ledger": {}}
    with pytest.raises(StateError, match="_ledger is there in the state alone; it is damaged"):
        tests.restore({**tests.state(), "carried": carried})


def test_an_attribute_that_is_forgotten_is_found():
    class Forgetful(PriceKernel):
        def __init__(self):
            self.bars = 0

        def push(self, times, values, starts):
            self.bars += len(times)
            return values

    kernel = Forgetful()
    before = fixed(kernel)
    kernel.push(np.arange(3), np.ones(3), np.array([0]))
    assert fixed(kernel) != before


# What is refused.

STRATEGY = Strategy(Pair(parse_line("ema:3"), parse_line("sma:4")))


def state_of(strategy=STRATEGY, traced=True):
    times, opens, closes = bars(6)
    test = strategy.backtest(traced)
    test.push(Piece(times, [closes, opens]))
    return json.loads(json.dumps(test.state()))


def changed(state, path, value):
    """The state with another value at a place in it."""
    *parents, last = path.split(".")
    inner = state
    for name in parents:
        inner = inner[name]
    inner[last] = value
    return state


FLOATS = ["<f8", [1], "AAAAAAAA+D8="]


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("version", VERSION + 1, f"is of version {VERSION + 1}, and this windrow reads version {VERSION}; go on"),
        ("kind", "Backtests", "a state: is that of a 'Backtests', not of a Backtest; use that of a Backtest"),
        ("made_of.fast", "ema:4", "was made with fast 'ema:4', and this with fast 'ema:3': only the same can go"),
        ("made_of.cash", 7.0, "was made with cash 7.0, and this with cash 100000.0: only"),
        ("made_of.traced", False, "was made with traced False, and this with traced True: only"),
        ("made_of.margin", 2, "was made with margin 2, and this with margin none: only"),
        ("made_of", None, "was made with fast none, and this with fast 'ema:3': only"),
        ("carried", [], "has not the values _fast, _slow, _tests, _starts; it is damaged, or somebody wrote it;"),
        ("carried._tests._broker.cash", ["<f4", [1], "AAAAAA=="], "_broker.cash is of type '<f4' in place of <f8;"),
        ("carried._tests._broker.cash", ["<f8", [2], "AAAAAAAA+D8="], "cash has the shape [2] in place of [1]; it is"),
        ("carried._tests._broker.cash", ["<f8", [1], "AAAAAAAA+D8"], "cash is not in base64; it is damaged"),
        ("carried._tests._broker.cash", ["<f8", [1], "AAAA"], "cash has 3 bytes for 1 values of <f8; it is damaged"),
        ("carried._tests._broker.cash", "cash", "_tests._broker.cash is not an array; it is damaged"),
        ("carried._tests._broker._wanted", ["|i1", [1], "BQ=="], "_wanted has values that are not from -1 to 1; it is"),
        ("carried._tests._broker._retries", ["|b1", [1], "BQ=="], "_retries has other values than true and false; it"),
        ("carried._tests._equity.value.bars", True, "_equity.value.bars is not a whole number of 64 bits; it is"),
        ("carried._tests._equity.value.bars", 2**63, "_equity.value.bars is not a whole number of 64 bits; it is"),
        ("carried._tests._equity.value._closes", 1.5, "_closes is not a number as float.hex writes it; it"),
        ("carried._tests._equity.value._years", FLOATS, "_tests._equity.value._years is not an array; it is damaged"),
        ("carried._tests._ledger", None, "_tests._ledger is missing; it is damaged"),
        ("carried._slow._times", ["<i8", [1], "AAAAAAAA+D8="], "_slow._times and _values are no bars in order of"),
        ("carried._fast._unseeded", FLOATS, "_fast._unseeded has 1 bars, with which there is an average;"),
    ],
)  # fmt: skip
def test_another_state_or_a_damaged_one_is_refused(path, value, says):
    with pytest.raises(StateError, match=r"^a state") as told:
        STRATEGY.backtest(traced=True).restore(changed(state_of(), path, value))
    assert says in str(told.value)


def test_a_state_is_not_that_of_other_rules():
    other = replace(STRATEGY, rules=Rules(size=7))
    with pytest.raises(
        StateError, match=r"^a state of a Backtest: was made with size 'all-in', and this with size '7': "
    ):
        other.backtest(traced=True).restore(state_of())


@pytest.mark.parametrize("state", [None, [], {}, {"version": 1}, "state"])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(StateError, match=r"^a state: is no state, which has version, kind, made_of and carried"):
        STRATEGY.backtest().restore(state)


def test_too_many_bars_and_signs_that_are_none_are_refused():
    kernel = Indicator("sma", parse_window("3")).kernel(Options())
    big = Indicator("sma", parse_window("9")).kernel(Options())
    for one in (kernel, big):
        one.push(np.arange(20), np.ones(20), np.array([0]))
    with pytest.raises(StateError, match=r"_times has more bars than the 2 before a window's last; it is damaged"):
        kernel.restore({**kernel.state(), "carried": big.carried()})
    crosses = Crosses()
    with pytest.raises(StateError, match=r"^a state of a Crosses: _last is 7, which is no sign; it is damaged"):
        crosses.restore({**crosses.state(), "carried": {"_last": 7}})
    signals = Signals([Pair(parse_line("ema:3"), parse_line("sma:4"))])
    with pytest.raises(StateError, match=r"^a state of a Signals: _lines is not a list of 2; it is damaged"):
        signals.restore({**signals.state(), "carried": {"_crosses": [{"_last": 0}], "_lines": []}})
    with pytest.raises(StateError, match=r"^a state of a Signals: _crosses\._last is 7, which is no sign"):
        signals.restore({**signals.state(), "carried": {"_crosses": [{"_last": 7}], "_lines": []}})
