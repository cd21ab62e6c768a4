"""A day is the old or the new one: killed at every write, written by two at a time; a torn day is told and repaired."""

import os
import signal
import sys
from contextlib import suppress
from datetime import date
from hashlib import sha256
from io import BytesIO
from itertools import combinations, groupby
from pathlib import Path
from threading import Semaphore, Thread, current_thread

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from windrow.catalog import snapshots
from windrow.catalog.columns import TABLES
from windrow.errors import InputError, OutputError
from windrow.storage import replacing, s3
from windrow.storage.source import source_of

pytestmark = pytest.mark.catalog
DAY = date(2026, 11, 30)


def rows_of(run, databases=("sales", "web")):
    """A run's rows: two databases, of which the first has tables that no other run has."""
    at = {"run": run, "account": "1", "region": "eu-west-1"}
    tables = [
        {"tablename": f"{run}_{number}", "databasename": databases[0], "bytes": number, **at} for number in (2, 1)
    ]
    return [{"databasename": name, "description": run, **at} for name in databases], tables


def collect(place, run, day=DAY):
    """A run from its begin to its end; what it found."""
    found = snapshots.begin(place, day)
    snapshots.write(place, day, *rows_of(run), found)
    return found


def is_whole(snapshot):
    """Whether a day has all rows of its run, in order, and no others."""
    databases, tables = rows_of(snapshot.run)
    return (
        snapshot.databases.select(["databasename", "description"]).to_pylist()
        == [{"databasename": row["databasename"], "description": snapshot.run} for row in databases]
        and snapshot.tables["tablename"].to_pylist() == sorted(row["tablename"] for row in tables)
        and set(snapshot.tables["run"].to_pylist()) == set(snapshot.databases["run"].to_pylist()) == {snapshot.run}
    )


def read(place, day=DAY):
    """The run of a day, which must be whole; None if there is no snapshot of it."""
    with suppress(InputError):
        snapshot = snapshots.read_day(place, day)
        assert is_whole(snapshot)
        return snapshot.run
    return None


@pytest.fixture(params=["here", "s3"])
def place(request, tmp_path):
    """A place for snapshots."""
    if request.param == "here":
        return str(tmp_path / "metrics")
    request.getfixturevalue("aws")
    boto3.client("s3").create_bucket(
        Bucket="metrics", CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
    )
    return "s3://metrics/a b/=c"


def visible(place):
    return [name for name in source_of(place).below(place) if "/." not in name]


OBJECTS = [f"{tree}/year=2026/month=11/day=30/{tree}.parquet" for tree in ("databases", "tables")]


def test_a_day_has_one_object_a_tree_and_is_read_as_it_was_written(place):
    assert collect(place, "one") == (None, None, None)
    assert (visible(place), snapshots.days(place), read(place)) == (OBJECTS, [DAY], "one")
    assert collect(place, "two").torn is None and read(place) == "two"
    collect(place, "three", date(2026, 3, 1))
    assert snapshots.days(place) == [date(2026, 3, 1), DAY] and read(place, date(2026, 3, 1)) == "three"
    assert snapshots.torn(place, DAY) is None and snapshots.torn(place, date(2020, 1, 1)) is None


def test_a_place_may_be_named_in_several_ways(tmp_path, monkeypatch, aws):
    monkeypatch.chdir(tmp_path)
    where = {"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
    boto3.client("s3").create_bucket(Bucket="metrics", CreateBucketConfiguration=where)
    collect("metrics", "here")
    collect("s3://metrics", "there")
    for name in ("metrics", "./metrics/", f"file:{tmp_path}/metrics", "x/../metrics", str(tmp_path / "metrics")):
        Path("x").mkdir(exist_ok=True)
        assert (snapshots.days(name), read(name)) == ([DAY], "here")
    for name in ("s3://metrics", "s3://metrics/", "s3a://metrics", "S3://metrics"):
        assert (snapshots.days(name), read(name)) == ([DAY], "there")


def test_objects_are_sorted_and_compressed_by_zstd(tmp_path):
    collect(str(tmp_path), "one")
    for name, column in zip(OBJECTS, ("databasename", "tablename"), strict=True):
        file = pq.ParquetFile(tmp_path / name)
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
        values = file.read()[column].to_pylist()
        assert len(values) == 2 and values == sorted(values)


# Killed.


def killed_at(step, place, run):
    """Whether a run was killed at its step of that number, in a process of its own: at a write of a file, or at what is
    asked of S3, before it is asked and after it is answered.
    """
    child = os.fork()
    if not child:
        status = 1
        try:
            steps = iter(range(10**6))

            def count(*_, **__):
                if next(steps) == step:
                    os.kill(os.getpid(), signal.SIGKILL)

            watch(place, count)
            collect(place, run)
            status = 0
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL)
    return status == signal.SIGKILL


