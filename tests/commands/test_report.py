"""`windrow report`: what it writes, what it takes, and what it refuses."""

import inspect
from pathlib import Path

import pytest

from tests.pages.report.outputs import Outputs, bars_of
from windrow.cli import main
from windrow.pages.report import MOST_SYMBOLS, report


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with bars.csv, and the directories of a backtest and a sweep."""
    monkeypatch.chdir(tmp_path)
    outputs = Outputs(Path())
    frame = bars_of(("AAA", "AAB", "AAC"))
    outputs.bars(frame)
    outputs.backtest(frame)
    lines = [(symbol, {"fast": 3, "slow": 8, "part": "all", "pnl": 1.0}) for symbol in ("AAB", "AAC", "AAD")]
    outputs.output("sweep", lines, fast="sma:3", slow="sma:8")
    return tmp_path


def words(capsys):
    """The error message, without its line end."""
    return capsys.readouterr().err.rstrip("\n")


def test_a_page_and_a_picture_are_written(place, capsys):
    assert main(["report", "backtest", "--bars", "bars.csv", "-o", "my.html"]) == 0
    assert capsys.readouterr().out == "wrote my.html\nwrote my.png\n"
    text = (place / "my.html").read_text()
    assert "<title>Backtest of ema:7 over ema:21</title>" in text and '"name":"AAC"' in text
    assert (place / "my.png").read_bytes().startswith(b"\x89PNG")


def test_bars_are_all_files_up_to_the_next_option(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(
        "windrow.pages.report.report", lambda *args, **options: calls.append((args, options)) or [Path("p.html")]
    )
    args = ["report", "a", "b", "--bars", "x.csv", "y.csv", "-", "--symbol", "S", "--bars", "z.csv", "--symbol", "T"]
    assert main([*args, "--orders", "o", "--trades", "t", "--equity", "e", "-o", "p.html", "--force"]) == 0
    assert calls == [
        (
            (("a", "b"), ("x.csv", "y.csv", "-", "z.csv")),
            {
                "symbols": ("S", "T"),
                "orders": "o",
                "trades": "t",
                "equity": "e",
                "out": Path("p.html"),
                "force": True,
            },
        )
    ]
    assert capsys.readouterr().out == "wrote p.html\n"


def test_help_says_what_to_give(capsys):
    assert main(["report", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(
        "Usage: windrow report [OPTIONS] OUTPUT... --bars FILE...\n\n  Show a backtest, a sweep or both"
    )
    paths = ("--orders PATH", "--trades PATH", "--equity PATH", "-o, --out PATH")
    for option in ("--bars FILE...", "--symbol TEXT", *paths, "--force"):
        assert option in text


@pytest.mark.parametrize("args", [[], ["backtest"], ["--bars", "bars.csv", "backtest"]])
def test_without_outputs_or_bars_an_example_is_given(place, capsys, args):
    assert main(["report", *args]) == 2
    assert words(capsys) == (
        "error: OUTPUT and --bars are required: OUTPUT comes first, e.g. windrow report out/backtest --bars bars.csv"
    )


def test_of_two_outputs_the_symbols_of_both_are_shown(place):
    assert main(["report", "sweep", "backtest", "--bars", "bars.csv"]) == 0
    text = (place / "report.html").read_text()
    assert [name for name in ("AAA", "AAB", "AAC", "AAD") if f'"name":"{name}"' in text] == ["AAB", "AAC"]


def test_symbols_are_the_first_by_name_or_those_asked_for(place, monkeypatch):
    assert MOST_SYMBOLS == 8
    monkeypatch.setattr("windrow.pages.report.MOST_SYMBOLS", 2)
    assert main(["report", "backtest", "--bars", "bars.csv"]) == 0
    text = (place / "report.html").read_text()
    assert '"name":"AAB"' in text and '"name":"AAC"' not in text
    assert "2 of 3 symbols are on this page; choose others with windrow report --symbol." in text
    asked = ["--symbol", "AAC", "--symbol", "AAA", "--force"]
    assert main(["report", "backtest", "--bars", "bars.csv", *asked]) == 0
    text = (place / "report.html").read_text()
    assert text.index('"name":"AAC"') < text.index('"name":"AAA"') and '"name":"AAB"' not in text


def test_orders_and_equity_may_be_elsewhere(place):
    for name in ("orders", "equity"):
        (place / "backtest" / f"part-00000-{name}").rename(place / name)
    assert main(["report", "backtest", "--bars", "bars.csv"]) == 0
    assert '"panes":[]' in (place / "report.html").read_text()
    more = ["--orders", "orders", "--equity", "equity", "--force"]
    assert main(["report", "backtest", "--bars", "bars.csv", *more]) == 0
    assert '"orders":null' not in (place / "report.html").read_text()


@pytest.mark.parametrize("taken", ["report.html", "report.png"])
def test_an_existing_page_or_picture_is_kept(place, capsys, taken):
    (place / taken).write_text("mine")
    before = sorted(place.iterdir())
    assert main(["report", "backtest", "--bars", "bars.csv"]) == 1
    assert words(capsys) == f"error: {taken}: already exists: choose another name, or replace it with --force"
    assert (sorted(place.iterdir()), (place / taken).read_text()) == (before, "mine")
    assert main(["report", "backtest", "--bars", "bars.csv", "--force"]) == 0
    assert (place / taken).stat().st_size > 10_000


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (
            ["none"], 1,
            "none: does not exist: a report reads a directory; use the one given to backtest -o or sweep -o",
        ),
        (
            ["backtest", "--symbol", "AAX"], 1,
            "backtest: has no row of symbol AAX: it has 3 symbols; the nearest are AAC, AAB, AAA",
        ),
        (
            ["sweep"], 1,
            "bars.csv: has no bar of symbol AAD, which the output has: pages need the bars that the job read; use"
            " those",
        ),
        (
            ["backtest", "--orders", "bars.csv"], 1,
            "bars.csv: CSV parse error: Expected 6 columns, got 1: symbol,timestamp,open,high,low,close: its lines are"
            " SYMBOL, TIME, side, size, price and status, as written by backtest --orders, separated by tabs; use such"
            " a file, or leave it out",
        ),
        (
            ["backtest", "-o", "a.png"], 2,
            "-o a.png: is not the name of a page: a page's name ends in .html; use a.html",
        ),
        (["backtest", "-o", "no/a.html"], 1, "no/a.html: directory no does not exist: create it first"),
        (
            ["backtest", "backtest"], 2,
            "backtest backtest: both are outputs of a backtest: a report takes one backtest, one sweep, or one of each;"
            " write two reports",
        ),
    ],
)  # fmt: skip
def test_refusals(place, capsys, args, status, message):
    before = sorted(place.iterdir())
    assert main(["report", *args[:1], *args[1:], "--bars", "bars.csv"]) == status
    assert words(capsys) == f"error: {message}"
    assert sorted(place.iterdir()) == before


def test_other_bars_than_the_jobs_are_refused_at_the_first_order(place, capsys):
    lines = (place / "bars.csv").read_text().splitlines(keepends=True)
    (place / "other.csv").write_text("".join(line for line in lines if "2024-01-04" not in line))
    assert main(["report", "backtest", "--bars", "other.csv"]) == 1
    assert words(capsys) == (
        "error: other.csv: has no bar of AAA at 2024-01-04, the time of an order: pages need the bars that the job"
        " read, all of them; use those"
    )


def test_the_function_is_typed_and_takes_one_path_or_several(place):
    signature = inspect.signature(report)
    beside = ["orders", "trades", "equity"]
    assert list(signature.parameters) == ["outputs", "bars", "symbols", *beside, "out", "force"]
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in signature.parameters.values())
    written = report("backtest", Path("bars.csv"), symbols="AAB", out="one.html")
    assert written == [Path("one.html"), Path("one.png")]
    assert '"name":"AAB"' in written[0].read_text() and '"name":"AAA"' not in written[0].read_text()


@pytest.mark.parametrize("command", ["plot", "report"])
@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help_keeps_to_the_terminals_width(capsys, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([command, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= min(columns, 100)
    assert max(map(len, lines)) > 50
