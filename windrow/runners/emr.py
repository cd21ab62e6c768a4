"""`-r emr`: mrjob's EMR runner; inputs are settled here, the work is done there, and S3 itself copies the output.

A step of EMR is windrow/emr/step.sh, which runs Hadoop Streaming on the master and puts what Hadoop's client says on
S3, beside the job's files: counters, which carry what tasks count and refuse, and why a task failed. EMR's own logs
would be there minutes later.

Each attempt to run the job writes to a folder of its own. A cluster that is given up may go on writing for a while;
what it writes reaches nobody.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError
from mrjob.conf import ClearedValue
from mrjob.logs.step import _interpret_hadoop_jar_command_stderr, _log_log4j_record

from windrow.aws.client import client
from windrow.aws.stack import FILES
from windrow.console import say, shares
from windrow.errors import ClusterError, InputError, UsageError, WindrowError
from windrow.feeds.density import Head
from windrow.feeds.settle import list_files
from windrow.runners.emr_cluster import ClusterRunner
from windrow.runners.emr_request import (
    check_environment,
    check_environment_variables,
    check_request,
    check_secrets,
    worker_cores,
)
from windrow.runners.failures import split_logs
from windrow.runners.streaming import URI, Streaming
from windrow.storage import s3
from windrow.storage.hdfs import CLIENT
from windrow.storage.publish import INNER, PRINTED, publish_from_s3

#: What a step runs.
STEP = FILES / "step.sh"
#: Fetches that script on the master, and becomes it.
_FETCH = 'script=$(mktemp) && hadoop fs -cat "$0" >"$script" && exec bash "$script" "$@"'
_SHARES = re.compile(r" map (\d+)% reduce (\d+)%")
_GONE = ("TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS")
_UNDER_WAY = ("PENDING", "RUNNING", "CANCEL_PENDING")
#: Seconds for which a step that is cancelled may take its job along, and a failed cluster to be seen as such.
_ENDS = 30
#: By what EMR calls the reason of a cluster's end: the cure. Any other reason, and the cluster was lost.
_ENDED = {
    "VALIDATION_ERROR": "EMR could not make it as asked; mend what it names; `windrow emr doctor` checks the roles",
    "BOOTSTRAP_FAILURE": "a node could not be made ready; its words come to {logs}node/ within minutes",
    "INSTANCE_FLEET_TIMEOUT": "AWS had no such machines; try again later, another region, or other instance types",
    "USER_REQUEST": "somebody ended it; run the job again",
}
#: Of mrjob: AWS's own variables and files say it to windrow, on the way to S3 too.
_CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class _ClusterLostError(ClusterError):
    """A cluster is gone, by no fault of the job's and by nobody's wish."""


class EMRRunner(Streaming, ClusterRunner):
    """mrjob's EMR runner over inputs on S3 or here; what is here is uploaded."""

    def __init__(self, environment: str | None = None, quiet: bool = False, **kwargs: Any) -> None:
        self._environment, self._quiet = environment, quiet
        self._attempt = 0
        self._told: dict[str, str] = {}
        self._client: Any = None
        if environment is not None:  # it brings all that a node would install, perhaps without a way to get it
            kwargs["bootstrap"] = ClearedValue([])
        super().__init__(environment, **kwargs)
        self._place: str = self._output_dir
        check_environment_variables(list(self._opts["cmdenv"]))
        if given := [name for name in _CREDENTIALS if self._opts[name]]:
            raise UsageError(
                f"{given[0]}: stands in mrjob.conf or among the options; AWS's own tools read credentials"
                " elsewhere, and so does windrow; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )

    # Options.

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        return {**super()._default_opts(), "cleanup_on_failure": ["CLOUD_TMP", "LOCAL_TMP"]}

    def _check_and_fix_s3_dir(self, s3_uri: str) -> str:
        if not s3.is_s3(s3_uri):
            raise UsageError(f"{s3_uri}: -r emr keeps its files, logs and outputs on S3; give s3://BUCKET/FOLDER")
        return super()._check_and_fix_s3_dir(s3_uri)  # type: ignore[no-any-return]

    def get_hadoop_version(self) -> str:
        """EMR 7's: some options' names depend on it, before there is a cluster to ask."""
        return "3.4"

    def usual_reducers(self) -> int:
        """One for each core that tasks have."""
        return max(1, worker_cores({"Instances": self._instances()}))

    def _instances(self) -> dict[str, Any]:
        fleets = self._opts["instance_fleets"]
        return {"InstanceFleets": fleets} if fleets else {"InstanceGroups": self._instance_groups()}

    def _jobconf_for_step(self, step_num: int) -> dict[str, Any]:
        conf: dict[str, Any] = super()._jobconf_for_step(step_num)
        has_reducer = "reducer" in self._get_step(step_num)
        if has_reducer and not {"mapreduce.job.reduces", "mapred.reduce.tasks"}.intersection(conf):
            conf["mapreduce.job.reduces"] = self.usual_reducers()
        return conf

    # Inputs and code, on their way.

    def _job_folder(self) -> str:
        return self._cloud_tmp_dir.rstrip("/")  # type: ignore[no-any-return]

    def find_inputs(self, arguments: Sequence[str], folder: Path) -> tuple[list[str], dict[str, Head]]:
        """The files and objects that arguments mean; of objects, ranges are read where they lie."""
        self._asked = list(arguments)
        if strange := [argument for argument in arguments if URI.match(argument) and not s3.is_s3(argument)]:
            raise InputError(f"{strange[0]}: -r emr reads s3:// and files of this machine; copy it to S3")
        found = list_files(arguments)
        self._sizes = {path: s3.known(path).size if s3.is_s3(path) else Path(path).stat().st_size for path in found}
        return found, {}

    def take_inputs(self, paths: Sequence[str], folder: Path) -> dict[str, str]:
        """Makes these the job's inputs; where each lies for a task, which fetches some by Hadoop's client."""
        self._opts["cmdenv"] |= {CLIENT: "hadoop"}
        return super().take_inputs(paths, folder)

    def _add_job_files_for_upload(self) -> None:
        # Not mrjob's list: it would send code a second time, for Spark.
        self._upload_mgr.add(str(STEP))

    def uploads(self) -> dict[str, str]:
        """What is sent to S3 before the cluster starts, and where to."""
        self._note_uploads()
        return {path: place for place, path in self._uploads.items()}

    def _upload_local_files(self) -> None:
        """Uploads inputs, and what mrjob would file by file, several at a time and in parts."""
        self._note_uploads()
        s3.upload({place: Path(path) for place, path in self._uploads.items()})

    def _check_output_not_exists(self) -> None:
        """Nothing: `staged` has looked, and what is written there is published later."""

    def _wait_for_s3_eventual_consistency(self) -> None:
        """Nothing: since 2020 S3 shows at once what was written."""

    # Clusters.

    def make_emr_client(self) -> Any:
        """boto3's client of EMR, whose refusals are windrow's errors."""
        if self._client is None:
            self._client = client("emr", self._opts["region"])
        return self._client

    def _cluster_kwargs(self, persistent: bool = False) -> dict[str, Any]:
        request: dict[str, Any] = super()._cluster_kwargs(persistent)
        # Steps come one after another; between two of them the cluster must stay.
        request["Instances"]["KeepJobFlowAliveWhenNoSteps"] = True
        request["Tags"] = [*request.get("Tags", ()), *self._more_tags()]
        check_request(request)
        if self._environment is not None:
            check_environment(Path(self._environment), request)
        return request

    def _more_tags(self) -> list[dict[str, str]]:
        tags = dict(self._opts["tags"])
        if self._opts["pool_clusters"]:  # mrjob finds the clusters of its pools by these
            tags |= {"__mrjob_pool_hash": self._pool_hash(), "__mrjob_pool_name": self._opts["pool_name"]}
        return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]

    def _add_tags(self, tags: dict[str, str], cluster_id: str) -> None:
        """Nothing: a cluster has its tags from its creation on."""

    def _log_address_of_master_once(self) -> None:
        """Nothing: nobody is to log in there."""

    def _create_cluster(self, persistent: bool = False) -> str:
        cluster: str = super()._create_cluster(persistent)
        self._say(f"cluster {cluster} in {self._opts['region']} is asked for; some minutes until it is there")
        return cluster

    def run(self) -> None:
        """Runs the job; what made it fail is raised as the task, Hadoop or AWS said it."""
        self._check_regions()
        super().run()
        if self.sliced:
            s3.publish_copies(self._intermediate_output_dir(0), self._output_dir, {}, keep=_is_inner)

    def _check_regions(self) -> None:
        """Refuses a cluster far from what it writes: EMR takes no log folder elsewhere, and bytes would cost."""
        for uri in (self._cloud_tmp_dir, self._opts["cloud_log_dir"], self._place):
            place = bucket_region(uri)
            if place is not None and place != self._opts["region"]:
                raise UsageError(
                    f"{uri}: its bucket is in {place}, the cluster would be in {self._opts['region']}; EMR keeps its"
                    f" logs in its own region, and each byte between regions costs; give --region {place}, or another"
                    " bucket"
                )

    def _run(self) -> None:
        self._prepare_for_launch()
        try:
            self._run_once()
        except _ClusterLostError as lost:
            if self._opts["cluster_id"]:
                raise ClusterError(f"{lost}; run the job again, without --cluster-id on a cluster of its own") from None
            self._say(f"{lost}; the job is run once more, on a new cluster")
            self._cluster_id, self._created_cluster = None, False
            self._step_ids.clear()
            self._run_once()

    def _run_once(self) -> None:
        self._attempt += 1
        self._output_dir = f"{self._place}{self._attempt}"
        try:
            self._launch_emr_job()
            self._wait_for_steps_to_complete()
        except KeyboardInterrupt:
            self._cancel_steps()
            raise

    def _cancel_steps(self) -> None:
        """Ends what runs on the cluster, so that what was written can be removed, and a cluster of others goes on."""
        if not self._step_ids:
            return
        self._say("stopping the step")
        client, step = self.make_emr_client(), self._step_ids[-1]
        with suppress(Exception):  # what matters is that the user wants an end
            client.cancel_steps(ClusterId=self._cluster_id, StepIds=[step], StepCancellationOption="SEND_INTERRUPT")
            end = time.monotonic() + _ENDS
            while self._step(step)["State"] in _UNDER_WAY and time.monotonic() < end:
                time.sleep(min(1, self._opts["check_cluster_every"]))

    def _default_step_output_dir(self) -> str:
        # On HDFS it would go with the cluster, out of reach for whoever publishes slices.
        return f"{self._job_folder()}/steps-{self._attempt}"

    # Steps.

    def _streaming_step_hadoop_jar_step(self, step_num: int) -> dict[str, Any]:
        shown = self.shows_progress and sys.stderr.isatty()
        seconds = max(1, int(self._opts["check_cluster_every"])) if shown else 0
        step = [self._upload_mgr.uri(str(STEP)), self._words(step_num), str(seconds)]
        command = ["hadoop-streaming", *self._hadoop_streaming_jar_args(step_num)]
        return {"Jar": "command-runner.jar", "Args": ["bash", "-c", _FETCH, *step, *command]}

    def _words(self, step_num: int) -> str:
        """What the names begin with under which a step puts what Hadoop's client says."""
        return f"{self._job_folder()}/said-{self._attempt}-{step_num}"

    def _add_steps_to_cluster(self, steps: Any) -> None:
        check_secrets(steps)
        super()._add_steps_to_cluster(steps)

    def _wait_for_step_to_complete(self, step_id: str, step_num: int | None = None) -> None:
        assert step_num is not None
        self._await_beginning(step_id, step_num)
        status = self._await_end(step_id, step_num)
        said = self._said(step_num, "client")
        step = _interpret_hadoop_jar_command_stderr(
            iter(said.encode().splitlines(keepends=True)), record_callback=_log_log4j_record
        )
        self._log_interpretations.append({"step_id": step_id, "step": step})
        if status["State"] != "COMPLETED":
            self._refuse_step(step_id, step_num, status, said)
        if not step.get("counters"):
            raise ClusterError(
                f"step {step_id} of cluster {self._cluster_id}: ended well, but did not say what it counted, so its"
                f" output cannot be judged; see what it said: {self._how_to_see(step_id)}"
            )

    def _await_beginning(self, step_id: str, step_num: int) -> None:
        """Waits until a step runs, or has ended, telling what the cluster does until then."""
        while self._step(step_id)["State"] == "PENDING":
            cluster = self._describe_cluster()["Status"]
            reason = cluster["StateChangeReason"].get("Message")
            self._say_new("cluster", f"cluster {self._cluster_id}: {_plain(cluster['State'])}", reason)
            if cluster["State"] in _GONE:
                return
            time.sleep(self._opts["check_cluster_every"])
        self._say_new("step", f"step {step_num + 1} of {self._num_steps()} ({step_id}): runs")

    def _await_end(self, step_id: str, step_num: int) -> dict[str, Any]:
        """Waits until a step has ended, or its cluster has; the step's status."""
        with shares(("map", "reduce"), self.shows_progress) as tell:
            while True:
                status = self._step(step_id)
                gone = self._describe_cluster()["Status"]["State"] in _GONE
                if status["State"] not in _UNDER_WAY or gone:
                    return status
                self._show(step_num, tell)
                time.sleep(self._opts["check_cluster_every"])

    def _show(self, step_num: int, tell: Callable[[Sequence[int]], object]) -> None:
        if self.shows_progress and (done := _SHARES.findall(self._said(step_num, "progress"))):
            tell([int(share) for share in done[-1]])

    def _step(self, step_id: str) -> dict[str, Any]:
        step = self.make_emr_client().describe_step(ClusterId=self._cluster_id, StepId=step_id)
        return step["Step"]["Status"]  # type: ignore[no-any-return]

    def _said(self, step_num: int, name: str) -> str:
        """What a step has put on S3 under this name; nothing where it has not."""
        try:
            with s3.open_input(f"{self._words(step_num)}.{name}") as file:
                return file.read().decode(errors="replace")
        except InputError:  # not yet there, or just being replaced
            return ""

    def _refuse_step(self, step_id: str, step_num: int, status: dict[str, Any], said: str) -> NoReturn:
        """Raises why a step did not end well."""
        if not said:  # it could not even put that on S3: perhaps its cluster is going
            self._refuse_gone_cluster()
        if status["State"] in ("CANCELLED", "INTERRUPTED"):
            raise ClusterError(
                f"step {step_id} of cluster {self._cluster_id}: somebody cancelled it; run the job again"
            )
        more = f"to see more: {self._how_to_see(step_id)}"
        errors = self._log_interpretations[-1]["step"].get("errors", ())
        raise self._failure_explained(errors, said, split_logs(self._said(step_num, "tasks")), more)

    def _refuse_gone_cluster(self) -> None:
        """Raises why the cluster is gone, if it goes within some seconds."""
        end = time.monotonic() + min(_ENDS, 3 * self._opts["check_cluster_every"])
        while (cluster := self._describe_cluster())["Status"]["State"] not in _GONE:
            if time.monotonic() > end:
                return
            time.sleep(self._opts["check_cluster_every"])
        reason = cluster["Status"]["StateChangeReason"]
        what = f"cluster {self._cluster_id}: has ended: {reason.get('Message') or 'EMR does not say why'}"
        cure = _ENDED.get(reason.get("Code", ""))
        if cure is None:
            raise _ClusterLostError(what)
        raise ClusterError(f"{what}; {cure.format(logs=self._s3_log_dir())}")

    def _how_to_see(self, step_id: str) -> str:
        return f"windrow emr logs {step_id} --cluster {self._cluster_id}"

    def _say_new(self, kind: str, what: str, reason: str | None = None) -> None:
        """Says what is, once, and again when it has changed."""
        text = what + (f" ({reason})" if reason else "")
        if self._told.get(kind) != text:
            self._told[kind] = text
            self._say(text)

    def _say(self, text: str) -> None:
        if not self._quiet:
            say(text)

    # Outputs.

    @contextmanager
    def staged(self, output: str, description: dict[str, Any]) -> Iterator[None]:
        """What the job wrote becomes `output`, described, unless the block fails; what it wrote is removed."""
        s3.refuse_taken(output)
        self._output = output
        try:
            yield
            publish_from_s3(self._output_dir, output, description, Path(self._get_local_tmp_dir()))
        finally:
            with suppress(WindrowError):  # what went wrong before, or an output that is there, matters more
                s3.delete_prefix(self._place)
        self._say(
            f"{output}: is there; to read it: python -c \"import windrow; print(windrow.read_output('{output}'))\""
        )

    def cat_output(self) -> Iterator[bytes]:
        """The output's parts in order, in large pieces."""
        for found in s3.list_objects(f"{self._output_dir}/"):
            if any(fnmatch(found.uri.rpartition("/")[2], printed) for printed in PRINTED):
                with s3.open_input(found.uri) as part:
                    while piece := part.read(1 << 20):
                        yield piece

    def _cleanup_cloud_tmp(self) -> None:
        # What a step said stays where it failed: `windrow emr logs` reads it, until the bucket's own rules remove it.
        failed = not self._ran_job and self._step_ids
        folders = ("files", "inputs", "output", *(f"steps-{number + 1}" for number in range(self._attempt)))
        with suppress(WindrowError):  # what went wrong before matters more
            for folder in folders if failed else [""]:
                s3.delete_prefix(f"{self._job_folder()}/{folder}")

    def _cleanup_logs(self) -> None:
        """Nothing: EMR writes them after the job has ended; the bucket's own rules end their time."""


def bucket_region(uri: str) -> str | None:
    """The region of a URI's bucket; None where it may not be asked for."""
    try:
        told = s3.client().head_bucket(Bucket=s3.split(uri)[0])
    except ClientError as error:
        told = error.response
    except BotoCoreError as error:
        raise s3.refusal(error, uri) from error
    headers = told["ResponseMetadata"].get("HTTPHeaders", {})
    return told.get("BucketRegion") or headers.get("x-amz-bucket-region")  # type: ignore[no-any-return]


def _is_inner(name: str) -> bool:
    return INNER in name


def _plain(state: str) -> str:
    return state.lower().replace("_", " ")
