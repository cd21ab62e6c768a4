"""`-r hadoop`: mrjob's Hadoop runner, with inputs settled from their first bytes and outputs published by rename.

A task's message reaches the submitter as counters (windrow/counts.py), so nobody has to search logs for it.
"""

import json
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mrjob.hadoop import HadoopJobRunner
from mrjob.step import StepFailedException
from mrjob.util import cmd_line

from windrow.errors import InputError, OutputError
from windrow.feeds.fetch import CLIENT
from windrow.feeds.files import is_parquet
from windrow.feeds.heads import first_bytes_by_web, write_head
from windrow.feeds.settle import Head, bare, list_files
from windrow.runners.splits import OPENS_INPUTS, SPLIT_BYTES, group
from windrow.runners.tasks import TaskError
from windrow.sinks.publish import describe_output

#: Bytes of a remote input that are read at submission: some hundred lines, whatever the compression.
_HEAD_BYTES = 1 << 18
#: Inputs above which they are handed out whole: a task for each small file would take a second or more.
_MANY = 64
#: Inputs on HDFS that are worth asking for another way to read their first bytes.
_FEW = 3
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


class HadoopRunner(HadoopJobRunner):
    """mrjob's Hadoop runner over inputs on HDFS or here; what is here is uploaded in one go."""

    def __init__(self, **kwargs: Any) -> None:
        self._picked: Any = None
        self._asked: list[str] = []
        self._sizes: dict[str, int] = {}
        self._web: str | None = None
        self._code = tempfile.TemporaryDirectory(prefix="windrow-")
        zipped = zip_packages(Path(self._code.name) / "windrow.zip")
        super().__init__(**{**kwargs, "py_files": [*(kwargs.get("py_files") or []), str(zipped)]})

    def run(self) -> None:
        """Runs the job; what made it fail is raised as the task, or Hadoop, said it."""
        try:
            super().run()
        except StepFailedException as error:
            raise self._explained() from error

    def _pick_error(self, log_interpretation: Any, step_type: str) -> Any:
        self._picked = super()._pick_error(log_interpretation, step_type)
        return self._picked

    def _explained(self) -> Exception:
        picked = self._picked or {}
        task, hadoop = ((picked.get(of) or {}).get("message", "").strip() for of in ("task_error", "hadoop_error"))
        application = self._log_interpretations[-1].get("step", {}).get("application_id", "APPLICATION")
        more = f"to see more: yarn logs -applicationId {application}"
        return explain(task, hadoop, more, self._asked, self._output_dir)

    def find_inputs(self, arguments: Sequence[str], folder: Path) -> tuple[list[str], dict[str, Head]]:
        """The files that arguments mean, and local copies of the first part of those that lie on HDFS."""
        self._asked = list(arguments)
        far = [argument for argument in arguments if _URI.match(argument)]
        sizes = self._list(far) if far else {}
        here = list_files([argument for argument in arguments if argument not in far])
        self._sizes = {**sizes, **{path: Path(path).stat().st_size for path in here}}
        return [*sizes, *here], self._heads(sizes, folder)

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
        client, *options = self.get_hadoop_bin()
        for command in ([str(Path(client).with_name("hdfs")), *options], [client, *options]):
            asked = [*command, "getconf", "-confKey", "dfs.namenode.http-address"]
            with suppress(OSError):
                done = subprocess.run(asked, capture_output=True)
                if not done.returncode:
                    return done.stdout.decode().strip()
        return None

    def take_inputs(self, paths: Sequence[str], folder: Path) -> dict[str, str]:
        """Makes these the job's inputs; where each lies for a task."""
        here = [path for path in dict.fromkeys(paths) if not _URI.match(path)]
        uploaded = self._upload(here) if here else {}
        places = {path: uploaded.get(path, path) for path in paths}
        self._input_paths = [places[path] for path in paths]
        if len(self._input_paths) > _MANY or not all(map(_is_text, paths)):
            self._hand_out_whole([(places[path], self._sizes[path]) for path in paths], folder)
        return places

    def _hand_out_whole(self, files: Sequence[tuple[str, int]], folder: Path) -> None:
        """Lets mappers fetch whole files, small ones by the hundred, instead of reading lines that Hadoop splits."""
        manifest = folder / "whole-files.txt"
        pieces = [{"path": path, "start": 0, "length": size} for path, size in files]
        manifest.write_text("".join(json.dumps(task) + "\n" for task in group(pieces, SPLIT_BYTES)))
        self._input_paths = [f"{self._hadoop_tmp_dir}/{manifest.name}"]
        self._put({self._input_paths[0]: str(manifest)})
        self._hadoop_input_format = "org.apache.hadoop.mapred.lib.NLineInputFormat"
        self._opts["cmdenv"] |= {OPENS_INPUTS: "1", CLIENT: cmd_line(self.get_hadoop_bin())}
        self._opts["jobconf"] |= {
            "mapreduce.input.lineinputformat.linespermap": "1",
            "stream.map.input.ignoreKey": "true",  # only the default input format leaves the line's offset out
        }

    def _upload(self, paths: Sequence[str]) -> dict[str, str]:
        names = [f"{number:05d}-{_plain_name(path)}" for number, path in enumerate(paths)]
        places = {path: f"{self._hadoop_tmp_dir}/inputs/{name}" for path, name in zip(paths, names, strict=True)}
        self._put({place: path for path, place in places.items()})
        return places

    def _upload_local_files(self) -> None:
        """What mrjob uploads, file by file, in one call."""
        real, self._fs = self.fs, _Uploads(self.fs)
        try:
            super()._upload_local_files()
            files = self._fs.files
        finally:
            self._fs = real
        self._put(files)

    def _put(self, files: Mapping[str, str]) -> None:
        """Copies local files to below the run's directory on HDFS, by {place: file}; one may have several places.

        In one call for all: each start of Hadoop's client takes a second or two.
        """
        with tempfile.TemporaryDirectory(prefix="windrow-") as folder:
            for place, path in files.items():
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
        command = [*self.get_hadoop_bin(), "fs", "-cat", f"{self.get_output_dir()}/part-*"]
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
        if self.fs.hadoop.exists(output):
            raise OutputError(
                f"{output}: exists; a job writes a new directory only; remove it, or choose another by --output-dir"
            )
        try:
            yield
            described, _ = describe_output(
                description, Path(self._get_local_tmp_dir())
            )  # Hadoop writes _SUCCESS by itself
            self._hadoop("fs", "-put", str(described), self._output_dir)
            self._hadoop("fs", "-mv", self._output_dir, output)
        except BaseException:
            self.fs.hadoop.rm(self._output_dir)
            raise

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
    """Stands for a file system while mrjob uploads: it remembers what is to be put where."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs
        self.files: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def mkdir(self, path: str) -> None:
        """Nothing: folders come with their files."""

    def put(self, path: str, place: str) -> None:
        """Remembers it."""
        self.files[place] = path


def explain(task: str, hadoop: str, more: str, inputs: Sequence[str], output: str) -> Exception:
    """The error to raise for what a task's Python and what Hadoop said when a job failed.

    A traceback is shown as it is. Of Hadoop's own exceptions the first line says it all.
    """
    if "Traceback" in task:
        return TaskError(f"{task}\n{more}")
    first = (hadoop.splitlines() or [task])[0].removeprefix("Error: ")
    if "Quota" in first or "No space" in first:
        return OutputError(f"{output}: HDFS has no room for it: {first}; free some, or choose another place; {more}")
    if re.search(
        r"EOFException|ZipException|ZlibFactory|bad block|BZip2|IOException: (incorrect|invalid|not a)", hadoop
    ):
        files = ", ".join(inputs[:5]) + (" ..." if len(inputs) > 5 else "")
        return InputError(f"{files}: is truncated or damaged, or one of them is: {first}; get the file again; {more}")
    return TaskError(f"Hadoop failed the job: {first or 'it did not say why'}\n{more}")


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


def _plain_name(path: str) -> str:
    """A file's name without what has a meaning in paths of Hadoop."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", Path(path).name)
