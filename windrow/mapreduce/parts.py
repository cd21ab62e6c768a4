"""The parts that an output must have: one of each task that reported its end."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from windrow.errors import OutputError
from windrow.mapreduce.counters import COUNTS
from windrow.storage.publish import INNER

#: Names of parts, of any format. A name's suffix follows the number.
_PART = re.compile(r"part-\d+(.*)")
#: A task counts itself among the last of these that it reaches.
_TASKS = ("reduce tasks", "map tasks")


def expected_parts(
    counters: Sequence[Mapping[str, Mapping[str, int]]], with_parts: Iterable[int], suffix: str
) -> Counter[str]:
    """How many parts of each suffix the output has, by the tasks of each step; none for steps that are mrjob's own.

    The parts of the last step end in `suffix`; those of the steps `with_parts`, if they are not the last, in INNER too.

    >>> two_steps = [{"windrow": {"map tasks": 9, "reduce tasks": 3}}, {"windrow": {"reduce tasks": 2}}]
    >>> expected_parts(two_steps, [0], ".parquet")
    Counter({'-inner.parquet': 3, '.parquet': 2})
    >>> expected_parts([{"windrow": {"map tasks": 9}}], [], "")
    Counter({'': 9})
    """
    expected: Counter[str] = Counter()
    for number, step in enumerate(counters):
        tasks = next((count for name in _TASKS if (count := step.get(COUNTS, {}).get(name, 0))), 0)
        if number == len(counters) - 1:
            expected[suffix] = tasks
        elif number in with_parts:
            expected[INNER + suffix] = tasks
    return +expected


def check_parts(names: Iterable[str], expected: Mapping[str, int], output: str) -> None:
    """Raises OutputError unless an output, of files with these names, has all parts.

    >>> check_parts(["part-00000", "part-00001"], {"": 3}, "out")
    Traceback (most recent call last):
    windrow.errors.OutputError: out: has 2 parts, but 3 tasks wrote one; something else writes or ...
    """
    found = Counter(part[1] for part in map(_PART.fullmatch, names) if part)
    for suffix, tasks in expected.items():
        if found[suffix] != tasks:
            raise OutputError(
                f"{output}: has {found[suffix]} parts{suffix and f' named *{suffix}'}, but {tasks} tasks wrote one;"
                " something else writes or removes files there; choose another place with --output-dir, and run the job"
                " again"
            )
