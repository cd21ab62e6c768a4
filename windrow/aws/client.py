"""AWS's clients, and what it refuses, in our words. Its own variables choose endpoint, region and credentials."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from windrow.aws.s3_client import attempts
from windrow.errors import AccountError

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "AuthorizationError")
_UNKNOWN_KEY = ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_BUSY = ("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded")


def client(service: str, region: str | None = None) -> Any:
    """boto3's client of a service. Raises AccountError, also for all that it is asked: see `explained`."""
    with explained(service):
        session = _session()
        from botocore.config import Config

        often = Config(retries={"mode": "standard", "total_max_attempts": attempts()})  # a job of hours asks often
        return _Explained(service, session.client(service, region_name=region or region_of_environment(), config=often))


def _session() -> Any:
    try:
        from boto3.session import Session
    except ImportError as error:
        raise AccountError(
            f"EMR: needs boto3, and {error.name} is not installed here; get it by: pip install 'windrow[aws]'"
        ) from None
    return Session()


def region_of_environment() -> str | None:
    """The region that AWS_REGION, AWS_DEFAULT_REGION or AWS's configuration names, if any."""
    import os

    if named := os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
        return named
    try:
        from boto3.session import Session
        from botocore.exceptions import BotoCoreError
    except ImportError:
        return None
    try:
        found: str | None = Session().region_name
    except BotoCoreError:  # of a profile that is not there: told when something is asked
        return None
    return found


def account() -> str:
    """The number of the account that the credentials are of. Raises AccountError."""
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

        def asked(**kwargs: Any) -> Any:
            with explained(f"{self._service} {name}"):
                return call(**kwargs)

        return asked


class _ExplainedPages:
    def __init__(self, what: str, pages: Any) -> None:
        self._what, self._pages = what, pages

    def paginate(self, **kwargs: Any) -> Iterator[Any]:
        """The pages of an answer."""
        with explained(self._what):
            yield from self._pages.paginate(**kwargs)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Raises what boto3 raises in this block as an AccountError: what was asked, what is wrong, and the cure."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        yield
        return
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise refusal(error, what) from error


def refusal(error: Exception, what: str) -> AccountError:
    """The AccountError for what botocore raised when it was asked `what`, as "emr run_job_flow"; `code` is AWS's."""
    from botocore import exceptions

    service, _, call = what.partition(" ")
    asked = f"{service}: {_spoken(call)}" if call else service
    code = ""
    if isinstance(error, exceptions.ClientError):
        told = error.response.get("Error", {})
        code, message = str(told.get("Code", "")), str(told.get("Message", ""))
        reason = _answered(code, message, service, _spoken(call))
    elif isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        reason = (
            "no credentials for AWS were found, or only some; run `aws configure` or `aws sso login`, or set"
            " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile by AWS_PROFILE"
        )
    elif isinstance(error, exceptions.ProfileNotFound):
        reason = f"{error}; name one that is in AWS's configuration by AWS_PROFILE, or unset it"
    elif isinstance(error, exceptions.NoRegionError):
        reason = "no region is named; set AWS_DEFAULT_REGION, as us-east-1, or give --region"
    elif isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        reason = f"cannot be reached: {error}; check the network, the region's name, and AWS_ENDPOINT_URL if you set it"
    elif isinstance(error, exceptions.ParamValidationError):
        reason = f"the request is not one that AWS takes: {error}; check the configuration that -c names"
    else:
        reason = f"AWS's client refused: {error}; check AWS's variables and files of configuration"
    made = AccountError(f"{asked}: {reason}")
    made.code = code
    return made


def _answered(code: str, message: str, service: str, call: str) -> str:
    if code in _DENIED:
        action = f"{_PREFIXES.get(service, service)}:{call}"
        return f"access is denied ({message}); these credentials need {action}; `windrow emr plan` lists all rights"
    if code in _UNKNOWN_KEY:
        return f"AWS does not know these credentials ({code}); check AWS_ACCESS_KEY_ID, AWS_PROFILE and the region"
    if code == "SignatureDoesNotMatch":
        return "the secret does not fit the access key; check AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if code in _EXPIRED:
        return f"the credentials have expired ({code}); get new ones, by `aws sso login` or as you got these"
    if code in _BUSY:
        return f"AWS asks to come back later ({code}); wait a minute and try again"
    return f"AWS refused: {message} ({code}); `windrow emr doctor` says what the account lacks"


#: What a service's actions are called where that is not the service's name.
_PREFIXES = {"emr": "elasticmapreduce", "service-quotas": "servicequotas", "stepfunctions": "states"}


def _spoken(call: str) -> str:
    """An operation as AWS writes it.

    >>> _spoken("run_job_flow")
    'RunJobFlow'
    """
    return "".join(word.capitalize() for word in call.split("_"))
