"""Every error that windrow raises, under one root.

    WindrowError                 exit status 1
    ├── UsageError               an option or its value is wrong (exit status 2)
    ├── InputError               an input cannot be read, or its columns are unclear
    ├── BadBarsError             too many invalid rows, or no valid row at all
    ├── ConflictError            different bars at one (symbol, timestamp)
    ├── WindowSizeError          a window cannot be computed as requested
    ├── SliceError               a series cannot be computed in slices
    ├── OutputError              an output already exists or cannot be written
    ├── ClusterError             an EMR cluster cannot be created as requested, was lost, or its step was cancelled
    └── AccountError             AWS refuses: credentials, permissions, region, or something the account lacks

A message names the input, what is wrong and the rule, and ends with the fix. The user sees it without a traceback, on
every runner. No message has a password in it.
"""

import os
import re

#: User and password in a URL, up to its host.
_USER = re.compile(r"(?<=://)[^\s/]*:[^\s/]*@")
#: Variables whose values are URLs of servers, perhaps with a password in them.
_SERVERS = re.compile(r"AWS_ENDPOINT_URL\w*|\w+_proxy", re.IGNORECASE)


class WindrowError(Exception):
    """Root of all errors; `exit_status` is the exit status of the command."""

    exit_status = 1


class UsageError(WindrowError):
    """An option or its value is wrong."""

    exit_status = 2


class InputError(WindrowError):
    """An input cannot be read, or its columns are unclear."""


class BadBarsError(WindrowError):
    """Too many invalid rows, or no valid row at all."""


class ConflictError(WindrowError):
    """Different bars at one (symbol, timestamp)."""


class WindowSizeError(WindrowError):
    """A window cannot be computed as requested."""


class SliceError(WindrowError):
    """A series cannot be computed in slices."""


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
    for name, url in os.environ.items():  # what is set need not be a URL of the proper form
        user = url.rpartition("://")[2].rpartition("@")[0]
        if user and _SERVERS.fullmatch(name):
            text = text.replace(f"{user}@", "***@")
    return _USER.sub("***@", text)
