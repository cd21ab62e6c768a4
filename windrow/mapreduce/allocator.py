"""The C library's allocator, for all arrays, set to keep the memory that they free.

A task allocates and frees arrays of megabytes all the time. glibc returns such memory to the system at once and gets it
back page by page, each page cleared: a fifth of a run's time. If it is kept, the next chunk, which is as large, uses it
again; a task's peak memory is no higher than before. Arrow would bring an allocator of its own, which keeps memory too:
what one has freed the other cannot use, and a task's peak would be that of both.
"""

import ctypes
from contextlib import suppress

import pyarrow as pa

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # malloc.h
_KEEP, _GROW_BY, _OF_ITS_OWN = 1 << 30, 8 << 20, 1 << 28


def keep_freed_memory() -> None:
    """Keeps freed memory in this process and its forks; does nothing if the C library is not glibc."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _OF_ITS_OWN)
        mallopt(_TRIM_THRESHOLD, _KEEP)
        mallopt(_TOP_PAD, _GROW_BY)
        pa.set_memory_pool(pa.system_memory_pool())
