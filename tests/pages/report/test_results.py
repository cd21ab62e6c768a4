"""What jobs wrote is read as they wrote it, and anything else is refused with a fix."""

import json

import numpy as np
import pytest

from tests.pages.report.outputs import HOSTILE, bars_of, figures
from windrow.errors import InputError
from windrow.pages.report.results import (
    open_output,
    parts_of,
    read_equity,
    read_figures,
    read_orders,
    read_trades,
    symbols_in,
)
from windrow.trading.trade_book import TRADE_COLUMNS

DAY = 86_400 * 10**9


def test_lines_are_read_by_symbol_from_all_parts(outputs):
    place = outputs.output("backtest", [("AA", {}), ("", {}), (HOSTILE[3], figures(pnl=1.5))])
    (place / "part-00001").write_text('B\t{"fast":"ema:7","slow":"ema:21"}\n')
    (place / "part-00000-orders").write_text("C\tx\n")
    output = open_output(place)
    assert (output.job, output.description["fast"]) == ("backtest", "ema:7")
    assert symbols_in(output) == sorted(["AA", "B", HOSTILE[3]])
    expected = {"B": [{"fast": "ema:7", "slow": "ema:21"}], HOSTILE[3]: [figures(pnl=1.5)]}
    assert read_figures(output, ["B", HOSTILE[3]]) == expected


def test_a_job_that_ran_as_a_script_is_known_too(outputs):
    place = outputs.output("sweep", [("A", {})])
    description = json.loads((place / "_windrow.json").read_text())
    (place / "_windrow.json").write_text(json.dumps({**description, "job": "sweep"}))
    assert open_output(place).job == "sweep"


def test_other_places_are_refused(outputs, tmp_path):
    def refused(place):
        with pytest.raises(InputError) as error:
            open_output(place)
        return str(error.value).replace(str(tmp_path), ".")

    fix = "a report reads a directory; use the one given to backtest -o or sweep -o"
    assert refused(tmp_path / "none") == f"./none: does not exist: {fix}"
    (tmp_path / "file").touch()
    assert refused(tmp_path / "file") == f"./file: is a file: {fix}"
    assert refused(tmp_path) == (
        ".: has no _windrow.json: a report reads how the bars were read from it; use the directory given to backtest -o"
        " or sweep -o"
    )
    assert refused(outputs.output("moving_average", [])) == (
        "./moving_average: is the output of moving_average: a report is made of a backtest or a sweep; draw it with"
        " windrow plot"
    )
    assert refused(outputs.output("crossover", [])) == (
        "./crossover: is the output of crossover: a report is made of a backtest or a sweep; run windrow backtest with"
        " its --fast and --slow"
    )
    assert refused(outputs.output("rejects", [])) == (
        "./rejects: is the output of rejects: a report is made of a backtest or a sweep; use the directory given to"
        " backtest -o or sweep -o"
    )


@pytest.mark.parametrize("line", ["A\t{}", "A\t{", "A\tnull", "A\t2024-01-01\t5.0"])
def test_a_line_of_another_form_is_refused(outputs, line, tmp_path):
    place = outputs.output("backtest", [("A", {"fast": 1, "slow": 2})])
    (place / "part-00000").write_text((place / "part-00000").read_text() + line + "\n")
    with pytest.raises(InputError) as error:
        read_figures(open_output(place), ["A"])
    text = line.partition("\t")[2]
    assert str(error.value).replace(str(tmp_path), ".") == (
        f"./backtest/part-00000: line 2 is {text!r}: a line is SYMBOL, a tab and figures as JSON, with fast and slow;"
        " use the directory given to backtest -o or sweep -o"
    )


def test_orders_of_each_symbol_and_status_in_order_of_time(outputs):
    rows = [
        ("A", "2024-01-03", "sell", 100.0, 12.5, "filled"),
        ("A", "2024-01-02T09:30:00Z", "buy", "", "", "refused"),
        (HOSTILE[3], "2024-01-05", "buy", 0.25, 1e-7, "closed-only"),
        ("NA", "2024-01-04", "buy", 1.0, 2.0, "open"),
        ("B", "no time", "neither", 1.0, 2.0, "open"),
    ]
    place = outputs.output("backtest", [], orders=rows)
    found = read_orders(parts_of(place, "-orders"), ["A", HOSTILE[3], "NA", "none"])
    assert list(found) == ["A", HOSTILE[3], "NA"]
    a = found["A"]
    first = 19_724 * DAY
    assert a.times.tolist() == [first + 9 * 3600 * 10**9 + 1800 * 10**9, first + DAY]
    assert (a.side.tolist(), a.status.tolist()) == ([0, 1], [2, 0])
    assert np.isnan(a.size[0]) and np.isnan(a.price[0]) and (a.size[1], a.price[1]) == (100.0, 12.5)
    assert [column.tolist() for column in found[HOSTILE[3]][1:]] == [[0], [1], [0.25], [1e-7]]
    assert found["NA"].status.tolist() == [3]


