"""A command once a week, or once a day, at a time of day in a time zone: a timer of systemd, a line of crontab.

The two count differently. A timer names the time zone: Monday 08:00 in Hong Kong is that moment everywhere, every 7
days, and one that was missed while the machine was off is made up. Cron knows only the machine's own clock, and its
fields nothing of a week's length: `*/7` as day of the month means the 1st, 8th, 15th, 22nd and 29th, and then the 1st
again, 2 or 3 days later. So the line here asks every quarter of an hour what time it is in the zone.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from windrow.errors import OutputError, UsageError

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CLOCK = re.compile(r"([01]\d|2[0-3]):(00|15|30|45)")
_UNIT = "windrow-collect"
#: What marks our lines of a crontab.
_MARK = "# windrow collect"
#: What tells a unit of before, and how two schedules are had.
_TOLD, _BESIDE = ("ExecStart=", "OnCalendar="), "put what is printed without --install beside it, by another name"


@dataclass(frozen=True)
class Schedule:
    """When a command runs: at a time of day of a zone, on a weekday (0 is Monday) or, None, every day; and where.

    Raises UsageError for a time that is no quarter of an hour, or an unknown zone.

    >>> Schedule(("windrow", "collect"), "/data").timer.splitlines()[4]
    'OnCalendar=Mon *-*-* 08:00:00 Asia/Hong_Kong'
    >>> print(Schedule(("windrow", "collect"), "/data").cron)
    */15 * * * * [ "$(TZ=Asia/Hong_Kong date +\\%u\\%H\\%M)" = 10800 ] && cd /data && windrow collect # windrow collect
    """

    command: tuple[str, ...]
    folder: str
    clock: str = "08:00"
    timezone: str = "Asia/Hong_Kong"
    weekday: int | None = 0

    def __post_init__(self) -> None:
        if not _CLOCK.fullmatch(self.clock):
            raise UsageError(f"--at {self.clock}: is not a quarter of an hour; give HH:00, HH:15, HH:30 or HH:45")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise UsageError(
                f"--timezone {self.timezone}: is not a time zone of the IANA database; give one, e.g. Asia/Hong_Kong"
            ) from None
        if bad := [word for word in (*self.command, self.folder) if re.search(r"[\x00-\x1f\x7f]", word)]:
            raise UsageError(f"{bad[0]!r}: has a control character, which no unit and no crontab takes; rename it")

    @property
    def service(self) -> str:
        """The unit that runs the command."""
        words = " ".join(map(_for_systemd, self.command))
        folder = self.folder.replace("%", "%%")
        return (
            "[Unit]\nDescription=windrow collect\nWants=network-online.target\nAfter=network-online.target\n\n"
            f"[Service]\nType=oneshot\nWorkingDirectory={folder}\nExecStart={words}\n"
        )

    @property
    def timer(self) -> str:
        """The unit that starts it."""
        day = f"{WEEKDAYS[self.weekday]} " if self.weekday is not None else ""
        return (
            "[Unit]\nDescription=windrow collect\n\n"
            f"[Timer]\nOnCalendar={day}*-*-* {self.clock}:00 {self.timezone}\nPersistent=true\n\n"
            "[Install]\nWantedBy=timers.target\n"
        )

    @property
    def cron(self) -> str:
        """The line of crontab, in which % would end the command."""
        form, value = ("%H%M", self.clock.replace(":", ""))
        if self.weekday is not None:
            form, value = f"%u{form}", f"{self.weekday + 1}{value}"
        test = f'[ "$(TZ={self.timezone} date +{form})" = {value} ]'
        line = f"{test} && cd {shlex.quote(self.folder)} && {shlex.join(self.command)}"
        return f"*/15 * * * * {line} {_MARK}".replace("%", "\\%")

    def lines(self) -> list[str]:
        """All of it, and how each counts, as text."""
        every = "day" if self.weekday is None else f"7 days, on {WEEKDAYS[self.weekday]}"
        return [
            f"# systemd: every {every} at {self.clock} by the clock of {self.timezone}, whatever this machine's is.",
            "# A run that was missed while the machine was off is made up at its start.",
            f"# ~/.config/systemd/user/{_UNIT}.service", *self.service.splitlines(),
            f"# ~/.config/systemd/user/{_UNIT}.timer", *self.timer.splitlines(),
            f"# crontab: cron has this machine's clock; each quarter hour the line asks for {self.timezone}'s.",
            "# A run that was missed is left out, and the next makes it up as far as its source reaches. A day field",
            "# */7 is not every 7 days: it is the 1st, 8th, 15th, 22nd and 29th, and then the 1st again.",
            self.cron,
        ]  # fmt: skip


def _for_systemd(word: str) -> str:
    """A word of ExecStart=, in which % begins a specifier and $ a variable."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def install_timer(schedule: Schedule, home: Path, force: bool = False) -> list[str]:
    """Writes the units into the user's folder of systemd and starts the timer; returns what it did.

    Raises OutputError, also where other units of these names are there, unless `force` replaces them.
    """
    folder = home / ".config" / "systemd" / "user"
    folder.mkdir(parents=True, exist_ok=True)
    units = {folder / f"{_UNIT}.service": schedule.service, folder / f"{_UNIT}.timer": schedule.timer}
    before = {place: place.read_text() for place in units if place.exists()}
    others = [place for place, text in before.items() if text != units[place]]
    there = " ".join(line for text in before.values() for line in text.splitlines() if line.startswith(_TOLD))
    if others and not force:
        raise OutputError(f"{others[0]}: is there, with {there}; replace it by --force, or {_BESIDE}")
    for place, text in units.items():
        place.write_text(text)
    _run(["systemctl", "--user", "daemon-reload"])
    _run(["systemctl", "--user", "enable", "--now", f"{_UNIT}.timer"])
    return [
        *([f"replaced: {there}"] if others else []),
        f"{folder}/{_UNIT}.timer: is on; see when it runs by: systemctl --user list-timers {_UNIT}.timer",
        "it runs while you are logged in; to have it run always: loginctl enable-linger",
    ]


