"""Records and files of CloudTrail, as AWS documents them.

Fields: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html and
.../cloudtrail-event-reference-user-identity.html. Names of files and folders: .../cloudtrail-log-file-examples.html and
.../cloudtrail-find-log-files.html. GetDataAccess, with `tableArn` and `lakeFormationPrincipal`, and the copies that
owners of shared tables get (one sharedEventID, an eventID each): the developer guide of Lake Formation, "Logging using
CloudTrail" and "Cross-account CloudTrail logging".
"""

import gzip
import json
from datetime import UTC, date, datetime
from itertools import count

from tests.catalog.lake import ACCOUNT, REGION

DAY = date(2026, 11, 29)
_numbers = count()


def number():
    """A GUID that no other record has."""
    return f"00000000-0000-4000-8000-{next(_numbers):012d}"


def identity(role="analyst", session="ann", account=ACCOUNT, **more):
    """Who asks: a session of a role."""
    arn = f"arn:aws:iam::{account}:role/teams/{role}"
    issuer = {"type": "Role", "principalId": f"AROA{role}", "arn": arn, "accountId": account, "userName": role}
    return {
        "type": "AssumedRole",
        "principalId": f"AROA{role}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        "accountId": account,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": issuer,
            "attributes": {"creationDate": "2026-11-29T08:00:00Z", "mfaAuthenticated": "false"},
        },
        **more,
    }


def record(name="GetTable", asked=None, source="glue.amazonaws.com", **more):
    """A record: by default of GetTable for the table sales.orders."""
    guid = number()
    return {
        "eventVersion": "1.11",
        "userIdentity": identity(),
        "eventTime": f"{DAY}T10:15:00Z",
        "eventSource": source,
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": "athena.amazonaws.com",
        "userAgent": "athena.amazonaws.com",
        "requestParameters": {"databaseName": "sales", "name": "orders"} if asked is None else asked,
        "responseElements": None,
        "requestID": f"r-{guid}",
        "eventID": guid,
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
        **more,
    }


def access(arn=f"arn:aws:glue:{REGION}:{ACCOUNT}:table/sales/orders", principal=None, **more):
    """A record of GetDataAccess, which is logged when an engine takes credentials for a table's files."""
    extra = {"requesterService": "ATHENA", "lakeFormationRoleSessionName": f"AWSLF-00-AT-{ACCOUNT}-B8JSAjo5QA"}
    return record(
        "GetDataAccess",
        {"tableArn": arn, "permissions": ["SELECT"], "auditContext": {"additionalAuditContext": "{queryId: 1}"}},
        "lakeformation.amazonaws.com",
        additionalEventData=extra | ({"lakeFormationPrincipal": principal} if principal else {}),
        **more,
    )


def at(day, clock="10:15:00", **more):
    """A record of a day."""
    return record(eventTime=f"{day}T{clock}Z", **more)


def content(records):
    """A log file's bytes."""
    return gzip.compress(json.dumps({"Records": list(records)}).encode())


def name(day=DAY, clock="1020", account=ACCOUNT, region=REGION, organization=""):
    """Where CloudTrail puts a file that it delivers then."""
    file = f"{account}_CloudTrail_{region}_{day:%Y%m%d}T{clock}Z_{number()[-12:]}AbCd.json.gz"
    return f"AWSLogs/{organization}{account}/CloudTrail/{region}/{day:%Y/%m/%d}/{file}"


def looked_up(records):
    """How LookupEvents answers of records: by one name of event, from a time to a time, 50 a page."""

    def answer(asked, number):
        [attribute] = asked["LookupAttributes"]
        assert attribute["AttributeKey"] == "EventName" and asked["MaxResults"] == 50
        found = [
            {
                "EventId": one["eventID"],
                "EventName": one["eventName"],
                "EventTime": _seconds(one),
                "EventSource": one["eventSource"],
                "CloudTrailEvent": json.dumps(one),
            }
            for one in records
            if one["eventName"] == attribute["AttributeValue"]
            and asked["StartTime"] <= _seconds(one) <= asked["EndTime"]
        ]
        start = int(asked.get("NextToken") or 0)
        more = {"NextToken": str(start + 50)} if start + 50 < len(found) else {}
        return {"Events": found[start : start + 50], **more}

    return answer


def _seconds(one):
    return datetime.fromisoformat(one["eventTime"]).astimezone(UTC).timestamp()
