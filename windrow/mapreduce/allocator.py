"""The C library's allocator, told to keep what arrays free.

A task makes and frees arrays of megabytes all the time. glibc gives such memory back to the system at once and is given
it anew, page by page, each page cleared: a fifth of a run's time. Kept, it is used again by the next chunk, which is as
large; at its peak a task takes no more than before.
"""

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # malloc.h
_KEEP, _GROW_BY, _OF_ITS_OWN = 1 << 30, 8 << 20, 1 << 28


def keep_freed_memory() -> None:
    """Keeps freed memory in this process and its forks; does nothing where the C library is not glibc."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _OF_ITS_OWN)
        mallopt(_TRIM_THRESHOLD, _KEEP)
        mallopt(_TOP_PAD, _GROW_BY)
