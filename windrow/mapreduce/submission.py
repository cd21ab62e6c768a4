"""Submission: the settings of one run of a job, made once from its options and checked before any work."""

import os
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from windrow.bars.layout import Reading
from windrow.errors import InputError, UsageError
from windrow.mapreduce import options
from windrow.mapreduce.options import FORMATS
from windrow.runners import NAMES, on_this_machine
from windrow.sinks.fields import Format
from windrow.storage.manner import Manner
from windrow.storage.source import is_pattern, is_uri, source_of

if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob


@dataclass(frozen=True)
class Submission:
    """One run of a job."""

    runner: str
    inputs: tuple[str, ...]
    """As given; `-` is standard input."""
    recursive: bool
    reading: Reading
    manner: Manner
    """How streams are read."""
    slot: int | None
    """The span (ns) of slots, if given."""
    slices: int | str | None
    """The span (ns) of slices, options.AUTO, or None."""
    output: str | None
    """The directory to publish; None: lines are printed."""
    prints: bool
    force: bool
    """Whether an output of a job that is there is replaced."""
    quiet: bool
    verbose: bool
    form: Format
    """What parts are written as."""
    environment: str | None
    """A packed environment for the tasks."""
    scratch: str | None
    """Where parts are collected before they are uploaded."""

    @classmethod
    def of(cls, job: "BarJob") -> "Submission":
        """The submission for a job's options. Raises UsageError, or InputError for an unreadable environment."""
        given = job.options
        runner = given.runner or "inline"
        _check_folders(runner, given)
        _check_runner(runner, given.output_dir)
        _check_force(runner, given)
        if given.environment is not None:
            _check_environment(Path(given.environment), runner)
        if given.compress is not None:
            _check_compress(job)
        if given.output_dir is not None and source_of(given.output_dir).takes_tables:
            _write_table(job, runner)
        elif given.output_format != "text":
            _check_table(job, fields=bool(job.fields()))
        _check_reducers(given.jobconf or {})
        options.check(given)
        if given.slices:
            job.sliced_kernel()
        reading = options.reading(given, job.columns_of_inputs(), job.cures())
        return cls(
            runner=runner,
            inputs=tuple(given.args),
            recursive=given.recursive,
            # Larger bars are made of those with all values: their sums and means have no others.
            reading=replace(reading, unknown=job.takes_unknown and not job.resamplings()),
            manner=options.manner(given),
            slot=options.slot(given),
            slices=options.slices(given),
            output=given.output_dir,
            prints=given.output_dir is None if given.cat_output is None else given.cat_output,
            force=given.force,
            quiet=given.quiet,
            verbose=given.verbose,
            form=job.form,
            environment=given.environment,
            scratch=given.spark_tmp_dir,
        )

    @property
    def is_here(self) -> bool:
        """Whether tasks open inputs and write outputs themselves, in folders on this machine."""
        return on_this_machine(self.runner)

    @property
    def shows_progress(self) -> bool:
        """Whether long work shows a progress bar on the terminal."""
        return not (self.quiet or self.verbose)


def refuse_values_of_flags(job: "BarJob") -> None:
    """Raises UsageError for a file that is not there right after an option that takes no value, e.g. --trades."""
    flags = {name for group in job.groups for one in group.actions if one.nargs == 0 for name in one.option_strings}
    here = (one for one in job.options.args if one not in ("", "-") and not (is_uri(one) or is_pattern(one)))
    missing = {one for one in here if not os.path.lexists(one)}
    for flag, after in pairwise(job.given):
        if flag in flags and after in missing:
            raise UsageError(
                f"{flag} {after}: {flag} takes no value, so {after} is taken for an input, which does not exist; leave"
                f" {after} out"
            )


def _check_runner(runner: str, output: str | None) -> None:
    if runner not in NAMES:
        raise UsageError(f"-r {runner}: is not a runner; run with -r {', '.join(NAMES)}")
    if runner != "emr":
        return
    if find_spec("boto3") is None:
        raise UsageError(
            "-r emr: needs boto3, which is not installed here; install it with: pip install 'windrow[aws]'"
        )
    from windrow.storage import s3  # a job's start is part of its cost

    if output is not None and not (s3.is_s3(output) and s3.split(output)[1].strip("/")):
        raise UsageError(f"-o {output}: -r emr writes to a folder on S3; give s3://BUCKET/FOLDER")


