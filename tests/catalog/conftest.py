"""Three accounts on an emulator of AWS, and a lake in them."""

import pytest

from tests.catalog.lake import REGION, Lake
from tests.emulator import enter, leave_aws, served
from windrow.aws import session


@pytest.fixture(scope="session")
def catalog_server():
    """The address of the server."""
    with served() as address:
        yield address


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No AWS: no credentials, no region, and an address that does not answer."""
    leave_aws(monkeypatch, tmp_path, attempts=3)


@pytest.fixture
def aws(catalog_server, nowhere, monkeypatch):
    """Three empty accounts, and credentials of the first; the address of the server."""
    monkeypatch.setattr(session, "_sessions", {})  # the server has forgotten the roles that were assumed
    monkeypatch.setattr(session, "_clients", {})
    enter(monkeypatch, catalog_server, REGION)
    return catalog_server


@pytest.fixture
def lake(aws):
    """An empty lake in these accounts."""
    return Lake()
