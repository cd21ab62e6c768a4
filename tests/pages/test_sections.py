"""Pages of figures: drawn in Chromium under their policy, in both themes, with texts that are never markup."""

import altair as alt
import pytest

from tests.pages.browser import wait_until
from windrow.errors import UsageError
from windrow.pages import sections as pages
from windrow.pages.sections import Figure, Section, Table, page_of, refuse_without_altair
from windrow.pages.shell import Places

EVIL = "</script><img src=x onerror=alert(1)>"
PIXELS = """([at, red, green, blue]) => {
  const canvas = document.querySelectorAll(".figure canvas")[at];
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue) < 12) count += 1;
  }
  return count;
}"""


def chart(names):
    rows = [{"name": name, "size": at + 1} for at, name in enumerate(names)]
    encoded = alt.Chart(alt.InlineData(values=rows)).mark_bar()
    return encoded.encode(y=alt.Y("name:N", title=None), x="size:Q", tooltip=["name:N", "size:Q"])


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    lines = alt.Chart(alt.InlineData(values=[{"x": x, "y": x, "of": f"line {n}"} for n in range(9) for x in range(3)]))
    sections = [
        Section(
            EVIL,
            [f"words {EVIL}"],
            [Figure(EVIL, chart(["Energy", EVIL, "emoji \U0001f680", "a\x01b"]), EVIL, 120)],
            [Table(["name", EVIL], [[EVIL, "1.5"], ["ridge", "2"]], EVIL)],
        ),
        Section("Lines", [], [Figure("Nine", lines.mark_line().encode(x="x:Q", y="y:Q", color="of:N"))]),
    ]
    place = tmp_path_factory.mktemp("figures") / "page.html"
    written = pages.write(Places.of(place, force=False), EVIL, EVIL, sections)
    assert written[1].read_bytes().startswith(b"\x89PNG")
    return place


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(("scheme", "blue"), [("light", (0, 114, 178)), ("dark", (86, 180, 233))])
def test_figures_are_drawn_in_the_colours_of_the_theme(look, page, scheme, blue):
    tab = look(page, scheme=scheme)
    wait_until(tab, "document.body.dataset.drawn === '2'")
    assert tab.evaluate(PIXELS, [0, *blue]) > 1000
    assert tab.title() == EVIL
    assert tab.inner_text("h2") == EVIL
    assert tab.inner_text("td") == "1.5"


@pytest.mark.needs("chromium")
def test_a_phone_has_the_whole_page_in_its_width(look, page):
    tab = look(page, width=390, height=800)
    wait_until(tab, "document.body.dataset.drawn === '2'")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate("[...document.querySelectorAll('.figure canvas')].every((one) => one.clientWidth <= 390)")
    tab.set_viewport_size({"width": 900, "height": 800})
    wait_until(tab, "document.querySelector('.figure canvas').clientWidth > 700")


@pytest.mark.needs("chromium")
def test_a_tooltip_tells_the_value(look, page):
    tab = look(page)
    wait_until(tab, "document.body.dataset.drawn === '2'")
    box = tab.query_selector(".figure canvas").bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
    wait_until(tab, "document.querySelector('#vg-tooltip-element.visible') !== null")
    assert "size" in tab.inner_text("#vg-tooltip-element")


def test_nothing_of_the_data_can_be_markup(page):
    assert EVIL not in page.read_text()


def test_without_altair_the_cure_is_said(monkeypatch):
    monkeypatch.setattr(pages, "find_spec", lambda name: None)
    with pytest.raises(
        UsageError,
        match=r"-o x.html: a page of figures needs altair and vl-convert-python; install with: pip install"
        r" 'windrow\[plot\]'",
    ):
        refuse_without_altair("x.html")


def test_a_page_is_the_same_whenever_it_is_made():
    sections = [Section("One", [], [Figure("A", chart(["Energy"]))])]
    assert page_of("t", "s", sections) == page_of("t", "s", sections)
