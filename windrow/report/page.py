"""The page: its markup, style and scripts, and the data in it."""

import html
from functools import cache
from importlib.resources import files
from typing import Any

from windrow.page import digest, embedded, fill, unmarked

#: In the order in which one needs the other.
_SCRIPTS = ("numbers.js", "levels.js", "axes.js", "chart.js", "heatmap.js", "page.js")


def page(told: dict[str, Any]) -> str:
    """Return the page that shows what `contents.contents` tells."""
    script, style = _script(), _part("page.css")
    parts = {
        "policy": "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
        f" style-src {digest(style)}; script-src {digest(script)}",
        "title": html.escape(told["title"]),
        "style": style,
        "data": embedded(told),
        "script": script,
    }
    return fill(_part("page.html"), parts)


@cache
def _script() -> str:
    return unmarked("\n".join(['"use strict";', *map(_part, _SCRIPTS)]))


def _part(name: str) -> str:
    return (files("windrow.report") / name).read_text(encoding="utf-8")
