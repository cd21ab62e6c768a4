"""`-r hadoop`: mrjob's Hadoop runner, with inputs settled from their first bytes and outputs published by rename.

What a task refuses reaches the submitter as counters (windrow/mapreduce/counters.py), so nobody has to search logs for
it; what makes a task fail is read from its log (windrow/runners/failures.py).
"""

import os
import re
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mrjob.hadoop import HadoopJobRunner
from mrjob.logs.step import _interpret_hadoop_jar_command_stderr, _log_log4j_record
from mrjob.step import StepFailedException
from mrjob.util import cmd_line

from windrow.console import shares
from windrow.errors import InputError, OutputError
from windrow.feeds.density import Head
from windrow.feeds.heads import first_bytes_by_web, write_head
from windrow.feeds.settle import bare, list_files
from windrow.runners.failures import split_logs, traceback_in
from windrow.runners.streaming import URI, Streaming
from windrow.storage import s3
from windrow.storage.hdfs import CLIENT
from windrow.storage.open import is_parquet, size_of
from windrow.storage.publish import INNER, PRINTED, TEXT_PARTS, describe_output, publish_from_s3, writes_own_parts
from windrow.storage.s3 import is_s3

#: Bytes of a remote input that are read at submission: some hundred lines, whatever the compression.
_HEAD_BYTES = 1 << 18
#: Inputs on HDFS that are worth asking for another way to read their first bytes.
_FEW = 3
#: What Hadoop's client says while a job runs.
_SHARES = re.compile(rb" map (\d+)% reduce (\d+)%")
_SUBMITTED = re.compile(rb"Submitted application (application_\w+)")
#: Its last lines, to tell a failure from.
_LAST_LINES = 400
#: Seconds for which the logs of tasks that have ended may be on their way.
_LOGS_COME = 10


