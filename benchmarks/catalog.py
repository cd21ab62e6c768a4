"""What sizes of folders cost: CPU of windrow's listing beside boto3's own pages, and memory against objects.

    python benchmarks/catalog.py [--objects 200000] [--runs 5]

Both read the same pages from a server in another process, over HTTP on this machine, and both add up sizes; each run is
a process of its own, in turn, and medians count. CPU is that of the reading process behind its first page.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).parents[1]
PAGE = 1000
AWS = {
    "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": str(ROOT),
}  # fmt: skip
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>lake</Name><Prefix>sales/orders/</Prefix>\
<KeyCount>{count}</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>\
{token}"""
OBJECT = """<Contents><Key>sales/orders/day%3DNNNNNNN/part-{number:05}-3f2a9c1e-8d57-4b0e-9a61-5c7d20e4f1ab.c000.snappy\
.parquet</Key><LastModified>2026-11-30T04:12:55.000Z</LastModified><ETag>&quot;0123456789abcdef0123456789abcdef&quot;\
</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>{size}</Size>\
<StorageClass>STANDARD</StorageClass></Contents>"""
SIZES = [10_000_000 + 7919 * number for number in range(PAGE)]
ALL = "".join(OBJECT.format(number=number, size=size) for number, size in enumerate(SIZES))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--objects", type=lambda text: int(float(text)), default=200_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory", type=lambda text: int(float(text)), metavar="OBJECTS",
                        help="only print windrow's peak MB for that many objects")  # fmt: skip
    parser.add_argument("--memory-at", default="10000,100000,1000000", metavar="OBJECTS,...")
    parser.add_argument("--read", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    elif options.read:
        print(json.dumps(measured(READERS[options.read], options.objects)))
    elif options.memory:
        with served(options.memory) as run:
            print(run("windrow")["memory"])
    else:
        compare(options.objects, options.runs)
        compare_memory(map(int, filter(None, options.memory_at.split(","))))


def compare(objects, runs):
    """Prints microseconds of CPU an object of each program, and windrow's ratio to boto3."""
    told = {program: [] for program in READERS}
    with served(objects) as run:
        for _ in range(runs):
            for program, figures in told.items():
                figures.append(run(program))
    cpu = {program: median(one["cpu"] for one in figures) / objects * 1e6 for program, figures in told.items()}
    wall = {program: median(one["wall"] for one in figures) for program, figures in told.items()}
    print(f"{objects:,} objects, medians of {runs}")
    for program in READERS:
        ratio = cpu[program] / cpu["boto3"]
        print(f"{program:8} {cpu[program]:6.1f} us of CPU an object, {ratio:5.3f} x boto3; {wall[program]:6.2f} s")


def compare_memory(amounts):
    """Prints windrow's peak memory for each number of objects."""
    for objects in amounts:
        with served(objects) as run:
            print(f"windrow  {run('windrow')['memory']:6.1f} MB at {objects:9,} objects", flush=True)


@contextmanager
def served(objects):
    """A server of that many objects; gives what runs a program on them."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"

        def run(program):
            command = [sys.executable, __file__, "--read", program, "--objects", str(objects)]
            environment = {**os.environ, **AWS, "AWS_ENDPOINT_URL": address}
            return json.loads(subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True).stdout)

        try:
            yield run
        finally:
            server.terminate()


def measured(read, objects):
    """Seconds of CPU and wall time that listing a folder takes once a first has been listed, and peak MB."""
    read("0000000")
    before, begin = cpu(), time.perf_counter()
    held, files = read(f"{objects // PAGE:07}")
    figures = {"cpu": cpu() - before, "wall": time.perf_counter() - begin}
    pages = objects // PAGE
    assert (held, files) == (pages * sum(SIZES), pages * PAGE), f"{held:,} bytes, {files:,} files"
    return {**figures, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def boto3(bucket):
    from boto3 import client

    held = files = 0
    for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="sales/orders/"):
        found = page.get("Contents", ())
        held, files = held + sum(one["Size"] for one in found), files + len(found)
    return held, files


def windrow(bucket):
    from boto3 import client

    from windrow.catalog.locations import Folder
    from windrow.catalog.sizes.listed import listing

    ((_, size),) = listing(rate=1e6)(SimpleNamespace(new_client=client), [Folder(bucket, "sales/orders/")])
    return size


READERS = {"boto3": boto3, "windrow": windrow}


def serve():
    """Answers with a bucket whose name is its number of pages, and prints the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listing)
    print(server.server_port, flush=True)
    server.serve_forever()


class Listing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        asked, pages = parse_qs(url.query), int(url.path.strip("/"))
        number = int(asked.get("continuation-token", ["0"])[0])
        body = page(number, pages) if number < pages and "delimiter" not in asked else page(0, 0)
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def page(number, pages):
    more = number + 1 < pages
    token = f"<NextContinuationToken>{number + 1}</NextContinuationToken>" if more else ""
    head = HEAD.format(count=PAGE if pages else 0, more=str(more).lower(), token=token)
    return f"{head}{ALL.replace('NNNNNNN', f'{number:07}') if pages else ''}</ListBucketResult>".encode()


if __name__ == "__main__":
    main()
