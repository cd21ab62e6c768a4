"""`windrow emr logs`: why a step failed, in its task's own words, from where EMR keeps logs in S3."""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from windrow.aws.client import client
from windrow.aws.s3_client import refusing
from windrow.errors import AccountError
from windrow.storage import s3

#: A step's cluster is looked for among those of so many days.
_DAYS = 14
_SUBMITTED = re.compile(r"Submitted application (application_\d+_\d+)")
#: Logs of a job's containers that are read, and bytes of one.
_CONTAINERS, _LOG_BYTES = 400, 1 << 22


class Step(NamedTuple):
    """A step, and where its cluster's logs go."""

    id: str
    cluster: str
    name: str
    state: str
    why: str
    logs: str
    """The folder of the cluster's logs in S3, with the slash at its end; empty where it keeps none."""
    said: str
    """What the names of step.sh's words in S3 begin with; they stay until whoever submitted the job cleans up."""


def find_step(step: str, cluster: str | None, region: str | None) -> Step:
    """The step of that id; its cluster is looked for where it is not named. Raises AccountError."""
    if not re.fullmatch(r"s-\w+", step):
        raise AccountError(
            f"{step}: is no step; its id begins with s-, as `windrow emr submit` and EMR's pages show it"
        )
    emr = client("emr", region)
    for candidate in [cluster] if cluster else _recent(emr):
        try:
            told = emr.describe_step(ClusterId=candidate, StepId=step)["Step"]
        except AccountError as error:
            if error.code in ("InvalidRequestException", "ValidationException", "ClusterNotFound", "StepNotFound"):
                continue
            raise
        described = emr.describe_cluster(ClusterId=candidate)["Cluster"]
        uri = described.get("LogUri", "").replace("s3n://", "s3://").rstrip("/")
        status = told["Status"]
        why = status.get("FailureDetails", {}).get("Message") or status.get("StateChangeReason", {}).get("Message", "")
        logs = f"{uri}/{candidate}/" if uri else ""
        return Step(step, candidate, told["Name"], status["State"], why, logs, _said(told["Config"].get("Args", [])))
    where = cluster or f"any cluster of the last {_DAYS} days in this region"
    raise AccountError(f"{step}: is no step of {where}; name its cluster by --cluster, or its region by --region")


def _said(args: Sequence[str]) -> str:
    """What step.sh was told that the names of its words begin with."""
    before = next((at for at, word in enumerate(args) if word.endswith("/step.sh")), None)
    return f"{args[before + 1]}." if before is not None and len(args) > before + 1 else ""


def _recent(emr: Any) -> Iterator[str]:
    since = datetime.now(UTC) - timedelta(days=_DAYS)
    for page in emr.get_paginator("list_clusters").paginate(CreatedAfter=since):
        for cluster in page["Clusters"]:
            yield cluster["Id"]


def explain_step(step: Step) -> str:
    """What to tell of a failed step: the traceback of the task that failed first, or Hadoop's reason."""
    from windrow.runners.failures import Failure, explain, split_logs

    if said := {uri.rpartition(".")[2]: uri for uri in _listed(step.said)} if step.said else {}:
        tasks = split_logs(_read(said["tasks"])) if "tasks" in said else []
        client_said = _read(said["client"]) if "client" in said else ""
        return str(explain(Failure([], client_said, tasks), f"to see more: aws s3 ls {step.said}", [], ""))
    if not step.logs:
        raise AccountError(
            f"{step.cluster}: keeps no logs in S3; give it cloud_log_dir in the configuration, and run again"
        )
    client_said = "\n".join(_read_all(f"{step.logs}steps/{step.id}/"))
    found = _SUBMITTED.search(client_said)
    logs = list(_container_logs(f"{step.logs}containers/{found[1]}/")) if found else []
    if not (client_said or logs):
        raise AccountError(
            f"{step.id}: EMR has not copied its logs to {step.logs} yet; it does so every five minutes, and when the"
            " cluster ends; try again in some minutes"
        )
    more = f"to see more: aws s3 cp --recursive {step.logs}steps/{step.id}/ ."
    return str(explain(Failure([], client_said, logs), more, [], ""))


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
