"""What a forward test tells of itself: how it stands, its report, its archive."""

import json

import pytest

import windrow
from jobs.backtest import Backtest
from tests.pages.report.outputs import unpacked
from tests.paper.streams import PAIR, URI, asked_for, bars, csv, lived, record, split_stream
from tests.paper.test_kills import backtested
from windrow.cli import main
from windrow.paper.checkpoint import ORDERS
from windrow.paper.forward import write_output
from windrow.paper.loop import Paper
from windrow.paper.status import lines_of, standing
from windrow.storage.stream import Page

BEGAN = 1_577_880_000 * 10**9  # 2020-01-01T12:00:00Z
HOUR = 3600 * 10**9


@pytest.fixture
def told(tmp_path):
    """Takes records, a page, and tells how it stands an hour later; with other options by `more`."""

    def tell(*pages, more=PAIR, behind=0):
        what = asked_for(tmp_path / "s", *more)
        what.place.mkdir(exist_ok=True)
        paper = Paper(what, now=lambda: BEGAN)
        for number, records in enumerate(pages, 1):
            paper.take(Page("shard-0", records, str(number), 5, behind))
        return list(lines_of(standing(tmp_path / "s"), BEGAN + HOUR + 5))

    return tell


def rows(closes, symbol="AA"):
    """A record a day."""
    return [record((symbol, f"2020-01-{day:02d}", close, close)) for day, close in enumerate(closes, 1)]


def test_how_it_stands(told):
    # Above its mean of 3 at the third close, 12 > 11: 100 bought at the next open, 13; below it at the sixth.
    lines = told(
        [*rows([10, 11, 12, 13, 14, 9]), *rows([10, 11], "B B")], more=[*PAIR, "--size", "100"], behind=90 * 10**9
    )
    assert lines == [
        f"{URI}: close over sma:3, since 2020-01-01T12:00:00Z",
        "last taken 2020-01-01T12:00:00Z, 60 min ago; 90 s behind the stream's newest record",
        "8 records: 8 bars of 2 symbols, 0 repeats, 0 sent again with other prices, 0 late, 0 invalid, 0 not asked for,"
        " 0 about the table",
        "  symbol  last bar    held      equity  orders  refused  trades",
        "  AA      2020-01-06   100   99,600.00       1        0       1",
        "  B B     2020-01-02     0  100,000.00       0        0       0",
        "open: sell 200 of AA, placed at the close of 2020-01-06",
    ]


@pytest.mark.parametrize(
    ("closes", "more", "why"),
    [
        ([], PAIR, "no record has been taken; check the stream, and its ?from="),
        ([10, 11], PAIR, "AA has 2 bars, and close and sma:3 need more to begin"),
        ([10, 11, 12], PAIR, "the first orders are open"),
        ([12, 11, 10], [*PAIR, "--side", "long"], "close has not been above sma:3, and --side long waits for that"),
        ([10, 11, 12], [*PAIR, "--side", "short"], "close has not been below sma:3, and --side short waits for that"),
        ([10, 11, 12], [*PAIR, "--entry", "cross"], "close has not crossed sma:3 since both began, and --entry cross"),
        ([10, 11], [*PAIR, "--symbols", "BB"], "no record is a bar that is asked for; check --symbols, --from, --to"),
    ],
)  # fmt: skip
def test_why_there_is_no_trade_yet(told, closes, more, why):
    """paper/status.py:_why_no_bars paper/status.py:_why_no_order"""
    last = told(rows(closes), more=more)[-1]
    assert last.startswith(f"no trade yet: {why}")


def test_an_order_that_waits_for_a_price_is_open(told):
    # A buy met an open of 0, and at that close the price is below its mean.
    lines = told(rows([10, 11, 12, 0]), more=[*PAIR, "--size", "100"])
    assert lines[-2:] == [
        "open: sell 100 of AA, placed at the close of 2020-01-04", "no trade yet: the first orders are open"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "words"),
    [("all-in", "all cash"), ("50%", "50 % of the equity"), ("money:1500", "1,500 in money"), ("3", None)],
)
def test_an_open_order_says_what_decides_its_size(told, size, words):
    what = f"AA for {words}" if words else "3 of AA"
    assert f"open: buy {what}, placed at the close of 2020-01-03" in told(
        rows([10, 11, 12]), more=[*PAIR, "--size", size]
    )


def test_no_valid_bar_at_all(told):
    last = told(rows([10]), [b"no JSON"], more=[*PAIR, "--from", "2021-01-01"])[-1]
    assert last == "no trade yet: no record is a valid bar; see what windrow paper warned of"


def test_it_is_at_the_tip(told):
    assert told(rows([10]))[1].endswith("60 min ago; at the tip of the stream")


@pytest.fixture
def taken(tmp_path):
    """A forward test, and a backtest of the same bars."""
    orders, equity = backtested(tmp_path, bars(24))
    lived(split_stream(24), asked_for(tmp_path / "state"))
    return orders, equity


