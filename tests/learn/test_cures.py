"""Every error of learning that names an option: what fails, and each cure of its message, which ends well and is right.

learn/options.py:columns_of, learn/options.py:check_scaling, learn/normalizing.py:scaled, learn/normalizing.py:applied,
learn/normalizing.py:_summary, learn/normalizing.py:_scale, learn/normalizing.py:_refuse_missing,
sinks/normalized.py:told, learn/options.py:fit_before, learn/sequences.py:add
"""

import pytest

from jobs.normalize import Normalize

pytestmark = pytest.mark.one_python

CLOSE = ["--column", "close"]
BARS = "symbol,timestamp,open,close\nAA,2024-01-01,0,10\nAA,2024-01-02,1,12\nAA,2024-01-03,2,11\nBB,2024-01-03,1,7\n"
SCALED = ["AA 0.0", "AA 1.0", "AA 0.5", "BB 0.0"]
RETURNS = ["AA 0.2", "AA -0.08333333333333333"]
ZSCORES = ["AA -1.224744871391589", "AA 1.224744871391589", "AA 0.0", "BB 0.0"]


@pytest.fixture
def bars(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bars.csv").write_text(BARS)
    return tmp_path / "bars.csv"


@pytest.fixture
def normalize(run_job):
    return lambda *args: run_job("-q", *args, job=Normalize)


def values(ran):
    """Symbol and last value of each line of a run that ended well."""
    assert ran.status == 0, ran.err
    fields = [line.decode().split("\t") for line in ran.lines]
    return [f"{field[0]} {field[-1]}" for field in fields]


def refused(ran, says):
    assert ran.status in (1, 2) and ran.out == b"" and says in ran.err, ran.err
    assert ran.err.count("\n") == 1


CASES = {
    "an empty name": (["--column", "close,"], "one of the names is empty; give names of columns, e.g. open,close",
                      [CLOSE], SCALED),
    "a missing column": ([], "choose columns that it has with --column", [CLOSE], SCALED),
    "a time that is none": ([*CLOSE, "--fit-until", "soon"], "--fit-until soon: is not a date or time; give e.g. 2023",
                            [[*CLOSE, "--fit-until", "2024-01-31"]], SCALED),
    "a fit of returns": (
        [*CLOSE, "--symbols", "AA", "--method", "returns", "--fit-until", "2024-01-02"],
        "no others set it; leave it out, or use another --method than returns",
        [[*CLOSE, "--symbols", "AA", "--method", "returns"]], RETURNS,
    ),
    "another method": (
        [*CLOSE, "--symbols", "AA", "--method", "returns", "--fit-until", "2024-01-02"],
        "another --method than returns",
        [[*CLOSE, "--symbols", "AA", "--method", "minmax", "--fit-until", "2024-01-02"]], SCALED[:3],
    ),
    "no bar to fit to": (
        [*CLOSE, "--fit-until", "2024-01-02"], "BB: has no bar up to --fit-until, so nothing sets the scale; give",
        [[*CLOSE, "--fit-until", "2024-01-03"]], SCALED,
    ),
    "no bar to fit to, of some": (
        [*CLOSE, "--fit-until", "2024-01-02"], "or choose other symbols with --symbols",
        [[*CLOSE, "--fit-until", "2024-01-02", "--symbols", "AA"]], SCALED[:3],
    ),
    "a return of 0": (
        ["--column", "open", "--method", "returns"], "AA, open: a value of 0.0: has no return, which takes values above"
        " 0; leave its column out, or use another method, e.g. zscore", [[*CLOSE, "--method", "returns"]], RETURNS,
    ),
    "a return of 0, by another method": (
        ["--column", "open,close", "--method", "returns"], "or use another method, e.g. zscore",
        [["--column", "open,close", "--method", "zscore"]], ZSCORES,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_cure_ends_well_and_is_right(normalize, bars, case):
    fails, says, cures, right = case
    refused(normalize(*fails, bars), says)
    for cure in cures:
        assert values(normalize(*cure, bars)) == right


def test_values_that_no_bar_can_hold(normalize, bars):
    bars.write_text("symbol,timestamp,close\nAA,2024-01-01,1e-15\nAA,2024-01-02,2e-15\nAA,2024-01-03,1000\n")
    says = "AA, close: 1000.0 is over 1e15 widths of the scale away, which no bar can hold; let more bars set the scale"
    refused(normalize(*CLOSE, "--fit-until", "2024-01-02", bars), says)
    assert values(normalize(*CLOSE, "--fit-until", "2024-01-03", bars))[-1] == "AA 1.0"


@pytest.fixture
def outputs(normalize, bars, tmp_path):
    assert normalize(*CLOSE, "-o", tmp_path / "scaled", bars).status == 0
    few = [*CLOSE, "--symbols", "AA"]
    assert normalize(*few, "-o", tmp_path / "few", bars).status == 0
    assert normalize(*few, "--method", "returns", "-o", tmp_path / "returns", bars).status == 0
    return tmp_path


PRICES = ["AA 10.0", "AA 12.0", "AA 11.0", "BB 7.0"]
INVERSES = {
    "a method": (["scaled", "--method", "zscore"], "--method zscore: given with --inverse, whose scales have it; leave"
                 " it out", ["scaled"], PRICES),
    "a fit": (["scaled", "--fit-until", "2024-01-02"], "--fit-until 2024-01-02: given with --inverse, whose",
              ["scaled"], PRICES),
    "adjusted": (["scaled", "--adjusted"], "--adjusted: given with --inverse, which takes scaled values, no prices;",
                 ["scaled"], PRICES),
    "another symbol": (["few", "bars.csv", *CLOSE], "BB: has no scale among those of --inverse; give the output of the"
                       " run that scaled it, or choose other symbols with --symbols",
                       ["few", "--symbols", "AA"], PRICES[:3]),
    "another column": (["scaled", "--column", "open", "bars.csv"], "AA: has no scale of column open among those of"
                       " --inverse; choose columns that it has with --column", ["scaled", *CLOSE], PRICES),
    "some returns": (["returns", "--from", "2024-01-03"], "AA: has 1 of 2 returns, and each value is made from the one"
                     " before; give all of them, without --from and --to", ["returns"], PRICES[:3]),
    "no output": (["bars.csv"], "is no line of scales", ["scaled"], PRICES),
}  # fmt: skip


@pytest.mark.parametrize("case", INVERSES.values(), ids=INVERSES)
def test_each_cure_of_taking_back_ends_well_and_is_right(normalize, outputs, case):
    fails, says, cure, right = case
    refused(normalize("--inverse", *fails), says)
    assert values(normalize("--inverse", *cure)) == right


def test_the_output_of_the_run_that_scaled_it(normalize, outputs):
    refused(normalize("--inverse", "few", *CLOSE, "bars.csv"), "give the output of the run that scaled it")
    assert values(normalize("--inverse", "scaled")) == PRICES


def test_an_output_without_scales(normalize, outputs):
    (outputs / "empty").mkdir()
    refused(normalize("--inverse", "empty"), "has no scales; give the directory that `windrow normalize -o` wrote")


def test_scales_that_were_changed(normalize, outputs):
    path = outputs / "scaled" / "part-00000-scales"
    path.write_text(path.read_text().replace('"high":12.0', '"high":"x"'))
    refused(normalize("--inverse", "scaled"), "has no scale of column close among those of --inverse")
