"""The room that files have on the disk, into which streams and tables are read at submission."""

import shutil
from pathlib import Path

from windrow.console import say
from windrow.errors import OutputError

#: What must be free on the disk at least, and the share from which the size of the whole is foreseen.
_LEAST_FREE, _ENOUGH = 64 << 20, 0.02


class Room:
    """The room that files of `what` have. It is looked at now and then: that costs as much as many records.

    cure: how less of it is read.
    """

    def __init__(self, folder: Path, what: str, cure: str) -> None:
        self._folder, self._what, self._cure, self._is_told = folder, what, cure, False

    def check(self, written: int = 0, share: float = 0.0) -> None:
        """Raises OutputError where nothing is left; warns, once, where the rest may not fit.

        Its size is foreseen by the share that is read, and arrivals of a stream come in bursts: so no more than a
        warning depends on it.
        """
        free = shutil.disk_usage(self._folder).free
        if free < _LEAST_FREE:
            raise OutputError(
                f"{self._folder}: a {self._what} is read into files there, and only {free >> 20:,} MB are free; free"
                f" some space, or set TMPDIR to another place, or {self._cure}"
            )
        if share > _ENOUGH and (rest := int(written / share) - written) > free and not self._is_told:
            self._is_told = True
            say(
                f"warning: {self._folder}: the rest of the {self._what} may take {rest >> 20:,} MB, and"
                f" {free >> 20:,} MB are free; to use another place, end this and set TMPDIR"
            )
