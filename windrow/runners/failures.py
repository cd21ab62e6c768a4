"""Why a step failed on Hadoop: from the output of its client, and what its tasks wrote to standard error.

Hadoop's client reports only Java's side of a task's failure: "subprocess failed with code 1". The task's own output is
in its log on some node, or, if Hadoop runs in one process, in the client's.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from windrow.errors import InputError, OutputError
from windrow.runners.launch import TaskError

#: How many of a task's last lines are shown if there is no traceback.
_LAST_LINES = 15
#: A line of Java's logging, by its date: 2026-11-21 14:00:00,123 or 26/11/21 14:00:00.
_LOGGED = re.compile(r"(\d{4}-\d\d-\d\d|\d\d/\d\d/\d\d) \d\d:\d\d:\d\d")
#: Noise: commands traced by mrjob's wrapper, Java's logging of itself, Streaming's reports.
_NOISE = re.compile(r"\+ |log4j:|SLF4J|WARNING: |reporter:|packageJobJar:")
#: Where a task's own output ends and Java's stack trace begins.
_JAVAS = re.compile(r"java\.|\tat ")
#: The folder in which a task runs.
_CONTAINER = re.compile(r'File "/[^"]*/container_\w+/')
_DAMAGED = re.compile(
    r"EOFException|ZipException|ZlibFactory|bad block|BZip2|IOException: (incorrect|invalid|not a)"
)  # errors of Hadoop's own readers of gzip and bzip2
#: The last line of a task that could not write its part.
_FULL = re.compile(
    r"^OSError: .*: cannot be written: (.*(?:quota|No space|could only be written to 0).*)", re.MULTILINE
)
#: The last line of a task that could not read its part of a file.
_UNREACHED = re.compile(r"^OSError: (.*: WebHDFS is not reached .*)", re.MULTILINE)
_SHIP = "ship an environment to the tasks: windrow pack, then --environment FILE"
_MORE = "-D mapreduce.map.memory.mb=MB or -D mapreduce.reduce.memory.mb=MB"
#: Text in a message -> the fix.
_FIXES = (
    ("No module named", f"the Python of the cluster's nodes lacks it; {_SHIP}"),
    (": not found", f"the cluster's nodes lack that command; name their Python with --task-python-bin, or {_SHIP}"),
    (
        "Too many counters",
        "so many tasks were stopped by their inputs that Hadoop has no counters for what they report; to see it, run"
        " the job over a few of the inputs, or with -r local",
    ),
    ("memory limit", f"give each task more with {_MORE}, or make a reducer hold less with --slot SPAN"),
    ("code 137", f"out of memory; give each task more with {_MORE}, or make a reducer hold less with --slot SPAN"),
)


class Failure(NamedTuple):
    """A failed step."""

    attempts: Sequence[str]
    """Hadoop's message for each failed attempt of a task."""
    client: str
    """The last output of its client."""
    logs: Sequence[str]
    """What each task wrote to standard error, if Hadoop aggregates logs."""


def explain(failure: Failure, more: str, inputs: Sequence[str], output: str) -> Exception:
    """The error to raise for a failed step; `more` says how to see more.

    Of Hadoop's own exceptions the first line is enough. A task's traceback is shown in full.
    """
    reasons = [_first_line(message) for message in failure.attempts]
    for reason in reasons:
        if "Quota" in reason or "No space" in reason:
            return OutputError(
                f"{output}: HDFS has no space for it: {reason}; free some, or choose another place; {more}"
            )
    for reason, message in zip(reasons, failure.attempts, strict=True):
        if _DAMAGED.search(message):
            files = ", ".join(inputs[:5]) + (" ..." if len(inputs) > 5 else "")
            which = "is" if len(inputs) == 1 else "one of these is"
            return InputError(f"{files}: {which} truncated or damaged: {reason}; get it again; {more}")
    told = _first(traceback_in, [*failure.logs, failure.client])
    if unreached := _UNREACHED.search(told):
        return InputError(unreached[1])
    if full := _FULL.search(told):
        return OutputError(f"{output}: HDFS has no space for it: {full[1]}; free some, or choose another place; {more}")
    if not told:
        reason = reasons[0] if reasons else refusal_in(failure.client)
        told = f"{_first(last_lines, failure.logs)}\nHadoop failed the job: {reason}".lstrip()
    fix = [fix for sign, fix in _FIXES if sign in told][:1]
    if not (fix or failure.logs) and "subprocess failed" in told:
        fix = ["the task's output is in its log on a node: this cluster does not aggregate logs"]
    return TaskError("\n".join([told, *fix, more]))


def _first(find: Callable[[str], str], logs: Iterable[str]) -> str:
    return next(filter(None, map(find, logs)), "")


def split_logs(gathered: str) -> list[str]:
    """The logs in what `yarn logs` prints.

    >>> split_logs("Container: 1\\n=====\\nLogType:stderr\\nLogContents:\\nKilled\\n\\nEnd of LogType:stderr\\n")
    ['Killed\\n']
    """
    return re.findall(r"^LogContents:\n(.*?)\nEnd of LogType", gathered, re.MULTILINE | re.DOTALL)


def _first_line(message: str) -> str:
    """The first line of a Java exception, without the name of its class's package.

    >>> _first_line("Error: java.io.EOFException: Unexpected end\\n\\tat java.base/java.util.zip ...")
    'EOFException: Unexpected end'
    """
    line = (message.strip().splitlines() or [""])[0].removeprefix("Error: ")
    return re.sub(r"^(?:[a-z]\w*\.)+(?=[A-Z])", "", line)


def traceback_in(text: str) -> str:
    """The first Python traceback in a log; empty if there is none.

    >>> traceback_in("+ sh\\nTraceback (most recent call last):\\n  File ...\\nKeyError: 1\\njava.lang.Exception")
    'Traceback (most recent call last):\\n  File ...\\nKeyError: 1'
    """
    found: list[str] = []
    for line in _tasks_lines(text):
        starts = line.startswith("Traceback (most recent call last)")
        if not found and not starts:
            continue
        if _JAVAS.match(line) or (starts and found and found[-1] != ""):
            break
        found.append(line)
    return _CONTAINER.sub('File "', "\n".join(found).rstrip())


def last_lines(text: str) -> str:
    """The last lines of a log that a task may have written.

    >>> last_lines("+ python3.9 job.py\\nsetup-wrapper.sh: 30: python3.9: not found\\n")
    'setup-wrapper.sh: 30: python3.9: not found'
    """
    lines = [line for line in _tasks_lines(text) if line.strip() and not _JAVAS.match(line)]
    return "\n".join(lines[-_LAST_LINES:])


def _tasks_lines(text: str) -> list[str]:
    return [line for line in text.replace("\r", "").split("\n") if not (_LOGGED.match(line) or _NOISE.match(line))]


def refusal_in(text: str) -> str:
    """Why the client did not start a job, or gave up: the last line that reports it.

    >>> refusal_in("26/11/21 14:00:00 ERROR streaming.StreamJob: Error Launching job : No queue q\\nFailed!")
    'Error Launching job : No queue q'
    """
    found = re.findall(r"(?:ERROR [\w.]+: |failed with state \w+ due to: |^Exception in thread \S+ )(.+)", text, re.M)
    return found[-1].strip() if found else "it gave no reason"
