"""boto3's client of Kinesis, whose refusals are errors that name a stream."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from windrow.aws.refusals import stream_refusal
from windrow.aws.session import require_boto3, shared_client

#: What another try may not meet: a limit of the service, its keys' one, or a fault of its own.
BUSY = {
    "ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException", "InternalFailure",
    "InternalFailureException", "ServiceUnavailable", "Throttling", "ThrottlingException", "500", "502", "503", "504",
}  # fmt: skip
#: An iterator that is older than five minutes.
EXPIRED = "ExpiredIteratorException"


def client(uri: str) -> Any:
    """boto3's client of Kinesis: see `shared_client`. Raises WindrowError without boto3."""
    require_boto3(uri)
    with refusing(uri):
        return shared_client("kinesis")


@contextmanager
def refusing(uri: str) -> Iterator[None]:
    """Raises what boto3 raises in this block as an InputError that names `uri`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise stream_refusal(error, uri) from error


def code_of(error: Exception) -> str:
    """AWS's name for what a client raised; none for what AWS did not answer."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
