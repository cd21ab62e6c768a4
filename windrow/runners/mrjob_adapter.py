"""The private parts of mrjob that windrow uses, read from mrjob 0.7.4 and touched here and nowhere else.

Jobs and runners of windrow derive from these classes. Each gives mrjob's private methods and attributes public names:

    a method that mrjob calls      is overridden here and calls the method that a runner of windrow defines
    what a runner needs of mrjob   is a property or a method without an underscore

The classes for runners are mixins. Each comes before one of mrjob's own runners in the bases of a class, so that a
task, which only needs JobAdapter, imports no runner.
"""

import logging
import os
import re
import shutil
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import mrjob
from mrjob.job import MRJob
from mrjob.options import _RUNNER_OPTS

from windrow.console.meter import LINES
from windrow.errors import OutputError, UsageError
from windrow.runners.configuration import check_files, check_option
from windrow.runners.launch import Launch

if TYPE_CHECKING:
    from mrjob.emr import EMRJobRunner
    from mrjob.hadoop import HadoopJobRunner
    from mrjob.runner import MRJobRunner
    from mrjob.sim import SimMRJobRunner
    from mrjob.spark.runner import SparkMRJobRunner

    from windrow.runners import Runner
else:
    MRJobRunner = SimMRJobRunner = HadoopJobRunner = EMRJobRunner = SparkMRJobRunner = object

#: mrjob's description of a step, for runners.
StepDescription = dict[str, Any]
#: mrjob's record of a part of a mapper's input: a file, and the bytes in it.
Split = dict[str, Any]
#: What stands in mrjob's log for a value that may be secret.
_HIDDEN = "***"
#: A single quote in single quotes, in a command for a shell.
_QUOTE_IN_SHELL = "'\"'\"'"
#: Counters by group and name.
Counters = dict[str, dict[str, int]]


class JobAdapter(MRJob):
    """mrjob's job."""

    arg_parser: ArgumentParser
    _cl_args: list[str]

    def pass_through(self, action: Action) -> None:
        """Passes an option, already added to the parser, to the job's tasks too."""
        self._passthru_arg_dests.add(action.dest)

    def with_arguments(self, args: list[str]) -> Self:
        """A copy of this job that has read other arguments."""
        job = copy(self)
        job._cl_args = args
        job.load_args(args)
        return job

    def with_more(self, *args: str) -> Self:
        """A copy of this job with more options, after its own."""
        options, files = _parted(self._cl_args)
        return self.with_arguments([*options, *args, *files])

    def add_arguments(self, *args: str) -> None:
        """Adds options, after the job's own, for runners made from now on; what follows `--` stays names of files."""
        options, files = _parted(self._cl_args)
        self._cl_args = [*options, *args, *files]

    def load_args(self, args: list[str]) -> None:
        """Reads the options; all that follows `--` are names of files, which argparse does not do in Python 3.11."""
        options, files = _parted(args)
        super().load_args(options)
        self.options.args = [*self.options.args, *files[1:]]

    def describe_steps(self) -> list[StepDescription]:
        """The steps, as passed to runners."""
        described: list[StepDescription] = self._steps_desc()
        return described

    def runner_class(self) -> "type[Runner]":
        """The class of the runner to use."""
        raise NotImplementedError

    def runner_of(self, launch: Launch, output: str | None) -> "Runner":
        """A new runner of `runner_class` that writes its parts to `output`."""
        runner: Runner = self.runner_class()(launch=launch, **{**self._runner_kwargs(), "output_dir": output})
        return runner

    def print_own_help(self, everything: bool) -> None:
        """Prints --help; with `everything`, all options of mrjob too."""
        raise NotImplementedError

    def _runner_class(self) -> "type[Runner]":
        return self.runner_class()

    def _print_help(self, given: Namespace) -> None:
        if given.runner:
            super()._print_help(given)  # that runner's options, as mrjob lists them
        else:
            self.print_own_help(given.verbose)


