"""The page: its markup, style and scripts, and the data in it."""

import html
from functools import cache
from typing import Any

from windrow.pages.shell import digest, embedded, fill, part, unmarked

#: In the order in which one needs the other.
_SCRIPTS = ("js/numbers.js", "js/levels.js", "js/axes.js", "js/chart.js", "js/heatmap.js", "js/report.js")


def page(told: dict[str, Any]) -> str:
    """Return the page that shows what `contents.contents` tells."""
    script, style = _script(), part("page.css")
    parts = {
        "policy": "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
        f" style-src {digest(style)}; script-src {digest(script)}",
        "title": html.escape(told["title"]),
        "style": style,
        "data": embedded(told),
        "script": script,
    }
    return fill(part("report/page.html"), parts)


@cache
def _script() -> str:
    return unmarked("\n".join(['"use strict";', *map(part, _SCRIPTS)]))
