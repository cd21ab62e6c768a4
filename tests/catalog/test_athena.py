"""Athena's history on the wire: moto has no BatchGetQueryExecution."""

from datetime import UTC, datetime, time, timedelta

import pytest

from tests.catalog import wire
from tests.catalog.lake import ACCOUNT, HOSTILE, OTHERS, REGION
from tests.catalog.trail import DAY
from windrow.catalog.origins import Origin
from windrow.catalog.usage.athena import LeftOut, read_history
from windrow.catalog.usage.sifted import Sifted
from windrow.catalog.usage.uses import Uses
from windrow.errors import AccountError

HERE = Origin(ACCOUNT, REGION)


@pytest.fixture
def sifted():
    """What Athena has told of the day."""
    with Uses() as uses:
        yield Sifted("athena", DAY, DAY, uses)


def query(text="select * from orders", state="SUCCEEDED", day=DAY, clock=time(10), **more):
    """A query as BatchGetQueryExecution tells it; its context is the database `sales`."""
    submitted = datetime.combine(day, clock, UTC).timestamp()
    return {
        "Query": text,
        "StatementType": "DML",
        "QueryExecutionContext": {"Database": "sales", "Catalog": "AwsDataCatalog"},
        "Status": {"State": state, "SubmissionDateTime": submitted, "CompletionDateTime": submitted + 5},
        "Statistics": {"DataScannedInBytes": 7, "ResultReuseInformation": {"ReusedPreviousResult": False}},
        "WorkGroup": "primary",
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"},
        **more,
    }


class History:
    """Answers of Athena: work groups by name, each with its queries, newest first."""

    def __init__(self, groups, **more):
        self.queries, self.groups, self.more = {}, {}, more
        for group, queries in groups.items():
            self.groups[group] = [f"{group}-{number}" for number in range(len(queries))]
            self.queries |= {f"{group}-{number}": one for number, one in enumerate(queries)}

    def list_groups(self, asked, number):
        return wire.paged("WorkGroups", [{"Name": name, "State": "ENABLED"} for name in self.groups], 2)(asked, number)

    def list_queries(self, asked, number):
        assert asked["MaxResults"] == 50
        return wire.paged("QueryExecutionIds", self.groups[asked["WorkGroup"]], 50)(asked, number)

    def tell(self, asked, number):
        known = [one for one in asked["QueryExecutionIds"] if one in self.queries]
        assert len(known) <= 50
        return {"QueryExecutions": [{"QueryExecutionId": one, **self.queries[one]} for one in known]}

    def answers(self):
        return {
            "ListWorkGroups": self.list_groups,
            "ListQueryExecutions": self.list_queries,
            "BatchGetQueryExecution": self.tell,
            **self.more,
        }


def read(sifted, history, origins=(HERE,)):
    """Queries by symbol, without the region."""
    with wire.answers(history.answers()) as calls:
        read_history(origins, sifted, lambda text: None)
    read.calls = calls
    return {
        f"{row['account']} {row['databasename']}.{row['tablename']}": row["queries"] for row in sifted.uses.rows(DAY)
    }


def test_queries_of_all_work_groups_and_pages_are_counted_by_table(aws, sifted):
    history = History({
        "primary": [query() for _ in range(120)],
        "etl": [query("select * from orders join items on true"), query('select * from Other."T$partitions"')],
        "nobody": [],
    })  # fmt: skip
    assert read(sifted, history) == {
        f"{ACCOUNT} sales.orders": 121, f"{ACCOUNT} sales.items": 1, f"{ACCOUNT} other.t": 1,
    }  # fmt: skip
    assert (sifted.records, sifted.counted, sifted.is_whole) == (122, 122, True)
    assert {row["users"] for row in sifted.uses.rows(DAY)} == {None}


def test_what_does_not_count_is_told_with_the_reason(aws, sifted):
    history = History({
        "primary": [
            *(query(state=state) for state in ("FAILED", "CANCELLED", "RUNNING", "QUEUED")),
            query("execute\n  p using 'ann@example.com'"),
            query("select 1"),
            query("select * from information_schema.tables"),
            query(day=DAY - timedelta(days=1)),
            {**query(), "Status": {"State": "SUCCEEDED"}},
        ]
    })  # fmt: skip
    assert read(sifted, history) == {}
    assert sifted.left_out == {LeftOut.UNFINISHED: 4, LeftOut.UNKNOWN: 1, LeftOut.ELSEWHERE: 1}
    assert sifted.examples[LeftOut.UNKNOWN] == "execute p using 'ann@example.com'"
    assert sifted.others.total() == 1 and sifted.damaged == {"damaged records": 1}
    assert sifted.examples["damaged records"] == "query primary-8: has no time, as all of Athena have"


def catalog_named(asked, number):
    kinds = {
        "Ours": {"Type": "GLUE", "Parameters": {"catalog-id": OTHERS[0]}},
        "own": {"Type": "GLUE", "Parameters": {}},
        "lambda": {"Type": "LAMBDA", "Parameters": {"function": "arn:aws:lambda:eu-west-1:1:function:f"}},
    }
    if asked["Name"] not in kinds:
        return wire.refused("InvalidRequestException")
    return {"DataCatalog": {"Name": asked["Name"], **kinds[asked["Name"]]}}


