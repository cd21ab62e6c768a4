"""Pages of sections: words, tables, and figures by Vega-Lite and altair, drawn in the page and as one picture.

Charts of bars are not among them: those are chart.py's. Figures follow the width and the theme of whoever looks: a
specification names no colour, Vega-Lite takes those of the configuration. Vega itself is part of the page; it comes
with vl-convert, which draws the picture too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from windrow.errors import UsageError
from windrow.pages.shell import Places, bare_page, part
from windrow.pages.theme import DARK, LIGHT, config

#: What pages of figures need, which comes with an extra.
_PACKAGES = {"altair": "altair", "vl_convert": "vl-convert-python"}
#: The width of a figure in the picture, in pixels.
_WIDTH = 980


@dataclass(frozen=True)
class Figure:
    """A chart by altair without a width, what it shows, and how to read it."""

    title: str
    chart: Any
    caption: str = ""
    height: int = 260


@dataclass(frozen=True)
class Table:
    """Rows of texts below a head; the first column is aligned to the left, numbers to the right.

    more: rows that are shown when they are asked for.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    more: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Section:
    """A part of a page, and of the picture: its words are paragraphs.

    side_by_side: whether the page has its figures in two columns where there is room.
    """

    title: str
    words: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = field(default_factory=tuple)
    side_by_side: bool = False


def refuse_without_altair(out: str | Path) -> None:
    """Raises UsageError where the packages that draw figures are not installed."""
    missing = [package for module, package in _PACKAGES.items() if not find_spec(module)]
    if missing:
        raise UsageError(
            f"-o {out}: a page of figures needs {' and '.join(missing)}; install with: pip install 'windrow[plot]'"
        )


def write(places: Places, title: str, subtitle: str, sections: Sequence[Section]) -> list[Path]:
    """Writes the page and the picture beside it; returns both places."""
    return places.write(page_of(title, subtitle, sections), lambda: picture(title, subtitle, sections))


def page_of(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """The page as HTML."""
    return bare_page(data_of(title, subtitle, sections), "sections.html", f"{vega()}\n{part('js/sections.js')}")


def data_of(title: str, subtitle: str, sections: Sequence[Section]) -> dict[str, Any]:
    """What js/sections.js draws."""
    return {
        "title": title,
        "subtitle": subtitle,
        "themes": {"light": config(LIGHT), "dark": config(DARK)},
        "sections": [_section(one) for one in sections],
    }


def picture(title: str, subtitle: str, sections: Sequence[Section]) -> bytes:
    """All figures one below the other, as PNG."""
    import altair as alt

    from windrow.pages import vega as drawing  # altair, and it, come with an extra

    titled: Callable[[Figure], Any] = lambda figure: figure.chart.properties(  # noqa: E731
        width=_WIDTH, height=figure.height, title=alt.TitleParams(figure.title, fontSize=15)
    )
    charts = [titled(figure) for section in sections for figure in section.figures]
    return drawing.png(drawing.stacked(charts, title, [subtitle]), 1.5)


@cache
def vega() -> str:
    """Vega, Vega-Lite and vega-embed, as one script, which makes `vegaEmbed`."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle


def _section(section: Section) -> Mapping[str, Any]:
    return {
        "title": section.title,
        "words": list(section.words),
        "figures": [_figure(figure) for figure in section.figures],
        "sideBySide": section.side_by_side,
        "tables": [
            {
                "head": list(table.head), "rows": [list(row) for row in table.rows], "caption": table.caption,
                "more": [list(row) for row in table.more],
            }
            for table in section.tables
        ],
    }  # fmt: skip


def _figure(figure: Figure) -> Mapping[str, Any]:
    from windrow.pages.vega import drawable

    spec = drawable(figure.chart.properties(width="container", height=figure.height).to_dict())
    spec.pop("config", None)
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return {"title": figure.title, "caption": figure.caption, "spec": spec}