def _parted(args: list[str]) -> tuple[list[str], list[str]]:
    """Arguments up to `--`, and from there on.

    >>> _parted(["--window", "3", "a.csv", "--", "-b.csv"]), _parted(["a.csv"])
    ((['--window', '3', 'a.csv'], ['--', '-b.csv']), (['a.csv'], []))
    """
    end = args.index("--") if "--" in args else len(args)
    return args[:end], args[end:]


class RunnerAdapter(MRJobRunner):
    """What all of mrjob's runners have."""

    alias: str

    def __init__(self, launch: Launch, **kwargs: Any) -> None:
        self.launch = launch
        self._kept: TemporaryDirectory[str] | None = None
        #: Numbers of the steps whose tasks write parts of the output themselves.
        self.steps_with_parts: tuple[int, ...] = ()
        #: What the reducers of each step count; of a run over tasks, its mappers.
        self.units: tuple[str, ...] = ("tasks",)
        #: How many rows the inputs have, about.
        self.expected = 0.0
        #: Whether the last step is one of windrow's, not of mrjob's alone.
        self.ends_with_ours = True
        check_files(kwargs.get("conf_paths"))
        try:
            super().__init__(**kwargs)
        except ValueError as error:  # how mrjob refuses options
            raise UsageError(f"{error}; check the options, and mrjob's configuration") from None
        for handler in logging.getLogger("mrjob").handlers:
            handler.addFilter(_WithoutValues(self._opts["cmdenv"]))

    @classmethod
    def default_options(cls) -> dict[str, Any]:
        """Options of the runner that differ from mrjob's defaults."""
        return {}

    @property
    def settings(self) -> dict[str, Any]:
        """The runner's options, by mrjob's names."""
        settings: dict[str, Any] = self._opts
        return settings

    @property
    def inputs(self) -> list[str]:
        """Paths and URIs of the inputs of the first step."""
        inputs: list[str] = self._get_input_paths()
        return inputs

    @inputs.setter
    def inputs(self, paths: Sequence[str]) -> None:
        self._input_paths = list(paths)

    @property
    def output(self) -> str:
        """The directory of the parts."""
        return str(self._output_dir)

    @output.setter
    def output(self, place: str) -> None:
        self._output_dir = place

    @property
    def scratch(self) -> Path:
        """A local directory for the runner's files; its cleanup removes it."""
        return Path(self._get_local_tmp_dir())

    @property
    def script(self) -> str | None:
        """The job's file."""
        path: str | None = self._script_path
        return path

    @property
    def job_key(self) -> str:
        """The run's unique name."""
        return str(self._job_key)

    def keep(self, folder: "TemporaryDirectory[str]") -> None:
        """Keeps a folder that tasks read from until the runner's cleanup."""
        self._kept = folder

    def cleanup(self, mode: Any = None) -> None:
        """Removes what was kept for the run, as mrjob's option `cleanup` says."""
        try:
            super().cleanup(mode)
        finally:
            if self._kept is not None:
                self._kept.cleanup()

    def take_steps(
        self, described: list[StepDescription], with_parts: Iterable[int], units: Iterable[str], expected: float
    ) -> None:
        """Sets the job's steps; `with_parts` are the numbers of those whose tasks write parts themselves.

        `units` are what the reducers of windrow's own steps count, which come first; `expected` is how many rows there
        are, about.
        """
        self._steps = described
        own = tuple(units)
        self.units = own + (LINES,) * (len(described) - len(own))  # a job may have steps of mrjob's behind ours
        self.ends_with_ours = len(described) == len(own)
        self.steps_with_parts, self.expected = tuple(with_parts), expected

    def stage(self, title: str, step: int) -> str:
        """What a person is told of where the run is."""
        return title if self.step_count == 1 else f"step {step + 1} of {self.step_count}, {title}"

    def step(self, number: int) -> StepDescription:
        """The description of a step."""
        step: StepDescription = self._get_step(number)
        return step

    @property
    def step_count(self) -> int:
        """How many steps there are."""
        return int(self._num_steps())

    def step_jobconf(self, number: int) -> dict[str, Any]:
        """Hadoop's options for a step; a runner may extend them."""
        conf: dict[str, Any] = super()._jobconf_for_step(number)
        return conf

    def usual_reducers(self) -> int:
        """How many reducers there are by default."""
        return 1

    def reducers(self, number: int) -> int:
        """How many reducers a step has."""
        return self.asked_reducers(number) or self.usual_reducers()

    def asked_reducers(self, number: int) -> int | None:
        """How many reducers a step has by its options; None if they do not say."""
        conf = self.step_jobconf(number)
        asked = conf.get("mapreduce.job.reduces") or conf.get("mapred.reduce.tasks")
        return int(asked) if asked else None

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        return {**super()._default_opts(), **cls.default_options()}

    def _jobconf_for_step(self, step_num: int) -> dict[str, Any]:
        return self.step_jobconf(step_num)

    def _fix_opts(self, opts: Any, source: str | None = None) -> Any:
        """Options from a configuration file, the command line or defaults, checked."""
        for name, value in opts.items():
            if value is not None and name in _RUNNER_OPTS:
                combiner = getattr(_RUNNER_OPTS[name].get("combiner"), "__name__", "")
                check_option(name, getattr(value, "value", value), combiner, source or "defaults")
        return super()._fix_opts(opts, source)

    def _get_local_tmp_dir(self) -> str:
        try:
            folder = str(super()._get_local_tmp_dir())
        except OSError as error:
            raise OutputError(
                f"{error.filename}: cannot be created: {error.strerror}; it is for temporary files: set TMPDIR, or"
                " local_tmp_dir, to another place"
            ) from error
        os.chmod(folder, 0o700)  # it has the bars of all inputs; mrjob makes it as the umask says
        return folder

    def _obfuscate_opt(self, opt_key: str, opt_value: Any) -> Any:
        """What mrjob's log shows of an option."""
        if opt_key == "cmdenv" and opt_value:
            return dict.fromkeys(opt_value, _HIDDEN)
        return super()._obfuscate_opt(opt_key, opt_value)

    def _check_input_paths(self) -> None:
        """Does nothing: their headers have been read already."""