def test_a_catalog_is_the_account_that_glue_keeps_it_in(aws, sifted):
    history = History(
        {
            "primary": [
                query('select * from "awsdatacatalog".a.b'),
                query('select * from "s3tablescatalog/lake"."ns"."t"'),
                *[query("select * from t", QueryExecutionContext={"Database": "db", "Catalog": "Ours"})] * 2,
                query("select * from own.db.t"),
                query("select * from lambda.db.t"),
                query("select * from gone.db.t join orders on true"),
                query("select * from t", QueryExecutionContext={}),
            ]
        },
        GetDataCatalog=catalog_named,
    )
    assert read(sifted, history) == {
        f"{ACCOUNT} a.b": 1, f"{ACCOUNT}:s3tablescatalog/lake ns.t": 1, f"{OTHERS[0]} db.t": 2, f"{ACCOUNT} db.t": 1,
        f"{ACCOUNT} sales.orders": 1, f"{ACCOUNT} default.t": 1,
    }  # fmt: skip
    assert sifted.left_out == {LeftOut.ELSEWHERE: 1}
    assert len(read.calls.of("GetDataCatalog")) == 4, "each is asked for once"


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_a_name(aws, sifted, name):
    quoted = name.replace('"', '""')
    assert read(sifted, History({"primary": [query(f'select * from "{quoted}"."{quoted}"')]})) == {
        f"{ACCOUNT} {name.lower()}.{name.lower()}": 1
    }


def test_history_is_read_up_to_the_days_that_count(aws, sifted):
    after, before = (DAY + timedelta(days=days) for days in (1, -1))
    days = [after] * 60 + [DAY] * 60 + [before] * 600
    assert read(sifted, History({"primary": [query(day=day) for day in days]})) == {f"{ACCOUNT} sales.orders": 60}
    assert len(read.calls.of("ListQueryExecutions")) == len(read.calls.of("BatchGetQueryExecution")) == 5


def test_throttled_calls_are_made_again(aws, sifted):
    history = History({"primary": [query()]})
    busy = wire.first(2, wire.refused("ThrottlingException", 400, "Rate exceeded"))
    history.more = {"BatchGetQueryExecution": lambda asked, number: busy(asked, number) or history.tell(asked, number)}
    assert read(sifted, history) == {f"{ACCOUNT} sales.orders": 1}
    assert len(read.calls.of("BatchGetQueryExecution")) == 3 and len(read.calls.waits) == 2


def test_a_work_group_that_refuses_and_a_query_that_is_not_told_are_told(aws, sifted):
    history = History({"primary": [query(), query()], "secret": [query()]})

    def list_queries(asked, number):
        return wire.denied() if asked["WorkGroup"] == "secret" else history.list_queries(asked, number)

    def tell(asked, number):
        first, second = history.tell(asked, number)["QueryExecutions"]
        lost = {"QueryExecutionId": second["QueryExecutionId"], "ErrorCode": "INTERNAL", "ErrorMessage": "x"}
        return {"QueryExecutions": [first], "UnprocessedQueryExecutionIds": [lost]}

    history.more = {"ListQueryExecutions": list_queries, "BatchGetQueryExecution": tell}
    assert read(sifted, history) == {f"{ACCOUNT} sales.orders": 1} and not sifted.is_whole
    assert sifted.damaged == {"work groups that cannot be read": 1, "queries that Athena does not tell": 1}
    assert sifted.examples["queries that Athena does not tell"] == f"{HERE} primary: primary-1: INTERNAL"
    assert sifted.examples["work groups that cannot be read"].startswith(
        f"{HERE} secret: athena: ListQueryExecutions: access is denied (AccessDeniedException"
    )


def test_a_region_that_refuses_is_told_and_all_that_refuse_end_the_run(aws, sifted):
    history, there = History({"primary": [query()]}), HERE._replace(region="us-east-1")

    def list_groups(asked, number):
        return wire.denied() if number == 1 else history.list_groups(asked, number)

    history.more = {"ListWorkGroups": list_groups}
    read(sifted, history, [HERE, there])
    assert len(sifted.unread) == 1 and sifted.records == 1
    history.more = {"ListWorkGroups": lambda asked, number: wire.denied()}
    with pytest.raises(AccountError, match=r"^athena: ListWorkGroups: access is denied .* need athena:ListWorkGroups"):
        read(sifted, history, [HERE, there])


def test_work_groups_of_spark_have_no_queries(aws, sifted):
    history = History({"primary": [query()]})
    engine = {"Name": "notebooks", "EngineVersion": {"EffectiveEngineVersion": "PySpark engine version 3"}}
    history.more = {"ListWorkGroups": lambda asked, number: {"WorkGroups": [engine, {"Name": "primary"}]}}
    assert read(sifted, history) == {f"{ACCOUNT} sales.orders": 1}
    assert [asked["WorkGroup"] for asked in read.calls.of("ListQueryExecutions")] == ["primary"]
