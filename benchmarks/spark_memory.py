"""Memory of a reducer under -r spark, its Python worker's, at 1, 4 and 16 million bars of one symbol."""

import subprocess
import sys
import tempfile
from pathlib import Path

from windrow.cli import main as windrow_command

JOB = [sys.executable, "-m", "tests.runners.peak", "-r", "spark", "--spark-master", "local[2]"]
#: One reducer, in a process that no mapper has used.
ALONE = ["-D", "mapreduce.job.reduces=1", "-D", "spark.python.worker.reuse=false"]
MILLIONS = (1, 4, 16)


def main():
    for order in ("time", "shuffled"):
        for millions in MILLIONS:
            with tempfile.TemporaryDirectory() as folder:
                print(f"{order:9} {millions:3} million bars: {measure(Path(folder), order, millions)} MB", flush=True)


def measure(folder, order, millions):
    """The peak of the reducer's process, in MB."""
    bars = folder / "bars.csv"
    options = ["--symbols", "1", "--bars", str(millions * 10**6), "--spacing", "1s", "--order", order, "--quiet"]
    windrow_command(["sample", str(bars), *options])
    done = subprocess.run([*JOB, *ALONE, "-o", folder / "out", bars], stderr=subprocess.PIPE, check=True)
    return done.stderr.split()[1].decode()


if __name__ == "__main__":
    main()
