"""Every option that a job's --help offers is accepted by the job, and has an effect on it.

Each option is tried on bars on which it should show: what is shuffled, written or reported must differ from a run
without it. The options of --help's last group, Running, are those of every job, and tested elsewhere.
"""

import re
from typing import NamedTuple

import pytest

from tests.conftest import ROOT
from windrow.errors import UsageError
from windrow.mapreduce.barjob import BarJob
from windrow.mapreduce.registry import find_jobs, job_class


class Trial(NamedTuple):
    """How an option is tried: its value, on which bars, and beside which options, by default the job's of `BESIDE`.

    `needs` are beside them where the job offers such an option.
    """

    value: str = ""
    bars: str = "bars.csv"
    beside: str | None = None
    needs: str = ""


#: Options of streams, which are tried on one in tests/streams/.
OF_STREAMS = {"--gaps", "--share", "--consumer"}
#: Options that need Keras, or an output, and are tried in tests/jobs/test_forecast.py.
ELSEWHERE = {"--model", "--keras", "--apply"}
#: Options that name an output of the job itself, which are tried in its own test.
OF_OUTPUTS = {"--inverse"}
UNTRIED = OF_STREAMS | ELSEWHERE | OF_OUTPUTS
#: A forecast, and a search, that take no time.
FORECAST = "--column close --features close --length 1 --hidden 2 --epochs 1"
SEARCHED = f"{FORECAST} --batch 32 --rate 0.01"
BESIDE = {
    "moving_average": "--indicator ema:3 --indicator std:5",
    "crossover": "--fast ema:3 --slow sma:8",
    "backtest": "--fast ema:3 --slow sma:8",
    "sweep": "--fast ema:3,5 --slow sma:8",
    "grid_search": f"{SEARCHED} --across",
    "forecast": f"{FORECAST} --across",
    "normalize": "--column close",
    "resample": "--values close,mean_close",
    "sequences": "--column close --length 3",
    "catalog_growth": "--column close --files-column volume --alert size>1B",
    "sectors": f"--constituents {ROOT / 'data/constituents.csv'} --averages 2,5 --equal",
}
#: Jobs that need jax.
LEARNING = {"forecast", "grid-search"}
TRIALS = {
    "catalog_growth --column": Trial("open"),
    "catalog_growth --window": Trial("30d"),
    "catalog_growth --wide": Trial("close", "wide.csv", "--column close --files-column close"),
    "catalog_growth --max-missing": Trial("0.1", "no-names.csv"),
    "--files-column": Trial("open"),
    "--every-day": Trial(),
    "--limit": Trial("1kB"),
    "--small-files": Trial("1B"),
    "--alert": Trial("growth>1%/7d"),
    "--as-of": Trial("2030-01-01"),
    "forecast --column": Trial(
        "open", "no-open.csv", "--features close,open --column close --hidden 2 --epochs 1 --length 1 --across"
    ),
    "forecast --split": Trial("0.6"),
    "forecast --walk-forward": Trial("2"),
    "grid_search --column": Trial(
        "open",
        "no-open.csv",
        "--features close,open --column close --hidden 2 --batch 32 --rate 0.01 --epochs 1 --length 1 --across",
    ),
    "grid_search --features": Trial("close,open"),
    "grid_search --target": Trial("level"),
    "grid_search --split": Trial("0.6"),
    "grid_search --gap": Trial("1d", beside=SEARCHED),
    "grid_search --across": Trial(beside=SEARCHED),
    "grid_search --session": Trial(
        "14:30-20:30",
        "minute_bars.csv",
        SEARCHED,
    ),
    "grid_search --calendar": Trial("XNYS", beside=SEARCHED),
    "grid_search --time-format": Trial(
        "%d/%m/%Y",
        "days-or-months.csv",
        f"{SEARCHED} --across --walk-forward 1",
    ),
    "grid_search --points": Trial("3"),
    "grid_search --batch": Trial("16,32"),
    "grid_search --hidden": Trial("2,3"),
    "grid_search --rate": Trial("0.1,0.01"),
    "grid_search --length": Trial("1,2"),
    "grid_search --walk-forward": Trial("2"),
    "grid_search --early-stop": Trial(),
    "grid_search --epochs": Trial("2"),
    "grid_search --seed": Trial("1"),
    "forecast --features": Trial("close,open"),
    "forecast --target": Trial("level"),
    "forecast --gap": Trial("1d", beside=FORECAST),
    "forecast --across": Trial(beside=FORECAST),
    "forecast --session": Trial("14:30-20:30", "minute_bars.csv", FORECAST),
    "forecast --calendar": Trial("XNYS", beside=FORECAST),
    "forecast --points": Trial("3"),
    "forecast --length": Trial("2"),
    "forecast --hidden": Trial("3"),
    "forecast --batch": Trial("16"),
    "forecast --rate": Trial("0.1"),
    "forecast --epochs": Trial("2"),
    "forecast --seed": Trial("1"),
    "forecast --global": Trial(),
    "forecast --shares": Trial("3", beside="--global --column close --features close --length 1 --hidden 2 --epochs 2"),
    "forecast --rounds": Trial("1", beside="--global --column close --features close --length 1 --hidden 2 --epochs 2"),
    "sweep --column": Trial("open", "no-open.csv"),
    "sweep --max-bad": Trial("1", "invalid.csv"),
    "sweep --max-missing": Trial("0.1", "missing.csv"),
    "sweep --rolling": Trial(beside="--fast ema:3 --slow sma:8 --walk-forward 3"),
    "sweep --embargo": Trial("20", beside="--fast ema:3 --slow sma:8 --split 0.5"),
    "sweep --across": Trial("median", beside="--fast ema:3 --slow sma:8 --best"),
    "sweep --equity": Trial(beside="--fast ema:3 --slow sma:8 --best --split 0.5"),
    "--indicator": Trial("ema:3", beside=""),
    "--window": Trial("3", beside=""),
    "--column": Trial("open", "no-open.csv", needs="--across"),
    "--step": Trial("5"),
    "--min-periods": Trial("1"),
    "--ema-seed": Trial("first"),
    "--ddof": Trial("0"),
    "--fast": Trial("ema:3", beside="--slow sma:8"),
    "--slow": Trial("sma:8", beside="--fast ema:3"),
    "--orders": Trial(),
    "--equity": Trial(),
    "--portfolio": Trial("equal"),
    "--rebalance": Trial("month", beside="--fast ema:3 --slow sma:8 --portfolio equal"),
    "--trades": Trial(),
    "--excursions": Trial("range", beside="--fast ema:3 --slow sma:8 --trades"),
    "--any-order": Trial(beside="--fast ema:3,9 --slow sma:8"),
    "--method": Trial("robust"),
    "--fit-until": Trial("2023-07-01"),
    "--length": Trial("4"),
    "--target": Trial("open"),
    "--seed": Trial("3", beside="--column close --split random"),
    "--gap": Trial("2d"),
    "--across": Trial(bars="no-zone.csv"),
    "--as": Trial("npy"),
    "--split": Trial("0.5"),
    "--split-at": Trial("2023-07-01"),
    "--walk-forward": Trial("2"),
    "--cold": Trial(beside="--fast ema:3 --slow sma:8 --split 0.5"),
    "--objective": Trial("sqn", beside="--fast ema:2..7 --slow sma:8,9 --top 1"),
    "--top": Trial("1"),
    "--best": Trial(),
    "--shards": Trial("2"),
    "--size": Trial("10"),
    "--cash": Trial("500"),
    "--commission": Trial("0.01"),
    "--commission-per-order": Trial("1"),
    "--slippage": Trial("0.01"),
    "--fill": Trial("close"),
    "--side": Trial("long"),
    "--entry": Trial("cross"),
    "--whole-shares": Trial(),
    "--days-per-year": Trial("365", beside="--fast ema:3 --slow sma:8"),
    "--risk-free": Trial("0.02", beside="--fast ema:3 --slow sma:8"),
    "--backtrader": Trial(),
    "--stop-at-ruin": Trial(beside="--fast ema:3 --slow sma:8 --cash 500"),
    "--constituents": Trial(f"{ROOT / 'data/constituents.csv'}", beside=""),
    "--any-sector": Trial(beside=f"--constituents {ROOT / 'tests/jobs/sectors.csv'}"),
    "--averages": Trial("3"),
    "--equal": Trial(beside=f"--constituents {ROOT / 'data/constituents.csv'} --averages 2"),
    "--volatility": Trial("3"),
    "--values": Trial("close", beside=""),
    "--view": Trial("month", "adjusted.csv", beside=""),
    "--resample": Trial("1w"),
    "--session": Trial("15:00-16:00", "minute_bars.csv", needs="--resample 5min"),
    "--calendar": Trial("XNYS", needs="--resample 1d"),
    "--labels": Trial("right", needs="--resample 1w"),
    "--closed": Trial("right", "minute_bars.csv", needs="--resample 5min"),
    "--adjusted": Trial(bars="adjusted.csv"),
    "--columns": Trial("symbol,timestamp,open,high,low,close,volume", "no-header.csv"),
    "--rename": Trial("shares=volume,price_paid=close", "other-names.csv"),
    "--time-column": Trial("day", "other-times.csv"),
    "--symbol-column": Trial("instrument", "other-symbols.csv"),
    "--wide": Trial("close", "wide.csv", needs="--fill close"),
    "--symbol": Trial("AAA", "no-symbol.csv"),
    "--symbol-from-filename": Trial(bars="no-symbol.csv"),
    "--symbol-from-path": Trial("no-(sym).+csv", "no-symbol.csv"),
    "--symbols": Trial("AAB"),
    "--from": Trial("2023-07-01"),
    "--to": Trial("2023-07-01"),
    "--where": Trial("exchange=N", "exchanges.csv"),
    "--recursive": Trial(bars="folders"),
    "--timezone": Trial("America/New_York", "no-zone.csv"),
    "--delimiter": Trial("^", "carets.csv"),
    "--encoding": Trial("cp1252", "latin.csv"),
    "--skip-lines": Trial("25", "preamble.csv"),
    "--time-format": Trial("%d/%m/%Y", "days-or-months.csv"),
    "--decimal": Trial(",", "commas.csv"),
    "--thousands": Trial(",", "commas.csv"),
    "--scale": Trial("open=1e2,high=1e2,low=1e2,close=1e2"),
    "--time-unit": Trial("s", "seconds.csv"),
    "--max-bad": Trial("1", "invalid.csv", needs="--across"),
    "--max-missing": Trial("0.1", "missing.csv", needs="--across"),
    "--on-conflict": Trial("largest", "conflict.csv"),
    "--block-bars": Trial("1"),
    "--slot": Trial("5d"),
    "--slices": Trial("100d"),
}


