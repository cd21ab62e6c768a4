"""Progress bars: on a terminal only, and only if asked for."""

import os
import sys

import pytest

from windrow.console import progress, say, shares, shown


@pytest.mark.parametrize(("terminal", "asked"), [(True, True), (False, True), (True, False)])
def test_it_is_shown_on_a_terminal_if_asked_for(monkeypatch, capsys, terminal, asked):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("writing bars", 10, asked) as report:
        report(10)
    captured = capsys.readouterr()
    assert ("writing bars" in captured.err and "100%" in captured.err) == (terminal and asked)
    assert captured.out == ""


def test_shares_of_two_kinds_of_work(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with shares(["map", "reduce"]) as show:
        show([100, 33])
    captured = capsys.readouterr()
    assert all(text in captured.err for text in ("map", "100%", "reduce", " 33%")) and captured.out == ""


def test_shares_are_not_shown_elsewhere(capsys):
    with shares(["map", "reduce"]) as show:
        show([100, 33])
    assert capsys.readouterr() == ("", "")


def test_what_a_terminal_obeys_is_escaped_and_nothing_else():
    obeyed = [*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
    for number in obeyed:
        text = shown(f"a{chr(number)}b")
        assert text.isascii() and text.isprintable() and len(text) > 3
    plain = "BRK.B ^GSPC Crédit 三菱 👩‍👩‍👧 %0A \\n a\xa0b"
    assert shown(plain) == plain and shown("b\udcff") == r"b\udcff"


def test_there_may_be_nobody_to_tell(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    say("nothing")
    with progress("nothing", 10) as report:
        report(10)
    with open(os.devnull) as gone:
        monkeypatch.setattr(sys, "stderr", gone)  # cannot be written
        say("nothing")
