"""What tasks of backtests and sweeps tell the submitter, under Hadoop Streaming in one process."""

from tests.jobs.test_adjusted import LONG, figures, written


def test_adjusted_prices_and_what_is_told(on_hadoop, tmp_path):
    paths = [written(tmp_path / name) for name in ("AA.csv", "AA.parquet")]
    ran = on_hadoop(*LONG, "--adjusted", *paths, job="jobs.backtest")
    assert ran.status == 0 and figures(ran)["pnl"] == 25
    refused = on_hadoop(*LONG, "--adjusted", "--cash", "100", *paths, job="jobs.backtest")
    assert refused.status == 0 and figures(refused)["orders_refused"] == 3
    assert (
        "warning: most orders were refused in 1 of 1 backtests (3 of 3 orders in all), e.g. 10 shares at a price of"
        " about 30 with 100 in cash: a position must be paid for; use a smaller --size, more --cash, or --size"
        " all-in\n"
    ) in refused.err


def test_the_best_of_no_pairs_is_refused(on_hadoop, tmp_path):
    how = ["--fast", "sma:1", "--slow", "sma:2", "--side", "long", "--size", "100", "--cash", "100", "--best"]
    ran = on_hadoop(*how, written(tmp_path / "AA.csv"), job="jobs.sweep")
    assert (ran.status, ran.out) == (1, b"")
    assert ran.err.endswith(
        "error: --best --objective pnl: no pair has it on any symbol: all its orders were refused; use a smaller"
        " --size, more --cash, or --size all-in\n"
    )