def trial_of(job, option):
    """How an option of a job is tried, the job given by its module's name; None where nothing says."""
    return TRIALS.get(f"{job} {option}", TRIALS.get(option))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The bars of TRIALS."""
    folder = tmp_path_factory.mktemp("bars")
    header, *rows = (ROOT / "data" / "bars.csv").read_text().splitlines()
    minutes = (ROOT / "data" / "minute_bars.csv").read_text().replace("Z,", ",").splitlines()
    files = {
        "bars.csv": [header, *rows],
        "minute_bars.csv": [header, *minutes[1:]],
        "no-open.csv": [header, *rows, "AAA,2024-12-31,,1,1,1,1"],
        "adjusted.csv": [f"{header},adj_close", *(f"{row},{float(row.split(',')[5]) / 2}" for row in rows)],
        "no-header.csv": rows,
        "no-symbol.csv": [line.partition(",")[2] for line in [header, *rows] if line[:3] in ("AAA", "sym")],
        "other-names.csv": [header.replace("close", "price_paid").replace("volume", "shares"), *rows],
        "other-times.csv": [header.replace("timestamp", "day"), *rows],
        "other-symbols.csv": [header.replace("symbol", "instrument"), *rows],
        "wide.csv": ["date,AAA,BBB", *(f"2023-01-{day:02},{day},{day % 5}" for day in range(1, 31))],
        "no-zone.csv": [*minutes, "AAA,2024-03-10T02:30:00,1,1,1,1,1"],  # which the clocks of New York skip
        "carets.csv": [line.replace(",", "^") for line in [header, *rows]],
        "preamble.csv": [*["# made up"] * 25, header, *rows],
        "days-or-months.csv": [header, *(f"AAA,{day:02}/{day % 12 + 1:02}/2023,1,1,1,{day},1" for day in range(1, 13))],
        "commas.csv": [
            header.replace(",", ";"),
            *(f"AAA;2023-01-{day:02};1,125;1,125;1,125;{day},125;1,125" for day in range(1, 31)),
        ],
        "seconds.csv": [
            header,
            *(re.sub(r",[\d-]+", f",{86_400 * day}", row, count=1) for day, row in enumerate(rows)),
        ],
        "invalid.csv": [header, *rows, *["AAA,noon,1,1,1,1,1"] * 5],
        "missing.csv": [header, *rows, *["AAA,2025-01-02,,,,,"] * 80],
        "no-names.csv": [header, *rows, *[",2025-01-02,1,1,1,1,1"] * 80],
        "conflict.csv": [header, *rows, rows[0].rpartition(",")[0].rpartition(",")[0] + ",1,1"],
    }
    files["exchanges.csv"] = [f"{header},exchange", *(f"{row},{'NQ'[number % 2]}" for number, row in enumerate(rows))]
    (folder / "folders/deeper").mkdir(parents=True)
    files |= {"folders/a.csv": [header, *rows[:100]], "folders/deeper/b.csv": [header, *rows[100:]]}
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    latin = "\n".join([header, *rows, ""]).replace("AAA", "ÄAA")
    (folder / "latin.csv").write_text(latin, encoding="cp1252")
    return folder


@pytest.fixture
def offered(capfd):
    """The options that a job's --help lists before those of every job."""

    def find(job):
        with pytest.raises(SystemExit):
            job.main(["--help"])
        listed, running, _ = capfd.readouterr().out.partition("\nRunning:\n")
        assert running
        return re.findall(r"^  (--[a-z-]+)", listed, re.MULTILINE)

    return find


