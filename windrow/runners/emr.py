"""`-r emr`: a stand-in until the runner is there; `windrow emr plan` asks it for steps and uploads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from windrow import s3
from windrow.feeds.density import Head
from windrow.feeds.heads import write_head
from windrow.feeds.settle import list_files
from windrow.runners.emr_cluster import ClusterRunner
from windrow.runners.hadoop import zip_packages

_HEAD_BYTES = 1 << 18


class EMRRunner(ClusterRunner):
    """A stand-in."""

    shows_progress = False
    sliced = False

    def __init__(self, **kwargs: Any) -> None:
        import tempfile

        self._code = tempfile.TemporaryDirectory(prefix="windrow-")
        zipped = zip_packages(Path(self._code.name) / "windrow.zip")
        kwargs["py_files"] = [*(kwargs.get("py_files") or []), str(zipped)]
        super().__init__(**kwargs)

    def find_inputs(self, arguments: Sequence[str], folder: Path) -> tuple[list[str], dict[str, Head]]:
        """The files that arguments mean."""
        far = [found for argument in arguments if s3.is_s3(argument) for found in s3.list_objects(argument)]
        heads = {}
        for number, found in enumerate(far):
            head = s3.read_range(found.uri, 0, _HEAD_BYTES)
            place = folder / f"{number:05d}-{found.uri.rpartition('/')[2]}"
            if made := write_head(head, found.uri, found.size, place):
                heads[found.uri] = made
        here = list_files([argument for argument in arguments if not s3.is_s3(argument)])
        return [*(found.uri for found in far), *here], heads

    def take_inputs(self, paths: Sequence[str], folder: Path) -> dict[str, str]:
        """Makes these the job's inputs."""
        self._input_paths = list(paths)
        return {path: path for path in paths}

    def usual_reducers(self) -> int:
        """As Hadoop."""
        return 1

    def _check_input_paths(self) -> None:
        pass
