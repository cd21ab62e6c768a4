"""What pages have in common: places, a shell that runs nothing of the data, and what is written without the extra."""

import base64
import hashlib
import json
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.pages.report.outputs import HOSTILE, bars_of
from windrow.cli import main
from windrow.errors import OutputError, UsageError
from windrow.pages.averages import plot
from windrow.pages.report import report
from windrow.pages.shell import Places, embedded, fill, listed, unmarked


class Elements(HTMLParser):
    """Collects a page's tags and the text of its scripts as a browser's parser finds them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.styles, self.policy, self.inside = [], [], [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.inside = tag
        if tag == "script":
            self.scripts.append("")
        if dict(attributes).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attributes)["content"]

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        if self.inside == "style":
            self.styles.append(data)


def page_of(outputs, kind, symbols):
    """A page of a kind, of bars of these symbols."""
    frame = bars_of(symbols)
    bars, out = outputs.bars(frame), outputs.folder / f"{kind}{len(list(outputs.folder.iterdir()))}.html"
    if kind == "plot":
        return plot(outputs.run("moving-average", "--window", "3", bars), bars, out=out)[0].read_text()
    return report(outputs.backtest(frame, name=out.stem), bars, out=out)[0].read_text()


@pytest.mark.parametrize("kind", ["plot", "report"])
def test_no_symbol_becomes_part_of_a_page(outputs, kind):
    tame, hostile = (Elements(page_of(outputs, kind, symbols)) for symbols in (["A", "B", "C", "D"], HOSTILE))
    assert hostile.tags == tame.tags and len(hostile.scripts) == 2
    assert hostile.scripts[1] == tame.scripts[1]
    assert {symbol["name"] for symbol in json.loads(hostile.scripts[0])["symbols"]} == set(HOSTILE)


@pytest.mark.parametrize("kind", ["plot", "report"])
def test_the_policy_allows_the_pages_own_script_and_style_alone(outputs, kind):
    elements = Elements(page_of(outputs, kind, ["A"]))
    script, style = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (elements.scripts[1], elements.styles[0])
    )
    assert elements.policy == (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
        f" style-src 'sha256-{style}'; script-src 'sha256-{script}'"
    )
    assert "img" not in elements.tags


def test_a_page_of_averages_is_the_reports_chart(outputs):
    """One chart: the same scripts, but for those of figures and maps."""
    plotted, reported = (Elements(page_of(outputs, kind, ["A"])).scripts[1] for kind in ("plot", "report"))
    shared = plotted[: plotted.index("// A page of averages")]
    assert len(shared) > 30_000 and reported.startswith(shared)


def test_columns_names_are_text_too(outputs):
    frame = bars_of(("A",))
    bars = outputs.bars(frame)
    place = outputs.run("moving-average", "--window", "3", bars)
    described = json.loads((place / "_windrow.json").read_text())
    (place / "_windrow.json").write_text(json.dumps({**described, "columns": ["</script>'\"\\"]}))
    page, picture = plot(place, bars, out=outputs.folder / "plot.html")
    elements = Elements(page.read_text())
    assert len(elements.scripts) == 2
    assert json.loads(elements.scripts[0])["title"] == "</script>'\"\\ of close"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_no_text_of_a_script_or_of_data_ends_its_element():
    assert unmarked('a="</SCRIPT><!--<script"') == r'a="\x3c/SCRIPT>\x3c!--\x3cscript"'
    assert "<" not in embedded({"<": "</script>"})
    assert fill("{{a}}{{b}}", {"a": "{{b}}", "b": "1"}) == "{{b}}1"


@pytest.mark.parametrize(
    ("paths", "texts"), [("a", ["a"]), (Path("a/b"), ["a/b"]), (["a", Path("b")], ["a", "b"]), ((), [])]
)
def test_one_path_or_several(paths, texts):
    assert listed(paths) == texts


@pytest.mark.parametrize(
    ("out", "better"),
    [("a.png", "a.html"), ("x/a", "x/a.html"), (".", "page.html"), ("a.HTML", "a.html"), ("", "page.html")],
)
def test_a_page_has_a_pages_name(out, better):
    with pytest.raises(UsageError) as error:
        Places.of(out, force=True)
    assert str(error.value) == f"-o {out}: is not the name of a page: a page's name ends in .html; use {better}"


# Without the extra.


@pytest.mark.parametrize(
    ("missing", "needed"),
    [
        (["altair", "vl_convert"], "altair and vl-convert-python"), (["vl_convert"], "vl-convert-python"),
        (["altair"], "altair"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["plot", "report"])
def test_without_the_extra_the_page_is_written_and_one_line_says_how_to_get_the_picture(
    outputs, monkeypatch, capsys, command, missing, needed
):
    frame = bars_of(("A",))
    bars = outputs.bars(frame)
    place = outputs.backtest(frame) if command == "report" else outputs.run("moving-average", "--window", "3", bars)
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    out = outputs.folder / "my.html"
    capsys.readouterr()
    assert main([command, str(place), "--bars", bars, "-o", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out == f"wrote {out}\n" and out.stat().st_size > 10_000
    assert said.err == (
        f"{out.with_suffix('.png')}: not written: a picture needs {needed}; install with: pip install 'windrow[plot]'\n"
    )
    assert not out.with_suffix(".png").exists()


def test_both_files_appear_or_neither(tmp_path):
    places = Places.of(tmp_path / "a.html", force=False)

    def fails():
        raise RuntimeError("no picture")

    with pytest.raises(RuntimeError):
        places.write("page", fails)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OutputError, match=r"a\.png: is a directory"):
        places.write("page", lambda: b"picture")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