@pytest.fixture
def useless(capfd, tmp_path, folder, offered):
    """Those options that a job offers, but refuses, or makes nothing of."""
    seen = {}

    def observe(job, options, bars):
        place = tmp_path / str(len(seen))
        tail = ["-o", f"{place}/out", "--cleanup", "NONE", "--local-tmp-dir", str(place), str(folder / bars)]
        place.mkdir()
        status = job.main([*options, *tail])
        written = [path for path in sorted(place.glob("out/*")) if path.name != "_windrow.json"]
        shuffled = sorted(place.glob("*/step/*/mapper/*/output"))
        contents = [(path.name, path.read_bytes()) for path in [*written, *shuffled]]
        said = re.sub("(?m)^  took .*\n", "", capfd.readouterr().err.replace(str(place), ""))  # never twice the same
        return status, said, contents

    def observed(job, *how):
        if how not in seen:
            seen[how] = observe(job, *how)
        return seen[how]

    def find(job):
        all_offered = offered(job)
        for option in all_offered:
            if option in UNTRIED:
                continue
            name = job.__module__.rpartition(".")[2]
            trial = trial_of(name, option)
            if trial is None:
                yield f"{option}: has no trial: every option is tried; add one to TRIALS"
                continue
            value, bars, beside, needs = trial
            beside = tuple((BESIDE.get(name, "") if beside is None else beside).split())
            beside += tuple(needs.split()) if needs.partition(" ")[0] in all_offered else ()
            without = observed(job, beside, bars)
            status, said, contents = observed(job, (*beside, option, *value.split()), bars)
            if status:
                yield f"{option}: is refused: {said}"
            elif (status, said, contents) == without:
                yield f"{option}: changes nothing"

    return lambda job: list(find(job))


