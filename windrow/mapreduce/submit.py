"""Submitting a job: settles its inputs, runs it, and publishes or prints what it wrote, or nothing."""

import logging
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, BinaryIO
from uuid import uuid4

from windrow.console import say
from windrow.errors import InputError, UsageError
from windrow.feeds.density import Head, slices_for
from windrow.feeds.settle import Slicing, list_files, settle
from windrow.mapreduce import options
from windrow.mapreduce.counters import OF_REDUCERS, refusal, summed
from windrow.runners.unpack import MARK
from windrow.storage import s3
from windrow.storage.publish import refuse_taken, staged
from windrow.times import parse_duration

#: Where jobs run.
RUNNERS = ("inline", "local", "hadoop", "emr", "spark")


def is_here(job: Any) -> bool:
    """Whether tasks open inputs and write outputs themselves, in folders of this machine."""
    return (job.options.runner or "inline") in ("inline", "local", "spark")


def check(job: Any) -> None:
    """Refuses, before any work, what no runner could do."""
    runner = job.options.runner or "inline"
    if runner not in RUNNERS:
        raise UsageError(f"-r {runner}: is not there yet; run by -r {', '.join(RUNNERS)}")
    if runner == "emr":
        _check_emr(job)
    if job.options.environment is not None:
        _check_environment(Path(job.options.environment), runner)
    if job.options.output_format != "text":
        _check_parquet(job)
    for name in ("mapreduce.job.reduces", "mapred.reduce.tasks"):
        asked = (job.options.jobconf or {}).get(name, "1")
        if not asked.isdecimal() or int(asked) < 1:
            raise UsageError(f"-D {name}={asked}: a job has 1 reducer or more; give a whole number from 1")


def _check_emr(job: Any) -> None:
    if find_spec("boto3") is None:
        raise UsageError("-r emr: needs boto3, which is not installed here; get it by: pip install 'windrow[aws]'")
    output = job.options.output_dir
    if output is not None and not (s3.is_s3(output) and s3.split(output)[1].strip("/")):
        raise UsageError(f"-o {output}: -r emr writes to a folder on S3; give s3://BUCKET/FOLDER")


def _check_environment(path: Path, runner: str) -> None:
    if runner not in ("hadoop", "emr"):
        raise UsageError(f"--environment {path}: -r {runner} runs tasks in this Python; leave it out, or run elsewhere")
    try:
        with path.open("rb") as file:
            begins = file.read(len(MARK))
    except OSError as error:
        raise InputError(f"--environment {path}: {error.strerror}; make one by: windrow pack {path}") from None
    if begins != MARK:
        raise InputError(f"--environment {path}: was not made by windrow pack; make one by: windrow pack windrow.pyz")


def _check_parquet(job: Any) -> None:
    asked, names = f"--output-format {job.options.output_format}", ["symbol", "timestamp", *job.output_names()]
    if len(names) == 2:
        raise UsageError(f"{asked}: this job's lines are no table of values; leave it out, and read them as text")
    if job.options.output_dir is None or job.options.cat_output:
        raise UsageError(
            f"{asked}: is for files, and lines are printed; name their directory by -o DIR, without --cat-output"
        )
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(
            f"{asked}: {len(twice)} columns are named {twice[0]}; a table's columns have names of their"
            " own; ask for each once"
        )
    import windrow.sinks.parquet  # noqa: F401  before tasks are forked, so that it is imported once


def run(job: Any) -> None:
    """Runs a job to its end; raises WindrowError where its output must not be trusted, and then leaves none."""
    with _terminated_like_interrupted(), _logging_for(job):
        _run(job)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """`kill`, like Ctrl-C, lets clean-up happen, on the cluster too."""
    if current_thread() is not main_thread():  # others cannot handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _logging_for(job: Any) -> Iterator[None]:
    """mrjob's own messages, which would hide the few that matter, only with -v; afterwards logging is as it was."""
    loggers = [logging.getLogger(name) for name in ("mrjob", "__main__")]
    before = [(logger, list(logger.handlers), logger.level) for logger in loggers]
    job.set_up_logging(quiet=not job.options.verbose, verbose=job.options.verbose)
    try:
        yield
    finally:
        for logger, handlers, level in before:
            logger.handlers[:] = handlers
            logger.setLevel(level)


