"""Clients of AWS's services whose refusals are AccountErrors."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from windrow.aws.refusals import call_refusal
from windrow.aws.session import require_boto3, session, shared_client


def client(service: str, region: str | None = None, role: str | None = None) -> Any:
    """boto3's client of a service, in AWS's own region where none is given, with the credentials of a role, if any.

    It and its calls raise AccountError.
    """
    with explained(service):
        return _Explained(service, shared_client(service, region or region_of_environment(), role))


def region_of_environment() -> str | None:
    """The region that AWS_REGION, AWS_DEFAULT_REGION or AWS's configuration sets, if any."""
    if named := os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
        return named
    try:
        from botocore.exceptions import BotoCoreError
    except ImportError:
        return None
    try:
        found: str | None = session().region_name
    except BotoCoreError:  # a profile that does not exist: reported by the first call
        return None
    return found


def regions_with(service: str, partition: str = "aws") -> list[str]:
    """The regions in which boto3 knows a service."""
    found: list[str] = session().get_available_regions(service, partition)
    return found


def partition_of(region: str) -> str:
    """The part of AWS that a region belongs to, as ARNs name it: aws, aws-cn, aws-us-gov.

    >>> partition_of("eu-west-1"), partition_of("cn-north-1")
    ('aws', 'aws-cn')
    """
    found: str = session().get_partition_for_region(region)
    return found


def next_token(before: str, token: str, call: str) -> str:
    """The token of the page behind one. Raises AccountError, as botocore's pages do, where that had the same.

    It would be read for ever.
    """
    from botocore.exceptions import PaginationError

    if token and token == before:
        raise call_refusal(PaginationError(message=f"The same next token was received twice: {token}"), call)
    return token


def account() -> str:
    """The number of the account that the credentials belong to. Raises AccountError."""
    return str(client("sts").get_caller_identity()["Account"])


class _Explained:
    """A client whose refusals are AccountErrors."""

    def __init__(self, service: str, raw: Any) -> None:
        self._service, self._raw = service, raw
        self.exceptions, self.meta = raw.exceptions, raw.meta

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._raw, name)
        if name == "get_paginator":
            return lambda operation: _ExplainedPages(f"{self._service} {operation}", call(operation))

        def explained_call(**kwargs: Any) -> Any:
            with explained(f"{self._service} {name}"):
                return call(**kwargs)

        return explained_call


class _ExplainedPages:
    def __init__(self, call: str, pages: Any) -> None:
        self._call, self._pages = call, pages

    def paginate(self, **kwargs: Any) -> Iterator[Any]:
        """The pages of an answer."""
        with explained(self._call):
            yield from self._pages.paginate(**kwargs)


@contextmanager
def explained(call: str) -> Iterator[None]:
    """Raises what boto3 raises in this block as an AccountError: the call, what is wrong, and the fix."""
    require_boto3(call)
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise call_refusal(error, call) from error
