"""boto3's sessions and clients: one configuration for all services, and no connection of a parent's in a fork.

AWS's own variables and files choose endpoint, region and credentials.
"""

import os
from threading import Lock
from typing import Any

from windrow.aws.parallel import MANY
from windrow.aws.roles import assuming
from windrow.errors import WindrowError, required

_ATTEMPTS = 10

_sessions: dict[object, Any] = {}
_clients: dict[tuple[object, ...], Any] = {}
_making = Lock()


def require_boto3(what: str) -> None:
    """Raises WindrowError where boto3 is not installed, which `what`, a command or a URI, needs."""
    required(what, "boto3", "boto3", "aws")


def session(role: str | None = None) -> Any:
    """boto3's session for AWS's variables as they are now, with the credentials of a role, if any; forks share it."""
    require_boto3("AWS")
    from boto3.session import Session

    key = (_variables(), role)
    if key not in _sessions:
        _sessions[key] = Session() if role is None else assuming(role, session(), _config())
    return _sessions[key]


def shared_client(service: str, region: str | None = None, role: str | None = None) -> Any:
    """boto3's client of a service, made once in a process, and again when AWS's variables have changed.

    No client crosses a fork: its connections would be the parent's. A fork makes its own in some milliseconds, since
    what is known of AWS's interfaces and of the credentials is in the session. Raises WindrowError without boto3.
    """
    key = (os.getpid(), _variables(), service, region, role)
    if key not in _clients:
        with _making:
            if key not in _clients:
                _drop_other_than(*key[:2])
                _clients[key] = _made(service, region, role)
    return _clients[key]


def new_client(service: str, region: str | None = None, role: str | None = None) -> Any:
    """The same, but made for the caller alone: what it registers there is not met by others."""
    with _making:
        return _made(service, region, role)


def _made(service: str, region: str | None, role: str | None) -> Any:
    try:
        return session(role).client(service, region_name=region, config=_config())
    except ValueError:  # its text repeats the URL, with a password if it has one
        raise WindrowError(
            f"{service}: the endpoint that AWS_ENDPOINT_URL, or AWS's configuration, sets is not a valid URL; set"
            " it as https://HOST or https://HOST:PORT, or unset it"
        ) from None


def _drop_other_than(process: object, variables: object) -> None:
    for key in [key for key in _clients if key[:2] != (process, variables)]:
        del _clients[key]


def _variables() -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pair for pair in os.environ.items() if pair[0].startswith("AWS_")))


def _config() -> Any:
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts()},
        max_pool_connections=2 * MANY,
        response_checksum_validation="when_required",
        user_agent_extra="windrow",
    )


def attempts() -> int:
    """How often a request is made before it is given up."""
    wanted = os.environ.get("AWS_MAX_ATTEMPTS", "")
    return int(wanted) if wanted.isdecimal() and int(wanted) else _ATTEMPTS