def _check_force(runner: str, given: Namespace) -> None:
    output = given.output_dir
    if not given.force:
        return
    if output is None:
        raise UsageError(
            "--force: replaces an output, but lines are printed; name it with -o DIR, or leave --force out"
        )
    from windrow.storage import s3

    if s3.is_s3(output) or not (runner == "hadoop" or source_of(output).exchanges):
        raise UsageError(
            f"-o {output}: --force replaces directories on this machine and on HDFS only, where the old output is there"
            " until the new one is complete; leave --force out, and remove the old output before"
        )


def _check_folders(runner: str, given: Namespace) -> None:
    """Raises WindrowError where a folder for files here is a URI: paths would make a folder named `hdfs:`."""
    if given.output_dir == "":
        raise UsageError(
            "-o '': the name of the output is empty; name a directory, or leave -o out to print the output"
        )
    if not on_this_machine(runner):
        return
    if given.output_dir is not None:
        source_of(given.output_dir).refuse_unwritable(given.output_dir)
    for option in ("spark_tmp_dir", "step_output_dir"):
        folder = getattr(given, option, None) or ""
        if is_uri(folder):
            raise UsageError(
                f"--{option.replace('_', '-')} {folder}: is a URI, but with -r {runner} tasks write there by path; name"
                " a folder that all of them see"
            )


def _check_environment(path: Path, runner: str) -> None:
    from windrow.runners.unpack import MARK  # most runs have none

    if runner not in ("hadoop", "emr"):
        raise UsageError(
            f"--environment {path}: -r {runner} runs tasks in this Python; leave it out, or use -r hadoop or -r emr"
        )
    try:
        with path.open("rb") as file:
            begins = file.read(len(MARK))
    except OSError as error:
        raise InputError(f"--environment {path}: {error.strerror}; make one with: windrow pack {path}") from None
    if begins != MARK:
        raise InputError(f"--environment {path}: was not made by windrow pack; make one with: windrow pack windrow.pyz")


def _check_compress(job: "BarJob") -> None:
    """Raises UsageError where no lines are written that could be compressed."""
    given = job.options
    asked, output = f"--compress {given.compress}", given.output_dir
    if given.output_format.startswith("parquet"):
        raise UsageError(
            f"{asked}: is of lines and of CSV; parts of --output-format {given.output_format} are compressed as it is;"
            " leave --compress out"
        )
    if output is None or given.cat_output:
        raise UsageError(_needs_files(asked, bool(given.cat_output)))
    if source_of(output).takes_tables:
        raise UsageError(f"{asked}: compresses files, and {output} is a table of a database; leave --compress out")
    if len(job.steps()) > len(job.pipeline()):
        raise UsageError(
            f"{asked}: this job's last step is one of mrjob's own, which writes lines as they are; leave --compress out"
        )


def _needs_files(asked: str, cat_output: bool) -> str:
    return (
        f"{asked}: needs files, but lines are printed; name a directory with -o DIR"
        f"{', and leave out --cat-output' if cat_output else ''}"
    )


def _write_table(job: "BarJob", runner: str) -> None:
    """Has tasks write parts of which a table of a database is made. Raises UsageError where they cannot."""
    given, output = job.options, job.options.output_dir
    if not on_this_machine(runner):
        raise UsageError(
            f"-o {output}: with -r {runner} tasks write files; name a folder, or run it with -r inline or -r local"
        )
    if job.survey() is not None:
        raise UsageError(
            f"-o {output}: this job writes what it found of each symbol beside the values, which a table has no place"
            " for; name a directory instead"
        )
    given.output_format = FORMATS[-1]
    job.add_arguments("--output-format", FORMATS[-1])
    _check_table(job, f"-o {output}", "name a directory instead")


def _check_table(
    job: "BarJob", asked: str = "", cure: str = "leave it out, and read text", fields: bool = False
) -> None:
    """Raises UsageError where a job's output, of lines with `fields` or of a table, cannot be a table with names."""
    given, names = job.options, ["symbol", "timestamp", *job.output_names()]
    asked = asked or f"--output-format {given.output_format}"
    if len(names) == 2 and not fields:
        raise UsageError(f"{asked}: this job's output is not a table of values; {cure}")
    if given.output_dir is None or given.cat_output:
        raise UsageError(_needs_files(asked, bool(given.cat_output)))
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(
            f"{asked}: {len(twice)} columns are named {twice[0]}; the columns of a table need distinct names;"
            " ask for each once"
        )


def _check_reducers(jobconf: Mapping[str, str]) -> None:
    for name in ("mapreduce.job.reduces", "mapred.reduce.tasks"):
        asked = jobconf.get(name, "1")
        if not asked.isdecimal() or int(asked) < 1:
            raise UsageError(f"-D {name}={asked}: a job has at least 1 reducer; give a whole number of 1 or more")
