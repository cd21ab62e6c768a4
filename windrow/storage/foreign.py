"""Files that are not read, each by its name, with the command that converts it: by suffix, and by first bytes."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from windrow.errors import InputError


class _Kind(NamedTuple):
    """What a file is, and how it becomes one that is read; {path} stands for it, {bare} for it without suffix."""

    what: str
    cure: str


def _by_pandas(reader: str) -> str:
    return f"convert it: python -c \"import pandas; pandas.{reader}('{{path}}').to_csv('{{bare}}.csv', index=False)\""


_SHEET = _Kind("a spreadsheet", _by_pandas("read_excel"))
_DBN = _Kind("DBN of Databento", "convert it: dbn '{path}' --csv --pretty --map-symbols -o '{bare}.csv'")
_HDF5 = _Kind("HDF5", "convert it: python -c \"import pandas; pandas.read_hdf('{path}').to_csv('{bare}.csv')\"")
_HTML = _Kind(
    "a web page, often one that says why a download failed",
    'get the file again; if the page has a table of bars: python -c "import pandas;'
    " pandas.read_html('{path}')[0].to_csv('{bare}.csv', index=False)\"",
)
_SQLITE = _Kind(
    "a database of SQLite", "export a table: sqlite3 -header -csv '{path}' 'select * from TABLE' > '{bare}.csv'"
)
_PICKLE = _Kind(
    "a pickle, which runs code when it is loaded, so windrow never loads one",
    "where you trust it: python -c \"import pandas; pandas.read_pickle('{path}').to_csv('{bare}.csv')\"",
)
_LFS = _Kind("a pointer of Git LFS, not the file itself", "get that: git lfs pull")
_TAR = _Kind("an archive of files", "unpack it: tar -xf '{path}'")
_7Z = _Kind("an archive of files", "unpack it: 7z x '{path}'")
_BY_SUFFIX = {
    **dict.fromkeys((".xls", ".xlsx", ".xlsm", ".xlsb", ".ods"), _SHEET),
    **dict.fromkeys((".dbn", ".dbn.zst"), _DBN),
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), _HDF5),
    **dict.fromkeys((".html", ".htm"), _HTML),
    **dict.fromkeys((".sqlite", ".sqlite3"), _SQLITE),
    **dict.fromkeys((".pkl", ".pickle", ".pkl.gz"), _PICKLE),
    **dict.fromkeys((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst"), _TAR),
    **dict.fromkeys((".7z", ".rar"), _7Z),
}
#: First bytes, as a pattern. Header names may stand in <>, as in <TICKER>.
_BY_BYTES = {
    rb"version https://git-lfs\.github\.com/spec/v1": _LFS,
    rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": _SHEET,
    rb"DBN[\x01-\x09]": _DBN,
    rb"\x89HDF\r\n\x1a\n": _HDF5,
    rb"(?i)(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body)[\s>]": _HTML,
    rb"SQLite format 3\x00": _SQLITE,
    rb"\x80[\x02\x03][\x00-\x7f]|\x80[\x04\x05]\x95": _PICKLE,
    rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07": _7Z,
    rb"(?s).{257}ustar": _TAR,
}
_COMPILED = {re.compile(pattern): kind for pattern, kind in _BY_BYTES.items()}


def refuse_foreign(path: str, head: bytes) -> None:
    """Raises InputError for a file that is not read, by its name or its first bytes."""
    name = path.lower()
    named = (kind for suffix, kind in _BY_SUFFIX.items() if name.endswith(suffix))
    kind = next((kind for pattern, kind in _COMPILED.items() if pattern.match(head)), None) or next(named, None)
    if kind is not None:
        raise _refusal(path, kind)


def refuse_workbook(path: str, names: Sequence[str]) -> None:
    """Raises InputError for a zip with these members that is a spreadsheet."""
    if "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= set(names):
        raise _refusal(path, _SHEET)


def _refusal(path: str, kind: _Kind) -> InputError:
    bare = re.sub(r"(?i)(\.(?:dbn|tar|pkl))?\.[a-z0-9]+$", "", path)
    cure = kind.cure.format(path=path, bare=bare)
    return InputError(f"{path}: is {kind.what}; windrow reads text, JSON, Parquet and Feather; {cure}")
