"""What windrow's runners on Hadoop share: code and inputs on their way to the tasks, and why a step failed.

The package is shipped as one zip with every job, so that tasks run the submitter's code; if nodes lack the packages
that it needs, an environment of `windrow pack` is shipped too.
"""

import json
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from windrow.runners.failures import Failure, explain
from windrow.runners.launch import Launch
from windrow.runners.mrjob_adapter import StreamingAdapter
from windrow.runners.pack import add_bytecode, zip_own_packages
from windrow.runners.simulated import OPENS_INPUTS, SPLIT_BYTES, group
from windrow.storage.open import CODECS, ZIP, is_columnar, is_json, is_splittable
from windrow.storage.part import OWN_LINES
from windrow.storage.publish import TEXT_PARTS
from windrow.storage.source import Range, Version, cut, each, is_uri, refuse_changed, source_of

#: Hadoop's name for the size of splits, whose `minsize` and `maxsize` are that of ranges, too.
_SPLIT = "mapreduce.input.fileinputformat.split"
#: Mappers that are wanted where inputs are large, and nobody tells how many run at once; bytes of each, at least and at
#: most. A JVM starts in the time in which a task reads half a GiB.
_TASKS, LEAST_TASK, _MOST_TASK = 512, 512 << 20, 4 << 30
#: Mappers from which on it pays to ask how many run at once: that takes as long as half a GiB, too.
_WORTH_ASKING = 8
#: How many times its size text has that is packed, about.
_PACKED = 4
#: The number of inputs above which mappers get whole files: a task for each small file takes a second or more.
_MANY = 64


