"""Submission of a job: settle its inputs, run it, and publish or print its output, all or nothing."""

import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import uuid4

from windrow.bars.layout import refuse_unknown_names
from windrow.console import say, shown, stopped_like_interrupted
from windrow.errors import InputError, UsageError
from windrow.feeds.density import Head, slices_for
from windrow.feeds.forms import told_forms
from windrow.feeds.misread import CONFLICTS
from windrow.feeds.settle import Settled, Slicing, settle, without_line_end
from windrow.mapreduce import options
from windrow.mapreduce.counters import OF_REDUCERS, STOPPED, refusal, summed
from windrow.mapreduce.help import command_name
from windrow.mapreduce.options import AUTO
from windrow.mapreduce.parts import check_parts, expected_parts
from windrow.mapreduce.resampling import warnings_of, with_sessions
from windrow.mapreduce.submission import Submission, refuse_values_of_flags
from windrow.runners import Runner
from windrow.runners.launch import Launch
from windrow.storage.private import private_files
from windrow.storage.publish import refuse_taken, staged
from windrow.storage.source import source_of

if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob

#: The most inputs that a kind of warning names.
_TOLD = 5
#: numpy's library of matrices starts a thread for each core of a node, which all spin for a while, in every task.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}


def run(job: "BarJob") -> None:
    """Runs a job to its end; raises WindrowError, and leaves no output, if the output must not be trusted."""
    _check_current_directory()
    meter = job.meter  # from here on seconds count, and copies of the job have the same one
    with stopped_like_interrupted(), _logging_for(job):
        try:
            counts = _run(job, job.submission)
        finally:
            meter.close()
        job.report(counts)


def _check_current_directory() -> None:
    try:
        os.getcwd()
    except OSError as error:
        raise InputError(
            f"the current directory: cannot be used: {error.strerror}, so it has been deleted; change to another (cd)"
        ) from None


@contextmanager
def _logging_for(job: "BarJob") -> Iterator[None]:
    """Shows mrjob's messages, which would hide ours, only with -v; restores logging afterwards."""
    loggers = [logging.getLogger(name) for name in ("mrjob", "__main__")]
    before = [(logger, list(logger.handlers), logger.level) for logger in loggers]
    verbose = job.submission.verbose
    job.set_up_logging(quiet=not verbose, verbose=verbose)
    for handler in {one for logger in loggers for one in logger.handlers}:
        handler.setFormatter(_Shown())
    try:
        yield
    finally:
        for logger, handlers, level in before:
            logger.handlers[:] = handlers
            logger.setLevel(level)


class _Shown(logging.Formatter):
    """Messages with nothing that a terminal obeys: they repeat names of files, and what Hadoop's client writes."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a message."""
        return "\n".join(map(shown, super().format(record).expandtabs().split("\n")))


def _run(job: "BarJob", submission: Submission) -> Counter[str]:
    output = submission.output
    if output is None:
        with private_files(), job.prepared(None) as runner:
            return run_and_judge(job, runner)
    description, scratch = job.description(), submission.scratch
    if submission.is_here:
        refuse_taken(output, submission.force)
        with (
            staged(output, description, scratch, submission.shows_progress, submission.force) as staging,
            private_files(),
            job.prepared(str(staging)) as runner,
        ):
            counts = run_and_judge(job, runner)
            _describe_forms(job, description)
            return counts
    with (
        private_files(),
        job.prepared(_beside(output)) as runner,
        runner.publishing(output, description),
    ):
        counts = run_and_judge(job, runner)
        _describe_forms(job, description)
        return counts


def _describe_forms(job: "BarJob", description: dict[str, Any]) -> None:
    """Adds how inputs were read that are no plain CSV files, and what was of streams and tables: known once settled."""
    if job.doubts is not None and (forms := told_forms(job.doubts.inputs, job.submission.reading)):
        description["forms"] = forms
    if job.streams:
        description["streams"] = [stream.described() for stream in job.streams]
    if job.tables:
        description["tables"] = [table.described() for table in job.tables]


def _beside(output: str) -> str:
    """Where the parts of an output on HDFS or S3 are written before they are published."""
    parent, slash, name = output.rstrip("/").rpartition("/")
    return f"{parent}{slash}.{name}.windrow-{uuid4().hex[:8]}"


