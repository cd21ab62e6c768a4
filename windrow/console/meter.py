"""How far work is, on the last line of the terminal: a share, a count, its rate, the time it took and what is left.

    map [=================>              ]  52%  12,582,912 bars  4.1M/s  0:03 elapsed  0:02 left

It is shown for what lasts longer than two seconds, where standard error is a terminal, and removed at the end. It is
one line, drawn over itself: nothing is hidden or changed that a killed process would leave so.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, RLock, Thread
from time import monotonic
from typing import TextIO
from unicodedata import east_asian_width

from windrow.errors import escaped, without_passwords

#: Seconds that work lasts before its progress is shown.
SHOWN_AFTER = 2.0
#: Seconds between two pictures.
_EVERY = 0.1
#: What thirds of bars, told one after another, may lack of their sum.
_ROUNDING = 1e-9
#: Seconds between two pictures where nothing is heard of the work: its clock goes on.
TICK = 0.5
#: Columns of a terminal that does not know how many it has, and of the shortest and the longest bar.
_COLUMNS, _SHORTEST, _LONGEST = 80, 10, 40
#: Goes to the line's beginning; erases what is behind the cursor.
_BEGIN, _ERASE = "\r", "\x1b[K"


class Screen:
    """The last line of the terminal, which whoever works last draws on."""

    def __init__(self) -> None:
        self._drawn_on: TextIO | None = None
        self._lock = RLock()

    def draw(self, text: str, terminal: TextIO) -> None:
        """Shows a line in place of the one that is shown."""
        with self._lock, suppress(OSError, ValueError):  # a terminal that has been closed: there is nobody to tell
            terminal.write(f"{_BEGIN}{text}{_ERASE}")
            terminal.flush()
            self._drawn_on = terminal

    def clear(self) -> None:
        """Removes it, if there is one."""
        with self._lock, suppress(OSError, ValueError):
            if (terminal := self._drawn_on) is not None:
                self._drawn_on = None
                terminal.write(f"{_BEGIN}{_ERASE}")
                terminal.flush()


SCREEN = Screen()
#: What is counted: bars; lines between two steps of a job; trained models.
BARS, LINES, MODELS = "bars", "lines", "models"


def _terminal() -> TextIO | None:
    """Where progress is shown; None where there is no terminal, or it is asked to show plain text."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stderr if not plain and sys.stderr and sys.stderr.isatty() else None


def _columns(terminal: TextIO) -> int:
    """Of a terminal, which may be resized at any time."""
    with suppress(OSError, ValueError):
        if columns := os.get_terminal_size(terminal.fileno()).columns:
            return columns
    asked = os.environ.get("COLUMNS", "")
    return int(asked) if asked.isdecimal() else _COLUMNS


def _in_background(terminal: TextIO) -> bool:
    """Whether the shell runs this in the background: what is drawn there would be between other programs' lines."""
    try:
        return os.tcgetpgrp(terminal.fileno()) != os.getpgrp()
    except (OSError, ValueError):  # another's terminal
        return False


@dataclass(frozen=True)
class Picture:
    """What a line says, besides its bar."""

    title: str
    share: float | None = None
    """From 0 to 1; None: how much there is to do is not known."""
    told: str = ""
    rate: str = ""
    elapsed: float = 0.0
    left: float | None = None

    def line(self, columns: int) -> str:
        """It in at most so many columns: what matters least is left out first.

        >>> picture = Picture("map", 0.52, "12,582,912 bars", "4.1M/s", 3.2, 2.4)
        >>> for columns in (90, 60, 30, 10):
        ...     print(picture.line(columns))
        map [==============>             ]  52%  12,582,912 bars  4.1M/s  0:03 elapsed  0:02 left
        map  52%  12,582,912 bars  4.1M/s  0:03 elapsed  0:02 left
        map  52%  12,582,912 bars
        map  52%
        """
        percent = "" if self.share is None else f"{int(100 * self.share):3}%"
        left = "" if self.left is None else f"{clock(self.left)} left"
        parts = [percent, self.told, self.rate, f"{clock(self.elapsed)} elapsed", left]
        title = self.title
        for fewer in ((), (3,), (2,), (4,), (1,), (0,)):
            parts = ["" if number in fewer else part for number, part in enumerate(parts)]
            rest = "  ".join(filter(None, parts))
            text = f"{title} {rest}" if rest.startswith(" ") else f"{title}  {rest}".rstrip()
            if (room := columns - 1 - _width(text)) >= 0:
                bar = "" if self.share is None else _bar(self.share, room - 1)
                return f"{title} {bar} {rest}" if bar else text
        return _cut(title, columns - 1)


def _bar(share: float, room: int) -> str:
    """A bar in at most that much room; none where it would say nothing."""
    inside = min(room, _LONGEST) - 2
    if inside < _SHORTEST:
        return ""
    done = int(share * inside)
    return f"[{('=' * done + '>' * (done < inside)).ljust(inside)}]"


def _width(text: str) -> int:
    return len(text) if text.isascii() else len(text) + sum(east_asian_width(one) in "WF" for one in text)


def _cut(text: str, columns: int) -> str:
    while text and _width(text) > columns:
        text = text[:-1]
    return text


