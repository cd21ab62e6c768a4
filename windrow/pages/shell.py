"""Pages that stand alone: one file of HTML, no network, and nothing of the data becomes part of the page.

A page's Content-Security-Policy names its script and its style by their hashes. Data reaches it as JSON in a <script>
that no browser runs.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from windrow.console import say
from windrow.errors import UsageError
from windrow.pages.theme import stylesheet
from windrow.storage.newfile import new_file, refuse_taken

Paths: TypeAlias = str | Path | Sequence[str | Path]

#: What a picture needs: modules, and the packages that have them.
_PACKAGES = {"altair": "altair", "vl_convert": "vl-convert-python"}
#: The scripts of every page, in the order in which one needs the other.
_SCRIPTS = ("numbers", "levels", "axes", "chart", "view")
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"


class Places(NamedTuple):
    """Where a page goes, and the picture beside it; `force` replaces what is there."""

    page: Path
    picture: Path
    force: bool

    @classmethod
    def of(cls, out: str | Path, force: bool) -> "Places":
        """From the page's name.

        Raises UsageError if it is not a page's name, OutputError if the page or the picture exists (unless `force`).
        """
        page = Path(out)
        if page.suffix != ".html":
            better = page.parent / f"{page.stem or 'page'}.html"
            raise UsageError(f"-o {out}: is not the name of a page: a page's name ends in .html; use {better}")
        places = cls(page, page.with_suffix(".png"), force)
        for place in (places.page, places.picture):
            refuse_taken(place, force)
        return places

    def write(self, page: str, picture: Callable[[], bytes]) -> list[Path]:
        """Write both, or neither; without the packages that draw pictures the page alone, and say so."""
        contents = {self.page: page.encode(errors="replace")}
        if missing := missing_packages():
            needed = " and ".join(missing)
            say(f"{self.picture}: not written: a picture needs {needed}; install with: pip install 'windrow[plot]'")
        else:
            contents[self.picture] = picture()
        with ExitStack() as opened:
            for place, content in contents.items():
                opened.enter_context(new_file(place, self.force)).write(content)
        return list(contents)


def missing_packages() -> list[str]:
    """The packages that pictures need and that are not installed."""
    return [package for module, package in _PACKAGES.items() if not find_spec(module)]


def listed(paths: Paths) -> list[str]:
    """One path, or several, as a list of texts."""
    return [str(paths)] if isinstance(paths, str | Path) else [str(path) for path in paths]


def page(data: Mapping[str, Any], main: str, scripts: Sequence[str]) -> str:
    """A page: `main` is the name of its markup, `scripts` what it runs beside the chart; `data` has its title."""
    return _filled(data, fill(part(main), {"chart": part("chart.html")}), _script(tuple(scripts)), part("chooser.html"))


def bare_page(data: Mapping[str, Any], main: str, script: str) -> str:
    """A page without a chart of bars: `script` is all that it runs."""
    return _filled(data, part(main), unmarked(script), "")


def _filled(data: Mapping[str, Any], main: str, script: str, chooser: str) -> str:
    style = stylesheet() + part("page.css")
    parts = {
        "policy": f"{_POLICY} style-src {digest(style)}; script-src {digest(script)}",
        "title": html.escape(data["title"]),
        "style": style,
        "chooser": chooser,
        "main": main,
        "data": embedded(data),
        "script": script,
    }
    return fill(part("page.html"), parts)


@cache
def _script(scripts: tuple[str, ...]) -> str:
    return unmarked("\n".join(['"use strict";', *(part(f"js/{name}.js") for name in (*_SCRIPTS, *scripts))]))


def fill(template: str, parts: Mapping[str, str]) -> str:
    """Return the template with each {{name}} replaced by the part of that name, in one pass: parts are left alone.

    >>> fill("<h1>{{title}}</h1>{{rest}}", {"title": "{{rest}}", "rest": ""})
    '<h1>{{rest}}</h1>'
    """
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def embedded(value: object) -> str:
    """Return JSON that cannot end the <script> that it is in.

    >>> embedded("</script>")
    '"\\\\u003c/script>"'
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def unmarked(script: str) -> str:
    """Return JavaScript in which no string can end the <script> that it is in."""
    return re.sub(r"<(?=/script|script|!--)", r"\\x3c", script, flags=re.IGNORECASE)


def digest(text: str) -> str:
    """Return a script, or a style, as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def part(name: str) -> str:
    """A file of windrow/pages: markup, style or a script."""
    return (files("windrow.pages") / name).read_text(encoding="utf-8")
