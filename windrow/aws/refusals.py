"""What AWS refuses: one table from its codes, and from botocore's errors, to what is wrong and the fix.

It serves requests for S3's objects, whose errors name the object, and calls of all other services, whose errors are
AccountErrors with AWS's code. No message has a secret: of what AWS answers only the first line is quoted, because the
lines below it may repeat the request, with its session token.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from windrow.aws.session import attempts
from windrow.errors import AccountError, InputError, WindrowError, without_passwords


class Request(NamedTuple):
    """What a refusal says of the request that was refused."""

    service: str
    permissions: str
    """What its credentials need, and who knows more."""
    invalid: str
    """What it is where AWS's own client does not accept it."""
    check: str
    """What to check then."""
    unknown: str
    """What to do where the table does not have AWS's code."""
    thing: str
    """What it asks for."""


#: A request for an object of S3.
OBJECTS = Request(
    service="S3",
    permissions="s3:ListBucket and s3:GetObject to read, s3:PutObject to write; ask the bucket's owner for them",
    invalid="is not a valid name of an S3 object",
    check="check it",
    unknown="check the name, and your permissions",
    thing="object",
)
#: A request for a stream of Kinesis.
STREAMS = Request(
    service="Kinesis",
    permissions=(
        "kinesis:DescribeStreamSummary, ListShards, GetShardIterator and GetRecords to read, PutRecords to put records"
        " in, CreateStream and IncreaseStreamRetentionPeriod to make it, and kms:Decrypt and GenerateDataKey where it"
        " is encrypted; ask its owner for them"
    ),
    invalid="is not a valid name of a stream",
    check="check it",
    unknown="check the name, the region, and your permissions",
    thing="stream",
)
_MEANWHILE = "since the job was submitted ({code}); objects must not change while a job runs; run it again"

#: What is wrong and the fix, by AWS's codes or by the names of botocore's errors.
REFUSALS: dict[tuple[str, ...], str] = {
    ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"): (
        "access is denied ({code}: {message}); these credentials need {permissions}"
    ),
    ("InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"): (
        "AWS does not know these credentials ({code}); check AWS_ACCESS_KEY_ID, AWS_PROFILE and the region"
    ),
    ("SignatureDoesNotMatch", "InvalidSignatureException"): (
        "the secret key does not match the access key ({code}); check AWS_SECRET_ACCESS_KEY, AWS_PROFILE and this"
        " machine's clock"
    ),
    ("ExpiredToken", "ExpiredTokenException", "RequestExpired"): (
        "the credentials have expired ({code}); renew them, with `aws sso login` or the way you got them"
    ),
    ("InvalidToken",): "the session token is not valid ({code}); get new credentials, or unset AWS_SESSION_TOKEN",
    ("RequestTimeTooSkewed",): "this machine's clock is wrong ({code}); set it",
    (
        "SlowDown", "503", "ServiceUnavailable", "InternalError", "500", "RequestTimeout", "RequestLimitExceeded",
        "Throttling", "ThrottlingException", "TooManyRequestsException", "ProvisionedThroughputExceededException",
        "LimitExceededException", "KMSThrottlingException", "InternalFailure", "InternalFailureException",
    ): "{service} is too busy ({code}), and stayed so for {attempts} attempts; try again later",
    ("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"): (
        "its bucket is in another region ({code}), and S3 answers only in a bucket's own region; set"
        " AWS_DEFAULT_REGION{region}"
    ),
    ("NoSuchBucket",): "there is no such bucket ({code}); check its name, and AWS_ENDPOINT_URL if it is set",
    ("ResourceNotFoundException",): (
        "there is no such {thing} in this region ({code}); check its name, AWS_DEFAULT_REGION, and AWS_ENDPOINT_URL if"
        " it is set"
    ),
    (
        "KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException",
        "KMSOptInRequired",
    ): "its records cannot be decrypted ({code}: {message}); these credentials need kms:Decrypt, and an enabled key",
    ("404",): "there is no such object or bucket ({code}); check its name",
    ("NoSuchKey",): f"has been removed {_MEANWHILE}",
    ("PreconditionFailed",): f"has changed {_MEANWHILE}",
    ("InvalidRange",): f"has become shorter {_MEANWHILE}",
    ("InvalidObjectState",): "the object is archived ({code}); restore it first, with `aws s3api restore-object`",
    ("InvalidBucketName",): (
        "is not a valid bucket name ({code}): these have 3 to 63 lower-case letters, digits, dots and hyphens; check it"
    ),
    ("ClientError",): "{service} refused: {message} ({code}); {unknown}",
    ("NoCredentialsError", "PartialCredentialsError"): (
        "no AWS credentials were found, or only part of them; run `aws configure` or `aws sso login`, or set"
        " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    ),
    ("ProfileNotFound",): "{message}; set AWS_PROFILE to a profile of AWS's configuration, or unset it",
    ("NoRegionError",): "no region is set; set AWS_DEFAULT_REGION, e.g. to us-east-1, or use --region",
    ("HTTPClientError", "ConnectionError"): (
        "{service} cannot be reached: {message}; check the network, AWS_DEFAULT_REGION, and AWS_ENDPOINT_URL if it is"
        " set"
    ),
    ("ParamValidationError",): "{invalid}: {message}; {check}",
    ("BotoCoreError",): "boto3 failed: {message}; check AWS's environment variables and configuration files",
}  # fmt: skip
_BY_NAME = {name: text for names, text in REFUSALS.items() for name in names}