class _WithoutValues(logging.Filter):
    """Hides the values of --cmdenv, which may be passwords, in what mrjob logs: commands and environments."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__()
        spellings = [
            rf"(\b{re.escape(name)}['\"]?(?:=|, |: )['\"]?){re.escape(spelling)}"
            for name, value in variables.items()
            if value
            for spelling in {value, value.replace("'", _QUOTE_IN_SHELL), repr(value)[1:-1]} - {""}
        ]
        self._patterns = [re.compile(spelling) for spelling in spellings]

    def filter(self, record: logging.LogRecord) -> bool:
        """Hides them in a message, which is logged."""
        message = record.getMessage()
        for pattern in self._patterns:
            message = pattern.sub(rf"\1{_HIDDEN}", message)
        record.msg, record.args = message, ()
        return True


class SimulatedAdapter(RunnerAdapter, SimMRJobRunner):
    """mrjob's simulation of Hadoop: tasks on this machine, in local folders."""

    def map_tasks(self, paths: Sequence[str]) -> Sequence[tuple[bytes, Split]]:
        """For each mapper of the first step: its standard input, and mrjob's record of its split."""
        raise NotImplementedError

    def before_step(self, number: int) -> None:
        """Called before a step is run; the output's folder is known by then."""

    def phase(self, title: str, step: int) -> AbstractContextManager[object]:
        """Surrounds a step's mappers (`map`), then its reducers (`reduce`)."""
        raise NotImplementedError

    def run_tasks(self, tasks: Iterable[Callable[[], None]]) -> None:
        """Runs functions, each a task."""
        raise NotImplementedError

    def after_mapper(self, step: int, output: str) -> Callable[[], None]:
        """A function that a mapper calls, in its process, after its output is complete, if the step has reducers."""
        raise NotImplementedError

    def before_reducer(self, step: int, number: int, place: str) -> Callable[[], None]:
        """A function that a reducer calls, in its process, to write its input to `place`."""
        raise NotImplementedError

    def cores(self) -> int:
        """How many tasks run at a time."""
        return int(super()._num_cores())

    def task_settings(self, kind: str, step: int) -> dict[str, Any]:
        """More of Hadoop's options, which tasks get in their environment."""
        return {}

    def explain_failure(self, error: Exception) -> None:
        """Logs why a step failed: here nothing, as the error itself names its input."""

    def mapper_outputs(self, step: int) -> list[str]:
        """Where the step's mappers write their lines."""
        return self._outputs.get(step, [])

    def arguments_of(self, step: int, kind: str) -> list[str]:
        """The arguments that make a job one of its tasks."""
        args: list[str] = self._args_for_task(step, kind)
        return args

    def _input_paths_for_step(self, step_num: int) -> list[str]:
        # mrjob's own would expand glob characters, which file names may contain.
        paths: list[str] = self._get_input_paths() if step_num == 0 else super()._input_paths_for_step(step_num)
        return paths

    def _split_mapper_input(self, input_paths: Sequence[str], step_num: int) -> list[Split]:
        if step_num:
            splits: list[Split] = super()._split_mapper_input(input_paths, step_num)
            return splits
        tasks = self.map_tasks(input_paths)
        for number, (stdin, _) in enumerate(tasks):
            path = Path(self._task_input_path("mapper", step_num, number))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stdin)
        return [split for _, split in tasks]

    def _run_step(self, step: StepDescription, step_num: int) -> None:
        self.before_step(step_num)
        super()._run_step(step, step_num)

    def _run_mappers_and_combiners(self, step_num: int, map_splits: Sequence[Split]) -> None:
        self._outputs: dict[int, list[str]] = {step_num: []}
        with self.phase("map", step_num):
            super()._run_mappers_and_combiners(step_num, map_splits)

    def _run_reducers(self, step_num: int, num_reducer_tasks: int) -> None:
        with self.phase("reduce", step_num):
            super()._run_reducers(step_num, num_reducer_tasks)

    def _run_multiple(self, funcs: Iterable[Callable[[], None]], num_processes: int | None = None) -> None:
        self.run_tasks(funcs)

    def _simulate_jobconf_for_step(
        self, task_type: str, step_num: int, task_num: int, map_split: Split | None = None
    ) -> dict[str, Any]:
        conf = super()._simulate_jobconf_for_step(task_type, step_num, task_num, map_split)
        # The parts that a task writes itself belong to the output, whatever the step.
        return {**conf, "mapreduce.task.output.dir": self._output_dir, **self.task_settings(task_type, step_num)}

    def _run_mapper_and_combiner_func(self, step_num: int, task_num: int, map_split: Split) -> Callable[[], None]:
        run: Callable[[], None] = super()._run_mapper_and_combiner_func(step_num, task_num, map_split)
        step = self._get_step(step_num)
        if "reducer" not in step:
            return run
        output = self._task_output_path("combiner" if "combiner" in step else "mapper", step_num, task_num)
        self._outputs[step_num].append(output)
        return partial(_both, run, self.after_mapper(step_num, output))

    def _run_task_func(
        self, task_type: str, step_num: int, task_num: int, map_split: Split | None = None
    ) -> Callable[[], None]:
        run: Callable[[], None] = super()._run_task_func(task_type, step_num, task_num, map_split)
        if task_type != "reducer":
            return run
        place = self._task_input_path(task_type, step_num, task_num)
        return partial(_both, self.before_reducer(step_num, task_num, place), run)

    def _sort_reducer_input(self, step_num: int, num_map_tasks: int) -> None:
        """Does nothing: mappers sort their own output, and reducers merge (windrow/runners/shuffle.py)."""

    def _split_reducer_input(self, step_num: int) -> int:
        return self.reducers(step_num)

    def _num_cores(self) -> int:
        return self.cores()

    def _log_cause_of_error(self, ex: Exception) -> None:
        self.explain_failure(ex)


