"""`-r emr`: mrjob's EMR runner; inputs are settled here, tasks run on the cluster, and S3 itself copies the output.

A step on EMR is windrow/emr/step.sh, which runs Hadoop Streaming on the master and uploads the log of Hadoop's client
to S3, beside the job's files: counters, which carry the tasks' counts and errors, and why a task failed. EMR's own
logs arrive minutes later.

Each attempt to run the job writes to a folder of its own. A cluster that was given up may go on writing for a while;
its files are never published.
"""

import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError
from mrjob.conf import ClearedValue
from mrjob.emr import EMRJobRunner

from windrow.aws.client import client
from windrow.aws.instances import worker_cores
from windrow.aws.stack import FILES
from windrow.console import say
from windrow.console.meter import ticking
from windrow.errors import ClusterError, InputError, UsageError, WindrowError
from windrow.feeds.density import Head
from windrow.runners.emr_cluster import ClusterRunner
from windrow.runners.emr_request import (
    check_environment,
    check_environment_variables,
    check_request,
    check_secrets,
)
from windrow.runners.failures import split_logs
from windrow.runners.launch import Launch
from windrow.runners.mrjob_adapter import EMRStreamingAdapter, interpret_client
from windrow.runners.streaming import Streaming
from windrow.storage import local, s3
from windrow.storage.hdfs import CLIENT
from windrow.storage.open import size_of
from windrow.storage.publish import OWN_PARTS, PRINTED, publish_from_s3
from windrow.storage.source import list_inputs, source_of, versions_of

#: The script that a step runs.
STEP = FILES / "step.sh"
#: Fetches that script on the master and executes it.
_FETCH = 'script=$(mktemp) && hadoop fs -cat "$0" >"$script" && exec bash "$script" "$@"'
_SHARES = re.compile(r" map (\d+)% reduce (\d+)%")
_GONE = ("TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS")
_UNDER_WAY = ("PENDING", "RUNNING", "CANCEL_PENDING")
#: Seconds to wait for a cancelled step to end its job, and for a failed cluster to be reported as such.
_ENDS = 30
#: EMR's code for the reason why a cluster ended -> the fix. With any other code, the cluster was lost.
_ENDED = {
    "VALIDATION_ERROR": "EMR could not create it as requested; fix what it names; `windrow emr doctor` checks roles",
    "BOOTSTRAP_FAILURE": "a node could not be set up; its logs appear in {logs}node/ within minutes",
    "INSTANCE_FLEET_TIMEOUT": "AWS had no such instances; try later, another region, or other instance types",
    "USER_REQUEST": "it was terminated by a user; run the job again",
}
#: Options of mrjob's that windrow does not use: it finds credentials in AWS's own variables and files.
_CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class _ClusterLostError(ClusterError):
    """A cluster ended, through no fault of the job and without a user's request."""


