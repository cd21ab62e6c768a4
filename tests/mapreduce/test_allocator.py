"""Memory that arrays free is used again, not returned to the system page by page."""

import ctypes
import subprocess
import sys

import pytest

from windrow.mapreduce import allocator

PROGRAM = """
import resource, sys
import numpy as np
from windrow.mapreduce.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
for _ in range(40):
    chunk, copy = np.ones(1 << 20), np.ones(1 << 20)
    del copy, chunk
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def page_faults(how):
    return int(subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, check=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library has no mallopt")
def test_repeated_arrays_of_one_size_fault_each_page_once():
    assert page_faults("kept") < page_faults("returned") / 2


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library has no mallopt")
def test_arrow_uses_what_numpy_has_freed():
    program = "import pyarrow as pa\n" + PROGRAM.partition("for _")[0] + "print(pa.default_memory_pool().backend_name)"
    pools = [
        subprocess.run([sys.executable, "-c", program, how], capture_output=True, check=True, text=True).stdout.strip()
        for how in ("kept", "returned")
    ]
    assert pools[0] == "system" != pools[1]


@pytest.mark.parametrize("trouble", [OSError("no library"), AttributeError("mallopt")])
def test_without_glibc_nothing_happens(monkeypatch, trouble):
    def refuse(name):
        raise trouble

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert allocator.keep_freed_memory() is None