def _both(first: Callable[[], None], second: Callable[[], None]) -> None:
    first()
    second()


class InlineAdapter(SimulatedAdapter):
    """mrjob's inline runner."""

    def __init__(self, launch: Launch, **kwargs: Any) -> None:
        super().__init__(launch, **kwargs)
        self._mrjob_cls = launch.task  # mrjob calls it to make tasks


#: A task with its streams: stdin, stdout, stderr, the working directory and the environment.
Invocation = Callable[[Any, Any, Any, str, dict[str, str]], None]


class LocalAdapter(SimulatedAdapter):
    """mrjob's local runner."""

    def forks(self) -> bool:
        """Whether tasks are forks of this process, not interpreters of their own."""
        raise NotImplementedError

    def invocation(self, step: int, kind: str) -> Invocation:
        """A function that runs a task in a fork."""
        raise NotImplementedError

    def run_interpreters(self, tasks: Iterable[Callable[[], None]]) -> None:
        """Runs tasks in mrjob's way, one interpreter each."""
        super(RunnerAdapter, self)._run_multiple(list(tasks))  # skips the method that calls `run_tasks`

    def _bootstrap_mrjob(self) -> bool:
        # A fork has mrjob already; zipping it for other interpreters takes 40 ms.
        return not self.forks() and bool(super()._bootstrap_mrjob())

    def _invoke_task_func(self, task_type: str, step_num: int, task_num: int) -> Invocation:
        if self.forks() and self._get_step(step_num)[task_type]["type"] == "script":
            return self.invocation(step_num, task_type)
        invoke: Invocation = super()._invoke_task_func(task_type, step_num, task_num)
        return invoke


