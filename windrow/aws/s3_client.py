"""boto3's client of S3, and what it refuses, as errors of windrow.

Why boto3: for the same ranges it takes 0.6 of the CPU of pyarrow's S3FileSystem and 0.4 of s3fs'
(benchmarks/RESULTS.md), a forked task has its own client in 20 ms where the others' threads do not cross a fork, and it
has the calls that a commit at the end needs, and If-Match.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from windrow.aws.parallel import MANY
from windrow.errors import InputError, WindrowError

_ATTEMPTS = 10
_MISSING = "S3 is read by boto3, which is not installed here; get it by: pip install 'windrow[aws]'"

_clients: dict[object, Any] = {}
_sessions: dict[object, Any] = {}
_making = Lock()


def client() -> Any:
    """boto3's client of S3, made once in a process, and anew where AWS's variables have changed.

    None crosses a fork: its connections would be the parent's. A fork's own takes some milliseconds, since what is
    known of S3's interface and of the credentials is the parent's. Raises WindrowError where boto3 is missing.
    """
    told = tuple(sorted(pair for pair in os.environ.items() if pair[0].startswith("AWS_")))
    key = (os.getpid(), told)
    if key not in _clients:
        with _making:
            if key not in _clients:
                _clients.clear()
                _clients[key] = _make_client(told)
    return _clients[key]


def _make_client(told: object) -> Any:
    try:
        from boto3.session import Session
        from botocore.config import Config
    except ImportError:
        raise WindrowError(f"s3://: {_MISSING}") from None
    if told not in _sessions:
        _sessions[told] = Session()
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts()},
        max_pool_connections=2 * MANY,
        response_checksum_validation="when_required",
        user_agent_extra="windrow",
    )
    return _sessions[told].client("s3", config=config)


def attempts() -> int:
    """How often a request is made before it is given up."""
    asked = os.environ.get("AWS_MAX_ATTEMPTS", "")
    return int(asked) if asked.isdecimal() and int(asked) else _ATTEMPTS


@contextmanager
def refusing(uri: str, kind: type[WindrowError] = InputError) -> Iterator[None]:
    """Raises what boto3 raises in this block, or that it is missing, as a WindrowError that names `uri`."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise WindrowError(f"{uri}: {_MISSING}") from None
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise refusal(error, uri, kind) from error


_DENIED = "access is denied; windrow lists buckets, reads objects and writes them: ask the owner for {}"
_MEANWHILE = "since the job was submitted; objects must stay as they are meanwhile; run it again"
#: What is wrong and the cure, by what S3 calls it.
_MEANINGS = {
    "NoSuchBucket": "there is no such bucket; check its name, and AWS_ENDPOINT_URL where that is set",
    "NoSuchKey": f"has been removed {_MEANWHILE}",
    "404": "there is no such object, or bucket; check its name",
    "AccessDenied": _DENIED.format("s3:ListBucket, s3:GetObject, s3:PutObject"),
    "403": _DENIED.format("s3:ListBucket, s3:GetObject, s3:PutObject"),
    "InvalidAccessKeyId": "AWS does not know the access key; check AWS_ACCESS_KEY_ID, or AWS_PROFILE",
    "SignatureDoesNotMatch": "the secret does not fit the access key; check AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "ExpiredToken": "the credentials have expired; get new ones, by `aws sso login` or as you got these",
    "InvalidToken": "the session token is not valid; get new credentials, or unset AWS_SESSION_TOKEN",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "InvalidObjectState": "the object is archived; restore it first, by `aws s3api restore-object`",
    "PreconditionFailed": f"has changed {_MEANWHILE}",
    "InvalidRange": f"has become shorter {_MEANWHILE}",
    "InvalidBucketName": "is no bucket's name; these have 3 to 63 lower-case letters, digits, dots and hyphens",
}
_WRONG_REGION = ("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
_BUSY = ("SlowDown", "503", "ServiceUnavailable", "InternalError", "500", "RequestTimeout", "RequestLimitExceeded")


def refusal(error: Exception, uri: str, kind: type[WindrowError] = InputError) -> WindrowError:
    """The error, of `kind`, for what botocore raised about `uri`: what is wrong, why, and the cure. Holds no secret."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return kind(f"{uri}: {meaning(error.response)}")
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return kind(
            f"{uri}: no credentials for AWS were found, or only some; S3 must know who asks; set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY, or name a profile by AWS_PROFILE"
        )
    if isinstance(error, exceptions.ParamValidationError):
        return kind(f"{uri}: is no name of an object of S3: {str(error).strip().splitlines()[-1]}; check it")
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return kind(f"{uri}: S3 cannot be reached: {error}; check the network, AWS_ENDPOINT_URL and AWS_DEFAULT_REGION")
    return kind(f"{uri}: S3's client refused: {error}; check AWS's variables, such as AWS_PROFILE, and its files")


def meaning(response: Mapping[str, Any]) -> str:
    """What S3's refusal means, and the cure."""
    told, headers = response.get("Error", {}), response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    code = str(told.get("Code", ""))
    if code in _WRONG_REGION:
        region = told.get("Region") or headers.get("x-amz-bucket-region")
        cure = f"set AWS_DEFAULT_REGION={region}" if region else "set AWS_DEFAULT_REGION to it"
        return f"its bucket is in another region ({code}), and S3 answers in a bucket's own region only; {cure}"
    if code in _BUSY:
        return f"S3 is too busy ({code}), and stayed so for {attempts()} attempts; run it again later"
    if code in _MEANINGS:
        return f"{_MEANINGS[code]} ({code})"
    return f"S3 refused: {told.get('Message', '')} ({code}); check the name, and your rights"
