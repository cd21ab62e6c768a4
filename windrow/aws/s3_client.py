"""boto3's client of S3, whose refusals are errors that name an object.

Why boto3: for the same ranges it takes 0.6 of the CPU of pyarrow's S3FileSystem and 0.4 of s3fs'
(benchmarks/RESULTS.md), a forked task has its own client in 20 ms where the others' threads do not cross a fork, and it
has the calls that a commit at the end needs, and If-Match.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from windrow.aws.refusals import object_refusal
from windrow.aws.session import require_boto3, shared_client
from windrow.errors import InputError, WindrowError


def client() -> Any:
    """boto3's client of S3: see `shared_client`. Raises WindrowError without boto3."""
    return shared_client("s3")


@contextmanager
def refusing(uri: str, kind: type[WindrowError] = InputError) -> Iterator[None]:
    """Raises what boto3 raises in this block, or that it is missing, as a WindrowError that names `uri`."""
    require_boto3(uri)
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise object_refusal(error, uri, kind) from error
