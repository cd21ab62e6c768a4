"""What the pages of `windrow emr` are made of: sections and tables that fit the terminal, however narrow."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from windrow.console import shown
from windrow.emr.doctor import Check

#: Columns of a page at most: longer lines are hard to read.
_WIDEST = 110
_SIGNS = {True: ("ok", "green"), False: ("no", "bold red"), None: ("?", "yellow")}


def console() -> Console:
    """Where pages are printed: standard output, as wide as the terminal."""
    made = Console(highlight=False, soft_wrap=False)
    made.width = min(made.width, _WIDEST)
    return made


def section(title: str, *inside: RenderableType) -> RenderableType:
    """A part of a page."""
    return Group(Text(""), Text(title, style="bold cyan"), *(Padding(one, (0, 0, 0, 2)) for one in inside))


def pairs(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """Names and their values."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for name, value in rows:
        table.add_row(name, Text(shown(value), overflow="fold") if isinstance(value, str) else value)
    return table


def listing(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> Table:
    """Rows under heads; columns of numbers are aligned right."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    for head in heads:
        table.add_column(head, justify="right" if head in numbers else "left", overflow="fold", no_wrap=head in numbers)
    for row in rows:
        table.add_row(*(Text(shown(cell), overflow="fold") for cell in row))
    return table


def check_lines(check: Check) -> RenderableType:
    """A check of `windrow emr doctor`, and the fix below it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=2)
    table.add_column(width=18, overflow="fold")
    table.add_column(overflow="fold")
    sign, style = _SIGNS[check.good]
    table.add_row(Text(sign, style=style), Text(check.name), Text(shown(check.found), overflow="fold"))
    if check.fix:
        table.add_row("", "", Text(shown(check.fix), style="bold", overflow="fold"))
    return table
