"""Tables of databases as windrow's other rooms see them: inputs that are read at submission, and outputs."""

from typing import BinaryIO, NoReturn

from windrow.errors import InputError
from windrow.storage.source import Source
from windrow.storage.sql.uris import DIALECTS


class SqlSource(Source):
    """Tables. Methods raise InputError or OutputError that name the URI."""

    schemes = tuple(DIALECTS)
    remote = True
    is_spooled = True

    def expand(self, argument: str, recursive: bool = False) -> list[str]:
        """The URI itself."""
        return [argument]

    def size(self, uri: str) -> int:
        """Not known."""
        self._no_file(uri)

    def open(self, uri: str, end: int | None = None) -> BinaryIO:
        """Not possible."""
        self._no_file(uri)

    def _no_file(self, uri: str) -> NoReturn:
        raise InputError(f"{uri}: is a table of a database, and here a file is asked for; name a file")


SOURCE = SqlSource()
