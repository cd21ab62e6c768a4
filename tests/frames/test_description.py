"""_windrow.json: whatever it holds, an output is read as it was written, or refused in one sentence."""

import json
import random

import pytest

import windrow
from tests.pages.report.outputs import Outputs, bars_of
from windrow.errors import InputError, WindrowError
from windrow.frames.description import description_of

REFUSED = "it is what the job wrote about its output; copy the whole output again"
#: What may stand where something else belongs.
VALUES = [None, True, 0, -1, 10**30, 1.5, "", "x", "\x1b[2J\n", [], ["x"], [1], [["x"]], {}, {"x": 1}, {"values": 5}]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Averages, a backtest and a sweep of the same bars."""
    made = Outputs(tmp_path_factory.mktemp("outputs"))
    bars = made.bars(bars_of())
    pair = ["--fast", "sma:3", "--slow", "sma:7"]
    swept = made.run("sweep", "--fast", "sma:3..5", "--slow", "sma:7..9", "--split", "0.7", bars)
    return bars, made.run("moving-average", "--window", "3", bars), made.run("backtest", *pair, "--equity", bars), swept


@pytest.fixture
def described(outputs):
    """Writes another description beside an output, and afterwards its own again."""
    kept = {place: (place / "_windrow.json").read_bytes() for place in outputs[1:]}

    def write(place, content):
        (place / "_windrow.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())

    yield write
    for place, content in kept.items():
        (place / "_windrow.json").write_bytes(content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot be read as JSON"),
        (b"{", "cannot be read as JSON"),
        (b"\xff\xfe", "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[]", "is no JSON object"),
        (b"5", "is no JSON object"),
        (b'{"columns": ["' + b"x" * (1 << 20) + b'"]}', "is no JSON object, or has more than a MiB"),
        (b'{"columns": "sma:3"}', 'has "sma:3" as columns, where a list of names belongs'),
        (b'{"columns": [1]}', "has [1] as columns, where a list of names belongs"),
        (b'{"job": {}}', "has {} as job, where the name of a job belongs"),
        (b'{"reading": {"values": "close"}}', 'has "close" as values in reading'),
        (b'{"reading": {"values": []}}', "has no values in reading"),
        (b'{"reading": {"timezone": "UTC"}}', "has no values in reading"),
        (b'{"reading": {"values": ["close"], "more": 1}}', "has more in reading, which this windrow does not know"),
        (b'{"reading": {"values": ["close"], "timezone": "Mars/Base"}}', 'has "Mars/Base" as timezone, which is none'),
        (b'{"reading": {"values": ["close"], "timezone": "../../etc/passwd"}}', "as timezone, which is none"),
        (b'{"reading": {"values": ["close"], "time_unit": "years"}}', "has a choice in reading that no job has"),
        (b'{"reading": {"values": ["close"], "on_conflict": "any"}}', "has a choice in reading that no job has"),
        (b'{"reading": {"values": ["close"], "where": ["="]}}', "rows that no job has (--where =: is not COLUMN=VALUE"),
        (
            b'{"reading": {"values": ["close"], "encoding": "rot13"}}',
            "rows that no job has (--encoding 'rot13': is not",
        ),
        (b'{"reading": {"values": ["close"], "since": "soon"}}', "rows that no job has (--from soon: is not a date"),
        (b'{"reading": {"values": ["close"], "symbol_from_path": "("}}', "rows that no job has (--symbol-from-path (:"),
        (b'{"walk_forward": 1000000000}', "has 1000000000 as walk_forward, where a number up to 10,000 belongs"),
        (b'{"split": "7"}', "has options that no job has (--split 7: the share"),
        (b'{"rules": {"cash": -1}}', "has options that no job has (--cash -1: the initial cash"),
        (b'{"rules": {"cash": "x"}}', 'has {"cash": "x"} as rules, where the rules of a backtest belongs'),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_cannot_be_right_is_refused(outputs, described, tmp_path, content, why):
    bars, averages, backtest, _ = outputs
    described(averages, content)
    described(backtest, content)
    for look in (
        lambda: windrow.read_output(averages),
        lambda: windrow.plot(averages, bars, out=tmp_path / "plot.html"),
        lambda: windrow.report(backtest, bars, out=tmp_path / "report.html"),
    ):
        with pytest.raises(InputError) as refused:
            look()
        said = str(refused.value)
        assert "_windrow.json: " in said and why in said and said.endswith(REFUSED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("field", ["fast", "slow", "reading"])
def test_a_report_needs_what_its_job_wrote(outputs, described, tmp_path, field):
    bars, _, backtest, _ = outputs
    kept = description_of(backtest)
    del kept[field]
    described(backtest, kept)
    with pytest.raises(InputError, match=f"_windrow.json: has no {field}: it is what the job wrote"):
        windrow.report(backtest, bars, out=tmp_path / "report.html")


@pytest.mark.parametrize("columns", [None, ["renamed"]])
def test_lines_are_read_without_it_too(outputs, described, columns):
    _, averages, *_ = outputs
    described(averages, {} if columns is None else {"columns": columns})
    frame = windrow.read_output(averages)
    assert list(frame) == ["symbol", "timestamp", *(columns or ["value_1"])] and len(frame) == 2 * 58


@pytest.mark.pages
@pytest.mark.parametrize("seed", range(4))
def test_anything_else_is_read_or_refused(outputs, described, tmp_path, seed, monkeypatch):
    """Of 60 descriptions, each with a value or two that is something else, or missing."""
    monkeypatch.setattr("windrow.pages.vega.png", lambda chart, scale: b"a picture")
    chance = random.Random(seed)
    bars, averages, backtest, swept = outputs
    originals = {place: description_of(place) for place in (averages, backtest, swept)}
    refused = 0
    for _ in range(60):
        place = chance.choice(list(originals))
        content = json.loads(json.dumps(originals[place]))
        for _ in range(chance.choice([1, 1, 2])):
            inside = content if chance.random() < 0.5 else content.get(chance.choice(["reading", "rules"]))
            inside = inside if isinstance(inside, dict) and inside else content
            name = chance.choice(list(inside))
            if chance.random() < 0.2:
                del inside[name]
            else:
                inside[name] = chance.choice(VALUES)
        described(place, content)
        try:
            windrow.read_output(place)
            draw = windrow.plot if place == averages else windrow.report
            draw(place, bars, out=tmp_path / "page.html", force=True)
        except WindrowError:
            refused += 1
    assert 10 < refused < 60