def watch(place, count):
    """Calls a function at each write of this process."""
    if s3.is_s3(place):
        for event in ("before-send.s3", "response-received.s3"):
            s3.client().meta.events.register_first(event, count)
        return

    def heard(event, arguments):
        written = event in ("os.mkdir", "os.rename", "os.remove", "fcntl.flock") or (
            event == "open" and arguments[1] and set(arguments[1]) & set("wxa")
        )
        if written and (event == "fcntl.flock" or place in str(arguments[0])):
            count()

    def copied(source, target, _):
        while piece := source.read(1000):
            target.write(piece)
            target.flush()
            count()

    sys.addaudithook(heard)
    replacing.copyfileobj = copied


@pytest.mark.parametrize("before", [[], ["old"]], ids=["new day", "day again"])
def test_killed_at_every_write_a_day_is_the_old_or_the_new_one_and_the_next_run_repairs_it(place, before):
    for run in before:
        collect(place, run)
    old, seen = read(place), []
    for step in range(1000):
        if not killed_at(step, place, f"new{step}"):
            break
        now = read(place)
        assert now in (old, f"new{step}")
        torn = snapshots.torn(place, DAY)
        seen.append((now != old, bool(torn)))
        if now != old or torn:  # as it was: else the next one would begin elsewhere
            old = f"repaired{step}" if step % 2 or before else old
            if old:
                assert collect(place, old).torn == torn
                assert snapshots.torn(place, DAY) is None and visible(place) == OBJECTS
    assert step > 8 and read(place) == f"new{step}"
    assert {(False, False), (True, False)} < set(seen) and (False, True) in seen, "no kill was where it matters"


# Two at a time.


def test_of_two_that_begin_together_the_second_to_write_is_told_and_nothing_of_it_is_kept(place):
    for before in (None, "old"):
        if before:
            collect(place, before)
        found = {run: snapshots.begin(place, DAY) for run in ("first", "second")}
        assert read(place) == before
        snapshots.write(place, DAY, *rows_of("first"), found["first"])
        with pytest.raises(OutputError) as refused:
            snapshots.write(place, DAY, *rows_of("second"), found["second"])
        assert str(refused.value) == (
            f"{place}/{OBJECTS[0]}: another run has written this day since this one began, so that nothing of this one"
            " is kept; use the other's snapshot, or collect again once no other run is under way"
        )
        assert (read(place), visible(place), snapshots.torn(place, DAY)) == ("first", OBJECTS, None)


class Run(Thread):
    """A run that takes a step when it is told to."""

    def __init__(self, name):
        super().__init__()
        self.run_name, self.told, self.done = name, False, False
        self.waits, self.goes = Semaphore(0), Semaphore(0)

    def run(self):
        try:
            collect("mem:/metrics", self.run_name)
        except OutputError as error:
            assert "another run has written this day since this one began" in str(error)
            self.told = True
        finally:
            self.done = True
            self.waits.release()

    def step(self):
        """What the run calls before each step."""
        self.waits.release()
        self.goes.acquire()

    def advance(self):
        """Has the next step taken, if one is left."""
        if not self.done:
            self.goes.release()
            self.waits.acquire()


