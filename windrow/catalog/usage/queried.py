"""The tables that a query of Athena reads, found in its text."""

import logging
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

from windrow.errors import required

#: What Athena tells of a table under a name of its own: "orders$partitions".
_METADATA = re.compile(
    r"(?i)(.+)\$(?:partitions|files|history|snapshots|manifests|refs|properties|entries|all_entries)"
)
#: How statements begin that read what they name, or may.
_READING = {"SELECT", "WITH", "VALUES", "TABLE", "(", "INSERT", "CREATE", "MERGE", "DELETE", "UPDATE"}
#: Those that only tell of tables, or tend them.
_TENDING = {
    "SHOW", "DESCRIBE", "DESC", "MSCK", "OPTIMIZE", "VACUUM", "ANALYZE", "ALTER", "DROP", "TRUNCATE", "REFRESH", "CALL",
    "DEALLOCATE", "USE", "SET", "RESET", "GRANT", "REVOKE",
}  # fmt: skip

#: Statements that are about another one within.
_AROUND = {"EXPLAIN", "UNLOAD", "PREPARE", "USING"}


class Named(NamedTuple):
    """A table as a query names it, in lower case, as Athena takes names."""

    catalog: str | None
    database: str | None
    table: str


def require_sqlglot(what: str) -> None:
    """Raises WindrowError where sqlglot is not installed, which `what` needs."""
    required(what, "sqlglot", "sqlglot", "catalog")


@lru_cache(1000)  # many run the same query again and again
def tables_in(text: str) -> frozenset[Named] | None:
    """The tables that a query reads; None where its text cannot be parsed.

    What a statement only writes is not read: the target of INSERT, CREATE, MERGE, UPDATE and DELETE.

    >>> tables_in('with w as (select * from "Orders$partitions") select * from w')
    frozenset({Named(catalog=None, database=None, table='orders')})
    >>> tables_in("show tables"), tables_in("select from where")
    (frozenset(), None)
    """
    from sqlglot.errors import SqlglotError

    try:
        inner = _statement(text)
        return frozenset(_named(inner)) if inner else frozenset()
    except (SqlglotError, RecursionError, _UnknownError):
        return None


class _UnknownError(Exception):
    """A statement of which it is not known what it reads."""


def _statement(text: str) -> str | None:
    """The text of the statement that reads; None of one that does not."""
    tokens = _tokenizer().tokenize(text)
    words = [_word(token) for token in tokens]
    at = 0
    while at < len(words) and words[at] in _AROUND:
        at = _within(words, at)
    if at == len(words) or words[at] in _TENDING:
        return None
    if words[at] not in _READING:  # such as EXECUTE, whose query has been prepared elsewhere
        raise _UnknownError
    end = _closing(words, at - 1) if at and words[at - 1] == "(" else len(words)
    return text[tokens[at].start : tokens[end - 1].end + 1]


@cache
def _tokenizer() -> Any:
    """One to which no word makes all that follows a single token, as EXPLAIN does to Athena's."""
    from sqlglot.dialects import Trino

    usual: Any = Trino.Tokenizer
    made = type(usual)("Words", (usual,), {"COMMANDS": set()})
    return made(dialect=Trino())


def _word(token: Any) -> str:
    """A word or sign in upper case; nothing of a text or a name in quotes."""
    return "" if token.token_type.name in ("STRING", "IDENTIFIER") else token.text.upper()


def _within(words: list[str], at: int) -> int:
    """Where the statement begins that the one at this word is about."""
    if words[at] == "PREPARE":
        return _index(words, {"FROM"}, at) + 1
    if words[at] == "UNLOAD":
        return _index(words, {"("}, at) + 1
    if words[at] == "USING":  # functions that Lambda computes come before the query
        return _index(words, {"SELECT", "WITH"}, at)
    at += 1
    while words[at : at + 1] and words[at] in ("ANALYZE", "VERBOSE"):
        at += 1
    has_options = words[at : at + 1] == ["("] and words[at + 1 : at + 2] not in (["SELECT"], ["WITH"], ["("])
    return _closing(words, at) + 1 if has_options else at


def _index(words: list[str], wanted: set[str], start: int) -> int:
    """Where one of these words comes next, outside of parentheses."""
    depth = 0
    for at in range(start, len(words)):
        if not depth and words[at] in wanted:
            return at
        depth += (words[at] == "(") - (words[at] == ")")
    raise _UnknownError


def _closing(words: list[str], start: int) -> int:
    """Where the parenthesis at this word is closed."""
    depth = 0
    for at in range(start, len(words)):
        depth += (words[at] == "(") - (words[at] == ")")
        if not depth:
            return at
    raise _UnknownError


def _named(text: str) -> Iterator[Named]:
    import sqlglot
    from sqlglot import exp

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what it does not know; that is told here
    for statement in sqlglot.parse(text, dialect="athena"):
        if isinstance(statement, exp.Command):
            raise _UnknownError
        for table in _read(statement) if statement else ():
            catalog, database = (part.lower() or None for part in (table.catalog, table.db))
            yield Named(catalog, database, _METADATA.sub(r"\1", table.name).lower())


def _read(statement: Any) -> Iterator[Any]:
    """The tables in a statement. The name of a query in it is no table where it is in force, and only there."""
    from sqlglot import exp

    waiting: list[tuple[Any, frozenset[str]]] = [(statement, frozenset())]
    while waiting:  # a condition of a thousand parts is as deep
        node, known = waiting.pop()
        if isinstance(node, exp.Create) and node.kind == "VIEW":  # is read where the view is
            continue
        is_writing = isinstance(node, exp.Insert | exp.Create | exp.Merge | exp.Delete | exp.Update)
        target = node.this if is_writing else None
        queries: Any = next((part for part in node.args.values() if isinstance(part, exp.With)), None)
        for query in queries.expressions if queries else ():
            name = query.alias.lower()
            waiting.append((query.this, known | {name} if queries.recursive else known))
            known |= {name}
        is_named = isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier)
        if is_named and (node.db or node.name.lower() not in known):
            yield node
        waiting += [(part, known) for part in node.iter_expressions() if part is not queries and part is not target]
