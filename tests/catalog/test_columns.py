"""Symbols of tables: one a table, whatever databases and tables are called."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from jobs.catalog_growth import CatalogGrowth
from windrow.catalog.columns import symbol_of
from windrow.catalog.snapshots import begin, write
from windrow.frames.outputs import read_output

NAMES = st.text(st.sampled_from('ab."/'), min_size=1, max_size=4)


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_two_tables_have_two_symbols(one, other):
    assert (symbol_of("1", "eu", *one) == symbol_of("1", "eu", *other)) == (one == other)


def test_names_with_dots_grow_apart(run_job, tmp_path):
    place, run = str(tmp_path / "metrics"), {"run": "run-1", "account": "1", "region": "eu"}
    sizes = {("a", "b.c"): 5, ("a.b", "c"): 7}
    for day in (date(2026, 11, 29), date(2026, 11, 30)):
        tables = [
            {
                **run,
                "databasename": base,
                "tablename": name,
                "symbol": symbol_of("1", "eu", base, name),
                "bytes": size * day.day,
                "totalfilesons3": 1,
            }
            for (base, name), size in sizes.items()
        ]
        write(place, day, [run | {"databasename": base} for base, _ in sizes], tables, begin(place, day))
    ran = run_job("-q", "-o", tmp_path / "out", place, job=CatalogGrowth)
    assert ran.status == 0, ran.err
    found = read_output(tmp_path / "out")
    assert dict(zip(found["symbol"], found["bytes"], strict=True)) == {'1/eu/a."b.c"': 150, '1/eu/"a.b".c': 210}
