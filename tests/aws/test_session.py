"""Clients are made once in a process, alike for every service, and a fork makes its own."""

import os
import subprocess
import sys

import pytest

from windrow.aws.client import client, region_of_environment, regions_with
from windrow.aws.s3_client import client as s3_client
from windrow.aws.session import attempts, require_boto3, session, shared_client
from windrow.errors import WindrowError


@pytest.fixture(autouse=True)
def variables(monkeypatch, tmp_path):
    """AWS's variables: somebody, in a region, and nothing of this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tester")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "no-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


def test_a_client_is_made_once_and_again_when_a_variable_has_changed(monkeypatch):
    before = s3_client()
    assert s3_client() is before and shared_client("s3", "us-west-2") is not before
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert s3_client() is not before and s3_client().meta.region_name == "eu-west-1"


def test_a_fork_has_a_client_of_its_own_and_the_parents_session():
    """Its session has what is known of AWS's interfaces; the client has connections."""
    clients, sessions = shared_client("s3"), session()
    child = os.fork()
    if child == 0:
        os._exit(0 if shared_client("s3") is not clients and session() is sessions else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_every_service_is_asked_in_the_same_way(monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    for made in (s3_client(), client("emr")):
        config = made.meta.config
        assert config.retries == {"mode": "standard", "total_max_attempts": 3}
        assert config.max_pool_connections == 32 and config.user_agent_extra == "windrow"


@pytest.mark.parametrize(("text", "number"), [(None, 10), ("3", 3), ("0", 10), ("many", 10)])
def test_awss_variable_says_how_often_a_request_is_made(monkeypatch, text, number):
    if text:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", text)
    assert attempts() == number


def test_the_region_is_awss_own(monkeypatch, tmp_path):
    assert region_of_environment() == client("emr").meta.region_name == "eu-central-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert region_of_environment() == "eu-west-1"
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert region_of_environment() is None
    (tmp_path / "config").write_text("[default]\nregion = sa-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert region_of_environment() == "sa-east-1"
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert region_of_environment() is None


def test_regions_have_services():
    assert {"us-east-1", "eu-central-1"} <= set(regions_with("emr"))


def test_boto3_that_is_not_installed_is_named_with_what_needs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(WindrowError) as error:
        require_boto3("windrow emr")
    assert str(error.value) == (
        "windrow emr: needs boto3, which is not installed; install it with: pip install 'windrow[aws]'"
    )


def test_boto3_is_imported_where_it_is_first_needed():
    program = "import sys, windrow.aws.client, windrow.aws.s3_client; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