class StreamingAdapter(RunnerAdapter):
    """The runners of mrjob that start Hadoop Streaming."""

    @property
    def folder(self) -> str:
        """The folder of the run's files on the cluster, without a trailing slash."""
        raise NotImplementedError

    def upload(self) -> None:
        """Uploads what tasks need to where the cluster can read it."""
        raise NotImplementedError

    def complete_mrjob(self, archive: Path, root: Path) -> None:
        """Called once mrjob, which is below `root`, has been zipped for the tasks."""

    def step_inputs(self, number: int, uris: list[str]) -> list[str]:
        """The inputs of a step, from the folders that mrjob would make it read."""
        return uris

    def uploads_of_mrjob(self) -> dict[str, str]:
        """What mrjob would upload file by file: destination -> local path."""
        uploads: dict[str, str] = {}
        real, self._fs = self.fs, _Uploads(self.fs, uploads)
        try:
            super()._upload_local_files()
        finally:
            self._fs = real
        return uploads

    def step_options(self, number: int) -> Sequence[str]:
        """More options of Hadoop Streaming for a step."""
        return ()

    def set_input_format(self, name: str) -> None:
        """Sets the Java class with which Hadoop reads the inputs of the first step."""
        self._hadoop_input_format = name

    def step_output(self, number: int) -> str:
        """The output folder of a step that is not the last one."""
        return str(self._intermediate_output_dir(number))

    def step_errors(self) -> Sequence[Mapping[str, Any]]:
        """The messages of Hadoop's client about failed attempts of the last step."""
        errors: Sequence[Mapping[str, Any]] = self._log_interpretations[-1]["step"].get("errors", ())
        return errors

    def _create_mrjob_zip(self) -> str:
        if not self._mrjob_zip_path:  # mrjob asks again and again
            self.complete_mrjob(Path(super()._create_mrjob_zip()), Path(mrjob.__file__).parents[1])
        return str(self._mrjob_zip_path)

    def _upload_local_files(self) -> None:
        self.upload()

    def _hadoop_streaming_jar_args(self, step_num: int) -> list[str]:
        return [*super()._hadoop_streaming_jar_args(step_num), *self.step_options(step_num)]

    def _step_input_uris(self, step_num: int) -> list[str]:
        return self.step_inputs(step_num, super()._step_input_uris(step_num))

    def _add_input_files_for_upload(self) -> None:
        """Does nothing: the runner added them when it took its inputs."""

    def _pick_error(self, log_interpretation: Any, step_type: str) -> None:
        """Does nothing: mrjob would search for logs in the wrong places."""


class _Uploads:
    """Replaces a file system while mrjob uploads, and records in `files` what goes where."""

    def __init__(self, fs: Any, files: dict[str, str]) -> None:
        self._fs, self._files = fs, files

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def mkdir(self, path: str) -> None:
        """Does nothing: folders are created with their files."""

    def put(self, path: str, place: str) -> None:
        """Records an upload."""
        self._files[place] = path


