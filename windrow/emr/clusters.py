"""Clusters that stay for many jobs: created from the same configuration as a job's own, listed, ended."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from windrow.aws.client import client, explained
from windrow.aws.stack import NAME
from windrow.emr.settings import Settings
from windrow.errors import AccountError, UsageError

_ACTIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]


class Cluster(NamedTuple):
    """A cluster of windrow's that has not ended."""

    id: str
    name: str
    state: str
    created: datetime
    why: str


def create(settings: Settings) -> str:
    """Starts a cluster of the pool and returns its id; jobs join it by --pool, or by --cluster and that id."""
    from windrow.runners.emr import EMRRunner
    from windrow.runners.launch import Launch

    if settings.cluster:
        raise UsageError(f"--cluster {settings.cluster}: is there already; leave it out to create another")
    settings = replace(settings, pool=True)
    with explained("emr run_job_flow"):
        runner = EMRRunner(Launch(quiet=True), **settings.resolved().runner_options())
        try:
            return str(runner.make_persistent_cluster())
        finally:
            runner.discard()


def list_clusters(region: str | None) -> Iterator[Cluster]:
    """Windrow's clusters that have not ended, known by their tag, newest first."""
    emr = client("emr", region)
    for page in emr.get_paginator("list_clusters").paginate(ClusterStates=_ACTIVE):
        for one in page["Clusters"]:
            if _is_ours(emr.describe_cluster(ClusterId=one["Id"])["Cluster"]):
                status = one["Status"]
                why = status.get("StateChangeReason", {}).get("Message", "")
                yield Cluster(one["Id"], one["Name"], status["State"], status["Timeline"]["CreationDateTime"], why)


def terminate(ids: Sequence[str], region: str | None) -> None:
    """Ends clusters. Raises AccountError for one that is not windrow's, and then ends none."""
    emr = client("emr", region)
    for cluster in ids:
        try:
            described = emr.describe_cluster(ClusterId=cluster)["Cluster"]
        except AccountError as error:
            if error.code in ("InvalidRequestException", "ClusterNotFound"):
                raise AccountError(
                    f"{cluster}: there is no such cluster in this region; see: windrow emr cluster list"
                ) from None
            raise
        if not _is_ours(described):
            raise AccountError(
                f"{cluster}: is not windrow's, for it lacks the tag {NAME}=cluster; others' are not ended here;"
                f" end it by: aws emr terminate-clusters --cluster-ids {cluster}"
            )
    emr.terminate_job_flows(JobFlowIds=list(ids))


def _is_ours(described: dict[str, Any]) -> bool:
    return {"Key": NAME, "Value": "cluster"} in described.get("Tags", [])


def age(since: datetime) -> float:
    """Seconds since then."""
    return (datetime.now(UTC) - since).total_seconds()
