"""Results as text, as HTML, and as the frame of their figures."""

from collections.abc import Iterator
from html import escape
from importlib import import_module
from typing import Any

import pandas as pd

from windrow.errors import UsageError, escaped
from windrow.pages.shell import missing_packages

#: Lines of a result's text, and characters of a symbol in it.
LINES, _WIDEST = 10, 16


class Shown:
    """What results have in common: a text of ten lines, a table for notebooks, and all that `figures` has.

    `result["pnl"]`, `result.pnl`, `len(result)` and the like are those of the figures.
    """

    figures: pd.DataFrame

    def _heading(self) -> list[str]:
        """What was done, and by which rules."""
        raise NotImplementedError

    def _table(self) -> list[list[str]]:
        """The rows that are shown, the first of which names the columns."""
        raise NotImplementedError

    def __repr__(self) -> str:
        rows = self._table()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows]
        return "\n".join([*self._heading(), *("  ".join(line).rstrip() for line in lines)][:LINES])

    def _repr_html_(self) -> str:
        title, *rest = map(escape, self._heading())
        names, *rows = ([escape(cell) for cell in row] for row in self._table())
        head = "".join(f"<th>{name}</th>" for name in names)
        body = "".join(f"<tr><th>{row[0]}</th>{''.join(f'<td>{cell}</td>' for cell in row[1:])}</tr>" for row in rows)
        text = f"<p><b>{title}</b><br>{'<br>'.join(rest)}</p>"
        return f"<div>{text}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"

    def __getitem__(self, name: Any) -> Any:
        return self.figures[name]

    def __len__(self) -> int:
        return len(self.figures)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.figures)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "figures":  # what copies and notebooks look for
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        try:
            return getattr(self.figures, name)
        except AttributeError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None


def shortened(text: str) -> str:
    r"""A symbol for a table: without characters that no terminal shows, and not too long.

    >>> shortened("A\tB"), shortened("a very long name of a symbol")
    ('A\\tB', 'a very long nam…')
    """
    text = escaped(text)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def worded(value: float | None, form: str) -> str:
    """A figure as text; a dash where it is undefined."""
    return "-" if value is None or value != value else form.format(value)


def drawing(asked: str) -> Any:
    """The module that draws pictures. Raises UsageError, which names what was asked for, without its packages."""
    if missing := missing_packages():
        raise UsageError(
            f"{asked}: {' and '.join(missing)} cannot be imported: a picture needs what the extra plot has;"
            " install it with: pip install 'windrow[plot]'"
        )
    return import_module("windrow.pages.report.picture")
