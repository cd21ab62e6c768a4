"""Origins are the accounts and regions that are asked for; what cannot be one is refused with its cure."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.catalog import wire
from tests.catalog.lake import ACCOUNT, OTHERS, REGION, role
from windrow.aws.session import session
from windrow.catalog.origins import Origin, origins
from windrow.errors import AccountError, UsageError

OWN = f"arn:aws:sts::{ACCOUNT}:user/moto"


def test_by_default_the_credentials_themselves_in_the_region_that_is_set(aws):
    assert origins() == [Origin(ACCOUNT, REGION, caller=OWN)]
    assert (str(origins()[0]), origins()[0].reader) == (f"{ACCOUNT} {REGION}", OWN)


def test_regions_times_roles_each_once(aws):
    found = origins(["us-east-1", REGION, "us-east-1"], roles=[role(OTHERS[0]), "-", role(OTHERS[0])])
    assert [(one.account, one.region, one.role) for one in found] == [
        (OTHERS[0], "us-east-1", role(OTHERS[0])), (OTHERS[0], REGION, role(OTHERS[0])),
        (ACCOUNT, "us-east-1", None), (ACCOUNT, REGION, None),
    ]  # fmt: skip


def test_the_role_of_a_caller_has_one_name_at_every_run(aws):
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/collector/i-0{{}}"
    for number in range(2):
        told = f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{arn.format(number)}</Arn><Account>{ACCOUNT}"
        told += "</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        with wire.answers({"GetCallerIdentity": lambda asked, number, told=told: told.encode()}):
            assert origins()[0].reader == f"arn:aws:iam::{ACCOUNT}:role/collector"


def regions(**enabled):
    """EC2's answer, by the status of each region."""
    items = "".join(
        f"<item><regionName>{name.replace('_', '-')}</regionName><optInStatus>{status}</optInStatus></item>"
        for name, status in enabled.items()
    )
    return f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>".encode()


def test_all_regions_are_those_that_are_enabled_in_each_account(aws):
    told = regions(
        eu_west_1="opt-in-not-required", af_south_1="opted-in", ap_east_1="not-opted-in", xx_west_9="opted-in"
    )
    with wire.answers({"DescribeRegions": lambda asked, number: told}) as calls:
        found = origins(all_regions=True, roles=["-", role(OTHERS[0])])
    assert [(one.account, one.region) for one in found] == [
        (ACCOUNT, "af-south-1"), (ACCOUNT, "eu-west-1"), (OTHERS[0], "af-south-1"), (OTHERS[0], "eu-west-1"),
    ]  # fmt: skip
    assert all(one.is_sure for one in found)
    asked = [call for call in calls if call.operation == "DescribeRegions"]
    assert len({call.key for call in asked}) == 2 and all("AllRegions" not in call.asked for call in asked)


def test_a_role_is_assumed_once_and_again_before_its_credentials_end(aws):
    name = role(OTHERS[0], "brief")

    def credentials(asked, number):
        end = datetime.now(UTC) + timedelta(minutes=5 if number == 1 else 60)  # renewed from 15 minutes before the end
        return (
            f"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA{number:016}</AccessKeyId>"
            f"<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{end.isoformat()}</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ).encode()

    with wire.answers({"AssumeRole": credentials, "GetDatabases": lambda *_: {"DatabaseList": []}}) as calls:
        glue = Origin(OTHERS[0], REGION, name).client("glue")
        for _ in range(3):
            glue.get_databases()
        Origin(OTHERS[0], "us-west-2", name).client("glue").get_databases()
    assert [asked["RoleArn"] for asked in calls.of("AssumeRole")] == [name, name]
    assert calls.of("AssumeRole")[0]["RoleSessionName"] == "windrow"
    keys = [call.key for call in calls if call.operation == "GetDatabases"]
    assert keys == ["ASIA0000000000000002"] * 4 or keys == ["ASIA0000000000000001", *["ASIA0000000000000002"] * 3]


def test_a_new_client_is_the_callers_alone(aws):
    origin = origins()[0]
    assert origin.new_client("s3") is not origin.new_client("s3")
    assert origin.new_client("s3").meta.region_name == REGION


REFUSED = {
    "region and all": (
        {"regions": ["eu-west-1"], "all_regions": True},
        "--region eu-west-1: --all-regions asks for all; leave one of them out",
    ),
    "region": (
        {"regions": ["eu-wset-1"]},
        "--region eu-wset-1: boto3 knows no such region with Glue; did you mean eu-west-1? For a new one, update boto3",
    ),
    "no region": (
        {"regions": ["mars"]},
        "--region mars: boto3 knows no such region with Glue; name one, such as af-south-1; for a new one, update"
        " boto3",
    ),
    "role": (
        {"roles": ["reader"]},
        "--role reader: is no role's ARN; name it as arn:aws:iam::111122223333:role/NAME, or - for the credentials"
        " themselves",
    ),
    "two roles": (
        {"roles": [role(OTHERS[0]), role(OTHERS[0], "other")]},
        f"--role {role(OTHERS[0], 'other')}: {role(OTHERS[0])} and it are of the same account {OTHERS[0]}, whose tables"
        " would be there twice; leave one of them out",
    ),
    "own account twice": (
        {"roles": ["-", role(ACCOUNT)]},
        f"--role {role(ACCOUNT)}: the credentials and it are of the same account {ACCOUNT}, whose tables would be there"
        " twice; leave one of them out",
    ),
    "one catalog twice": (
        {"roles": ["-", role(OTHERS[0])], "catalog_id": "999988887777"},
        f"--role {role(OTHERS[0])}: by - and by it the same catalog 999988887777 would be read, whose tables would be"
        " there twice; leave one of them out",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_an_origin(aws, case):
    asked, message = REFUSED[case]
    with pytest.raises(UsageError) as error:
        origins(**asked)
    assert str(error.value) == message


def test_a_region_that_is_set_wrongly_is_named_by_its_variable(aws, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-esat-1")
    with pytest.raises(UsageError, match="AWS_DEFAULT_REGION=us-esat-1: boto3 knows no such region"):
        origins()
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(AccountError, match="no region is set; set AWS_DEFAULT_REGION"):
        origins()


def test_a_role_that_may_not_be_assumed_names_what_must_allow_it(aws):
    one = Origin(OTHERS[0], REGION, role(OTHERS[0], "closed"))
    denied = {"AssumeRole": lambda asked, number: wire.denied("AccessDenied")}
    with wire.answers(denied), pytest.raises(AccountError) as error:
        one.client("glue").get_databases()
    assert str(error.value) == (
        "sts: AssumeRole: access is denied (AccessDenied: User is not authorized to perform this); these credentials"
        " need sts:AssumeRole in their policy, and the role's trust policy must name them; docs/catalog.md lists all"
        " required permissions"
    )


def test_a_role_is_assumed_by_one_session_for_all_its_clients(aws):
    assert session(role(OTHERS[0])) is session(role(OTHERS[0])) is not session()


def test_without_credentials_no_role_can_be_assumed(nowhere):
    with pytest.raises(AccountError, match="no AWS credentials were found"):
        Origin(OTHERS[0], REGION, role(OTHERS[0])).client("glue")
