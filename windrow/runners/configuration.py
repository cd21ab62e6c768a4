"""mrjob's configuration files, checked before mrjob reads them.

mrjob shows tracebacks, or takes what it cannot use for empty.

What a file says is data: a tag that would make an object of Python is refused, and nothing of it is run.
"""

import os
from collections.abc import Iterator, Sequence
from glob import glob
from typing import Any

from mrjob.conf import find_mrjob_conf
from mrjob.util import expand_path

from windrow.errors import InputError, UsageError, WindrowError

#: Values in a file, those behind names for parts of it counted each time; a real one has some hundred.
_MOST_VALUES = 100_000
_CLEAR = "!clear"
_MAPPING, _LIST, _COMMAND, _PATH = "a mapping", "a list", "a command (text, or words)", "a path"
#: How mrjob combines the values of an option -> what it takes for one.
_KINDS = {
    "combine_dicts": _MAPPING, "combine_envs": _MAPPING, "combine_local_envs": _MAPPING, "combine_jobconfs": _MAPPING,
    "combine_lists": _LIST, "combine_path_lists": _LIST, "combine_cmds": _COMMAND, "combine_paths": _PATH,
}  # fmt: skip
_TAKEN: dict[str, tuple[type, ...]] = {
    _MAPPING: (dict,), _LIST: (list, str), _COMMAND: (list, str), _PATH: (str,)
}  # fmt: skip


def check_files(paths: Sequence[str] | None) -> None:
    """Raises InputError for a file, or one that it includes, that mrjob cannot use; None: its usual ones."""
    usual = find_mrjob_conf() if paths is None else None
    waiting = [expand_path(path) for path in (paths if paths is not None else [usual] if usual else [])]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop()
        real = os.path.realpath(path)
        if real not in seen:  # mrjob reads each once, too
            seen.add(real)
            waiting += [os.path.join(os.path.dirname(real), expand_path(name)) for name in _includes(path)]


def _includes(path: str) -> Sequence[str]:
    """The files that a file includes, after checking it."""
    read = _read(path)
    if read is None:
        return []
    if not isinstance(read, dict) or not isinstance(read.get("runners") or {}, dict):
        raise _refused(path, "has no mapping of runners at its top")
    for alias, options in (read.get("runners") or {}).items():
        if not isinstance(options or {}, dict):
            raise _refused(path, f"has {_shown(options)} for runner {alias}, where a mapping of options belongs")
    included = read.get("include") or []
    names = [included] if isinstance(included, str) else included
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise _refused(path, f"includes {_shown(included)}, where names of files belong")
    return names


def _read(path: str) -> Any:
    import yaml  # type: ignore[import-untyped]  # when there is a file: it takes a tenth of a job's start

    class Loader(yaml.SafeLoader):
        """As mrjob's, whose own tag means that other files' values do not count."""

    def cleared(loader: Any, node: Any) -> Any:
        build = {"mapping": loader.construct_mapping, "sequence": loader.construct_sequence}.get(node.id)
        return build(node, deep=True) if build else yaml.safe_load(node.value)

    Loader.add_constructor(_CLEAR, cleared)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if any(number == _MOST_VALUES for number, _ in enumerate(_values(yaml.compose(text, Loader)))):
            raise _refused(path, f"has more than {_MOST_VALUES:,} values")
        return yaml.load(text, Loader)  # noqa: S506  it is a SafeLoader
    except OSError as error:
        raise InputError(
            f"-c {path}: cannot be read: {error.strerror}; name an mrjob configuration file, or leave -c out"
        ) from None
    except RecursionError:
        raise _refused(path, "is nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f"line {mark.line + 1}: {problem}" if mark else " ".join(str(error).split())
        raise _refused(path, f"is not YAML of plain values: {where}") from None


def _values(top: Any) -> Iterator[Any]:
    """All nodes of a file; one that is named again, again."""
    waiting = [top] if top is not None else []
    while waiting:
        node = waiting.pop()
        yield node
        if node.id == "mapping":
            waiting += [part for pair in node.value for part in pair]
        elif node.id == "sequence":
            waiting += node.value


def _refused(path: str, why: str) -> InputError:
    return InputError(f"-c {path}: {why}; write an mrjob configuration: runners: {{RUNNER: {{OPTION: VALUE}}}}")


def check_option(name: str, value: Any, combiner: str, source: str) -> None:
    """Raises a WindrowError for a value of an option that mrjob cannot use; `combiner` is mrjob's name of its kind.

    >>> check_option("cmdenv", 5, "combine_envs", "my.conf")
    Traceback (most recent call last):
        ...
    windrow.errors.InputError: -c my.conf: cmdenv is 5, where a mapping belongs; correct it, or leave it out
    """
    kind = _KINDS.get(combiner)
    if kind is None:
        return
    fits = isinstance(value, _TAKEN[kind])
    if not fits:
        raise _misfit(source, f"{name} is {_shown(value)}, where {kind} belongs; correct it, or leave it out")
    if combiner in ("combine_envs", "combine_local_envs"):
        for variable, text in value.items():
            plain = getattr(text, "value", text)  # mrjob's object for !clear has one
            if not (isinstance(variable, str) and isinstance(plain, str | None)):  # it may be secret
                raise _misfit(source, f"{name} sets {variable} to something that is not text; put it in quotes")
    if kind == _COMMAND and not all(isinstance(word, str) for word in value):
        raise _misfit(source, f"{name} is {_shown(value)}, where words belong; put each in quotes")
    if combiner == "combine_path_lists":
        for path in [value] if isinstance(value, str) else value:
            _check_path(name, path, source)


def _check_path(name: str, path: Any, source: str) -> None:
    if not isinstance(path, str):
        raise _misfit(source, f"{name} names {_shown(path)}, where a path belongs; correct it, or leave it out")
    place = expand_path(path.partition("#")[0])
    if "://" not in place and not os.path.exists(place) and not glob(place):
        raise _misfit(source, f"{name} names {path}, which does not exist; correct it, or leave it out")


def _misfit(source: str, why: str) -> WindrowError:
    is_file = source not in ("defaults", "the command line")  # mrjob's words
    return InputError(f"-c {source}: {why}") if is_file else UsageError(f"{source}: {why}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
