"""Every error of learning that names an option: what fails, and each cure of its message, which ends well and is right.

learn/options.py:columns_of, learn/options.py:complete_inverse, learn/options.py:check_scaling,
learn/normalizing.py:scaled, learn/normalizing.py:applied,
learn/normalizing.py:_summary, learn/normalizing.py:_scale, learn/normalizing.py:_refuse_missing,
sinks/normalized.py:told, sinks/normalized.py:kept, sinks/normalized.py:scales_in, learn/options.py:fit_before,
learn/sequences.py:add,
learn/options.py:plan_of, learn/options.py:check_sequences, learn/options.py:check_gaps,
learn/options.py:check_left_out,
learn/options.py:_splitting, learn/options.py:share_asked, learn/options.py:leak_of,
learn/options.py:check_counted, jobs/sequences.py:check_options, learn/options.py:trading_of
"""

import json
import sys

import numpy as np
import pytest

from jobs.normalize import Normalize
from jobs.sequences import Sequences

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
    "larger bars": (["scaled", "--resample", "1w"], "--resample 1w: given with --inverse, which takes values back one"
                    " by one; leave it out", ["scaled"], PRICES),
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
    (outputs / "scaled" / "part-00000-scales").unlink()
    refused(normalize("--inverse", "scaled"), "has no scales; give the directory that `windrow normalize -o` wrote")


def test_scales_that_were_changed(normalize, outputs):
    path = outputs / "scaled" / "part-00000-scales"
    path.write_text(path.read_text().replace('"high":12.0', '"high":"x"'))
    refused(normalize("--inverse", "scaled"), "has no scale of column close among those of --inverse")


# Sequences.

DAYS = ["2024-03-27", "2024-03-28", "2024-04-01", "2024-04-02", "2024-04-03", "2024-04-04"]
TIMES = [f"2024-03-28T{clock}Z" for clock in ("19:54", "19:55", "19:56", "19:57", "19:58", "19:59")]
LEAKS = (
    "--split random: sequences of train and test overlap, so the test was seen in training, and its error is too small"
)


def rows(times=DAYS, more=""):
    return "symbol,timestamp,close\n" + "".join(f"AA,{time},{number}\n" for number, time in enumerate(times, 1)) + more


@pytest.fixture
def sequences(run_job, bars):
    def run(text, *args):
        bars.write_text(text)
        return run_job("-q", *CLOSE, *args, bars, job=Sequences)

    return run


def totals(ran):
    """How many sequences there are, in train and in test."""
    assert ran.status == 0, ran.err
    told = json.loads(ran.out.partition(b"\t")[2])
    return told["sequences"], told["train"], told["test"]


