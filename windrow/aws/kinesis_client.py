"""boto3's client of Kinesis, whose refusals are errors that name a stream."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import orjson

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
        found = shared_client("kinesis")
        found.meta.events.register("before-parse.kinesis", _refuse_cut, unique_id="windrow-cut")
        return found


def answered(body: bytes, member: str = "") -> dict[str, Any]:
    """An answer of Kinesis that has this member, or any.

    botocore takes one that was cut off, or a proxy's page, for an empty one. Raises its ResponseStreamingError, which
    another try may not meet.
    """
    with suppress(orjson.JSONDecodeError):
        told = orjson.loads(body)
        if isinstance(told, dict) and (member in told if member else told):
            return told
    from botocore.exceptions import ResponseStreamingError

    raise ResponseStreamingError(error="an answer is cut off, or none of Kinesis")


def _refuse_cut(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Raises for such an answer, but not of GetRecords, whose are long, and looked at as they are parsed."""
    model = operation_model
    has_one = model.output_shape is not None and not model.has_event_stream_output and model.name != "GetRecords"
    if has_one and response_dict["status_code"] == 200:
        answered(response_dict["body"])


@contextmanager
def refusing(uri: str) -> Iterator[None]:
    """Raises what boto3 raises in this block as an InputError that names `uri`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise stream_refusal(error, uri) from error


def refusals() -> tuple[type[Exception], ...]:
    """What a client raises where Kinesis refuses, or its answer is cut off."""
    from botocore.exceptions import ClientError, ResponseStreamingError

    return ClientError, ResponseStreamingError


def may_pass(error: Exception) -> bool:
    """Whether another try may not meet what a client raised."""
    from botocore.exceptions import ResponseStreamingError

    return code_of(error) in BUSY or isinstance(error, ResponseStreamingError)


def code_of(error: Exception) -> str:
    """AWS's name for what a client raised; none for what AWS did not answer."""
    return str((getattr(error, "response", None) or {}).get("Error", {}).get("Code", ""))
