"""Pictures: what is drawn of many bars, and that no text of the data stops the library that draws."""

import dataclasses
import itertools
import re
import subprocess
import sys

import altair as alt
import numpy as np
import pytest

from tests.pages.report.outputs import bars_of, series_of
from windrow.pages.chart import Candles, Line, Pane
from windrow.pages.vega import MOST_POINTS, drawable, extent, panels, png, shortened, stacked, thin

PNG = b"\x89PNG"
#: Texts that made the library abort the process, or fail, where they were drawn as they are.
DANGEROUS = {
    "a control character": "A\x01B", "NUL": "\x00", "not a character": "A\ufffeB\uffff", "half an emoji": "A\ud83d",
    "form feed": "\x0c", "many emoji": "a📈" * 60, "emoji of several": "👩‍👩‍👧" * 30, "flags": "🇩🇪" * 40,
}  # fmt: skip


def picture_of(text):
    """The first bytes of a picture that has this text everywhere."""
    candles = Candles.of(dataclasses.replace(series_of(bars_of(("A",))), symbol=text, price=text), 100)
    assert candles.series.has_candles
    lines = [Line(text, candles.series.close, "series-1"), Line(text, candles.series.close, "series-2", "dashed")]
    parts = panels(candles, [Pane(lines), Pane(lines)])
    chart = stacked(parts, shortened(text), [text])
    chart.vconcat.append(alt.Chart(alt.InlineData(values=[{"x": text, "y": 1}])).mark_bar().encode(x="x:N", y="y:Q"))
    return png(chart, scale=0.5)[:4]


def test_no_text_stops_a_picture():
    """In a process of its own: the library would abort it, and this one with it."""
    script = (
        "from tests.pages.test_vega import DANGEROUS, picture_of\n"
        "for name, text in DANGEROUS.items(): print(name, picture_of(text), flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    drawn = [f"{name} {PNG!r}" for name in DANGEROUS]
    assert (done.returncode, done.stdout.splitlines()) == (0, drawn), done.stderr[-2000:]


def test_characters_that_xml_forbids_are_escaped():
    """All that the production Char of XML 1.0 leaves out, of all code points."""
    forbidden = [*range(0x9), 0xB, 0xC, *range(0xE, 0x20), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
    text = "".join(map(chr, range(0x110000)))
    drawn = drawable(text)
    assert re.findall(r"\\u[0-9a-f]{4}", drawn) == [f"\\u{code:04x}" for code in forbidden]
    assert drawable({"a": ["\x01", 1.5, None, {"b": True}]}) == {"a": ["\\u0001", 1.5, None, {"b": True}]}


@pytest.mark.parametrize(("text", "expected"), [("abc", "abc"), ("abcd", "ab…"), ("📈📈📈📈", "📈📈…"), ("", "")])
def test_long_texts_are_shortened_by_characters(text, expected):
    assert shortened(text, 3) == expected


def test_few_values_are_all_kept():
    assert thin(np.arange(50.0), 50).tolist() == list(range(50))


def test_thinning_keeps_ends_peaks_and_dips():
    rng = np.random.default_rng(5)
    values = rng.normal(size=30_000).cumsum()
    values[[12_345, 23_456]] = 1e6, -1e6
    kept = thin(values, MOST_POINTS)
    assert MOST_POINTS / 3 < len(kept) <= MOST_POINTS
    assert {0, 12_345, 23_456, 29_999} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
    edges = np.linspace(0, 30_000, (MOST_POINTS - 2) // 2 + 1).astype(int)
    for start, stop in itertools.pairwise(edges):
        assert {start + values[start:stop].argmax(), start + values[start:stop].argmin()} <= set(kept.tolist())


def test_thinned_lines_break_where_values_are_missing():
    values = np.arange(1000.0)
    values[300:400] = np.nan
    kept = thin(values, 100)
    assert np.isnan(values[kept]).any()
    assert np.nanmax(values[kept][kept < 300]) == 299 and np.nanmin(values[kept][kept >= 400]) == 400


@pytest.mark.parametrize(
    ("most", "text"), [(60, "60 bars"), (59, "60 bars, 2 to a candle"), (7, "60 bars, 9 to a candle")]
)
def test_a_picture_says_how_bars_are_drawn(most, text):
    assert extent(Candles.of(series_of(bars_of(("A",))), most)) == f"2024-01-01 to 2024-02-29, {text}"


def test_a_picture_of_a_line_says_so_too():
    candles = Candles.of(series_of(bars_of(("A",)).drop(columns="high")), 7)
    assert extent(candles) == "2024-01-01 to 2024-02-29, 60 bars, drawn by highs and lows"
