"""The package gssapi as far as it is asked, without a Kerberos: tickets and proofs are texts that tests can read.

With a real one: tests/storage/test_kerberos.py.
"""

import sys
from types import ModuleType, SimpleNamespace

SPNEGO = "1.3.6.1.5.5.2"


class GSSError(Exception):
    """A refusal, of several lines as GSSAPI's are."""


class Contexts:
    """ticket: whether this user has one. made: those that were asked for."""

    def __init__(self):
        self.ticket, self.made = True, []

    def accept(self, shown):
        """What a server answers to a ticket."""
        assert shown.startswith(b"ticket for HTTP@")
        return b"proof of " + shown.removeprefix(b"ticket for ")

    def module(self):
        found = ModuleType("gssapi")
        found.Name = lambda text, kind: (text, kind)
        found.NameType = SimpleNamespace(hostbased_service="service")
        found.OID = SimpleNamespace(from_int_seq=lambda text: text)
        found.RequirementFlag = SimpleNamespace(mutual_authentication="mutual")
        found.exceptions = SimpleNamespace(GSSError=GSSError)
        found.SecurityContext = lambda **asked: Context(self, **asked)
        return found

    def install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "gssapi", self.module())
        return self


class Context:
    def __init__(self, contexts, name, mech, flags, usage):
        assert (name[1], mech, flags, usage) == ("service", SPNEGO, "mutual", "initiate")
        self.contexts, self.service, self.is_proven, self.failed = contexts, name[0], False, False
        contexts.made.append(self.service)

    def step(self, proof=None):
        if not self.contexts.ticket:
            raise GSSError("Major (458752): No credentials were supplied,\n  Minor (100005): SPNEGO cannot\0")
        if proof is None:
            return f"ticket for {self.service}".encode()
        if proof != f"proof of {self.service}".encode():
            self.failed = True
            raise GSSError("Wrong principal in request")
        self.is_proven = True
        return None

    @property
    def complete(self):
        if self.failed:
            raise GSSError("Wrong principal in request")
        return self.is_proven