class Memory:
    """Objects in memory; each look and each replacement of a run is a step."""

    def __init__(self, objects):
        self.objects = dict(objects)

    def revision(self, uri):
        if isinstance(current_thread(), Run):
            current_thread().step()
        return sha256(self.objects[uri]).hexdigest() if uri in self.objects else None

    def replace(self, uri, path, revision):
        if self.revision(uri) != revision:
            return None
        self.objects[uri] = path.read_bytes()
        return sha256(self.objects[uri]).hexdigest()

    def open(self, uri):
        return BytesIO(self.objects[uri])

    def path(self, uri):
        return None

    def download(self, uris, folder):
        for uri in uris:
            Path(folder, uri.rpartition("/")[2]).write_bytes(self.objects[uri])


#: What was read of objects, by their digest, and whether the next run makes such a day whole.
KNOWN = {}


def looked_at(store):
    """The run of the day, which must be whole, and must be whole again after the next run."""
    key = sha256(repr(sorted(store.objects.items())).encode()).digest()
    if key not in KNOWN:
        KNOWN[key] = read("mem:/metrics")
        objects = dict(store.objects)
        collect("mem:/metrics", "next")
        assert read("mem:/metrics") == "next" and snapshots.torn("mem:/metrics", DAY) is None
        store.objects = objects
    return KNOWN[key]


def raced(store, order):
    """Two runs at a time, whose steps are taken in this order: those that were told, and the runs the day was of."""
    runs = {name: Run(name) for name in "AB"}
    seen = [looked_at(store)]
    for one in runs.values():
        one.start()
        one.waits.acquire()
    for name in (*order, *"AAAAAAAABBBBBBBB"):
        if not runs[name].done:
            runs[name].advance()
            seen.append(looked_at(store))
    for one in runs.values():
        one.join()
    return {name for name, one in runs.items() if one.told}, [run for run, _ in groupby(seen)]


def begun(monkeypatch, old, torn):
    """The objects as two runs begin."""
    store = Memory({})
    monkeypatch.setattr(snapshots, "source_of", lambda uri: store)
    if old:
        collect("mem:/metrics", "old")
    if torn:
        with monkeypatch.context() as patched, pytest.raises(OutputError):
            replace, found = Memory.replace, snapshots.begin("mem:/metrics", DAY)
            patched.setattr(Memory, "replace", lambda *of: replace(*of) if "databases" in of[1] else None)
            snapshots.write("mem:/metrics", DAY, *rows_of("killed"), found)
        assert snapshots.torn("mem:/metrics", DAY)
    return store.objects


BEGINS = [(old, torn) for torn in (False, True) for old in (False, True)]


@pytest.mark.parametrize(("old", "torn"), BEGINS)
@pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.full)])
def test_of_two_that_collect_a_day_one_is_told_in_whatever_order_they_take_steps(monkeypatch, old, torn, every):
    start, outcomes = begun(monkeypatch, old, torn), set()
    steps = 6 if old or torn else 4
    for chosen in list(combinations(range(2 * steps), steps))[::every]:
        store = Memory(start)
        monkeypatch.setattr(snapshots, "source_of", lambda uri, store=store: store)
        told, seen = raced(store, ["A" if place in chosen else "B" for place in range(2 * steps)])
        # Whole at each moment, and of those that were not told, each in its turn.
        assert seen[0] == ("old" if old else None)
        assert {*seen[1:]} == {"A", "B"} - told and len(seen) == len({*seen}), (chosen, told, seen)
        outcomes.add((*seen[1:],))
    assert outcomes & {("A",), ("B",)} and (every > 1 or outcomes == {("A",), ("B",), ("A", "B"), ("B", "A")})


# What is there.


