"""The fields of lines, by which they can be tables with names (windrow/sinks/tabular.py), and are read by name."""

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, Self, TypeAlias

from windrow.storage.compressed import ENDS
from windrow.storage.part import own_part

Kind: TypeAlias = Literal["symbol", "time", "text", "number", "count", "flag", "figures", "entry"]

_SUFFIXES = {"text": "", "csv": ".csv", "parquet": ".parquet", "parquet-ns": ".parquet"}
#: The column of reasons why figures are undefined, an object of JSON; it is the last one.
UNDEFINED = "undefined"
#: What Parquet of fields says of itself: a table of symbols and numbers may be anything else.
WRITTEN_BY = {b"written by": b"windrow"}


class Format(NamedTuple):
    """What parts are written as.

    >>> Format("csv", "gzip").suffix, Format().suffix
    ('.csv.gz', '')
    """

    name: str = "text"
    compress: str | None = None
    """How lines are compressed, if they are."""

    @classmethod
    def of(cls, given: Namespace) -> Self:
        """By a job's options."""
        return cls(given.output_format, given.compress)

    @property
    def suffix(self) -> str:
        """The end of the names of parts."""
        return _SUFFIXES[self.name] + self.end

    @property
    def end(self) -> str:
        """The end of the names of parts that are lines, whatever the others are."""
        return "" if self.compress is None else ENDS[self.compress]


#: What is written where nobody asks for another format.
TEXT = Format()


class Field(NamedTuple):
    """A field of a line, or an entry: a text in an object of JSON that is the line.

    figures: of a field of figures, a line's with every name that any line may have, so that all parts have the same
    columns; a value is one of its type, or None. Without it columns are those that a part's lines have.
    """

    name: str
    kind: Kind = "number"
    figures: Mapping[str, Any] = {}


SYMBOL, TIME = Field("symbol", "symbol"), Field("timestamp", "time")
#: The fields of lines of values beside those of buying and holding.
VALUES = (SYMBOL, TIME, Field("value"), Field("buy_and_hold"))
#: Those of lines of sectors' members: from when, before when, each empty for always.
MEMBERSHIPS = (SYMBOL, Field("sector", "symbol"), Field("date_added", "time"), Field("date_removed", "time"))


def figure_fields(figures: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of lines of figures, with the names that they may have."""
    return SYMBOL, Field("figures", "figures", figures)


def named(fields: Sequence[Field]) -> list[str]:
    """The names of values and texts, which are a table's columns beside symbol and time; none of figures.

    >>> named((SYMBOL, TIME, Field("value"))), named(figure_fields({}))
    (['value'], [])
    """
    return [field.name for field in fields if field.kind in ("number", "text", "entry")]


#: Writes lines, each with its end.
WriteLines: TypeAlias = Callable[[bytes | memoryview], object]


@contextmanager
def written_part(name: str, fields: Sequence[Field], form: Format, dated: bool) -> Iterator[WriteLines]:
    """Writes a task's lines into a part of its own, part-NNNNN and the name, in a format."""
    with own_part(name + form.suffix) as file:
        if form.name == "text":
            yield file.write
        else:
            from windrow.sinks.tabular import line_table

            with line_table(file, fields, form.name, dated) as write:
                yield write


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """Figures as columns: those of an object within get names that begin with its name.

    >>> flat({"fast": 7, "train": {"pnl": 83.0}, "undefined": {"sqn": "a single closed trade"}})
    {'fast': 7, 'train_pnl': 83.0, 'undefined': {'sqn': 'a single closed trade'}}
    """
    columns: dict[str, Any] = {}
    for name, value in row.items():
        parted = isinstance(value, dict) and not name.endswith(UNDEFINED)
        columns |= {f"{name}_{figure}": one for figure, one in flat(value).items()} if parted else {name: value}
    return columns
