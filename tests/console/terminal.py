"""A terminal of a test's own: a command runs on it, and what is drawn there can be looked at."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field

from tests.conftest import ROOT

#: Runs windrow with its progress drawn at once, and every time.
AT_ONCE = "import sys; from windrow.console import meter; meter.SHOWN_AFTER = meter._EVERY = 0.0; "
MAIN = "import sys; from windrow.cli import main; sys.exit(main(sys.argv[1:]))"
#: What ends a picture.
_ERASE = "\x1b[K"


@dataclass
class Ran:
    """What a command did to a terminal."""

    status: int
    out: bytes
    drawn: str = field(repr=False)

    @property
    def pictures(self):
        """Each line that was drawn over the one before."""
        return [found for found in re.findall(r"\r([^\r\n]*?)\x1b\[K", self.drawn) if found]

    @property
    def screen(self):
        """What is left on it: its lines, without empty ones at the end."""
        lines, at = [""], 0
        for one in re.findall(r"\x1b\[K|[^\x1b]", self.drawn):
            if one == _ERASE:
                lines[-1] = lines[-1][:at]
            elif one == "\n":
                lines.append("")
            elif one == "\r":
                at = 0
            else:
                lines[-1] = lines[-1][:at].ljust(at) + one + lines[-1][at + 1 :]
                at += 1
        return "\n".join(lines).rstrip("\n").split("\n")


def run(*arguments, columns=100, at_once=True, interrupted_at=None, program=None, **variables):
    """Runs windrow with its standard error on a new terminal; at a picture with `interrupted_at` in it, Ctrl-C."""
    main_end, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    program = program or (AT_ONCE if at_once else "") + MAIN
    command = [sys.executable, "-c", program, *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **variables}
    env.pop("NO_COLOR", None) if "NO_COLOR" not in variables else None
    drawn = b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end, env=env, cwd=ROOT) as process:
        os.close(end)
        while True:
            try:
                drawn += os.read(main_end, 1 << 16)
            except OSError:  # the terminal has been closed
                break
            if interrupted_at is not None and interrupted_at in drawn:
                process.send_signal(signal.SIGINT)
                interrupted_at = None
        out = process.stdout.read()
    os.close(main_end)
    return Ran(process.returncode, out, drawn.decode())
