"""Messages: what a terminal obeys is escaped, and there may be nobody to tell."""

import os
import sys

from windrow.console import say, shown
from windrow.console.meter import progress


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
