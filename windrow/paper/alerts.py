"""A command that is run for each order, which it reads as JSON from its standard input.

No shell reads what the stream has: the command is taken apart once, by the rules of a shell's quotes, and the data is
its input alone.
"""

import shlex
import subprocess
from collections.abc import Iterator

import orjson

from sort_keys.keys import decode_symbol
from windrow.console import say
from windrow.errors import UsageError

#: Seconds that a command may take: meanwhile no bar is traded.
_MOST_SECONDS = 30


class Alert:
    """Runs the command that `text` is."""

    def __init__(self, text: str, stream: str) -> None:
        try:
            self._command = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"--alert {text!r}: is no command: {error}; close its quotes") from None
        if not self._command:
            raise UsageError("--alert '': is no command; give one, e.g. --alert 'mail -s order me@example.com'")
        self._stream = stream

    def run(self, lines: bytes) -> None:
        """Runs it for each of these orders; what fails is told, and the next one is run."""
        for order in orders_of(lines):
            told = orjson.dumps({**order, "stream": self._stream}) + b"\n"
            try:
                subprocess.run(self._command, input=told, check=True, timeout=_MOST_SECONDS, stdout=subprocess.DEVNULL)  # noqa: S603
            except subprocess.CalledProcessError as error:
                self._tell(order, f"ended with status {error.returncode}")
            except subprocess.TimeoutExpired:
                self._tell(order, f"took more than {_MOST_SECONDS} seconds, and was ended")
            except OSError as error:
                self._tell(order, f"cannot be run: {error.strerror}")

    def _tell(self, order: dict[str, str | float | None], why: str) -> None:
        what = f"{order['side']} {order['symbol']} of {order['time']}, {order['status']}"
        say(f"warning: --alert {self._command[0]}: {why}; the order ({what}) is placed all the same")


def orders_of(lines: bytes) -> Iterator[dict[str, str | float | None]]:
    r"""Lines of orders as objects.

    >>> list(orders_of(b"AA\t1970-01-02\tsell\t\t12.5\topen\n"))
    [{'symbol': 'AA', 'time': '1970-01-02', 'side': 'sell', 'size': None, 'price': 12.5, 'status': 'open'}]
    """
    for line in lines.splitlines():
        symbol, time, side, size, price, status = line.split(b"\t")
        yield {
            "symbol": decode_symbol(symbol),
            "time": time.decode(),
            "side": side.decode(),
            "size": float(size) if size else None,
            "price": float(price) if price else None,
            "status": status.decode(),
        }
