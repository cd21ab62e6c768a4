"""A sweep's lines of one symbol as columns over its pairs, part by part."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from windrow.arrays import Floats
from windrow.pages.packed import Packed, packed
from windrow.pages.report.results import Figures
from windrow.sweeps.grid import Cell
from windrow.sweeps.ranking import OBJECTIVES, standing
from windrow.trading.figures import TIMES

_NO_FIGURES = {"fast", "slow", "part", "undefined", "trials", *TIMES}
#: Of a pair without a line of a part, and of outputs from before there were these figures.
_UNKNOWN = dict.fromkeys(OBJECTIVES) | {"orders_refused": 0, "trades_total": 0, "ruined": False}
#: What a line of --best has beside figures, and which of that is of the part that it was chosen on.
_OF_BEST = ("walk", "objective", "trials", "deflated_sharpe")
_OF_CHOICE = ("trials", "deflated_sharpe")
#: What maps show, and pairs are ranked by.
RANKED = (*OBJECTIVES, "deflated_sharpe")

#: A text for each pair: the different ones, and which of them a pair has, or -1.
Texts: TypeAlias = tuple[list[str], Floats]


@dataclass(frozen=True)
class Part:
    """Figures of all pairs on one part: a column for each field, NaN where undefined; and the reasons, pair by pair.

    orders: by objective, the pairs' numbers from the best to the worst, as sweeps rank them. trials: of how many pairs
    the best was chosen on it, where that is known. times: when things were, as texts, in the form of reasons.
    """

    fields: dict[str, Floats]
    reasons: dict[str, Texts]
    orders: dict[str, Floats]
    trials: int | None = None
    times: dict[str, Texts] = field(default_factory=dict)

    def packed(self) -> dict[str, Any]:
        """For the page."""
        fields = {field: packed(values) for field, values in self.fields.items()}
        reasons, times = (
            {name: {"texts": texts, "which": packed(which)} for name, (texts, which) in those.items()}
            for those in (self.reasons, self.times)
        )
        orders = {objective: packed(order) for objective, order in self.orders.items()}
        return {"fields": fields, "reasons": reasons, "times": times, "orders": orders, "trials": self.trials}


@dataclass(frozen=True)
class Swept:
    """One symbol's sweep: its pairs, ascending, its parts by name, and, with --best alone, each walk's best pair."""

    pairs: list[Cell]
    parts: dict[str, Part]
    best: list[Figures]

    def walks(self) -> list[tuple[str, str | None]]:
        """The names of the parts that pairs are chosen on, each with the part they are tested on, if there is one."""
        return _walks(self.parts)

    def best_pair(self, part: str, objective: str) -> Cell:
        """The pair that a sweep ranks first on a part, by the objective."""
        return self.pairs[int(self.parts[part].orders[objective][0])]

    def packed(self, around: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """For the page; `around` is what is before and behind the windows of the averages, fast and slow."""
        fast, slow = (packed(np.array(windows, np.float64)) for windows in zip(*self.pairs, strict=True))
        parts: dict[str, Packed] = {name: part.packed() for name, part in self.parts.items()}
        return {"fast": fast, "slow": slow, "around": list(around), "parts": parts, "best": self.best}


def swept(lines: Iterable[Figures]) -> Swept:
    """One symbol's sweep from its lines, in any order; a pair without a line of a part has no figures there.

    >>> sweep = swept([{"fast": 5, "slow": 21, "part": "all", "pnl": None, "undefined": {"pnl": "why"}}])
    >>> sweep.pairs, sweep.parts["all"].fields, sweep.parts["all"].reasons
    ([(5, 21)], {'pnl': array([nan])}, {'pnl': (['why'], array([0.]))})
    """
    rows, best = _by_part(lines)
    pairs = sorted({pair for part in rows.values() for pair in part})
    return Swept(pairs, {name: _part(pairs, found) for name, found in rows.items()}, best)


class Chosen(NamedTuple):
    """The pair that a sweep chooses on the first part of its walks: where it is chosen and tested, and its figures."""

    pair: Cell
    train: str
    test: str | None
    on_train: Figures
    on_test: Figures | None


def chosen(lines: Iterable[Figures], objective: str) -> Chosen | None:
    """One symbol's choice from its lines; None where there is none.

    >>> found = chosen([{"fast": 5, "slow": slow, "part": "all", "pnl": 60.0 - slow} for slow in (30, 20)], "pnl")
    >>> found.pair, found.train, found.on_train["pnl"]
    ((5, 20), 'all', 40.0)
    """
    rows, _ = _by_part(lines)
    if not rows:
        return None
    train, test = _walks(rows)[0]
    standings = {pair: standing({**_UNKNOWN, **line}, objective) for pair, line in rows[train].items()}
    pair = min(standings, key=lambda pair: (standings[pair], pair))
    return Chosen(pair, train, test, rows[train][pair], rows[test].get(pair) if test else None)


def _walks(parts: Iterable[str]) -> list[tuple[str, str | None]]:
    names = list(parts)
    tests = {name.replace("train", "test"): name for name in names if name.startswith("train")}
    if not tests:
        return [(name, None) for name in names]
    return [(train, test if test in names else None) for test, train in tests.items()]


def _by_part(lines: Iterable[Figures]) -> tuple[dict[str, dict[Cell, Figures]], list[Figures]]:
    """The figures of each part's pairs, and what lines of --best tell of each walk."""
    best: list[Figures] = []
    rows: dict[str, dict[Cell, Figures]] = {}
    for line in lines:
        pair = (line["fast"], line["slow"])
        if pair == (None, None):  # on that walk no pair has the objective
            continue
        if "part" in line:
            rows.setdefault(line["part"], {})[pair] = line
            continue
        best.append({"fast": pair[0], "slow": pair[1]} | {name: line[name] for name in _OF_BEST if name in line})
        for name in ("all", "train", "test"):
            if name in line:
                part = f"{name} {line['walk']}" if "walk" in line else name
                rows.setdefault(part, {})[pair] = line[name] if name == "test" else _with_choice(line, line[name])
    return rows, best


