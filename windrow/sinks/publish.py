"""Parts that appear together, by one rename, or not at all."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from windrow.errors import OutputError

#: What an output directory says of its parts; the underscore hides it from Hadoop.
DESCRIPTION = "_windrow.json"


def refuse_taken(output: str) -> None:
    """Raises OutputError where an output's place is taken: nothing is ever overwritten or mixed."""
    path = Path(output)
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.exists() or path.is_symlink():
        what = "is not empty" if path.is_dir() else "is a file"
        raise OutputError(f"{output}: exists and {what}; a job writes a new directory only; remove it, or choose another"
                          " by --output-dir")


@contextmanager
def staged(output: str, description: dict[str, Any]) -> Iterator[str]:
    """A directory beside `output` to write parts into; it becomes `output`, described, unless an error leaves the block.

    A run that is killed leaves only that directory behind, whose name begins with a dot.
    """
    final = Path(output).absolute()
    staging = final.with_name(f".{final.name}.windrow-{os.getpid()}")
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{output}: cannot be made: {error.strerror}; choose another place by --output-dir") from error
    try:
        yield str(staging)
        (staging / DESCRIPTION).write_text(json.dumps(description) + "\n")
        (staging / "_SUCCESS").touch()
        os.replace(staging, final)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