class Streaming(StreamingAdapter):
    """Mixin before an mrjob runner that starts Hadoop Streaming."""

    versions: Mapping[str, Version] = {}

    def __init__(self, launch: Launch, **kwargs: Any) -> None:
        self._asked: list[str] = []
        self._sizes: dict[str, int] = {}
        self._uploads: dict[str, str] = {}
        self._published: str | None = None
        self._code = tempfile.TemporaryDirectory(prefix="windrow-")
        zipped = zip_own_packages(Path(self._code.name) / "windrow.zip")
        add_bytecode(zipped)
        kwargs["py_files"] = [*(kwargs.get("py_files") or []), str(zipped)]
        if launch.environment is not None:
            kwargs |= self._interpreter(Path(launch.environment), kwargs.get("upload_files") or [])
        super().__init__(launch, **kwargs)
        self.settings["cmdenv"] = {**launch.variables, **self.settings["cmdenv"]}

    def complete_mrjob(self, archive: Path, root: Path) -> None:
        """Adds bytecode to the zip of mrjob that tasks get."""
        add_bytecode(archive, root)

    def begin_stage(self, where: str, step: int) -> None:
        """Begins to show how far a step is, by the percentages of maps, and of reduces if there are any."""
        self.launch.meter.begin(self.stage(where, step), total=100 * len(self._kinds(step)))

    def show_shares(self, step: int, told: Sequence[str | bytes]) -> None:
        """Shows the percentages of maps and reduces, as Hadoop's client tells them."""
        shares = [int(share) for _, share in zip(self._kinds(step), told, strict=False)]
        bars = int(self.expected * shares[0] / 100) if step == 0 else 0
        text = ", ".join(f"{kind} {share}%" for kind, share in zip(("map", "reduce"), shares, strict=False))
        # Reduces wait for maps: their time says nothing of the speed of these.
        rate_of = 0 if any(shares[1:]) else bars
        self.launch.meter.at(sum(shares), f"{text}, about {bars:,} bars" if bars else text, rate_of)

    def _kinds(self, step: int) -> list[str]:
        return [kind for kind in ("mapper", "reducer") if kind in self.step(step)]

    def _interpreter(self, environment: Path, files: Sequence[str]) -> dict[str, Any]:
        """The options that ship an environment of `windrow pack`, under a name of ours, and run the tasks by it."""
        shipped = Path(self._code.name) / "windrow.pyz"
        shipped.symlink_to(environment.absolute())
        return {"upload_files": [*files, str(shipped)], "task_python_bin": [f"./{shipped.name}"]}

    def take_inputs(self, paths: Sequence[str], folder: Path, whole: Collection[str] = ()) -> dict[str, str]:
        """Sets the job's inputs; returns where each is for a task."""
        places = {path: self.uri_for_hadoop(path) for path in paths}
        for number, path in enumerate(path for path in places if not is_uri(path)):
            places[path] = f"{self.folder}/inputs/{number:05d}-{_plain_name(path)}"
            self._uploads[places[path]] = path
        self.inputs = [places[path] for path in paths]
        opened = self.opened_by_tasks(self.inputs)
        if opened or go_whole(paths) or any(path in whole for path in paths):
            pieces = [Range(places[path], 0, self._sizes[path], self._seen_by_task(path)) for path in paths]
            parted = {places[path] for path in paths if opened and path not in whole and is_splittable(path)}
            self._hand_out_ranges(pieces, parted, folder)
        return places

    def opened_by_tasks(self, places: Sequence[str]) -> bool:
        """Whether tasks open inputs in these places by byte ranges, rather than fetch them whole."""
        return False

    def slots(self) -> int | None:
        """How many mappers the cluster runs at once, if it tells."""
        return None

    def have_parts_written(self) -> None:
        """Has tasks of the last step write their lines to files themselves, unless a step of mrjob's follows."""
        if self.ends_with_ours:
            self.settings["cmdenv"] |= {OWN_LINES: "1"}

    def step_options(self, number: int) -> Sequence[str]:
        """Where tasks write their lines to files themselves, Hadoop makes none before there is a line for it."""
        return ["-lazyOutput"] if number == self.step_count - 1 and OWN_LINES in self.settings["cmdenv"] else ()

    def _seen_by_task(self, path: str) -> Version:
        """The version of an input that a task can compare; of one that is uploaded, the copy's size."""
        return self.versions[path] if is_uri(path) else {"size": self._sizes[path]}

    def check_uploaded(self) -> None:
        """Raises InputError for an input on this machine that has changed before it was uploaded."""
        for path in self._uploads.values():
            source_of(path).check(path, self.versions.get(path, {}))

    def check_inputs(self) -> None:
        """Raises InputError for an input that has changed since submission: Hadoop, which splits text, does not ask."""
        uris = [uri for uri in self.versions if is_uri(uri)]
        for uri, now in self.latest_versions(uris).items():
            refuse_changed(uri, self.versions[uri], now)

    def latest_versions(self, uris: Sequence[str]) -> dict[str, Version]:
        """The versions of inputs on the cluster, or on S3, that are there now."""
        return dict(zip(uris, each(lambda uri: source_of(uri).latest(uri), uris), strict=True))

    def uri_for_hadoop(self, uri: str) -> str:
        """A URI in this Hadoop's form."""
        return uri

    def _hand_out_ranges(self, pieces: Sequence[Range], parted: Collection[str], folder: Path) -> None:
        """Makes mappers open byte ranges of the inputs that can be `parted`, and whole files, hundreds of small ones
        each, instead of reading lines that Hadoop splits.
        """
        asked = [self.settings["jobconf"].get(f"{_SPLIT}.{end}") for end in ("minsize", "maxsize")]
        least, most = (int(size) if str(size).isdecimal() else None for size in asked)
        large = bool(parted) and _text_in(pieces) > _WORTH_ASKING * LEAST_TASK
        slots = self.slots() if large and least is None and most is None else None
        tasks = handed_out(pieces, parted, least, most, slots)
        self._hand_out([json.dumps(task) for task in tasks], folder / "inputs.txt")
        self.settings["cmdenv"] |= {OPENS_INPUTS: "1"}

    def take_tasks(self, lines: Sequence[str], folder: Path) -> None:
        """Sets what each mapper of the first step reads: a line."""
        self._hand_out(lines, folder / "tasks.txt")

    def _hand_out(self, lines: Sequence[str], manifest: Path) -> None:
        manifest.write_text("".join(f"{line}\n" for line in lines))
        self.inputs = [f"{self.folder}/inputs/{manifest.name}"]
        self._uploads[self.inputs[0]] = str(manifest)
        self.set_input_format("org.apache.hadoop.mapred.lib.NLineInputFormat")
        self.settings["jobconf"] |= {
            "mapreduce.input.lineinputformat.linespermap": "1",
            "stream.map.input.ignoreKey": "true",  # only the default input format leaves the line's offset out
        }

    def gather_uploads(self) -> dict[str, str]:
        """All uploads, of inputs and of mrjob's files: destination -> local path."""
        return self._uploads | self.uploads_of_mrjob()

    def step_inputs(self, number: int, uris: list[str]) -> list[str]:
        """Makes a later step read the lines of the previous one, not the parts that its tasks wrote themselves."""
        return uris if number == 0 else [f"{uri}/{TEXT_PARTS}" for uri in uris]

    def failure(self, client: str, logs: Sequence[str], more: str) -> Exception:
        """The error to raise for a failed step, from its client's messages about attempts and its last output."""
        attempts = [error["hadoop_error"]["message"] for error in self.step_errors() if "hadoop_error" in error]
        return explain(Failure(attempts, client, logs), more, self._asked, self._published or self.output)


