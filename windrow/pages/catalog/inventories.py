"""All tables as the page has them: columns of codes and packed numbers, and a sparkline of each table.

A sparkline has a byte a point: the share of the table's own largest size, 255 for none. 10,000 tables are 1.6 MB.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from windrow.arrays import Floats
from windrow.pages.catalog.lake import APART, Lake
from windrow.pages.packed import packed

#: What a point of a sparkline is where there is no size, and the largest that it can be.
_NONE, _MOST = 255, 254
#: Columns of texts of which few differ, and those by which one filters; and columns of numbers.
_CODED = ("account", "region", "databasename", "format", "tabletype", "owner", "unmeasured")
_FILTERS = ("account", "region", "databasename", "format")
_NUMBERS = ("bytes", "live_bytes", "totalfilesons3", "partitions", "columns", "grown", "queries", "stale_days")
#: Texts are this long at most: a page is no archive.
_LONGEST = 300


def packed_tables(lake: Lake) -> dict[str, Any]:
    """What windrow/pages/js/listing.js draws."""
    tables = lake.tables
    return {
        "rows": tables.num_rows,
        "day": lake.day.isoformat(),
        "apart": APART,
        "filters": list(_FILTERS),
        "names": [text[:_LONGEST] for text in texts(tables["tablename"])],
        "coded": {name: _coded(texts(tables[name])) for name in _CODED},
        "numbers": {name: packed(_numbers(tables[name])) for name in _NUMBERS} | {"used": packed(_days(tables))},
        "sparks": base64.b64encode(sparks(lake.sizes).tobytes()).decode(),
    }


def texts(column: pa.ChunkedArray) -> list[str]:
    """Texts of a column; what is null is empty."""
    return [text or "" for text in column.to_pylist()]


def sparks(sizes: Floats) -> Any:
    """Sizes (tables, points) as bytes.

    >>> sparks(np.array([[np.nan, 5.0, 10.0], [0.0, 0.0, 0.0]])).tolist()
    [[255, 127, 254], [0, 0, 0]]
    """
    known = ~np.isnan(sizes)
    largest = np.where(known, sizes, 0.0).max(axis=1, keepdims=True, initial=0.0)
    shares = np.divide(sizes, largest, out=np.zeros(sizes.shape), where=known & (largest > 0))
    return np.where(known, np.round(shares * _MOST), _NONE).astype(np.uint8)


def _coded(values: Sequence[str]) -> Mapping[str, Any]:
    names, codes = np.unique(
        np.array([text[:_LONGEST] for text in values], dtype=object).astype(str), return_inverse=True
    )
    return {"names": names.tolist(), "codes": packed(codes.astype(np.float64))}


def _numbers(column: pa.ChunkedArray) -> Floats:
    filled: Floats = pc.fill_null(pc.cast(column, pa.float64()), np.nan).to_numpy()
    return filled


def _days(tables: pa.Table) -> Floats:
    """When each table was last used, in days since 1970."""
    days = pc.cast(pc.cast(tables["last_used"], pa.date32()), pa.int32())
    return _numbers(days)
