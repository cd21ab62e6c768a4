"""`make demo-sp500`: prices collected, viewed, normalised, forecast on one worker and on two, and drawn on a page.

Prices are made up, in the sessions of New York; the database is a file. What there is to look at stays in
out/demo-sp500/.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.showing import fresh, say, windrow

UNIVERSE = Path("tests", "market", "constituents.csv")
#: The last day of the prices.
LAST = "2025-11-21"


def demo(out: Path) -> None:
    """All of it."""
    database = f"sqlite:///{out / 'bars.db'}"
    year, minutes = f"{database}?table=hours", f"{database}?table=minutes"
    from_generator = ["collect", "--source", "generator", "--universe", str(UNIVERSE), "--until", LAST, "--quiet"]

    say("A year of hours, and a week of minutes, of 20 companies; what is there already stays as it is")
    windrow(*from_generator, "--interval", "1h", "--last", "365d", "--to", year)
    windrow(*from_generator, "--last", "7d", "--to", minutes)
    windrow(*from_generator, "--last", "7d", "--to", minutes)

    say("Views, in the sessions of New York: days, and the weeks' and months' means of their average adjusted closes")
    sessions = ["--calendar", "XNYS", "--quiet"]
    for view in ("day", "week", "month"):
        windrow("resample", "--view", view, *sessions, "-o", str(out / view), year)

    say("Sectors, with those who were added on their days; prices from 0 to 1, scaled by the bars until June")
    days = ["--resample", "1d", *sessions]
    windrow("sectors", "--constituents", str(UNIVERSE), *days, "-o", str(out / "sectors"), year)
    windrow("normalize", "--fit-until", "2025-06-30", *days, "-o", str(out / "normalised"), year)

    say("One model of all minutes, trained on one worker and on two")
    together = ["forecast", "-r", "local", "--global", "--quiet"]
    windrow(*together, "--shares", "1", "--rounds", "1", "-o", str(out / "one-worker"), minutes)
    windrow(*together, "--shares", "2", "--rounds", "2", "-o", str(out / "two-workers"), minutes)

    say("The page")
    shown = ["sectors", "day", "week", "month", "normalised", "one-worker", "two-workers"]
    windrow("market", "report", *(str(out / name) for name in shown), "-o", str(out / "market.html"))


def main() -> None:
    """Runs the demo in a new out/demo-sp500, or a directory that is named."""
    with fresh("out/demo-sp500", "stopped") as out:
        demo(out)
    say("To look at, with a picture beside it, and the prices, by hand:")
    print(f"    {out}/market.html\n    windrow inspect 'sqlite:///{out}/bars.db?table=hours'")


if __name__ == "__main__":
    main()
