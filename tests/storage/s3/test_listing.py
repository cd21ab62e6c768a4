"""What arguments mean on S3."""

import pytest

from windrow.errors import InputError
from windrow.storage import s3
from windrow.storage.source import list_inputs


@pytest.fixture
def listed(bucket):
    """The keys that an argument means."""
    return lambda key: [found.uri.removeprefix(f"{bucket.uri}/") for found in s3.list_objects(f"{bucket.uri}/{key}")]


def test_an_object_is_listed_with_its_size_and_version(bucket):
    uri = bucket.put("a/b.csv", b"12345")
    assert s3.list_objects(uri) == [
        s3.Object(uri, 5, s3.client().head_object(Bucket=bucket.name, Key="a/b.csv")["ETag"])
    ]


def test_a_folder_means_its_objects_neither_those_of_subfolders_nor_hidden_ones(bucket, listed):
    for key in ("bars/", "bars/b.csv", "bars/a.csv", "bars/2020/c.csv", "bars/_SUCCESS", "bars/.x", "barsx.csv", "top"):
        bucket.put(key)
    assert listed("bars") == listed("bars/") == ["bars/a.csv", "bars/b.csv"]
    assert listed("") == ["barsx.csv", "top"]
    assert [found.uri for found in s3.list_objects(bucket.uri)] == [f"{bucket.uri}/barsx.csv", f"{bucket.uri}/top"]


def test_what_a_folder_has_besides_objects_is_named(bucket, listed, capsys):
    for key in ("bars/", "bars/a.csv", "bars/2020/c.csv", "bars/_SUCCESS", "bars/_old.csv", "bars/.x"):
        bucket.put(key)
    rule = (
        "a directory means the files directly in it (with --recursive, those in its subdirectories too), without those"
        " whose names begin with _ or .\n"
    )
    for argument in ("bars", "b*s/", "b*"):
        assert listed(argument) == ["bars/a.csv"]
        assert capsys.readouterr().err == f"warning: {bucket.uri}/bars/: skipped 2020/, _old.csv; {rule}"


def test_glob_characters_match_within_a_part(bucket, listed):
    for key in ("2019/a.csv", "2020/a.csv.gz", "2020/b.csv.gz", "2020/b.csv", "2021/x/c.csv.gz", "_x/a.csv.gz", "z"):
        bucket.put(key)
    assert listed("2020/*.csv.gz") == ["2020/a.csv.gz", "2020/b.csv.gz"]
    assert listed("20*/?.csv*") == ["2019/a.csv", "2020/a.csv.gz", "2020/b.csv", "2020/b.csv.gz"]
    assert listed("20[12]?/?.*") == ["2019/a.csv", "2020/a.csv.gz", "2020/b.csv", "2020/b.csv.gz"]
    assert listed("*/x/c*") == ["2021/x/c.csv.gz"]
    assert listed("*/") == ["2019/a.csv", "2020/a.csv.gz", "2020/b.csv", "2020/b.csv.gz"]
    assert listed("2021/*") == ["2021/x/c.csv.gz"]  # a folder that matches means its objects
    assert listed("_*/a*") == ["_x/a.csv.gz"]
    assert listed("*/a.csv") == ["2019/a.csv"]


def test_two_stars_match_any_depth_and_recursive_folders_are_read_whole(bucket, listed):
    keys = ["2019/a.csv", "2020/x/a.csv", "2020/x/y/a.csv", "2020/x/y/b.csv.gz", "z.csv"]
    for key in (*keys, "2020/_x/a.csv", "2020/x/_SUCCESS", "2020/x/.b.csv", "2020/x/y/"):
        bucket.put(key)
    assert listed("**/*.csv") == ["z.csv", *keys[:3]]
    assert listed("2020/**/a.csv") == listed("2020/**/*.csv") == keys[1:3]
    assert sorted(listed("**")) == keys and listed("2020/**") == keys[1:4] and listed("**/y/*") == keys[2:4]
    uris = list_inputs([bucket.uri, f"{bucket.uri}/2020", f"{bucket.uri}/2020/*/y/"], recursive=True)
    assert [uri.removeprefix(f"{bucket.uri}/") for uri in uris] == [*keys, *keys[1:4], *keys[2:4]]


NAMES = ["a b.csv", "ü/Ω.csv", "a+b.csv", "a%20b.csv", "a[1]*.csv", "a?.csv", "a#b&c=d.csv", "a'\"<>.csv", "x/../y.csv"]


@pytest.mark.parametrize("key", NAMES)
def test_a_name_is_taken_literally(bucket, listed, key):
    bucket.put(key, b"text")
    bucket.put("a1z.csv")
    assert listed(key) == [key]
    with s3.open_input(f"{bucket.uri}/{key}") as file:
        assert file.read() == b"text"


def test_a_folder_of_glob_characters_is_found_by_its_name(bucket, listed):
    bucket.put("b[1]/a.csv")
    assert listed("b[1]") == listed("b[1]/") == listed("b[[]1]/*") == ["b[1]/a.csv"]


def test_thousands_of_objects_come_in_pages(bucket, listed):
    bucket.fill("many/", 5000)
    bucket.rules()
    assert listed("many") == [f"many/{number:05}.csv" for number in range(5000)]
    assert len(bucket.log("list-type")) == 5


def test_arguments_keep_their_order_beside_files(bucket, tmp_path):
    here = tmp_path / "b.csv"
    here.touch()
    far = [bucket.put(key) for key in ("c.csv", "a.csv")]
    assert list_inputs([far[0], str(here), far[1]]) == [far[0], str(here), far[1]]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("s3://{}/none.csv", "does not exist, or has no objects: a folder means the objects in it"),
        ("s3://{}/none/", "does not exist, or has no objects"),
        ("s3://{}/*.csv", "matches no object"),
        ("s3://no-{}/a.csv", "there is no such bucket (NoSuchBucket); check its name"),
        ("s3://no-{}/", "there is no such bucket (NoSuchBucket); check its name"),
        ("s3:///a.csv", "has no bucket: an object of S3 is named s3://BUCKET/KEY; add its bucket"),
        ("s3://B!/a.csv", "is not a valid name of an S3 object"),
    ],
)
def test_what_means_nothing_is_refused_by_name(bucket, argument, message):
    argument = argument.format(bucket.name)
    with pytest.raises(InputError) as error:
        list_inputs([argument])
    assert str(error.value).startswith(f"{argument}: ") and message in str(error.value)
