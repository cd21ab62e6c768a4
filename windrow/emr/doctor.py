"""`windrow emr doctor`: whether an account has what a job needs, and what to do about each thing that it lacks."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from windrow.aws.client import client
from windrow.aws.stack import FILES
from windrow.emr.settings import Settings
from windrow.errors import AccountError, WindrowError

#: EC2's quotas of vCPUs of standard instances (m, r, c and others), by how they are bought.
_QUOTAS = {"spot": "L-34B43A08", "on demand": "L-1216C47A"}
_DEPLOY = (
    f"make what windrow needs by: aws cloudformation deploy --stack-name windrow --template-file {FILES}/template.yaml"
    " --capabilities CAPABILITY_NAMED_IAM"
)


class Check(NamedTuple):
    """What was looked at, whether it is as it should be (None: it could not be told), what it is, and the cure."""

    name: str
    good: bool | None
    told: str
    cure: str = ""


def examine(settings: Settings) -> Iterator[Check]:
    """All checks, one after another; without credentials or region there is nothing more to ask."""
    found = _tried("credentials", _credentials)
    yield found
    region = settings.known_region() or ""
    reached = _tried("region", lambda: _region(region))
    yield reached
    if not (found.good and reached.good):
        return
    configured = settings.configured
    yield _tried("role of EMR", lambda: _role(configured.get("iam_service_role"), "elasticmapreduce.amazonaws.com"))
    yield _tried("role of the nodes", lambda: _profile(configured.get("iam_instance_profile")))
    yield from _bucket(str(settings.resolved().known_bucket()), region)
    security = configured.get("extra_cluster_params", {}).get("SecurityConfiguration")
    if security:
        yield _tried("encryption", lambda: _encryption(security, region))
    yield _tried("network", lambda: _network(configured, region))
    yield from _quotas(settings, region)


def _tried(name: str, look: Callable[[], tuple[str, str]]) -> Check:
    """A check that gives what it found and, where that is wrong, the cure; a refusal of AWS's is wrong too."""
    try:
        told, cure = look()
    except WindrowError as error:
        return Check(name, False, str(error))
    return Check(name, not cure, told, cure)


def _credentials() -> tuple[str, str]:
    me = client("sts").get_caller_identity()
    root = "; better a user or role of its own than the account's root" if me["Arn"].endswith(":root") else ""
    return f"{me['Arn']}{root}", ""


def _region(region: str) -> tuple[str, str]:
    from boto3.session import Session

    if region not in Session().get_available_regions("emr"):
        return (
            f"{region}: EMR knows no such region" if region else "none is named",
            "name one, as us-east-1, by AWS_DEFAULT_REGION or --region",
        )
    client("emr", region).list_clusters(ClusterStates=["STARTING"])
    return region, ""


def _role(name: str | None, service: str) -> tuple[str, str]:
    if not name:
        return "the configuration names none", "name one by iam_service_role"
    try:
        role = client("iam").get_role(RoleName=name)["Role"]
    except AccountError as error:
        return _missing(error, name, "role")
    return _trusted(role, service)


def _profile(name: str | None) -> tuple[str, str]:
    if not name:
        return "the configuration names none", "name one by iam_instance_profile"
    try:
        roles = client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    except AccountError as error:
        return _missing(error, name, "instance profile")
    if not roles:
        return f"the instance profile {name} has no role in it", "put the nodes' role into it"
    return _trusted(roles[0], "ec2.amazonaws.com")


def _missing(error: AccountError, name: str, what: str) -> tuple[str, str]:
    if error.code != "NoSuchEntity":
        raise error
    return f"there is no {what} {name}", f"{_DEPLOY}; or name another in a configuration of your own, by -c"


def _trusted(role: dict[str, Any], service: str) -> tuple[str, str]:
    """A role is of use to a service that its trust policy names."""
    import json
    from urllib.parse import unquote

    policy = role.get("AssumeRolePolicyDocument") or {}
    text = unquote(policy) if isinstance(policy, str) else json.dumps(policy)
    if service in text:
        return str(role["RoleName"]), ""
    return f"the role {role['RoleName']} does not trust {service}", f"let {service} assume it, in its trust policy"


def _bucket(name: str, region: str) -> Iterator[Check]:
    """That it is there, in the region, and can be written to."""

    def where() -> tuple[str, str]:
        try:
            place = client("s3", region).get_bucket_location(Bucket=name)["LocationConstraint"] or "us-east-1"
        except AccountError as error:
            if error.code in ("NoSuchBucket", "404"):
                return f"there is no bucket {name}", f"{_DEPLOY}; or name another by --bucket"
            raise
        cure = f"run in {place}, by --region, or name another bucket by --bucket" if place != region else ""
        return f"{name} in {place}", cure

    def writable() -> tuple[str, str]:
        asked, key = client("s3", region), f"tmp/doctor-{uuid4().hex}"
        asked.put_object(Bucket=name, Key=key, Body=b"")
        asked.delete_object(Bucket=name, Key=key)
        return "an object was written and removed", ""

    found = _tried("bucket", where)
    yield found
    if found.good:
        yield _tried("writing to it", writable)


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
        return f"{configured['subnet']}, by the configuration", ""
    subnets, _ = network(client("ec2", region))
    if subnets:
        return f"{', '.join(subnets)}, tagged windrow", ""
    ours = client("ec2", region).describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if ours:
        return (
            "no subnet is tagged windrow; EMR would take the default VPC, where windrow's role may start nothing",
            _DEPLOY,
        )
    return "no subnet is tagged windrow, and there is no default VPC", _DEPLOY


def _quotas(settings: Settings, region: str) -> Iterator[Check]:
    """vCPUs that the account may have at once: of the workers as spot and, for when there is none, on demand."""
    cores = settings.core_vcpus() or 0
    for bought, code in _QUOTAS.items():
        if bought == "spot" and settings.on_demand:
            continue
        needed = cores + (4 if bought == "on demand" else 0)  # the master
        try:
            limit = _quota(code, region)
        except AccountError as error:
            yield Check(f"quota, {bought}", None, f"could not be asked for: {error}")
            continue
        cure = (
            f"ask for more: aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {code}"
            f" --desired-value {needed}; or take fewer by --cores"
        )
        yield Check(
            f"quota, {bought}", limit >= needed, f"{limit:.0f} vCPUs, and {needed} are needed",
            "" if limit >= needed else cure,
        )  # fmt: skip


def _quota(code: str, region: str) -> float:
    asked = client("service-quotas", region)
    try:
        return float(asked.get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"])
    except AccountError as error:
        if error.code != "NoSuchResourceException":
            raise
        told = asked.get_aws_default_service_quota(ServiceCode="ec2", QuotaCode=code)
        return float(told["Quota"]["Value"])
