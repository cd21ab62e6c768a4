"""Outputs as rows to compare, to the bit: lines of text, and tables however they were read."""

from sort_keys.keys import decode_symbol


def rows_of(lines):
    """Lines of text as (symbol, time, values), values as the bits of floats, None where there is no value."""
    rows = [line.decode().split("\t") for line in lines]
    return sorted(
        (decode_symbol(row[0].encode()), row[1], tuple(float(field).hex() if field else None for field in row[2:]))
        for row in rows
    )


def rows_in(table, text=str):
    """Rows of symbol, time and values as `rows_of` returns them; `text` makes a time's text."""
    return sorted(
        (symbol, text(time), tuple(None if value is None else value.hex() for value in values))
        for symbol, time, *values in table
    )


def arrow_rows(table, text=str):
    """The same for an arrow table."""
    return rows_in(zip(*table.to_pydict().values(), strict=True), text)
