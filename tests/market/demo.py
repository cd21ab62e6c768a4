"""`make demo-sp500`: prices collected, viewed, normalised, forecast on one worker and on two, and drawn on a page.

Prices are made up, in the sessions of New York; the database is a file. What there is to look at stays in
out/demo-sp500/.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNIVERSE = Path("tests", "market", "constituents.csv")
#: The last day of the prices.
LAST = "2025-11-21"


def say(text: str) -> None:
    """Says what comes next."""
    print(f"\n== {text}", flush=True)


def windrow(*arguments: str) -> None:
    """Runs a command of windrow, printed as one would type it; what fails ends the demo."""
    print(f"\n$ windrow {shlex.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", "windrow.cli", *arguments])
    if done.returncode:
        raise SystemExit(done.returncode)


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
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "out/demo-sp500")
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        demo(out)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        raise SystemExit(128 + signal.SIGINT) from None
    print(
        f"\nTo look at: {out}/market.html, and the picture beside it. The prices: windrow inspect sqlite:///{out}/bars.db?table=hours"
    )


if __name__ == "__main__":
    main()