def interpret_client(lines: Iterator[bytes]) -> dict[str, Any]:
    """The counters of a step, and errors of its attempts, from the output of Hadoop's client."""
    from mrjob.logs.step import _interpret_hadoop_jar_command_stderr, _log_log4j_record

    step: dict[str, Any] = _interpret_hadoop_jar_command_stderr(lines, record_callback=_log_log4j_record)
    return step


class HadoopAdapter(StreamingAdapter, HadoopJobRunner):
    """mrjob's Hadoop runner."""

    def run_client(
        self, command: Sequence[str], environment: Mapping[str, str] | None, number: int
    ) -> tuple[int, dict[str, Any]]:
        """Runs Hadoop's client for a step; returns its exit status and the result of `interpret_client`."""
        raise NotImplementedError

    @property
    def folder(self) -> str:
        """The folder of the run's files on HDFS, without a trailing slash."""
        return str(self._hadoop_tmp_dir)

    def remove_files(self) -> None:
        """Removes the run's files on HDFS."""
        raise NotImplementedError

    def assume_version(self, version: str) -> None:
        """Sets Hadoop's version, so that mrjob does not ask Hadoop, which takes a second."""
        self.fs.hadoop._hadoop_version = version

    def _cleanup_hadoop_tmp(self) -> None:
        self.remove_files()

    def _run_hadoop(self, hadoop_args: Any, env: Any, record_callback: Any) -> tuple[int, dict[str, Any]]:
        return self.run_client(hadoop_args, env, len(self._log_interpretations) - 1)


class EMRAdapter(RunnerAdapter, EMRJobRunner):
    """mrjob's EMR runner, as far as it requests clusters."""

    def cluster_request(self, persistent: bool = False) -> dict[str, Any]:
        """The arguments of RunJobFlow."""
        request: dict[str, Any] = super()._cluster_kwargs(persistent)
        return request

    def default_folder(self) -> str:
        """The folder on S3 for the run's files if none is configured."""
        raise NotImplementedError

    def before_finding_cluster(self) -> None:
        """Called before a cluster of the pool is searched for."""

    def step_dicts(self) -> list[dict[str, Any]]:
        """The steps, as submitted to EMR."""
        steps: list[dict[str, Any]] = self._steps_to_submit()
        return steps

    def prepare(self) -> None:
        """Prepares the parts of the request, and uploads what it refers to."""
        self._prepare_for_launch()

    def assume_image(self, version: str) -> None:
        """Sets EMR's version, so that mrjob does not ask a cluster."""
        self.get_image_version = lambda: version

    def make_archives(self) -> None:
        """Archives the folders that are shipped to tasks."""
        self._create_dir_archives()

    def forget_cloud(self) -> None:
        """Limits the runner's cleanup to local files."""
        self._opts["cleanup"] = self._opts["cleanup_on_failure"] = ["LOCAL_TMP"]

    def discard(self) -> None:
        """Removes the runner's local files."""
        self._cleanup_local_tmp()

    def upload_uri(self, path: str) -> str | None:
        """Where a file is uploaded to; None if it is not."""
        uri: str | None = self._upload_mgr.path_to_uri().get(path)
        return uri

    def _set_cloud_tmp_dir(self) -> None:
        # mrjob would search all buckets for one, or create one.
        self._opts["cloud_tmp_dir"] = self.default_folder()

    def _fix_opt(self, opt_key: str, opt_value: Any, source: str) -> Any:
        # mrjob's default region would be one that the user never chose.
        return opt_value if opt_key == "region" else super()._fix_opt(opt_key, opt_value, source)

    def _find_cluster(self) -> Any:
        self.before_finding_cluster()
        return super()._find_cluster()

    def _cluster_kwargs(self, persistent: bool = False) -> dict[str, Any]:
        return self.cluster_request(persistent)


