"""What a collection would take: calls, minutes and dollars, before anything is listed.

Databases and tables are read, a call for a hundred tables, and CloudWatch is asked how many objects the buckets have.
A bucket may have more than its tables' folders do: what is told of listing is the most that it can be.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from windrow.catalog.collection.collected import Collected
from windrow.catalog.collection.collector import Asked, collect
from windrow.catalog.collection.measured import Progress
from windrow.catalog.locations import Folder, Size
from windrow.catalog.metastore.described import Run
from windrow.catalog.origins import Origin
from windrow.catalog.sizes.cloudwatch import Metered, metered
from windrow.catalog.sizes.listed import RATE
from windrow.catalog.sizes.nests import nests
from windrow.console import several
from windrow.errors import InputError

#: Dated prices, in dollars.
PRICES = Path(__file__).with_name("prices.json")
#: What a call lists: objects of a folder, and tables of a database.
_PAGE, _TABLES = 1000, 100
#: Reads of a log of Delta's, where it has a sum.
_DELTA = 3
#: Objects of one of an inventory's files, about.
_IN_A_FILE = 1_000_000
#: Seconds of CPU an object: listed, as benchmarks/catalog.py measures, and read from an inventory.
_LISTED, _INVENTORIED = 3e-6, 1e-6
#: Calls a second of Glue's, 16 at a time.
_CALLS = 100
#: Days and weeks of a month.
_DAYS, _WEEKS = 30.4, 4.35
#: Seconds that a Lambda may run.
_LAMBDA = 900


class Prices(NamedTuple):
    """Prices in dollars in a region, as of a month."""

    dated: str
    region: str
    s3_list_thousand: float
    s3_get_thousand: float
    s3_inventory_million_objects: float
    glue_million_requests: float
    s3_gigabyte_month: float


def load(place: Path | None = None) -> Prices:
    """A table of prices: windrow's own, or one of that form. Raises InputError."""
    place = place or PRICES
    try:
        told = json.loads(place.read_text())
        amounts = {name: float(told[name]) for name in Prices._fields[2:]}
        if min(amounts.values()) < 0:
            raise ValueError("a price is below 0")
        return Prices(str(told["dated"]), str(told["region"]), **amounts)
    except OSError as error:
        raise InputError(f"--prices {place}: {error.strerror}; copy {PRICES} and edit it") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"--prices {place}: is no table of prices ({type(error).__name__}: {error}): it is JSON with"
            f" {', '.join(Prices._fields)}; copy {PRICES} and edit it"
        ) from None


@dataclass(frozen=True)
class Bucket:
    """A bucket that tables are in."""

    name: str
    folders: int
    """Those of tables, without folders within them."""
    objects: int | None
    """All of the bucket's; None if that is not known."""
    bytes: int | None
    told: str
    """The day that these are of, or why they are not known."""

    @property
    def calls(self) -> int:
        """The most calls that list its folders; where its objects are not known, the fewest."""
        return self.folders + (self.objects or 0) // _PAGE


@dataclass(frozen=True)
class Cost:
    """What a run takes."""

    calls: int
    seconds: float
    dollars: float


@dataclass(frozen=True)
class Plan:
    """What a collection would read, and what that takes."""

    catalogs: int
    databases: int
    tables: int
    formats: dict[str, int]
    buckets: list[Bucket]
    unread: list[str]
    """What could not be read, and why."""
    catalog: Cost
    """Reading the catalog itself, and the own counts of tables that have one."""
    listing: Cost
    inventory: Cost
    rate: float
    prices: Prices

    @property
    def unknown(self) -> list[Bucket]:
        """Buckets of which it is not known how many objects they have."""
        return [bucket for bucket in self.buckets if bucket.objects is None]

    @property
    def saved(self) -> dict[str, float]:
        """Dollars a month that inventories would save a collection a day, by how often S3 writes them."""
        listing, inventory = self.listing.dollars * _DAYS, self.inventory.dollars
        return {"daily": listing - inventory * _DAYS, "weekly": listing - inventory * _WEEKS}

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {**asdict(self), "prices": self.prices._asdict(), "saved": self.saved}

    def lines(self) -> Iterator[str]:
        """The plan as text."""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.formats.items())
        folders = sum(bucket.folders for bucket in self.buckets)
        tables, databases = several(self.tables, "table"), several(self.databases, "database")
        yield f"{tables} in {databases} of {several(self.catalogs, 'catalog')}: {kinds or 'none'}"
        yield f"their files: {several(folders, 'folder')} in {several(len(self.buckets), 'bucket')}"
        for bucket in self.buckets:
            yield f"  {bucket.name}: {_of_bucket(bucket)}"
        yield ""
        yield f"{'a run':12}{'calls':>16}{'time':>12}{'dollars':>12}{'a month, daily':>16}"
        for name, cost in (("catalog", self.catalog), ("listing", self.listing), ("inventory", self.inventory)):
            month = money(cost.dollars * _DAYS)
            yield f"{name:12}{cost.calls:16,}{duration(cost.seconds):>12}{money(cost.dollars):>12}{month:>16}"
        yield ""
        yield from self._advice()

    def _advice(self) -> Iterator[str]:
        bound = "at least" if self.unknown else "at most"
        yield f"listing takes {bound} that, at {self.rate:g} calls a second: {_WHY[bound]}"
        yield f"S3 Inventory {_saving(self.saved)}; its sizes are up to a day, or a week, old"
        if self.listing.seconds > _LAMBDA:
            yield "a Lambda ends after 15 minutes: use --sizes inventory there, or run it elsewhere"
        yield f"prices are of {self.prices.dated} in {self.prices.region}; --prices has yours"
        yield from (f"not read: {each}" for each in self.unread)