def handed_out(
    pieces: Sequence[Range],
    parted: Collection[str],
    least: int | None = None,
    most: int | None = None,
    slots: int | None = None,
) -> list[list[Range]]:
    """What each mapper opens of these files: ranges of those that can be `parted`, and the others whole.

    least, most: bytes of a mapper, if they are asked for. slots: how many mappers run at once, if it is known; then
    there are no more, or as many again and again. Text that is packed counts for what it has, about.

    >>> files = [Range("a.csv", 0, 10, {}), Range("b.csv.gz", 0, 1, {}), Range("c.csv", 0, 1, {})]
    >>> [[tuple(part[:3]) for part in task] for task in handed_out(files, {"a.csv", "c.csv"}, most=5)]
    [[('a.csv', 0, 5)], [('a.csv', 5, 5)], [('b.csv.gz', 0, 1), ('c.csv', 0, 1)]]
    """
    total = _text_in(pieces)
    usual = max(min(max(total // (slots or _TASKS), LEAST_TASK), _MOST_TASK), least or 0) if parted else SPLIT_BYTES
    usual = max(1, min(usual, most or usual))
    tasks = max(1, round(total / usual))
    if slots is not None and tasks > slots:
        tasks = -(-tasks // slots) * slots  # none of them idle at the end
    share = -(-total // tasks)
    parts = (
        part
        for piece in pieces
        for part in (_parts(piece, share // _weight(piece.path)) if piece.path in parted else [piece])
    )
    return list(group(parts, share, _weight))


def _text_in(pieces: Sequence[Range]) -> int:
    """Bytes of text in files, about."""
    return sum(piece.length * _weight(piece.path) for piece in pieces)


def _weight(path: str) -> int:
    """How many bytes of text a byte of a file stands for, about."""
    return _PACKED if Path(path).suffix.lower() in CODECS else 1


def _parts(whole: Range, share: int) -> Iterator[Range]:
    """Ranges of a file, of about `share` bytes each."""
    return (whole._replace(start=start, length=length) for start, length in cut(whole.length, share))


def go_whole(paths: Sequence[str]) -> bool:
    """Whether mappers fetch these inputs whole, instead of reading lines that Hadoop splits.

    >>> go_whole(["bars.csv", "bars.csv.gz"]), go_whole(["bars.parquet"]), go_whole(["bars.csv"] * 65)
    (False, True, True)
    """
    return len(paths) > _MANY or not all(map(_is_text, paths)) or any(map(_is_pattern, paths))


def _is_text(path: str) -> bool:
    """Whether Hadoop itself can read the lines of a file: it reads no columns, no zip or xz, nor, by default, zstd."""
    return not (is_columnar(path) or is_json(path) or path.lower().endswith((".zst", ".xz", ZIP)))


def _is_pattern(path: str) -> bool:
    """Whether Hadoop would read a URI as a pattern, or as several; a local file gets a plain name."""
    return is_uri(path) and re.search(r"[,*?{}\[\]^\\]", path) is not None


def _plain_name(path: str) -> str:
    """A file's name without characters that are special in Hadoop's paths."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", Path(path).name)
