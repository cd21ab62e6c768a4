"""Who asks WebHDFS on a cluster with Kerberos, at submission: a ticket of `kinit` gets a delegation token, which opens
WebHDFS for a day. Where it has ended another is got; it is kept in memory alone, and given back after the run.

A ticket is shown by SPNEGO (RFC 4559), which the package gssapi speaks by the system's Kerberos.
"""

import base64
import re
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from windrow.storage.hdfs.web_error import WebError

#: SPNEGO among mechanisms, and its name in HTTP.
_SPNEGO, _SCHEME = "1.3.6.1.5.5.2", "Negotiate"
#: What to do where a ticket is missing, or has ended.
CURE = "get a ticket with kinit"


class Delegation:
    """The delegation token of a submitter, once it has got one."""

    token: str | None = None


class Negotiation:
    """One request by SPNEGO: what shows the user's ticket, and the server's proof of who it is, which must come.

    Raises WebError where there is no ticket, or nothing that speaks SPNEGO.
    """

    def __init__(self, host: str) -> None:
        try:
            gssapi = import_module("gssapi")
        except ImportError:
            raise WebError(
                f"{host}: asks for Kerberos",
                cure=f"install what speaks it with: pip install 'windrow[kerberos]', and {CURE}",
            ) from None
        self._host, self._refusal = host, gssapi.exceptions.GSSError
        try:
            self._context = gssapi.SecurityContext(
                name=gssapi.Name(f"HTTP@{host}", gssapi.NameType.hostbased_service),
                mech=gssapi.OID.from_int_seq(_SPNEGO),
                flags=gssapi.RequirementFlag.mutual_authentication,
                usage="initiate",
            )
        except self._refusal as error:
            raise self._failed(error) from None

    def header(self) -> str:
        """The value of the request's header Authorization."""
        try:
            shown: bytes = self._context.step()
        except self._refusal as error:
            raise self._failed(error) from None
        return f"{_SCHEME} {base64.b64encode(shown).decode()}"

    def check(self, challenges: Sequence[str]) -> None:
        """Raises WebError unless the values of WWW-Authenticate in the answer prove who has sent it."""
        proof = next((challenge.partition(" ")[2] for challenge in challenges if wanted([challenge])), "")
        proven = False
        with suppress(ValueError, self._refusal):
            if proof:
                self._context.step(base64.b64decode(proof))
            proven = self._context.complete  # which may raise what a step has met
        if not proven:
            raise WebError(f"{self._host}: does not prove by Kerberos that it is HTTP/{self._host}")

    def _failed(self, error: Exception) -> WebError:
        why = re.sub(r"\b(Major|Minor) \(\d+\): ", "", " ".join(str(error).replace("\0", " ").split()))
        return WebError(f"{self._host}: asks for Kerberos: {why}", cure=CURE)


def wanted(challenges: Sequence[str]) -> bool:
    """Whether the values of WWW-Authenticate in an answer ask for Kerberos.

    >>> wanted(["Negotiate"]), wanted(['Basic realm="a gateway"', "negotiate"]), wanted(["Basic"]), wanted([])
    (True, True, False, False)
    """
    return any(challenge.partition(" ")[0].lower() == _SCHEME.lower() for challenge in challenges)
