"""Sizes of folders by listing them, from answers on the wire, and from moto's server."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.stored import page, stored
from tests.catalog.wire import answers, refused
from windrow.catalog.locations import Folder, Size
from windrow.catalog.sizes import listed as sizes
from windrow.catalog.sizes.listed import listing

pytestmark = pytest.mark.catalog
ROOT = Path(__file__).parents[2]
QUICK = listing(rate=1e6)


@pytest.fixture
def origin(nowhere, monkeypatch):
    """An origin whose S3 is whatever a test answers."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIexamplekey")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return an_origin()


def an_origin(**more):
    how = Config(retries={"mode": "standard", "total_max_attempts": 3})
    return SimpleNamespace(new_client=lambda service: boto3.client(service, config=how, **more))


def found(origin, *prefixes, how=QUICK):
    """Sizes, or reasons, by prefix; each folder is told once."""
    told = list(how(origin, [Folder("lake", prefix) for prefix in prefixes]))
    assert len(dict(told)) == len(told) == len(set(prefixes))
    return {folder.prefix: size for folder, size in told}


def held(objects, prefix):
    """What a folder holds, by looking at every object."""
    inside = [size for key, size in objects.items() if key.startswith(prefix)]
    return Size(sum(inside), len(inside))


OBJECTS = {f"db/t{number % 3}/{number:05}.parquet": number for number in range(3456)}


def test_pages_are_added_up(origin):
    with answers({"ListObjectsV2": stored(OBJECTS)}) as calls:
        assert found(origin, "db/t1/") == {"db/t1/": held(OBJECTS, "db/t1/")}
    assert len(calls) == 2


def test_neighbours_whose_names_begin_alike_are_not_counted(origin):
    objects = {"db/t1/a": 5, "db/t1_other/a": 70, "db/t1.old/a": 800, "db/t1": 9000}
    with answers({"ListObjectsV2": stored(objects)}):
        assert found(origin, "db/t1/") == {"db/t1/": Size(5, 1)}


def test_an_empty_folder_has_a_size_of_nothing(origin):
    with answers({"ListObjectsV2": stored({})}):
        assert found(origin, "a/", "") == {"a/": Size(0, 0), "": Size(0, 0)}


def test_a_whole_bucket_is_a_folder(origin):
    with answers({"ListObjectsV2": stored(OBJECTS)}):
        assert found(origin, "") == {"": held(OBJECTS, "")}


def test_no_folder_is_listed_twice_within_another(origin):
    with answers({"ListObjectsV2": stored(OBJECTS)}) as calls:
        assert found(origin, "db/", "db/t0/", "db/t2/") == {
            prefix: held(OBJECTS, prefix) for prefix in ("db/", "db/t0/", "db/t2/")
        }
    assert [call.asked["prefix"] for call in calls] == ["db/"] * 4


def test_a_folder_that_is_given_twice_is_listed_once(origin):
    with answers({"ListObjectsV2": stored(OBJECTS)}) as calls:
        assert list(QUICK(origin, [Folder("lake", "db/t0/")] * 2)) == [
            (Folder("lake", "db/t0/"), held(OBJECTS, "db/t0/"))
        ]
    assert len(calls) == 2


#: Keys that look like a page's own elements, or end one.
ODD = {
    "t/<Size>777</Size>": 1,
    "t/<Contents><Size>5</Size></Contents>": 20,
    "t/</Key></Contents></ListBucketResult>": 300,
    "t/&lt;Size&gt;9&lt;/Size&gt;": 4000,
    "t/%3CSize%3E9 + &amp;": 50000,
    "t/\u202eb\U0001f4a9\u00e9": 600000,
    "t/sub/<Key>": 7000000,
    "t/sub0&": 80000000,
}


