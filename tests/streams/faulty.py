"""A job in a process of its own, whose calls to Kinesis fail by a third, and into whose stream a bar comes meanwhile.

    python -m tests.streams.faulty --job jobs.sweep [OPTIONS] kinesis://STREAM

On standard error it says at last how many calls failed.
"""

import sys
from importlib import import_module
from pathlib import Path

from tests.streams.faults import answered, failing
from windrow.mapreduce.registry import job_class

LATER = b'{"data": {"dt": "2031-01-01", "sym": "INTC", "open": 1, "high": 1, "low": 1, "close": 1, "vol": 1}}'


def main(args):
    at = args.index("--job")
    module, options = import_module(args[at + 1]), args[:at] + args[at + 2 :]
    job = job_class(Path(module.__file__))
    name, put = options[-1].removeprefix("kinesis://"), []

    def put_once(operation, _):
        """Once the first records are asked for, the end of what is read is fixed."""
        if operation == "GetRecords" and not put:
            import boto3

            put.append(LATER)  # first: other shards are read meanwhile
            client = boto3.session.Session().client("kinesis")
            client.put_record(StreamName=name, Data=LATER, PartitionKey="INTC")

    with answered(put_once), failing(share=1 / 3) as calls:
        status = job.main(options)
    print(f"{calls['failed']} of {calls['made']} calls failed, {len(put)} bars came later", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
