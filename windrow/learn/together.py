"""One global model: trained on shares by several workers, round by round; see windrow/learn/averaging.py.

What the submitter does needs no jax: it gives out tasks, one a share, and averages the states that come back.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from time import perf_counter
from typing import Any, BinaryIO

import numpy as np

from windrow.learn.averaging import averaged, epochs_of
from windrow.learn.engine import Spent
from windrow.learn.evaluation import shortened
from windrow.learn.forecasting import Plan
from windrow.learn.rowfiles import read_share, read_state, write_state
from windrow.learn.training import Adam, Series, train


@dataclass
class Together:
    """The rounds of a global model: `tasks` of a round, the `state` that each starts from, and what they return.

    files: those of each share. held_out: those of what is held out, for the tasks that test the model.
    """

    plan: Plan
    files: Sequence[Sequence[str]]
    held_out: Sequence[str]
    _done: int = 0
    _state: Adam | None = None
    _losses: list[float] = field(default_factory=list)
    _times: list[dict[str, Any]] = field(default_factory=list)
    _since: float = 0.0

    def tasks(self) -> list[Any]:
        """What each task of the next round gets; none if all rounds are done."""
        self._since = perf_counter()
        if self._done == self.plan.rounds:
            return []
        return [{"share": share, "round": self._done, "files": list(files)} for share, files in enumerate(self.files)]

    def last(self) -> list[Any]:
        """What each task that tests the model gets."""
        return [{"files": [file], "first": not number} for number, file in enumerate(self.held_out)]

    def state(self) -> bytes:
        """What all tasks of a round get, and those that test the model afterwards."""
        file = BytesIO()
        told = {"losses": list(map(shortened, self._losses)), "times": self._times, "rounds": self.plan.rounds}
        if self._state is not None:
            write_state(file, told, self._state)
        return file.getvalue()

    def take(self, lines: Iterable[bytes]) -> None:
        """Takes what the tasks of a round returned, in any order, and averages it."""
        found = [read_state(BytesIO(b64decode(line))) for line in lines]
        found.sort(key=lambda one: one[0]["share"])
        told = [one for one, _ in found]
        counts = [one["sequences"] for one in told]
        self._state = averaged([state for _, state in found], counts)
        self._losses += np.average([one["losses"] for one in told], axis=0, weights=counts).tolist()
        slowest = max(one["seconds"]["all"] for one in told)
        wall = round(perf_counter() - self._since, 3)
        self._done += 1
        for one in told:
            seconds = {**one["seconds"], "waiting": round(slowest - one["seconds"]["all"], 3)}
            where = {"round": self._done, "share": one["share"], "sequences": one["sequences"]}
            self._times.append({**where, "seconds": seconds, "wall": wall})

    def told(self) -> str:
        """How the last round went."""
        return f"round {self._done} of {self.plan.rounds}: loss {self._losses[-1]:.4g}, {self._times[-1]['wall']:.1f} s"


def train_share(plan: Plan, task: Any, files: Iterable[BinaryIO], state: bytes, spent: Spent) -> bytes:
    """A round of a share, in its task: the share's files and the state (empty at first) -> what `Together.take` takes.

    Memory: the share's rows as float32, at most twice.
    """
    series: Series = read_share(files)
    network, recipe = plan.network, replace(plan.recipe, shares=plan.shares)
    begun = read_state(BytesIO(state))[1] if state else Adam.of(network, network.initial(recipe.seed, plan.zero_head))
    epochs = epochs_of(task["round"], plan.rounds, recipe.epochs)
    done = train(network, recipe, begun, series, epochs, (recipe.seed, task["share"]), spent)
    told = {"share": task["share"], "sequences": len(series.starts), "losses": done.losses, "seconds": spent.told()}
    file = BytesIO()
    write_state(file, told, done.state)
    return b64encode(file.getvalue())
