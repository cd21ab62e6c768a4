"""Which WebHDFS a cluster has: found at submission, and told to tasks by their environment.

`-D windrow.webhdfs=http://HOST:PORT` names one, such as an HttpFS, or several, separated by commas; `off` has Hadoop
read and write all files itself. Otherwise it is asked for in Hadoop's own configuration, a second for each question.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from getpass import getuser
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from windrow.errors import UsageError
from windrow.storage.hdfs.kerberos import Delegation
from windrow.storage.hdfs.tokens import token_of_task
from windrow.storage.hdfs.web_error import ATTEMPTS, WebError

if TYPE_CHECKING:
    from windrow.storage.hdfs.web import Web

#: Hadoop's property with which a job's submitter chooses.
PROPERTY, OFF = "windrow.webhdfs", "off"
#: What tasks are told: addresses, authorities of URIs that they serve, and the user.
_ADDRESSES, _AUTHORITIES, _USER = "windrow_webhdfs", "windrow_webhdfs_of", "windrow_webhdfs_user"
#: Hosts that are none, as in Hadoop's defaults.
_ANY = ("", "0.0.0.0")  # noqa: S104  not bound
#: How often one that may not be reachable is asked.
_TRIES = 2


class Found(NamedTuple):
    """Addresses of WebHDFS, the authorities, or their hosts, in URIs of files that are there, and who asks for them.

    delegation: of a submitter, the token that it gets where Kerberos is demanded.
    """

    addresses: tuple[str, ...]
    authorities: tuple[str, ...]
    user: str
    delegation: Delegation | None = None

    def environment(self) -> dict[str, str]:
        """The environment variables that tell tasks."""
        return {_ADDRESSES: ",".join(self.addresses), _AUTHORITIES: ",".join(self.authorities), _USER: self.user}

    @cache  # noqa: B019  few are ever made
    def web(self, attempts: int = ATTEMPTS) -> "Web":
        """It, as this user, or by the token that this task has."""
        from windrow.storage.hdfs.web import Web  # a task's start is part of its cost

        token = token_of_task()
        who = {"delegation": token} if token else {"user.name": self.user}
        return Web(self.addresses, who, attempts, self.delegation)

    def has(self, uri: str) -> bool:
        """Whether a URI's file is there.

        >>> found = Found(("http://one:9870",), ("", "one:8020"), "me")
        >>> [found.has(uri) for uri in ("hdfs:///bars", "hdfs://one:8020/bars", "hdfs://two/bars", "o3fs:///bars")]
        [True, True, False, False]
        """
        parts = urlsplit(uri)
        authority = parts.netloc
        return parts.scheme.lower() == "hdfs" and not {authority, authority.partition(":")[0]}.isdisjoint(
            self.authorities
        )


def find(asked: str | None, uris: Sequence[str], configured: Callable[[str], str]) -> Found:
    """The WebHDFS of the files at these URIs that was asked for by PROPERTY, or that Hadoop has `configured`: the value
    of a name, '' where it has none.

    Raises UsageError for an address that is none, and WebError where none answers, or where it is not known to be that
    of all these files.
    """
    user = os.environ.get("HADOOP_USER_NAME") or getuser()
    if asked is not None:
        authorities = tuple(dict.fromkeys(["", *(urlsplit(uri).netloc for uri in uris)]))
        return _tried(Found(tuple(_given(asked)), authorities, user, Delegation()))
    host, _, port = configured("dfs.namenode.http-address").rpartition(":")
    found = Found((f"http://{host}:{port}",), ("", host), user, Delegation())
    if host not in _ANY:
        with suppress(WebError):
            return _serving(_tried(found), uris)
    authority = urlsplit(configured("fs.defaultFS")).netloc
    addresses = tuple(_configured(configured, authority))
    hosts = {urlsplit(address).hostname or "" for address in addresses}
    return _serving(_tried(Found(addresses, ("", authority, *hosts), user, Delegation())), uris)


def _tried(found: Found) -> Found:
    """It, if it answers."""
    found.web(_TRIES).status("/")
    return found


def _serving(found: Found, uris: Sequence[str]) -> Found:
    """It, with the authorities of these URIs, which are its own by their hosts."""
    authorities = list(found.authorities)
    for uri in uris:
        authority = urlsplit(uri).netloc
        if not found.has(uri):
            raise WebError(f"{found.addresses[0]}: is not known to have the files of hdfs://{authority}")
        authorities.append(authority)
    return found._replace(authorities=tuple(dict.fromkeys(authorities)))


def _given(asked: str) -> list[str]:
    addresses = [one.strip().rstrip("/") for one in asked.split(",")]
    for address in addresses:
        if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).netloc:
            raise UsageError(
                f"-D {PROPERTY}={asked}: {address!r} is no address of WebHDFS; give http://HOST:PORT, of a name node or"
                f" of HttpFS, or {OFF}"
            )
    return addresses


def _configured(configured: Callable[[str], str], authority: str) -> list[str]:
    """The addresses of the name nodes of this authority: a host and a port, or the name of several."""
    scheme = "https" if configured("dfs.http.policy") == "HTTPS_ONLY" else "http"
    key = f"dfs.namenode.{scheme}-address"
    nodes = configured(f"dfs.ha.namenodes.{authority}") if ":" not in authority else ""
    if nodes:
        return [f"{scheme}://{configured(f'{key}.{authority}.{node.strip()}')}" for node in nodes.split(",")]
    host, _, port = configured(key).rpartition(":")
    if host in _ANY:  # Hadoop's default, where the name node's host is that of the file system
        host = authority.partition(":")[0] or "localhost"
    return [f"{scheme}://{host}:{port}"]


@cache
def of_task() -> Found | None:
    """What this task was told, if it can reach that."""
    addresses = os.environ.get(_ADDRESSES)
    if not addresses:
        return None
    told: Mapping[str, str] = os.environ
    found = Found(tuple(addresses.split(",")), tuple(told.get(_AUTHORITIES, "").split(",")), told.get(_USER, ""))
    try:
        found.web(_TRIES).status("/")
    except WebError:
        return None
    return found
