"""`-r hadoop`: mrjob's Hadoop runner, with inputs settled from their first bytes and outputs published by rename.

What a task refuses reaches the submitter as counters (windrow/counts.py), so nobody has to search logs for it; what
makes a task fail is read from its log (windrow/runners/failures.py).
"""

import json
import re
import subprocess
import tempfile
import time
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mrjob.hadoop import HadoopJobRunner
from mrjob.logs.step import _interpret_hadoop_jar_command_stderr, _log_log4j_record
from mrjob.step import StepFailedException
from mrjob.util import cmd_line

from windrow import s3
from windrow.errors import InputError, OutputError
from windrow.feeds.density import Head
from windrow.feeds.files import is_parquet, size_of
from windrow.feeds.heads import first_bytes_by_web, write_head
from windrow.feeds.settle import bare, list_files
from windrow.hdfs import CLIENT
from windrow.progress import shares
from windrow.runners.failures import Failure, explain, split_logs, traceback_in
from windrow.runners.splits import OPENS_INPUTS, SPLIT_BYTES, group
from windrow.s3 import is_s3
from windrow.sinks.publish import (
    INNER,
    PRINTED,
    TEXT_PARTS,
    describe_output,
    publish_from_s3,
    writes_own_parts,
)

#: Bytes of a remote input that are read at submission: some hundred lines, whatever the compression.
_HEAD_BYTES = 1 << 18
#: Inputs above which they are handed out whole: a task for each small file would take a second or more.
_MANY = 64
#: Inputs on HDFS that are worth asking for another way to read their first bytes.
_FEW = 3
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
#: What Hadoop's client says while a job runs.
_SHARES = re.compile(rb" map (\d+)% reduce (\d+)%")
_SUBMITTED = re.compile(rb"Submitted application (application_\w+)")
#: Its last lines, to tell a failure from.
_LAST_LINES = 400
#: Seconds for which the logs of tasks that have ended may be on their way.
_LOGS_COME = 10


