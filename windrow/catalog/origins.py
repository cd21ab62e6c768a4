"""Where a catalog is read: an account and a region, and by which credentials."""

import difflib
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from windrow.aws.client import client, next_token, partition_of, region_of_environment, regions_with
from windrow.aws.parallel import in_parallel
from windrow.aws.roles import account_of, role_behind
from windrow.aws.session import new_client
from windrow.errors import AccountError, UsageError

#: The role that is none: the credentials themselves.
NO_ROLE = "-"
#: What Glue answers in a region that is not enabled in the account.
_NOT_ENABLED = {"UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "OptInRequired"}


class Origin(NamedTuple):
    """A catalog of a region, and who reads it."""

    account: str
    """The number of the account; of a catalog beside its own, that catalog's ID."""
    region: str
    role: str | None = None
    """The role that is assumed; None: the credentials themselves."""
    catalog_id: str | None = None
    caller: str = ""
    """Whose the credentials are, where no role is assumed."""
    is_sure: bool = True
    """Whether the region is enabled in the account, as far as is known."""

    @property
    def reader(self) -> str:
        """The ARN of who reads."""
        return self.role or self.caller

    def client(self, service: str) -> Any:
        """boto3's client of a service, for all who ask for it; its refusals are AccountErrors."""
        return client(service, self.region, self.role)

    def new_client(self, service: str) -> Any:
        """boto3's own client, for the caller alone."""
        return new_client(service, self.region, self.role)

    def is_not_enabled(self, error: AccountError) -> bool:
        """Whether that is what an error means: nobody asked for this region by its name."""
        return not self.is_sure and error.code in _NOT_ENABLED

    def __str__(self) -> str:
        return f"{self.account} {self.region}"


def origins(
    regions: Sequence[str] = (), all_regions: bool = False, roles: Sequence[str] = (), catalog_id: str | None = None
) -> list[Origin]:
    """The catalogs of these regions, by default of the one that is set, read with each of these roles.

    catalog_id: another catalog than the account's own; `all`: that, and all beside it. Raises UsageError, and
    AccountError where there are no credentials, or no region is set.
    """
    if all_regions and regions:
        raise UsageError(f"--region {regions[0]}: --all-regions asks for all; leave one of them out")
    for region in regions:
        _refuse_unknown(region, f"--region {region}")
    by = list(dict.fromkeys(roles or [NO_ROLE]))
    if catalog_id and catalog_id != "all" and len(by) > 1:
        raise UsageError(
            f"--role {by[1]}: by {by[0]} and by it the same catalog {catalog_id} would be read, whose tables would be"
            " there twice; leave one of them out"
        )
    whose = _whose(by, _usual_region(regions))
    if all_regions:
        found = [each for one in in_parallel(_in_all_regions, whose) for each in one]
    else:
        found = [one._replace(region=region) for one in whose for region in dict.fromkeys(regions or [one.region])]
    if catalog_id and catalog_id != "all":
        return [one._replace(account=catalog_id, catalog_id=catalog_id) for one in found]
    return found


def _usual_region(regions: Sequence[str]) -> str:
    """Where accounts are asked which regions they have. Raises AccountError where none is set."""
    region = regions[0] if regions else region_of_environment()
    if region is None:
        usual: str = client("glue").meta.region_name  # which refuses
        return usual
    _refuse_unknown(region, f"AWS_DEFAULT_REGION={region}")
    return region


def _refuse_unknown(region: str, named: str) -> None:
    from botocore.exceptions import UnknownRegionError

    try:
        known = regions_with("glue", partition_of(region))
    except UnknownRegionError:
        known = regions_with("glue")
    if region not in known:
        near = difflib.get_close_matches(region, known, n=1)
        fix = f"did you mean {near[0]}? For" if near else f"name one, such as {known[0]}; for"
        raise UsageError(f"{named}: boto3 knows no such region with Glue; {fix} a new one, update boto3")


def _whose(roles: Sequence[str], region: str) -> list[Origin]:
    """The accounts of these roles, each in this region. Raises UsageError, AccountError."""
    found: dict[str, Origin] = {}
    for role in roles:
        if role == NO_ROLE:
            told = client("sts", region).get_caller_identity()
            one = Origin(str(told["Account"]), region, caller=role_behind(str(told["Arn"])))
        elif number := account_of(role):
            one = Origin(number, region, role)
        else:
            raise UsageError(
                f"--role {role}: is no role's ARN; name it as arn:aws:iam::111122223333:role/NAME, or {NO_ROLE} for the"
                " credentials themselves"
            )
        if other := found.get(one.account):
            raise UsageError(
                f"--role {role}: {other.role or 'the credentials'} and it are of the same account {one.account}, whose"
                " tables would be there twice; leave one of them out"
            )
        found[one.account] = one
    return list(found.values())


def _in_all_regions(own: Origin) -> list[Origin]:
    """The origin in all regions that are enabled in its account; if that is not told, in all that there are."""
    try:
        told = own.client("ec2").describe_regions()["Regions"]
    except AccountError as error:
        if str(error).startswith("sts: AssumeRole:"):  # it is told where the catalog is read
            return [own]
        known = regions_with("glue", partition_of(own.region))
        return [own._replace(region=region, is_sure=False) for region in known]
    enabled = {str(one["RegionName"]) for one in told if one.get("OptInStatus") != "not-opted-in"}
    with_glue = enabled.intersection(regions_with("glue", partition_of(own.region)))
    return [own._replace(region=region) for region in sorted(with_glue)]


def beside(origin: Origin) -> list[Origin]:
    """All catalogs beside an account's own, such as those of S3 Tables and of Redshift. Raises AccountError."""
    found: list[str] = []
    token = ""
    ask = partial(origin.client("glue").get_catalogs, Recursive=True)
    while True:
        told = ask(**({"NextToken": token} if token else {}))
        found += [str(one["CatalogId"]) for one in told["CatalogList"] if one.get("CatalogId")]
        token = next_token(token, str(told.get("NextToken") or ""), "glue get_catalogs")
        if not token:
            break
    others = dict.fromkeys(one for one in found if one != origin.account)
    return [origin._replace(account=one, catalog_id=one) for one in others]
