"""An object store that answers wrongly at random: a job's lines are those of the objects, or it fails."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from tests.attack.bars import FORMATS, Job, averages, make_rows, read_parts, said_badly, to_bytes
from tests.attack.tries import repeat
from tests.storage.s3.conftest import AWS, Bucket
from windrow.storage import s3

SERVER = Path(__file__).parents[1] / "storage/s3/server.py"
#: What the server does; most often what looks like a right answer.
FAULTS = (*("short", "whole", "another") * 3, "unsaid", "resized", "cut", "busy", "slow")
WINDOW = 20


def campaign(seed: int, seconds: float) -> tuple[int, int]:
    """Runs jobs from and to a server with faults; how many were tried, and how many were wrong."""
    with emulator() as port:

        def one(chance: random.Random, number: int) -> str:
            bucket = Bucket(port, f"attack-{number}")
            s3.client().create_bucket(Bucket=bucket.name)
            return attempt(chance, bucket)

        return repeat("s3", seed, seconds, one)


@contextmanager
def emulator() -> Iterator[int]:
    """The port of a server with faults, which AWS's variables name meanwhile."""
    with subprocess.Popen([sys.executable, SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            port = int(process.stdout.readline())
            kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
            with patch.dict(
                os.environ,
                {**kept, **AWS, "AWS_MAX_ATTEMPTS": "2", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"},
                clear=True,
            ):
                yield port
        finally:
            process.terminate()


def attempt(chance: random.Random, bucket: Bucket) -> str:
    """One job over two objects; what was wrong, or nothing."""
    rows, kind = make_rows(chance, 4, 8_000), chance.choice(["csv", *FORMATS])
    uris = [bucket.put(f"in/{number}.{kind}", to_bytes(rows[number::2], kind)) for number in range(2)]
    faults = [(fault, chance.choice([1, 1, 2, 1000])) for fault in chance.sample(FAULTS, chance.randint(1, 2))]
    bucket.rules(*((f"GET .*/in/.*{chance.choice(['0', '1', ''])}", fault, times) for fault, times in faults))
    with TemporaryDirectory() as folder:
        there = chance.random() < 0.3
        output = f"{bucket.uri}/out" if there else Path(folder, "out")
        options = ["-r", chance.choice(["inline", "local"]), "-D", "mapreduce.job.reduces=2", "--window", WINDOW]
        ended = Job(*options, "-o", output, *uris).wait()
        bucket.rules()
        case = f"{faults} over {kind}, {options[1]}: exit {ended.status}"
        if ended.status:
            left = os.listdir(folder) or [key for key in bucket.shown() if key.startswith("out")]
            return f"{case}, left {left}, said {ended.err!r}" if left or said_badly(ended) else ""
        if there:
            Path(folder, "out").mkdir()
            for key in bucket.shown():
                if key.startswith("out/"):
                    Path(folder, key).write_bytes(bucket.get(key))
        whole = read_parts(Path(folder, "out")) == averages(rows, WINDOW)
        return "" if whole else f"{case}, and other lines than those of the objects"