class EMRStreamingAdapter(StreamingAdapter, EMRAdapter):
    """mrjob's EMR runner, as far as it runs steps."""

    def check_folder(self, uri: str) -> None:
        """Raises UsageError if a folder cannot be used."""

    def check_steps(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """Raises ClusterError if steps must not be submitted."""

    def streaming_step(self, number: int) -> dict[str, Any]:
        """EMR's HadoopJarStep that runs Hadoop Streaming for a step."""
        raise NotImplementedError

    def await_step(self, step_id: str, number: int) -> None:
        """Waits until a step has succeeded. Raises ClusterError, or the reason why it failed."""
        raise NotImplementedError

    def launch_and_wait(self) -> None:
        """Runs all steps on a cluster."""
        self._launch_emr_job()
        self._wait_for_steps_to_complete()

    def run_attempts(self) -> None:
        """Runs the job on a cluster, and again on another if the first is lost."""
        raise NotImplementedError

    def started_cluster(self, cluster_id: str) -> None:
        """Called when a cluster has been requested."""

    def default_steps_folder(self) -> str:
        """The output folder of steps that are not the last one."""
        raise NotImplementedError

    def remove_cloud_files(self) -> None:
        """Removes the run's files from S3."""
        raise NotImplementedError

    @property
    def folder(self) -> str:
        """The folder of the run's files on S3, without a trailing slash."""
        return str(self._cloud_tmp_dir).rstrip("/")

    @property
    def cluster_id(self) -> str | None:
        """The cluster's id, once there is one."""
        cluster: str | None = self._cluster_id
        return cluster

    def forget_cluster(self) -> None:
        """Forgets a cluster that was lost, and its steps, so that another one is created."""
        self._cluster_id, self._created_cluster = None, False
        self._step_ids.clear()

    @property
    def step_ids(self) -> Sequence[str]:
        """Ids of the steps that were submitted."""
        ids: Sequence[str] = self._step_ids
        return ids

    @property
    def succeeded(self) -> bool:
        """Whether the job has run to its end."""
        return bool(self._ran_job)

    @property
    def log_folder(self) -> str | None:
        """Where EMR writes the cluster's logs."""
        folder: str | None = self._s3_log_dir()
        return folder

    def described_cluster(self) -> dict[str, Any]:
        """EMR's description of the cluster."""
        cluster: dict[str, Any] = self._describe_cluster()
        return cluster

    def instance_groups(self) -> list[dict[str, Any]]:
        """The cluster's instance groups, if it has no fleets."""
        groups: list[dict[str, Any]] = self._instance_groups()
        return groups

    def pool_tags(self) -> dict[str, str]:
        """Tags by which mrjob finds a cluster of its pools."""
        if not self._opts["pool_clusters"]:
            return {}
        return {"__mrjob_pool_hash": self._pool_hash(), "__mrjob_pool_name": self._opts["pool_name"]}

    def streaming_arguments(self, number: int) -> list[str]:
        """The arguments of Hadoop Streaming for a step."""
        args: list[str] = self._hadoop_streaming_jar_args(number)
        return args

    def add_upload(self, path: str) -> None:
        """Uploads a file with the job's own."""
        self._upload_mgr.add(path)

    def note_step(self, step_id: str, interpreted: dict[str, Any]) -> None:
        """Records the interpreted output of a step's client, for its counters."""
        self._log_interpretations.append({"step_id": step_id, "step": interpreted})

    def _check_and_fix_s3_dir(self, s3_uri: str) -> str:
        self.check_folder(s3_uri)
        return str(super()._check_and_fix_s3_dir(s3_uri))

    def _run(self) -> None:
        self._prepare_for_launch()
        self.run_attempts()

    def _create_cluster(self, persistent: bool = False) -> str:
        cluster = str(super()._create_cluster(persistent))
        self.started_cluster(cluster)
        return cluster

    def _default_step_output_dir(self) -> str:
        return self.default_steps_folder()

    def _streaming_step_hadoop_jar_step(self, step_num: int) -> dict[str, Any]:
        return self.streaming_step(step_num)

    def _add_steps_to_cluster(self, steps: Any) -> None:
        self.check_steps(steps)
        super()._add_steps_to_cluster(steps)

    def _wait_for_step_to_complete(self, step_id: str, step_num: int | None = None) -> None:
        assert step_num is not None
        self.await_step(step_id, step_num)

    def _add_job_files_for_upload(self) -> None:
        """Adds only the files of `add_files`: mrjob would send code a second time, for Spark."""
        self.add_files()

    def add_files(self) -> None:
        """Called when files can be added by `add_upload`."""

    def _cleanup_cloud_tmp(self) -> None:
        self.remove_cloud_files()

    def _cleanup_logs(self) -> None:
        """Does nothing: EMR writes logs after the job has ended; the bucket's lifecycle rules expire them."""

    def _add_tags(self, tags: dict[str, str], cluster_id: str) -> None:
        """Does nothing: a cluster is created with its tags."""

    def _log_address_of_master_once(self) -> None:
        """Does nothing: nobody logs in there."""

    def _check_output_not_exists(self) -> None:
        """Does nothing: that was checked before, and the output is published later."""

    def _wait_for_s3_eventual_consistency(self) -> None:
        """Does nothing: since 2020 S3 is strongly consistent."""


def idle_script() -> str:
    """The path of mrjob's bootstrap action that shuts down the master of an idle cluster."""
    from mrjob.emr import _MAX_MINS_IDLE_BOOTSTRAP_ACTION_PATH

    return str(_MAX_MINS_IDLE_BOOTSTRAP_ACTION_PATH)


class SparkAdapter(RunnerAdapter, SparkMRJobRunner):
    """mrjob's Spark runner."""

    def run_steps(self) -> list[Counters]:
        """Runs all steps; the counters of each."""
        raise NotImplementedError

    @property
    def runs_here(self) -> bool:
        """Whether tasks run on this machine, beside this process."""
        return not self._spark_executors_have_own_wd()

    @property
    def deploy_mode(self) -> str:
        """Where Spark's driver runs."""
        return str(self._spark_deploy_mode())

    @property
    def most_output_files(self) -> int | None:
        """mrjob's option --max-output-files."""
        most: int | None = self._max_output_files
        return most

    @property
    def steps_described(self) -> list[StepDescription]:
        """The descriptions of the steps."""
        steps: list[StepDescription] = self._get_steps()
        return steps

    @property
    def job_module(self) -> str:
        """The name under which tasks import the job's module."""
        return str(self._job_script_module_name())

    @property
    def job_name(self) -> str:
        """The name of the job's class."""
        return str(self._mrjob_cls.__name__)

    def job_arguments(self) -> list[str]:
        """The job's options, as passed to its tasks."""
        args: list[str] = self._mr_job_extra_args(local=self.runs_here)
        return args

    def submit_arguments(self) -> list[str]:
        """The arguments of spark-submit, from the options."""
        args: list[str] = self._spark_submit_args(0)
        return args

    def task_python(self) -> list[str]:
        """The interpreter of tasks."""
        python: list[str] = self._task_python_bin()
        return python

    def more_python_files(self) -> list[str]:
        """What tasks on other machines import besides the files of mrjob's options."""
        return []

    def _run(self) -> None:
        self._create_setup_wrapper_scripts()
        super()._upload_local_files()
        self._counters = self.run_steps()

    def _default_python_bin(self, local: bool = False) -> list[str]:
        python: list[str] = super()._default_python_bin(local or self.runs_here)
        return python

    def _pick_spark_tmp_dir(self) -> str:
        # Output that is only printed is kept, and removed, with the job's other temporary files.
        return str(Path(self._opts["spark_tmp_dir"] or self._get_local_tmp_dir(), f"{self._job_key}-spark"))

    def _cleanup_local_tmp(self) -> None:
        shutil.rmtree(self._spark_tmp_dir, ignore_errors=True)
        super()._cleanup_local_tmp()

    def _py_files(self) -> list[str]:
        # Tasks on other machines import the job, its packages and mrjob.
        if self.runs_here:
            return list(self._opts["py_files"])
        return [*super()._py_files(), *self.more_python_files()]

    def _add_input_files_for_upload(self) -> None:
        """Does nothing: tasks open the inputs in place."""
