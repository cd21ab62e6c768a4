"""`-r hadoop`: mrjob's Hadoop runner, with inputs settled from their first bytes and outputs published by rename.

A task's errors in the input reach the submitter as counters (windrow/mapreduce/counters.py), so nobody has to search
logs for them; the reason for a failed task is read from its log (windrow/runners/failures.py).
"""

import os
import re
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from mrjob.hadoop import HadoopJobRunner
from mrjob.step import StepFailedException
from mrjob.util import cmd_line

from windrow.console import say
from windrow.console.meter import ticking
from windrow.errors import InputError, OutputError, UsageError
from windrow.feeds.density import Head
from windrow.feeds.heads import write_head
from windrow.runners.failures import split_logs, traceback_in
from windrow.runners.hadoop_files import ClientFiles, Files, WebFiles
from windrow.runners.launch import Launch
from windrow.runners.mrjob_adapter import HadoopAdapter, interpret_client
from windrow.runners.nodes import slots_of
from windrow.runners.streaming import Streaming
from windrow.storage import hdfs, s3
from windrow.storage.hdfs.places import OFF, PROPERTY, Found, find
from windrow.storage.hdfs.web_error import WebError
from windrow.storage.open import is_plain, needs_end, size_of
from windrow.storage.publish import (
    DESCRIPTION,
    OWN_PARTS,
    PRINTED,
    TEXT_PARTS,
    describe_output,
    publish_from_s3,
    refuse_what_no_job_wrote,
    writes_own_parts,
)
from windrow.storage.source import (
    Version,
    is_uri,
    list_inputs,
    scheme_of,
    source_of,
    versions_of,
)

#: Bytes of a remote input that are read at submission: hundreds of lines, whatever the compression.
_HEAD_BYTES = 1 << 18
#: Hadoop's name for the memory of a mapper, and how many MB it is where nobody says.
_MAP_MEMORY, _USUAL_MEMORY = "mapreduce.map.memory.mb", 1024
#: Progress lines of Hadoop's client.
_SHARES = re.compile(rb" map (\d+)% reduce (\d+)%")
_SUBMITTED = re.compile(rb"Submitted application (application_\w+)")
#: How many of its last lines are kept to explain a failure.
_LAST_LINES = 400
#: Seconds to wait for the logs of tasks that have ended.
_LOG_TIMEOUT = 10


