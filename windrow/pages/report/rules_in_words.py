"""How runs traded, in words, and where two outputs differ in it."""

from collections.abc import Iterator, Mapping
from typing import Any

from windrow.trading.position_size import parse_size

_FORMS = {
    "cash": "initial cash {:,.12g}", "size": "positions of {}", "whole_shares": "whole shares",
    "commission": "commission {:.4g} of the value traded", "commission_per_order": "{:,.12g} per order",
    "slippage": "slippage {:.4g} of the price", "fill": "filled at the {}", "side": "{}", "entry": "entry by {}",
    "stop_at_ruin": "stopped at ruin",
}  # fmt: skip
_COSTS = ("commission", "commission_per_order", "slippage")
_WORDS = {"next-open": "next open", "both": "long and short", "long": "long only", "short": "short only"}
_ANSWERS = {True: "yes", False: "no", None: "none"}
#: Of what is set beside rules: what else figures depend on, and where a description has it.
_BESIDE = {"measures": ("days_per_year", "risk_free"), "reading": ("values", "adjusted", "timezone", "since", "until")}


def in_words(description: Mapping[str, Any]) -> list[str]:
    """How orders were placed and filled; costs that are 0 are left out, and that all are is said.

    >>> in_words({"rules": {"cash": 1e5, "side": "long", "commission": 0, "commission_per_order": 0, "slippage": 0}})
    ['initial cash 100,000', 'long only', 'no costs']
    """
    rules = dict(description.get("rules", {}))
    if "size" in rules:
        rules["size"] = parse_size(rules["size"]).words
    known = [(form, rules[name]) for name, form in _FORMS.items() if rules.get(name)]
    texts = [form.format(_WORDS.get(value, value)) for form, value in known]
    texts += ["no costs"] if all(rules.get(name) == 0 for name in _COSTS) else []
    texts += ["adjusted prices"] if description.get("reading", {}).get("adjusted") else []
    return [text for text in texts if text]


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What two outputs were run with differently: a name, and what it is in the one and in the other.

    >>> differences({"rules": {"side": "long", "cash": 1}}, {"rules": {"side": "both", "cash": 1.0}})
    ['side: long only, long and short']
    """
    ours, theirs = dict(_compared(one)), dict(_compared(other))
    differ = [name for name in ours if name in theirs and ours[name] != theirs[name]]
    return [f"{name.replace('_', ' ')}: {_word(ours[name])}, {_word(theirs[name])}" for name in differ]


def _compared(description: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What figures depend on, as far as a description tells it."""
    yield from description.get("rules", {}).items()
    for group, names in _BESIDE.items():
        yield from ((name, value) for name, value in description.get(group, {}).items() if name in names)
    yield "ema_seed", description.get("ema_seed", "sma")


def _word(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(str, value))
    if isinstance(value, bool | None):
        return _ANSWERS[value]
    return f"{value:,.12g}" if isinstance(value, int | float) else _WORDS.get(value, str(value))