def install_cron(schedule: Schedule, force: bool = False) -> list[str]:
    """Puts the line into the user's crontab; returns what it did.

    Raises OutputError, also where another line of windrow's is there, unless `force` replaces it.
    """
    lines = _run(["crontab", "-l"], nothing="no crontab").splitlines()
    kept = [line for line in lines if not line.endswith(_MARK)]
    others = [line for line in lines if line.endswith(_MARK) and line != schedule.cron]
    if others and not force:
        raise OutputError(f"crontab: has the line {others[0]}; replace it by --force, or {_BESIDE}")
    _run(["crontab", "-"], "\n".join([*kept, schedule.cron]) + "\n")
    return [*(f"replaced: {line}" for line in others), "crontab: has the line; see it by: crontab -l"]


def _run(command: Sequence[str], text: str = "", nothing: str = "") -> str:
    """What a program prints that reads this text; '' where it fails and says that there is `nothing`."""
    found = shutil.which(command[0])
    if found is None:
        raise OutputError(f"{command[0]}: is not on this machine; copy what windrow collect schedule prints")
    done = subprocess.run([found, *command[1:]], input=text, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode and nothing and nothing in done.stderr.lower():
        return ""
    if done.returncode:
        raise OutputError(
            f"{' '.join(command)}: fails: {' '.join(done.stderr.split())[:300]}; copy what windrow collect schedule"
            " prints to where it belongs"
        )
    return done.stdout


def refuse_password(option: str, uri: str, environment: Mapping[str, str]) -> None:
    """Raises UsageError for a server whose password is only in this shell's environment, which no timer has."""
    from windrow.storage.sql.uris import CONFIG, DIALECTS, PASSWORD, Place

    if uri.partition("://")[0].lower() not in DIALECTS:
        return
    place = Place.of(uri)
    if place.dialect == "sqlite" or place.config or not (environment.get(PASSWORD) or environment.get(CONFIG)):
        return
    raise UsageError(
        f"{option} {place}: {PASSWORD if environment.get(PASSWORD) else CONFIG} is set in this shell, and neither a"
        " timer nor cron has it; name a file of options in the URI, by ?config=FILE"
    )
