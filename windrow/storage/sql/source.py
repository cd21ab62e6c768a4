"""Tables of databases as windrow's other rooms see them: inputs that are read at submission, and outputs."""

from collections.abc import Callable, Sequence
from pathlib import Path

from windrow.storage.source import SpooledSource
from windrow.storage.sql.uris import DIALECTS

#: The files of an output in a folder.
_PART, _DESCRIPTION, _SUCCESS = "part-00000.parquet", "_windrow.json", "_SUCCESS"


class SqlSource(SpooledSource):
    """Tables. Methods raise InputError or OutputError that name the URI."""

    schemes = tuple(DIALECTS)
    takes_tables = True
    no_file = "is a table of a database, and here a file is asked for; name a file"

    def refuse_taken(self, output: str) -> None:
        """Raises OutputError if there is such a table."""
        from windrow.storage.sql.publishing import refuse_taken

        refuse_taken(output)

    def commit(self, staging: Path, names: Sequence[str], output: str, advance: Callable[[int], object]) -> None:
        """Makes a table of the parts, all rows or none."""
        from windrow.storage.sql.publishing import publish

        publish([staging / name for name in names if name[0] not in "._"], staging / _DESCRIPTION, output, advance)

    def contents(self, output: str) -> Sequence[str]:
        """Files by which an output in a folder would be told, as `download` makes them."""
        return [f"{output}/{name}" for name in (_PART, _DESCRIPTION, _SUCCESS)]

    def download(self, uris: Sequence[str], folder: Path) -> None:
        """The table as a part of Parquet in a folder, and what the job said of it."""
        from windrow.storage.sql.publishing import download

        download(uris[0].removesuffix(f"/{_PART}"), folder, _PART, _DESCRIPTION)


SOURCE = SqlSource()
