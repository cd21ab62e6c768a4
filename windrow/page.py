"""Pages that stand alone: one file of HTML, no network, and nothing of the data becomes part of the page.

A page's Content-Security-Policy names its script by hash. Data reaches it as JSON in a <script> that no browser runs.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping


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
