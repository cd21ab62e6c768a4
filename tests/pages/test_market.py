"""`windrow market report`: a page of outputs of the jobs themselves, and of forecasts as their job writes them."""

import json

import numpy as np
import pandas as pd
import pytest

from sort_keys.keys import encode_symbol
from tests.conftest import ROOT
from tests.pages.browser import wait_until
from tests.pages.report.outputs import HOSTILE, READING, bars_of
from windrow.cli import main
from windrow.errors import InputError, UsageError
from windrow.pages.market import forecasts, market_report
from windrow.pages.market.shown import Shown

CONSTITUENTS = ROOT / "data" / "constituents.csv"

TABLE = """rank,batch,hidden,rate,length,round,epochs,tests,error,why
1,64,8,0.001,5,1,3,6,1.0004,
2,32,8,0.001,5,1,3,6,1.0005,
3,32,8,0.001,500,1,3,0,,has too few bars
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with outputs of all jobs over bars of symbols that are a danger to pages."""
    folder = tmp_path_factory.mktemp("market")
    symbols = ["AAA", "AAB", "AAC", *HOSTILE]
    frame = bars_of(symbols, bars=120).assign(volume=1000.0, adj_close=lambda one: one["close"])
    frame.to_csv(folder / "bars.csv", index=False)
    bars = str(folder / "bars.csv")
    for view in ("day", "week", "month"):
        assert main(["resample", "--view", view, "--quiet", "-o", str(folder / view), bars]) == 0
    assert main(["normalize", "--quiet", "--fit-until", "2024-03-01", "-o", str(folder / "normalize"), bars]) == 0
    short = ["--averages", "5,10", "--volatility", "5"]
    asked = ["sectors", "--constituents", str(CONSTITUENTS), *short, "--quiet", "-o", str(folder / "sectors"), bars]
    assert main(asked) == 0
    write_forecast(folder / "one", symbols, workers=1, error=0.98)
    write_forecast(folder / "two", symbols, workers=2, error=0.99)
    write_forecast(folder / "grid", symbols, workers=1, error=0.97)
    described = json.loads((folder / "grid" / "_windrow.json").read_text())
    (folder / "grid" / "_windrow.json").write_text(json.dumps(described | {"job": "jobs.grid_search"}))
    (folder / "grid" / "part-00000-table.csv").write_text(TABLE)
    return folder


def forecast_of(error, interval=0.91):
    """A line of a forecast."""
    times = [f"2024-03-{day:02}" for day in range(1, 31)]
    truth = (100 + np.sin(np.arange(30))).tolist()
    band = {"low": [one - 1 for one in truth], "high": [one + 1 for one in truth]}
    if interval is None:
        band = {"low": [None] * 30, "high": [None] * 30}
    return {
        "way": "one global model", "column": "adj_close", "notes": ["the test part was chosen by chance"],
        "loss": [1.0, 0.9, 0.85], "validation": [1.1, 1.0, None],
        "errors": {name: {"mse": mse, "mae": 1.0} for name, mse in (("network", error), ("last", 1.0), ("ridge", 1.2))},
        "against": {"last": {"ratio": error, "t": -0.4, "p": 0.7}}, "interval": {"level": 0.9, "coverage": interval},
        "outcome": "same", "verdict": "does not beat the last value: 0.980 x its squared error",
        "points": {"times": times, "truth": truth, "forecast": [one + 0.1 for one in truth], **band},
    }  # fmt: skip


def write_forecast(folder, symbols, workers, error):
    folder.mkdir()
    lines = [
        b"%b\t%b\n" % (encode_symbol(name), json.dumps(forecast_of(error, 0.91 if at else None)).encode())
        for at, name in enumerate(symbols)
    ]
    (folder / "part-00000").write_bytes(b"".join(lines))
    seconds = {"starting": 2.0, "compiling": 3.0, "fitting": 4.0 / workers, "waiting": 0.5, "all": 9.0}
    rounds = [
        {"round": number, "share": share, "seconds": {**seconds, "fitting": seconds["fitting"] / 2}}
        for number in (1, 2)
        for share in range(workers)
    ]
    tests = {"models": len(symbols), "seconds": {"forecasting": 0.2, "fitting": 0.0}}
    (folder / "part-00000-times").write_text("".join(json.dumps(one) + "\n" for one in [*rounds, tests]))
    described = {"windrow": 1, "job": "jobs.forecast", "columns": [], "format": "text", "reading": READING}
    (folder / "_windrow.json").write_text(json.dumps(described))
    (folder / "_SUCCESS").touch()


