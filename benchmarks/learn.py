"""Training on one worker and on two, each held to one core, in turn; 500 symbols, a model each, on one core and on two.

    python benchmarks/learn.py [--seeds 5] [--rows 60000] [--epochs 10] [--symbols 500] [--only workers|symbols|keras]

Two workers train one model on two shares in two rounds, by the functions that tasks call, with the same total of
sequences x epochs as the single one; which of the two is measured first changes from seed to seed. Fitting takes what
the slowest worker of each round takes. The published system took 10.29 s on two workers against 14.98 s on one, 1.46 x,
at twice the error.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from tests.learn.series import COLUMNS, made, write  # noqa: E402
from windrow.learn.averaging import share_of  # noqa: E402
from windrow.learn.engine import Spent  # noqa: E402
from windrow.learn.forecasting import Plan, tested_model  # noqa: E402
from windrow.learn.problem import Problem  # noqa: E402
from windrow.learn.rowfiles import read_state, write_share  # noqa: E402
from windrow.learn.together import Together, train_share  # noqa: E402
from windrow.learn.training import Recipe  # noqa: E402

PINNED = ["taskset", "-c"]


def plan_of(epochs, seed, shares, rounds):
    return Plan(Problem(COLUMNS, "adj_close"), Recipe(epochs=epochs, seed=seed), (("kind", "lstm"), ("hidden", 32)),
                shares=shares, rounds=rounds)  # fmt: skip


def worker(folder, epochs, seed, shares, rounds):
    """A round of a share, in a process of its own."""
    folder, asked = Path(folder), json.loads(sys.stdin.readline())
    with Path(asked["files"][0]).open("rb") as file:
        state = (folder / "state").read_bytes()
        sys.stdout.buffer.write(train_share(plan_of(epochs, seed, shares, rounds), asked, [file], state, Spent()))


def trained(dataset, epochs, seed, shares, rounds):
    """The times of a training run on workers of their own, and its error on the test over the last value's."""
    plan, cores = plan_of(epochs, seed, shares, rounds), sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, f"share-{number}")) for number in range(shares)]
        for number, name in enumerate(files):
            mine = dataset.series._replace(starts=share_of(dataset.train, number, shares))
            with open(name, "wb") as file:
                write_share(file, "A", mine, plan.recipe.length)
        run = Together(plan, [[name] for name in files], [], _done=0)
        begin = time.perf_counter()
        while tasks := run.tasks():
            Path(folder, "state").write_bytes(run.state())
            run.take(in_processes(tasks, cores, folder, epochs, seed, shares, rounds))
        wall = time.perf_counter() - begin
        told, state = read_state(BytesIO(run.state()))
    tests = tested_model(plan, "A", dataset, state.weights, Spent())[1]
    error = float(np.mean((tests.truth - tests.forecast) ** 2))
    by_round = {}
    for one in told["times"]:
        by_round.setdefault(one["round"], []).append(one["seconds"])
    slowest = {name: sum(max(one[name] for one in each) for each in by_round.values()) for name in by_round[1][0]}
    return {**slowest, "wall": wall, "error": error, "naive": float(np.mean((tests.truth - tests.last) ** 2))}


