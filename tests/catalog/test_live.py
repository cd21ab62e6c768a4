"""Live bytes of tables by their own count: Iceberg's snapshots and Delta's logs, as their engines write them."""

import gzip
import io
import json
import zlib
from types import SimpleNamespace

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.wire import answers, denied, refused
from windrow.catalog.live import metadata
from windrow.catalog.live.counts import live_bytes

ORIGIN = SimpleNamespace(new_client=boto3.client)
PLACE = "s3://lake/sales/orders/metadata/00003-0c7d.metadata.json"
DELTA = "s3://lake/sales/orders"


@pytest.fixture
def lake(lake):
    lake.bucket("lake")
    return lake


# Iceberg.


def iceberg(*places):
    tables = [("iceberg", {"Parameters": {"table_type": "ICEBERG", "metadata_location": place}}) for place in places]
    return list(live_bytes(ORIGIN, tables))


def snapshots(*sizes, current=-1):
    """Metadata of a table that has had these sizes, of which one is current."""
    summaries = [{"operation": "append", "total-data-files": "9", "total-files-size": size} for size in sizes]
    told = [{"snapshot-id": 10**18 + number, "summary": one} for number, one in enumerate(summaries)]
    return {
        "format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": "s3://lake/sales/orders",
        "current-snapshot-id": told[current]["snapshot-id"], "snapshots": told,
    }  # fmt: skip


@pytest.mark.parametrize("current, size", [(-1, 3 * 10**14), (0, 1200)])
def test_the_current_snapshot_of_iceberg_counts(lake, current, size):
    lake.put(PLACE, body=json.dumps(snapshots("1200", "77", str(3 * 10**14), current=current)).encode())
    with answers({}) as calls:
        assert iceberg(PLACE) == [size]
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["v3.gz.metadata.json", "00003-0c7d.metadata.json.gz", "v3.metadata.json"])
def test_metadata_that_is_compressed(lake, name):
    place = f"s3://lake/sales/orders/metadata/{name}"
    lake.put(place, body=gzip.compress(json.dumps(snapshots("1200")).encode()))
    assert iceberg(place) == [1200]


@pytest.mark.parametrize("current", [None, -1])
def test_a_table_of_iceberg_without_snapshots_is_empty(lake, current):
    lake.put(PLACE, body=json.dumps({"current-snapshot-id": current, "snapshots": []}).encode())
    assert iceberg(PLACE) == [0]


WHOLE = json.dumps(snapshots("1200")).encode()
#: Metadata that tells no size, and the reason.
UNKNOWN = {
    "nothing": (b"", "malformed metadata"),
    "cut off": (WHOLE[:-9], "malformed metadata"),
    "a list": (b"[]", "malformed metadata"),
    "gzip that is cut off": (gzip.compress(WHOLE)[:-9], "malformed metadata"),
    "gzip that is none": (b"\x1f\x8b\x08nonsense", "malformed metadata"),
    "a current snapshot that is not there": (WHOLE.replace(b'"snapshot-id"', b'"id"'), "malformed metadata"),
    "snapshots that are none": (b'{"current-snapshot-id": 1, "snapshots": 5}', "malformed metadata"),
    "a snapshot that is none": (b'{"current-snapshot-id": 1, "snapshots": [1]}', "malformed metadata"),
    "neither sum nor manifests": (
        b'{"current-snapshot-id": 1, "snapshots": [{"snapshot-id": 1}]}',
        "malformed metadata",
    ),
    "a sum that is no number": (WHOLE.replace(b'"1200"', b'"many"'), "malformed metadata"),
    "a sum below nothing": (WHOLE.replace(b'"1200"', b"-5"), "malformed metadata"),
    "a sum that is none": (WHOLE.replace(b'"1200"', b"true"), "malformed metadata"),
}


@pytest.mark.parametrize("content, reason", UNKNOWN.values(), ids=UNKNOWN)
def test_metadata_that_tells_no_size_is_a_reason_and_others_are_counted(lake, content, reason):
    lake.put(PLACE, body=content)
    lake.put(f"{PLACE}2", body=WHOLE)
    assert iceberg(PLACE, f"{PLACE}2", f"{PLACE}3") == [reason, 1200, "failed (NoSuchKey)"]


@pytest.mark.parametrize("place", [None, "", "file:/tmp/v1.metadata.json", "s3://"])
def test_a_place_of_metadata_that_is_none(place):
    assert iceberg(place) == ["no metadata_location on S3"]


