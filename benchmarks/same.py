"""Whether two programs wrote the same numbers, whatever the order of their lines and the way they write times."""

from pathlib import Path

import duckdb

NEAR = 1e-9

#: The first of the bars that only one has a line for, or whose values differ, and how many there are.
_DIFFERENT = """
SELECT coalesce(one.symbol, other.symbol), coalesce(one.time, other.time), [{ones}], [{others}], count(*) OVER ()
FROM one FULL JOIN other ON one.symbol = other.symbol AND one.time = other.time
WHERE one.symbol IS NULL OR other.symbol IS NULL OR {differs}
ORDER BY ALL LIMIT 1
"""
#: A value is there on one side only, or is further off than NEAR of its size; NaN, for DuckDB, is far from everything.
_DIFFERS = "(one.{v} IS NULL) <> (other.{v} IS NULL) OR abs(one.{v} - other.{v}) > {near} * abs(one.{v})"


class DifferentError(Exception):
    """Two outputs do not hold the same numbers; the text says where."""


def check_same(one, other, columns):
    """Compares two outputs, each a file or a folder of parts; returns how many lines each holds.

    Raises DifferentError unless both have a line for the same bars, and the same numbers to NEAR of their size.
    """
    names = [f"v{i}" for i in range(columns)]
    query = _DIFFERENT.format(
        ones=", ".join(f"one.{v}" for v in names),
        others=", ".join(f"other.{v}" for v in names),
        differs=" OR ".join(_DIFFERS.format(v=v, near=NEAR) for v in names),
    )
    with duckdb.connect() as base:
        lines, others = (_read(base, "one", Path(one), names), _read(base, "other", Path(other), names))
        found = base.execute(query).fetchone()
    if found:
        symbol, time, mine, theirs, different = found
        raise DifferentError(f"{different:,} lines differ; the first: {symbol} {time}: {theirs}, not {mine}")
    if lines != others:
        raise DifferentError(f"{others:,} lines, not {lines:,}: a bar has more than one")
    if not lines:
        raise DifferentError("no lines: nothing was compared")
    return lines


def _read(base, table, place, names):
    """Makes a table of an output's lines; how many there are."""
    kinds = {"symbol": "VARCHAR", "time": "VARCHAR", **dict.fromkeys(names, "DOUBLE")}
    options = f"delim = '\t', header = false, auto_detect = false, columns = {kinds}"
    lines = f"read_csv('{place / 'part-*' if place.is_dir() else place}', {options})"
    base.execute(f"CREATE TABLE {table} AS SELECT * REPLACE (time::TIMESTAMP AS time) FROM {lines}")
    return base.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
