"""A collector once a week: when a timer and a crontab start it, by systemd and by a cron of our own."""

import re
import subprocess
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.needs import require
from windrow import cli
from windrow.errors import UsageError
from windrow.market.schedule import Schedule

ARGUMENTS = ("--source", "generator", "--universe", "sp $HOME 100%.csv", "--to", "sqlite:///it's.db")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where the command is to run: its universe is there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ARGUMENTS[3]).write_text("symbol\nAAPL\n")


def made(**asked):
    return Schedule(("/usr/bin/windrow", "collect", *ARGUMENTS), "/data/it's 5%", **asked)


def moments_of_cron(line, machine, since, days):
    """When cron would run the line on a machine in that zone: its fields and its test, each minute of real time."""
    zone, form, value = re.match(r"\*/15 \* \* \* \* \[ \"\$\(TZ=(\S+) date \+(\S+)\)\" = (\d+) \]", line).groups()
    found = []
    for minute in range(days * 1440):
        now = since + timedelta(minutes=minute)
        if now.astimezone(ZoneInfo(machine)).minute % 15 == 0:
            there = now.astimezone(ZoneInfo(zone))
            if there.strftime(form.replace("\\%", "%")) == value:
                found.append(now)
    return found


@pytest.mark.parametrize("machine", ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_the_crontab_runs_every_7_days_whatever_the_machines_clock_does(machine):
    since = datetime(2026, 10, 20, tzinfo=UTC)  # clocks change in America and at Lord Howe's
    found = moments_of_cron(made().cron, machine, since, 35)
    assert found == [datetime(2026, 10, 26, tzinfo=UTC) + timedelta(days=7 * week) for week in range(5)]


@pytest.mark.needs("systemd")
def test_systemd_counts_the_timer_so_too(tmp_path):
    when = re.search("OnCalendar=(.*)", made().timer)[1]
    done = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=3", "--base-time=2026-10-24 00:00 UTC", when],
        capture_output=True, text=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    found = re.findall(r"(?:Next elapse|Iter\. #\d|\(in UTC\)): \w+ (\S+ \S+)", done.stdout)
    assert found[:1] == ["2026-10-26 00:00:00"] and "2026-11-02 00:00:00" in found and "2026-11-09 00:00:00" in found


def test_every_word_reaches_the_command_as_it_is(tmp_path):
    """Cron takes a backslash off before %, and the rest is the shell's."""
    assert not re.search(r"(?<!\\)%", made().cron)
    command = made().cron.replace("\\%", "%").split("&& ", 1)[1]
    shown = command.replace("/usr/bin/windrow", "printf '%s\\n'").replace("cd '/data/it'\"'\"'s 5%'", "cd /")
    done = subprocess.run(["sh", "-c", shown], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["collect", *ARGUMENTS]
    start = re.search("ExecStart=(.*)", made().service)[1]
    assert start.endswith('"sp $$HOME 100%%.csv" "--to" "sqlite:///it\'s.db"')
    assert "WorkingDirectory=/data/it's 5%%\n" in made().service


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"clock": "08:05"}, "--at 08:05: is not a quarter of an hour; give HH:00, HH:15"),
        ({"clock": "24:00"}, "--at 24:00: is not a quarter"),
        ({"timezone": "Asia/HK"}, "--timezone Asia/HK: is not a time zone of the IANA database; give one"),
        ({"timezone": "../etc/passwd"}, "is not a time zone"),
    ],
)
def test_a_schedule_that_is_none_is_refused(asked, told):
    with pytest.raises(UsageError, match=re.escape(told)):
        made(**asked)


def test_a_line_end_would_be_another_line_of_the_crontab():
    with pytest.raises(UsageError, match="has a control character, which no unit and no crontab takes"):
        Schedule(("windrow", "a\n* * * * * rm"), "/")


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Programs that write down how they are called, in place of the real ones; a crontab is a file."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")

    def add(name, text):
        (place / name).write_text(f"#!/bin/sh\n{text}\n")
        (place / name).chmod(0o755)

    add("systemctl", f'echo "$@" >> {tmp_path}/asked')
    shows = f"cat {tmp_path}/cron 2>/dev/null || {{ echo no crontab for me >&2; exit 1; }}"
    add("crontab", f'if [ "$1" = -l ]; then {shows}; else cat > {tmp_path}/cron; fi')
    return tmp_path, add


