"""An object is replaced only where it is as it was: by S3's conditions, whose answers may be lost on the way."""

import pytest

from windrow.errors import InputError, OutputError
from windrow.storage.source import source_of


@pytest.fixture
def put(tmp_path):
    """Replaces an object."""

    def put(uri, text, revision):
        (tmp_path / "new").write_text(text)
        return source_of(uri).replace(uri, tmp_path / "new", revision)

    return put


def test_an_object_is_put_where_none_is_and_replaced_where_it_is_as_it_was(bucket, put):
    uri = f"{bucket.uri}/a b/%c"
    assert source_of(uri).revision(uri) is None
    one = put(uri, "one", None)
    assert one and source_of(uri).revision(uri) == one and bucket.get("a b/%c") == b"one"
    assert put(uri, "two", None) is put(uri, "two", '"other"') is None
    two = put(uri, "two", one)
    assert two not in (None, one) and put(uri, "three", one) is None and bucket.get("a b/%c") == b"two"


def test_an_object_that_was_removed_is_not_put_again(bucket, put):
    assert put(f"{bucket.uri}/a", "one", '"gone"') is None and bucket.shown() == []


@pytest.mark.parametrize("revision", [None, "old"])
@pytest.mark.parametrize("fault", ["cut", "busy"])
def test_an_object_that_was_put_is_put_though_the_answer_was_lost(bucket, put, revision, fault):
    uri = f"{bucket.uri}/a"
    old = revision and put(uri, revision, None)
    bucket.rules(("PUT .*/a", fault, 2))
    now = put(uri, "new", old)
    assert now and source_of(uri).revision(uri) == now and bucket.get("a") == b"new"
    assert len(bucket.log("PUT .*/a")) >= 2


def test_of_two_puts_at_one_time_the_one_that_s3_asks_for_again_is_put_again(bucket, put, monkeypatch):
    from botocore.exceptions import ClientError

    from windrow.storage.s3 import writing

    client, refused, waits = writing.client(), iter([True, True, False]), []

    class Conflicting:
        def put_object(self, **request):
            if next(refused):
                answer = {"Error": {"Code": "ConditionalRequestConflict", "Message": "try again"}}
                raise ClientError(answer, "PutObject")
            return client.put_object(**request)

    monkeypatch.setattr(writing, "client", Conflicting)
    monkeypatch.setattr(writing.time, "sleep", waits.append)
    assert put(f"{bucket.uri}/a", "new", None) and bucket.get("a") == b"new" and waits == [0.125, 0.25]
    refused = iter([True] * 100)
    with pytest.raises(OutputError, match=r"/a: S3 refused: try again \(ConditionalRequestConflict\); "):
        put(f"{bucket.uri}/a", "newer", None)


def test_objects_below_a_folder_are_listed_at_any_depth(bucket):
    for key in ("a/b/c", "a/.d", "ab/e", "a/"):
        bucket.put(key, b"1")
    below = source_of(bucket.uri).below
    for folder in (f"{bucket.uri}/a", f"{bucket.uri}/a/", f"s3a://{bucket.name}/a"):
        assert below(folder) == [".d", "b/c"]
    assert below(f"{bucket.uri}/nothing") == []


def test_what_s3_refuses_is_told(bucket, put):
    bucket.rules(("/a", "denied"))
    with pytest.raises(InputError, match=r"/a: access is denied \(403.* these credentials need s3:ListBucket"):
        source_of(bucket.uri).revision(f"{bucket.uri}/a")
    with pytest.raises(OutputError, match=r"/a: access is denied \(AccessDenied.* s3:PutObject to write"):
        put(f"{bucket.uri}/a", "one", None)
    with pytest.raises(InputError, match="there is no such bucket"):
        source_of(bucket.uri).below("s3://no-such-bucket-here/a")


def test_a_level_of_a_folder_is_its_objects_and_subfolders(bucket):
    names = ["a/b/d", "a/\u202ec", "a+b", "a/b c/", "a/b/e"]
    for name in names:
        bucket.put(name, b"")
    level = source_of(bucket.uri).level
    assert list(level(bucket.uri)) == [f"{bucket.uri}/{name}" for name in ("a+b", "a/")]
    assert list(level(f"{bucket.uri}/a")) == [f"{bucket.uri}/{name}" for name in ("a/b c/", "a/b/", "a/\u202ec")]
    assert list(level(f"{bucket.uri}/nothing")) == []
