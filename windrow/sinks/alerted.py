"""Alerts -> lines, `SYMBOL <tab> TIMESTAMP <tab> value <tab> alert`, in parts beside a job's output."""

import numpy as np
import orjson

from windrow.sinks.fields import SYMBOL, TIME, Field
from windrow.times import format_times

#: The end of the names of parts with alerts.
ALERTS = "-alerts"
#: The fields of a line.
FIELDS = (SYMBOL, TIME, Field("value"), Field("alert", "text"))


def alert_line(symbol: bytes, time: int, value: float, alert: str, dated: bool) -> bytes:
    r"""The line of an alert; `value` is what is above its amount.

    >>> alert_line(b"1/eu/a.b", 0, 2e12, "size>1TB", dated=True)
    b'1/eu/a.b\t1970-01-01\t2000000000000.0\tsize>1TB\n'
    """
    at = format_times(np.array([time]), dated)[0]
    return b"\t".join([symbol, at, orjson.dumps(value), alert.encode()]) + b"\n"