def _run(job: Any) -> None:
    output = job.options.output_dir
    if output is None:
        counts = _run_and_judge(job, print_output=job._should_cat_output())
    elif is_here(job):
        refuse_taken(output)
        shown = not (job.options.quiet or job.options.verbose)
        with staged(output, job.description(), job.options.spark_tmp_dir, shown) as job.options.output_dir:
            counts = _run_and_judge(job, print_output=bool(job.options.cat_output))
    else:
        job.options.output_dir = _beside(output)
        counts = _run_and_judge(job, print_output=bool(job.options.cat_output), output=output)
    job.tell(counts)


def _beside(output: str) -> str:
    """Where the parts of an output on HDFS, or on S3, are written before they are published."""
    if s3.is_s3(output):
        bucket, folder = s3.folder_of(output)
        return f"s3://{bucket}/" + _beside(f"/{folder}")[1:]
    parent, slash, name = output.rstrip("/").rpartition("/")
    return f"{parent}{slash}.{name}.windrow-{uuid4().hex[:8]}"


def _run_and_judge(job: Any, print_output: bool, output: str | None = None) -> Counter[str]:
    with job.make_runner() as runner, runner.kept, _publishing(runner, job, output):
        runner.run()
        told = summed(runner.counters())
        if told.refusals:
            raise refusal(told.refusals)
        for name in OF_REDUCERS:
            told.counts[name] //= job.shards()  # each of which found the same
        job.judge(told.counts, told.conflicts)
        if print_output:
            for chunk in runner.cat_output():
                job.stdout.write(chunk)
            job.stdout.flush()
    return told.counts


def _publishing(runner: Any, job: Any, output: str | None) -> AbstractContextManager[Any]:
    return nullcontext() if output is None else runner.staged(output, job.description())


def make_runner(job: Any, make: Callable[[], Any]) -> Any:
    """A runner made by `make`, mrjob's way, that has the job's inputs settled; it keeps what tasks read of that."""
    kept = tempfile.TemporaryDirectory(prefix="windrow-")
    folder = Path(kept.name)
    try:
        job._cl_args = [*job._cl_args, "--settled", str(folder / "settled.json")]
        runner = make()
        runner.shows_progress = not (job.options.quiet or job.options.verbose)
        _settle_inputs(job, runner, folder)
    except BaseException:
        kept.cleanup()
        raise
    runner.kept = kept
    return runner


def _settle_inputs(job: Any, runner: Any, folder: Path) -> None:
    spooled = str(folder / "standard-input")
    arguments = _arguments(job, spooled)
    far = hasattr(runner, "find_inputs")
    listed, heads = runner.find_inputs(arguments, folder) if far else (list_files(arguments), {})
    places = {"-" if path == spooled else path: path for path in listed}
    heads = {**heads, "-": Head(spooled, 1.0)}
    reading = options.reading(job.options, job.columns())
    settled, barren = settle(list(places), reading, options.slot(job.options), heads, _slicing(job, runner))
    if settled.slices:
        job.slice_by(settled.slices)
        runner.sliced, runner._steps = True, job._steps_desc()
    for path in barren:
        say(f"warning: {path}: has no line below its header; skipped")
    read = {places[path] for path in settled.inputs}
    kept = [path for path in listed if path in read]  # one given twice is read twice
    if far:
        taken = runner.take_inputs(kept, folder)
        places = {path: taken[places[path]] for path in settled.inputs}
    else:
        runner._input_paths = kept
    settled.at(places).save(folder / "settled.json")


def _slicing(job: Any, runner: Any) -> Slicing | None:
    """How the span of slices is chosen, where the job is to have some."""
    asked = job.options.slices
    if asked is None:
        return None
    if asked != options.AUTO:
        return lambda _: parse_duration(asked)
    head, conf = job.kernel().head, runner._jobconf_for_step(0)
    reducers = conf.get("mapreduce.job.reduces") or conf.get("mapred.reduce.tasks") or runner.usual_reducers()
    return lambda densities: slices_for(densities, int(reducers), head.bars, head.span_ns)


def _arguments(job: Any, spooled: str) -> list[str]:
    """The inputs as given; standard input as the file `spooled`: it is read twice, for its header and for its bars."""
    arguments: Sequence[str] = job.options.args or ["-"]
    if "-" not in arguments:
        return list(arguments)
    if arguments.count("-") > 1:
        raise UsageError("-: given more than once; standard input can be read once; give it once")
    if job.options.symbol_from_filename:
        raise UsageError("-: standard input has no file name to be a symbol; give --symbol NAME instead")
    _spool(job.stdin, Path(spooled))
    return [spooled if path == "-" else path for path in arguments]


def _spool(stdin: BinaryIO, place: Path) -> None:
    with place.open("wb") as file:
        shutil.copyfileobj(stdin, file, 1 << 20)
