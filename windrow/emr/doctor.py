"""`windrow emr doctor`: whether an account has what a job needs, and how to fix what it lacks."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote
from uuid import uuid4

from windrow.aws.client import client, regions_with
from windrow.aws.stack import FILES
from windrow.emr.settings import Settings
from windrow.errors import AccountError, WindrowError

#: EC2's quotas of vCPUs of standard instances (m, r, c and others), by how they are bought.
_QUOTAS = {"spot": "L-34B43A08", "on demand": "L-1216C47A"}
#: vCPUs of the master, which is always on demand.
_MASTER = 4
_DEPLOY = (
    "create what windrow needs with: aws cloudformation deploy --stack-name windrow --template-file"
    f" {FILES}/template.yaml --capabilities CAPABILITY_NAMED_IAM"
)


class Check(NamedTuple):
    """What was checked, whether it is as it should be (None: could not be determined), what was found, and the fix."""

    name: str
    good: bool | None
    found: str
    fix: str = ""


def examine(settings: Settings) -> Iterator[Check]:
    """All checks, one after another; without credentials or region only these two."""
    credentials = _tried("credentials", _credentials)
    yield credentials
    region = settings.known_region() or ""
    reached = _tried("region", lambda: _region(region))
    yield reached
    if not (credentials.good and reached.good):
        return
    configured = settings.configured
    yield _tried("EMR's role", lambda: _role(configured.get("iam_service_role"), "elasticmapreduce.amazonaws.com"))
    yield _tried("the nodes' role", lambda: _profile(configured.get("iam_instance_profile")))
    yield from _bucket(str(settings.resolved().known_bucket()), region)
    security = configured.get("extra_cluster_params", {}).get("SecurityConfiguration")
    if security:
        yield _tried("encryption", lambda: _encryption(security, region))
    yield _tried("network", lambda: _network(configured, region))
    yield from _quotas(settings, region)


def _tried(name: str, look: Callable[[], tuple[str, str]]) -> Check:
    """A check by a function that returns what it found and, if that is wrong, the fix; a refusal by AWS fails it."""
    try:
        found, fix = look()
    except WindrowError as error:
        return Check(name, False, str(error))
    return Check(name, not fix, found, fix)


def _credentials() -> tuple[str, str]:
    me = client("sts").get_caller_identity()
    root = "; a user or role of its own is safer than the account's root" if me["Arn"].endswith(":root") else ""
    return f"{me['Arn']}{root}", ""


def _region(region: str) -> tuple[str, str]:
    if region not in regions_with("emr"):
        return (
            f"{region}: EMR has no such region" if region else "no region is set",
            "set AWS_DEFAULT_REGION, e.g. to us-east-1, or use --region",
        )
    client("emr", region).list_clusters(ClusterStates=["STARTING"])
    return region, ""


def _role(name: str | None, service: str) -> tuple[str, str]:
    if not name:
        return "the configuration has none", "set iam_service_role"
    try:
        role = client("iam").get_role(RoleName=name)["Role"]
    except AccountError as error:
        return _missing(error, name, "role")
    return _trusted(role, service)


def _profile(name: str | None) -> tuple[str, str]:
    if not name:
        return "the configuration has none", "set iam_instance_profile"
    try:
        roles = client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    except AccountError as error:
        return _missing(error, name, "instance profile")
    if not roles:
        return f"the instance profile {name} has no role", "add the nodes' role to it"
    return _trusted(roles[0], "ec2.amazonaws.com")


def _missing(error: AccountError, name: str, what: str) -> tuple[str, str]:
    if error.code != "NoSuchEntity":
        raise error
    return f"there is no {what} {name}", f"{_DEPLOY}; or name another in your own configuration file, with -c"


def _trusted(role: dict[str, Any], service: str) -> tuple[str, str]:
    """A service can use a role only if the role's trust policy names it."""
    policy = role.get("AssumeRolePolicyDocument") or {}
    text = unquote(policy) if isinstance(policy, str) else json.dumps(policy)
    if service in text:
        return str(role["RoleName"]), ""
    return f"the role {role['RoleName']} does not trust {service}", f"let {service} assume it, in its trust policy"


def _bucket(name: str, region: str) -> Iterator[Check]:
    """That it exists, in the region, and can be written to."""
    found = _tried("bucket", lambda: _bucket_place(name, region))
    yield found
    if found.good:
        yield _tried("writing to it", lambda: _bucket_written(name, region))


def _bucket_place(name: str, region: str) -> tuple[str, str]:
    try:
        place = client("s3", region).get_bucket_location(Bucket=name)["LocationConstraint"] or "us-east-1"
    except AccountError as error:
        if error.code in ("NoSuchBucket", "404"):
            return f"there is no bucket {name}", f"{_DEPLOY}; or use another with --bucket"
        raise
    return f"{name} in {place}", "" if place == region else f"use --region {place}, or another bucket with --bucket"


def _bucket_written(name: str, region: str) -> tuple[str, str]:
    s3, key = client("s3", region), f"tmp/doctor-{uuid4().hex}"
    s3.put_object(Bucket=name, Key=key, Body=b"")
    s3.delete_object(Bucket=name, Key=key)
    return "an object was written and deleted", ""


def _encryption(name: str, region: str) -> tuple[str, str]:
    try:
        client("emr", region).describe_security_configuration(Name=name)
    except AccountError as error:
        if error.code not in ("InvalidRequestException", "ResourceNotFoundException"):
            raise
        return f"there is no security configuration {name}", _DEPLOY
    return f"security configuration {name}", ""


def _network(configured: dict[str, Any], region: str) -> tuple[str, str]:
    from windrow.runners.emr_cluster import network

    if configured.get("subnet"):
        return f"{configured['subnet']}, set in the configuration", ""
    subnets, _ = network(client("ec2", region))
    if subnets:
        return f"{', '.join(subnets)}, tagged windrow", ""
    default = client("ec2", region).describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if default:
        return (
            "no subnet is tagged windrow; EMR would use the default VPC, where windrow's role may start nothing",
            _DEPLOY,
        )
    return "no subnet is tagged windrow, and there is no default VPC", _DEPLOY


def _quotas(settings: Settings, region: str) -> Iterator[Check]:
    """The account's limits of vCPUs: for the workers as spot instances and, if there are none, on demand."""
    workers = settings.worker_cores() or 0
    for bought, code in _QUOTAS.items():
        if bought == "spot" and settings.on_demand:
            continue
        needed = workers + (_MASTER if bought == "on demand" else 0)
        try:
            limit = _quota(code, region)
        except AccountError as error:
            yield Check(f"quota, {bought}", None, f"could not be read: {error}")
            continue
        fix = (
            "request more with: aws service-quotas request-service-quota-increase --service-code ec2 --quota-code"
            f" {code} --desired-value {needed}; or use fewer with --cores"
        )
        good = limit >= needed
        yield Check(f"quota, {bought}", good, f"{limit:.0f} vCPUs; a job needs {needed}", "" if good else fix)


def _quota(code: str, region: str) -> float:
    quotas = client("service-quotas", region)
    try:
        return float(quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"])
    except AccountError as error:
        if error.code != "NoSuchResourceException":
            raise
        default = quotas.get_aws_default_service_quota(ServiceCode="ec2", QuotaCode=code)
        return float(default["Quota"]["Value"])