def test_a_torn_day_is_told_in_words(monkeypatch):
    store = Memory(begun(monkeypatch, old=True, torn=True))
    monkeypatch.setattr(snapshots, "source_of", lambda uri: store)
    told = (
        "2026-11-30: a run has not finished writing this day: of its databases only those of run old count; the next"
        " run of this day takes that away"
    )
    assert snapshots.begin("mem:/metrics", DAY).torn == snapshots.torn("mem:/metrics", DAY) == told
    tables = store.objects.pop(f"mem:/metrics/{OBJECTS[1]}")
    assert snapshots.torn("mem:/metrics", DAY) == (
        "2026-11-30: a run has not finished writing this day, of which there is no snapshot; the next run of this day"
        " takes that away"
    )
    store.objects = {f"mem:/metrics/{OBJECTS[1]}": tables}
    assert snapshots.torn("mem:/metrics", DAY) == (
        "2026-11-30: the snapshot has tables but no databases, which something has removed; the next run of this day"
        " takes that away"
    )
    assert snapshots.read_day("mem:/metrics", DAY).databases.num_rows == 0


def rewritten(place, tree, change):
    """Writes a day's object anew, as another program does it: its rows changed, without windrow's metadata."""
    path = Path(snapshots.uri_of(str(place), tree, DAY))
    table = change(pq.read_table(path, partitioning=None).replace_schema_metadata(None))
    pq.write_table(table, path)


def test_columns_of_other_versions_are_united_by_name(tmp_path):
    collect(str(tmp_path), "one")
    rewritten(
        tmp_path, "tables", lambda rows: rows.drop_columns(["bytes", "format"]).append_column("new", pa.array([1, 2]))
    )
    tables = snapshots.read_day(str(tmp_path), DAY).tables
    assert tables.column_names == [*TABLES.names, "new"] and tables["new"].to_pylist() == [1, 2]
    assert tables["bytes"].null_count == tables["format"].null_count == 2
    assert tables.schema.field("bytes").type == "int64"


def test_an_object_that_another_program_has_written_anew_says_its_run_by_its_rows(tmp_path):
    collect(str(tmp_path), "one")
    for tree in ("databases", "tables"):
        rewritten(tmp_path, tree, lambda rows: rows)
    assert read(str(tmp_path)) == "one" and snapshots.torn(str(tmp_path), DAY) is None
    collect(str(tmp_path), "two")
    assert read(str(tmp_path)) == "two"


def as_type(name, kind):
    return lambda rows: rows.set_column(rows.column_names.index(name), name, rows[name].cast(kind))


@pytest.mark.parametrize(
    "change",
    [
        as_type("collected_at", pa.timestamp("ns")),
        as_type("collected_at", pa.timestamp("ms", "Europe/Berlin")),
        as_type("databasename", pa.dictionary(pa.int32(), pa.string())),
        as_type("databasename", pa.large_string()),
        as_type("tables", pa.float64()),
        as_type("snapshot", pa.string()),
    ],
)
def test_types_of_other_programs_are_those_of_today(tmp_path, change):
    collect(str(tmp_path), "one")
    was = snapshots.read_day(str(tmp_path), DAY)
    rewritten(tmp_path, "databases", change)
    assert snapshots.read_day(str(tmp_path), DAY).databases.equals(was.databases)
    collect(str(tmp_path), "two")
    assert read(str(tmp_path)) == "two"


def test_a_column_of_another_kind_is_refused(tmp_path):
    collect(str(tmp_path), "one")
    texts = pa.array(["many", "few"])
    rewritten(tmp_path, "tables", lambda rows: rows.drop_columns(["bytes"]).append_column("bytes", texts))
    says = r"tables\.parquet: its column bytes is of type string, which is no int64 \(.*\); put it back from a copy"
    with pytest.raises(InputError, match=says):
        snapshots.read_day(str(tmp_path), DAY)


def of_two_runs(rows):
    other = rows.set_column(rows.column_names.index("run"), "run", pa.array(["x"] * len(rows)))
    return pa.concat_tables([rows, other])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows.drop_columns(["run"]),
         "has no column run, so it is no object of a snapshot; remove it, or name another folder"),
        (of_two_runs,
         "has rows of 2 runs, but a day's tables are all of one; put it back from a copy, or remove it"),
    ],
)  # fmt: skip
def test_an_object_that_is_none_of_a_snapshot_is_refused(tmp_path, change, says):
    collect(str(tmp_path), "one")
    rewritten(tmp_path, "tables", change)
    for ask in (snapshots.begin, snapshots.read_day):
        with pytest.raises(InputError) as refused:
            ask(str(tmp_path), DAY)
        assert str(refused.value) == f"{tmp_path}/{OBJECTS[1]}: {says}"


