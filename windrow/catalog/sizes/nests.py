"""Folders within others: the outermost is listed, once, and each object counted for all of them that hold it.

Listed apart, the tables of a database whose own folder is a table's too would be listed twice, and three folders in one
another three times.
"""

from collections.abc import Collection, Iterator

from windrow.catalog.locations import Folder, Size

#: How the names of S3's directory buckets end: their listings are in no order, and begin at no key.
_UNORDERED = "--x-s3"


def is_ordered(bucket: str) -> bool:
    """Whether the listings of a bucket are in the order of keys.

    >>> is_ordered("lake"), is_ordered("lake--use1-az5--x-s3")
    (True, False)
    """
    return not bucket.endswith(_UNORDERED)


class Nest:
    """A folder, `root`, and those within it that are asked for too.

    In the order of keys, they cut the root's objects into runs: `edges` has the key at which each run begins, and of
    each run one folder is the innermost that holds it.

    >>> nest = Nest([Folder("lake", ""), Folder("lake", "a/"), Folder("lake", "a/b/")])
    >>> nest.edges
    ['', 'a/', 'a/b/', 'a/b0', 'a0']
    >>> for run in range(5):
    ...     nest.add(run, Size(10**run, 1))
    >>> dict(nest.sizes())[Folder("lake", "a/")]
    Size(bytes=1110, files=3)
    """

    def __init__(self, folders: list[Folder]) -> None:
        self.root, self.within = folders[0], folders[1:]
        self.edges = [self.root.prefix]
        self._innermost = [self.root]
        self._outer: dict[Folder, Folder] = {}
        self._sizes = dict.fromkeys(folders, Size(0, 0))
        around = [self.root]
        for folder in self.within:
            while not around[-1].holds(folder):
                self._leave(around)
            self._outer[folder] = around[-1]
            self._begin(folder.prefix, folder)
            around.append(folder)
        while len(around) > 1:
            self._leave(around)

    def _leave(self, around: list[Folder]) -> None:
        self._begin(_behind(around.pop()), around[-1])

    def _begin(self, edge: str, innermost: Folder) -> None:
        self.edges.append(edge)
        self._innermost.append(innermost)

    def add(self, run: int, size: Size) -> None:
        """Counts objects of a run."""
        folder = self._innermost[run]
        self._sizes[folder] = self._sizes[folder].plus(size)

    def sizes(self) -> Iterator[tuple[Folder, Size]]:
        """What each folder holds, those within it included."""
        held = dict(self._sizes)
        for folder in reversed(self.within):
            held[self._outer[folder]] = held[self._outer[folder]].plus(held[folder])
        yield from held.items()


def _behind(folder: Folder) -> str:
    """The first text behind all keys of a folder: `0` comes after `/`."""
    return f"{folder.prefix[:-1]}0"


def nests(folders: Collection[Folder]) -> Iterator[Nest]:
    """The folders, each once, in nests; each of a directory bucket by itself.

    >>> asked = [Folder("lake", "a/b/"), Folder("lake", "ab/"), Folder("lake", "a/")]
    >>> [(nest.root.prefix, [folder.prefix for folder in nest.within]) for nest in nests(asked)]
    [('a/', ['a/b/']), ('ab/', [])]
    """
    found: list[Folder] = []
    for folder in sorted(set(folders)):
        if found and not (found[0].holds(folder) and is_ordered(folder.bucket)):
            yield Nest(found)
            found = []
        found.append(folder)
    if found:
        yield Nest(found)