def test_equity_is_read_from_a_file_or_a_directory(outputs):
    place = outputs.backtest(bars_of(bars=6))
    (place / "part-00001-equity").touch()
    found = read_equity(parts_of(place, "-equity"), ["AAB"])
    assert found["AAB"].bought.tolist() == [100_000.5 + at for at in range(6)]
    assert found["AAB"].values.tolist() == [100_000 + at for at in range(6)]
    assert np.diff(found["AAB"].times).tolist() == [DAY] * 5
    assert list(read_equity(parts_of(place / "part-00000-equity", "-equity"), ["AAA", "AAB"])) == ["AAA", "AAB"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("A\t2024-01-01\t5.0", "CSV parse error: Expected 6 columns, got 3: A\t2024-01-01\t5.0"),
        (
            "A\t2024-01-01\tbuy\tmany\t5.0\tfilled",
            "In CSV column #3: CSV conversion error to double: invalid value 'many'",
        ),
        ("A\tyesterday\tbuy\t1\t5.0\tfilled", "'yesterday' is not a time"),
        ("A\t2024-01-01\thold\t1\t5.0\tfilled", "'hold' is not one of buy, sell"),
        ("A\t2024-01-01\tbuy\t1\t5.0\tdone", "'done' is not one of filled, closed-only, refused, open"),
    ],
)
def test_orders_of_another_form_are_refused(tmp_path, line, why):
    (tmp_path / "part-00000-orders").write_text(line + "\n")
    with pytest.raises(InputError) as error:
        read_orders([tmp_path / "part-00000-orders"], ["A"])
    assert str(error.value) == (
        f"{tmp_path}/part-00000-orders: {why}: its lines are SYMBOL, TIME, side, size, price and status, as written by"
        " backtest --orders, separated by tabs; use such a file, or leave it out"
    )


def test_equity_of_another_form_is_refused(tmp_path):
    (tmp_path / "values").write_text("A\t2024-01-01\tbuy\n")
    with pytest.raises(
        InputError, match="are SYMBOL, TIME, value and that of buying and holding, as written by backtest"
    ):
        read_equity([tmp_path / "values"], ["A"])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"side": "flat"}, "'flat' is not one of long, short"),
        ({"exit_time": "later"}, "'later' is not a time"),
        ({"closed_by": "boredom"}, "'boredom' is not one of cross, ruin, open"),
    ],
)
def test_trades_of_another_form_are_refused(tmp_path, changed, why):
    (tmp_path / "trades").write_text("")
    assert len(read_trades([tmp_path / "trades"], ["A"])["A"].entered) == 0
    line = {"entry_time": "2024-01-01", "exit_time": "2024-01-02", "side": "long", "closed_by": "cross"}
    numbers = dict.fromkeys(TRADE_COLUMNS, "1.5") | line | changed
    (tmp_path / "trades").write_text("\t".join(["A", *(numbers[name] for name in TRADE_COLUMNS)]) + "\n")
    with pytest.raises(InputError) as error:
        read_trades([tmp_path / "trades"], ["A"])
    assert str(error.value).startswith(f"{tmp_path}/trades: {why}: its lines are SYMBOL, entry_time, exit_time, ")
    assert str(error.value).endswith(
        "as written by backtest --trades, separated by tabs; use such a file, or leave it out"
    )


def test_missing_orders_are_refused(tmp_path):
    def refused(place):
        with pytest.raises(InputError) as error:
            parts_of(place, "-orders")
        return str(error.value).replace(str(tmp_path), ".")

    fix = "backtest --orders writes them; use that file or its directory"
    assert refused(tmp_path) == f".: has no file part-*-orders: {fix}"
    assert refused(tmp_path / "none") == f"./none: does not exist: {fix}"
