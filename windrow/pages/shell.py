"""Pages that stand alone: one file of HTML, no network, and nothing of the data becomes part of the page.

A page's Content-Security-Policy names its script by hash. Data reaches it as JSON in a <script> that no browser runs.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from windrow.errors import UsageError
from windrow.storage.newfile import new_file, refuse_taken


def places_of(out: Path, force: bool) -> tuple[Path, Path]:
    """Return where a page goes, and the picture beside it.

    Raises UsageError if the page's name does not say what it is, and OutputError if one exists (unless `force`).
    """
    page, picture = out, out.with_suffix(".png")
    if out.suffix != ".html":
        raise UsageError(f"-o {out}: the page's name must end in .html; the picture is named as it, .png")
    for place in (page, picture):
        refuse_taken(place, force)
    return page, picture


def write_both(places: tuple[Path, Path], page: str, picture: bytes, force: bool) -> list[Path]:
    """Write a page and the picture beside it; return where they are."""
    for place, content in zip(places, (page.encode(), picture), strict=True):
        with new_file(place, force) as file:
            file.write(content)
    return list(places)


def fill(template: str, parts: Mapping[str, str]) -> str:
    """Return the template with each {{name}} replaced by the part of that name, in one pass: parts are left alone.

    >>> fill("<h1>{{title}}</h1>{{rest}}", {"title": "{{rest}}", "rest": ""})
    '<h1>{{rest}}</h1>'
    """
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def embedded(value: object) -> str:
    """Return JSON that cannot end the <script> it stands in.

    >>> embedded("</script>")
    '"\\\\u003c/script>"'
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def unmarked(script: str) -> str:
    """Return JavaScript in which no string can end the <script> it stands in."""
    return re.sub(r"<(?=/script|script|!--)", r"\\x3c", script, flags=re.IGNORECASE)


def digest(text: str) -> str:
    """Return a script, or a style, as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def part(name: str) -> str:
    """A file of windrow/pages: markup, style or a script."""
    return (files("windrow.pages") / name).read_text(encoding="utf-8")