def _part(pairs: Sequence[Cell], found: dict[Cell, Figures]) -> Part:
    lines = [found.get(pair, {}) for pair in pairs]
    names = dict.fromkeys(name for line in lines for name in line if name not in _NO_FIGURES)
    fields = {name: np.array([line.get(name) for line in lines], np.float64) for name in names}
    whys = {name: [line.get("undefined", {}).get(name) for line in lines] for name in names}
    reasons = {name: _texts(why) for name, why in whys.items() if any(why)}
    orders = {name: _order(lines, name) for name in RANKED if name in fields}
    moments = {name: [line.get(name) for line in lines] for name in TIMES}
    times = {name: _texts(found) for name, found in moments.items() if any(found)}
    return Part(fields, reasons, orders, next((line["trials"] for line in lines if "trials" in line), None), times)


def _with_choice(line: Figures, figures: Figures) -> Figures:
    """The figures of the part that the best pair was chosen on, with what its line tells of the choice."""
    told = {name: line[name] for name in _OF_CHOICE if name in line}
    whys = {name: why for name, why in line.get("undefined", {}).items() if name in told}
    return told | figures | {"undefined": whys | figures.get("undefined", {})}


def _order(lines: Sequence[Figures], objective: str) -> Floats:
    standings = [standing({**_UNKNOWN, **line}, objective) for line in lines]
    return np.array(sorted(range(len(lines)), key=lambda at: (standings[at], at)), np.float64)


def _texts(found: Sequence[str | None]) -> Texts:
    number = {text: at for at, text in enumerate(dict.fromkeys(text for text in found if text))}
    return list(number), np.array([number[text] if text else -1 for text in found], np.float64)