def in_processes(tasks, cores, folder, *how):
    command = [sys.executable, __file__, "worker", folder, *map(str, how)]
    running = [
        subprocess.Popen(
            [*PINNED, str(cores[number % len(cores)]), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for number in range(len(tasks))
    ]
    for process, task in zip(running, tasks, strict=True):
        process.stdin.write(json.dumps(task).encode() + b"\n")
        process.stdin.close()
    lines = [process.stdout.read() for process in running]
    assert not any(process.wait() for process in running)
    return lines


def compare_workers(seeds, rows, epochs):
    print(f"one model, {rows:,} rows, {epochs} epochs, each worker on one core; medians of {seeds} seeds")
    pairs = []
    for seed in range(seeds):
        dataset = Problem(COLUMNS, "adj_close").dataset("A", *made(rows, "ar", seed))
        order = [(1, 1), (2, 2)][:: 1 if seed % 2 else -1]
        found = {shares: trained(dataset, epochs, seed, shares, rounds) for shares, rounds in order}
        pairs.append((found[1], found[2]))
        one, two = pairs[-1]
        faster, cpu = (one[name] / two[name] for name in ("fitting", "fitting_cpu"))
        told = f"  seed {seed}: fitting {one['fitting']:.2f} and {two['fitting']:.2f} s, {faster:.2f} x"
        print(f"{told}; of the processor {cpu:.2f} x; error {two['error'] / one['error']:.4f} x", flush=True)
    for name in ("fitting", "fitting_cpu", "compiling", "starting", "waiting", "wall"):
        one, two = (median(pair[number][name] for pair in pairs) for number in (0, 1))
        ratio = median(pair[0][name] / pair[1][name] for pair in pairs) if two and name != "waiting" else float("nan")
        print(f"  {name:12} one worker {one:7.2f} s   two {two:7.2f} s   {ratio:5.2f} x faster")
    errors = [two["error"] / one["error"] for one, two in pairs]
    print(f"  test error, two / one: median {median(errors):.4f}, largest {max(errors):.4f}; over the last value's:"
          f" one {median(one['error'] / one['naive'] for one, _ in pairs):.3f}, two"
          f" {median(two['error'] / two['naive'] for _, two in pairs):.3f}")  # fmt: skip
    print("  published: 14.98 s on one, 10.29 s on two, 1.46 x faster; error 2 x")


def compare_cores(symbols, rows=1950):
    print(f"{symbols} symbols of {rows:,} bars, a model each, -r local")
    with tempfile.TemporaryDirectory() as folder:
        bars = write(Path(folder, "bars.csv"), {f"S{number:03}": "ar" for number in range(symbols)}, rows)
        times, outputs = {}, {}
        for cores in (1, 2):
            out, begin = Path(folder, str(cores)), time.perf_counter()
            command = [
                sys.executable,
                "-m",
                "jobs.forecast",
                "-q",
                "-r",
                "local",
                "--num-cores",
                str(cores),
                "-o",
                str(out),
                str(bars),
            ]
            subprocess.run(command, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
            times[cores] = time.perf_counter() - begin
            outputs[cores] = sorted(line for part in out.glob("part-*[0-9]") for line in part.read_bytes().splitlines())
            seconds = [
                json.loads(line)["seconds"] for part in out.glob("*-times") for line in part.read_text().splitlines()
            ]
            fitting = [round(one["fitting"], 1) for one in seconds]
            print(f"  {cores} cores: {times[cores]:.1f} s; workers' fitting {fitting}", flush=True)
        print(f"  {times[1] / times[2]:.2f} x faster on 2 cores; the same bits: {outputs[1] == outputs[2]}")


def compare_keras(rows, epochs):
    from windrow.learn.keras_models import KerasNetwork
    from windrow.learn.network import Lstm
    from windrow.learn.training import Adam, train

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench_model.py").write_text(
            "import keras\ndef model(length, features):\n    layers = keras.layers\n    return keras.Sequential("
            "[layers.Input((length, features)), layers.LSTM(32, activation='relu'), layers.Dense(1)])\n"
        )
        sys.path.insert(0, folder)
        dataset, found = Problem(COLUMNS, "adj_close").dataset("A", *made(rows, "ar", 0)), {}
        networks = {"small": Lstm(6, 32), "keras": KerasNetwork("bench_model:model", 10, 6)}
        for number in range(4):
            for name, network in networks.items():
                spent = Spent()
                state = Adam.of(network, network.initial(0, True))
                train(network, Recipe(epochs=epochs), state, dataset.series, range(epochs), (0, 0), spent)
                if number:
                    found.setdefault(name, []).append(spent.fitting_cpu)
    ratio = median(found["keras"]) / median(found["small"])
    print(f"the same network by Keras' stateless calls in the same scan: {ratio:.2f} x the time of fitting")


def main():
    if sys.argv[1:2] == ["worker"]:
        return worker(sys.argv[2], *map(int, sys.argv[3:]))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in (("seeds", 5), ("rows", 60000), ("epochs", 10), ("symbols", 500)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--only", choices=["workers", "symbols", "keras"])
    asked = parser.parse_args()
    if asked.only in (None, "workers"):
        compare_workers(asked.seeds, asked.rows, asked.epochs)
    if asked.only in (None, "keras"):
        compare_keras(asked.rows, 3)
    if asked.only in (None, "symbols"):
        compare_cores(asked.symbols)
    return None


if __name__ == "__main__":
    main()
