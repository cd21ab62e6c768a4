"""Every refusal of AWS has one meaning, at an object of S3 as at a call of any other service, and holds no secret."""

from itertools import chain

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from windrow.aws.refusals import REFUSALS, call_refusal, meaning, object_refusal, stream_refusal
from windrow.errors import AccountError, InputError, OutputError

URI = "s3://bucket/bars.csv"
DENIED = "access is denied ({}: No.); these credentials need"
UNKNOWN = "AWS does not know these credentials ({}); check AWS_ACCESS_KEY_ID, AWS_PROFILE and the region"
NO_MATCH = (
    "the secret key does not match the access key ({}); check AWS_SECRET_ACCESS_KEY, AWS_PROFILE and this machine's"
    " clock"
)
EXPIRED = "the credentials have expired ({}); renew them, with `aws sso login` or the way you got them"
BUSY = "is too busy ({}), and stayed so for 10 attempts; try again later"
ELSEWHERE = (
    "its bucket is in another region ({}), and S3 answers only in a bucket's own region; set AWS_DEFAULT_REGION to it"
)
UNDECRYPTED = "its records cannot be decrypted ({}: No.); these credentials need kms:Decrypt, and an enabled key"
CHANGED = "since the job was submitted ({}); objects must not change while a job runs; run it again"
MEANINGS = {
    "AccessDenied": DENIED,
    "AccessDeniedException": DENIED,
    "UnauthorizedOperation": DENIED,
    "AuthorizationError": DENIED,
    "403": DENIED,
    "InvalidAccessKeyId": UNKNOWN,
    "InvalidClientTokenId": UNKNOWN,
    "UnrecognizedClientException": UNKNOWN,
    "AuthFailure": UNKNOWN,
    "SignatureDoesNotMatch": NO_MATCH,
    "InvalidSignatureException": NO_MATCH,
    "ExpiredToken": EXPIRED,
    "ExpiredTokenException": EXPIRED,
    "RequestExpired": EXPIRED,
    "InvalidToken": "the session token is not valid ({}); get new credentials, or unset AWS_SESSION_TOKEN",
    "RequestTimeTooSkewed": "this machine's clock is wrong ({}); set it",
    "SlowDown": BUSY,
    "503": BUSY,
    "ServiceUnavailable": BUSY,
    "InternalError": BUSY,
    "500": BUSY,
    "RequestTimeout": BUSY,
    "RequestLimitExceeded": BUSY,
    "Throttling": BUSY,
    "ThrottlingException": BUSY,
    "TooManyRequestsException": BUSY,
    "ProvisionedThroughputExceededException": BUSY,
    "LimitExceededException": BUSY,
    "KMSThrottlingException": BUSY,
    "InternalFailure": BUSY,
    "InternalFailureException": BUSY,
    "PermanentRedirect": ELSEWHERE,
    "301": ELSEWHERE,
    "AuthorizationHeaderMalformed": ELSEWHERE,
    "IllegalLocationConstraintException": ELSEWHERE,
    "NoSuchBucket": "there is no such bucket ({}); check its name, and AWS_ENDPOINT_URL if it is set",
    "404": "there is no such object or bucket ({}); check its name",
    "ResourceNotFoundException": "in this region ({}); check its name, AWS_DEFAULT_REGION, and AWS_ENDPOINT_URL if it",
    "KMSAccessDeniedException": UNDECRYPTED,
    "KMSDisabledException": UNDECRYPTED,
    "KMSInvalidStateException": UNDECRYPTED,
    "KMSNotFoundException": UNDECRYPTED,
    "KMSOptInRequired": UNDECRYPTED,
    "NoSuchKey": f"has been removed {CHANGED}",
    "PreconditionFailed": f"has changed {CHANGED}",
    "InvalidRange": f"has become shorter {CHANGED}",
    "InvalidObjectState": "the object is archived ({}); restore it first, with `aws s3api restore-object`",
    "InvalidBucketName": "is not a valid bucket name ({}): these have 3 to 63 lower-case letters, digits, dots and",
    "Unheard": "refused: No. ({});",
}
#: What botocore raises itself -> what is said of it.
UNSENT = [
    (exceptions.NoCredentialsError(), "no AWS credentials were found, or only part of them; run `aws configure` or"),
    (exceptions.PartialCredentialsError(provider="env", cred_var="x"), "no AWS credentials were found, or only part"),
    (exceptions.ProfileNotFound(profile="me"), "The config profile (me) could not be found; set AWS_PROFILE to a"),
    (exceptions.NoRegionError(), "no region is set; set AWS_DEFAULT_REGION, e.g. to us-east-1, or use --region"),
    (exceptions.EndpointConnectionError(endpoint_url="http://x"), "cannot be reached: Could not connect to the"),
    (exceptions.ConnectionClosedError(endpoint_url="http://x"), "cannot be reached: Connection was closed before"),
    (exceptions.ParamValidationError(report="A is wrong\nB too"), "valid"),
    (exceptions.DataNotFoundError(data_path="x"), "boto3 failed: Unable to load data for: x; check AWS's environment"),
]