def test_its_output_is_that_of_a_backtest(taken, tmp_path):
    (tmp_path / "forward").mkdir()
    write_output(standing(tmp_path / "state"), tmp_path / "forward")
    both = [windrow.read_output(tmp_path / name) for name in ("out", "forward")]
    assert both[0].equals(both[1]) and len(both[0]) == 3
    for kind, lines in zip(("orders", "equity"), taken, strict=True):
        written = (tmp_path / "forward" / f"part-00000-{kind}").read_text().splitlines(keepends=True)
        assert sorted(written) == sorted(lines)
    described = [json.loads((tmp_path / name / "_windrow.json").read_text()) for name in ("out", "forward")]
    same = ("job", "columns", "format", "fast", "slow", "ema_seed", "rules")
    assert {name: described[0][name] for name in same} == {name: described[1][name] for name in same}


def shown(page):
    """What a page shows, by symbol."""
    text = page.read_text()
    begin = text.index('{"title"')
    return json.JSONDecoder().raw_decode(text[begin:])[0]


def test_its_report_is_that_of_a_backtest(taken, tmp_path, capsys):
    assert main(["paper", "report", str(tmp_path / "state"), "-o", str(tmp_path / "forward.html")]) == 0
    assert f"wrote {tmp_path / 'forward.html'}\n" in capsys.readouterr().out
    asked = ["report", str(tmp_path / "out"), "--bars", str(tmp_path / "bars.csv"), "-o", str(tmp_path / "back.html")]
    assert main(asked) == 0
    forward, back = (shown(tmp_path / name) for name in ("forward.html", "back.html"))
    assert forward["symbols"] == back["symbols"] and len(back["symbols"]) == 3 and unpacked
    assert main(["paper", "report", str(tmp_path / "state"), "-o", str(tmp_path / "forward.html")]) == 1
    assert "already exists" in capsys.readouterr().err
    assert main(["paper", "report", str(tmp_path / "state"), "--force", "-o", str(tmp_path / "forward.html")]) == 0


def test_its_report_has_the_sweep_beside_it(tmp_path, capsys):
    from jobs.sweep import Sweep

    (tmp_path / "bars.csv").write_text(csv(bars(24)))
    swept = ["--fast", "sma:1,2", "--slow", "sma:3,4", "--split", "0.7", "--best", "-q", "-o", str(tmp_path / "swept")]
    assert Sweep.main([*swept, str(tmp_path / "bars.csv")]) == 0
    lived(split_stream(24), asked_for(tmp_path / "state", "--best", str(tmp_path / "swept")))
    page = tmp_path / "forward.html"
    assert main(["paper", "report", str(tmp_path / "state"), str(tmp_path / "swept"), "-o", str(page)]) == 0
    assert all(symbol["figures"] and symbol["sweep"] for symbol in shown(page)["symbols"])


def test_its_report_has_a_backtest_beside_it(tmp_path, capsys):
    (tmp_path / "bars.csv").write_text(csv(bars(12)))
    rules = ["--fast", "sma:1", "--slow", "sma:3"]
    assert Backtest.main(["-q", *rules, "-o", str(tmp_path / "out"), str(tmp_path / "bars.csv")]) == 0
    lived(split_stream(24), asked_for(tmp_path / "state", *rules))
    page = tmp_path / "forward.html"
    assert main(["paper", "report", str(tmp_path / "state"), str(tmp_path / "out"), "-o", str(page)]) == 0
    found = shown(page)
    assert (found["title"], found["tested"]) == ("Forward test of sma:1 over sma:3", "Forward test")
    backtest = dict(line.split("\t") for line in (tmp_path / "out" / "part-00000").read_text().splitlines())
    for symbol in found["symbols"]:
        assert symbol["compared"] == json.loads(backtest[symbol["name"]])
        assert symbol["figures"]["final_value"] != symbol["compared"]["final_value"]
    twice = ["paper", "report", str(tmp_path / "state"), *[str(tmp_path / "out")] * 2, "-o", str(page), "--force"]
    assert main(twice) == 2 and "both are outputs of a backtest" in capsys.readouterr().err


def test_an_archive_has_all_of_it_and_another_begins(taken, tmp_path, capsys):
    state = tmp_path / "state"
    before = {one.name: one.read_bytes() for one in state.iterdir()}
    assert main(["paper", "reset", str(state)]) == 0
    out, err = capsys.readouterr()
    kept = tmp_path / out.strip().rpartition("/")[2]
    assert kept.name.startswith("state.20") and not state.exists() and err == f"archived {state} as {kept}\n"
    assert {one.name: one.read_bytes() for one in kept.iterdir() if one.name != "lock"} == {
        name: data for name, data in before.items() if name != "lock"
    }
    lived(split_stream(24), asked_for(state, "--fast", "sma:1", "--slow", "sma:4"))
    assert (state / ORDERS).read_bytes() != before[ORDERS]
