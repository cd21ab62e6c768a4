"""`windrow catalog report`: a page of snapshots, whose names are data; what its list finds, sorts and saves."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from tests.pages.browser import wait_until
from windrow.catalog.columns import symbol_of
from windrow.catalog.snapshots import begin, write
from windrow.cli import main
from windrow.errors import InputError, OutputError, UsageError
from windrow.pages.catalog import catalog_report, lake
from windrow.pages.catalog.overview import sections, tiles, trend_of

pytestmark = pytest.mark.catalog
LAST, DAYS = date(2026, 11, 30), 100
ACCOUNT, REGION = "111122223333", "eu-west-1"
#: Names that somebody may give to a table: markup, a formula, a path, SQL, a very long one, right to left, emoji.
HOSTILE = [
    "</script><script>window.hit=1</script>", '=HYPERLINK("http://x")', "../../etc/passwd", 'x"; DROP TABLE t; --',
    "w" * 255, "مبيعات", "🦆_bars", "@SUM(A1)", "{{data}}&amp;", "-1+1",
]  # fmt: skip
SECTIONS = [
    "Storage", "All tables", "Growth", "Last updates", "Use", "Shared databases", "Changes", "Schemas that change",
    "Without a size",
]  # fmt: skip


def rows_of(day, number):
    """The rows of both trees on a day: hostile tables grow by 1 GB a day, each from another size on."""
    at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=6)
    more = {"account": ACCOUNT, "region": REGION, "collected_at": at, "run": f"run-{day}", "role": None}
    databases = [
        {"databasename": "sales", "createtime": at, "tables": 12, **more},
        {
            "databasename": "<b>theirs", "sharedresource": "Yes", "sharedresourceowner": "999988887777",
            "sharedresourcedatabasename": "orders", "tables": 0, **more,
        },
        {"databasename": "closed", "unread": "denied (AccessDeniedException)", **more},
    ]  # fmt: skip
    tables = []
    for place, name in enumerate([*HOSTILE, "a_view", *(["late"] if number >= 90 else [])]):
        size = None if name == "a_view" else (place + 1) * 10**12 + number * 10**9
        tables.append({
            "databasename": "sales", "tablename": name, "symbol": symbol_of(ACCOUNT, REGION, "sales", name),
            "createtime": datetime(2025, 1, 1, tzinfo=UTC), "updatetime": at, "stale_days": float(place * 20),
            "tabletype": "VIRTUAL_VIEW" if size is None else "EXTERNAL_TABLE", "location": f"s3://lake/{place}",
            "bytes": size, "totalfilesons3": None if size is None else 10 * place,
            "format": "hive" if place % 2 else "iceberg",
            "columns": 20 + (place == 0 and number > 50), "schema_hash": f"{place}-{place == 0 and number > 50}",
            "unmeasured": "view" if size is None else None, **more,
        })  # fmt: skip
    return databases, tables


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalog")
    for number in range(DAYS):
        day = LAST - timedelta(days=DAYS - 1 - number)
        write(str(folder), day, *rows_of(day, number), begin(str(folder), day))
    return folder


@pytest.fixture(scope="module")
def page(place, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "catalog.html"
    assert main(["catalog", "report", str(place), "-o", str(out)]) == 0
    return out


def opened(look, page, **options):
    tab = look(page, **options)
    wait_until(tab, "document.body.dataset.listed !== undefined")
    figures = len(tab.query_selector_all("figure"))
    wait_until(tab, f"document.body.dataset.drawn === '{figures}'")
    return tab


def shown(tab, column=1):
    return [one.inner_text() for one in tab.query_selector_all(f"#shown tr > :nth-child({column})")]


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("options", [{}, {"width": 390, "scheme": "dark"}], ids=["desktop", "phone"])
def test_all_of_a_catalog_is_on_one_page_and_names_are_data(page, look, options):
    tab = opened(look, page, **options)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    titles = [one.inner_text() for one in tab.query_selector_all("h2")]
    assert titles == SECTIONS
    assert tab.evaluate("window.hit") is None
    assert set(shown(tab)) == {*HOSTILE, "a_view", "late"}
    tiles = {one.query_selector("dt").inner_text(): one.query_selector("dd").inner_text()
             for one in tab.query_selector_all("#tiles div")}  # fmt: skip
    total = sum((at + 1) * 10**12 + 99 * 10**9 for at in [*range(len(HOSTILE)), len(HOSTILE) + 1])
    assert tiles["Tables"] == "12" and tiles["Stored"] == f"{total / 1e12:.3g} TB"
    assert tiles["Grown in 30 days"] == "+309 GB" and tiles["Without a size"] == "1"
    assert page.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.needs("chromium")
def test_the_list_is_sorted_filtered_and_searched(page, look):
    tab = opened(look, page)
    sizes = [(at + 1) * 10**12 for at in range(len(HOSTILE))]
    by_size = [name for _, name in sorted(zip(sizes, HOSTILE, strict=True), reverse=True)]
    assert shown(tab) == ["late", *by_size, "a_view"]
    tab.click("#heads >> text=Stored")
    assert shown(tab) == [*by_size[::-1], "late", "a_view"]  # what has no size is last either way
    assert tab.get_attribute("#heads th[aria-sort]", "aria-sort") == "ascending"
    tab.click("#heads >> text=Table")
    assert shown(tab) == sorted([*HOSTILE, "a_view", "late"])
    tab.select_option("#filters select", label="iceberg")
    assert set(shown(tab)) == {*HOSTILE[::2], "a_view"}
    assert tab.inner_text("#matches") == "6 of 12"
    tab.fill("#search", "SALES passwd")
    assert shown(tab) == ["../../etc/passwd"]
    tab.fill("#search", "nothing like it")
    assert shown(tab) == [] and tab.inner_text("#matches") == "0 of 12"


@pytest.mark.needs("chromium")
def test_saved_cells_are_inert(page, look):
    tab = opened(look, page)
    with tab.expect_download() as download:
        tab.click("#save")
    assert download.value.suggested_filename == "catalog-2026-11-30.csv"
    text = download.value.path().read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@", "\t", "\r", "-1+"))]
    assert {row["Table"].removeprefix("'") for row in rows} == {*HOSTILE, "a_view", "late"}
    stored = {row["Table"]: row["Stored (bytes)"] for row in rows}
    assert stored["late"] == str(12 * 10**12 + 99 * 10**9) and stored["a_view"] == ""


def test_figures_are_those_of_the_snapshots(place):
    read = lake.read(str(place), None, None)
    assert read.day == LAST and read.tables.num_rows == 12
    names = read.tables["tablename"].to_pylist()
    weeks = read.sizes[names.index(HOSTILE[0])]
    wanted = [10**12 + number * 10**9 for number in range(99, -1, -7)][::-1]
    assert np.isnan(weeks[: -len(wanted)]).all() and weeks[-len(wanted) :].tolist() == wanted
    assert np.isnan(read.sizes[names.index("a_view")]).all()
    late = read.sizes[names.index("late")]
    assert np.count_nonzero(~np.isnan(late)) == 2
    storage = next(section for section in sections(read) if section.title == "Storage")
    assert storage.words[0].startswith(
        "At the pace of the last 90 days, or since the last step, storage changes by +11 GB a day, reaching 69.1 TB in"
        " 90"
    )
    assert {row["change"]: row["number"] for row in read.changed_by_day} == {"altered": 1, "created": 1}
    [changes] = next(section for section in sections(read) if section.title == "Changes").figures
    colour = changes.chart.to_dict()["encoding"]["color"]
    assert colour["legend"]["symbolType"] == "square"  # the theme's symbols are strokes, and bars have none


def test_a_day_can_be_chosen_and_one_that_is_not_there_is_refused(place, tmp_path):
    read = lake.read(str(place), LAST - timedelta(days=50), None)
    assert read.day == date(2026, 10, 11) and read.tables.num_rows == 11
    with pytest.raises(UsageError, match=r"--day 2025-01-01: .* has no snapshot of this day"):
        catalog_report(str(place), day=date(2025, 1, 1), out=tmp_path / "page.html")


@pytest.mark.parametrize("form", ["text", "csv", "parquet"])
def test_alerts_of_an_output_of_growth_are_told(place, tmp_path, form):
    grown = tmp_path / "growth"
    asked = ["catalog-growth", "--quiet", "--alert", "size>10TB", "--alert", "files>1000000", "-o", str(grown)]
    assert main([*asked, "--output-format", form, str(place)]) == 0
    read = lake.read(str(place), None, str(grown))
    (section,) = (one for one in sections(read) if one.title == "Alerts")
    assert [row[:2] for row in section.tables[0].rows] == [["size>10TB", "2"], ["files>1000000", "0"]]
    assert read.alerts.day == str(LAST)
    for wrong in (tmp_path, place):
        with pytest.raises(InputError, match=rf"--growth {wrong}: is no output of windrow catalog-growth; give"):
            lake.read(str(place), None, str(wrong))


def test_one_day_is_a_page_too(tmp_path, capsys):
    write(str(tmp_path), LAST, *rows_of(LAST, 0), begin(str(tmp_path), LAST))
    page = tmp_path / "page.html"
    assert main(["catalog", "report", str(tmp_path), "-o", str(page)]) == 0
    assert "This is the first snapshot: there is nothing to compare it with yet." in page.read_text()
    assert main(["catalog", "report", str(tmp_path), "-o", str(page)]) == 1
    assert "already exists" in capsys.readouterr().err


def test_what_is_no_place_of_snapshots_is_refused(tmp_path):
    (tmp_path / "bars.csv").write_text("symbol,timestamp,close\n")
    with pytest.raises(InputError, match=rf"{tmp_path}: "):
        catalog_report(str(tmp_path), out=tmp_path / "page.html")
    with pytest.raises(OutputError, match="already exists"):
        (tmp_path / "there.html").touch()
        catalog_report(str(tmp_path), out=tmp_path / "there.html")


def test_tables_that_are_written_alike_keep_their_sizes(tmp_path):
    """a.b and c, a and b.c."""
    databases, (one, *_) = rows_of(LAST, 0)
    alike = [
        {
            **one,
            "databasename": base,
            "tablename": name,
            "symbol": symbol_of(ACCOUNT, REGION, base, name),
            "bytes": size,
        }
        for base, name, size in (("a", "b.c", 5), ("a.b", "c", 7))
    ]
    write(str(tmp_path), LAST, databases, alike, begin(str(tmp_path), LAST))
    assert lake.read(str(tmp_path), None, None).sizes[:, -1].tolist() == [5, 7]


def test_a_list_is_small(place, tmp_path):
    page, _ = catalog_report(str(place), out=tmp_path / "page.html")
    data = page.read_text().split('id="data">')[1].split("</script>")[0]
    assert len(json.loads(data)["listing"]["sparks"]) == -(-12 * lake.POINTS // 3) * 4


def days_of(place, *tables, days=40):
    """Snapshots of these tables: name, account, folder, and sizes by the number of the day."""
    for number in range(days):
        day = LAST - timedelta(days=days - 1 - number)
        _, (row, *_) = rows_of(day, number)
        rows = [
            {
                **row,
                **dict(zip(("databasename", "tablename"), name.split("."), strict=True)),
                "symbol": symbol_of(account, REGION, *name.split(".")),
                "account": account,
                "location": f"s3://lake/{folder}",
                "bytes": size(number),
            }
            for name, account, folder, size in tables
        ]
        bases = {(one["account"], one["databasename"]) for one in rows} or {(ACCOUNT, "empty")}
        databases = [
            {"account": account, "databasename": base, "region": REGION, "run": row["run"]} for account, base in bases
        ]
        write(str(place), day, databases, rows, begin(str(place), day))


def test_tables_of_one_name_in_two_accounts_are_both_drawn_and_told_apart(tmp_path):
    tables = [
        ("w.orders", account, account, lambda number: 1000 * (number + 1)) for account in (ACCOUNT, "444455556666")
    ]
    days_of(tmp_path, *tables)
    read = lake.read(str(tmp_path), None, None)
    names = [f"w.orders ({account} {REGION})" for account in (ACCOUNT, "444455556666")]
    assert [label for label, *_ in read.drawn] == names
    [growth] = [one for one in sections(read) if one.title == "Growth"]
    assert [row[0] for row in growth.tables[0].rows] == names and [one.title for one in growth.figures] == names


def test_what_tables_share_counts_once_on_a_page(tmp_path):
    """The folder of `b.part` is within that of `a.all`, which two accounts know."""
    days_of(
        tmp_path,
        ("a.all", ACCOUNT, "a", lambda number: 1000 + number),
        ("a.all", "444455556666", "a/", lambda number: 1000 + number),
        ("b.part", ACCOUNT, "a/b", lambda number: 400 + number),
        ("b.part2", ACCOUNT, "a/b", lambda number: 400 + number),
    )
    read = lake.read(str(tmp_path), None, None)
    assert read.storage[-1] == {"snapshot": LAST, "bytes": 1039, "files": 0, "tables": 4}
    assert [(row["databasename"], row["bytes"]) for row in read.stored] == [("a", 1039), ("a", 1039), ("b", 439)]
    assert read.bytes_grown == 30


def test_a_projection_of_a_table_goes_on_from_its_last_step():
    """As windrow catalog-growth does: it was rewritten to a tenth, and grows since then by 10 a day."""
    days = np.arange(40)
    trend = trend_of(days, np.where(days < 20, 10_000.0 + 10 * days, 1000.0 + 10 * days))
    assert trend.slope == 10 and trend.at(90) == 1390 + 900


def test_a_table_that_was_created_anew_is_drawn_since_then(tmp_path):
    for number in range(20):
        day = LAST - timedelta(days=19 - number)
        databases, (row, *_) = rows_of(day, number)
        new = {**row, "createtime": datetime(2026, 11, 21, tzinfo=UTC), "bytes": number}
        new = new if number >= 10 else {**row, "bytes": 10**6}
        write(str(tmp_path), day, databases, [new], begin(str(tmp_path), day))
    [(_, days, sizes)] = lake.read(str(tmp_path), None, None).drawn
    assert sizes.tolist() == list(range(10, 20)) and days[0] == (LAST - timedelta(9) - date(1970, 1, 1)).days


def test_a_day_without_a_table_is_a_page_too(tmp_path):
    days_of(tmp_path, ("a.b", ACCOUNT, "a", lambda number: 5), days=3)
    databases, _ = rows_of(LAST, 0)
    write(str(tmp_path), LAST, databases, [], begin(str(tmp_path), LAST))
    page, _ = catalog_report(str(tmp_path), out=tmp_path / "page.html")
    read = lake.read(str(tmp_path), None, None)
    assert read.day == LAST and read.tables.num_rows == 0
    found = {name: amount for name, amount, _ in tiles(read)}
    assert found["Tables"] == "0" and found["Stored"] == "not known" and page.exists()


@pytest.fixture(scope="module")
def alerted(place, tmp_path_factory):
    """A page with the alerts of an output of growth."""
    folder = tmp_path_factory.mktemp("alerts")
    asked = [
        "catalog-growth",
        "--quiet",
        "--alert",
        "size>1TB",
        "--alert",
        "files>1000000",
        "-o",
        str(folder / "growth"),
    ]
    assert main([*asked, str(place)]) == 0
    page, _ = catalog_report(str(place), growth=str(folder / "growth"), out=folder / "page.html")
    return folder / "growth", page


def test_all_tables_of_an_alert_are_on_the_page_the_largest_first(place, alerted):
    growth, _ = alerted
    [section] = [one for one in sections(lake.read(str(place), None, str(growth))) if one.title == "Alerts"]
    summary, table = section.tables
    assert summary.rows == [["size>1TB", "11"], ["files>1000000", "0"]] and not section.words
    rows = [*table.rows, *table.more]
    assert len(table.rows) == 10 and len(rows) == 11
    assert rows[0] == [f"{ACCOUNT}/{REGION}/sales.late", "12.1 TB"] and rows[-1][1] == "1.1 TB"
    [section] = [
        one for one in sections(lake.read(str(place), LAST - timedelta(20), str(growth))) if one.title == "Alerts"
    ]
    assert section.words == ["These alerts are of 2026-11-30, and this page is of 2026-11-10."]


@pytest.mark.needs("chromium")
def test_more_tables_of_an_alert_are_shown_and_a_link_finds_a_table(alerted, look):
    tab = opened(look, alerted[1])
    rows = "section:has(h2:text-is('Alerts')) .scroll >> nth=1 >> tbody tr"
    assert tab.locator(rows).count() == 10
    tab.click("text=Show 1 more")
    assert tab.locator(rows).count() == 11 and tab.evaluate("window.hit") is None
    tab.evaluate("location.hash = '#table=' + encodeURIComponent('sales.@SUM(A1)')")
    wait_until(tab, "document.body.dataset.listed === '1'")
    assert shown(tab) == ["@SUM(A1)"]
    tab.reload()
    wait_until(tab, "document.body.dataset.listed === '1'")
    assert shown(tab) == ["@SUM(A1)"] and tab.input_value("#search") == "sales.@SUM(A1)"


@pytest.mark.needs("chromium")
def test_growth_is_drawn_in_two_columns_where_there_is_room(page, look):
    for width, columns in ((1280, 2), (390, 1)):
        tab = opened(look, page, width=width)
        boxes = [one.bounding_box() for one in tab.query_selector_all(".pairs figure")]
        assert len(boxes) == 4 and len({round(box["x"]) for box in boxes}) == columns


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [1280, 390])
def test_one_long_name_does_not_take_the_figures_out_of_sight(alerted, look, width):
    tab = opened(look, alerted[1], width=width)
    for box in tab.query_selector_all("#sections tbody th"):
        assert box.bounding_box()["width"] <= max(0.5 * width, 180)


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [1280, 390])
def test_names_of_tables_stay_on_a_line_and_texts_at_the_left(page, look, width):
    tab = opened(look, page, width=width)
    assert {box.bounding_box()["height"] for box in tab.query_selector_all("#rows #shown th")} == {34}
    heads = {cell.inner_text(): cell.evaluate("cell => getComputedStyle(cell).textAlign")
             for cell in tab.query_selector_all("#sections section:first-of-type th[scope=col]")}  # fmt: skip
    assert heads["Account"] == heads["Region"] == "left" and heads["Tables"] == heads["Stored"] == "right"
