"""`windrow report`: what it writes, what it takes, and what it refuses."""

import sys
from pathlib import Path

import pytest

from tests.pages.report.outputs import Outputs, bars_of
from windrow.cli import main
from windrow.pages.report import MOST_SYMBOLS


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
    """What was said as an error, without its end."""
    return capsys.readouterr().err.rstrip("\n")


def test_a_page_and_a_picture_are_written(place, capsys):
    assert main(["report", "backtest", "--bars", "bars.csv", "-o", "my.html"]) == 0
    assert capsys.readouterr().out == "wrote my.html\nwrote my.png\n"
    text = (place / "my.html").read_text()
    assert "<title>Backtest of ema:7 over ema:21</title>" in text and '"name":"AAC"' in text
    assert (place / "my.png").read_bytes().startswith(b"\x89PNG")


def test_bars_are_all_files_up_to_the_next_option(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr("windrow.pages.report.report", lambda *args: calls.append(args) or [Path("p.html")])
    args = ["report", "a", "b", "--bars", "x.csv", "y.csv", "-", "--symbol", "S", "--bars", "z.csv", "--symbol", "T"]
    assert main([*args, "--orders", "o", "--equity", "e", "-o", "p.html", "--force"]) == 0
    assert calls == [
        (
            ("a", "b"),
            ("x.csv", "y.csv", "-", "z.csv"),
            ("S", "T"),
            "o",
            "e",
            Path("p.html"),
            True,
        )
    ]
    assert capsys.readouterr().out == "wrote p.html\n"


def test_help_tells_what_to_give(capsys):
    assert main(["report", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Usage: windrow report [OPTIONS] OUTPUT...\n\n  Show a backtest, a sweep or both")
    for option in ("--bars FILE...", "--symbol TEXT", "--orders PATH", "--equity PATH", "-o, --out PATH", "--force"):
        assert option in text


@pytest.mark.parametrize("args", [[], ["backtest"], ["--bars", "bars.csv", "backtest"]])
def test_without_outputs_or_bars_an_example_is_given(place, capsys, args):
    assert main(["report", *args]) == 2
    assert words(capsys) == (
        "error: give OUTPUT first, then --bars FILE...: windrow report out/backtest --bars bars.csv"
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
    assert "2 of 3 symbols are on this page; windrow report --symbol chooses others." in text
    asked = ["--symbol", "AAC", "--symbol", "AAA", "--force"]
    assert main(["report", "backtest", "--bars", "bars.csv", *asked]) == 0
    text = (place / "report.html").read_text()
    assert text.index('"name":"AAC"') < text.index('"name":"AAA"') and '"name":"AAB"' not in text


def test_orders_and_equity_may_lie_elsewhere(place):
    for name in ("orders", "equity"):
        (place / "backtest" / f"part-00000-{name}").rename(place / name)
    assert main(["report", "backtest", "--bars", "bars.csv"]) == 0
    assert '"orders":null,"equity":null' in (place / "report.html").read_text()
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
            "none: does not exist; a report is of a directory; give what -o of a backtest or a sweep named",
        ),
        (
            ["backtest", "--symbol", "AAX"], 1,
            "backtest: holds no line of symbol AAX; nearest of its 3 symbols: AAC, AAB, AAA",
        ),
        (
            ["sweep"], 1,
            "bars.csv: has no bar of symbol AAD, of which the output tells; give the bars that the job read",
        ),
        (
            ["backtest", "--orders", "bars.csv"], 1,
            "bars.csv: CSV parse error: Expected 6 columns, got 1: symbol,timestamp,open,high,low,close; its lines hold"
            " SYMBOL, TIME, side, size, price and status, as backtest's --orders writes them, separated by tabs; give"
            " such a file, or leave it out",
        ),
        (
            ["backtest", "-o", "a.png"], 2,
            "-o a.png: the page's name must end in .html; the picture is named as it, .png",
        ),
        (["backtest", "-o", "no/a.html"], 1, "no/a.html: directory no does not exist: create it first"),
        (
            ["backtest", "backtest"], 2,
            "backtest backtest: both are of a backtest; a page tells of one backtest, one sweep, or one of each; make"
            " two pages",
        ),
    ],
)  # fmt: skip
def test_refusals(place, capsys, args, status, message):
    before = sorted(place.iterdir())
    assert main(["report", *args[:1], *args[1:], "--bars", "bars.csv"]) == status
    assert words(capsys) == f"error: {message}"
    assert sorted(place.iterdir()) == before


def test_other_bars_than_the_jobs_are_told_by_the_first_order(place, capsys):
    lines = (place / "bars.csv").read_text().splitlines(keepends=True)
    (place / "other.csv").write_text("".join(line for line in lines if "2024-01-04" not in line))
    assert main(["report", "backtest", "--bars", "other.csv"]) == 1
    assert words(capsys) == (
        "error: other.csv: has no bar of AAA at 2024-01-04, the time of an order; give the bars that the job read, all"
        " of them"
    )


def test_a_missing_package_says_how_to_install(place, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert main(["report", "backtest", "--bars", "bars.csv"]) == 1
    assert words(capsys) == (
        "error: a report's picture needs vl-convert-python, which is not installed: pip install 'windrow[plot]'"
    )