@pytest.mark.parametrize("name", find_jobs())
def test_every_option_has_a_trial(offered, name):
    """Cheap, so in every run of the tests; whether the option does anything is tried by `make test-options`."""
    file = find_jobs()[name]
    listed = set(offered(job_class(file))) - UNTRIED
    assert listed and not [option for option in listed if trial_of(file.stem, option) is None]


@pytest.mark.options
@pytest.mark.parametrize(
    "name", [pytest.param(job, marks=pytest.mark.learn) if job in LEARNING else job for job in find_jobs()]
)
def test_every_option_that_help_lists_is_accepted_and_has_an_effect(useless, name):
    assert useless(job_class(find_jobs()[name])) == []


class Rows(BarJob):
    """Counts rows, and offers options that it has no use for."""

    map_only = True

    def add_options(self):
        group = self.add_group("Rows")
        group.add("--ema-seed", "is for averages", choices=["sma", "first"], default="sma")
        group.add("--split SHARE", "is not for this job")
        group.add("--novel", "nobody has tried yet", action="store_true")

    def check_options(self):
        if self.options.split:
            raise UsageError(f"--split {self.options.split}: this job has no parts; leave it out")

    def columns(self):
        return ["close"]

    def map_bars(self, bars, source):
        yield b"%d\n" % len(bars)


@pytest.mark.options
def test_an_option_that_a_job_has_no_use_for_is_found(useless):
    found = useless(Rows)
    assert "--ema-seed: changes nothing" in found
    assert "--novel: has no trial: every option is tried; add one to TRIALS" in found
    assert "--split: is refused: error: --split 0.5: this job has no parts; leave it out\n" in found
    assert not [line for line in found if line.startswith(("--symbol", "--columns", "--time-unit"))]