def test_metadata_that_is_denied(lake):
    with answers({"GetObject": lambda asked, number: denied("AccessDenied")}):
        assert iceberg(PLACE) == ["denied (AccessDenied)"]


def test_metadata_that_is_too_large_is_not_read(lake, monkeypatch):
    monkeypatch.setattr(metadata, "LARGEST", 1000)
    lake.put(PLACE, body=b"x" * 1001)
    lake.put(f"{PLACE}2", body=gzip.compress(b"x" * 1001))
    assert iceberg(PLACE, f"{PLACE}2") == ["metadata of 1,001 bytes", "metadata of more than 1,000 bytes"]


def test_a_read_that_breaks_off_is_tried_again(monkeypatch):
    from botocore.exceptions import IncompleteReadError

    class Broken:
        def read(self):
            raise IncompleteReadError(actual_bytes=5, expected_bytes=9)

    class Client:
        def __init__(self, whole_at):
            self.left = whole_at

        def get_object(self, **_):
            self.left -= 1
            return {"ContentLength": len(WHOLE), "Body": Broken() if self.left else io.BytesIO(WHOLE)}

    for tries, told in ((3, 1200), (4, "failed (IncompleteReadError)")):
        monkeypatch.setattr(ORIGIN, "new_client", lambda service, tries=tries: Client(tries))
        assert iceberg(PLACE) == [told]


ENTRY = {
    "type": "record", "name": "manifest_entry",
    "fields": [
        {"name": "status", "type": "int", "field-id": 0},
        {"name": "snapshot_id", "type": ["null", "long"], "default": None},
        {"name": "data_file", "type": {"type": "record", "name": "r2", "fields": [
            {"name": "file_path", "type": "string"},
            {"name": "partition", "type": {"type": "record", "name": "r102", "fields": [
                {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]}]}},
            {"name": "file_size_in_bytes", "type": "long"},
            {"name": "column_sizes", "type": ["null", {"type": "array", "logicalType": "map", "items": {
                "type": "record", "name": "k117_v118",
                "fields": [{"name": "key", "type": "int"}, {"name": "value", "type": "long"}]}}]},
            {"name": "lower", "type": {"type": "map", "values": "bytes"}},
            {"name": "hash", "type": {"type": "fixed", "name": "h", "size": 4}},
            {"name": "kind", "type": {"type": "enum", "name": "k", "symbols": ["a", "b"]}},
            {"name": "ratio", "type": "double"}, {"name": "share", "type": "float"},
            {"name": "is_new", "type": "boolean"},
        ]}},
    ],
}  # fmt: skip
LIST = {"type": "record", "name": "manifest_file", "fields": [{"name": "manifest_path", "type": "string"}]}


def number(value):
    """A number of Avro's, by its definition: zigzag, then seven bits a byte, the lowest first."""
    rest, groups = value * 2 if value >= 0 else -value * 2 - 1, []
    while True:
        groups.append(rest % 128)
        rest //= 128
        if not rest:
            return bytes([*(one + 128 for one in groups[:-1]), groups[-1]])


def sized(content):
    content = content.encode() if isinstance(content, str) else content
    return number(len(content)) + content


def entry(status, path, size):
    sizes = number(-2) + number(8) + b"".join(number(one) for one in (1, 2**40, 2, 7)) + number(0)
    file = sized(path) + number(1) + number(20_000) + number(size) + number(1) + sizes
    file += number(1) + sized("a") + sized(b"\xff\x00") + number(0) + b"hash" + number(1)
    return number(status) + number(0) + file + bytes(8) + bytes(4) + b"\x01"


def avro(schema, records, codec="null"):
    """A file of Avro, with two blocks."""
    pack = {"null": bytes, "zstandard": lambda block: pa.compress(block, "zstd", asbytes=True),
            "deflate": lambda block: zlib.compress(block, wbits=-15)}[codec]  # fmt: skip
    told = {"avro.schema": json.dumps(schema), "avro.codec": codec}
    mark = bytes(range(16))
    file = (
        b"Obj\x01" + number(2) + b"".join(sized(name) + sized(text) for name, text in told.items()) + number(0) + mark
    )
    for block in (records[:1], records[1:]):
        file += number(len(block)) + sized(pack(b"".join(block))) + mark
    return file


