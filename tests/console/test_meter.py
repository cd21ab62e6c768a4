"""How far work is: drawn on a terminal for what lasts, exact at the end, and gone after that."""

import io
import os
import re
import time
from types import SimpleNamespace

import pytest

from windrow import console
from windrow.console import meter, say
from windrow.console.meter import BARS, SCREEN, Meter, going, progress, ticking


class Terminal(io.StringIO):
    """A terminal in memory."""

    is_one = True

    def isatty(self):
        return self.is_one

    def taken(self):
        """What was written since the last call."""
        written = self.getvalue()
        self.seek(0)
        self.truncate()
        return written


@pytest.fixture
def terminal(monkeypatch):
    """Standard error is a terminal, and progress is drawn at once."""
    terminal = Terminal()
    for module in (console, meter):  # between this fixture and its test pytest puts its own in place
        monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=terminal))
    monkeypatch.setattr(meter, "SHOWN_AFTER", 0.0)
    monkeypatch.setattr(meter, "_EVERY", 0.0)
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return terminal


@pytest.mark.parametrize(("is_terminal", "asked"), [(True, True), (False, True), (True, False)])
def test_it_is_shown_on_a_terminal_if_asked_for(terminal, capsys, is_terminal, asked):
    terminal.is_one = is_terminal
    with progress("writing bars", 10, asked) as report:
        report(10)
    written = terminal.taken()
    assert ("writing bars" in written and "100%" in written) == (is_terminal and asked)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_it_is_not_shown_to_who_asks_for_plain_text(terminal, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with going("reading") as show:
        show(0.5, "half of it")
    assert terminal.taken() == ""
    monkeypatch.setenv(name, "")
    with going("reading") as show:
        show(0.5, "half of it")
    assert "50%  half of it" in terminal.taken()


def test_short_work_is_not_shown(terminal, monkeypatch):
    monkeypatch.setattr(meter, "SHOWN_AFTER", 0.3)
    with progress("short", 10) as report:
        report(10)
    assert terminal.taken() == ""
    with progress("long", 10) as report:
        report(1)
        time.sleep(0.35)
        report(1)
    pictures = terminal.taken().split("\r")[1:]
    assert [re.sub(r"\[.*\]", "[]", one)[:19] for one in pictures[:-1]] == ["long []  20%  2 of "] * 2
    assert pictures[-1] == "\x1b[K"


def test_pictures_are_not_drawn_too_often(terminal, monkeypatch):
    monkeypatch.setattr(meter, "_EVERY", 3600.0)
    with progress("bars", 1000, unit="bars") as report:
        for _ in range(1000):
            report(1)
    first, last, cleared = terminal.taken().split("\r")[1:]
    assert " 0%  1 of 1,000 bars" in first and "100%  1,000 of 1,000 bars" in last and cleared == "\x1b[K"


def test_a_phase_that_has_ended_is_shown_as_it_was(terminal, monkeypatch):
    """How much there is to do was estimated; what was done is exact."""
    shown = Meter()
    shown.begin("map", BARS, 1100, about=True)
    shown.add(1000, 1000)
    shown.begin("reduce", BARS, 1000)
    shown.add(500, 500)
    shown.close()
    told = [re.sub(r" \[.*?\] ", " ", one).split("  ")[:3] for one in terminal.taken().split("\r")[1:-1]]
    assert [" ".join(parts[:3]).rpartition(" bars")[0] for parts in told] == [
        "map 90% 1,000", "map 100% 1,000", "reduce 50% 500 of 1,000", "reduce 50% 500 of 1,000",
    ]  # fmt: skip


def test_of_what_has_not_begun_nobody_knows_how_long_it_takes(terminal):
    shown = Meter()
    shown.begin("Spark", total=2)
    shown.at(0, "0 of 2 tasks")
    assert terminal.taken().endswith("  0%  0 of 2 tasks  0:00 elapsed\x1b[K")


def test_parts_of_bars_add_up(terminal):
    shown = Meter()
    shown.begin("reduce", "pairs x bars", 1250)
    for _ in range(3 * 25):
        shown.add(50 / 3, 100)
    assert "100%  7,500 pairs x bars" in terminal.taken().rpartition("reduce")[2]


def test_more_than_was_expected_has_no_share(terminal):
    shown = Meter()
    shown.begin("map", BARS, 100, about=True)
    shown.add(101, 101)
    assert re.match(r"\rmap  101 bars  \S+/s  0:00 elapsed\x1b\[K", terminal.taken())


def test_messages_are_lines_of_their_own(terminal):
    with going("working") as show:
        show(0.25, "a quarter")
        say("warning: heed this")
        show(0.5, "half")
    err = terminal.taken()
    assert "\r\x1b[Kwarning: heed this\n\rworking" in err and err.endswith("\r\x1b[K")


def test_texts_that_a_terminal_would_obey_are_escaped(terminal):
    with going("reading \x1b[2J") as show:
        show(0.5, "mysql://me:secret@host\n")
    err = terminal.taken()
    assert "\x1b[2J" not in err and "secret" not in err and "\n" not in err


def test_wide_letters_take_two_columns():
    picture = meter.Picture("読み込み中" * 20)
    assert len(picture.line(41)) == 20 and len(picture.line(40)) == 19


def test_the_clock_goes_on_while_nothing_is_heard(terminal, monkeypatch):
    monkeypatch.setattr(meter, "TICK", 0.01)
    shown = Meter()
    shown.begin("Hadoop", total=200)
    with ticking(shown):
        time.sleep(0.2)
    SCREEN.clear()
    assert terminal.taken().count("Hadoop") > 3


@pytest.mark.parametrize("is_behind", [True, False])
def test_in_the_background_nothing_is_drawn(terminal, monkeypatch, is_behind):
    monkeypatch.setattr(terminal, "fileno", lambda: 2, raising=False)
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + is_behind)
    with progress("bars", 10) as report:
        report(5)
        assert bool(terminal.taken()) != is_behind


def test_a_closed_terminal_is_no_error():
    reads, writes = os.pipe()
    os.close(reads)
    closed = os.fdopen(writes, "w")
    SCREEN.draw("nobody sees this", closed)
    SCREEN.clear()
    with pytest.raises(BrokenPipeError):
        closed.close()