_WHY = {
    "at most": "buckets may hold more than tables do",
    "at least": "of some buckets it is not known how many objects they have",
}


def _of_bucket(bucket: Bucket) -> str:
    folders, calls = several(bucket.folders, "folder"), several(bucket.calls, "call")
    if bucket.objects is None:
        return f"{folders}; its objects are not known ({bucket.told}); {calls} or more"
    return f"{folders}; {several(bucket.objects, 'object')} on {bucket.told}; {calls} at most"


def _saving(saved: Mapping[str, float]) -> str:
    """What inventories save, in words.

    >>> _saving({"daily": 92.31, "weekly": -4.2})
    'would save $92.31 a month if S3 writes it daily, cost $4.20 more if weekly'
    """
    daily, weekly = (f"save {money(one)}" if one >= 0 else f"cost {money(-one)} more" for one in saved.values())
    return f"would {daily} a month if S3 writes it daily, {weekly} if weekly"


def money(dollars: float) -> str:
    """Dollars to the cent.

    >>> money(1234.5), money(0.0041), money(0)
    ('$1,234.50', '< $0.01', '$0.00')
    """
    return "< $0.01" if 0 < dollars < 0.005 else f"${dollars:,.2f}"


def duration(seconds: float) -> str:
    """A time in its largest fitting unit.

    >>> duration(0.2), duration(90), duration(9000)
    ('1 s', '90 s', '150 min')
    """
    return f"{math.ceil(seconds)} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def make(origins: Sequence[Origin], run: Run, prices: Prices, rate: float = RATE, databases: Sequence[str] = (),
         all_catalogs: bool = False, progress: Progress = lambda share, text: None) -> Plan:  # fmt: skip
    """A plan of what a collection of these origins would take. Raises as `collect` does."""
    asked: list[tuple[Origin, Collection[Folder]]] = []

    def noted(origin: Origin, folders: Collection[Folder]) -> Iterator[tuple[Folder, Size | str]]:
        """A way to find sizes that finds none."""
        asked.append((origin, folders))
        return iter(())

    what = Asked(origins, noted, databases, max_partitions=0, all_catalogs=all_catalogs, counts_live=False)
    collected = collect(what, run, progress)
    buckets = list(_buckets(asked))
    return _priced(collected, buckets, prices, rate)


def _buckets(asked: Sequence[tuple[Origin, Collection[Folder]]]) -> Iterator[Bucket]:
    """The buckets of folders, each asked about once, with the first origin that has it."""
    roots: dict[str, set[Folder]] = defaultdict(set)
    first: dict[str, Origin] = {}
    for origin, folders in asked:
        for nest in nests(folders):
            roots[nest.root.bucket].add(nest.root)
            first.setdefault(nest.root.bucket, origin)
    of_origin: dict[Origin, list[str]] = defaultdict(list)
    for bucket, origin in first.items():
        of_origin[origin].append(bucket)
    known = {name: told for origin, names in of_origin.items() for name, told in metered(origin, names).items()}
    for name in sorted(roots):
        told, folders_in_it = known[name], len(roots[name])
        if isinstance(told, Metered):
            yield Bucket(name, folders_in_it, told.size.files, told.size.bytes, str(told.day))
        else:
            yield Bucket(name, folders_in_it, None, None, told)


def _priced(collected: Collected, buckets: list[Bucket], prices: Prices, rate: float) -> Plan:
    formats = Counter(str(row["format"]) for row in collected.tables)
    tables = Counter((row["account"], row["region"], row["databasename"]) for row in collected.tables)
    catalogs = len({(row["account"], row["region"]) for row in collected.databases})
    glue = catalogs + sum(math.ceil(count / _TABLES) for count in tables.values()) + len(collected.tables)
    reads = formats["iceberg"] + _DELTA * formats["delta"]
    objects = sum(bucket.objects or 0 for bucket in buckets)
    calls = sum(bucket.calls for bucket in buckets)
    return Plan(
        catalogs=catalogs,
        databases=sum(row["databasename"] is not None for row in collected.databases),
        tables=len(collected.tables),
        formats=dict(sorted(formats.items())),
        buckets=buckets,
        unread=collected.failures,
        catalog=Cost(
            glue + reads,
            (glue + reads) / _CALLS,
            glue / 1e6 * prices.glue_million_requests + reads / 1000 * prices.s3_get_thousand,
        ),
        listing=Cost(calls, max(calls / rate, objects * _LISTED), calls / 1000 * prices.s3_list_thousand),
        inventory=_of_inventory(objects, len(buckets), prices),
        rate=rate,
        prices=prices,
    )


def _of_inventory(objects: int, buckets: int, prices: Prices) -> Cost:
    """What S3 asks for an inventory, and reading it takes: a manifest of each bucket, and its data files."""
    reads = 3 * buckets + objects // _IN_A_FILE
    dollars = objects / 1e6 * prices.s3_inventory_million_objects + reads / 1000 * prices.s3_get_thousand
    return Cost(reads, objects * _INVENTORIED + buckets, dollars)