@pytest.mark.parametrize("encoded", [True, False], ids=["url-encoded", "XML's entities"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_keys_that_look_like_sizes_are_keys(origin, encoded, size):
    with answers({"ListObjectsV2": stored(ODD, size, encoded)}):
        assert found(origin, "t/", "t/sub/") == {"t/": held(ODD, "t/"), "t/sub/": Size(7000000, 1)}


def test_pages_without_objects_are_no_end(origin):
    def answer(asked, number):
        if number < 3:
            return page([], token=f"more {number}")
        return page([("t/a", 5)]) if number == 3 else page([])

    with answers({"ListObjectsV2": answer}) as calls:
        assert found(origin, "t/") == {"t/": Size(5, 1)}
    assert [asked.get("continuation-token") for asked in calls.of("ListObjectsV2")] == [None, "more 1", "more 2"]


WHOLE = page([("t/a", 5), ("t/b", 6)])
#: Pages that are not what they should be, by what is wrong.
BROKEN = {
    "cut off in an object": WHOLE[: WHOLE.index(b"<Size>6") + 3],
    "cut off between objects": WHOLE[: WHOLE.rindex(b"<Contents>")],
    "cut off before its end": WHOLE[: WHOLE.index(b"</ListBucketResult>")],
    "cut off after its objects' count": page([("t/a", 5)], count=2),
    "a size that is no number": WHOLE.replace(b">6<", b">six<"),
    "more to come, but no way to ask for it": page([("t/a", 5)], truncated=True),
    "a proxy's page": b"<!doctype html><html><body>Service unavailable</body></html>",
    "nothing": b"",
    "an error": b'<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>x</Message></Error>',
    "an error after blanks": b"\n  \n<Error><Code>SlowDown</Code><Message>x</Message></Error>",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_page_is_asked_for_again(origin, broken):
    with answers({"ListObjectsV2": lambda asked, number: broken if number < 3 else WHOLE}) as calls:
        assert found(origin, "t/") == {"t/": Size(11, 2)}
    assert len(calls) == 3


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_page_that_stays_broken_is_a_reason(origin, broken):
    code = "InternalError" if b"InternalError" in broken else "SlowDown" if b"SlowDown" in broken else "IncompletePage"
    with answers({"ListObjectsV2": lambda asked, number: broken}) as calls:
        assert found(origin, "t/") == {"t/": f"failed ({code})"}
    assert len(calls) == 3


REFUSED = {
    "AccessDenied": (403, "denied (AccessDenied)", 1),
    "AllAccessDisabled": (403, "denied (AllAccessDisabled)", 1),
    "NoSuchBucket": (404, "no such bucket (NoSuchBucket)", 1),
    "SlowDown": (503, "failed (SlowDown)", 3),
    "InternalError": (500, "failed (InternalError)", 3),
    "KeyTooLongError": (400, "failed (KeyTooLongError)", 1),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_is_a_reason_and_the_others_have_their_sizes(origin, code):
    status, reason, tries = REFUSED[code]

    def answer(asked, number):
        return refused(code, status) if asked["prefix"] == "db/t1/" else stored(OBJECTS)(asked, number)

    with answers({"ListObjectsV2": answer}) as calls:
        told = found(origin, "db/t0/", "db/t1/", "db/t2/")
    assert told == {"db/t0/": held(OBJECTS, "db/t0/"), "db/t1/": reason, "db/t2/": held(OBJECTS, "db/t2/")}
    assert sum(asked["prefix"] == "db/t1/" for asked in calls.of("ListObjectsV2")) == tries


def test_slow_down_is_waited_for(origin):
    with answers({"ListObjectsV2": lambda asked, number: refused("SlowDown", 503) if number < 3 else WHOLE}) as calls:
        assert found(origin, "t/") == {"t/": Size(11, 2)}
    assert len(calls.waits) == 2


def test_folders_within_one_that_is_denied_are_listed_themselves(origin):
    def answer(asked, number):
        return refused("AccessDenied", 403) if asked["prefix"] in ("db/", "db/t1/") else stored(OBJECTS)(asked, number)

    with answers({"ListObjectsV2": answer}):
        told = found(origin, "db/", "db/t0/", "db/t1/", "db/t2/")
    assert told == {
        "db/": "denied (AccessDenied)",
        "db/t0/": held(OBJECTS, "db/t0/"),
        "db/t1/": "denied (AccessDenied)",
        "db/t2/": held(OBJECTS, "db/t2/"),
    }


def test_a_folder_that_is_denied_half_way_has_no_size(origin):
    with answers(
        {"ListObjectsV2": lambda asked, n: refused("AccessDenied", 403) if n == 3 else stored(OBJECTS)(asked, n)}
    ):
        assert found(origin, "db/", "db/t0/") == {"db/": "denied (AccessDenied)", "db/t0/": held(OBJECTS, "db/t0/")}


def test_a_server_that_repeats_itself_is_left(origin):
    with answers({"ListObjectsV2": lambda asked, number: page([("t/a", 5)], token="again")}) as calls:
        assert found(origin, "t/") == {"t/": "failed (PaginationError)"}
    assert len(calls) == 2


@pytest.mark.parametrize("keys", [["a", "b", "b", "c"], ["a", "b", "a", "b"], ["b", "a"]])
def test_objects_that_come_twice_are_not_counted_twice(origin, keys):
    """Each page has a token of its own."""
    pages = [
        page([(f"t/{key}", 5)], token="" if number == len(keys) else f"t{number}") for number, key in enumerate(keys, 1)
    ]
    with answers({"ListObjectsV2": lambda asked, number: pages[number - 1]}):
        assert found(origin, "t/") == {"t/": "failed (PaginationError)"}


def test_a_server_that_begins_at_no_key_counts_nothing_twice(origin, monkeypatch):
    objects = {f"t/day={day:02}/{number}": 1 for day in range(20) for number in range(50)}
    bucket = stored(objects, 10)

    def answer(asked, number):
        return bucket({key: one for key, one in asked.items() if key != "start-after" or "delimiter" in asked}, number)

    monkeypatch.setattr(sizes, "_PAGES", 2)
    with answers({"ListObjectsV2": answer}):
        assert found(origin, "t/") == {"t/": "failed (PaginationError)"}


def test_a_name_that_no_bucket_has_is_a_reason(origin):
    with answers({}) as calls:
        assert list(QUICK(origin, [Folder("no bucket", "t/")])) == [
            (Folder("no bucket", "t/"), "no such bucket (InvalidBucketName)")
        ]
    assert not calls


def test_a_name_that_is_no_text_is_a_reason(origin):
    with answers({}):
        assert found(origin, "t/\ud800/") == {"t/\ud800/": "failed (UnicodeEncodeError)"}


@pytest.mark.parametrize("code, status", [("PermanentRedirect", 301), ("AuthorizationHeaderMalformed", 400)])
def test_a_bucket_of_another_region_is_listed_there(origin, monkeypatch, code, status):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    regions = []

    def answer(asked, number):
        regions.append(calls[-1].region)
        where = "elsewhere</Message><Region>us-west-2</Region><Message>"
        return WHOLE if regions[-1] == "us-west-2" else refused(code, status, where)

    with answers({"ListObjectsV2": answer}) as calls:
        assert found(origin, "t/") == {"t/": Size(11, 2)}
    assert regions == ["eu-west-1", "us-west-2"]


NAMES = st.text("ab/ 0<&%\u00e9\U0001f4a9", max_size=6)


@given(
    st.dictionaries(NAMES.filter(bool), st.integers(0, 10**13), max_size=60),
    st.sets(NAMES.map(lambda name: f"{name}/" if name else "")),
    st.integers(1, 5),
    st.sets(st.integers(0, 5)),
)
def test_any_folders_of_any_objects_have_what_they_hold(objects, prefixes, size, denied):
    """Pages of a few objects, cut after two of them wherever a thread is free; what is denied is known from without."""
    refusable = sorted(prefixes)
    refused_ones = {refusable[number] for number in denied if number < len(refusable)}

    def answer(asked, number):
        is_denied = asked.get("prefix", "") in refused_ones and "delimiter" not in asked
        return refused("AccessDenied", 403) if is_denied else stored(objects, size)(asked, number)

    with pytest.MonkeyPatch.context() as patch, answers({"ListObjectsV2": answer}):
        patch.setattr(sizes, "_PAGES", 2)
        patch.setattr(sizes, "_THREADS", 4)
        told = found(CANNED, *prefixes)
    for prefix in prefixes:
        is_denied = {outer for outer in prefixes if prefix.startswith(outer)} <= refused_ones
        assert told[prefix] == ("denied (AccessDenied)" if is_denied else held(objects, prefix))


CANNED = an_origin(
    region_name="eu-west-1",
    aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
    aws_secret_access_key="wJalrXUtnFEMIexamplekey",
    endpoint_url="http://127.0.0.1:9",
)


def test_a_long_folder_is_shared_by_the_threads_that_are_free(origin, monkeypatch):
    # The first object of each folder marks it: its key is the folder's, where the share before it ends.
    objects = {f"t/day={day:02}/{number or ''}": 1 for day in range(20) for number in range(50)}
    monkeypatch.setattr(sizes, "_PAGES", 2)
    with answers({"ListObjectsV2": stored(objects, 10)}) as calls:
        assert found(origin, "t/") == {"t/": Size(1000, 1000)}
    begun = Counter(asked.get("start-after") for asked in calls.of("ListObjectsV2") if "delimiter" not in asked)
    assert {f"t/day={day:02}/" for day in range(2, 20)} <= set(begun)
    assert (
        len(calls) < 200
    )  # 100 pages are full; each of 20 shares ends with one more, and may look for shares of its own


def test_no_more_calls_a_second_than_the_rate(origin):
    begin = monotonic()
    with answers({"ListObjectsV2": stored({}, 10)}) as calls:
        found(origin, *(f"t{number}/" for number in range(21)), how=listing(rate=50))
    assert len(calls) == 21
    assert monotonic() - begin >= 20 / 50


def test_who_is_interrupted_does_not_wait_for_the_pace(origin):
    with answers({"ListObjectsV2": stored({}, 10)}) as calls:
        sizes_of_folders = listing(rate=0.5)(origin, [Folder("lake", f"t{number}/") for number in range(40)])
        next(sizes_of_folders)
        begin = monotonic()
        sizes_of_folders.close()  # as an interrupt does
    assert monotonic() - begin < 2 and len(calls) <= 34


def test_a_lake_in_moto_has_what_was_put_into_it(lake):
    lake.bucket()
    for number in range(2345):
        lake.put(f"s3://lake/db{number % 3}/t{number % 7}/<Size>{number}&amp;+ %.parquet", number % 50)
    lake.put("s3://lake/db0/t0_other/a", 999)
    prefixes = ["", *(f"db{db}/" for db in range(3)), *(f"db{db}/t{table}/" for db in range(3) for table in range(7))]
    assert found(an_origin(), *prefixes) == {prefix: Size(*lake.held(f"s3://lake/{prefix}")) for prefix in prefixes}


def test_a_bucket_that_moto_does_not_have(lake):
    assert found(an_origin(), "t/") == {"t/": "no such bucket (NoSuchBucket)"}


@pytest.mark.one_python
def test_memory_does_not_grow_with_the_objects():
    few, many = (_peak(objects) for objects in (10_000, 1_000_000))
    assert many < few + 4, f"{few} MB for 10,000 objects, {many} for 1,000,000"


def _peak(objects):
    """Peak MB of a process that lists that many objects."""
    return float(benchmark("--memory", str(objects)))


@pytest.mark.peers
def test_a_tenth_of_the_cpu_of_boto3s_own_pages():
    told = benchmark("--objects", "20000", "--runs", "1", "--memory-at", "")
    assert float(told.partition("windrow")[2].partition(" x boto3")[0].split()[-1]) < 0.1


def benchmark(*options):
    command = [sys.executable, ROOT / "benchmarks" / "catalog.py", *options]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