@pytest.mark.parametrize("name", OBJECTS)
def test_a_damaged_object_is_refused(tmp_path, name):
    collect(str(tmp_path), "one")
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-9])
    says = r"\.parquet: is no whole Parquet file .*; put it back from a copy, or remove it"
    for ask in (snapshots.begin, snapshots.read_day):
        with pytest.raises(InputError, match=says):
            ask(str(tmp_path), DAY)


def test_an_object_that_says_no_runs_is_refused(tmp_path):
    collect(str(tmp_path), "one")
    path = tmp_path / OBJECTS[1]
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.replace_schema_metadata({b"windrow.runs": b"one"}), path)
    for ask in (snapshots.begin, snapshots.read_day):
        with pytest.raises(InputError, match="put it back from a copy, or remove it"):
            ask(str(tmp_path), DAY)


NONE = (
    "has no snapshots, that is no tables/year=YYYY/month=MM/day=DD/tables.parquet; give the folder that"
    " `windrow catalog collect` wrote"
)


def test_a_folder_that_has_no_snapshots_is_refused(place, tmp_path):
    folders = [place, str(tmp_path), str(tmp_path / "nothing")]
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "README.md").write_text("no snapshot")
    (tmp_path / "databases/year=2026/month=11/day=30").mkdir(parents=True)
    (tmp_path / OBJECTS[0]).touch()
    for folder in folders:
        with pytest.raises(InputError) as refused:
            snapshots.days(folder)
        assert str(refused.value) == f"{folder}: {NONE}"
    with pytest.raises(InputError) as refused:
        snapshots.read_day(place, DAY)
    assert str(refused.value) == (
        f"{place}: has no snapshot of 2026-11-30; `windrow catalog collect` makes one of each day on which it runs"
    )


def test_places_that_are_none_are_refused(tmp_path):
    with pytest.raises(InputError, match="'': the name of a place is empty; name the folder"):
        snapshots.begin("", DAY)
    for uri in ("hdfs:///metrics", "kinesis://metrics"):
        with pytest.raises(OutputError) as refused:
            snapshots.begin(uri, DAY)
        assert str(refused.value) == (
            f"{uri}/{OBJECTS[0]}: what is written anew, such as snapshots, is kept here or on S3, for"
            f" {uri.partition(':')[0]}: does not tell who of two has written first; use a folder here, or s3://BUCKET/FOLDER"
        )
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written: Not a directory; use a place that can be written to"):
        collect(str(tmp_path / "file"), "one")
    (tmp_path / "tables/year=2026/month=02/day=30").mkdir(parents=True)
    (tmp_path / "tables/year=2026/month=02/day=30/tables.parquet").touch()
    with pytest.raises(InputError, match="is of no day of the calendar; remove it, or give it its day"):
        snapshots.days(str(tmp_path))


def test_a_day_that_is_replaced_at_each_read_is_refused(tmp_path, monkeypatch):
    collect(str(tmp_path), "one")
    read_table, number = pq.read_table, iter(range(100))

    def meanwhile(*args, **options):
        rows = read_table(*args, **options)
        if Path(args[0]).stem == "tables":
            monkeypatch.setattr(pq, "read_table", read_table)
            collect(str(tmp_path), f"run{next(number)}")
            if next(number) < wanted:
                monkeypatch.setattr(pq, "read_table", meanwhile)
        return rows

    wanted = 5
    monkeypatch.setattr(pq, "read_table", meanwhile)
    assert read(str(tmp_path)) == "run4", "read again until it was whole"
    wanted = 100
    monkeypatch.setattr(pq, "read_table", meanwhile)
    with pytest.raises(InputError, match="2026-11-30 was replaced 5 times while it was read; read it again later"):
        snapshots.read_day(str(tmp_path), DAY)
