"""What records of CloudTrail say of tables: records as AWS documents them (tests/catalog/trail.py)."""

import pytest

from tests.catalog.lake import ACCOUNT, HOSTILE, OTHERS, REGION
from tests.catalog.trail import DAY, access, identity, record
from windrow.catalog.usage.cloudtrail import KINDS, LeftOut, understood
from windrow.catalog.usage.sifted import Damaged, Record
from windrow.catalog.usage.uses import Table

ORDERS = Table(ACCOUNT, REGION, "sales", "orders")


def tables(one):
    """The tables that a record counts for."""
    return [use.table for use in understood(one).uses]


def user(**more):
    [use] = understood(record(**more)).uses
    return use.user


IN_PARTITIONS = {"databaseName": "sales", "tableName": "orders"}
#: How each kind of event names a table.
ASKED = {
    "GetTable": {"databaseName": "sales", "name": "orders"},
    "GetTables": {"databaseName": "sales", "expression": "orders"},
    "BatchGetTable": {"entries": [{"databaseName": "sales", "name": "orders"}]},
    "GetUnfilteredTableMetadata": {"catalogId": ACCOUNT, "databaseName": "sales", "name": "orders"},
    "GetPartition": {**IN_PARTITIONS, "partitionValues": ["2026"]},
    "GetPartitions": {**IN_PARTITIONS, "expression": "day > '2026'", "maxResults": 1000},
    "BatchGetPartition": {**IN_PARTITIONS, "partitionsToGet": [{"values": ["2026"]}]},
    "GetUnfilteredPartitionMetadata": {"catalogId": ACCOUNT, **IN_PARTITIONS, "partitionValues": ["2026"]},
    "GetUnfilteredPartitionsMetadata": {"catalogId": ACCOUNT, **IN_PARTITIONS},
}


@pytest.mark.parametrize("name", ASKED)
def test_a_request_for_a_table_is_a_use_of_it(name):
    [use] = understood(record(name, ASKED[name])).uses
    assert (use.table, use.day, use.kind) == (ORDERS, DAY, KINDS["glue.amazonaws.com", name])


def test_all_kinds_of_events_are_tried():
    assert {name for _, name in KINDS} == {*ASKED, "GetDataAccess"}


def test_access_to_data_is_a_use_of_the_table_of_its_arn():
    [use] = understood(access()).uses
    assert (use.table, use.kind, use.user) == (ORDERS, "data", f"{ACCOUNT} analyst")
    beside = f"arn:aws:glue:{REGION}:{ACCOUNT}:table/s3tablescatalog/bucket/Sales/Orders"
    assert tables(access(beside)) == [ORDERS._replace(account=f"{ACCOUNT}:s3tablescatalog/bucket")]
    assert tables(access(f"arn:aws-cn:glue:cn-north-1:{ACCOUNT}:table/a/b/c")) == [
        Table(ACCOUNT, "cn-north-1", "a", "b/c")
    ]


def test_several_tables_of_one_request_are_each_used():
    entries = [{"databaseName": "sales", "name": name} for name in ("orders", "items")]
    found = tables(record("BatchGetTable", {"catalogId": OTHERS[0], "entries": entries}))
    assert found == [Table(OTHERS[0], REGION, "sales", name) for name in ("orders", "items")]


def test_names_are_as_glue_keeps_them():
    assert tables(record(asked={"databaseName": "Sales", "name": "ORDERS"})) == [ORDERS]


def test_the_account_is_the_catalogs_else_the_recipients():
    def account(**asked):
        return tables(record(asked={"databaseName": "sales", "name": "orders", **asked}))[0].account

    assert account() == ACCOUNT and account(catalogId=OTHERS[0]) == OTHERS[0]
    assert account(catalogId=f"{ACCOUNT}:s3tablescatalog/b") == f"{ACCOUNT}:s3tablescatalog/b"
    assert account(catalogId="s3tablescatalog/b") == f"{ACCOUNT}:s3tablescatalog/b"


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_a_name(name):
    right = Table(ACCOUNT, REGION, name.lower(), name.lower())
    assert tables(record(asked={"databaseName": name, "name": name})) == [right]
    if "/" not in name:
        assert tables(access(f"arn:aws:glue:{REGION}:{ACCOUNT}:table/{name}/{name}")) == [right]


