"""An emulator of EMR that really runs what is submitted: moto's EMR and S3, and a Hadoop whose S3A is pointed at them.

moto takes clusters and steps and leaves them as they are. The emulator watches it: a cluster starts, its steps run one
after another, jar and arguments as they stand, and end COMPLETED or FAILED. A step gets what EMR gives it: `hadoop`,
`hadoop-streaming` and `yarn` on the path, an environment in which Hadoop logs to a file, a folder of its own; s3:// is
opened by S3A, as on EMR since 7.10.

moto and the emulator share a process, so that faults can be put between: requests refused by 503, clusters lost.
"""

import contextlib
import gzip
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import boto3
from moto.core.responses import ActionResult
from moto.emr.models import Cluster, emr_backends
from moto.emr.responses import ElasticMapReduceResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

ROOT = Path(__file__).parents[3]
HOME = ROOT / ".cluster"
HERE = Path(__file__).parent
REGION, ACCOUNT = "us-east-1", "123456789012"
_ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
#: Commands that a master of EMR has.
_COMMANDS = {
    "hadoop": 'exec {home}/hadoop --config {conf} "$@"',
    "yarn": 'exec {home}/yarn --config {conf} "$@"',
    "hadoop-streaming": 'exec {bin}/hadoop jar {streaming} "$@"',
    "python3.11": 'exec {python} "$@"',
}


