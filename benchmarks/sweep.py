"""windrow sweep beside vectorbt and backtrader, and a large sweep's memory.

    python benchmarks/sweep.py [--parts vectorbt,figures,backtrader,large] [--runs 5] [--scale 1]

Two times of each: of the backtests themselves (of windrow, the reducers' time, from shuffled blocks to lines of text; a
peer tells its own, from prices in memory to returns, after what it compiles at first), and of the whole command, from
the shell. Programs run in turn; what they find must agree. Figures go to results.json and RESULTS.md.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench import among, remove
from measure import run
from report import load, machine, save, write_report

from windrow.sample.bars import Sample, write

HERE = Path(__file__).parent
CROSSES = ["--entry", "cross", "--fill", "close", "--side", "long", "--size", "all-in"]


def main():
    options = parse()
    results = load(HERE)
    results = results if results.get("machine") == machine() else {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="windrow-sweep-") as folder:
        for part in options.parts:
            measured = PARTS[part](Path(folder), options.runs, options.scale)
            print(part, json.dumps(measured), flush=True)
            results.setdefault("sweep", {})[part] = measured
            save(HERE, results)
    write_report(HERE)


def beside_vectorbt(folder, runs, scale, *more):
    """100 symbols of 1,259 days, 456 pairs of simple averages. Six places: there, no two averages are ever equal, which
    vectorbt's running sums would not tell. `more`: what vectorbt computes beside the return and the closed trades.
    """
    bars, symbols = folder / "days.csv", max(1, round(100 * scale))
    if not bars.exists():  # both parts beside vectorbt have these bars
        write(Sample(symbols=symbols, bars=1259, spacing="bd", places=6), bars)
    mine = Windrow(folder, ["--fast", "sma:5..23", "--slow", "sma:24..47", *CROSSES, bars])
    peer = Peer(folder, "vectorbt_sweep", [bars, folder / "peer", "5-23", "24-47", *more])
    measured = in_turn(mine, peer, runs, symbols * 456)
    agree(mine.figures("return", "trades_closed"), peer.figures())
    return measured


def with_figures(folder, runs, scale):
    """The same, where vectorbt computes those of windrow's figures that it has."""
    return beside_vectorbt(folder, runs, scale, "figures")


def beside_backtrader(folder, runs, scale):
    """One symbol of a year and a half, 66 pairs of exponential averages."""
    bars = folder / "one.csv"
    write(Sample(symbols=1, bars=max(60, round(364 * scale)), spacing="bd"), bars)
    mine = Windrow(folder, ["--fast", "ema:5..10", "--slow", "ema:21..31", "--size", "100", bars])
    peer = Peer(folder, "backtrader_sweep", [bars, folder / "peer", "5-10", "21-31"])
    measured = in_turn(mine, peer, runs, 66)
    agree(mine.figures("final_value", "trades_closed"), {("AAA", *key): its for key, its in peer.figures().items()})
    return measured


def large(folder, runs, scale):
    """10,000 pairs on a million minutes of one symbol, on both cores."""
    bars = folder / "minutes.csv"
    write(Sample(symbols=1, bars=max(2000, round(1_000_000 * scale)), spacing="1min"), bars)
    mine = Windrow(folder, ["--fast", "sma:5..104", "--slow", "sma:110..605/5", "--shards", "2", bars])
    return {"pairs": 10_000, "bars": round(1_000_000 * scale), **mine.measured(memory=True)}


PARTS = {"vectorbt": beside_vectorbt, "figures": with_figures, "backtrader": beside_backtrader, "large": large}


class Windrow:
    """The sweep as a command."""

    def __init__(self, folder, options):
        self._out, self._said = folder / "out", folder / "said"
        self._command = [sys.executable, HERE / "phases.py", "--job", "sweep", "-o", self._out, *options]

    def measured(self, memory):
        """Seconds of the reducers, from shuffled blocks to lines, and of the whole command; MB if they are watched."""
        remove(self._out)
        spent = run(self._command, stdout=self._said, memory=memory)
        seconds = json.loads(self._said.read_text())["reduce"]["wall"]
        return _rounded(spent, seconds)

    def figures(self, *names):
        """Two figures by symbol and pair."""
        found = {}
        for part in self._out.glob("part-*"):
            for line in part.read_text().splitlines():
                symbol, told = line.split("\t")
                told = json.loads(told)
                found[symbol, told["fast"], told["slow"]] = tuple(told[name] for name in names)
        return found


class Peer:
    """A program of `peers/` that prints its seconds and writes two figures a pair."""

    def __init__(self, folder, name, arguments):
        self._out, self._said = folder / "peer", folder / "said"
        self._command = [sys.executable, HERE / "peers" / f"{name}.py", *arguments]

    def measured(self, memory):
        """Seconds that it tells, and those of the whole command; MB if they are watched."""
        spent = run(self._command, stdout=self._said, memory=memory)
        return _rounded(spent, float(self._said.read_text().split()[-1]))

    def figures(self):
        """Two figures by pair, and symbol where it tells one."""
        rows = [line.split("\t") for line in self._out.read_text().splitlines()]
        return {(*row[:-4], int(row[-4]), int(row[-3])): (float(row[-2]), float(row[-1])) for row in rows}


def _rounded(spent, seconds):
    return {"seconds": round(seconds, 4), "whole": round(spent.wall, 4), "cpu": round(spent.cpu, 4),
            "memory": round(spent.memory)}  # fmt: skip


def in_turn(mine, peer, runs, backtests):
    """Seconds of both in turn, after a round that is watched for memory and fills caches."""
    measured = {"backtests": backtests}
    for name, program in (("windrow", mine), ("peer", peer)):
        measured[name] = {"memory": program.measured(memory=True)["memory"], "seconds": [], "whole": []}
    for _ in range(runs):
        for name, program in (("windrow", mine), ("peer", peer)):
            told = program.measured(memory=False)
            measured[name]["seconds"].append(told["seconds"])
            measured[name]["whole"].append(told["whole"])
    return measured


def agree(mine, peers):
    """Ends the program where two figures of a pair are not the same to 1e-9."""
    if mine.keys() != peers.keys():
        sys.exit(f"windrow has {len(mine)} pairs and its peer {len(peers)}; {sorted(mine.keys() ^ peers.keys())[:3]}")
    for key, found in mine.items():
        for one, other in zip(found, peers[key], strict=True):
            if not abs(one - other) <= 1e-9 * max(1.0, abs(other)):
                sys.exit(f"windrow and its peer disagree on {key}: {found} and {peers[key]}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", type=among(PARTS), default=list(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--runs", type=int, default=5, help="of each program (default 5)")
    parser.add_argument("--scale", type=float, default=1.0, help="of symbols or bars, for a trial (default 1)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