def test_a_timer_is_installed(fake, capsys):
    place, _ = fake
    assert cli.main(["collect", "schedule", "--install", "timer", "--every", "1d", "--", *ARGUMENTS]) == 0
    assert (place / "asked").read_text() == "--user daemon-reload\n--user enable --now windrow-collect.timer\n"
    units = place / ".config" / "systemd" / "user"
    assert "OnCalendar=*-*-* 08:00:00 Asia/Hong_Kong\n" in (units / "windrow-collect.timer").read_text()
    assert "collect" in (units / "windrow-collect.service").read_text()
    assert "loginctl enable-linger" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["timer", "crontab"])
def test_another_schedule_is_not_replaced_unasked(fake, capsys, kind):
    """A second one, of another table, took the first one's place without a word."""
    place, _ = fake
    kept = place / (".config/systemd/user/windrow-collect.service" if kind == "timer" else "cron")
    days = ["--", *ARGUMENTS[:4], "--interval", "1d", "--to", "sqlite:///days.db"]
    for _ in range(2):  # again the same is no other
        assert cli.main(["collect", "schedule", "--install", kind, "--", *ARGUMENTS]) == 0
    before, told = kept.read_text(), capsys.readouterr().out
    assert "replaced" not in told
    assert cli.main(["collect", "schedule", "--install", kind, *days]) == 1
    told = capsys.readouterr().err
    assert kept.read_text() == before
    assert "replace it by --force, or put what is printed without --install beside it, by another name" in told
    assert "s.db" in told and ("OnCalendar=Mon *-*-* 08:00:00" in told or "= 10800 ]" in told)
    assert cli.main(["collect", "schedule", "--install", kind, "--force", *days]) == 0
    assert "days.db" in kept.read_text() and "it's.db" not in kept.read_text()
    assert capsys.readouterr().out.startswith("replaced: ")


def test_a_line_of_crontab_is_installed_once(fake, capsys):
    place, _ = fake
    for at in ("08:00", "08:30"):
        asked = ["--install", "crontab", "--force", "--at", at, "--", *ARGUMENTS]
        assert cli.main(["collect", "schedule", *asked]) == 0
    assert (place / "cron").read_text().count("windrow.cli") == 1 and "= 10830 ]" in (place / "cron").read_text()
    (place / "cron").write_text("0 1 * * * mine\n")
    assert cli.main(["collect", "schedule", "--install", "crontab", "--", *ARGUMENTS]) == 0
    assert (place / "cron").read_text().startswith("0 1 * * * mine\n*/15 ")


def test_what_cannot_be_installed_says_what_to_do(fake, capsys, monkeypatch):
    place, add = fake
    add("systemctl", "echo Failed to connect to bus >&2; exit 1")
    assert cli.main(["collect", "schedule", "--install", "timer", "--", *ARGUMENTS]) == 1
    assert capsys.readouterr().err == (
        "error: systemctl --user daemon-reload: fails: Failed to connect to bus; copy what windrow collect schedule"
        " prints to where it belongs\n"
    )
    (place / "bin" / "crontab").unlink()
    monkeypatch.setenv("PATH", str(place / "bin"))
    assert cli.main(["collect", "schedule", "--install", "crontab", "--", *ARGUMENTS]) == 1
    assert "crontab: is not on this machine; copy what" in capsys.readouterr().err


def test_a_schedule_is_printed_and_says_how_each_counts(capsys):
    assert cli.main(["collect", "schedule", "--", *ARGUMENTS]) == 0
    out = capsys.readouterr().out
    assert "# systemd: every 7 days, on Mon at 08:00 by the clock of Asia/Hong_Kong, whatever this machine's is." in out
    assert "# */7 is not every 7 days: it is the 1st, 8th, 15th, 22nd and 29th, and then the 1st again." in out