def clock(seconds: float) -> str:
    """A duration as a clock shows it.

    >>> clock(3.9), clock(75), clock(7325)
    ('0:03', '1:15', '2:02:05')
    """
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def short(number: float) -> str:
    """A number in two or three digits.

    >>> [short(number) for number in (0.25, 7.0, 812_345.0, 4_130_000.0, 2.5e9)]
    ['0.25', '7', '812k', '4.1M', '2.5G']
    """
    units = ["G", "M", "k", ""]
    while number >= 999.5 and len(units) > 1:
        number /= 1000
        units.pop()
    return (f"{number:.0f}" if number >= 10 else f"{number:.2g}") + units[-1]


class Meter:
    """How far one piece of work is, through all of its phases; draws that, not too often, while it lasts."""

    def __init__(self, wanted: bool = True) -> None:
        self._terminal = _terminal() if wanted else None  # inline tasks have another standard error
        self._began = self._phase_began = monotonic()
        self._title, self._unit, self._text = "", "", ""
        self._read, self._total = 0.0, 0.0
        self._about = False
        self._drawn = float("-inf")
        self._lock = RLock()
        #: What the present phase has done, and names that were told of: of symbols.
        self.done = 0
        self.names: set[str] = set()

    @property
    def is_shown(self) -> bool:
        """Whether it is ever drawn."""
        return self._terminal is not None

    @property
    def elapsed(self) -> float:
        """Seconds since it was made."""
        return monotonic() - self._began

    def begin(self, title: str, unit: str = "", total: float = 0, about: bool = False) -> None:
        """Begins a phase, after the last picture of the one before.

        total: what its shares add up to, 0 where that is not known; about: that is an estimate.
        """
        with self._lock:
            if self._about:  # now it is known
                self._total = self._read
            self._end()
            self._title, self._unit, self._text, self.done = escaped(without_passwords(title)), unit, "", 0
            self._read, self._total, self._about = 0.0, total, about
            self._phase_began = monotonic()

    def add(self, read: float, done: int = 0, names: Iterable[str] = ()) -> None:
        """Adds to the share of the phase that is done, to what is counted, and to the names."""
        with self._lock:
            self._read += read
            self.done += done
            self.names.update(names)
        self.tick()

    def at(self, read: float, text: str = "", done: int = 0) -> None:
        """Sets the share of the phase that is done, what to say of it in place of a count, and what its rate is of."""
        with self._lock:
            self._read, self._text, self.done = read, escaped(without_passwords(text)), done
        self.tick()

    def tick(self) -> None:
        """Draws what is known, unless that was done a moment ago, or the work is still short."""
        now, terminal = monotonic(), self._terminal
        if terminal is None or now < max(self._drawn + _EVERY, self._began + SHOWN_AFTER) or _in_background(terminal):
            return
        with self._lock:
            self._drawn = now
            SCREEN.draw(self._picture(now).line(_columns(terminal)), terminal)

    def close(self) -> None:
        """Shows the end of the last phase, and removes it."""
        with self._lock:
            self._end()
            self._drawn = float("-inf")
        if self.is_shown:
            SCREEN.clear()

    def _end(self) -> None:
        """Draws a phase as it has ended, if any of it was drawn: what is seen last is what was done."""
        if self._terminal and self._title and self._drawn > self._phase_began:
            SCREEN.draw(self._picture(monotonic()).line(_columns(self._terminal)), self._terminal)

    def _picture(self, now: float) -> Picture:
        took, share = now - self._phase_began, None
        if self._total and (self._read <= self._total or not self._about):
            share = self._read / self._total
            share = 1.0 if share > 1 - _ROUNDING else share
        told = self._text
        rate = f"{short(self.done / took)}/s" if self.done and took > 0 else ""
        if not told and (self.done or self._unit):
            of = f" of {self._total:,.0f}" if self._total and not self._about and self.done == self._read else ""
            told = f"{self.done:,}{of} {self._unit}".rstrip()
        left = took * (1 / share - 1) if share else None
        return Picture(self._title, share, told, rate, now - self._began, left)


@contextmanager
def ticking(meter: Meter, look: Callable[[], object] | None = None) -> Iterator[None]:
    """Lets the clock go on while this process waits for others, or looks how far these are.

    Not where this process forks: a fork has none of its threads.
    """
    if not meter.is_shown:
        yield
        return
    ended = Event()

    def tick() -> None:
        while not ended.wait(TICK):
            with suppress(Exception):  # whom this process waits for tells it what is wrong
                (look or meter.tick)()

    thread = Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def metered(wanted: bool = True) -> Iterator[Meter]:
    """A meter for this block, after which nothing of it is left on the terminal."""
    meter = Meter(wanted)
    try:
        yield meter
    finally:
        meter.close()


@contextmanager
def progress(title: str, total: int, wanted: bool = True, unit: str = "") -> Iterator[Callable[[int], object]]:
    """Yields a function that takes the steps just done, of so many; `unit` is what these are."""
    with metered(wanted) as meter:
        meter.begin(title, unit, total)
        yield lambda steps: meter.add(steps, steps)


@contextmanager
def going(title: str, wanted: bool = True) -> Iterator[Callable[[float, str], object]]:
    """Yields a function that takes the share of work that is done, and what to say of it."""
    with metered(wanted) as meter:
        meter.begin(title, total=1)
        yield meter.at