def run_and_judge(job: "BarJob", runner: Runner) -> Counter[str]:
    """Runs all steps, and prints the output if asked to; raises WindrowError if it must not be trusted."""
    runner.run()
    job.meter.close()  # before anything is printed
    counters = runner.counters()
    summary = summed(counters)
    summary.counts.update(job.counted or {})
    if summary.refusals or summary.counts[STOPPED]:
        raise refusal(summary.refusals, summary.counts[STOPPED])
    for name in OF_REDUCERS:
        summary.counts[name] //= job.shards()  # every shard counted the same
    if summary.inputs:  # which names the input, and has examples
        raise refusal(summary.inputs)
    job.judge(summary.counts, summary.conflicts)
    job.check_counts(summary.counts)
    suffix = job.submission.form.suffix
    reducers, all_report = runner.asked_reducers, job.submission.is_here
    with_lines = [number for number, step in enumerate(job.pipeline()) if step.writes_parts]
    expected = expected_parts(counters, with_lines, suffix, reducers, all_report)
    check_parts(runner.part_names(), expected, job.submission.output or "the output")
    if job.counted is None:  # else the run that read the inputs has told it
        if job.options.on_conflict != "fail" and (what := job.left_out(summary.counts)) is not None:
            summary.warnings.append(f"{summary.counts['conflicts']:,} conflicts were settled by --on-conflict; {what}")
        summary.warnings.extend(warnings_of(job.options, job.options.resample or job.resampled_to, summary.counts))
    for warning in summary.warnings:
        say(f"warning: {warning}")
    if job.submission.prints:
        for chunk in runner.cat_output():
            job.stdout.write(chunk)
        job.stdout.flush()
    return summary.counts


def left_out(settled: Settled | None, counts: Counter[str]) -> str | None:
    """Which column seems left out of the key of bars, and the fix, if a tenth of the bars are in conflict."""
    if settled is None:
        return None
    join = "; join it with the time into one column, or with the symbol, first"
    for path, name in settled.left_out.items():
        return f"in {path} those at one time differ by column {name!r}, which seems left out{join}"
    if counts["conflicts"] <= CONFLICTS * counts["bars"]:
        return None
    unused = {name for layout in settled.inputs.values() for name in layout.names if name not in layout.needed}
    named = f"one of {', '.join(sorted(unused)[:10])}" if unused else "which the inputs do not have"
    return f"over a tenth differ, so a column that tells them apart seems left out, {named}{join}"


def make_runner(job: "BarJob", output: str | None) -> Runner:
    """A runner that writes parts to `output`, with inputs settled; it owns the files that tasks read of that."""
    kept = TemporaryDirectory(prefix="windrow-")
    folder = Path(kept.name)
    try:
        job.add_arguments("--settled", str(folder / "settled.json"))
        job.add_arguments(*job.task_arguments(folder))
        runner = job.runner_of(launch(job), output)
        _settle_inputs(job, runner, folder)
    except BaseException:
        kept.cleanup()
        raise
    runner.keep(kept)
    return runner


def make_unsettled_runner(job: "BarJob") -> Runner:
    """A runner whose inputs are named but not read: for plans over inputs that cannot be read from here."""
    kept = TemporaryDirectory(prefix="windrow-")
    settled = Path(kept.name, "settled.json")
    settled.touch()
    job.add_arguments("--settled", str(settled))
    runner = job.runner_of(launch(job), job.submission.output)
    runner.keep(kept)
    runner.inputs = list(job.submission.inputs)
    return runner


def launch(job: "BarJob") -> Launch:
    """How a run of a job is started."""
    submission = job.submission
    return Launch(
        task=job.task,
        environment=submission.environment,
        variables={} if job.multiplies else _ONE_THREAD,
        imports=(f"windrow.sinks.{'parquet' if submission.form.name.startswith('parquet') else 'joining'}",),
        quiet=submission.quiet,
        verbose=submission.verbose,
        force=submission.force,
        meter=job.meter,
    )