class HadoopRunner(HadoopJobRunner):
    """mrjob's Hadoop runner over inputs on HDFS or here; what is here is uploaded in one go."""

    #: Whether a bar tells on the terminal how far the job is.
    shows_progress = False
    #: Whether tasks of the first of two steps write parts of the output themselves.
    sliced = False
    _output_dir: str

    def __init__(self, environment: str | None = None, **kwargs: Any) -> None:
        self._asked: list[str] = []
        self._sizes: dict[str, int] = {}
        self._web: str | None = None
        self._schemes: dict[str, bool] = {}
        self._uploads: dict[str, str] = {}
        self._output: str | None = None
        self._application: str | None = None
        self._said: deque[bytes] = deque(maxlen=_LAST_LINES)
        self._code = tempfile.TemporaryDirectory(prefix="windrow-")
        zipped = zip_packages(Path(self._code.name) / "windrow.zip")
        kwargs["py_files"] = [*(kwargs.get("py_files") or []), str(zipped)]
        if environment is not None:
            kwargs |= self._interpreter(Path(environment), kwargs.get("upload_files") or [])
        super().__init__(**kwargs)

    def _interpreter(self, environment: Path, files: Sequence[str]) -> dict[str, Any]:
        """The options that ship an environment of `windrow pack`, under a name of ours, and run the tasks by it."""
        shipped = Path(self._code.name) / "windrow.pyz"
        shipped.symlink_to(environment.absolute())
        return {"upload_files": [*files, str(shipped)], "task_python_bin": [f"./{shipped.name}"]}

    def run(self) -> None:
        """Runs the job; what made it fail is raised as the task, or Hadoop, said it."""
        try:
            super().run()
        except StepFailedException as error:
            raise self._explained() from error
        if self.sliced:
            inner = f"{self._intermediate_output_dir(0)}/*{INNER}*"
            self._hadoop("fs", "-mv", inner, self._output_dir)

    def _step_input_uris(self, step_num: int) -> list[str]:
        """A later step reads what the one before it printed, not what its tasks wrote themselves."""
        uris: list[str] = super()._step_input_uris(step_num)
        return uris if step_num == 0 else [f"{uri}/{TEXT_PARTS}" for uri in uris]

    def usual_reducers(self) -> int:
        """How many reducers Hadoop starts where nobody says."""
        return 1

    def _run_hadoop(self, hadoop_args: Any, env: Any, record_callback: Any) -> tuple[int, Any]:
        """Runs Hadoop's client for one step, and ends that step on the cluster where this process is stopped."""
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

    def _pick_error(self, log_interpretation: Any, step_type: str) -> None:
        """Nothing: mrjob would search folders on this machine for logs that lie on others."""

    def _explained(self) -> Exception:
        errors = self._log_interpretations[-1]["step"].get("errors", ())
        attempts = [error["hadoop_error"]["message"] for error in errors]
        client = b"".join(self._said).decode(errors="replace")
        silent = any("subprocess failed" in said for said in attempts)  # the task's Python knows why, not Hadoop
        more = "to see more: run it again with -v"
        logs: list[str] = []
        if self._application:
            command = [*self._client("yarn"), "logs", "-applicationId", self._application]
            more = f"to see more: {cmd_line(command)}"
            logs = self._gathered_logs(command) if silent else []
        return explain(Failure(attempts, client, logs), more, self._asked, self._output or self._output_dir)

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
        far = [argument for argument in arguments if _URI.match(argument) and not is_s3(argument)]
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
        """Makes these the job's inputs; where each lies for a task."""
        places = {path: self._for_hadoop(path) for path in paths}
        for number, path in enumerate(path for path in places if not _URI.match(path)):
            places[path] = f"{self._hadoop_tmp_dir}/inputs/{number:05d}-{_plain_name(path)}"
            self._uploads[places[path]] = path
        self._input_paths = [places[path] for path in paths]
        self._opts["cmdenv"] |= {CLIENT: cmd_line(self.get_hadoop_bin())}
        if len(self._input_paths) > _MANY or not all(map(_is_text, paths)) or any(map(_has_a_meaning, paths)):
            self._hand_out_whole([(places[path], self._sizes[path]) for path in paths], folder)
        return places

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

    def _hand_out_whole(self, files: Sequence[tuple[str, int]], folder: Path) -> None:
        """Lets mappers fetch whole files, small ones by the hundred, instead of reading lines that Hadoop splits."""
        manifest = folder / "whole-files.txt"
        pieces = [{"path": path, "start": 0, "length": size} for path, size in files]
        manifest.write_text("".join(json.dumps(task) + "\n" for task in group(pieces, SPLIT_BYTES)))
        self._input_paths = [f"{self._hadoop_tmp_dir}/{manifest.name}"]
        self._uploads[self._input_paths[0]] = str(manifest)
        self._hadoop_input_format = "org.apache.hadoop.mapred.lib.NLineInputFormat"
        self._opts["cmdenv"] |= {OPENS_INPUTS: "1"}
        self._opts["jobconf"] |= {
            "mapreduce.input.lineinputformat.linespermap": "1",
            "stream.map.input.ignoreKey": "true",  # only the default input format leaves the line's offset out
        }

    def _upload_local_files(self) -> None:
        """Uploads inputs, and what mrjob would file by file, in one call: the start of one takes a second or two."""
        real, self._fs = self.fs, _Uploads(self.fs, self._uploads)
        try:
            super()._upload_local_files()
        finally:
            self._fs = real
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

    def _check_input_paths(self) -> None:
        """Nothing: their headers have been read already."""

    def _add_input_files_for_upload(self) -> None:
        """Nothing: `take_inputs` has uploaded them."""

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


class _Uploads:
    """Stands for a file system while mrjob uploads: it notes in `files` what is to be put where."""

    def __init__(self, fs: Any, files: dict[str, str]) -> None:
        self._fs = fs
        self.files = files

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def mkdir(self, path: str) -> None:
        """Nothing: folders come with their files."""

    def put(self, path: str, place: str) -> None:
        """Notes it."""
        self.files[place] = path


def zip_packages(place: Path) -> Path:
    """The packages that tasks import, as they stand here, in one zip that Python can import from."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in ("jobs", "sort_keys", "windrow"):
            spec = find_spec(package)
            root = Path((spec and spec.origin) or "").parent
            for file in sorted(root.rglob("*.py")):
                archive.write(file, Path(package) / file.relative_to(root))
    return place


def _is_text(path: str) -> bool:
    """Whether Hadoop itself can read the lines of a file: it knows neither Parquet nor, without more, zstd."""
    return not is_parquet(path) and not path.lower().endswith(".zst")


def _has_a_meaning(path: str) -> bool:
    """Whether Hadoop would take a name on S3 for a pattern, or for several names; what is here gets a plain name."""
    return is_s3(path) and re.search(r"[,*?{}\[\]^\\]", path) is not None


def _plain_name(path: str) -> str:
    """A file's name without what has a meaning in paths of Hadoop."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", Path(path).name)
