"""Spark's driver in this process: starting its JVM, ending it, and what it says when it fails."""

import logging
import os
import re
import shutil
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

from mrjob.util import cmd_line

from windrow.errors import UsageError
from windrow.runners.failures import last_words, traceback_in
from windrow.runners.tasks import TaskError

_MORE = "to see more: run it again with -v"
#: What a task's traceback need not tell: how Spark called the task, and an error's number in SQL.
_SPARKS_OWN = re.compile(r'  File "[^"]*/pyspark/[^"]*", line .*\n(?:    .*\n)*|\n SQLSTATE: \w+$')
#: Seconds within which a JVM ends that was told to.
_ENDS = 10


def check_installed() -> None:
    """Refuses, before any work, to run without pyspark or Java."""
    if find_spec("pyspark") is None:
        raise UsageError(
            "-r spark: needs pyspark, which is not installed here; install it with: pip install 'windrow[spark]'"
        )
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    if shutil.which(java) is None:
        raise UsageError(
            f"-r spark: needs Java, but there is no {java}; install Java 17, or set JAVA_HOME to its folder"
        )


@contextmanager
def started(arguments: Sequence[str], environment: Mapping[str, str], log: Path | None) -> Iterator[Any]:
    """A SparkContext in a JVM of its own, started with arguments of spark-submit; it ends with the block.

    What Spark says goes to the file `log`, or to standard error. Where a task fails, TaskError says what it said.
    """
    from py4j.protocol import Py4JError
    from pyspark import SparkContext

    if SparkContext._active_spark_context is not None:
        raise UsageError("-r spark: this process already has a SparkContext; stop that first, with its stop()")
    told = {**environment, "PYSPARK_SUBMIT_ARGS": cmd_line([*arguments, "pyspark-shell"])}
    with _environment(told), _as_it_was(SparkContext), _without_warnings(), open(log or os.devnull, "ab") as file:
        gateway = None
        try:
            with _signals_held_back():
                gateway = _launch(file if log else sys.stderr, log)
            context = SparkContext(gateway=gateway)
            try:
                yield context
            finally:
                context.stop()
        except Py4JError as error:
            raise TaskError(explain(str(error))) from error
        finally:
            if gateway is not None:
                _end(gateway)


def _launch(said: Any, log: Path | None) -> Any:
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    try:
        return launch_gateway(popen_kwargs={"stdout": said, "stderr": said})
    except PySparkRuntimeError:
        output = last_words(log.read_text(errors="replace")) if log else "its output is above"
        raise UsageError(
            f"-r spark: Spark did not start: {output}; check that this pyspark supports the installed Java, and Spark's"
            " options"
        ) from None


def _end(gateway: Any) -> None:
    """Ends the JVM, which has nothing left to do."""
    try:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(_ENDS)
    finally:
        gateway.proc.kill()
        gateway.proc.wait()


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Ctrl-C and `kill` wait for the block's end: pyspark would lose sight of a JVM that it has not yet heard of."""
    if current_thread() is not main_thread():
        yield
        return
    came: list[int] = []
    held = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, lambda number, _: came.append(number)) for one in held]
    try:
        yield
    finally:
        for one, handler in zip(held, before, strict=True):
            signal.signal(one, handler)
        for number in came[:1]:
            signal.raise_signal(number)


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _as_it_was(spark: Any) -> Iterator[None]:
    """Leaves behind neither a JVM that pyspark would use again nor its way to handle Ctrl-C."""
    gateway, jvm, interrupted = spark._gateway, spark._jvm, signal.getsignal(signal.SIGINT)
    spark._gateway = spark._jvm = None
    try:
        yield
    finally:
        spark._gateway, spark._jvm = gateway, jvm
        if current_thread() is main_thread():
            signal.signal(signal.SIGINT, interrupted)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Without what is none of the user's business.

    pyspark warns of a newer pandas than it knows, and nothing here goes through pandas. py4j logs tracebacks where
    Ctrl-C comes while Spark works, in its own name and as if they were the program's.
    """
    root, its, silent = logging.getLogger(), logging.getLogger("py4j"), logging.NullHandler()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pyspark")
        root.addFilter(_is_not_py4js)  # some it logs as the root
        its.addHandler(silent)
        its.propagate, before = False, its.propagate
        try:
            yield
        finally:
            root.removeFilter(_is_not_py4js)
            its.removeHandler(silent)
            its.propagate = before


def _is_not_py4js(record: logging.LogRecord) -> bool:
    return "py4j" not in Path(record.pathname).parts


def explain(said: str) -> str:
    """Why a job failed, from what Spark's driver said: the task's traceback where it is one's.

    >>> said = "An error occurred while calling o1.x.\\n: org.apache.spark.SparkException: Job aborted: gone.\\n\\tat a"
    >>> explain(said).splitlines()[0]
    'Spark failed the job: Job aborted: gone.'
    """
    _, begins, traceback = said.partition("Traceback (most recent call last)")
    words = _SPARKS_OWN.sub("", traceback_in(begins + traceback))
    if not words:
        found = re.search(r"^: [\w.$]+: (.*)", said, re.MULTILINE)
        words = f"Spark failed the job: {found[1] if found else said}"
    return f"{words}\n{_MORE}"