REFUSED = {"errorCode": "EntityNotFoundException", "errorMessage": "no such table"}
LINKED = {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"}
LEFT = {
    "refused": (record(**REFUSED), LeftOut.REFUSED),
    "windrow": (record(userAgent="Boto3/1.40 md/Botocore#1.40 windrow"), LeftOut.OWN),
    "its role": (record(userIdentity=identity("collector")), LeftOut.OWN),
    "a service": (record(userIdentity={"type": "AWSService", "invokedBy": "glue.amazonaws.com"}), LeftOut.SERVICE),
    "a linked role": (record(userIdentity=identity(sessionContext={"sessionIssuer": LINKED})), LeftOut.SERVICE),
    "a crawler": (
        record("BatchGetPartition", IN_PARTITIONS, userIdentity=identity("glue", "AWS-Crawler")),
        LeftOut.CRAWLER,
    ),
    "page": (record("GetPartitions", {**IN_PARTITIONS, "nextToken": "HIDDEN_DUE_TO_SECURITY_REASONS"}), LeftOut.PAGE),
    "segment": (
        record("GetPartitions", {**IN_PARTITIONS, "segment": {"segmentNumber": 3, "totalSegments": 8}}),
        LeftOut.PAGE,
    ),
    "a pattern": (record("GetTables", {"databaseName": "sales", "expression": "orders*"}), LeftOut.NAMELESS),
    "all tables": (record("GetTables", {"databaseName": "sales"}), LeftOut.NAMELESS),
    "nothing": ({**record(), "requestParameters": None}, LeftOut.NAMELESS),
    "a location": (access("arn:aws:s3:::lake/sales"), LeftOut.NAMELESS),
    "no arn": (access(7), LeftOut.NAMELESS),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_is_no_use_is_left_out_with_the_reason(case):
    one, why = LEFT[case]
    assert understood(one, {f"{ACCOUNT} collector"}) == Record(DAY, left_out=why)


def test_all_reasons_are_tried():
    assert {why for _, why in LEFT.values()} == set(LeftOut)


def test_the_first_segment_counts():
    assert tables(record("GetPartitions", {**IN_PARTITIONS, "segment": {"segmentNumber": 0, "totalSegments": 8}}))


def test_what_is_about_no_table_only_has_a_day():
    others = [
        record("DescribeInstances", source="ec2.amazonaws.com"),
        record("GetDataAccess", source="s3.amazonaws.com"),
    ]
    assert [understood(one) for one in others] == [Record(DAY)] * 2


def test_a_service_that_serves_a_user_is_that_user():
    assert user(userIdentity=identity(invokedBy="athena.amazonaws.com")) == f"{ACCOUNT} analyst"


def test_copies_of_an_event_in_several_accounts_are_one():
    shared = {"sharedEventID": "11111111-0000-4000-8000-000000000000"}
    own, copy = (access(recipientAccountId=account, **shared) for account in (ACCOUNT, OTHERS[0]))
    assert own["eventID"] != copy["eventID"]
    assert understood(own).uses[0].event == understood(copy).uses[0].event


USERS = {
    "a session of a role": (identity("analyst", "i-0abc"), f"{ACCOUNT} analyst"),
    "a person of the identity center": (
        identity("AWSReservedSSO_Analyst_1f", "ann@example.com"),
        f"{ACCOUNT} AWSReservedSSO_Analyst_1f ann@example.com",
    ),
    "a person for whom a service acts": (identity(onBehalfOf={"userId": "u-1", "identityStoreArn": "x"}), "u-1"),
    "a source identity": (
        identity(sessionContext={"sourceIdentity": "ann", "sessionIssuer": {"arn": f"arn:aws:iam::{ACCOUNT}:role/x"}}),
        "ann",
    ),
    "a user": ({"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ann"}, f"arn:aws:iam::{ACCOUNT}:user/ann"),
    "another account": ({"type": "AWSAccount", "principalId": "AROA1:session", "accountId": OTHERS[0]}, "AROA1"),
    "an account alone": ({"type": "AWSAccount", "accountId": OTHERS[0]}, OTHERS[0]),
    "nobody": ({}, None),
    "nothing": (None, None),
}


@pytest.mark.parametrize("case", USERS)
def test_a_user_is_a_person_or_else_a_role(case):
    given, right = USERS[case]
    assert user(userIdentity=given) == right


def test_the_principal_that_lake_formation_names_is_the_role_of_other_requests():
    other = {"type": "AWSAccount", "principalId": "AROA1:session", "accountId": ACCOUNT}
    named = access(principal=f"arn:aws:iam::{ACCOUNT}:role/teams/analyst", userIdentity=other)
    assert understood(named).uses[0].user == user() == f"{ACCOUNT} analyst"


def without(name):
    return {key: value for key, value in record(eventID="e-1").items() if key != name}


BAD = {
    "no object": (["eventTime"], "is no JSON object"),
    "no time": (without("eventTime"), "event e-1: eventTime is None, but a text in records of CloudTrail"),
    "no such time": (
        {**without(""), "eventTime": "yesterday\x1b[2J"},
        "event e-1: eventTime is 'yesterday\\x1b[2J', but such as 2026-11-30T12:00:00Z in records of CloudTrail",
    ),
    "no such year": (
        {**without(""), "eventTime": "9999-12-31T23:59:59-14:00"},
        "event e-1: eventTime is '9999-12-31T23:59:59-14:00', but such as 2026-11-30T12:00:00Z in records of"
        " CloudTrail",
    ),
    "no source": (without("eventSource"), "event e-1: eventSource is None, but a text in records of CloudTrail"),
    "no region": (without("awsRegion"), "event e-1: awsRegion is None, but a text in records of CloudTrail"),
    "no account": (
        without("recipientAccountId"),
        "event e-1: recipientAccountId is None, but a text in records of CloudTrail",
    ),
    "no ID": (without("eventID"), "eventID is None, but a text in records of CloudTrail"),
    "parameters": (
        {**without(""), "requestParameters": "orders"},
        "event e-1: requestParameters is 'orders', but a JSON object in records of CloudTrail",
    ),
    "identity": (
        {**without(""), "userIdentity": [1]},
        "event e-1: userIdentity is [1], but a JSON object in records of CloudTrail",
    ),
    "name": (
        {**without(""), "requestParameters": {"databaseName": 5, "name": "orders"}},
        "event e-1: the name of its table is 'orders', of its database 5",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_damaged_record_says_what_is_wrong(case):
    one, why = BAD[case]
    assert understood(one) == Damaged(why)


def test_times_are_in_utc():
    assert understood(record(eventTime="2026-11-30T01:30:00+02:00")).day == DAY
    assert understood(record(eventTime="2026-11-29T23:59:59.999Z")).day == DAY
