"""Following the cure of each error of `windrow collect` leads to bars that are right.

Followed here: commands/collect.py:collect, commands/collect.py:_checked, commands/collect.py:_refuse_unused,
commands/collect.py:_of_source, commands/collect.py:_of_inputs, commands/collect.py:collecting,
commands/collect.py:_read, commands/collect.py:_span, commands/collect.py:schedule,
commands/collect.py:_check_scheduled,
market/schedule.py:__post_init__, market/schedule.py:refuse_password, market/schedule.py:install_timer,
market/schedule.py:install_cron, market/generated.py:__post_init__,
market/universe.py:symbols_of, market/yahoo.py:__post_init__, market/yahoo.py:_answers, market/yahoo.py:_yfinance,
market/yahoo.py:refuse_names,
market/collector.py:_refuse_empty, market/collector.py:_told_revised.
In tests/commands/test_collect.py: market/filed.py:filed, market/loads.py:target_of.
"""

import sqlite3
import sys

import pytest

from tests.commands.test_collect import MADE, SAMPLE, collected, place, rows  # noqa: F401  fixtures
from tests.market.test_collector import FRIDAY_END
from tests.market.test_yahoo import Answer, source, yahoos  # noqa: F401  fixtures
from windrow import cli
from windrow.market import yahoo
from windrow.times import DAY

GENERATOR = ("--source", "generator")
YAHOO = ("--source", "yfinance")
WEEKLY = (*GENERATOR, "--universe", "sp.csv")
ONE = "symbol,timestamp,sold\nAAA,2020-01-01,1\nBBB,2020-01-01,2\n"


@pytest.mark.parametrize(
    ("wrong", "told", "cured", "bars"),
    [
        ((), "give yfinance, generator, or an input, e.g. --source bars.csv", ("--source", SAMPLE), 1250),
        ((*GENERATOR, "--source", SAMPLE), "run it once for each source", ("--source", SAMPLE), 1250),
        (GENERATOR, "name a file with a column symbol by --universe FILE", (*MADE, "--last", "5d"), 2760),
        ((*MADE, "--last", "5d", "--encoding", "cp1252"), "leave it out", (*MADE, "--last", "5d"), 2760),
        (("--source", SAMPLE, "--last", "5d"), "or choose bars of inputs by --from and --until",
         ("--source", SAMPLE, "--from", "2023-01-03", "--until", "2023-01-03"), 5),
        ((*GENERATOR, "--symbols", "AAA"), "name whom to collect by --universe FILE",
         (*MADE, "--last", "5d"), 2760),
        ((*MADE, "--last", "5d", "--calendar", "-"), "name an exchange, e.g. XNYS",
         (*MADE, "--last", "5d", "--calendar", "XNYS"), 2760),
        ((*MADE, "--last", "7d", "--from", "2025-11-24"), "leave one of them out",
         (*MADE, "--from", "2025-11-24"), 2760),
        ((*GENERATOR, "--universe", "sp.csv", "--from", "2200-01-01"), "give an earlier time",
         (*MADE, "--from", "2025-11-24"), 2760),
        ((*MADE, "--from", "2025-11-30"), "--until is not before --from", (*MADE, "--from", "2025-11-24"), 2760),
        ((*MADE, "--last", "5d", "--interval", "7min"), "give e.g. 1min, 5min, 1h or 1d",
         (*MADE, "--last", "5d", "--interval", "1h"), 2 * (3 * 7 + 4)),
        ((*MADE, "--universe", "names.csv", "--last", "5d"), "name one of them symbol in its first line",
         (*MADE, "--last", "5d"), 2760),
        (("--source", "one.csv"), "call one so by --rename OLD=close",
         ("--source", "one.csv", "--rename", "sold=close"), 2),
        (("--source", "one.csv", "--rename", "sold=close", "--from", "2021-01-01"), "check --from, --until, --symbols",
         ("--source", "one.csv", "--rename", "sold=close", "--from", "2020-01-01"), 2),
        (("--source", "one.csv", "--rename", "sold=close", "--universe", "sp.csv", "--symbols", "AAA"),
         "leave one of them out", ("--source", "one.csv", "--rename", "sold=close", "--symbols", "AAA"), 1),
        (("--source", SAMPLE, "--calendar", "XNYS"), "give --interval 1d",
         ("--source", SAMPLE, "--calendar", "XNYS", "--interval", "1d"), 1250),
        ((*MADE[:-1], "2025-11-30", "--last", "1d"), "ask for other times by --last, or --from and --until",
         (*MADE[:-1], "2025-11-30", "--last", "7d"), 2760),
    ],
)  # fmt: skip
def test_following_a_cure_leads_to_the_bars(place, capsys, wrong, told, cured, bars):  # noqa: F811
    (place / "one.csv").write_text(ONE)
    (place / "names.csv").write_text("company\nA\n")
    assert collected(*wrong) in (1, 2)
    assert told in capsys.readouterr().err
    assert collected(*cured) == 0 and len(rows()) == bars