class HadoopRunner(Streaming, HadoopJobRunner):
    """mrjob's Hadoop runner over inputs on HDFS or here; what is here is uploaded in one go."""

    _output_dir: str

    def __init__(self, environment: str | None = None, **kwargs: Any) -> None:
        self._web: str | None = None
        self._schemes: dict[str, bool] = {}
        self._application: str | None = None
        self._said: deque[bytes] = deque(maxlen=_LAST_LINES)
        super().__init__(environment, **kwargs)

    def _job_folder(self) -> str:
        return self._hadoop_tmp_dir  # type: ignore[no-any-return]

    def run(self) -> None:
        """Runs the job; what made it fail is raised as the task, or Hadoop, said it."""
        try:
            super().run()
        except StepFailedException as error:
            raise self._explained() from error
        if self.sliced:
            inner = f"{self._intermediate_output_dir(0)}/*{INNER}*"
            self._hadoop("fs", "-mv", inner, self._output_dir)

    def _run_hadoop(self, hadoop_args: Any, env: Any, record_callback: Any) -> tuple[int, Any]:
        """Runs Hadoop's client for one step, and ends that step on the cluster where this process is stopped."""
        # Its words, counters among them, are read here, wherever the cluster has clients log to, as steps of EMR do.
        env = {**(env or os.environ), "HADOOP_ROOT_LOGGER": "INFO,console"}
        # A session of its own: Ctrl-C is for this process, which must still ask for the job's end.
        with subprocess.Popen(
            hadoop_args, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as client:  # fmt: skip
            try:
                step = _interpret_hadoop_jar_command_stderr(self._listen(client), record_callback=_log_log4j_record)
            except BaseException:
                client.kill()
                self._end_application()
                raise
        return client.returncode, step

    def _end_application(self) -> None:
        if self._application:
            subprocess.run([*self._client("yarn"), "application", "-kill", self._application], capture_output=True)

    def _listen(self, client: Any) -> Iterator[bytes]:
        """The client's lines; a bar on the terminal shows what they say of maps and reduces."""
        self._application = None
        self._said.clear()
        with shares(("map", "reduce"), self.shows_progress) as tell:
            for line in client.stdout:
                self._said.append(line)
                if submitted := _SUBMITTED.search(line):
                    self._application = submitted[1].decode()
                if done := _SHARES.search(line):
                    tell([int(share) for share in done.groups()])
                yield line

    def _explained(self) -> Exception:
        errors = self._log_interpretations[-1]["step"].get("errors", ())
        silent = any("subprocess failed" in str(error) for error in errors)  # the task's Python knows why, not Hadoop
        more = "to see more: run it again with -v"
        logs: list[str] = []
        if self._application:
            command = [*self._client("yarn"), "logs", "-applicationId", self._application]
            more = f"to see more: {cmd_line(command)}"
            logs = self._gathered_logs(command) if silent else []
        return self._failure_explained(errors, b"".join(self._said).decode(errors="replace"), logs, more)

    def _gathered_logs(self, command: Sequence[str]) -> list[str]:
        """What tasks wrote to standard error, once the cluster has gathered it; none where it does not gather logs."""
        end = time.monotonic() + _LOGS_COME
        while True:  # each node brings its own
            done = subprocess.run([*command, "-log_files", "stderr"], capture_output=True)
            logs = split_logs(done.stdout.decode(errors="replace"))
            if any(map(traceback_in, logs)) or time.monotonic() > end:
                return logs
            time.sleep(1)

    def _client(self, name: str) -> list[str]:
        """Another of Hadoop's commands, from where the configured `hadoop` lies."""
        hadoop, *options = self.get_hadoop_bin()
        return [str(Path(hadoop).with_name(name)), *options]

    def find_inputs(self, arguments: Sequence[str], folder: Path) -> tuple[list[str], dict[str, Head]]:
        """The files that arguments mean, and local copies of the first part of those that lie on HDFS.

        Objects of S3 are listed, and their headers read, from here.
        """
        self._asked = list(arguments)
        far = [argument for argument in arguments if URI.match(argument) and not is_s3(argument)]
        sizes = self._list(far) if far else {}
        near = list_files([argument for argument in arguments if argument not in far])
        self._sizes = {**sizes, **{path: size_of(path) for path in near}}
        return [*sizes, *near], self._heads(sizes, folder)

    def _list(self, uris: Sequence[str]) -> dict[str, int]:
        """Files and their sizes; a directory means the files in it, without hidden ones."""
        lines = self._hadoop("fs", "-ls", *uris).decode().splitlines()
        fields = [line.split(None, 7) for line in lines if line[:1] == "-"]
        return {field[7]: int(field[4]) for field in fields if field[7].rpartition("/")[2][0] not in "._"}

    def _heads(self, sizes: Mapping[str, int], folder: Path) -> dict[str, Head]:
        self._web = self._web_address() if len(sizes) > _FEW else None
        return {
            uri: self._head(uri, size, folder / f"{number:05d}-{uri.rpartition('/')[2]}")
            for number, (uri, size) in enumerate(sizes.items())
        }

    def _head(self, uri: str, size: int, place: Path) -> Head:
        enough = size if is_parquet(uri) else min(size, _HEAD_BYTES)  # Parquet says its columns at its end
        while (head := write_head(self._first_bytes(uri, enough), uri, size, place)) is None:
            if enough == size:
                raise InputError(f"{uri}: cannot be read to its end; check its rights, and that the cluster is healthy")
            enough = min(size, 4 * enough)
        return head

    def _first_bytes(self, uri: str, enough: int) -> bytes:
        if self._web is not None:
            head = first_bytes_by_web(self._web, bare(uri), enough)
            if head is not None:
                return head
            self._web = None  # one refusal is enough
        command = [*self.get_hadoop_bin(), "fs", "-cat", uri]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as cat:
            assert cat.stdout is not None
            head = cat.stdout.read(enough)
            cat.kill()
        return head

    def _web_address(self) -> str | None:
        """Where HDFS answers over HTTP, if it says so: some milliseconds a file, where its client takes a second."""
        with suppress(OSError):
            asked = [*self._client("hdfs"), "getconf", "-confKey", "dfs.namenode.http-address"]
            done = subprocess.run(asked, capture_output=True)
            if not done.returncode:
                return done.stdout.decode().strip()
        return None

    def take_inputs(self, paths: Sequence[str], folder: Path) -> dict[str, str]:
        """Makes these the job's inputs; where each lies for a task, which fetches some by this client."""
        self._opts["cmdenv"] |= {CLIENT: cmd_line(self.get_hadoop_bin())}
        return super().take_inputs(paths, folder)

    def _for_hadoop(self, uri: str) -> str:
        """A path as this Hadoop knows it: where it has no file system for s3://, or s3n://, that is S3A's."""
        scheme = uri.partition(":")[0].lower()
        if not is_s3(uri) or scheme == "s3a" or self._has_file_system(scheme):
            return uri
        return "s3a" + uri[len(scheme) :]

    def _has_file_system(self, scheme: str) -> bool:
        if scheme not in self._schemes:
            asked = [*self._client("hdfs"), "getconf", "-confKey", f"fs.{scheme}.impl"]
            with suppress(OSError):
                self._schemes[scheme] = not subprocess.run(asked, capture_output=True).returncode
        return self._schemes.get(scheme, False)

    def _upload_local_files(self) -> None:
        """Uploads inputs, and what mrjob would file by file, in one call: the start of one takes a second or two."""
        self._note_uploads()
        with tempfile.TemporaryDirectory(prefix="windrow-") as folder:
            for place, path in self._uploads.items():
                link = Path(folder) / place.removeprefix(self._hadoop_tmp_dir + "/")
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(Path(path).absolute())
            self._hadoop("fs", "-mkdir", "-p", self._hadoop_tmp_dir)
            self._hadoop("fs", "-put", "-f", *map(str, Path(folder).iterdir()), self._hadoop_tmp_dir)

    def get_hadoop_version(self) -> str:
        """The version, by the name of the streaming jar where that tells it: asking Hadoop takes a second."""
        told = re.search(r"-(\d+\.\d+\.\d+)\.jar$", self._opts["hadoop_streaming_jar"] or "")
        if told:
            self.fs.hadoop._hadoop_version = told[1]
        return super().get_hadoop_version()  # type: ignore[no-any-return]

    def cat_output(self) -> Iterator[bytes]:
        """The output's parts in order, in large pieces, by one call for all."""
        command = [*self.get_hadoop_bin(), "fs", "-cat", f"{self.get_output_dir()}/{{{','.join(PRINTED)}}}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as cat:
            assert cat.stdout is not None
            while piece := cat.stdout.read(1 << 20):
                yield piece
        if cat.returncode:
            raise OutputError(f"{self.get_output_dir()}: the output cannot be read; what Hadoop says of it is above")

    @contextmanager
    def staged(self, output: str, description: dict[str, Any]) -> Iterator[None]:
        """The job's output directory becomes `output`, described, unless the block fails; then it is removed."""
        if is_s3(output):
            with self._staged_on_s3(output, description):
                yield
            return
        if self.fs.hadoop.exists(output):
            raise OutputError(
                f"{output}: exists; a job writes a new directory only; remove it, or choose another by --output-dir"
            )
        self._output = output
        try:
            yield
            described, _ = describe_output(
                description, Path(self._get_local_tmp_dir())
            )  # Hadoop writes _SUCCESS by itself
            self._hadoop("fs", "-put", str(described), self._output_dir)
            if writes_own_parts(description):
                self._hadoop("fs", "-rm", "-skipTrash", f"{self._output_dir}/{TEXT_PARTS}")
            self._hadoop("fs", "-mv", self._output_dir, output)
        except BaseException:
            self.fs.hadoop.rm(self._output_dir)
            raise

    @contextmanager
    def _staged_on_s3(self, output: str, description: dict[str, Any]) -> Iterator[None]:
        """The same on S3, whose objects cannot be renamed: S3 copies them, and the copies appear together."""
        s3.refuse_taken(output)
        staging = self._output_dir
        self._output, self._output_dir = output, self._for_hadoop(staging)
        try:
            yield
            publish_from_s3(staging, output, description, Path(self._get_local_tmp_dir()))
        finally:
            s3.delete_prefix(staging)

    def _hadoop(self, *arguments: str) -> bytes:
        """What a command of Hadoop's client prints; InputError with what it says where it fails."""
        done = subprocess.run([*self.get_hadoop_bin(), *arguments], capture_output=True)
        if done.returncode:
            said = [line for line in done.stderr.decode().splitlines() if not line.startswith(("SLF4J", "log4j", "20"))]
            raise InputError(
                f"{' '.join(arguments[2:])[:300]}: `hadoop {' '.join(arguments[:2])}` refused:"
                f" {(said or ['it said nothing'])[-1]}; check the path, its rights, and that the cluster is up"
            )
        return done.stdout
