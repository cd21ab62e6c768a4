"""Trying cases from a seed, as long as there is time."""

import random
import sys
import time
from collections.abc import Callable


def repeat(name: str, seed: int, seconds: float, attempt: Callable[[random.Random, int], str]) -> tuple[int, int]:
    """Tries one case after another, by its chance and number; how many were tried, and how many were wrong.

    An attempt returns what was wrong, or nothing; that is printed, with what makes it happen again.
    """
    tried = wrong = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        why = attempt(random.Random(f"{seed} {tried}"), tried)
        tried += 1
        wrong += bool(why)
        if why:
            print(f"{name}: seed {seed}, try {tried}: {why}", file=sys.stderr)
    return tried, wrong
