"""Clusters that serve many jobs: created from the same configuration as a job's own, listed, terminated."""

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
    """An active cluster of windrow's."""

    id: str
    name: str
    state: str
    created: datetime
    reason: str


def create(settings: Settings) -> str:
    """Starts a cluster of the pool and returns its id; jobs join it with --pool, or with --cluster and that id."""
    from windrow.runners.emr import EMRRunner
    from windrow.runners.launch import Launch

    if settings.cluster:
        raise UsageError(f"--cluster {settings.cluster}: already exists: this starts a new cluster; leave it out")
    settings = replace(settings, pool=True)
    with explained("emr run_job_flow"):
        runner = EMRRunner(Launch(quiet=True), **settings.resolved().runner_options())
        try:
            return str(runner.make_persistent_cluster())
        finally:
            runner.discard()


def list_clusters(region: str | None) -> Iterator[Cluster]:
    """Windrow's active clusters, recognized by their tag, newest first."""
    emr = client("emr", region)
    for page in emr.get_paginator("list_clusters").paginate(ClusterStates=_ACTIVE):
        for one in page["Clusters"]:
            if _is_ours(emr.describe_cluster(ClusterId=one["Id"])["Cluster"]):
                status = one["Status"]
                reason = status.get("StateChangeReason", {}).get("Message", "")
                yield Cluster(one["Id"], one["Name"], status["State"], status["Timeline"]["CreationDateTime"], reason)


def terminate(ids: Sequence[str], region: str | None) -> None:
    """Terminates clusters. Raises AccountError if one of them is not windrow's, and then terminates none."""
    emr = client("emr", region)
    for cluster in ids:
        if not _is_ours(_described(emr, cluster)):
            raise AccountError(
                f"{cluster}: is not windrow's: it does not have the tag {NAME}=cluster; terminate it with:"
                f" aws emr terminate-clusters --cluster-ids {cluster}"
            )
    emr.terminate_job_flows(JobFlowIds=list(ids))


def _described(emr: Any, cluster: str) -> dict[str, Any]:
    try:
        described: dict[str, Any] = emr.describe_cluster(ClusterId=cluster)["Cluster"]
    except AccountError as error:
        if error.code not in ("InvalidRequestException", "ClusterNotFound"):
            raise
        raise AccountError(
            f"{cluster}: there is no such cluster in this region; list them with: windrow emr cluster list"
        ) from None
    return described


def _is_ours(described: dict[str, Any]) -> bool:
    return {"Key": NAME, "Value": "cluster"} in described.get("Tags", [])


def age(created: datetime) -> float:
    """Seconds since then."""
    return (datetime.now(UTC) - created).total_seconds()
