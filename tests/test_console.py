"""Progress bars: on a terminal only, and only if asked for."""

import sys

import pytest

from windrow.console import progress, shares


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
