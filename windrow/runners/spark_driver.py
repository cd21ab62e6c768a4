"""Spark's driver in this process: how its JVM is started and ended, and why it failed."""

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
from windrow.runners.failures import last_lines, traceback_in
from windrow.runners.launch import TaskError

_MORE = "to see more: run it again with -v"
#: Left out of a task's traceback: how Spark called the task, and SQL's error number.
_SPARKS_OWN = re.compile(r'  File "[^"]*/pyspark/[^"]*", line .*\n(?:    .*\n)*|\n SQLSTATE: \w+$')
#: Seconds to wait for the JVM to end after it was asked to.
_ENDS = 10


def check_installed() -> None:
    """Raises UsageError, before any work, if there is no pyspark or Java."""
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

    Spark's output goes to the file `log`, or to standard error. If a task fails, TaskError carries its output.
    """
    from py4j.protocol import Py4JError
    from pyspark import SparkContext

    if SparkContext._active_spark_context is not None:
        raise UsageError("-r spark: this process already has a SparkContext; stop that first, with its stop()")
    variables = {**environment, "PYSPARK_SUBMIT_ARGS": cmd_line([*arguments, "pyspark-shell"])}
    with _environment(variables), _as_it_was(SparkContext), _without_warnings(), open(log or os.devnull, "ab") as file:
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


def _launch(output: Any, log: Path | None) -> Any:
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    try:
        return launch_gateway(popen_kwargs={"stdout": output, "stderr": output})
    except PySparkRuntimeError:
        reason = last_lines(log.read_text(errors="replace")) if log else "its output is above"
        raise UsageError(
            f"-r spark: Spark did not start: {reason}; check that this pyspark supports the installed Java, and Spark's"
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
    """Defers Ctrl-C, `kill` and a closed terminal: otherwise pyspark could lose a JVM that is just starting."""
    if current_thread() is not main_thread():
        yield
        return
    received: list[int] = []
    held = [signal.SIGINT, signal.SIGTERM]
    held += [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else []
    before = [signal.signal(held_back, lambda number, _: received.append(number)) for held_back in held]
    try:
        yield
    finally:
        for held_back, handler in zip(held, before, strict=True):
            signal.signal(held_back, handler)
        for number in received[:1]:
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
    """Restores pyspark's state and the handler of Ctrl-C, so that the JVM is not used again."""
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
    """Hides warnings that do not concern the user.

    pyspark warns of a pandas newer than it supports, but nothing here uses pandas. py4j logs tracebacks if Ctrl-C comes
    while Spark works, through its own logger and the root logger.
    """
    root, py4j, silent = logging.getLogger(), logging.getLogger("py4j"), logging.NullHandler()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pyspark")
        root.addFilter(_is_not_py4js)  # py4j logs some as the root
        py4j.addHandler(silent)
        py4j.propagate, before = False, py4j.propagate
        try:
            yield
        finally:
            root.removeFilter(_is_not_py4js)
            py4j.removeHandler(silent)
            py4j.propagate = before


def _is_not_py4js(record: logging.LogRecord) -> bool:
    return "py4j" not in Path(record.pathname).parts


def explain(message: str) -> str:
    """Why a job failed, from the driver's message: the task's traceback, if there is one.

    >>> message = "An error occurred while calling o1.x.\\n: org.apache.spark.SparkException: Job aborted: gone.\\n"
    >>> explain(message).splitlines()[0]
    'Spark failed the job: Job aborted: gone.'
    """
    _, begins, traceback = message.partition("Traceback (most recent call last)")
    output = _SPARKS_OWN.sub("", traceback_in(begins + traceback))
    if not output:
        found = re.search(r"^: [\w.$]+: (.*)", message, re.MULTILINE)
        output = f"Spark failed the job: {found[1] if found else message}"
    return f"{output}\n{_MORE}"