class EMRRunner(Streaming, ClusterRunner, EMRStreamingAdapter, EMRJobRunner):
    """mrjob's EMR runner over inputs on S3 or here; what is here is uploaded."""

    def __init__(self, launch: Launch, **kwargs: Any) -> None:
        self._attempt = 0
        self._last_shown: dict[str, str] = {}
        self._client: Any = None
        self._sends = True
        if launch.environment is not None:  # it replaces all that a node would install
            kwargs["bootstrap"] = ClearedValue([])
        super().__init__(launch, **kwargs)
        self._place: str = self.output
        check_environment_variables(list(self.settings["cmdenv"]))
        if given := [name for name in _CREDENTIALS if self.settings[name]]:
            raise UsageError(
                f"{given[0]}: is set in mrjob.conf or by an option; windrow finds credentials where AWS's own"
                " tools do; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )

    # Options.

    @classmethod
    def default_options(cls) -> dict[str, Any]:
        """A run that fails leaves nothing on S3."""
        return {**super().default_options(), "cleanup_on_failure": ["CLOUD_TMP", "LOCAL_TMP"]}

    def check_folder(self, uri: str) -> None:
        """Raises UsageError for a folder that is not on S3."""
        if not s3.is_s3(uri):
            raise UsageError(f"{uri}: -r emr keeps its files, logs and outputs on S3; give s3://BUCKET/FOLDER")

    def get_hadoop_version(self) -> str:
        """That of EMR 7: names of some options depend on it before there is a cluster to ask."""
        return "3.4"

    def usual_reducers(self) -> int:
        """One for each core that tasks have."""
        fleets = self.settings["instance_fleets"]
        instances = {"InstanceFleets": fleets} if fleets else {"InstanceGroups": self.instance_groups()}
        return max(1, worker_cores({"Instances": instances}))

    def step_jobconf(self, number: int) -> dict[str, Any]:
        """Hadoop's options for a step, including the number of reducers."""
        conf = super().step_jobconf(number)
        if "reducer" in self.step(number) and not {"mapreduce.job.reduces", "mapred.reduce.tasks"}.intersection(conf):
            conf["mapreduce.job.reduces"] = self.usual_reducers()
        return conf

    # Inputs and code, on their way.

    def find_inputs(
        self, arguments: Sequence[str], folder: Path, recursive: bool = False
    ) -> tuple[list[str], dict[str, Head]]:
        """The files and objects that the arguments name; ranges of objects are read in place."""
        self._asked = list(arguments)
        if foreign := [uri for uri in arguments if source_of(uri) not in (s3.SOURCE, local.SOURCE)]:
            raise InputError(f"{foreign[0]}: -r emr only reads s3:// and files on this machine; copy it to S3")
        found = list_inputs(arguments, recursive)
        self._sizes = {path: size_of(path) for path in found}
        self.versions = versions_of(found)
        return found, {}

    def take_inputs(self, paths: Sequence[str], folder: Path, whole: Collection[str] = ()) -> dict[str, str]:
        """Sets the job's inputs; returns where each is for a task."""
        opens = self.opened_by_tasks(paths)
        # A node's role says who it is, but nothing says in which region.
        self.settings["cmdenv"] |= {"AWS_REGION": self.settings["region"]} if opens else {CLIENT: "hadoop"}
        if opens:
            self.have_parts_written()
        return super().take_inputs(paths, folder, whole)

    def opened_by_tasks(self, places: Sequence[str]) -> bool:
        """Whether tasks read objects by ranges with boto3: nodes have it, a packed environment has not."""
        return self.launch.environment is None

    def add_files(self) -> None:
        """Adds the script that steps run."""
        self.add_upload(str(STEP))

    def uploads(self) -> dict[str, str]:
        """What is sent to S3 before the cluster starts, and where to."""
        return {path: place for place, path in self.gather_uploads().items()}

    def upload(self) -> None:
        """Uploads inputs, and the files that mrjob would upload one by one, several at a time and in parts."""
        if self._sends:
            s3.upload({place: Path(path) for place, path in self.gather_uploads().items()})
            self.check_uploaded()

    def dry_run(self) -> None:
        """Prepares everything that a run would, but sends nothing."""
        self._sends = False
        self.forget_cloud()  # nothing is there
        self.assume_image(self.settings["release_label"].removeprefix("emr-"))
        self._begin_attempt()
        self.make_archives()
        self.prepare()

    # Clusters.

    def make_emr_client(self) -> Any:
        """boto3's client for EMR, whose errors become windrow's."""
        if self._client is None:
            self._client = client("emr", self.settings["region"])
        return self._client

    def cluster_request(self, persistent: bool = False) -> dict[str, Any]:
        """The arguments of RunJobFlow, checked."""
        request = super().cluster_request(persistent)
        # Steps are submitted one after another; the cluster must stay alive in between.
        request["Instances"]["KeepJobFlowAliveWhenNoSteps"] = True
        request["Tags"] = [*request.get("Tags", ()), *self._more_tags()]
        check_request(request)
        if self.launch.environment is not None:
            check_environment(Path(self.launch.environment), request)
        return request

    def _more_tags(self) -> list[dict[str, str]]:
        tags = {**self.settings["tags"], **self.pool_tags()}
        return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]

    def started_cluster(self, cluster_id: str) -> None:
        """Reports that a cluster was requested."""
        self._say(f"requested cluster {cluster_id} in {self.settings['region']}; it takes a few minutes to start")

    def run(self) -> None:
        """Runs the job; raises the error that the task, Hadoop or AWS reported."""
        self._check_regions()
        super().run()
        self.check_inputs()
        for number in self.steps_with_parts:
            s3.publish_copies(self.step_output(number), self.output, {}, keep=_is_own)

    def _check_regions(self) -> None:
        """Refuses a cluster in another region than its output: EMR accepts no log folder there, and traffic costs."""
        for uri in (self.folder, self.settings["cloud_log_dir"], self._place):
            place = bucket_region(uri)
            if place is not None and place != self.settings["region"]:
                raise UsageError(
                    f"{uri}: its bucket is in {place}, the cluster would be in {self.settings['region']}; EMR keeps its"
                    f" logs in its own region, and traffic between regions costs money; use --region {place}, or"
                    " another bucket"
                )

    def run_attempts(self) -> None:
        """Runs the job; if its cluster is lost, runs it again on a new one."""
        try:
            self._run_once()
        except _ClusterLostError as lost:
            if self.settings["cluster_id"]:
                raise ClusterError(f"{lost}; run the job again without --cluster-id, on a cluster of its own") from None
            self._say(f"{lost}; running the job again on a new cluster")
            self.forget_cluster()
            self._run_once()

    def _run_once(self) -> None:
        self._begin_attempt()
        try:
            self.launch_and_wait()
        except KeyboardInterrupt:
            self._cancel_steps()
            raise

    def _begin_attempt(self) -> None:
        """Gives the next attempt a folder of its own for its output."""
        self._attempt += 1
        self.output = f"{self._place}{self._attempt}"

    def _cancel_steps(self) -> None:
        """Stops the running step, so that its output can be removed, and a shared cluster is free again."""
        if not self.step_ids:
            return
        self._say("stopping the step")
        client, step = self.make_emr_client(), self.step_ids[-1]
        with suppress(Exception):  # the user wants to stop, whatever happens here
            client.cancel_steps(ClusterId=self.cluster_id, StepIds=[step], StepCancellationOption="SEND_INTERRUPT")
            end = time.monotonic() + _ENDS
            while self._step(step)["State"] in _UNDER_WAY and time.monotonic() < end:
                time.sleep(min(1, self.settings["check_cluster_every"]))

    def default_steps_folder(self) -> str:
        """A folder on S3: on HDFS it would vanish with the cluster before slices are published."""
        return f"{self.folder}/steps-{self._attempt}"

    # Steps.

    def streaming_step(self, number: int) -> dict[str, Any]:
        """step.sh, which runs Hadoop Streaming on the master."""
        shown = self.launch.meter.is_shown
        seconds = max(1, int(self.settings["check_cluster_every"])) if shown else 0
        step = [self.upload_uri(str(STEP)), self._log_prefix(number), str(seconds)]
        command = ["hadoop-streaming", *self.streaming_arguments(number)]
        return {"Jar": "command-runner.jar", "Args": ["bash", "-c", _FETCH, *step, *command]}

    def _log_prefix(self, number: int) -> str:
        """The prefix of the names under which a step uploads the log of Hadoop's client."""
        return f"{self.folder}/said-{self._attempt}-{number}"

    def check_steps(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """Raises ClusterError if a step contains a secret."""
        check_secrets(steps)

    def await_step(self, step_id: str, number: int) -> None:
        """Waits until a step has succeeded. Raises the reason if it fails."""
        self._await_beginning(step_id, number)
        status = self._await_end(step_id, number)
        log = self._log(number, "client")
        step = interpret_client(iter(log.encode().splitlines(keepends=True)))
        self.note_step(step_id, step)
        if status["State"] != "COMPLETED":
            self._raise_failed_step(step_id, number, status, log)
        if not step.get("counters"):
            raise ClusterError(
                f"step {step_id} of cluster {self.cluster_id}: succeeded, but reported no counters, so its output"
                f" cannot be checked; see its log: {self._how_to_see(step_id)}"
            )

    def _await_beginning(self, step_id: str, step_num: int) -> None:
        """Waits until a step is running or has ended, reporting the cluster's state until then."""
        while self._step(step_id)["State"] == "PENDING":
            cluster = self.described_cluster()["Status"]
            reason = cluster["StateChangeReason"].get("Message")
            self._say_new("cluster", f"cluster {self.cluster_id}: {_plain(cluster['State'])}", reason)
            if cluster["State"] in _GONE:
                return
            time.sleep(self.settings["check_cluster_every"])
        self._say_new("step", f"step {step_num + 1} of {self.step_count} ({step_id}): running")

    def _await_end(self, step_id: str, step_num: int) -> dict[str, Any]:
        """Waits until a step has ended, or its cluster has; the step's status."""
        self.begin_stage("EMR", step_num)
        with ticking(self.launch.meter):
            while True:
                status = self._step(step_id)
                gone = self.described_cluster()["Status"]["State"] in _GONE
                if status["State"] not in _UNDER_WAY or gone:
                    return status
                self._show(step_num)
                time.sleep(self.settings["check_cluster_every"])

    def _show(self, step_num: int) -> None:
        if self.launch.meter.is_shown and (done := _SHARES.findall(self._log(step_num, "progress"))):
            self.show_shares(step_num, done[-1])

    def _step(self, step_id: str) -> dict[str, Any]:
        step = self.make_emr_client().describe_step(ClusterId=self.cluster_id, StepId=step_id)
        return step["Step"]["Status"]  # type: ignore[no-any-return]

    def _log(self, step_num: int, name: str) -> str:
        """What a step has uploaded under this name; empty if nothing yet."""
        try:
            with s3.open_input(f"{self._log_prefix(step_num)}.{name}") as file:
                return file.read().decode(errors="replace")
        except InputError:  # not there yet, or just being replaced
            return ""

    def _raise_failed_step(self, step_id: str, step_num: int, status: dict[str, Any], log: str) -> NoReturn:
        """Raises the reason why a step failed."""
        if not log:  # it could not even upload that: perhaps its cluster is ending
            self._raise_gone_cluster()
        if status["State"] in ("CANCELLED", "INTERRUPTED"):
            raise ClusterError(
                f"step {step_id} of cluster {self.cluster_id}: was cancelled by a user; run the job again"
            )
        more = f"to see more: {self._how_to_see(step_id)}"
        raise self.failure(log, split_logs(self._log(step_num, "tasks")), more)

    def _raise_gone_cluster(self) -> None:
        """Raises the reason why the cluster ended, if it ends within a few seconds."""
        end = time.monotonic() + min(_ENDS, 3 * self.settings["check_cluster_every"])
        while (cluster := self.described_cluster())["Status"]["State"] not in _GONE:
            if time.monotonic() > end:
                return
            time.sleep(self.settings["check_cluster_every"])
        reason = cluster["Status"]["StateChangeReason"]
        what = f"cluster {self.cluster_id}: has ended: {reason.get('Message') or 'EMR gave no reason'}"
        fix = _ENDED.get(reason.get("Code", ""))
        if fix is None:
            raise _ClusterLostError(what)
        raise ClusterError(f"{what}; {fix.format(logs=self.log_folder)}")

    def _how_to_see(self, step_id: str) -> str:
        return f"windrow emr logs {step_id} --cluster {self.cluster_id}"

    def _say_new(self, kind: str, what: str, reason: str | None = None) -> None:
        """Reports a state once, and again when it has changed."""
        text = what + (f" ({reason})" if reason else "")
        if self._last_shown.get(kind) != text:
            self._last_shown[kind] = text
            self._say(text)

    def _say(self, text: str) -> None:
        if not self.launch.quiet:
            say(text)

    # Outputs.

    @contextmanager
    def publishing(self, output: str, description: dict[str, Any]) -> Iterator[None]:
        """Publishes what the job wrote as `output`, unless the block fails; removes the original."""
        s3.refuse_taken(output)
        self._published = output
        try:
            yield
            publish_from_s3(self.output, output, description, self.scratch)
        finally:
            with suppress(WindrowError):  # an earlier error, or the published output, matters more
                s3.delete_prefix(self._place)
        self._say(
            f"{output}: written; read it with: python -c \"import windrow; print(windrow.read_output('{output}'))\""
        )

    def part_names(self) -> list[str]:
        """Names of the files in the output's folder."""
        return [found.uri.rpartition("/")[2] for found in s3.list_objects(f"{self.output}/")]

    def cat_output(self) -> Iterator[bytes]:
        """The output's parts in order, in large pieces."""
        for found in s3.list_objects(f"{self.output}/"):
            if any(fnmatch(found.uri.rpartition("/")[2], printed) for printed in PRINTED):
                with s3.open_input(found.uri) as part:
                    while piece := part.read(1 << 20):
                        yield piece

    def remove_cloud_files(self) -> None:
        """Removes the run's files; keeps the logs of a failed run, which `windrow emr logs` reads."""
        failed = not self.succeeded and self.step_ids
        folders = ("files", "inputs", "output", *(f"steps-{number + 1}" for number in range(self._attempt)))
        with suppress(WindrowError):  # an earlier error matters more
            for folder in folders if failed else [""]:
                s3.delete_prefix(f"{self.folder}/{folder}")


def bucket_region(uri: str) -> str | None:
    """The region of a URI's bucket; None if we have no permission to ask."""
    try:
        response = s3.client().head_bucket(Bucket=s3.split(uri)[0])
    except ClientError as error:
        response = error.response
    except BotoCoreError as error:
        raise s3.refusal(error, uri) from error
    headers = response["ResponseMetadata"].get("HTTPHeaders", {})
    return response.get("BucketRegion") or headers.get("x-amz-bucket-region")  # type: ignore[no-any-return]


def _is_own(name: str) -> bool:
    return fnmatch(name, OWN_PARTS)


def _plain(state: str) -> str:
    return state.lower().replace("_", " ")


RUNNER = EMRRunner
