"""The grammar of alerts, and when they tell."""

import re

import numpy as np
import pytest

from windrow.catalog.growth.grammar import Alert, Standing, parse_alerts, parse_size
from windrow.errors import UsageError
from windrow.times import DAY
from windrow.windows.growth import Since


@pytest.mark.parametrize(
    ("text", "size"),
    [("0B", 0), ("1kB", 1e3), ("2MB", 2e6), ("1.5GB", 1.5e9), ("1TB", 1e12), ("3PB", 3e15),
     ("1KiB", 2**10), ("1MiB", 2**20), ("0.5GiB", 2**29), ("1TiB", 2**40), ("2PiB", 2**51)],
)  # fmt: skip
def test_units_are_powers_of_1000_or_of_1024_as_they_say(text, size):
    assert parse_size("--limit", text) == size


@pytest.mark.parametrize("text", ["", "1", "TB", "1 TB", "1tb", "1KB", "1T", "-1TB", "1e3GB", "1,5TB", "1.TB", "٣TB",
                                  "1TB ", "0x1B", "9" * 16 + "B"])  # fmt: skip
def test_any_other_size_is_refused_with_the_units(text):
    with pytest.raises(UsageError, match=rf"^--limit {re.escape(text)}: .* is no size, .*; give e.g. 1TB or 1TiB$"):
        parse_size(f"--limit {text}", text)


@pytest.mark.parametrize(
    ("text", "alert"),
    [
        ("size>1TB", Alert("size>1TB", "size", 1e12)),
        ("files>100000", Alert("files>100000", "files", 1e5)),
        ("growth>20%/7d", Alert("growth>20%/7d", "growth", 20, 7 * DAY, share=True)),
        ("growth>0.5%/180d", Alert("growth>0.5%/180d", "growth", 0.5, 180 * DAY, share=True)),
        ("growth>500GiB/4w", Alert("growth>500GiB/4w", "growth", 500 * 2**30, 28 * DAY)),
        ("stale>30d", Alert("stale>30d", "stale", 30)),
        ("stale>36h", Alert("stale>36h", "stale", 1.5)),
    ],
)
def test_each_kind_of_alert_is_read(text, alert):
    assert parse_alerts([text]) == [alert]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no alert, which is QUANTITY>AMOUNT; give e.g. size>1TB, "),
        ("size", "is no alert"),
        ("size<1TB", "is no alert"),
        ("size >1TB", "is no alert"),
        ("Size>1TB", "is no alert"),
        ("bytes>1TB", "is no alert"),
        ("size>=1TB", "'=1TB' is no size"),
        ("size> 1TB", "' 1TB' is no size"),
        ("size>1TB/7d", "'1TB/7d' is no size"),
        ("size>20%", "'20%' is no size"),
        ("files>many", "'many' is no number of files; give e.g. files>100000"),
        ("files>-1", "'-1' is no number of files"),
        ("growth>20%", "says no span in which a table grows; give e.g. growth>20%/7d"),
        ("growth>20/7d", "'20' is no size, .* or per cent, e.g. growth>20%/7d"),
        ("growth>20%/week", "'week' is no span, which is a whole number of h, d or w; give e.g. growth>20%/7d"),
        ("growth>20%/7d/2", "'7d/2' is no span"),
        ("growth>20%/", "'' is no span"),
        ("growth>20%/23h", "23h is no span of growth, from 1d to 180d; give e.g. growth>20%/7d"),
        ("growth>20%/181d", "181d is no span of growth"),
        ("stale>30", "'30' is no span, .*; give e.g. stale>30d"),
        ("stale>1mo", "'1mo' is no span"),
    ],
)
def test_any_other_text_is_refused_with_what_was_expected(text, told):
    with pytest.raises(UsageError, match=f"^--alert {re.escape(text)}: {told}"):
        parse_alerts([text])


def test_an_alert_is_given_once_and_there_are_not_too_many():
    with pytest.raises(UsageError, match=r"^--alert size>1TB: is given twice; give each alert once$"):
        parse_alerts(["size>1TB", "stale>1d", "size>1TB"])
    with pytest.raises(UsageError, match=r"^--alert: is given 21 times; a run has at most 20 alerts; leave some out$"):
        parse_alerts([f"size>{number}TB" for number in range(21)])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("size>4999B", 5000), ("size>5kB", None), ("files>9", 10), ("files>10", None),
        ("growth>24%/7d", 25), ("growth>25%/7d", None), ("growth>999B/7d", 1000), ("growth>1kB/7d", None),
        ("growth>1%/14d", None), ("growth>1B/21d", 5000), ("growth>1%/21d", None),
        ("stale>2d", 2.5), ("stale>60h", None),
    ],
)  # fmt: skip
def test_an_alert_tells_of_what_is_above_its_amount_and_known(text, value):
    """Within 14 days nothing is known; 21 days ago the table was empty: no share of that is a growth."""
    since = {7 * DAY: Since(4000, 1000), 21 * DAY: Since(0, 5000)}
    assert parse_alerts([text])[0].value(Standing(5000, 10, 2.5, since.get)) == value


def test_what_nobody_knows_is_above_nothing():
    unknown = Standing(0, np.nan, np.nan, lambda span: None)
    assert [alert.value(unknown) for alert in parse_alerts(["size>0B", "files>0", "growth>0B/1d", "stale>1h"])] == [
        None
    ] * 4