OF_2 = ["--length", "2"]
HOURS = ["--session", "09:30-16:00", "--timezone", "America/New_York"]
INCOMPLETE = rows(more="AA,2024-04-05,\nAA,2024-04-08,7\nAA,2024-04-09,8\n")
SEQUENCES = {
    "a length that is none": (rows(), ["--length", "0"], "a sequence has 1 to 10,000 bars; give a number in that range",
                              [OF_2], (4, 2, 0)),
    "too long": (rows(), ["--length", "6"], "no sequence: no symbol has 6 bars and the one after them without a gap;"
                 " give a shorter --length than that, a longer --gap, or --across", [OF_2], (4, 2, 0)),
    "gaps": (rows(TIMES[:2] + TIMES[3:5]), OF_2, "a longer --gap, or --across",
             [[*OF_2, "--gap", "2min"], [*OF_2, "--across"]], (2, 1, 0)),
    "across and a gap": (rows(), [*OF_2, "--across", "--gap", "2d"], "--across: given with --gap 2d, and passes over"
                         " all that is between bars; leave one out", [[*OF_2, "--across"]], (4, 2, 0)),
    "across and a calendar": (rows(), [*OF_2, "--across", "--calendar", "XNYS"], "--across: given with --calendar XNYS",
                              [[*OF_2, "--calendar", "XNYS"], [*OF_2, "--across"]], (4, 2, 0)),
    "two kinds of sessions": (rows(TIMES), [*OF_2, *HOURS, "--calendar", "XNYS"], "which has hours of its own; leave"
                              " one out", [[*OF_2, *HOURS], [*OF_2, "--calendar", "XNYS"]], (4, 2, 0)),
    "hours of days": (rows(), [*OF_2, *HOURS], "--session 09:30-16:00: the bars have dates, which are at no time of"
                      " day; leave it out, or take the days of an exchange with --calendar",
                      [OF_2, [*OF_2, "--calendar", "XNYS"]], (4, 2, 0)),
    "hours that are none": (rows(TIMES), [*OF_2, "--session", "9-16"], "give HH:MM-HH:MM, e.g. 09:30-16:00",
                            [[*OF_2, "--session", "19:00-21:00"]], (4, 2, 0)),
    "an exchange that is none": (rows(), [*OF_2, "--calendar", "NYSX"], "give its code of four letters, e.g. XNYS for",
                                 [[*OF_2, "--calendar", "XNYS"]], (4, 2, 0)),
    "two splits": (rows(), [*OF_2, "--split", "0.8", "--split-at", "2024-04-03"], "sequences are split one way; leave"
                   " one out", [[*OF_2, "--split", "0.8"], [*OF_2, "--split-at", "2024-04-03"]], (4, 2, 0)),
    "a seed of no chance": (rows(), [*OF_2, "--seed", "3"], "--seed 3: is of --split random alone; leave it out",
                            [OF_2], (4, 2, 0)),
    "a share that is none": (rows(), [*OF_2, "--split", "80"], "nor random; give e.g. 0.8", [[*OF_2, "--split", "0.8"]],
                             (4, 2, 0)),
    "a time that is none": (rows(), [*OF_2, "--split-at", "soon"], "--split-at soon: is not a date or time; give e.g.",
                            [[*OF_2, "--split-at", "2024-04-03"]], (4, 2, 0)),
    "a row without a value": (
        INCOMPLETE, [*OF_2, "--max-missing", "0.5"], "1 rows: lack a value or are invalid, and sequences of days would"
        " pass over them unseen; fill them in, or give the exchange with --calendar, whose days without a bar are gaps,"
        " or --across", [[*OF_2, "--max-missing", "0.5", "--calendar", "XNYS"]], (4, 4, 0),
    ),
    "a row without a value, across": (
        INCOMPLETE, [*OF_2, "--max-missing", "0.5"], "or --across",
        [[*OF_2, "--max-missing", "0.5", "--across"]], (6, 4, 0),
    ),
    "files beside lines": (rows(), [*OF_2, "--as", "npy"], "--as npy: writes files beside the figures, but the figures"
                           " are printed; give -o DIR", [OF_2], (4, 2, 0)),
}  # fmt: skip


@pytest.mark.parametrize("case", SEQUENCES.values(), ids=SEQUENCES)
def test_each_cure_of_sequences_ends_well_and_is_right(sequences, case):
    text, fails, says, cures, right = case
    refused(sequences(text, *fails), says)
    for cure in cures:
        assert totals(sequences(text, *cure)) == right, cure


def test_an_input_of_a_name_that_files_have(sequences, bars, run_job):
    bars.write_text(rows().replace("close", "target"))
    refused(
        run_job("-q", "--column", "target", bars, job=Sequences), "call the input's otherwise with --rename target=NAME"
    )
    assert totals(run_job("-q", "--column", "x", "--rename", "target=x", *OF_2, bars, job=Sequences)) == (4, 2, 0)


def test_sequences_as_files(sequences, tmp_path):
    assert sequences(rows(), *OF_2, "--as", "npy", "-o", tmp_path / "out").status == 0
    assert len(np.load(tmp_path / "out" / "part-00000-train-targets.npy")) == 2


def test_a_random_split_is_told_of(run_job, bars):
    bars.write_text(rows())
    options = [*CLOSE, *OF_2, "--split", "random", bars]
    assert f"note: {LEAKS}" in run_job(*options, job=Sequences).err


def test_times_that_are_irregular(sequences):
    times = np.datetime64("2024-03-28T10:00:00.000000000") + np.cumsum(np.arange(1, 17_000)) * np.timedelta64(1, "ms")
    irregular = rows([f"{time}Z" for time in times])
    refused(sequences(irregular, *OF_2), "say from what distance on there is a gap with --gap, e.g. --gap 1min")
    assert totals(sequences(irregular, *OF_2, "--gap", "1min"))[0] == len(times) - 2


def test_without_the_package_of_calendars(sequences, monkeypatch):
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    says = "--calendar XNYS: needs the package exchange_calendars; install it by: pip install 'windrow[market]'"
    refused(sequences(rows(), *OF_2, "--calendar", "XNYS"), says)
    monkeypatch.undo()


def test_years_that_a_calendar_does_not_know(sequences):
    old = [day.replace("2024", "1955") for day in DAYS]
    some = rows(old).replace("1955-04-0", "2024-04-0")
    refused(sequences(some, *OF_2, "--calendar", "XHKG"), "take bars of known years by --from and --to")
    hong_kong = ["--calendar", "XHKG", "--length", "1"]  # where the first and the fourth of April 2024 are holidays
    assert totals(sequences(some, *hong_kong, "--from", "2024-01-01")) == (1, 1, 0)
