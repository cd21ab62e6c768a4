"""A forward test that is killed at every write, and again while it resumes: its orders are those of a backtest."""

from contextlib import suppress

import pytest

from jobs.backtest import Backtest
from tests.paper.streams import PAIR, SYMBOLS, FailingDisk, Killed, asked_for, bars, csv, lived, split_stream
from windrow.paper.checkpoint import BARS, EQUITY, ORDERS
from windrow.paper.loop import Paper

DAYS = 24


def backtested(folder, rows, *options):
    """The lines of orders and of equity that the job writes for these bars."""
    (folder / "bars.csv").write_text(csv(rows))
    asked = [*(options or PAIR), "--orders", "--equity", "-q", "-o", str(folder / "out"), str(folder / "bars.csv")]
    assert Backtest.main(asked) == 0
    found = ["".join(part.read_text() for part in (folder / "out").glob(f"*-{kind}")) for kind in ("orders", "equity")]
    return [lines.splitlines(keepends=True) for lines in found]


def by_symbol(lines, opened=()):
    """Each symbol's lines, those that are open last."""
    names = [symbol.replace("/", "%2F") for symbol in SYMBOLS] + list(SYMBOLS)
    return {name: [line for line in [*lines, *opened] if line.startswith(f"{name}\t")] for name in names}


def lines_in(path):
    return path.read_text().splitlines(keepends=True)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    return backtested(tmp_path_factory.mktemp("backtest"), bars(DAYS))


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_it_trades_as_a_backtest_does_whatever_comes_together(tmp_path, wanted, size):
    paper = lived(split_stream(DAYS, size), asked_for(tmp_path / "state"))
    assert paper.commit.over == ["shard-0", "shard-1", "shard-2"]
    orders, equity = wanted
    opened = [line for one in paper.commit.symbols.values() for line in _opened(one)]
    assert len(orders) > 20 and any("\topen\n" in line for line in orders)
    assert by_symbol(lines_in(tmp_path / "state" / ORDERS), opened) == by_symbol(orders)
    assert by_symbol(lines_in(tmp_path / "state" / EQUITY)) == by_symbol(equity)
    kept = lines_in(tmp_path / "state" / BARS)
    assert kept[0] == "symbol,timestamp,close,open\n"
    assert sorted(line.replace('"', "") for line in kept[1:]) == sorted(csv(bars(DAYS)).splitlines(keepends=True)[1:])
    assert {name: paper.commit.counts[name] for name in ("bars", "repeats", "late")} == {
        "bars": 3 * DAYS, "repeats": 7, "late": 4
    }  # fmt: skip


RULES = [
    ["--fill", "close"], ["--entry", "cross"], ["--size", "all-in", "--commission", "0.001"], ["--side", "long"],
    ["--cash", "5600", "--slippage", "0.002", "--commission-per-order", "1.5"], ["--column", "open"],
    ["--stop-at-ruin", "--cash", "6000", "--size", "110"], ["--from", "2020-01-06", "--to", "2020-01-20"],
    ["--symbols", "AA,BB"], ["--timezone", "America/New_York"], ["--where", "sym=AA"],
    ["--fast", "ema:2", "--slow", "sma:3d", "--ema-seed", "first"],
    ["--rename", "close=last,open=close", "--fill", "close"],
    ["--scale", "close=1e1,open=1e1"],
]  # fmt: skip


@pytest.mark.parametrize("rules", RULES, ids=" ".join)
def test_with_any_options_it_trades_as_a_backtest_does_resumed_after_each_page(tmp_path, rules):
    """The options of rules, of lines and of reading."""
    options = [*PAIR, *rules]
    options[1] = "open" if "--column" in rules else options[1]
    orders, equity = backtested(tmp_path, bars(DAYS), *options)
    source, what = split_stream(DAYS, 4), asked_for(tmp_path / "state", *options)
    what.place.mkdir()
    while True:
        paper = Paper(what)
        commit = paper.commit
        page = next(source.follow(what.stream, dict(commit.places), list(commit.over), what.manner), None)
        if page is None:
            break
        paper.take(page)
    opened = [line for one in commit.symbols.values() for line in _opened(one)]
    assert orders and by_symbol(lines_in(tmp_path / "state" / ORDERS), opened) == by_symbol(orders)
    assert by_symbol(lines_in(tmp_path / "state" / EQUITY)) == by_symbol(equity)


def _opened(fragment):
    import orjson

    return orjson.loads(orjson.dumps(fragment))["open"].splitlines(keepends=True)


@pytest.mark.streams  # it needs no server, but a minute
def test_killed_at_every_write_and_again_while_it_resumes(tmp_path):
    source = split_stream(DAYS, 10)
    counting = FailingDisk(0, 0)
    lived(source, asked_for(tmp_path / "whole"), counting)
    whole = {name: (tmp_path / "whole" / name).read_bytes() for name in (ORDERS, EQUITY, BARS)}
    lives = 0
    for at in range(1, counting.steps + 1):
        for share in (0.0, 0.5, 1.0):
            folder, shown, before = tmp_path / f"{at}-{share}", [], b""
            for one in (at, 1, 2, 3, 4, 0):
                what = asked_for(folder)
                with suppress(Killed):
                    lived(source, what, FailingDisk(one, share), shown)
                lives += 1
                read = (folder / ORDERS).read_bytes() if (folder / ORDERS).exists() else b""
                complete = read[: read.rfind(b"\n") + 1]
                assert complete.startswith(before), "an order was taken back"
                before = complete
            assert {name: (folder / name).read_bytes() for name in whole} == whole, (at, share)
            printed = b"".join(shown).splitlines()
            assert len(printed) == len(set(printed)) and set(printed) <= set(whole[ORDERS].splitlines())
    assert lives >= 600
