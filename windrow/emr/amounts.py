"""Amounts as a person reads them: time, money, numbers of things, bytes."""


def duration(seconds: float) -> str:
    """A time in its largest fitting unit.

    >>> duration(4.4), duration(150), duration(5400), duration(172_800)
    ('4 s', '2.5 min', '1.5 h', '2 days')
    """
    for unit, least, name in ((86_400, 172_800, "days"), (3600, 3600, "h"), (60, 60, "min")):
        if seconds >= least:
            return f"{seconds / unit:.1f} {name}".replace(".0 ", " ")
    return f"{seconds:.0f} s"


def dollars(amount: float) -> str:
    """Dollars, to the cent, or to two digits if it is less.

    >>> dollars(12.345), dollars(0.0123)
    ('$12.35', '$0.012')
    """
    return f"${amount:,.2f}" if amount >= 0.1 else f"${amount:.2g}"


def count(number: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "file"), count(12_345, "bar"), count(36_200_000_000, "bar")
    ('1 file', '12,345 bars', '36.2 billion bars')
    """
    shown = f"{number:,}"
    for unit, name in ((10**9, "billion"), (10**6, "million")):
        if number >= unit:
            shown = f"{number / unit:,.1f} {name}"
            break
    return f"{shown} {noun}{'' if number == 1 else 's'}"


def size(length: int) -> str:
    """Bytes in their largest fitting unit.

    >>> size(512), size(60_883), size(12_300_000_000)
    ('512 B', '61 KB', '12 GB')
    """
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (1000, "KB")):
        if length >= unit:
            return f"{length / unit:.{0 if length >= 9.95 * unit else 1}f} {name}"
    return f"{length} B"
