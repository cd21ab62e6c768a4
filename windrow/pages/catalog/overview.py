"""A data catalog in words, figures and tables; and the page that has them beside the list of all tables."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np

from windrow.arrays import Floats, Ints
from windrow.console import several
from windrow.pages.catalog.lake import MOST_ROWS, Counted, Lake
from windrow.pages.sections import Figure, Section, Table, data_of, picture, vega
from windrow.pages.shell import Places, bare_page, part
from windrow.pages.vega import records, shortened
from windrow.times import DAY
from windrow.windows.growth import Growing, Growth
from windrow.windows.trend import Trend

#: Days that a projection goes on from, and goes ahead.
_WINDOW, _AHEAD = 90, 90
_MS_PER_DAY = 86_400_000
#: Ages of last updates, in days, and what they are called.
_AGES = ((1, "a day"), (7, "a week"), (30, "a month"), (90, "3 months"), (365, "a year"))
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def write(
    places: Places, title: str, subtitle: str, tiles: Sequence[Any], parts: Sequence[Section], listing: Any
) -> list[Path]:
    """Writes the page and the picture beside it; returns both places."""
    before = 1 + [section.title for section in parts].index("Storage")
    data = data_of(title, subtitle, parts) | {"tiles": list(tiles), "listing": {**listing, "before": before}}
    scripts = "\n".join(part(f"js/{name}.js") for name in ("numbers", "sections", "inert", "listing"))
    page = bare_page(data, "catalog.html", f"{vega()}\n{scripts}")
    return places.write(page, lambda: picture(title, subtitle, parts))


def tiles(lake: Lake) -> list[list[str]]:
    """Name, figure, and what is said of it, of what one asks first."""
    now = lake.storage[-1]
    unread = sum(bool(row["unread"]) for row in lake.databases)
    sizes = [value for value in lake.tables["stale_days"].to_pylist() if value is not None]
    stale = sum(value >= 30 for value in sizes)
    return [
        [
            "Tables",
            f"{lake.tables.num_rows:,}",
            f"in {several(sum(row['databasename'] is not None for row in lake.databases), 'database')}",
        ],
        ["Stored", size(now["bytes"]), several(now["files"] or 0, "file")],
        ["Grown in 30 days", size(lake.bytes_grown or 0, signed=True), "or since a table first appeared"],
        ["Not updated for 30 days", f"{stale:,}", f"of {several(len(sizes), 'table')} of known age"],
        ["Without a size", f"{lake.tables['bytes'].null_count:,}", f"{several(unread, 'database')} not read"],
    ]


def size(count: float | None, signed: bool = False) -> str:
    """Bytes as a person reads them, in powers of 1,000.

    >>> size(1_234_567), size(None), size(-2.5e12, signed=True), size(999)
    ('1.23 MB', 'not known', '−2.5 TB', '999 B')
    """
    if count is None or np.isnan(count):
        return "not known"
    amount, unit = abs(float(count)), 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    sign = "−" if count < 0 else "+" if signed and count > 0 else ""
    return f"{sign}{amount:.3g} {_UNITS[unit]}"


def sections(lake: Lake) -> list[Section]:
    """The sections, in the order of the page."""
    found = [_alerts(lake), _storage(lake), _growth(lake), _updates(lake), _use(lake), _shared(lake)]
    return [section for section in [*found, _changes(lake), _drift(lake), _unmeasured(lake)] if section is not None]


def _alerts(lake: Lake) -> Section | None:
    if lake.alerts is None:
        return None
    if not lake.alerts.found:
        return Section("Alerts", [f"{lake.alerts.name} was asked for no alerts."])
    rows = [[alert, f"{len(tables):,}"] for alert, tables in lake.alerts.found.items()]
    tables = [_alerted(alert, found) for alert, found in lake.alerts.found.items() if found]
    of = lake.alerts.day
    late = [f"These alerts are of {of}, and this page is of {lake.day}."] if of and of[:10] != str(lake.day) else []
    return Section("Alerts", late, tables=[Table(["Alert", "Tables"], rows), *tables])


def _alerted(alert: str, found: Sequence[tuple[str, float]]) -> Table:
    """The tables of an alert, those with the largest amounts first."""
    rows = [
        [shortened(symbol, 120), _amount(alert, value)]
        for symbol, value in sorted(found, key=lambda one: (-one[1], one[0]))
    ]
    return Table([alert, "Amount"], rows[:MOST_ROWS], more=rows[MOST_ROWS:])


def _amount(alert: str, value: float) -> str:
    """What a table has of what an alert is on.

    >>> _amount("size>1TB", 2.5e12), _amount("growth>20%/7d", 30.43), _amount("stale>30d", 41.25)
    ('2.5 TB', '30.4 %', '41.2 days')
    """
    if alert.startswith("files>"):
        return f"{value:,.0f}"
    if alert.startswith("stale>"):
        return f"{value:,.1f} days"
    return f"{value:,.1f} %" if "%" in alert else size(value)


def _storage(lake: Lake) -> Section:
    days = np.array([_day_number(row["snapshot"]) for row in lake.storage])
    bytes_of = np.array([np.nan if row["bytes"] is None else row["bytes"] for row in lake.storage], np.float64)
    figures = []
    words = []
    if len(days) > 1:
        trend = trend_of(days, bytes_of)
        caption = "Folders that several tables share count once."
        if trend is not None:
            caption += f" Dashed: {_AHEAD} days more at that pace, and its 95 % interval."
            middle, low, high = (max(0.0, trend.at(_AHEAD, slope)) for slope in (trend.slope, trend.low, trend.high))
            words.append(
                f"At the pace of the last {_WINDOW} days, or since the last step, storage changes by"
                f" {size(trend.slope, signed=True)} a day, reaching {size(middle)} in {_AHEAD} days ({size(low)} to"
                f" {size(high)})."
            )
        figures.append(Figure("Stored", _projected(days, bytes_of, trend), caption))
        counts = {
            "t": [_day_number(row["snapshot"]) * _MS_PER_DAY for row in lake.counts for _ in range(2)],
            "value": [row[name] for row in lake.counts for name in ("tables", "databases")],
            "what": [name for row in lake.counts for name in ("tables", "databases")],
        }
        figures.append(Figure("Databases and tables", _counts(counts), "", 180))
    else:
        words.append("This is the first snapshot: there is nothing to compare it with yet.")
    return Section("Storage", words, figures, [_databases(lake)])


def _databases(lake: Lake) -> Table:
    """The databases that store most."""
    rows = [
        [
            shortened(row["databasename"] or "", 60), row["account"] or "", row["region"] or "",
            f"{row['tables']:,}", size(row["bytes"]) if row["bytes"] is not None else "",
        ]
        for row in lake.stored[:MOST_ROWS]
    ]  # fmt: skip
    return Table(
        ["Database", "Account", "Region", "Tables", "Stored"], rows, _first("Databases", len(rows), len(lake.stored))
    )


def _growth(lake: Lake) -> Section | None:
    if not lake.grown.all:
        return None
    figures = []
    for label, days, sizes in lake.drawn:
        figures.append(Figure(shortened(label, 80), _projected(days, sizes, trend_of(days, sizes)), "", 130))
    rows = [
        [
            _named(lake, row), size(row["bytes_before"]), size(row["bytes_after"]),
            size(row["bytes_grown"], signed=True), _percent(row["percent_grown"]),
            size(row["bytes_a_day"], signed=True),
        ]
        for row in lake.grown.rows
    ]  # fmt: skip
    head = ["Table", "Before", "Now", "Grown", "", "A day"]
    words = [
        "In 30 days. Dashed: 90 days more at the pace of the last 90, or of those since a table was rewritten, robust"
        " to days that are not like others."
    ]
    table = Table(head, rows, _first("Tables by growth", len(rows), lake.grown.all))
    return Section("Growth", words, figures, [table], side_by_side=True)


def _updates(lake: Lake) -> Section:
    ages = np.array([np.nan if age is None else age for age in lake.tables["stale_days"].to_pylist()])
    sizes = np.array([0 if one is None else one for one in lake.tables["bytes"].to_pylist()], np.float64)
    edges = [-np.inf, *(float(days) for days, _ in _AGES), np.inf]
    labels = [f"within {name}" for _, name in _AGES] + ["longer ago"]
    rows: dict[str, list[Any]] = {"age": [], "tables": [], "stored": []}
    for low, high, label in zip(edges, edges[1:], labels, strict=False):
        within = (ages > low) & (ages <= high)
        rows["age"].append(label)
        rows["tables"].append(int(within.sum()))
        rows["stored"].append(size(float(sizes[within].sum())))
    if unknown := int(np.isnan(ages).sum()):
        rows["age"].append("not known")
        rows["tables"].append(unknown)
        rows["stored"].append(size(float(sizes[np.isnan(ages)].sum())))
    bars = alt.Chart(records(rows)).mark_bar().encode(
        x=alt.X("tables:Q", title="tables", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("age:N", title=None, sort=None),
        tooltip=["age:N", "tables:Q", "stored:N"],
    )  # fmt: skip
    return Section("Last updates", [], [Figure("Tables by their last update", bars, "", 24 * len(rows["age"]) + 40)])


_NO_USAGE = (
    "No usage is kept beside the snapshots: windrow catalog usage counts queries. What is known is Glue's own time of"
    " the last access, which is seldom kept."
)


def _use(lake: Lake) -> Section:
    def table(found: Counted, caption: str) -> Table:
        rows = [
            [
                _named(lake, row), _count(row["queries"]), _count(row["most_users_a_day"]), _date(row["last_used"]),
                size(row["bytes"]),
            ]
            for row in found.rows
        ]  # fmt: skip
        head = ["Table", "Queries", "Most users a day", "Last used", "Stored"]
        return Table(head, rows, _first(caption, len(rows), found.all))

    kept = any(row["queries"] is not None for row in lake.least_used.rows)
    words = ["Queries of the last 30 days." if kept else _NO_USAGE]
    tables = [table(lake.most_used, "Most used"), table(lake.least_used, "Least used")]
    return Section("Use", words, [], [one for one in tables if one.rows])


def _shared(lake: Lake) -> Section | None:
    if not lake.shared.all:
        return None
    rows = [
        [
            shortened(row["databasename"] or "", 60), row["account"] or "", row["region"] or "",
            row["sharedresourceowner"] or "", shortened(row["sharedresourcedatabasename"] or "", 60),
        ]
        for row in lake.shared.rows
    ]  # fmt: skip
    head = ["Database", "Account", "Region", "Shared by", "Name there"]
    return Section("Shared databases", [], [], [Table(head, rows, _first("Databases", len(rows), lake.shared.all))])


def _changes(lake: Lake) -> Section | None:
    if not lake.changes.all:
        return None
    by_day = {
        "t": [_day_number(row["snapshot"]) * _MS_PER_DAY for row in lake.changed_by_day],
        "tables": [row["number"] for row in lake.changed_by_day],
        "change": [row["change"] for row in lake.changed_by_day],
    }
    bars = alt.Chart(records(by_day)).mark_bar(width=3).encode(
        x=alt.X("t:T", title=None, scale=alt.Scale(type="utc")),
        y=alt.Y("tables:Q", title="tables", axis=alt.Axis(tickMinStep=1)),
        color=alt.Color(
            "change:N", title=None, sort=["created", "altered", "dropped"], legend=alt.Legend(symbolType="square")
        ),
        tooltip=[alt.Tooltip("t:T", title="day", format="%Y-%m-%d"), "change:N", "tables:Q"],
    )  # fmt: skip
    rows = [
        [
            _named(lake, row), row["change"], str(row["snapshot"]), _count(row["columns_before"]),
            _count(row["columns_after"]),
        ]
        for row in lake.changes.rows
    ]  # fmt: skip
    head = ["Table", "Change", "Day", "Columns before", "Columns after"]
    table = Table(head, rows, _first("The last changes", len(rows), lake.changes.all))
    return Section("Changes", [], [Figure("Tables created, altered and dropped", bars, "", 160)], [table])


def _drift(lake: Lake) -> Section | None:
    if not lake.drift.all:
        return None
    rows = [
        [
            _named(lake, row), f"{row['versions']:,}", _date(row["last_changed"]), _count(row["columns_first"]),
            _count(row["columns_last"]),
        ]
        for row in lake.drift.rows
    ]  # fmt: skip
    head = ["Table", "Schemas", "Last changed", "Columns at first", "Columns now"]
    return Section("Schemas that change", [], [], [Table(head, rows, _first("Tables", len(rows), lake.drift.all))])


def _unmeasured(lake: Lake) -> Section | None:
    if not lake.unmeasured:
        return None
    rows = [[shortened(row["reason"] or "", 80), f"{row['number']:,}"] for row in lake.unmeasured]
    words = ["A view or a link stores nothing of its own. Tables that were denied or failed are not counted above."]
    return Section("Without a size", words, [], [Table(["Why", "Tables or databases"], rows)])


def trend_of(days: Ints, sizes: Floats) -> Trend | None:
    """The trend of windrow catalog-growth, which goes on from the last step; the last day with a size is at 0."""
    growth, known = Growth("", Growing(_WINDOW * DAY)), ~np.isnan(sizes)
    growth.push(days[known] * DAY, sizes[known], np.full(np.count_nonzero(known), np.nan), last=False)
    return growth.trend()


def _projected(days: Ints, sizes: Floats, trend: Trend | None) -> Any:
    """Sizes by day, and where the trend takes them."""
    past = records({"t": (days * _MS_PER_DAY).tolist(), "bytes": sizes.tolist()})
    x = alt.X("t:T", title=None, scale=alt.Scale(type="utc"))
    y = alt.Y("bytes:Q", title=None, axis=alt.Axis(labelExpr=_LABEL), scale=alt.Scale(zero=True))
    line = alt.Chart(past).mark_line(strokeWidth=1.6).encode(x=x, y=y)
    if trend is None:
        return line
    ahead = [0, _AHEAD]
    rows: dict[str, list[float]] = {
        "t": [(int(days[~np.isnan(sizes)][-1]) + day) * _MS_PER_DAY for day in ahead],
        "bytes": [max(0.0, trend.at(day)) for day in ahead],
        "low": [max(0.0, trend.at(day, trend.low)) for day in ahead],
        "high": [max(0.0, trend.at(day, trend.high)) for day in ahead],
    }
    band = alt.Chart(records(rows)).mark_area(style="band").encode(x=x, y=alt.Y("low:Q", title=None), y2="high:Q")
    dashed = alt.Chart(records(rows)).mark_line(strokeDash=[6, 4], strokeWidth=1.6).encode(x=x, y=y)
    return alt.layer(band, line, dashed)


#: An axis of bytes in Vega's expressions, which know no names of powers of 1,000 but SI's.
_LABEL = "replace(format(datum.value, '.3~s'), 'G', ' G') + 'B'"


def _counts(rows: Mapping[str, Sequence[Any]]) -> Any:
    """Numbers of tables and databases by day, each with its own scale: there are many more tables."""
    return alt.Chart(records(rows)).mark_line(strokeWidth=1.6).encode(
        x=alt.X("t:T", title=None, scale=alt.Scale(type="utc")),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(tickMinStep=1), scale=alt.Scale(zero=True)),
        color=alt.Color("what:N", title=None, sort=["tables", "databases"]),
    )  # fmt: skip


def _named(lake: Lake, row: Mapping[str, Any]) -> str:
    return shortened(lake.name(row), 100)


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)) // timedelta(days=1)


def _first(what: str, shown: int, total: int) -> str:
    """How a table of the first rows is called."""
    return f"{what}: the first {shown:,} of {total:,}" if shown < total else what


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:+,.1f} %".replace("-", "−")


def _date(day: Any) -> str:
    return "" if day is None else str(day)[:10]
