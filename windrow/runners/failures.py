"""Why a step failed on Hadoop: from what its client said while it ran, and what its tasks wrote to standard error.

Hadoop's client tells of a task's failure in Java's words: "subprocess failed with code 1". The task's own words are in
its log on some node, or, where Hadoop runs in one process, among the client's.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from windrow.errors import InputError, OutputError
from windrow.runners.tasks import TaskError

#: Lines of a task's last words, where they are no traceback.
_LAST_WORDS = 15
#: A line of Java's logging, by its date: 2026-11-21 14:00:00,123 or 26/11/21 14:00:00.
_LOGGED = re.compile(r"(\d{4}-\d\d-\d\d|\d\d/\d\d/\d\d) \d\d:\d\d:\d\d")
#: Of no use: what the shell runs (mrjob's wrapper says it), Java's logging of itself, Streaming's reports.
_NOISE = re.compile(r"\+ |log4j:|SLF4J|WARNING: |reporter:|packageJobJar:")
#: Where a task's own words end and Java's stack begins.
_JAVAS = re.compile(r"java\.|\tat ")
#: The folder in which a task runs.
_CONTAINER = re.compile(r'File "/[^"]*/container_\w+/')
_DAMAGED = re.compile(
    r"EOFException|ZipException|ZlibFactory|bad block|BZip2|IOException: (incorrect|invalid|not a)"
)  # what Hadoop's own readers of gzip and bzip2 say
_SHIP = "ship an environment to the tasks: windrow pack, then --environment FILE"
_MORE = "-D mapreduce.map.memory.mb=MB or -D mapreduce.reduce.memory.mb=MB"
#: By what the message has in it.
_CURES = (
    ("No module named", f"the Python of the cluster's nodes lacks it; {_SHIP}"),
    (": not found", f"the cluster's nodes lack that command; name their Python with --task-python-bin, or {_SHIP}"),
    ("memory limit", f"give each task more with {_MORE}, or make a reducer hold less with --slot SPAN"),
    ("code 137", f"out of memory; give each task more with {_MORE}, or make a reducer hold less with --slot SPAN"),
)


class Failure(NamedTuple):
    """A failed step."""

    attempts: Sequence[str]
    """What Hadoop said of each failed attempt of a task."""
    client: str
    """What its client said last."""
    logs: Sequence[str]
    """What each task wrote to standard error, where Hadoop gathers that."""


def explain(failure: Failure, more: str, inputs: Sequence[str], output: str) -> Exception:
    """The error to raise for a failed step; `more` says how to see more.

    Of Hadoop's own exceptions the first line says it all. A task's traceback is shown as it is.
    """
    reasons = [_first_line(said) for said in failure.attempts]
    for reason in reasons:
        if "Quota" in reason or "No space" in reason:
            return OutputError(
                f"{output}: HDFS has no space for it: {reason}; free some, or choose another place; {more}"
            )
    for reason, said in zip(reasons, failure.attempts, strict=True):
        if _DAMAGED.search(said):
            files = ", ".join(inputs[:5]) + (" ..." if len(inputs) > 5 else "")
            which = "is" if len(inputs) == 1 else "one of these is"
            return InputError(f"{files}: {which} truncated or damaged: {reason}; get it again; {more}")
    words = _first(traceback_in, [*failure.logs, failure.client])
    if not words:
        reason = reasons[0] if reasons else refusal_in(failure.client)
        words = f"{_first(last_words, failure.logs)}\nHadoop failed the job: {reason}".lstrip()
    cure = [cure for sign, cure in _CURES if sign in words][:1]
    if not (cure or failure.logs) and "subprocess failed" in words:
        cure = ["the task's output is in its log on a node: this cluster does not aggregate logs"]
    return TaskError("\n".join([words, *cure, more]))


def _first(find: Callable[[str], str], logs: Iterable[str]) -> str:
    return next(filter(None, map(find, logs)), "")


def split_logs(gathered: str) -> list[str]:
    """The logs in what `yarn logs` prints.

    >>> split_logs("Container: 1\\n=====\\nLogType:stderr\\nLogContents:\\nKilled\\n\\nEnd of LogType:stderr\\n")
    ['Killed\\n']
    """
    return re.findall(r"^LogContents:\n(.*?)\nEnd of LogType", gathered, re.MULTILINE | re.DOTALL)


def _first_line(said: str) -> str:
    """The first line of a Java exception, without the name of its class's package.

    >>> _first_line("Error: java.io.EOFException: Unexpected end\\n\\tat java.base/java.util.zip ...")
    'EOFException: Unexpected end'
    """
    line = (said.strip().splitlines() or [""])[0].removeprefix("Error: ")
    return re.sub(r"^(?:[a-z]\w*\.)+(?=[A-Z])", "", line)


def traceback_in(text: str) -> str:
    """The first traceback of Python's in a log; nothing where there is none.

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


def last_words(text: str) -> str:
    """The last lines of a log that a task may have written.

    >>> last_words("+ python3.9 job.py\\nsetup-wrapper.sh: 30: python3.9: not found\\n")
    'setup-wrapper.sh: 30: python3.9: not found'
    """
    lines = [line for line in _tasks_lines(text) if line.strip() and not _JAVAS.match(line)]
    return "\n".join(lines[-_LAST_WORDS:])


def _tasks_lines(text: str) -> list[str]:
    return [line for line in text.replace("\r", "").split("\n") if not (_LOGGED.match(line) or _NOISE.match(line))]


def refusal_in(text: str) -> str:
    """Why the client did not start a job, or gave it up: the last line that says so.

    >>> refusal_in("26/11/21 14:00:00 ERROR streaming.StreamJob: Error Launching job : No queue q\\nFailed!")
    'Error Launching job : No queue q'
    """
    found = re.findall(r"(?:ERROR [\w.]+: |failed with state \w+ due to: |^Exception in thread \S+ )(.+)", text, re.M)
    return found[-1].strip() if found else "it gave no reason"