class Emulator:
    """Started by `with`; `env` is the environment of who uses it."""

    def __init__(self, folder, conf=HERE / "conf-local", port=0):
        self.folder = folder
        self.requests = []
        """What EMR was asked: pairs of operation and arguments."""
        self.busy = 0.0
        """The share of S3's requests that are refused by 503 Slow Down."""
        self.refusal = None
        """Code and message by which EMR refuses to start a cluster."""
        self.refused = 0
        self._bin = folder / "bin"
        self._conf = conf
        self._running = {}
        self._threads, self._errors = [], []
        self._stopped = threading.Event()
        self._chance = random.Random(11)
        self._server = make_server("127.0.0.1", port, self._between, threaded=True, request_handler=_Silent)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "a secret of nobody's",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.on_start = lambda cluster: None
        """Called when a cluster was asked for, before its steps begin."""

    def __enter__(self):
        self._write_commands()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._patches = [
            patch.object(Cluster, "add_steps", _adding(Cluster.add_steps)),
            patch.object(Cluster, "status", property(_status)),
            patch.object(
                ElasticMapReduceResponse, "cancel_steps", lambda response: self._cancel(response), create=True
            ),
        ]
        for each in self._patches:
            each.start()
        self._start(self._server.serve_forever)
        self._start(self._watch)
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for step in list(self._running):
            self._kill(step)
        self._server.shutdown()
        for thread in self._threads:
            thread.join(30)
        for each in self._patches:
            each.stop()
        self._backend().reset()
        assert not self._errors, "the emulator itself has failed"

    def client(self, service):
        """boto3's client of a service here."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="none",
        )

    def clusters(self):
        """All clusters there ever were, in order."""
        return list(self._backend().clusters.values())

    def steps(self):
        """All steps there ever were, in order."""
        return [step for cluster in self.clusters() for step in cluster.steps]

    def await_running(self, timeout=120):
        """Waits until a step's process is there; its cluster."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for cluster in self.clusters():
                if any(step.id in self._running for step in cluster.steps):
                    return cluster
            time.sleep(0.02)
        raise AssertionError("no step has run")

    def lose(self, cluster, code="INSTANCE_FAILURE", message="The master failed: the instance was terminated"):
        """Ends a cluster as EMR does where its master is gone: at once, without a word of the step's."""
        for step in cluster.steps:
            self._kill(step.id)
        cluster.state, cluster.code, cluster.last_state_change_reason = "TERMINATED_WITH_ERRORS", code, message
        for step in cluster.steps:
            if step.state in ("PENDING", "RUNNING"):
                step.state = "CANCELLED"

    # Between clients and moto.

    def _between(self, environ, start_response):
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.startswith("ElasticMapReduce."):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            self.requests.append((target.partition(".")[2], json.loads(body)))
            if self.refusal and target.endswith(".RunJobFlow"):
                return _refuse(*self.refusal, start_response)
        elif not target and "/s3/" in environ.get("HTTP_AUTHORIZATION", "") and self._chance.random() < self.busy:
            self.refused += 1
            return _slow_down(environ, start_response)
        return self._moto(environ, start_response)

    # Steps.

    def _watch(self):
        while not self._stopped.wait(0.05):
            for cluster in self.clusters():
                if hasattr(cluster, "supported_products"):  # moto has made it
                    self._tend(cluster)

    def _tend(self, cluster):
        if cluster.state in _ENDED:
            for step in cluster.steps:
                if step.state in ("PENDING", "RUNNING"):
                    step.state = "CANCELLED"
                    self._kill(step.id)
            return
        if cluster.state == "STARTING":
            self.on_start(cluster)
            if cluster.state == "STARTING":
                cluster.state = "WAITING"
        elif not any(step.state in ("RUNNING", "CANCEL_PENDING") for step in cluster.steps):
            waiting = [step for step in cluster.steps if step.state == "PENDING"]
            cluster.state = "RUNNING" if waiting else "WAITING"
            for step in waiting[:1]:
                step.state = "RUNNING"
                self._start(self._run, cluster, step)

    def _run(self, cluster, step):
        """Runs a step as EMR's agent on the master does."""
        place = self.folder / "steps" / step.id
        place.mkdir(parents=True)
        assert step.jar == "command-runner.jar", "the emulator knows no other jar"
        step.start()
        with (place / "stdout").open("wb") as out, (place / "stderr").open("wb") as err:
            process = self._running[step.id] = subprocess.Popen(
                step.args, cwd=place, env=self.step_env(place), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                start_new_session=True,
            )  # fmt: skip
            status = process.wait()
        self._running.pop(step.id)
        step.end_date_time = datetime.now(UTC).replace(tzinfo=None)
        if step.state == "RUNNING" and cluster.state not in _ENDED and not self._stopped.is_set():
            self._keep_logs(cluster, step, place)
        if step.state == "RUNNING":
            step.state = "COMPLETED" if status == 0 else "FAILED"
        elif step.state == "CANCEL_PENDING":
            step.state = "CANCELLED"

    def step_env(self, place):
        """What EMR's agent gives a step, and whom S3A may say it is: there, the instances have a role."""
        return {
            "PATH": f"{self._bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "USER": os.environ.get("USER", "hadoop"),
            "LANG": "C.UTF-8",
            "HADOOP_ROOT_LOGGER": "INFO,DRFA",
            "HADOOP_LOG_DIR": str(place),
            "HADOOP_LOGFILE": "syslog",
            **{name: self.env[name] for name in self.env if name.startswith("AWS_")},
        }

    def _keep_logs(self, cluster, step, place):
        """EMR's own logs of a step; there they come some minutes later."""
        bucket, _, folder = cluster.log_uri.removeprefix("s3://").partition("/")
        for name in ("stdout", "stderr", "syslog"):
            if (place / name).exists():
                key = f"{folder.rstrip('/')}/{cluster.id}/steps/{step.id}/{name}.gz"
                self.client("s3").put_object(Bucket=bucket, Key=key, Body=gzip.compress((place / name).read_bytes()))

    def _cancel(self, response):
        """moto has no CancelSteps."""
        asked = json.loads(response.body)
        told = []
        for step in self._backend().clusters[asked["ClusterId"]].steps:
            if step.id in asked["StepIds"] and step.state in ("PENDING", "RUNNING"):
                step.state = "CANCEL_PENDING" if step.state == "RUNNING" else "CANCELLED"
                with contextlib.suppress(KeyError, ProcessLookupError):
                    os.killpg(self._running[step.id].pid, signal.SIGINT)
                told.append({"StepId": step.id, "Status": "SUBMITTED"})
        return ActionResult({"CancelStepsInfoList": told})

    def _kill(self, step):
        with contextlib.suppress(KeyError, ProcessLookupError):
            os.killpg(self._running[step].pid, signal.SIGKILL)

    def _write_commands(self):
        shutil.rmtree(self._bin, ignore_errors=True)
        self._bin.mkdir(parents=True)
        streaming = next((HOME / "jars").glob("hadoop-streaming-*.jar"), "none")
        for name, command in _COMMANDS.items():
            text = command.format(home=HOME, conf=self._conf, bin=self._bin, streaming=streaming, python=sys.executable)
            # Hadoop's own launcher makes options of these.
            options = (
                "-Dhadoop.root.logger=${HADOOP_ROOT_LOGGER:-INFO,console}"
                " -Dhadoop.log.dir=${HADOOP_LOG_DIR:-.} -Dhadoop.log.file=${HADOOP_LOGFILE:-hadoop.log}"
            )
            (self._bin / name).write_text(f'#!/bin/sh\nexport HADOOP_OPTS="{options}"\n{text}\n')
            (self._bin / name).chmod(0o755)

    def _backend(self):
        return emr_backends[ACCOUNT][REGION]

    def _start(self, function, *args):
        def run():
            try:
                function(*args)
            except BaseException as error:
                self._errors.append(error)
                raise

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)


class _Silent(MotoRequestHandler):
    """Logs no requests."""

    def log_request(self, *_):
        pass


def _adding(real):
    """Steps wait for their turn, and the cluster for its machines; in moto the first would run already."""

    def add_steps(cluster, steps):
        starting = not cluster.steps
        added = real(cluster, steps)
        for step in added:
            step.state = "PENDING"
        if starting:
            cluster.state = "STARTING"
        return added

    return add_steps


def _status(cluster):
    """moto gives no code of a state's reason."""
    reason = {"Code": getattr(cluster, "code", None), "Message": getattr(cluster, "last_state_change_reason", None)}
    return {
        "State": cluster.state,
        "StateChangeReason": {name: value for name, value in reason.items() if value},
        "Timeline": {"CreationDateTime": cluster.creation_datetime},
    }


def _refuse(code, message, start_response):
    start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps({"__type": code, "message": message}).encode()]


def _slow_down(environ, start_response):
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    body = (
        b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    )
    start_response("503 Slow Down", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]
