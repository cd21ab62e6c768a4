"""moto's emulator of AWS in a thread of this process, found by AWS's own variables."""

import os
import urllib.request

import pytest
from moto.server import ThreadedMotoServer

from tests.catalog.lake import REGION, Lake
from windrow.aws import session


@pytest.fixture(scope="session")
def moto():
    """The address of the server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No AWS: no credentials, no region, and an address that does not answer."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")


@pytest.fixture
def aws(moto, nowhere, monkeypatch):
    """Three empty accounts, and credentials of the first; the address of the server."""
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()
    monkeypatch.setattr(session, "_sessions", {})  # the server has forgotten the roles that were assumed
    monkeypatch.setattr(session, "_clients", {})
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIexamplekey")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return moto


@pytest.fixture
def lake(aws):
    """An empty lake in these accounts."""
    return Lake()
