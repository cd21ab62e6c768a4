"""Numbers in the forms that files have: 1,234.5 and 1.234,50, $36.60, 1.2M, 3.5%, (12.5).

A column's texts are rewritten into plain decimals, which arrow parses with correct rounding; what is not of the form
that was settled is no number. Which of point and comma is the decimal mark is decided by the values, and never guessed:
1.234 beside semicolons may be one or a thousand.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from windrow.arrays import Floats, Mask, as_bool, as_float64

_CURRENCIES = "$€£¥₹"
#: The factors of letters behind numbers, as powers of ten.
_POWERS = {"K": 3, "M": 6, "B": 9, "T": 12, "%": -2}
#: The share of sampled texts that a form must fit.
MOST = 0.9
#: Blanks between groups of digits.
_BLANKS = " \u00a0\u202f"


class NumberForm(NamedTuple):
    """How an input writes numbers: the decimal mark, what may be between thousands, and whether marks surround them."""

    decimal: str = "."
    thousands: str = ""
    marked: bool = False
    """Whether a currency, K, M, B, T, % or parentheses may be there."""

    def described(self) -> str:
        """For people; empty for the plain form.

        >>> NumberForm(",", ".").described(), NumberForm().described()
        ('numbers as 1.234,5', '')
        """
        if self == NumberForm():
            return ""
        number = f"1{self.thousands}234{self.decimal}5"
        return f"numbers as {number}" + (", with currencies, K, M, B, T, % or parentheses" if self.marked else "")


PLAIN = NumberForm()
_FORMS = tuple(
    NumberForm(decimal, thousands)
    for decimal, thousands in (
        (".", ""), (",", ""), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"), (".", "_"),
    )
)  # fmt: skip


def forms_of(
    texts: Iterable[str], commas: bool, decimal: str | None = None, thousands: str | None = None
) -> list[NumberForm]:
    """The forms that fit most of these texts and mean different numbers; several if nothing decides, none if none fits.

    A form must fit nine tenths of the texts, for some rows may be invalid, and as many as any other form fits.
    `decimal` and `thousands`, if given, leave only forms with these. `commas`: a comma cannot be a decimal mark nor
    anything else in a number, because it is between the fields.

    >>> forms_of(["1.234,50", "7"], commas=False)
    [NumberForm(decimal=',', thousands='.', marked=False)]
    >>> [form.decimal for form in forms_of(["1.234", "2.345"], commas=False)]
    ['.', ',']
    """
    distinct = [text for text in dict.fromkeys(text.strip(f"{_BLANKS}\t") for text in texts) if text]
    together = "\n".join(distinct)
    occurring = set(together)
    marked = re.search(rf"[{_CURRENCIES}(]|[KMBT%]$", together, re.IGNORECASE | re.MULTILINE) is not None
    read: dict[NumberForm, list[bool]] = {}
    for form in _FORMS:
        asked = decimal in (None, form.decimal) and thousands in (None, form.thousands)
        if thousands is None and form.thousands and not occurring.intersection(_marks(form)):
            continue  # it would mean what the form without that mark means
        if asked and not (commas and "," in (form.decimal, form.thousands)):
            form = form._replace(marked=marked)
            fullmatch = re.compile(pattern(form)).fullmatch
            read[form] = [fullmatch(text) is not None for text in distinct]
    fits = {form: sum(fitting) for form, fitting in read.items()}
    most = max(fits.values(), default=0)
    if most < MOST * len(distinct) or not most:
        return []
    meant: dict[tuple[float | None, ...], NumberForm] = {}
    for form, fitting in read.items():
        if fits[form] == most:
            texts_of = zip(distinct, fitting, strict=True)
            meant.setdefault(tuple(float(_plain(text, form)) if fit else None for text, fit in texts_of), form)
    return list(meant.values())


def _marks(form: NumberForm) -> str:
    """What may be between thousands."""
    return _BLANKS if form.thousands == " " else form.thousands


def fits(form: NumberForm, texts: Sequence[str]) -> bool:
    """Whether most of a column's texts are numbers of this form.

    >>> fits(NumberForm(".", ","), ["1,200,000", "7"]), fits(NumberForm(","), ["1,200,000", "7"])
    (True, False)
    """
    fullmatch = re.compile(pattern(form)).fullmatch
    return sum(fullmatch(text) is not None for text in texts) >= MOST * len(texts) > 0


def readings(text: str, forms: Iterable[NumberForm]) -> list[float]:
    """The different numbers that a text is in these forms.

    >>> readings("1.234", forms_of(["1.234"], commas=False))
    [1.234, 1234.0]
    """
    fitting = (form for form in forms if re.fullmatch(pattern(form), text))
    return list(dict.fromkeys(float(_plain(text, form)) for form in fitting))


def pattern(form: NumberForm) -> str:
    """What a number of this form is, as a regular expression of RE2 and of Python's."""
    decimal = re.escape(form.decimal)
    between = f"[{_BLANKS}]" if form.thousands == " " else re.escape(form.thousands)
    whole = f"(?:[0-9]{{1,3}}(?:{between}[0-9]{{3}})+|[0-9]+)" if form.thousands else "[0-9]+"
    number = rf"(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)"
    if not form.marked:
        return rf"[+-]?{number}(?:[eE][+-]?[0-9]+)?"
    money, behind = rf"[{_CURRENCIES}]? ?", " ?[KMBTkmbt%]?"
    return rf"(?:(?:[+-]?{money}|{money}[+-]?){number}{behind}|\({money}{number}{behind}\))"


