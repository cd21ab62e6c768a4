"""The parts that an output must have: one of each task that reported its end."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from windrow.errors import OutputError
from windrow.mapreduce.counters import COUNTS
from windrow.storage.publish import INNER

#: Names of parts, of any format. A name's suffix follows the number.
_PART = re.compile(r"part-(\d+)(.*)")
#: A task counts itself among the last of these that it reaches.
_TASKS = ("reduce tasks", "map tasks")


class Parts(NamedTuple):
    """How many parts there must be: so many, or, unless that is `exact`, so many at least."""

    number: int
    exact: bool = True


def expected_parts(
    counters: Sequence[Mapping[str, Mapping[str, int]]],
    with_parts: Iterable[int],
    suffix: str,
    reducers: Callable[[int], int | None],
    all_report: bool,
) -> dict[str, Parts]:
    """How many parts of each suffix the output has, by the tasks of each step; none for steps that are mrjob's own.

    The parts of the last step end in `suffix`; those of the steps `with_parts`, if they are not the last, in INNER too.
    A task reports its end in a counter. Hadoop drops the counters of tasks without input, so unless `all_report` the
    number of `reducers` of a step decides, if it was asked for.

    >>> two_steps = [{"windrow": {"map tasks": 9, "reduce tasks": 3}}, {"windrow": {"reduce tasks": 2}}]
    >>> expected_parts(two_steps, [0], ".parquet", lambda step: None, all_report=True)
    {'-inner.parquet': Parts(number=3, exact=True), '.parquet': Parts(number=2, exact=True)}
    >>> expected_parts(two_steps[1:], [], "", lambda step: 8, all_report=False)
    {'': Parts(number=8, exact=True)}
    >>> expected_parts([{"windrow": {"map tasks": 9}}], [], "", lambda step: 8, all_report=False)
    {'': Parts(number=9, exact=False)}
    """
    expected: dict[str, Parts] = {}
    for number, step in enumerate(counters):
        counted = step.get(COUNTS, {})
        kind = next((name for name in _TASKS if counted.get(name)), None)
        last = number == len(counters) - 1
        if kind is not None and (last or number in with_parts):
            asked = reducers(number) if kind == _TASKS[0] and not all_report else None
            parts = Parts(counted[kind], all_report) if asked is None else Parts(asked)
            expected[suffix if last else INNER + suffix] = parts
    return expected


def check_parts(names: Iterable[str], expected: Mapping[str, Parts], output: str) -> None:
    """Raises OutputError unless an output, of files with these names, has all parts.

    >>> check_parts(["part-00000", "part-00001"], {"": Parts(3)}, "out")
    Traceback (most recent call last):
    windrow.errors.OutputError: out: has 2 parts, but 3 tasks wrote one; something else writes or ...
    >>> check_parts(["part-00000", "part-00002"], {"": Parts(1, exact=False)}, "out")
    Traceback (most recent call last):
    windrow.errors.OutputError: out: has 2 parts, numbered with gaps, ...
    """
    found: dict[str, set[int]] = {}
    for part in filter(None, map(_PART.fullmatch, names)):
        found.setdefault(part[2], set()).add(int(part[1]))
    for suffix, parts in expected.items():
        numbers = found.get(suffix, set())
        gaps = numbers != set(range(len(numbers)))
        if len(numbers) < parts.number or (parts.exact and len(numbers) > parts.number) or gaps:
            raise OutputError(
                f"{output}: has {len(numbers)} parts{suffix and f' named *{suffix}'}"
                f"{', numbered with gaps' * gaps}, but {parts.number} tasks wrote one; something else writes or removes"
                " files there; choose another place with --output-dir, and run the job again"
            )
