"""A forward test as a process of its own, over a slow made-up stream: `python -m tests.paper.process URI ...`.

Pages have three records. Where the URI ends in `endless`, empty pages follow for ever.
"""

import sys
import time

from tests.paper.streams import MadeUp, split_stream
from windrow.paper import loop
from windrow.storage.stream import Page


class Slow(MadeUp):
    """Waits before each page."""

    def follow(self, uri, places, over, manner, read_until=None):
        for page in super().follow(uri, places, over, manner, read_until):
            time.sleep(0.002)
            yield page
        while uri.endswith("endless"):
            time.sleep(0.02)
            yield Page("shard-1", [], places.get("shard-1"), 0, 0, True)

    def identity(self, uri):
        return "made-up"


if __name__ == "__main__":
    from windrow.cli import main

    made = split_stream(24, 3)
    slow = Slow(made.shards, {"shard-1": ("shard-0",), "shard-2": ("shard-0",)}, 3)
    loop.source_of = lambda uri: slow
    sys.exit(main(["paper", *sys.argv[1:]]))