def parse_numbers(texts: Any, form: NumberForm, power: int = 0) -> tuple[Floats, Mask]:
    """The values of a column of text (arrow), times ten to the `power`, and which of them are numbers of this form.

    Each is the float64 nearest to the number as written, shifted by so many places and rounded once. Memory: some
    copies of the column.

    >>> import pyarrow as pa
    >>> parse_numbers(pa.array(["$1,234.50", "(2K)", "1.5%", "12,5"]), NumberForm(".", ",", marked=True))
    (array([ 1.2345e+03, -2.0000e+03,  1.5000e-02,  0.0000e+00]), array([ True,  True,  True, False]))
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim(texts, " \t" if form == PLAIN else f"{_BLANKS}\t")
    ok = as_bool(pc.match_substring_regex(texts, f"^{pattern(form)}$"))
    if power:
        ok &= ~as_bool(pc.match_substring_regex(texts, "[eE][+-]?[0-9]{4}"))
    values = np.zeros(len(texts))
    plain = _plain_column(texts if ok.all() else texts.filter(pa.array(ok)), form, power)
    values[ok] = as_float64(plain.cast(pa.float64()))
    return values, ok


def _plain_column(texts: Any, form: NumberForm, power: int) -> Any:
    """Texts of the form as decimals that arrow parses."""
    import pyarrow.compute as pc

    if form.thousands:
        for blank in _marks(form):
            texts = pc.replace_substring(texts, blank, "")
    if form.decimal != ".":
        texts = pc.replace_substring(texts, form.decimal, ".")
    if form.marked:
        texts = pc.replace_substring_regex(texts, rf"[{_CURRENCIES} )]", "")
        texts = pc.replace_substring(texts, "(", "-")
        for letter, its in _POWERS.items():
            texts = pc.replace_substring_regex(texts, f"(?i){letter}$", f"e{its}")
    return _shifted(texts, power) if power else texts


def _shifted(texts: Any, power: int) -> Any:
    """Plain decimals times ten to the power: their digits stay, their exponents change."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not as_bool(pc.match_substring_regex(texts, "[eE]")).any():
        return pc.replace_substring_regex(texts, "$", f"e{power}")
    own = pc.replace_substring_regex(pc.replace_substring_regex(texts, r"^[^eE]*[eE]?\+?", ""), "^$", "0")
    exponents = pc.add(own.cast(pa.int64()), power).cast(pa.string())
    return pc.binary_join_element_wise(pc.replace_substring_regex(texts, "[eE].*", ""), exponents, "e")


def _plain(text: str, form: NumberForm) -> str:
    """One text of the form, as `_plain_column` rewrites a column."""
    for blank in _marks(form):
        text = text.replace(blank, "")
    text = text.replace(form.decimal, ".")
    if form.marked:
        text = re.sub(rf"[{_CURRENCIES} )]", "", text).replace("(", "-")
        for letter, its in _POWERS.items():
            text = re.sub(f"{letter}$", f"e{its}", text, flags=re.IGNORECASE)
    return text