@pytest.fixture(autouse=True)
def usual_attempts(monkeypatch):
    monkeypatch.delenv("AWS_MAX_ATTEMPTS", raising=False)


def refused(code, message="No."):
    return ClientError({"Error": {"Code": code, "Message": message}}, "RunJobFlow")


def test_every_name_in_the_table_is_there_once_and_is_tested():
    names = list(chain.from_iterable(REFUSALS))
    tested = {*MEANINGS, "ClientError"} - {"Unheard"}
    assert len(names) == len(set(names))
    assert {name for name in names if not hasattr(exceptions, name)} == tested - {"ClientError"}


@pytest.mark.parametrize("code", MEANINGS)
@pytest.mark.parametrize("kind", [InputError, OutputError])
def test_a_code_at_an_object(code, kind):
    error = object_refusal(refused(code), URI, kind)
    assert type(error) is kind and str(error).startswith(f"{URI}: ") and MEANINGS[code].format(code) in str(error)


@pytest.mark.parametrize("code", MEANINGS)
def test_a_code_at_a_call(code):
    error = call_refusal(refused(code), "emr run_job_flow")
    assert type(error) is AccountError and error.code == code
    assert str(error).startswith("emr: RunJobFlow: ") and MEANINGS[code].format(code) in str(error)


def test_what_differs_between_an_object_and_a_call():
    assert str(object_refusal(refused("AccessDenied"), URI)).endswith(
        "these credentials need s3:ListBucket and s3:GetObject to read, s3:PutObject to write; ask the bucket's owner"
        " for them"
    )
    assert str(call_refusal(refused("AccessDenied"), "service-quotas get_service_quota")).endswith(
        "these credentials need servicequotas:GetServiceQuota; `windrow emr plan` lists all required permissions"
    )
    assert str(object_refusal(refused("SlowDown"), URI)).startswith(f"{URI}: S3 is too busy")
    assert str(call_refusal(refused("Throttling"), "iam get_role")).startswith("iam: GetRole: AWS is too busy")
    assert str(object_refusal(refused("Unheard"), URI)).endswith("; check the name, and your permissions")
    assert str(call_refusal(refused("Unheard"), "iam get_role")).endswith(
        "; `windrow emr doctor` reports what the account lacks"
    )


@pytest.mark.parametrize(("error", "message"), UNSENT, ids=lambda case: type(case).__name__)
def test_what_botocore_raises_itself(error, message):
    assert f"{URI}: " in str(object_refusal(error, URI)) and message in str(object_refusal(error, URI))
    refusal = call_refusal(error, "emr run_job_flow")
    assert str(refusal).startswith("emr: RunJobFlow: ") and message in str(refusal) and refusal.code == ""


@pytest.mark.parametrize("code", MEANINGS)
def test_a_code_at_a_stream(code):
    error = stream_refusal(refused(code), "kinesis://bars")
    assert type(error) is InputError and str(error).startswith("kinesis://bars: ")
    assert MEANINGS[code].format(code) in str(error)


def test_what_differs_at_a_stream():
    missing = str(stream_refusal(refused("ResourceNotFoundException"), "kinesis://bars"))
    assert missing.startswith("kinesis://bars: there is no such stream in this region (")
    assert "Kinesis is too busy" in str(stream_refusal(refused("LimitExceededException"), "kinesis://bars"))


def test_a_request_that_is_not_valid_is_explained_in_one_line():
    error = exceptions.ParamValidationError(report="A is wrong\nB too")
    assert str(object_refusal(error, URI)) == f"{URI}: is not a valid name of an S3 object: A is wrong; B too; check it"
    assert str(call_refusal(error, "emr run_job_flow")) == (
        "emr: RunJobFlow: the request is not valid: A is wrong; B too; check the configuration file that -c names"
    )


def test_before_any_call_only_the_service_is_named():
    assert str(call_refusal(exceptions.NoRegionError(), "emr")).startswith("emr: no region is set")


@pytest.mark.parametrize(
    ("error", "headers", "fix"),
    [
        ({"Region": "eu-west-1"}, {}, "set AWS_DEFAULT_REGION=eu-west-1"),
        ({}, {"x-amz-bucket-region": "eu-west-1"}, "set AWS_DEFAULT_REGION=eu-west-1"),
        ({}, {}, "set AWS_DEFAULT_REGION to it"),
    ],
)
def test_a_buckets_region_is_named_where_s3_names_it(error, headers, fix):
    response = {"Error": {"Code": "PermanentRedirect", **error}, "ResponseMetadata": {"HTTPHeaders": headers}}
    assert meaning(response).endswith(fix)


@pytest.mark.parametrize("code", ["InvalidSignatureException", "SignatureDoesNotMatch", "AccessDenied", "Unheard"])
def test_no_secret_is_quoted(code):
    """AWS repeats the request that it was sent, where a signature does not match: its headers, the token among them."""
    error = refused(code, "It does not match.\n\nThe Canonical String was 'POST\nx-amz-security-token:FwoSECRET'")
    assert "FwoSECRET" not in f"{object_refusal(error, URI)}{call_refusal(error, 'emr list_clusters')}"
