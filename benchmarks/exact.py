"""Exact kernels: what prices of many digits cost beside cents.

    python benchmarks/exact.py [--bars 16384] [--runs 7]

One core, windows of 20 bars, each kernel called on one batch of bars as reducers have them. Prints ns of CPU per bar,
the least of some runs; windrow/exact/sums.py quotes them. What that comes to in a whole job: `make bench-pairs`.
"""

import argparse
import time

import numpy as np
from bench import numbers

from windrow.exact import sums as exact
from windrow.exact.decimals import decimals

WINDOW = 20
WINDOWS = range(2, 45)  # side by side, as sweeps have them


def series(bars):
    """Prices of several kinds."""
    rng = np.random.default_rng(1)
    walk = np.clip(100 * np.exp(np.cumsum(rng.normal(0, 0.003, bars))), 1, 999)
    cents, digits = np.round(walk, 2), walk * 1.0123456789
    spiked = digits.copy()
    spiked[::5000] = 1e15
    return {
        "cents": cents,
        "volumes": np.rint(walk * 1e6),
        "volumes of 1e13": np.rint(walk * 1e11),
        "8 places": np.round(walk, 8),
        "10 places of a token": np.round(walk * 1e-7, 10),
        "cents and 17 digits": np.where(rng.random(bars) < 0.5, cents, digits),
        "17 digits": digits,
        "17 digits of a token": digits * 1e-12,
        "17 digits and 1e15": spiked,
        "single floats": walk.astype(np.float32).astype(np.float64),
        "any, 1e-15..1e15": 10 ** rng.uniform(-15, 15, bars),
    }


def kernels(x):
    """What is measured, by name."""
    hi = np.arange(WINDOW, len(x) + 1)
    lo = hi - WINDOW
    return {
        "decimals": lambda: decimals(x),
        "sums": lambda: exact.sums(x, lo, hi),
        "means": lambda: exact.means(x, lo, hi),
        "weighted": lambda: exact.weighted_means(x, lo, hi),
        "variances": lambda: exact.variances(x, lo, hi, 1),
        f"{len(WINDOWS)} means": lambda: exact.trailing_means(x, WINDOWS),
    }


def least(function, runs):
    """CPU seconds of the fastest of some runs."""
    spent = []
    for _ in range(runs):
        begin = time.process_time()
        function()
        spent.append(time.process_time() - begin)
    return min(spent)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bars", type=numbers, default=[16_384], help="in a batch (default 16384)")
    parser.add_argument("--runs", type=int, default=7, help="of each kernel (default 7)")
    options = parser.parse_args()
    (bars,) = options.bars
    names = list(kernels(np.ones(WINDOW)))
    print(f"{'':22}" + "".join(f"{name:>11}" for name in names))
    for name, x in series(bars).items():
        spent = [least(kernel, options.runs) / bars * 1e9 for kernel in kernels(x).values()]
        print(f"{name:22}" + "".join(f"{ns:11.1f}" for ns in spent), flush=True)


if __name__ == "__main__":
    main()
