"""The model card: what the models of an output are for, on what they were trained, and what they are worth."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from windrow.learn.evaluation import OUTCOMES
from windrow.learn.forecasting import Plan

_TEXT = """# Models of `{column}`, one bar ahead

Made by `windrow forecast`: {network}, on sequences of {length} bars of {columns}; Adam on the mean squared error, rate
{rate:g}, batches of {batch}, {epochs} epochs, seed {seed}. The target is {target}.

**For:** learning and comparison. **Not for:** decisions about money: on real prices such models seldom beat the last
value, and where one does here, costs and spreads are not counted.

**Data:** {data}, which calibrates intervals and is not trained on. Scales know the training part only.

**Test:** models that beat the last value: {better} of {models}; within chance of it: {same}; worse: {worse}.
{notes}
| symbol | bars | test sequences | MSE / last value's | t | coverage of 90 % intervals |
|---|---|---|---|---|---|
"""
_TARGETS = {"change": "the change from the last value, in deviations", "level": "the level, from 0 to 1, as published"}
#: The most symbols of the table.
_MOST = 1000


def card(plan: Plan, symbols: Sequence[str], told: Sequence[Mapping[str, Any]]) -> str:
    """A model card in Markdown, of models of these symbols and what is told of each."""
    problem, recipe, kind = plan.problem, plan.recipe, dict(plan.described)
    outcomes = [one["outcome"] for one in told]
    text = _TEXT.format(
        column=problem.column, columns=", ".join(problem.columns), target=_TARGETS[problem.target],
        data=_data(plan),
        network=f"LSTM({kind['hidden']}, relu) -> Dense(1)" if kind["kind"] == "lstm" else "a model of Keras",
        length=recipe.length, rate=recipe.rate, batch=recipe.batch, epochs=recipe.epochs, seed=recipe.seed,
        models=len(symbols),
        notes="".join(f"\n**Note:** {note}\n" for note in plan.notes),
        **{name: outcomes.count(name) for name in OUTCOMES},
    )  # fmt: skip
    rows = [_row(symbol, one) for symbol, one in zip(symbols[:_MOST], told, strict=False)]
    return text + "".join(rows)


def _data(plan: Plan) -> str:
    """What is trained on, up to the part that calibrates."""
    share = float(plan.problem.share)
    if plan.walks is not None:
        return (
            f"{plan.walks} walks: of {plan.walks + 1} equal parts of each symbol's bars the first k train and the next"
            f" one tests, for k from 1 to {plan.walks}, and the models are of the last walk; each trains on all but the"
            " last fifth of its part"
        )
    if plan.problem.shuffled:
        return f"{share:.0%} of each symbol's sequences, chosen by chance, train, all but a fifth, chosen by chance too"
    return f"the first {share:.0%} of each symbol's bars train, all but the last fifth of them"


def _row(symbol: str, told: Mapping[str, Any]) -> str:
    against, coverage = told["against"]["last"], told["interval"]["coverage"]
    ratio = "-" if against["ratio"] is None else f"{against['ratio']:.3f}"
    covered = "-" if coverage is None else f"{coverage:.1%}"
    name, bars, tests = quote(symbol, safe=" ^."), told["bars"], told["sequences"]["test"]
    return f"| {name} | {bars:,} | {tests:,} | {ratio} | {against['t']:.1f} | {covered} |\n"