@pytest.mark.parametrize(
    ("wrong", "told", "cured"),
    [
        (("--last", "60d"), "ask for less, or for a longer --interval", ("--last", "12d")),
        (("--last", "60d"), "ask for less, or for a longer --interval", ("--last", "60d", "--interval", "1d")),
        (("--last", "12d", "--interval", "3min"), "give one of 1min, 2min, 5min",
         ("--last", "12d", "--interval", "1min")),
    ],
)  # fmt: skip
def test_cures_of_what_yahoo_has_not(place, capsys, yahoos, monkeypatch, wrong, told, cured):  # noqa: F811
    (place / "sp.csv").write_text("symbol\nAAPL\n")
    monkeypatch.setattr(yahoo, "PACE", 0.0)
    monkeypatch.setattr("windrow.commands.collect.time.time_ns", lambda: FRIDAY_END + 5 * DAY)
    assert collected(*YAHOO, "--universe", "sp.csv", *wrong) == 2
    assert told in capsys.readouterr().err
    assert collected(*YAHOO, "--universe", "sp.csv", *cured) == 0
    assert len(rows()) == (5 if "1d" in cured else 1379)
    assert all(row[5] > 0 and row[6] > 0 for row in rows())


@pytest.mark.parametrize(
    ("wrong", "told", "cured"),
    [
        ("BRK.B\nBRK-B", "leave one of them out", "BRK.B"),
        ("BRK/B", "write it as Yahoo does, or leave it out", "BRK-B"),
        ("BRK/B\nAAPL", "write it as Yahoo does, or leave it out", "AAPL"),
    ],
)
def test_cures_of_a_universe_for_yahoo(place, capsys, yahoos, monkeypatch, wrong, told, cured):  # noqa: F811
    monkeypatch.setattr(yahoo, "PACE", 0.0)
    monkeypatch.setattr("windrow.commands.collect.time.time_ns", lambda: FRIDAY_END + 5 * DAY)
    (place / "sp.csv").write_text(f"symbol\n{wrong}\n")
    assert collected(*YAHOO, "--universe", "sp.csv", "--last", "12d") == 1
    assert told in capsys.readouterr().err
    (place / "sp.csv").write_text(f"symbol\n{cured}\n")
    assert collected(*YAHOO, "--universe", "sp.csv", "--last", "12d") == 0
    assert len(rows()) == 1379 and {row[0] for row in rows()} == {cured}


def test_cure_of_times_that_yahoo_refuses(place, capsys, yahoos, monkeypatch):  # noqa: F811
    words = {"code": "Unprocessable Entity", "description": "1m data not available for startTime=1"}
    yahoos.failing = [Answer({"chart": {"result": None, "error": words}}, 422)] * 2
    (place / "sp.csv").write_text("symbol\nAAPL\n")
    monkeypatch.setattr(yahoo, "PACE", 0.0)
    monkeypatch.setattr("windrow.commands.collect.time.time_ns", lambda: FRIDAY_END + 5 * DAY)
    assert collected(*YAHOO, "--universe", "sp.csv", "--last", "20d") == 1
    assert "ask for other times by --last, or --from" in capsys.readouterr().err
    assert collected(*YAHOO, "--universe", "sp.csv", "--last", "12d") == 0 and len(rows()) == 1379


def test_cure_of_yfinance_that_is_absent(place, capsys, monkeypatch):  # noqa: F811
    """The package itself comes from an index."""
    monkeypatch.setitem(sys.modules, "yfinance", None)
    assert collected(*YAHOO, "--universe", "sp.csv") == 2
    assert "pip install 'windrow[market]'" in capsys.readouterr().err


def test_cure_of_bars_on_an_old_scale(place, capsys):  # noqa: F811
    """After a split the days before are collected again by --from, and all are on one scale."""
    header = "symbol,timestamp,close\n"
    days = [f"2024-01-{day:02}" for day in range(1, 9)]
    (place / "old.csv").write_text(header + "".join(f"A,{day},400\n" for day in days))
    (place / "new.csv").write_text(header + "".join(f"A,{day},100\n" for day in days))
    assert collected("--source", "old.csv") == 0
    assert collected("--source", "new.csv", "--from", "2024-01-05") == 0
    told = "by the factor 0.25: a split? Bars before 2024-01-05T00:00:00Z are on the old scale; collect them again"
    assert told in capsys.readouterr().out
    assert collected("--source", "new.csv", "--from", "2024-01-01") == 0
    assert {row[5] for row in rows()} == {100.0}