@pytest.mark.needs("chromium")
def test_all_that_was_found_is_on_one_page(place, look, tmp_path, capsys):
    outputs = [str(place / name) for name in ("two", "day", "week", "month", "normalize", "sectors", "one", "grid")]
    page = tmp_path / "market.html"
    assert main(["market", "report", *outputs, "-o", str(page)]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [f"wrote {page}", f"wrote {page.with_suffix('.png')}"]
    assert page.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    for options in ({}, {"width": 390, "scheme": "dark"}):
        tab = look(page, **options)
        figures = len(tab.query_selector_all("figure"))
        wait_until(tab, f"document.body.dataset.drawn === '{figures}'")
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    titles = [one.inner_text() for one in tab.query_selector_all("h2, h3")]
    assert [title for title in titles if title in SECTIONS] == SECTIONS
    assert {"Raw: close", "Normalised: close", "Index, volume-weighted", "Breadth: above SMA(5)"} < set(titles)
    assert (
        "two: 2 workers fit 2.00 x as fast as the one of one; the median test error is 1.010 x its."
        in tab.inner_text("main")
    )


SECTIONS = ["Sectors", "Views", "Normalised", "Forecasts", "Workers", "Settings"]


def test_symbols_that_are_asked_for_are_shown(place, tmp_path):
    page, _ = market_report(place / "one", symbols=[HOSTILE[0], "AAB"], out=tmp_path / "one.html")
    text = page.read_text()
    assert '"AAB: forecast and truth"' in text and '"AAC: forecast and truth"' not in text
    assert HOSTILE[0] not in text


def data_of(spec):
    return pd.DataFrame(spec["datasets"][spec["data"]["name"]])


def test_raw_prices_are_those_before_scaling(place):
    from windrow.pages.market import views
    from windrow.pages.report.results import Output

    described = json.loads((place / "normalize" / "_windrow.json").read_text())
    output = Output(place / "normalize", "normalize", described)
    (section,) = views.scaled(output, Shown(["AAB"], 4))
    raw, scaled = (data_of(figure.chart.to_dict()) for figure in section.figures)
    bars = pd.read_csv(place / "bars.csv").query("symbol == 'AAB'")
    assert np.allclose(raw["value"], bars["close"], rtol=1e-12)
    assert scaled["value"][:60].min() == 0 and scaled["value"][:60].max() == 1
    assert section.words[0].endswith("its largest 1; only bars until 2024-03-01 set the scale.")


def test_times_are_those_of_the_slowest_worker_in_each_round(tmp_path):
    write_forecast(tmp_path / "two", ["A"], workers=2, error=1.0)
    slow = [
        {"round": 1, "share": 0, "seconds": {"fitting": 1.0}}, {"round": 1, "share": 1, "seconds": {"fitting": 3.0}},
        {"round": 2, "share": 0, "seconds": {"fitting": 5.0}}, {"round": 2, "share": 1, "seconds": {"fitting": 2.0}},
    ]  # fmt: skip
    (tmp_path / "two" / "part-00000-times").write_text("".join(json.dumps(one) + "\n" for one in slow))
    from windrow.pages.report.results import Output

    read = forecasts.read(Output(tmp_path / "two", "forecast", {}))
    assert len(read.workers) == 2 and read.seconds("fitting") == 8.0


def test_a_symbol_that_was_left_out_is_not_drawn(tmp_path):
    write_forecast(tmp_path / "one", ["A"], workers=1, error=1.0)
    part = next((tmp_path / "one").glob("part-*[0-9]"))
    part.write_bytes(part.read_bytes() + b'B\t{"way": "a model a symbol", "bars": 3, "left_out": "too few"}\n')
    from windrow.pages.report.results import Output

    assert list(forecasts.read(Output(tmp_path / "one", "forecast", {})).lines) == ["A"]


def test_symbols_whose_last_value_is_always_right_have_no_error(tmp_path):
    for name, workers in (("one", 1), ("two", 2)):
        write_forecast(tmp_path / name, ["A", "B"], workers, error=0.5)
        lines = (tmp_path / name / "part-00000").read_text().splitlines()
        (tmp_path / name / "part-00000").write_text(
            "\n".join([lines[0].replace('"ratio": 0.5', '"ratio": null'), lines[1], ""])
        )
    text = market_report([tmp_path / "one", tmp_path / "two"], out=tmp_path / "page.html")[0].read_text()
    assert "2 workers fit 2.00 x as fast as the one of one; the median test error is 1.000 x its." in text
    for name in ("one", "two"):
        lines = (tmp_path / name / "part-00000").read_text()
        (tmp_path / name / "part-00000").write_text(lines.replace('"ratio": 0.5', '"ratio": null'))
    text = market_report([tmp_path / "one", tmp_path / "two"], out=tmp_path / "page.html", force=True)[0].read_text()
    assert "2 workers fit 2.00 x as fast as the one of one." in text and '"\\u2013"]' in text


def test_a_search_has_as_many_workers_as_tasks_that_refitted(tmp_path):
    write_forecast(tmp_path / "grid", ["A"], workers=1, error=1.0)
    tried = [{"round": 1, "combination": number, "seconds": {"fitting": 9.0}} for number in range(5)]
    told = [*tried, {"models": 1, "seconds": {"fitting": 2.0}}]
    (tmp_path / "grid" / "part-00000-times").write_text("".join(json.dumps(one) + "\n" for one in told))
    (tmp_path / "grid" / "part-00001-times").write_text(json.dumps({"models": 1, "seconds": {"fitting": 3.0}}) + "\n")
    from windrow.pages.report.results import Output

    read = forecasts.read(Output(tmp_path / "grid", "grid_search", {}))
    assert list(read.workers) == ["worker 1", "worker 2"] and read.seconds("fitting") == 3.0


def test_what_is_no_output_of_the_pipeline_is_refused(place, tmp_path):
    bars = str(ROOT / "data" / "bars.csv")
    assert main(["moving-average", "--quiet", "--window", "3", "-o", str(tmp_path / "averages"), bars]) == 0
    for path, why in ((tmp_path / "averages", "is the output of moving_average"), (tmp_path, "has no _windrow.json")):
        with pytest.raises(
            InputError, match=rf"{path}: {why}: a page of the market shows outputs of sectors, resample,"
        ):
            market_report(path, out=tmp_path / "page.html")
    damaged = tmp_path / "damaged"
    write_forecast(damaged, ["A"], 1, 1.0)
    (damaged / "part-00000").write_text('A\t{"way":"applied"}\n')
    with pytest.raises(
        InputError, match=r"a line of A is none of a trained forecast's; give the directory that windrow"
    ):
        market_report(damaged, out=tmp_path / "page.html")
    with pytest.raises(UsageError, match=r"-o page.txt: is not the name of a page"):
        market_report(place / "one", out="page.txt")
    assert not (tmp_path / "page.html").exists()


def test_symbols_and_lines_that_no_output_has_are_refused(place, tmp_path):
    """pages/market/shown.py:refuse_unknown: other symbols are not shown in the place of one that is asked for."""
    with pytest.raises(InputError, match=r"--symbol ZZ: no output here has lines of that symbol; write it as they do"):
        market_report(place / "one", symbols=["AAB", "ZZ"], out=tmp_path / "page.html")
    (tmp_path / "one.csv").write_text("symbol,timestamp,close\nA,2024-01-02,1\n")
    empty = ["--method", "returns", "--column", "close", "-o", str(tmp_path / "empty"), str(tmp_path / "one.csv")]
    assert main(["normalize", "--quiet", *empty]) == 0
    with pytest.raises(InputError, match=r"empty: has no line that a page could show; leave it out"):
        market_report(tmp_path / "empty", out=tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_two_outputs_of_one_span_are_two_lines(place, tmp_path):
    """They were one line, which went to and fro between them."""
    bars = str(place / "bars.csv")
    other = tmp_path / "day"
    assert main(["resample", "--view", "day", "--quiet", "--symbols", "AAA", "-o", str(other), bars]) == 0
    page, _ = market_report([place / "day", other, place / "week"], out=tmp_path / "market.html")
    text = page.read_text()
    assert all(f"1d of {one}: " in text for one in (place / "day", other)) and "1w: " in text
    assert f'"domain": ["1d of {place / "day"}", "1d of {other}", "1w"]' in text.replace('","', '", "').replace(
        '":[', '": ['
    )


@pytest.mark.parametrize("again", ["day", "day/", "./day", "../market0/day", "link"])
def test_an_output_that_is_named_twice_is_refused(place, tmp_path, monkeypatch, again):
    monkeypatch.chdir(place)
    (tmp_path / "link").symlink_to(place / "day")
    again = str(tmp_path / "link") if again == "link" else again.replace("market0", place.name)
    page = str(tmp_path / "market.html")
    with pytest.raises(InputError, match="is named twice, and would be compared with itself; leave one of them out"):
        market_report(["day", again], out=page)
    assert len(market_report(["day"], out=page)) == 2


def test_an_output_that_is_not_complete_is_refused(place, tmp_path):
    from shutil import copytree

    part = copytree(place / "day", tmp_path / "day")
    (part / "_SUCCESS").unlink()
    with pytest.raises(InputError, match="day: is incomplete: it has no _SUCCESS, which a job writes last; wait"):
        market_report(part, out=tmp_path / "market.html")


def test_sections_of_several_outputs_have_their_names(place, tmp_path):
    other = tmp_path / "late"
    bars = str(place / "bars.csv")
    assert main(["normalize", "--quiet", "--fit-until", "2024-02-01", "-o", str(other), bars]) == 0
    page, _ = market_report([place / "normalize", other, place / "sectors"], out=tmp_path / "market.html")
    text = page.read_text()
    assert '"Normalised: normalize"' in text and '"Normalised: late"' in text and '"Sectors"' in text