class HadoopRunner(Streaming, HadoopAdapter, HadoopJobRunner):
    """mrjob's Hadoop runner over inputs on HDFS or here; local ones are uploaded in one call."""

    def __init__(self, launch: Launch, **kwargs: Any) -> None:
        self._web: Found | None = None
        self._schemes: dict[str, bool] = {}
        self._application: str | None = None
        self._last_lines: deque[bytes] = deque(maxlen=_LAST_LINES)
        super().__init__(launch, **kwargs)
        self._check_client()

    def _check_client(self) -> None:
        """Raises UsageError, before any work, if there is no Hadoop client."""
        client = self.get_hadoop_bin()[0]
        if shutil.which(client) is None:
            raise UsageError(
                f"-r hadoop: needs Hadoop's client, but {client!r} is not installed here; install Hadoop and put its"
                " bin folder on PATH, or name the client with hadoop_bin in mrjob.conf or HADOOP_HOME"
            )

    def run(self) -> None:
        """Runs the job; raises the error that the task or Hadoop reported."""
        try:
            super().run()
        except StepFailedException as error:
            raise self._explained() from error
        self.check_inputs()
        for number in self.steps_with_parts:
            files = self._files(self.output)
            files.move(files.matching(self.step_output(number), OWN_PARTS), self.output)

    def run_client(
        self, command: Sequence[str], environment: Mapping[str, str] | None, number: int
    ) -> tuple[int, dict[str, Any]]:
        """Runs Hadoop's client for a step; ends that step on the cluster if this process is stopped."""
        self.begin_stage("Hadoop", number)
        # Its log, counters included, must come here, wherever the cluster's configuration sends it.
        env = {**(environment or os.environ), "HADOOP_ROOT_LOGGER": "INFO,console"}
        # In a session of its own: Ctrl-C must reach only this process, which still has to end the job.
        with subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as client:  # fmt: skip
            try:
                step = interpret_client(self._listen(client, number))
            except BaseException:
                client.kill()
                self._end_application()
                raise
        return client.returncode, step

    def _end_application(self) -> None:
        if self._application:
            subprocess.run([*self._client("yarn"), "application", "-kill", self._application], capture_output=True)

    def _listen(self, client: "subprocess.Popen[bytes]", step: int) -> Iterator[bytes]:
        """The client's lines, of which those that tell of maps and reduces are shown."""
        self._application = None
        self._last_lines.clear()
        with ticking(self.launch.meter):
            assert client.stdout is not None
            for line in client.stdout:
                self._last_lines.append(line)
                if submitted := _SUBMITTED.search(line):
                    self._application = submitted[1].decode()
                if done := _SHARES.search(line):
                    self.show_shares(step, done.groups())
                yield line

    def _explained(self) -> Exception:
        # Only the task's own log says why its subprocess failed, not Hadoop.
        silent = any("subprocess failed" in str(error) for error in self.step_errors())
        more = "to see more: run it again with -v"
        logs: list[str] = []
        if self._application:
            command = [*self._client("yarn"), "logs", "-applicationId", self._application]
            more = f"to see more: {cmd_line(command)}"
            logs = self._gathered_logs(command) if silent else []
        return self.failure(b"".join(self._last_lines).decode(errors="replace"), logs, more)

    def _gathered_logs(self, command: Sequence[str]) -> list[str]:
        """What tasks wrote to standard error, once the cluster has aggregated it; empty if it does not."""
        end = time.monotonic() + _LOG_TIMEOUT
        while True:  # each node uploads its own
            done = subprocess.run([*command, "-log_files", "stderr"], capture_output=True)
            logs = split_logs(done.stdout.decode(errors="replace"))
            if any(map(traceback_in, logs)) or time.monotonic() > end:
                return logs
            time.sleep(1)

    def _client(self, name: str) -> list[str]:
        """Another of Hadoop's commands, from the folder of the configured `hadoop`."""
        hadoop, *options = self.get_hadoop_bin()
        return [str(Path(hadoop).with_name(name)), *options]

    def find_inputs(
        self, arguments: Sequence[str], folder: Path, recursive: bool = False
    ) -> tuple[list[str], dict[str, Head]]:
        """The files that the arguments name, and local copies of the first part of those on HDFS.

        Objects of S3 are listed, and their headers read, from here.
        """
        self._asked = list(arguments)
        remote = [one for one in arguments if is_uri(one) and source_of(one) is not s3.SOURCE]
        self._find_web(remote)
        sizes = self._list(remote, recursive) if remote else {}
        others = list_inputs([argument for argument in arguments if argument not in remote], recursive)
        self._sizes = {**sizes, **{path: size_of(path) for path in others}}
        self.versions = {**self.latest_versions(list(sizes)), **versions_of(others)}
        return [*sizes, *others], self._heads(sizes, folder)

    def slots(self) -> int | None:
        """How many mappers the cluster runs at once, if its resource manager tells."""
        memory = str(self.settings["jobconf"].get(_MAP_MEMORY, ""))
        return slots_of(self._client("yarn"), int(memory) if memory.isdecimal() and int(memory) else _USUAL_MEMORY)

    def _find_web(self, uris: Sequence[str]) -> None:
        """Finds the WebHDFS of inputs, and of the run's own files, unless the user wants none."""
        asked = self.settings["jobconf"].get(PROPERTY)
        mine = [uri for uri in [*uris, self.folder, self.output] if scheme_of(uri) == "hdfs"]
        if asked == OFF or not mine:
            return
        try:
            self._web = find(asked, mine, self._configured)
        except WebError as error:
            if not self.launch.quiet:
                say(
                    f"note: WebHDFS cannot be used ({error}), so Hadoop hands lines to tasks one by one, which takes"
                    f" several times as long; {error.cure or f'name its address with -D {PROPERTY}=http://HOST:PORT'};"
                    f" with -D {PROPERTY}={OFF} it is not tried"
                )

    def _configured(self, name: str) -> str:
        """What Hadoop has configured of this name, '' if nothing."""
        asked = subprocess.run([*self._client("hdfs"), "getconf", "-confKey", name], capture_output=True)
        return "" if asked.returncode else asked.stdout.decode().strip()

    def _files(self, uri: str) -> Files:
        """What reaches a file: WebHDFS, or else Hadoop's client."""
        if self._web is not None and self._web.has(uri):
            return WebFiles(self._web)
        return ClientFiles(self.get_hadoop_bin())

    def _list(self, uris: Sequence[str], recursive: bool) -> dict[str, int]:
        """Files and their sizes; for a directory, the files in it, without hidden ones."""
        if deep := [uri for uri in uris if "**" in uri]:
            raise InputError(f"{deep[0]}: Hadoop's patterns have no **; name the directory above, with --recursive")
        client = ClientFiles(self.get_hadoop_bin())
        files: dict[str, int] = {}
        folders: list[str] = []
        for by_client, some in groupby(uris, lambda uri: hdfs.is_glob(uri) or not self._is_on_web(uri)):
            asked = list(some)
            found, below = (client if by_client else self._files(asked[0])).listed(asked, recursive)
            files |= found
            folders += below
        return hdfs.inputs_in(files, folders, uris, recursive)

    def _is_on_web(self, uri: str) -> bool:
        return self._web is not None and self._web.has(uri)

    def latest_versions(self, uris: Sequence[str]) -> dict[str, Version]:
        """The versions of inputs that are there now: on HDFS, length and time of modification."""
        asked = [uri for uri in uris if source_of(uri) is hdfs.SOURCE]
        found = super().latest_versions([uri for uri in uris if uri not in asked])
        for on_web in (True, False):
            if some := [uri for uri in asked if self._is_on_web(uri) == on_web]:
                found |= self._files(some[0]).versions(some)
        return found

    def _heads(self, sizes: Mapping[str, int], folder: Path) -> dict[str, Head]:
        return {
            uri: self._head(uri, size, folder / f"{number:05d}-{uri.rpartition('/')[2]}")
            for number, (uri, size) in enumerate(sizes.items())
        }

    def _head(self, uri: str, size: int, place: Path) -> Head:
        enough = size if needs_end(uri) else min(size, _HEAD_BYTES)  # e.g. Parquet has its schema at the end
        asks = is_plain(uri) and enough < size
        with self._files(uri).last_byte(uri, size) if asks else nullcontext(bytes) as last_byte:
            head = self._whole_lines(uri, size, enough, place)
            return head if head.share == 1.0 else head._replace(last_byte=last_byte() or None)

    def _whole_lines(self, uri: str, size: int, enough: int, place: Path) -> Head:
        """The first lines of an input, of at least `enough` bytes, in a file at `place`."""
        while (head := write_head(self._files(uri).head(uri, enough), uri, size, place)) is None:
            if enough == size:
                raise InputError(
                    f"{uri}: cannot be read to its end; check its permissions, and that the cluster is healthy"
                )
            enough = min(size, 4 * enough)
        return head

    def take_inputs(self, paths: Sequence[str], folder: Path, whole: Collection[str] = ()) -> dict[str, str]:
        """Sets the job's inputs; returns where each is for a task, which opens them over WebHDFS where there is one."""
        self._tell_tasks()
        if self._is_on_web(self.output):
            self.have_parts_written()
        return super().take_inputs(paths, folder, whole)

    def take_tasks(self, lines: Sequence[str], folder: Path) -> None:
        """Sets what each mapper of the first step reads, a line; it may open, or fetch, files."""
        self._tell_tasks()
        super().take_tasks(lines, folder)

    def _tell_tasks(self) -> None:
        """Tells tasks what they can reach files by."""
        told = {hdfs.CLIENT: cmd_line(self.get_hadoop_bin())}
        self.settings["cmdenv"] |= told | (self._web.environment() if self._web is not None else {})

    def opened_by_tasks(self, places: Sequence[str]) -> bool:
        """Whether tasks open inputs in these places by byte ranges: over WebHDFS."""
        return self._web is not None and all(map(self._web.has, places))

    def uri_for_hadoop(self, uri: str) -> str:
        """A URI in this Hadoop's form: s3a:// if it has no file system for s3:// or s3n://."""
        scheme = scheme_of(uri)
        if source_of(uri) is not s3.SOURCE or scheme == "s3a" or self._has_file_system(scheme):
            return uri
        return "s3a" + uri[len(scheme) :]

    def _has_file_system(self, scheme: str) -> bool:
        if scheme not in self._schemes:
            asked = [*self._client("hdfs"), "getconf", "-confKey", f"fs.{scheme}.impl"]
            with suppress(OSError):
                self._schemes[scheme] = not subprocess.run(asked, capture_output=True).returncode
        return self._schemes.get(scheme, False)

    def upload(self) -> None:
        """Uploads inputs, and the files that mrjob would upload one by one."""
        self._files(self.folder).upload(self.gather_uploads(), self.folder)
        self.check_uploaded()

    def remove_files(self) -> None:
        """Removes the run's files on HDFS."""
        with suppress(InputError):  # an earlier error, or the published output, matters more
            self._files(self.folder).remove(self.folder)

    def cleanup(self, mode: Any = None) -> None:
        """Removes the run's files, and gives back the token by which it asked for them."""
        try:
            super().cleanup(mode)
        finally:
            if self._web is not None:
                self._web.web().give_back()

    def get_hadoop_version(self) -> str:
        """The version, from the name of the streaming jar if it has one: asking Hadoop takes a second."""
        named = re.search(r"-(\d+\.\d+\.\d+)\.jar$", self.settings["hadoop_streaming_jar"] or "")
        if named:
            self.assume_version(named[1])
        return str(super().get_hadoop_version())

    def part_names(self) -> list[str]:
        """Names of the files in the output's folder."""
        names = self._files(self.get_output_dir()).names(self.get_output_dir())
        return [name for name, is_file in names.items() if is_file]

    def cat_output(self) -> Iterator[bytes]:
        """The output's parts in order, in large pieces."""
        output = self.get_output_dir()
        files = self._files(output)
        parts = {uri for pattern in PRINTED for uri in files.matching(output, pattern)}
        try:
            yield from files.pieces(sorted(parts)) if parts else ()
        except InputError as error:
            raise OutputError(f"{output}: the output cannot be read: {error}") from error

    @contextmanager
    def publishing(self, output: str, description: dict[str, Any]) -> Iterator[None]:
        """Publishes the job's output directory as `output`, with its description; removes it if the block fails."""
        publish = self._publish_on_s3 if source_of(output) is s3.SOURCE else self._publish
        with publish(output, description):
            yield

    @contextmanager
    def _publish(self, output: str, description: dict[str, Any]) -> Iterator[None]:
        files = self._files(output)
        aside = self._aside(files, output)
        self._published = output
        try:
            yield
            described, _ = describe_output(description, self.scratch)  # Hadoop writes _SUCCESS itself
            files.upload({f"{self.output}/{described.name}": str(described)}, self.output)
            if writes_own_parts(description):
                files.remove(*files.matching(self.output, TEXT_PARTS))
            if aside:
                self._refuse_what_no_job_wrote(files, output)  # something else may be there by now
                files.rename(output, aside)
            try:
                files.rename(self.output, output)
            except FileExistsError:  # another job published first
                raise _taken(output) from None
        except BaseException:
            if aside and files.exists(aside) and not files.exists(output):
                files.rename(aside, output)
            files.remove(self.output)
            raise
        if aside:
            files.remove(aside)

    def _aside(self, files: Files, output: str) -> str | None:
        """Where an output that is there is put for the moment in which the new one gets its name; None: nothing is."""
        if not files.exists(output):
            return None
        if not self.launch.force:
            raise _taken(output)
        self._refuse_what_no_job_wrote(files, output)
        return f"{self.output}.old"

    def _refuse_what_no_job_wrote(self, files: Files, output: str) -> None:
        names = files.names(output)
        described = b"".join(files.pieces([f"{output}/{DESCRIPTION}"])) if DESCRIPTION in names else b""
        refuse_what_no_job_wrote(output, names, described)

    @contextmanager
    def _publish_on_s3(self, output: str, description: dict[str, Any]) -> Iterator[None]:
        """The same on S3, which has no rename: S3 copies the objects, and the copies appear together."""
        s3.refuse_taken(output)
        staging = self.output
        self._published, self.output = output, self.uri_for_hadoop(staging)
        try:
            yield
            publish_from_s3(staging, output, description, self.scratch)
        finally:
            s3.delete_prefix(staging)


def _taken(output: str) -> OutputError:
    return OutputError(
        f"{output}: exists; a job writes a new directory only; remove it, or choose another with --output-dir"
    )


RUNNER = HadoopRunner