def with_manifests(lake, codec="deflate"):
    """A table whose snapshot has no sum, but two manifests: 5, 70 and 2 ** 40 bytes, and a file that is deleted."""
    folder = "s3://lake/sales/orders/metadata"
    first = [entry(0, "a", 5), entry(1, "\u00e9" * 100, 70), entry(2, "c", 10**6)]
    lake.put(f"{folder}/m0.avro", body=avro(ENTRY, first, codec))
    lake.put(f"{folder}/m1.avro", body=avro(ENTRY, [entry(1, "d", 2**40)], codec))
    lake.put(f"{folder}/list.avro", body=avro(LIST, [sized(f"{folder}/m{one}.avro") for one in range(2)], codec))
    told = {"snapshot-id": 7, "manifest-list": f"{folder}/list.avro", "summary": {"operation": "append"}}
    lake.put(PLACE, body=json.dumps({"current-snapshot-id": 7, "snapshots": [told]}).encode())
    return folder


@pytest.mark.parametrize("codec", ["null", "deflate", "zstandard"])
def test_a_snapshot_without_a_sum_has_its_manifests(lake, codec):
    with_manifests(lake, codec)
    assert iceberg(PLACE) == [75 + 2**40]


#: What is wrong with a manifest.
BAD = {
    "nothing": lambda file: b"",
    "no Avro": lambda file: b"PAR1" + file,
    "cut off in its header": lambda file: file[:40],
    "cut off in a block": lambda file: file[:-30],
    "cut off at its end": lambda file: file[:-1],
    "another schema": lambda file: avro(LIST, [sized("a")]),
    "a schema that is none": lambda file: avro({"type": "of nothing"}, []),
    "another codec": lambda file: file.replace(b"deflate", b"snapple"),
    "blocks that are not packed so": lambda file: avro(ENTRY, [entry(0, "a", 5)]).replace(b"\x08null", b"\x0edeflate"),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
def test_a_manifest_that_is_bad_is_a_reason(lake, spoil):
    folder = with_manifests(lake)
    lake.put(f"{folder}/m1.avro", body=spoil(avro(ENTRY, [entry(1, "d", 2**40)], "deflate")))
    assert iceberg(PLACE) == ["malformed metadata"]


def test_a_snapshot_of_many_manifests_is_not_counted(lake, monkeypatch):
    monkeypatch.setattr("windrow.catalog.live.iceberg._MANIFESTS", 1)
    with_manifests(lake)
    assert iceberg(PLACE) == ["2 manifests"]


# Delta.


def delta(*places):
    return list(live_bytes(ORIGIN, [("delta", {"StorageDescriptor": {"Location": place}}) for place in places]))


def added(path, size, vector=None):
    told = {"path": path, "size": size, "partitionValues": {}, "modificationTime": 1, "dataChange": True, "stats": "{}"}
    return {"add": told | ({"deletionVector": vector} if vector else {})}


def removed(path, vector=None):
    told = {"path": path, "deletionTimestamp": 1, "dataChange": True}
    return {"remove": told | ({"deletionVector": vector} if vector else {})}


def vector(number):
    return {
        "storageType": "u",
        "pathOrInlineDv": f"ab^-aqEH.-t@S}}{number}",
        "offset": number,
        "sizeInBytes": 40,
        "cardinality": 6,
    }


def commit(*actions):
    info = {"commitInfo": {"timestamp": 1, "operation": "WRITE"}}
    return "\n".join(json.dumps(one) for one in (info, *actions)).encode()


VECTOR = pa.struct(
    [("storageType", pa.string()), ("pathOrInlineDv", pa.string()), ("offset", pa.int32()), ("sizeInBytes", pa.int32()),
     ("cardinality", pa.int64())]
)  # fmt: skip
ADD = [("path", pa.string()), ("size", pa.int64()), ("stats", pa.string())]


def checkpoint(*actions, with_vectors=True, **more):
    """A file of a checkpoint: of each row one column is not null."""
    add = pa.struct([*ADD, *([("deletionVector", VECTOR)] if with_vectors else [])])
    rows = [{"protocol": {"minReaderVersion": 1}}, *actions]
    columns = {
        "protocol": pa.array([one.get("protocol") for one in rows], pa.struct([("minReaderVersion", pa.int32())])),
        "add": pa.array([one.get("add") for one in rows], add),
        "remove": pa.array([one.get("remove") for one in rows], pa.struct([("path", pa.string())])),
    }
    columns |= {name: pa.array([one.get(name) for one in rows], kind) for name, kind in more.items()}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def log(lake, versions=(), place=DELTA, **objects):
    """A log: the actions of its versions from 0 on, and other objects by their names."""
    for number, actions in enumerate(versions):
        lake.put(f"{place}/_delta_log/{number:020}.json", body=commit(*actions))
    for name, content in objects.items():
        lake.put(f"{place}/_delta_log/{name}", body=content)


HISTORY = [
    [added("a", 5), added("b%20b", 70)],
    [removed("a"), added("c", 800)],
    [added("c", 800), added("d", 9000)],  # c again, with other statistics
    [added("d", 9000, vector(1)), removed("d")],
    [removed("d", vector(1)), added("d", 9000, vector(2)), removed("b%20b")],
]
LIVE = 9800


def test_adds_less_removes(lake):
    log(lake, HISTORY)
    assert delta(DELTA, f"{DELTA}/") == [LIVE, LIVE]


def test_the_sum_of_the_newest_version_is_enough(lake):
    log(lake, [[added("a", 5)]] * 30, **{f"{29:020}.crc": json.dumps({"tableSizeBytes": 123, "numFiles": 4}).encode()})
    with answers({}) as calls:
        assert delta(DELTA) == [123]
    assert len(calls) == 3


@pytest.mark.parametrize("content", [b"{}", b"no JSON", b'{"tableSizeBytes": null}'])
def test_a_sum_that_is_none_is_left_out(lake, content):
    log(lake, HISTORY, **{f"{4:020}.crc": content, f"{3:020}.crc": b'{"tableSizeBytes": 1}'})
    assert delta(DELTA) == [LIVE]


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("with_vectors", [True, False])
def test_a_checkpoint_and_what_came_after(lake, parts, with_vectors):
    files = [added("a", 5), added("b%20b", 70), added("d", 9000), removed("z")]
    names = [f"{2:020}.checkpoint.parquet"]
    if parts > 1:
        names = [f"{2:020}.checkpoint.{part:010}.{parts:010}.parquet" for part in range(1, parts + 1)]
    contents = {name: checkpoint(*files[part::parts], with_vectors=with_vectors) for part, name in enumerate(names)}
    log(lake, HISTORY, **contents, _last_checkpoint=b'{"version": 2, "size": 4}')
    for number in range(2):  # S3 has them no more: their time is over
        lake.put(f"{DELTA}/_delta_log/{number:020}.json", body=b"none")
    with answers({}) as calls:
        assert delta(DELTA) == [5 + 9000]
    assert len(calls) == 2 + parts + 2


def test_a_file_is_told_from_others_by_its_vector_of_deletions(lake):
    files = {f"{0:020}.checkpoint.parquet": checkpoint(added("a", 5, vector(1)), added("b", 70))}
    log(lake, **files, **{f"{1:020}.json": commit(removed("a"), removed("b", vector(1)))})
    assert delta(DELTA) == [75]


def test_a_checkpoint_alone(lake):
    log(lake, **{f"{20:020}.checkpoint.parquet": checkpoint(added("a", 5), added("b", 70))})
    assert delta(DELTA) == [75]


def test_a_checkpoint_of_which_a_part_is_missing_is_none(lake):
    log(lake, HISTORY, **{f"{2:020}.checkpoint.{1:010}.{2:010}.parquet": checkpoint(added("z", 10**9))})
    assert delta(DELTA) == [LIVE]


def test_the_newest_of_two_checkpoints(lake):
    two = {f"{n:020}.checkpoint.parquet": checkpoint(added("a", 10**n)) for n in (1, 3)}
    log(lake, HISTORY[:4], **two, _last_checkpoint=b'{"version": 1, "size": 1}')
    assert delta(DELTA) == [1000]


SIDECAR = {"sidecar": pa.struct([("path", pa.string())])}
#: Logs that tell no size: versions, other objects, and the reason.
UNTOLD = {
    "nothing": ([], {}, "no log"),
    "something else": ([], {"readme": b""}, "no log"),
    "a line that is cut off": ([], {f"{0:020}.json": commit(*HISTORY[0])[:-9]}, "malformed metadata"),
    "a file without size": ([[{"add": {"path": "a"}}]], {}, "malformed metadata"),
    "a gap": ([], {f"{0:020}.json": commit(), f"{2:020}.json": commit()}, "a log with gaps"),
    "a begin that is missing": ([], {f"{1:020}.json": commit()}, "a log with gaps"),
    "many versions": ([[]] * 101, {}, "a log of 101 versions behind its checkpoint"),
    "a checkpoint that is none": ([], {f"{0:020}.checkpoint.parquet": b"none"}, "malformed metadata"),
    "a checkpoint of other columns": (
        [],
        {f"{0:020}.checkpoint.parquet": checkpoint().replace(b"add", b"dda")},
        "malformed metadata",
    ),
    "a checkpoint's file without size": (
        [],
        {f"{0:020}.checkpoint.parquet": checkpoint({"add": {"path": "a"}})},
        "malformed metadata",
    ),
    "a checkpoint of version 2": (
        [],
        {f"{3:020}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json": b"{}", f"{4:020}.json": commit()},
        "a checkpoint of a kind that is not read",
    ),
    "a checkpoint with sidecars": (
        [],
        {f"{3:020}.checkpoint.parquet": checkpoint({"sidecar": {"path": "x"}}, **SIDECAR)},
        "a checkpoint with sidecars",
    ),
}


@pytest.mark.parametrize("versions, objects, reason", UNTOLD.values(), ids=UNTOLD)
def test_a_log_that_tells_no_size_is_a_reason(lake, versions, objects, reason):
    log(lake, versions, **objects)
    assert delta(DELTA) == [reason]


def test_sidecars_that_a_checkpoint_does_not_use(lake):
    log(lake, **{f"{3:020}.checkpoint.parquet": checkpoint(added("a", 5), **SIDECAR)})
    assert delta(DELTA) == [5]


def test_a_log_that_is_denied_or_long(lake):
    log(lake, HISTORY)
    with answers({"ListObjectsV2": lambda asked, number: refused("AccessDenied", 403)}):
        assert delta(DELTA, "jdbc:mysql://host") == ["denied (AccessDenied)", "no location on S3"]
    for number in range(1001):
        lake.put(f"{DELTA}/_delta_log/{number:020}.json", body=b"")
    assert delta(DELTA) == ["a log of more than 1,000 objects"]


class Shelf:
    """A client of S3 with these objects."""

    def __init__(self, objects):
        self.objects = objects

    def get_object(self, **asked):
        from botocore.exceptions import ClientError

        if asked["Key"] not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        content = self.objects[asked["Key"]]
        return {"ContentLength": len(content), "Body": io.BytesIO(content)}

    def list_objects_v2(self, **asked):
        keys = (key for key in sorted(self.objects) if key.startswith(asked["Prefix"]) and key > asked["StartAfter"])
        return {"Contents": [{"Key": key} for key in keys]}


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(1, 10**12))), min_size=1, max_size=12
    ),
    st.sets(st.integers(0, 11)),
    st.booleans(),
    st.integers(1, 3),
)
def test_any_history_ends_with_the_files_that_are_there(history, checkpoints, is_pointed_at, parts):
    """A step writes a file, with a vector or without, or removes it if it is there; by hand, with a dict."""
    prefix, objects, there = "sales/orders/_delta_log/", {}, {}
    for version, steps in enumerate(history):
        actions = []
        for path, mark, size in steps:
            name, deleted = f"f{path}", vector(mark) if mark else None
            if (path, mark) in there and size % 2:
                del there[path, mark]
                actions.append(removed(name, deleted))
            elif not any(one == path for one, _ in there) or (path, mark) in there:
                there[path, mark] = size
                actions.append(added(name, size, deleted))
        objects[f"{prefix}{version:020}.json"] = commit(*actions)
        if version in checkpoints:
            files = [added(f"f{path}", size, vector(mark) if mark else None) for (path, mark), size in there.items()]
            for part in range(parts):
                name = f".checkpoint.{part + 1:010}.{parts:010}" if parts > 1 else ".checkpoint"
                objects[f"{prefix}{version:020}{name}.parquet"] = checkpoint(*files[part::parts])
            if is_pointed_at:
                objects[f"{prefix}_last_checkpoint"] = json.dumps({"version": version}).encode()
    origin = SimpleNamespace(new_client=lambda service: Shelf(objects))
    table = ("delta", {"StorageDescriptor": {"Location": DELTA}})
    assert list(live_bytes(origin, [table])) == [sum(there.values())]
