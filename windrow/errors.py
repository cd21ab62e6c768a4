"""Every error that windrow raises, under one root.

    WindrowError                 exit status 1
    ├── UsageError               an option or its value is wrong (exit status 2)
    ├── InputError               an input cannot be read, or its columns are unclear
    │   └── TooFewError          a symbol has too few bars for what is asked
    ├── BadBarsError             too many invalid rows, or no valid row at all
    ├── ConflictError            different bars at one (symbol, timestamp)
    ├── WindowSizeError          a window cannot be computed as requested
    ├── SliceError               a series cannot be computed in slices
    ├── StateError               a computation cannot go on from a saved state
    ├── OutputError              an output already exists or cannot be written
    ├── ClusterError             an EMR cluster cannot be created as requested, was lost, or its step was cancelled
    └── AccountError             AWS refuses: credentials, permissions, region, or something the account lacks

A message names the input, what is wrong and the rule, and ends with the fix. The user sees it without a traceback, on
every runner. No message has a password in it.
"""

import os
import re
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

#: User and password in a URL, up to its host.
_USER = re.compile(r"(?<=://)[^\s/]*:[^\s/]*@")
#: Variables whose values are URLs of servers, perhaps with a password in them.
_SERVERS = re.compile(r"AWS_ENDPOINT_URL\w*|\w+_proxy", re.IGNORECASE)


#: Characters of a message, as it is printed behind `error: `.
LONGEST = 990
#: What a terminal obeys or does not show: control characters, Unicode's line ends, changes of direction, surrogates.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    """A text whose characters a terminal only shows."""
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def fitting(text: str, room: int, size: Callable[[str], int] = len) -> str:
    """A text that is no larger than `room`: of a larger one the middle is left out, for its cure is at the end.

    >>> fitting("a.csv: " + "x" * 100 + "; leave it out", 40)
    'a.csv: xxxxxxxxxxxxxxxx ... eave it out'
    """
    cut, kept = text, len(text)
    while (now := size(cut)) > room:
        kept = min(kept - 1, kept * room // now)
        cut = f"{text[: kept * 2 // 3]} ... {text[len(text) - kept // 3 :]}"
    return cut


class WindrowError(Exception):
    """Root of all errors; `exit_status` is the exit status of the command. Its text is never longer than LONGEST."""

    exit_status = 1

    def __str__(self) -> str:
        return fitting(super().__str__(), LONGEST, lambda text: len(escaped(text)))


class UsageError(WindrowError):
    """An option or its value is wrong."""

    exit_status = 2


class InputError(WindrowError):
    """An input cannot be read, or its columns are unclear."""


class TooFewError(InputError):
    """A symbol has too few bars for what is asked; others may have enough."""


class BadBarsError(WindrowError):
    """Too many invalid rows, or no valid row at all."""


class ConflictError(WindrowError):
    """Different bars at one (symbol, timestamp)."""


class WindowSizeError(WindrowError):
    """A window cannot be computed as requested."""


class SliceError(WindrowError):
    """A series cannot be computed in slices."""


class StateError(WindrowError):
    """A computation cannot go on from a saved state."""


class OutputError(WindrowError):
    """An output already exists or cannot be written."""


class ClusterError(WindrowError):
    """An EMR cluster cannot be created as requested, was lost, or its step was cancelled."""


class AccountError(WindrowError):
    """AWS refuses: credentials, permissions, region, or something the account lacks."""

    #: AWS's name for the error, if it gave one.
    code = ""


def without_passwords(text: str) -> str:
    """A text with *** in place of user and password of each URL in it.

    >>> without_passwords("http://me:a@b@host:9000 refused; see s3://bucket/me:a@b")
    'http://***@host:9000 refused; see s3://bucket/me:a@b'
    """
    if "@" not in text:
        return text
    for name, url in os.environ.items():  # what is set need not be a URL of the proper form
        user = url.rpartition("://")[2].rpartition("@")[0]
        if user and _SERVERS.fullmatch(name):
            text = text.replace(f"{user}@", "***@")
    return _USER.sub("***@", text)


def required(what: str, module: str, name: str, extra: str, kind: type[WindrowError] = WindrowError) -> ModuleType:
    """A package's module that `what`, such as a command or a URI, needs. Raises such an error where it is absent.

    >>> required("windrow catalog query", "no_such_module", "DuckDB", "catalog")
    Traceback (most recent call last):
    windrow.errors.WindrowError: windrow catalog query: needs DuckDB, which is not installed; install it with: pip \
install 'windrow[catalog]'
    """
    try:
        return import_module(module)
    except ImportError:
        raise kind(
            f"{what}: needs {name}, which is not installed; install it with: pip install 'windrow[{extra}]'"
        ) from None