@pytest.mark.parametrize(
    ("wrong", "told", "cured"),
    [
        (["--at", "08:05", "--", *WEEKLY], "give HH:00, HH:15, HH:30 or HH:45", ["--at", "08:15", "--", *WEEKLY]),
        (["--every", "1d", "--on", "Mon", "--", *WEEKLY], "leave one of them out", ["--on", "Mon", "--", *WEEKLY]),
        (["--timezone", "HK", "--", *WEEKLY], "give one, e.g. Asia/Hong_Kong",
         ["--timezone", "Asia/Hong_Kong", "--", *WEEKLY]),
        (["--", "--quiet"], "--source: is missing; give yfinance, generator, or an input", ["--", *WEEKLY]),
        (["--", *MADE], "every run would collect up to there; leave it out", ["--", *WEEKLY]),
        (["--", *YAHOO, *WEEKLY[2:], "--interval", "1d", "--from", "2025-01-01"],
         "leave it out, and each run goes on where the one before ended",
         ["--", *YAHOO, *WEEKLY[2:]]),
        (["--", *WEEKLY, "schedule"], "have schedule, which is no option; give those of windrow collect after two",
         ["--", *WEEKLY]),
        (["--", *YAHOO], "name a file with a column symbol by --universe", ["--", *YAHOO, *WEEKLY[2:]]),
        (["--", *WEEKLY, "--last", "7x"], "7x", ["--", *WEEKLY, "--last", "7d"]),
        (["--", *WEEKLY, "--encoding", "cp1252"], "leave it out", ["--", *WEEKLY]),
        (["--", *YAHOO, *WEEKLY[2:], "--to", "mysql://me@h/d"], "name a file of options in the URI, by ?config=FILE",
         ["--", *YAHOO, *WEEKLY[2:], "--to", "mysql://me@h/d?config=my.cnf"]),
    ],
)  # fmt: skip
def test_cures_of_a_schedule(place, capsys, monkeypatch, wrong, told, cured):  # noqa: F811
    monkeypatch.setenv("WINDROW_SQL_PASSWORD", "s3cret")
    assert cli.main(["collect", "schedule", *map(str, wrong)]) == 2
    assert told in capsys.readouterr().err
    assert cli.main(["collect", "schedule", *map(str, cured)]) == 0
    assert (
        f'*/15 * * * * [ "$(TZ=Asia/Hong_Kong date +\\%u\\%H\\%M)" = 1{"0815" if "08:15" in cured else "0800"} ]'
        in (capsys.readouterr().out)
    )


def test_cure_of_a_schedule_that_is_there(place, monkeypatch, capsys):  # noqa: F811
    folder = place / "bin"
    folder.mkdir()
    (folder / "systemctl").write_text("#!/bin/sh\n")
    (folder / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(place))
    assert cli.main(["collect", "schedule", "--install", "timer", "--", *WEEKLY]) == 0
    timer = place / ".config/systemd/user/windrow-collect.timer"
    asked = ["collect", "schedule", "--at", "09:00", "--", *WEEKLY]
    assert cli.main([*asked[:2], "--install", "timer", *asked[2:]]) == 1
    assert "replace it by --force, or put what is printed without --install beside it" in capsys.readouterr().err
    assert cli.main(asked) == 0 and "08:00:00" in timer.read_text()  # what is printed, and replaces nothing
    assert cli.main([*asked[:2], "--force", *asked[2:]]) == 2
    assert "give both, or leave it out" in capsys.readouterr().err
    assert cli.main([*asked[:2], "--install", "timer", "--force", *asked[2:]]) == 0 and "09:00:00" in timer.read_text()


def test_options_before_schedule(place, capsys):  # noqa: F811
    """They were dropped without a word."""
    assert cli.main(["collect", "--to", "sqlite:///x.db", "schedule", "--", *WEEKLY]) == 2
    assert "--to: stands before schedule, which would not obey it; put it after --" in capsys.readouterr().err
    assert cli.main(["collect", "schedule", "--", *WEEKLY, "--to", "sqlite:///x.db"]) == 0


def test_the_database_is_one_of_sqlite(place):  # noqa: F811
    assert collected(*MADE, "--last", "5d") == 0
    assert sqlite3.connect("bars.db").execute("PRAGMA integrity_check").fetchall() == [("ok",)]
