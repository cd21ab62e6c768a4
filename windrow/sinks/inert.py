"""Texts that no spreadsheet takes for a formula."""

#: What makes a spreadsheet take a text for a formula, as OWASP lists it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> inert("=cmd|' /c calc'!a0"), inert("orders")
    ("'=cmd|' /c calc'!a0", 'orders')
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def kept(text: str) -> str:
    """The same, from which `original` makes the text again: one that looks like it already gets another apostrophe.

    >>> kept("@ES"), kept("'@ES"), kept("'n")
    ("'@ES", "''@ES", "'n")
    """
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def original(text: str) -> str:
    """The text of which `kept` made this.

    >>> original("'@ES"), original("''@ES"), original("'n"), original("AA")
    ('@ES', "'@ES", "'n", 'AA')
    """
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text
