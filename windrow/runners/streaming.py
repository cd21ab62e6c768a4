"""What windrow's runners on Hadoop share: code and inputs on their way to the tasks, and why a step failed.

The package travels as one zip with every job, so that the tasks run the code that submitted them; where nodes lack the
packages that it needs, an environment of `windrow pack` travels too.
"""

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from windrow.runners.failures import Failure, explain
from windrow.runners.pack import zip_own_packages
from windrow.runners.splits import OPENS_INPUTS, SPLIT_BYTES, group
from windrow.storage.open import is_parquet
from windrow.storage.publish import TEXT_PARTS
from windrow.storage.s3 import is_s3

#: Inputs above which they are handed out whole: a task for each small file would take a second or more.
_MANY = 64
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


class Streaming:
    """Mixin before an mrjob runner that starts Hadoop Streaming."""

    #: Whether a bar tells on the terminal how far the job is.
    shows_progress = False
    #: Whether tasks of the first of two steps write parts of the output themselves.
    sliced = False

    def __init__(self, environment: str | None = None, **kwargs: Any) -> None:
        self._asked: list[str] = []
        self._sizes: dict[str, int] = {}
        self._uploads: dict[str, str] = {}
        self._output: str | None = None
        self._code = tempfile.TemporaryDirectory(prefix="windrow-")
        zipped = zip_own_packages(Path(self._code.name) / "windrow.zip")
        kwargs["py_files"] = [*(kwargs.get("py_files") or []), str(zipped)]
        if environment is not None:
            kwargs |= self._interpreter(Path(environment), kwargs.get("upload_files") or [])
        super().__init__(**kwargs)

    def _interpreter(self, environment: Path, files: Sequence[str]) -> dict[str, Any]:
        """The options that ship an environment of `windrow pack`, under a name of ours, and run the tasks by it."""
        shipped = Path(self._code.name) / "windrow.pyz"
        shipped.symlink_to(environment.absolute())
        return {"upload_files": [*files, str(shipped)], "task_python_bin": [f"./{shipped.name}"]}

    def _job_folder(self) -> str:
        """Where the files of this job are uploaded, without a slash at its end."""
        raise NotImplementedError

    def take_inputs(self, paths: Sequence[str], folder: Path) -> dict[str, str]:
        """Makes these the job's inputs; where each lies for a task."""
        places = {path: self._for_hadoop(path) for path in paths}
        for number, path in enumerate(path for path in places if not URI.match(path)):
            places[path] = f"{self._job_folder()}/inputs/{number:05d}-{_plain_name(path)}"
            self._uploads[places[path]] = path
        self._input_paths = [places[path] for path in paths]
        if go_whole(paths):
            self._hand_out_whole([(places[path], self._sizes[path]) for path in paths], folder)
        return places

    def _for_hadoop(self, uri: str) -> str:
        """A path as this Hadoop knows it."""
        return uri

    def _hand_out_whole(self, files: Sequence[tuple[str, int]], folder: Path) -> None:
        """Lets mappers fetch whole files, small ones by the hundred, instead of reading lines that Hadoop splits."""
        manifest = folder / "whole-files.txt"
        pieces = [{"path": path, "start": 0, "length": size} for path, size in files]
        manifest.write_text("".join(json.dumps(task) + "\n" for task in group(pieces, SPLIT_BYTES)))
        self._input_paths = [f"{self._job_folder()}/inputs/{manifest.name}"]
        self._uploads[self._input_paths[0]] = str(manifest)
        self._hadoop_input_format = "org.apache.hadoop.mapred.lib.NLineInputFormat"
        self._opts["cmdenv"] |= {OPENS_INPUTS: "1"}  # type: ignore[attr-defined]
        self._opts["jobconf"] |= {  # type: ignore[attr-defined]
            "mapreduce.input.lineinputformat.linespermap": "1",
            "stream.map.input.ignoreKey": "true",  # only the default input format leaves the line's offset out
        }

    def _check_input_paths(self) -> None:
        """Nothing: their headers have been read already."""

    def _add_input_files_for_upload(self) -> None:
        """Nothing: `take_inputs` has seen to them."""

    def _note_uploads(self) -> None:
        """Notes, beside the inputs, what mrjob would upload file by file."""
        real, self._fs = self.fs, Uploads(self.fs, self._uploads)  # type: ignore[attr-defined]
        try:
            super()._upload_local_files()  # type: ignore[misc]
        finally:
            self._fs = real

    def _step_input_uris(self, step_num: int) -> list[str]:
        """A later step reads what the one before it printed, not what its tasks wrote themselves."""
        uris: list[str] = super()._step_input_uris(step_num)  # type: ignore[misc]
        return uris if step_num == 0 else [f"{uri}/{TEXT_PARTS}" for uri in uris]

    def usual_reducers(self) -> int:
        """How many reducers Hadoop starts where nobody says."""
        return 1

    def _pick_error(self, log_interpretation: Any, step_type: str) -> None:
        """Nothing: mrjob would search for logs at places where they are not."""

    def _failure_explained(self, errors: Sequence[Any], client: str, logs: Sequence[str], more: str) -> Exception:
        """The error to raise for a failed step, from what its client said of attempts, and said last."""
        attempts = [error["hadoop_error"]["message"] for error in errors if "hadoop_error" in error]
        output = self._output or self._output_dir  # type: ignore[attr-defined]
        return explain(Failure(attempts, client, logs), more, self._asked, output)


class Uploads:
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


def go_whole(paths: Sequence[str]) -> bool:
    """Whether mappers fetch these inputs whole, instead of reading lines that Hadoop splits.

    >>> go_whole(["bars.csv", "bars.csv.gz"]), go_whole(["bars.parquet"]), go_whole(["bars.csv"] * 65)
    (False, True, True)
    """
    return len(paths) > _MANY or not all(map(_is_text, paths)) or any(map(_has_a_meaning, paths))


def _is_text(path: str) -> bool:
    """Whether Hadoop itself can read the lines of a file: it knows neither Parquet nor, without more, zstd."""
    return not is_parquet(path) and not path.lower().endswith(".zst")


def _has_a_meaning(path: str) -> bool:
    """Whether Hadoop would take a name on S3 for a pattern, or for several names; what is here gets a plain name."""
    return is_s3(path) and re.search(r"[,*?{}\[\]^\\]", path) is not None


def _plain_name(path: str) -> str:
    """A file's name without what has a meaning in paths of Hadoop."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", Path(path).name)
