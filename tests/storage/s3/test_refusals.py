"""What S3 refuses: the message names the object, what is wrong, why, and the fix; no secret, no traceback."""

import sys

import pytest

from tests.storage.s3.conftest import AWS

BARS = b"symbol,timestamp,close\nA,2020-01-01,1\n"


@pytest.fixture
def refused(bucket, run_job):
    """The message of a job that refuses to read bars on S3, or to write an output there."""

    def say(argument="bars.csv", output=None, kind=1):
        uri = f"{bucket.uri}/{argument}"
        ran = run_job("--window", "1", *(["-o", f"{bucket.uri}/{output}"] if output else []), uri)
        assert ran.status == kind and ran.out == b""
        assert AWS["AWS_SECRET_ACCESS_KEY"] not in ran.err and "Traceback" not in ran.err
        place = f"{bucket.uri}/{output}" if output else uri
        assert ran.err.startswith(f"error: {place}: "), ran.err
        return ran.err.removeprefix(f"error: {place}: ").rstrip("\n")

    bucket.put("bars.csv", BARS)
    return say


def test_no_credentials(refused, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    message = (
        "no AWS credentials were found, or only part of them; run `aws configure` or `aws sso login`, or set"
        " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    )
    assert refused() == refused(output="out") == message
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tester")
    assert refused() == message


def test_a_profile_that_does_not_exist(refused, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert refused() == (
        "The config profile (nobody) could not be found; set AWS_PROFILE to a profile of AWS's configuration, or unset"
        " it"
    )


def test_another_region(bucket, refused):
    bucket.rules((".", "elsewhere"))
    message = (
        "its bucket is in another region ({}), and S3 answers only in a bucket's own region; set"
        " AWS_DEFAULT_REGION=eu-central-1"
    )
    assert refused() == message.format("301")
    assert refused(output="out") == message.format("PermanentRedirect")


DENIED = (
    "access is denied (AccessDenied: Access Denied); these credentials need s3:ListBucket and s3:GetObject to read,"
    " s3:PutObject to write; ask the bucket's owner for them"
)


def test_a_bucket_that_is_denied(bucket, refused):
    bucket.rules((".", "denied"))
    assert refused() == refused("*.csv") == refused(output="out") == DENIED


def test_an_object_that_is_denied_in_a_bucket_that_is_not(bucket, refused):
    bucket.rules(("(GET|HEAD) .*bars.csv", "denied"))
    assert refused("bars.csv") == DENIED


def test_an_output_that_is_denied_where_bars_may_be_read(bucket, refused, run_job):
    bucket.rules(("(PUT|POST) ", "denied"))
    ran = run_job("--window", "1", "-o", f"{bucket.uri}/out", f"{bucket.uri}/bars.csv")
    assert ran.status == 1 and ran.err.startswith(f"error: {bucket.uri}/out/") and DENIED in ran.err


def test_a_bucket_and_an_object_that_are_missing(bucket, refused, run_job):
    assert refused("none.csv").startswith("does not exist, or has no objects: a folder means the objects in it")
    ran = run_job("s3://there-is-none/bars.csv")
    assert ran.err == (
        "error: s3://there-is-none/bars.csv: there is no such bucket (NoSuchBucket); check its name, and"
        " AWS_ENDPOINT_URL if it is set\n"
    )


def test_s3_that_stays_busy(bucket, refused, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    bucket.rules((".", "busy"))
    assert refused() == "S3 is too busy (503), and stayed so for 2 attempts; try again later"
    assert refused(output="out") == "S3 is too busy (SlowDown), and stayed so for 2 attempts; try again later"


def test_s3_that_does_not_answer(refused, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    message = refused()
    assert message.startswith("S3 cannot be reached: Could not connect to the endpoint URL:")
    assert message.endswith("; check the network, AWS_DEFAULT_REGION, and AWS_ENDPOINT_URL if it is set")


def test_boto3_that_is_not_installed(refused, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] in ("boto3", "botocore")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "botocore", None)
    assert refused() == "needs boto3, which is not installed; install it with: pip install 'windrow[aws]'"
