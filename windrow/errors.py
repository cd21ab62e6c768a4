"""Every refusal windrow makes, under one root.

    WindrowError                 exit status 1
    ├── UsageError               an option or its value is wrong (exit status 2)
    ├── InputError               an input cannot be read, or does not say what its columns are
    ├── BadBarsError             too many lines that are no bars, or no bar at all
    ├── ConflictError            two different bars at one (symbol, timestamp)
    ├── WindowSizeError          a window cannot be computed as asked
    ├── SliceError               a series cannot be computed in slices
    ├── OutputError              the output's place is taken or cannot be written
    ├── ClusterError             a cluster of EMR cannot be had as asked, was lost, or cancelled a step
    └── AccountError             AWS refuses: credentials, rights, region, or what an account lacks

A message names the input, shows the value, states the rule and gives the cure. It reaches the user alone, without
a traceback, on every runner.
"""


class WindrowError(Exception):
    """Root of all refusals; `exit_status` is what the command exits with."""

    exit_status = 1


class UsageError(WindrowError):
    """An option or its value is wrong."""

    exit_status = 2


class InputError(WindrowError):
    """An input cannot be read, or does not say what its columns are."""


class BadBarsError(WindrowError):
    """Too many lines that are no bars, or no bar at all."""


class ConflictError(WindrowError):
    """Two different bars at one (symbol, timestamp)."""


class WindowSizeError(WindrowError):
    """A window cannot be computed as asked."""


class SliceError(WindrowError):
    """A series cannot be computed in slices."""


class OutputError(WindrowError):
    """The output's place is taken or cannot be written."""


class ClusterError(WindrowError):
    """A cluster of EMR cannot be had as asked, was lost, or cancelled a step."""


class AccountError(WindrowError):
    """AWS refuses: credentials, rights, region, or what an account lacks."""

    #: AWS's own name of the error, where it gave one.
    code = ""
