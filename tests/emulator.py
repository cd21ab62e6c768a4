"""moto's emulator of AWS in a thread of this process, found by AWS's own variables."""

import os
import urllib.request
from contextlib import contextmanager

from moto.server import ThreadedMotoServer


@contextmanager
def served():
    """The address of a server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def leave_aws(monkeypatch, home, attempts, also=()):
    """No credentials, no region, and an address that does not answer; without variables that begin as `also` either."""
    for name in [name for name in os.environ if name.startswith(("AWS_", *also))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", str(attempts))


def enter(monkeypatch, address, region):
    """Empty accounts of the server, and credentials of one of them."""
    urllib.request.urlopen(urllib.request.Request(f"{address}/moto-api/reset", method="POST")).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIexamplekey")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
