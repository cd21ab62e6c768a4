"""Sessions with the credentials of a role, which is assumed anew before these expire."""

import re
from functools import partial
from typing import Any

#: Where a role is assumed if no region is set, by AWS's partition.
_REGIONS = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/[\w+=,.@/-]+")


def account_of(role: str) -> str | None:
    """The number of the account that a role is of; None of what is no role's ARN.

    >>> account_of("arn:aws:iam::111122223333:role/reader"), account_of("reader")
    ('111122223333', None)
    """
    found = _ROLE.fullmatch(role)
    return found[2] if found else None


def role_behind(caller: str) -> str:
    """The role that a caller has assumed, so that it has one name at every run; any other caller as it is.

    The caller's ARN does not have the path of a role that has one.

    >>> role_behind("arn:aws:sts::111122223333:assumed-role/reader/i-0abc")
    'arn:aws:iam::111122223333:role/reader'
    """
    return re.sub(r"^(arn:[\w-]+):sts(::\d+):assumed-role/([^/]+)/.*$", r"\1:iam\2:role/\3", caller)


def assuming(role: str, own: Any, config: Any) -> Any:
    """boto3's session with the credentials of a role that those of the session `own` may assume."""
    from boto3.session import Session
    from botocore.credentials import AssumeRoleCredentialFetcher, CredentialResolver, DeferredRefreshableCredentials
    from botocore.exceptions import NoCredentialsError
    from botocore.session import Session as Core

    credentials = own.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    sts = partial(own.client, region_name=own.region_name or _region(role), config=config)
    fetcher = AssumeRoleCredentialFetcher(sts, credentials, role, extra_args={"RoleSessionName": "windrow"})
    refreshed = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    core = Core()
    core.register_component("credential_provider", CredentialResolver([_Given(refreshed)]))
    return Session(botocore_session=core)


def _region(role: str) -> str:
    return _REGIONS.get(role.split(":")[1], "us-east-1")


class _Given:
    """A provider of credentials, as botocore asks for them, that has these."""

    METHOD = CANONICAL_NAME = "windrow-role"

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def load(self) -> Any:
        """The credentials."""
        return self._credentials