def _settle_inputs(job: "BarJob", runner: Runner, folder: Path) -> None:
    submission = job.submission
    refuse_values_of_flags(job)
    arguments, names = _arguments(job, folder)
    listed, heads = runner.find_inputs(arguments, folder, submission.recursive)
    places = {names.get(path, path): path for path in listed}
    heads = {**heads, **{name: Head(place, 1.0) for place, name in names.items()}}
    asked = submission.slot, heads, _slicing(job, runner), options.judges(job), runner.versions
    settled, empty = settle(list(places), submission.reading, *asked)
    refuse_unknown_names(settled.inputs, submission.reading)
    settled = with_sessions(job, settled)
    job.doubts = settled
    _slice(job, runner, settled)
    for path in empty:
        say(f"warning: {path}: has no rows; skipped")
    if settled.unselected and not submission.quiet:
        say(f"{settled.unselected:,} of {settled.unselected + len(settled.inputs):,} inputs have no rows asked for")
    if not submission.quiet:
        say(*told_forms(settled.inputs, submission.reading))
        say(*(f"note: {note}" for note in job.notes(settled)))
    _warn_of_cuts(without_line_end(settled, heads))
    read = {places[path] for path in settled.inputs}
    kept = [path for path in listed if path in read]  # an input given twice is read twice
    whole = {places[path] for path in settled.whole}
    tasks_see = runner.take_inputs(kept, folder, whole)
    settled.at({path: tasks_see[places[path]] for path in settled.inputs}).save(folder / "settled.json")


def _warn_of_cuts(paths: Sequence[str]) -> None:
    for path in paths[:_TOLD]:
        say(f"warning: {path}: its last line has no line end; it is read, but a file that was cut short looks the same")
    if len(paths) > _TOLD:
        say(f"warning: so have the last lines of {len(paths) - _TOLD:,} more inputs")


def _slice(job: "BarJob", runner: Runner, settled: Settled) -> None:
    """Gives the job and its runner their steps, which depend on whether there are slices."""
    job.slice_by(settled.slices)
    with_parts = [number for number, step in enumerate(job.pipeline()) if step.writes_parts or step.writes_beside]
    steps, units = job.describe_steps(), [step.unit for step in job.pipeline()]
    runner.take_steps(steps, with_parts, units, settled.expected)


def _slicing(job: "BarJob", runner: Runner) -> Slicing | None:
    """How to choose the span of slices, if the job is to have any."""
    asked = job.submission.slices
    if asked is None:
        return None
    if isinstance(asked, int):
        return lambda _: asked
    assert asked == AUTO
    head, reducers = job.sliced_kernel().head, runner.reducers(0)
    return lambda densities: slices_for(densities, reducers, head.bars, head.span_ns)


def _arguments(job: "BarJob", folder: Path) -> tuple[list[str], dict[str, str]]:
    """The inputs with files in place of what can be read only once, and the user's names of those by their places."""
    submission = job.submission
    arguments, names = _without_stdin(job, str(folder / "standard-input"))
    if not any(source_of(argument).is_spooled for argument in arguments):
        return arguments, names
    from windrow.feeds.spool import replaced  # a job's start is part of its cost

    found = replaced(arguments, folder, submission.manner, submission.reading, submission.shows_progress, strict=True)
    job.streams, job.tables = found.streams, found.tables
    return found.arguments, {**names, **found.names}


def _without_stdin(job: "BarJob", spooled: str) -> tuple[list[str], dict[str, str]]:
    """The inputs, with standard input as the file `spooled`, since header and bars are read one after the other."""
    arguments = job.submission.inputs or ("-",)
    if "-" not in arguments:
        return list(arguments), {}
    if arguments.count("-") > 1:
        raise UsageError("-: given more than once; standard input can only be read once; give it once")
    if job.submission.reading.symbol_from_filename:
        raise UsageError("-: standard input has no file name to take a symbol from; use --symbol NAME instead")
    if not job.submission.inputs and job.stdin.isatty():
        usage = f"windrow {command_name(type(job))} [options] FILE..."
        raise UsageError(f"no input: give files of bars, or - to read standard input; usage: {usage}")
    _spool(job.stdin, Path(spooled))
    return [spooled if path == "-" else path for path in arguments], {spooled: "-"}


def _spool(stdin: BinaryIO, place: Path) -> None:
    with place.open("wb") as file:
        shutil.copyfileobj(stdin, file, 1 << 20)
