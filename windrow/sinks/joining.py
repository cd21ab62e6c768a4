"""Texts side by side, by arrow.

pyarrow.compute makes hundreds of functions when it is imported, a tenth of a job's start. What it calls them by is in a
module of pyarrow's own, which has been there for years and may go.
"""

from typing import Any

try:
    from pyarrow._compute import call_function
except ImportError:
    from pyarrow.compute import call_function


def joined(first: Any, second: Any, between: Any) -> Any:
    """The texts of two arrow arrays, each with the one of the same row, and `between` between them.

    >>> import pyarrow as pa
    >>> joined(pa.array([b"A", b"BB"]), pa.array([b"1", b""]), pa.scalar(b"=")).to_pylist()
    [b'A=1', b'BB=']
    """
    return call_function("binary_join_element_wise", [first, second, between])
