"""`windrow emr logs`: why a step failed, by its task's own traceback, from the logs that EMR keeps in S3."""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from windrow.aws.client import client
from windrow.aws.s3_client import refusing
from windrow.errors import AccountError
from windrow.runners.failures import Failure, explain, split_logs
from windrow.storage import s3

#: A step's cluster is searched for among those of so many days.
_DAYS = 14
_SUBMITTED = re.compile(r"Submitted application (application_\d+_\d+)")
#: Logs of a job's containers that are read, and bytes of each.
_CONTAINERS, _LOG_BYTES = 400, 1 << 22
_NOT_HERE = ("InvalidRequestException", "ValidationException", "ClusterNotFound", "StepNotFound")


class Step(NamedTuple):
    """A step, and where its cluster's logs go."""

    id: str
    cluster: str
    name: str
    state: str
    reason: str
    logs: str
    """The folder of the cluster's logs in S3, with the slash at its end; empty where it keeps none."""
    saved: str
    """The prefix of what step.sh saved in S3 of the client's and the tasks' output; the submitter deletes it."""


def find_step(step: str, cluster: str | None, region: str | None) -> Step:
    """The step of that id, on its cluster, which is searched for if not given. Raises AccountError."""
    if not re.fullmatch(r"s-\w+", step):
        raise AccountError(
            f"{step}: is not a step: a step's id begins with s-; see `windrow emr submit`'s output, or EMR's console"
        )
    emr = client("emr", region)
    for candidate in [cluster] if cluster else _recent(emr):
        if (described := _described(emr, candidate, step)) is not None:
            return _step(candidate, described, emr.describe_cluster(ClusterId=candidate)["Cluster"].get("LogUri", ""))
    where = cluster or f"any cluster of the last {_DAYS} days in this region"
    raise AccountError(
        f"{step}: is not a step of {where}; name its cluster with --cluster, or its region with --region"
    )


def _recent(emr: Any) -> Iterator[str]:
    since = datetime.now(UTC) - timedelta(days=_DAYS)
    for page in emr.get_paginator("list_clusters").paginate(CreatedAfter=since):
        for cluster in page["Clusters"]:
            yield cluster["Id"]


def _described(emr: Any, cluster: str, step: str) -> dict[str, Any] | None:
    """The step, as EMR describes it; None if it is not the cluster's."""
    try:
        described: dict[str, Any] = emr.describe_step(ClusterId=cluster, StepId=step)["Step"]
    except AccountError as error:
        if error.code in _NOT_HERE:
            return None
        raise
    return described


def _step(cluster: str, described: dict[str, Any], log_uri: str) -> Step:
    status = described["Status"]
    failure, change = status.get("FailureDetails", {}), status.get("StateChangeReason", {})
    folder = log_uri.replace("s3n://", "s3://").rstrip("/")
    return Step(
        id=described["Id"],
        cluster=cluster,
        name=described["Name"],
        state=status["State"],
        reason=failure.get("Message") or change.get("Message", ""),
        logs=f"{folder}/{cluster}/" if folder else "",
        saved=_saved(described["Config"].get("Args", [])),
    )


def _saved(args: Sequence[str]) -> str:
    """The prefix that step.sh got as its first argument."""
    before = next((at for at, word in enumerate(args) if word.endswith("/step.sh")), None)
    return f"{args[before + 1]}." if before is not None and len(args) > before + 1 else ""


def explain_step(step: Step) -> str:
    """Why a step failed: the traceback of the task that failed first, or Hadoop's reason. Raises AccountError."""
    found = {uri.rpartition(".")[2]: uri for uri in _listed(step.saved)} if step.saved else {}
    if found:
        return _explained(
            _read(found["client"]) if "client" in found else "",
            split_logs(_read(found["tasks"])) if "tasks" in found else [],
            f"aws s3 ls {step.saved}",
        )
    if not step.logs:
        raise AccountError(
            f"{step.cluster}: keeps no logs in S3; set cloud_log_dir in the configuration, and run the job again"
        )
    folder = f"{step.logs}steps/{step.id}/"
    client_output = "\n".join(_read_all(folder))
    submitted = _SUBMITTED.search(client_output)
    tasks = list(_container_logs(f"{step.logs}containers/{submitted[1]}/")) if submitted else []
    if not (client_output or tasks):
        raise AccountError(
            f"{step.id}: EMR has not copied its logs to {step.logs} yet: it does so every five minutes, and when the"
            " cluster ends; try again in a few minutes"
        )
    return _explained(client_output, tasks, f"aws s3 cp --recursive {folder} .")


def _explained(client_output: str, tasks: Sequence[str], more: str) -> str:
    return str(explain(Failure([], client_output, tasks), f"to see more: {more}", [], ""))


def _container_logs(folder: str) -> Iterator[str]:
    """What tasks wrote to standard error, container by container."""
    for uri in [uri for uri in _listed(folder) if "/stderr" in uri][:_CONTAINERS]:
        yield _read(uri)


def _read_all(folder: str) -> Iterator[str]:
    for uri in _listed(folder):
        yield _read(uri)


def _listed(folder: str) -> list[str]:
    """All objects below a folder, those of its subfolders too."""
    bucket, prefix = s3.split(folder)
    with refusing(folder):
        pages = s3.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = [one["Key"] for page in pages for one in page.get("Contents", ())]
    return sorted(f"s3://{bucket}/{key}" for key in found)


def _read(uri: str) -> str:
    content = s3.read_range(uri, 0, _LOG_BYTES)
    if uri.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error):  # cut, above
            content = zlib.decompressobj(wbits=31).decompress(content)
    return content.decode(errors="replace")
