"""What some tests need that may not be here: programs, and packages that an environment of one's own may lack.

A test is marked `@pytest.mark.needs("chromium")`, or a fixture calls `require("hadoop")`: without it the test is
skipped. The last lines of the run list what was skipped so; with CI=true in the environment such a run fails.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from glob import glob
from importlib.util import find_spec
from typing import NamedTuple

import pytest

IN_CI = os.environ.get("CI") == "true"


class Need(NamedTuple):
    """What is needed, how to get it, and whether it is here."""

    name: str
    fix: str
    is_here: Callable[[], bool]

    @property
    def reason(self) -> str:
        """Why a test is skipped."""
        return f"needs {self.name}: {self.fix}"


def _commands(*names: str) -> Callable[[], bool]:
    return lambda: all(map(shutil.which, names))


def _packages(*names: str) -> Callable[[], bool]:
    return lambda: all(map(find_spec, names))


def _server(name: str, folder: str) -> Callable[[], bool]:
    """Debian keeps servers in folders that are not in everybody's PATH."""
    return lambda: bool(shutil.which(name) or glob(f"{folder}/{name}"))


NEEDS = {
    "chromium": Need("Chromium", "apt-get install chromium", _commands("chromium")),
    "bash": Need("bash", "apt-get install bash", _commands("bash")),
    "zsh": Need("zsh", "apt-get install zsh", _commands("zsh")),
    "fish": Need("fish", "apt-get install fish", _commands("fish")),
    "java": Need("Java 17", "apt-get install openjdk-17-jre-headless", _commands("java")),
    # `make cluster-jars` would install what is missing of these, if run as root: not without being asked to.
    "hadoop": Need("Hadoop", "make cluster-jars", _commands("java", "mvn", "curl")),
    "node": Need("node and npm", "apt-get install nodejs npm", _commands("node", "npm")),
    "kafka": Need("Java 17 and Maven", "apt-get install openjdk-17-jre-headless maven", _commands("java", "mvn")),
    "mariadb": Need("MariaDB", "apt-get install mariadb-server", _server("mariadbd", "/usr/sbin")),
    "postgres": Need("PostgreSQL", "apt-get install postgresql", _server("postgres", "/usr/lib/postgresql/*/bin")),
    "kdc": Need("Kerberos", "apt-get install krb5-kdc krb5-admin-server krb5-user", _server("krb5kdc", "/usr/sbin")),
    "openssl": Need("OpenSSL", "apt-get install openssl", _commands("openssl")),
    "systemd": Need("systemd", "apt-get install systemd", _commands("systemd-analyze")),
    "pyspark": Need("pyspark", "make test-spark", _packages("pyspark")),
    "jax": Need("jax", "make test-learn", _packages("jax")),
    "keras": Need("Keras", "make test-learn", _packages("keras")),
    "gssapi": Need("gssapi", "make test-kerberos", _packages("gssapi")),
    "boto3": Need("boto3", "pip install 'windrow[aws]'", _packages("boto3")),
    "confluent_kafka": Need("confluent-kafka", "pip install 'windrow[kafka]'", _packages("confluent_kafka")),
    "pymysql": Need("PyMySQL", "pip install 'windrow[sql]'", _packages("pymysql")),
    "psycopg": Need("psycopg", "pip install 'windrow[sql]'", _packages("psycopg")),
    "yfinance": Need("yfinance", "pip install 'windrow[market]'", _packages("yfinance")),
}


def require(*names: str) -> None:
    """Skips the test unless all of these are here."""
    for need in map(NEEDS.__getitem__, names):
        if not need.is_here():
            pytest.skip(need.reason)


def count_skipped(reasons: list[str]) -> Counter[str]:
    """How many tests were skipped for want of what is needed, by reason.

    >>> count_skipped(["needs pyspark: make test-spark", "the C library has no mallopt"])
    Counter({'needs pyspark: make test-spark': 1})
    """
    known = {need.reason for need in NEEDS.values()}
    return Counter(reason for reason in reasons if reason in known)
