"""What demos share: commands of windrow that are shown as one would type them, and what is left to look at."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Seconds that a command has to end by itself.
_PATIENCE = 30


def say(text: str) -> None:
    """Says what comes next."""
    print(f"\n== {text}", flush=True)


def shown(arguments: list[str]) -> list[str]:
    """A command of windrow, which is printed as one would type it."""
    print(f"\n$ windrow {shlex.join(arguments)}", flush=True)
    return [sys.executable, "-m", "windrow.cli", *arguments]


def windrow(*arguments: str, right: Collection[int] = (0,)) -> None:
    """Runs a command of windrow; one that ends with a status that is not `right` ends the demo."""
    with command(shown([*arguments])) as process:
        process.wait()
    if process.returncode not in right:
        raise SystemExit(process.returncode)


@contextmanager
def command(words: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A command that ends with this block. Ctrl-C does not reach it: a Python that starts would show a traceback."""
    process = subprocess.Popen(words, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def fresh(usual: str, stopped: str) -> Iterator[Path]:
    """A new folder to look at afterwards, the one named on the command line or the `usual` one, in the checkout.

    Ends with a line, not a traceback, where it is `stopped`.
    """
    out = Path(sys.argv[1] if len(sys.argv) > 1 else usual)
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        yield out
    except KeyboardInterrupt:
        print(f"\n{stopped}", file=sys.stderr)
        raise SystemExit(128 + signal.SIGINT) from None
