"""Reading from S3, moto's on this machine, as windrow's tasks read, beside a bare download of the same ranges.

    python benchmarks/s3.py [--mib 1024] [--runs 5] [--peers]

Everything reads the same objects of 16 MiB by ranges of 8 MiB over four connections, each program in a process of its
own, all in turn; medians count. `--peers` adds the libraries that could do the transport, where they are installed.
"""

import argparse
import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
OBJECT, RANGE, CONNECTIONS = 16 << 20, 8 << 20, 4
PROGRAMS = ("bare", "windrow")
PEERS = ("boto3", "pyarrow", "s3fs", "obstore")
AWS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "no-secret", "AWS_DEFAULT_REGION": "us-east-1"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--read", nargs=2, metavar=("PROGRAM", "OBJECTS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(measured(options.read[0], int(options.read[1]))))
    else:
        compare(max(1, options.mib * (1 << 20) // OBJECT), options.runs, PROGRAMS + (PEERS if options.peers else ()))


def compare(objects, runs, programs):
    """Prints seconds and CPU seconds of each program, medians, and windrow's ratio to the bare download."""
    command = [sys.executable, ROOT / "tests/storage/s3/server.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            os.environ.update(AWS, AWS_ENDPOINT_URL=endpoint)
            fill(objects)
            told = {program: [] for program in programs}
            for _ in range(runs):
                for program in programs:
                    told[program].append(run(program, objects))
        finally:
            server.terminate()
    print(f"{objects * OBJECT / 2**30:.2f} GiB in {objects} objects, medians of {runs}")
    print(f"{'':10}{'seconds':>9}{'x bare':>8}{'CPU s':>8}{'CPU s to start':>16}")
    bare = statistics.median(one["wall"] for one in told["bare"])
    for program, figures in told.items():
        wall, cpu, start = (statistics.median(one[name] for one in figures) for name in ("wall", "cpu", "start"))
        print(f"{program:10}{wall:9.2f}{wall / bare:8.2f}{cpu:8.2f}{start:16.2f}")


def fill(objects):
    from windrow.storage import s3

    s3.client().create_bucket(Bucket="bench")
    content = os.urandom(OBJECT)
    for number in range(objects):
        s3.client().put_object(Bucket="bench", Key=key(number), Body=content, ACL="public-read")


def key(number):
    return f"bars/{number:04}.csv"


def run(program, objects):
    command = [sys.executable, __file__, "--read", program, str(objects)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def measured(program, objects):
    """Seconds of wall and CPU time that the reading takes, and of CPU time before it begins: imports, a client."""
    before = cpu()
    read = READERS[program]()
    ranges = [(number, start) for number in range(objects) for start in range(0, OBJECT, RANGE)]
    ready, begin = cpu(), time.perf_counter()
    if program == "windrow":
        got = read(objects)
    else:
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            got = sum(threads.map(lambda one: read(*one), ranges))
    assert got == objects * OBJECT, f"{program} read {got} bytes of {objects * OBJECT}"
    return {"wall": time.perf_counter() - begin, "cpu": cpu() - ready, "start": ready - before}


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def bare():
    host, own = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"), threading.local()

    def read(number, start):
        if not hasattr(own, "connection"):
            own.connection = http.client.HTTPConnection(host)
        span = {"Range": f"bytes={start}-{start + RANGE - 1}"}
        own.connection.request("GET", f"/bench/{key(number)}", headers=span)
        return len(own.connection.getresponse().read())

    return read


def windrow():
    from windrow.feeds.lines import CHUNK_BYTES
    from windrow.storage import s3

    s3.client()

    def read(objects):
        listed = s3.list_objects("s3://bench/bars/*.csv")
        got = 0
        for one in s3.looking_ahead([{"place": found.uri, "start": 0, "size": found.size} for found in listed]):
            with s3.open_input(one["place"]) as file:
                while chunk := file.read1(CHUNK_BYTES):  # as windrow/feeds/lines.py reads
                    got += len(chunk)
        return got

    return read


def boto3():
    from boto3.session import Session

    client = Session().client("s3")

    def read(number, start):
        span = f"bytes={start}-{start + RANGE - 1}"
        return len(client.get_object(Bucket="bench", Key=key(number), Range=span)["Body"].read())

    return read


def pyarrow():
    from pyarrow.fs import S3FileSystem

    endpoint = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    files = S3FileSystem(endpoint_override=endpoint, scheme="http")
    return lambda number, start: len(files.open_input_file(f"bench/{key(number)}").read_at(RANGE, start))


def s3fs():
    from s3fs import S3FileSystem

    files = S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    return lambda number, start: len(files.cat_file(f"bench/{key(number)}", start=start, end=start + RANGE))


def obstore():
    from obstore.store import S3Store

    plain = {"allow_http": True}
    files = S3Store("bench", endpoint=os.environ["AWS_ENDPOINT_URL"], client_options=plain)
    return lambda number, start: len(files.get_range(key(number), start=start, length=RANGE))


READERS = {"bare": bare, "windrow": windrow, "boto3": boto3, "pyarrow": pyarrow, "s3fs": s3fs, "obstore": obstore}

if __name__ == "__main__":
    main()
