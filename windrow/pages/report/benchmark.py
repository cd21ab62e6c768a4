"""The figures of buying and holding, from the values that a backtest wrote of it."""

from collections.abc import Mapping
from typing import Any

from windrow.pages.report.results import Equity, Figures
from windrow.trading.curves import Curve
from windrow.trading.measures import Measures

#: Figures that compare a run with buying and holding, which are not told of that itself.
_COMPARING = ("buy_and_hold", "alpha", "beta", "correlation")


def bought_figures(equity: Equity, cash: float | None, description: Mapping[str, Any], dated: bool) -> Figures | None:
    """The figures of the account that bought and held with this cash, by the run's measures; None where its values are
    unknown, or the cash.
    """
    if equity.bought is None or not cash:
        return None
    measures = description.get("measures", {})
    curve = Curve(cash, Measures(measures.get("days_per_year"), measures.get("risk_free", 0.0)))
    curve.push(equity.times, equity.bought, equity.bought)
    found = curve.figures(dated)
    undefined = found.pop("undefined", {})
    kept = {name: value for name, value in found.items() if name not in _COMPARING}
    return kept | {"undefined": {name: why for name, why in undefined.items() if name in kept}}