def test_a_password_of_this_shell_would_not_be_there(capsys, monkeypatch):
    monkeypatch.setenv("WINDROW_SQL_PASSWORD", "s3cret")
    assert cli.main(["collect", "schedule", "--", *ARGUMENTS[:4], "--to", "mysql://me@h/d"]) == 2
    err = capsys.readouterr().err
    assert "WINDROW_SQL_PASSWORD is set in this shell, and neither a timer nor cron has it; name a file" in err
    assert "s3cret" not in err
    assert cli.main(["collect", "schedule", "--", *ARGUMENTS[:4], "--to", "mysql://me@h/d?config=my.cnf"]) == 0


def test_nothing_is_replaced_without_an_install(capsys):
    assert cli.main(["collect", "schedule", "--force", "--", *ARGUMENTS]) == 2
    told = "--force: replaces what --install installs, and without it nothing is; give both, or leave it out"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--quiet"], "--source: is missing"),
        (["--sorce", "x"], "No such option"),
        (["--source", "generator"], "--source generator: needs the symbols"),
        (["--source", "generator", "--source", "bars.csv"], "generator is collected alone"),
        (["--source", "generator", "--universe", "none.csv"], "--universe none.csv: cannot be read: No such file"),
        ([*ARGUMENTS[:4], "--interval", "7min"], "--interval 7min: bars are made of whole minutes"),
        ([*ARGUMENTS[:4], "--calendar", "NYSE2"], "--calendar NYSE2: is not an exchange"),
        ([*ARGUMENTS[:4], "--calendar", "-"], "--calendar -: made-up bars are in sessions"),
        ([*ARGUMENTS[:4], "--last", "7d", "--from", "2025-01-01"], "--last 7d: --from says when to begin"),
        (["--source", "yfinance", *ARGUMENTS[2:4], "--last", "31d"], "keeps bars of 1min no longer than 30 days"),
        (["--source", "yfinance", *ARGUMENTS[2:4], "--interval", "1d", "--from", "2025-01-01"],
         "--from 2025-01-01: every run would ask for all bars since, and Yahoo keeps most for some weeks alone"),
        (["--source", "none.csv"], "none.csv"),
        (["--source", "bars.csv", "--delimiter", "ab"], "--delimiter 'ab': is not one character"),
        (["--source", "bars.csv", "--universe", "sp.csv", "--symbols", "A"], "--symbols says whom to take"),
        (["--source", "bars.csv", "--universe", "none.csv"], "--universe none.csv: cannot be read: No such file"),
        (["--source", "bars.csv", "--max-bad", "2"], "--max-bad"),
        (["--source", "bars.csv", "--to", "bars.db"], "bars.db: names no database"),
    ],
)  # fmt: skip
def test_what_would_fail_at_its_first_run_is_not_scheduled(fake, capsys, given, told):
    """Each of them was installed."""
    if "yfinance" in given:
        require("yfinance")
    place, _ = fake
    (place / "bars.csv").write_text("symbol,timestamp,close\nA,2024-01-02,1\n")
    assert cli.main(["collect", "schedule", "--install", "timer", "--", *given]) in (1, 2)
    assert told in capsys.readouterr().err and not (place / ".config").exists()


def test_passwords_of_all_servers_would_not_be_there(capsys, monkeypatch):
    monkeypatch.setenv("WINDROW_SQL_PASSWORD", "s3cret")
    asked = ["collect", "schedule", "--", "--source", "postgresql://me@h/d?table=x", "--to", "sqlite:///x.db"]
    assert cli.main(asked) == 2
    told = "--source postgresql://me@h/d: WINDROW_SQL_PASSWORD is set in this shell, and neither a timer nor cron has"
    assert told in capsys.readouterr().err
    assert cli.main([*asked[:4], "postgresql://me@h/d?table=x&config=my.cnf"]) == 0
