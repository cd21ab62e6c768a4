"""Attacks windrow at random, from a seed, and counts the wrong results.

python -m tests.attack [--seconds 600] [--seed N] [CAMPAIGN ...]
"""

import argparse
import importlib
import secrets
import sys

#: What is attacked, and its share of the time.
CAMPAIGNS = {
    "lines": ("rows against a parser in pure Python", 1),
    "forms": ("tables in random forms against what was written", 5),
    "exact": ("values against fractions", 1),
    "inputs": ("inputs that change while a job runs", 2),
    "runs": ("kills, and two jobs with one output", 2),
    "s3": ("wrong answers of an object store", 2),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__.partition("\n")[0])
    parser.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", help=f"of {', '.join(CAMPAIGNS)} (default: all)")
    parser.add_argument("--seconds", type=float, default=600, help="of all campaigns together (default 600)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="the same seed tries the same cases")
    options = parser.parse_args()
    chosen = {name: CAMPAIGNS[name] for name in options.campaigns or CAMPAIGNS}
    shares = sum(share for _, share in chosen.values())
    print(f"seed {options.seed}", flush=True)
    wrongs = 0
    for name, (what, share) in chosen.items():
        campaign = importlib.import_module(f"tests.attack.{name}").campaign
        tried, wrong = campaign(options.seed, options.seconds * share / shares)
        print(f"{name:8}{tried:>10,} tried{wrong:>6,} wrong   {what}", flush=True)
        wrongs += wrong
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(main())