#: Services that are asked about a data catalog.
_OF_CATALOGS = {"glue", "athena", "cloudtrail", "cloudwatch", "sts:AssumeRole"}
#: What else must be, for a call to be allowed.
_MUST_ALLOW = {"sts:AssumeRole": " in their policy, and the role's trust policy must name them"}

#: What a service's actions begin with where that is not the service's name.
_PREFIXES = {"emr": "elasticmapreduce", "service-quotas": "servicequotas", "stepfunctions": "states"}


def object_refusal(error: Exception, uri: str, kind: type[WindrowError] = InputError) -> WindrowError:
    """The error, of `kind`, for what botocore raised at a request for an object of S3."""
    return kind(f"{uri}: {_reason(error, OBJECTS)}")


def stream_refusal(error: Exception, uri: str) -> InputError:
    """The error for what botocore raised at a request for a stream of Kinesis."""
    return InputError(f"{uri}: {_reason(error, STREAMS)}")


def call_refusal(error: Exception, call: str) -> AccountError:
    """The AccountError for what botocore raised at a call of another service, e.g. "emr run_job_flow"."""
    from botocore.exceptions import ClientError

    if getattr(error, "operation_name", "") == "AssumeRole":  # botocore's own call, for the credentials of this one
        call = "sts assume_role"
    service, _, name = call.partition(" ")
    made = AccountError(f"{f'{service}: {operation(name)}' if name else service}: {_reason(error, _request(call))}")
    if isinstance(error, ClientError):
        made.code = _field(error.response, "Code")
    return made


def _request(call: str) -> Request:
    service, _, name = call.partition(" ")
    action = f"{_PREFIXES.get(service, service)}:{operation(name)}"
    if _OF_CATALOGS.intersection({service, action}):
        return Request(
            service="AWS",
            permissions=f"{action}{_MUST_ALLOW.get(action, '')}; docs/catalog.md lists all required permissions",
            invalid="the request is not valid",
            check="check the options",
            unknown="check the options, the region, and your permissions",
            thing="resource",
        )
    return Request(
        service="AWS",
        permissions=f"{action}; `windrow emr plan` lists all required permissions",
        invalid="the request is not valid",
        check="check the configuration file that -c names",
        unknown="`windrow emr doctor` reports what the account lacks",
        thing="resource",
    )


def _reason(error: Exception, request: Request) -> str:
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        return meaning(error.response, request)
    text = next(_BY_NAME[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _BY_NAME)
    lines = str(error).removeprefix("Parameter validation failed:").strip().splitlines()
    return text.format(message=without_passwords("; ".join(lines)), **request._asdict())


def meaning(response: Mapping[str, Any], request: Request = OBJECTS) -> str:
    """What AWS's refusal means, and the fix."""
    code = _field(response, "Code")
    return _BY_NAME.get(code, _BY_NAME["ClientError"]).format(
        code=code,
        message=without_passwords(_field(response, "Message").partition("\n")[0]),
        region=_region(response),
        attempts=attempts(),
        **request._asdict(),
    )


def _field(response: Mapping[str, Any], name: str) -> str:
    return str(response.get("Error", {}).get(name, ""))


def _region(response: Mapping[str, Any]) -> str:
    """How a bucket's region continues `set AWS_DEFAULT_REGION`."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = _field(response, "Region") or headers.get("x-amz-bucket-region")
    return f"={region}" if region else " to it"


def operation(call: str) -> str:
    """An operation as AWS writes it.

    >>> operation("run_job_flow")
    'RunJobFlow'
    """
    return "".join(word.capitalize() for word in call.split("_"))
