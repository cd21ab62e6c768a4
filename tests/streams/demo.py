"""`make demo-stream`: from bars in files to a forward test over a stream, on this machine alone.

An emulator of Kinesis and one of S3 are started on free ports of 127.0.0.1, and end with this process, however it ends:
the first with its standard input, the second is in here. What there is to look at stays in out/demo-stream/.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.showing import ROOT, command, fresh, say, shown, windrow

BARS = Path("data", "bars.csv")
SERVER = ROOT / "tests" / "streams" / "kinesis"
STREAM, BUCKET = "kinesis://bars", "s3://windrow-demo"
#: The last day whose bars are in the stream from the beginning, and the first whose bars come during the forward test.
LAST, NEXT = "2023-10-31", "2023-11-01"
#: Seconds until the forward test has all bars, at most.
WAIT = 120
AWS = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "no-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@contextmanager
def kinesis() -> Iterator[str]:
    """The address of kinesis-local."""
    if subprocess.run([SERVER, "install"]).returncode:
        raise SystemExit(1)  # it has said why
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL  # of a busy machine it warns
    with subprocess.Popen([SERVER, "serve"], stdin=pipe, stdout=pipe, stderr=nothing, text=True) as process:
        assert process.stdin and process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait()


@contextmanager
def objects() -> Iterator[str]:
    """The address of moto's S3, with the demo's bucket in it."""
    import logging

    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        boto3.session.Session().client("s3", endpoint_url=address).create_bucket(Bucket=BUCKET[len("s3://") :])
        yield address
    finally:
        server.stop()


def best_pairs(place: Path) -> tuple[int, int]:
    """Prints the best pair of each symbol on train, with its profit there and on test; returns that of all symbols."""
    from windrow import read_output

    best = read_output(place)
    columns = ["symbol", "fast", "slow", "train_pnl", "test_pnl", "deflated_sharpe"]
    print(best[columns].replace({"symbol": {"": "all"}}).to_string(index=False))
    return int(best["fast"].iloc[0]), int(best["slow"].iloc[0])


def forward_test(out: Path) -> None:
    """Follows the stream, into which the other bars come meanwhile, and ends once it has taken all of them."""
    state, last = out / "forward", BARS.read_text().splitlines()[-1].split(",")[1]
    symbols = {line.split(",")[0] for line in BARS.read_text().splitlines()[1:]}
    follow = shown(["paper", STREAM, "--best", str(out / "best"), "--state", str(state), "--share", "1"])
    with command(follow) as process:  # it ends at the edge of a batch; started again, it would go on there
        later = ["--journal", str(out / "later"), "--quiet"]
        windrow("stream", "load", str(BARS), "--from", NEXT, "--to", STREAM, *later)
        end = time.monotonic() + WAIT
        while process.poll() is None and status_of(state).count(f" {last} ") < len(symbols):
            if time.monotonic() > end:
                raise SystemExit(f"the forward test has not taken all bars in {WAIT} s")
            time.sleep(0.5)
    if process.returncode:
        raise SystemExit(process.returncode)


def status_of(state: Path) -> str:
    """How a forward test stands; nothing as long as it has not begun."""
    asked = [sys.executable, "-m", "windrow.cli", "paper", "status", str(state)]
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, "start_new_session": True}
    return str(subprocess.run(asked, **told).stdout)


def demo(out: Path) -> None:
    """All of it."""
    first = ["--journal", str(out / "first"), "--quiet"]
    say("A stream of four shards that keeps bars for a year, and the bars until October")
    windrow("stream", "load", str(BARS), "--until", LAST, "--to", STREAM, "--shards", "4", *first)
    windrow("stream", "inspect", STREAM)
    windrow("plot", "--bars", STREAM, "-o", str(out / "bars.html"))
    say("All pairs of averages: trained on the first 70 % of each symbol's bars, tested on the others")
    grid = ["--fast", "ema:5..10", "--slow", "ema:21..31", "--split", "0.7"]
    windrow("sweep", *grid, "--quiet", "-o", f"{BUCKET}/sweep", STREAM)
    windrow("sweep", *grid, "--quiet", "--best", "-o", str(out / "best"), STREAM)
    fast, slow = best_pairs(out / "best")
    say("The best pair of all symbols, over all bars")
    pair = ["--fast", f"ema:{fast}", "--slow", f"ema:{slow}"]
    windrow("backtest", *pair, "--orders", "--equity", "--quiet", "-o", f"{BUCKET}/backtest", STREAM)
    both = [f"{BUCKET}/sweep", f"{BUCKET}/backtest"]
    windrow("report", *both, "--bars", STREAM, "-o", str(out / "report.html"))
    say("The forward test: the bars from November on arrive, and orders are printed as they are filled")
    forward_test(out)
    windrow("paper", "status", str(out / "forward"))
    windrow("paper", "report", str(out / "forward"), f"{BUCKET}/backtest", "-o", str(out / "forward.html"))


def main() -> None:
    """Runs the demo in a new out/demo-stream, or a directory that is named."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(AWS)
    with fresh("out/demo-stream", "stopped; the servers are ended") as out:
        try:
            with ExitStack() as servers:
                say("Starting kinesis-local and an emulator of S3 on 127.0.0.1; at first npm installs into .streams/")
                os.environ["AWS_ENDPOINT_URL_KINESIS"] = servers.enter_context(kinesis())
                os.environ["AWS_ENDPOINT_URL_S3"] = servers.enter_context(objects())
                demo(out)
        finally:
            for journal in ("first", "later"):  # of a stream that is gone
                (out / journal).unlink(missing_ok=True)
    pages = {
        "bars": "the bars",
        "report": "the sweep's maps and the backtest",
        "forward": "the forward test, beside the backtest",
    }
    say("The servers are ended, and what was on them is gone. To look at, each with a picture beside it:")
    for page, what in pages.items():
        print(f"    {out / page}.html   {what}")


if __name__ == "__main__":
    main()
