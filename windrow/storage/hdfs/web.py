"""WebHDFS: files of HDFS over HTTP, as Hadoop's WebHDFS REST API describes it, and HttpFS, which answers alike.

A name node is asked, and names the node that holds, or will hold, the bytes. A cluster may have two name nodes, of
which one is on standby: that which answers is asked first from then on. Requests that are cut off, or that nobody
answers, are repeated, with longer and longer pauses; what was asked for is compared with what came.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from pathlib import Path
from threading import local
from typing import IO, Any, NamedTuple, NoReturn, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from windrow.storage.hdfs.kerberos import CURE, Delegation, Negotiation, wanted
from windrow.storage.hdfs.web_error import ATTEMPTS, WebError

Result = TypeVar("Result")

#: Seconds to wait for an answer, and bytes that are sent at a time.
_TIMEOUT, _BLOCK = 60, 1 << 20
#: Seconds of the longest pause before an attempt.
_LONGEST_WAIT = 10.0
_ROOT = "/webhdfs/v1"
_OK, _CREATED, _REDIRECT, _REFUSED, _UNKNOWN, _FORBIDDEN, _FAILED = 200, 201, 307, 400, 401, 403, 500
#: What name nodes say that another one may not.
_ELSEWHERE = ("StandbyException", "RetriableException", "ObserverRetryOnActiveException")
#: What they say of a delegation token that has ended; HttpFS as the reason of a refusal by another name.
_ENDED = "InvalidToken"


class Status(NamedTuple):
    """What HDFS tells of a file or folder: its name in the folder that was listed, milliseconds of its modification."""

    name: str
    is_folder: bool
    size: int
    modified: int
    block: int


class Answer(NamedTuple):
    """What a node answers to a request."""

    status: int
    headers: HTTPMessage
    content: bytes

    @property
    def place(self) -> str:
        """The URL at which to ask instead."""
        return str(self.headers.get("Location", ""))

    @property
    def challenges(self) -> list[str]:
        """How who asks is to be shown, or what shows who answers."""
        return list(self.headers.get_all("WWW-Authenticate", []))

    @property
    def asks_for_token(self) -> bool:
        """Whether it wants to know by Kerberos who asks, or the token that told it has ended."""
        if self.status == _UNKNOWN and wanted(self.challenges):
            return True
        kind, why = _refusal(self.content) if self.status >= _UNKNOWN else ("", "")
        return kind == _ENDED or f"SecretManager${_ENDED}" in why


class Web:
    """The WebHDFS of a cluster, at one address or more, as http://HOST:PORT.

    who: the parameter of each request that says who asks: a user's name, or a delegation token. delegation: the token
    by which it asks instead where Kerberos is demanded, which it gets itself. Threads have connections of their own.
    Methods raise WebError.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        who: Mapping[str, str],
        attempts: int = ATTEMPTS,
        delegation: Delegation | None = None,
    ) -> None:
        self._addresses, self._who, self._attempts = list(addresses), dict(who), attempts
        self._delegation = delegation
        self._of_thread = local()

    def status(self, path: str) -> Status:
        """What there is of this path."""
        return _status(self._asked("GET", path, "GETFILESTATUS")["FileStatus"])

    def listed(self, path: str) -> list[Status]:
        """What is in a folder, in order of names; of a file, itself, with no name."""
        return [status for some in self.listed_by_parts(path) for status in some]

    def listed_by_parts(self, path: str) -> Iterator[list[Status]]:
        """The same, a request each."""
        after: dict[str, str] = {}
        while True:
            answer = self._asked("GET", path, "LISTSTATUS_BATCH", **after)["DirectoryListing"]
            found = [_status(told) for told in answer["partialListing"]["FileStatuses"]["FileStatus"]]
            yield found
            if not answer["remainingEntries"]:
                return
            after = {"startAfter": found[-1].name}

    def read(self, path: str, start: int, length: int) -> bytes:
        """Bytes of a file, as many as asked for."""
        return self._repeated(lambda: self._read(path, start, length))

    def make_folder(self, path: str) -> None:
        """Makes a folder, and those above it."""
        self._asked("PUT", path, "MKDIRS")

    def write(self, path: str, place: Path) -> None:
        """Copies a file from here, whole or not at all, over what is there."""
        self._repeated(lambda: self._write(path, place))

    def rename(self, path: str, new: str) -> None:
        """Gives a file or folder another name, at once, unless something has that name."""
        tried = 0

        def give() -> None:
            nonlocal tried
            tried += 1
            try:
                self._once("PUT", path, "RENAME", destination=new, renameoptions="NONE")
            except WebError as error:
                if not (error.is_missing and tried > 1):  # else the answer to the first request was lost
                    raise
                self._once("GET", new, "GETFILESTATUS")

        self._repeated(give)

    def remove(self, path: str) -> None:
        """Removes a file or folder, with all that is in it, if it is there."""
        self._asked("DELETE", path, "DELETE", recursive="true")

    def give_back(self) -> None:
        """Ends the delegation token, if one was got; one that is not given back ends by itself."""
        delegation = self._delegation
        if delegation is not None and delegation.token is not None:
            token, delegation.token = delegation.token, None
            with suppress(WebError, OSError, HTTPException, _BrokenError):
                self._first("PUT", "/", "CANCELDELEGATIONTOKEN", {"token": token}, by_ticket=True)

    def _asked(self, method: str, path: str, operation: str, **options: str) -> dict[str, Any]:
        """The answer of a name node, in JSON, to a question that may be asked again."""
        return self._repeated(lambda: self._once(method, path, operation, **options))

    def _once(self, method: str, path: str, operation: str, **options: str) -> dict[str, Any]:
        told = self._name_node(method, path, operation, options)
        if told.status != _OK:
            self._refuse(told)
        try:
            answer: dict[str, Any] = json.loads(told.content or b"{}")  # a rename has no more to say
        except ValueError:
            raise _BrokenError(f"its answer is no JSON: {told.content[:80]!r}") from None
        return answer

    def _read(self, path: str, start: int, length: int) -> bytes:
        options = {"offset": str(start), "length": str(length)}
        told = self._name_node("GET", path, "OPEN", options)
        if told.status == _REDIRECT:
            told = self._sent(told.place, "GET")
        if told.status != _OK:
            self._refuse(told)
        if len(told.content) != length:
            raise _BrokenError(f"asked for {length:,} bytes from {start:,} on, got {len(told.content):,}")
        return told.content

    def _write(self, path: str, place: Path) -> None:
        """HDFS shows a file under its name before it is closed, so readers of folders under way must wait."""
        told = self._name_node("PUT", path, "CREATE", {"overwrite": "true"})
        if told.status == _REDIRECT:
            with place.open("rb") as file:
                told = self._sent(told.place, "PUT", file, place.stat().st_size)
        if told.status != _CREATED:
            self._refuse(told)
        if (there := self.status(path).size) != place.stat().st_size:
            raise _BrokenError(f"{there:,} of {place.stat().st_size:,} bytes arrived")

    def _name_node(self, method: str, path: str, operation: str, options: Mapping[str, str]) -> Answer:
        """What the name node answers, which may want a token first."""
        told = self._first(method, path, operation, {**options, **self._asker()})
        if self._delegation is not None and told.asks_for_token:
            self._delegation.token = self._new_token()
            told = self._first(method, path, operation, {**options, **self._asker()})
        return told

    def _asker(self) -> Mapping[str, str]:
        """The parameter that says who asks."""
        token = self._delegation.token if self._delegation is not None else None
        return {"delegation": token} if token else self._who

    def _new_token(self) -> str:
        """A delegation token for this user, who may end it, too; a job's tasks are given another by YARN."""
        told = self._first("GET", "/", "GETDELEGATIONTOKEN", {}, by_ticket=True)
        if told.status in (_UNKNOWN, _FORBIDDEN):
            why = _refusal(told.content)[1] or f"status {told.status}"
            raise WebError(f"{self._addresses[0]}: gives this user of Kerberos no token: {why}", cure=CURE)
        if told.status != _OK:
            self._refuse(told)
        try:
            return str(json.loads(told.content)["Token"]["urlString"])
        except (ValueError, KeyError, TypeError):
            raise _BrokenError("its answer is no delegation token") from None  # of which nothing is shown

    def _first(
        self, method: str, path: str, operation: str, options: Mapping[str, str], by_ticket: bool = False
    ) -> Answer:
        """What the first name node says that is not on standby; `by_ticket` shows it this user's."""
        query = urlencode({"op": operation, **options})
        why: Exception | None = None
        for address in list(self._addresses):
            ticket = Negotiation(urlsplit(address).hostname or "") if by_ticket else None
            again = operation != "RENAME" and ticket is None  # a ticket is shown once
            try:
                told = self._sent(f"{address}{_ROOT}{quote(path)}?{query}", method, again=again, ticket=ticket)
            except (OSError, HTTPException) as error:
                why = error
                continue
            if told.status >= _REFUSED and _refusal(told.content)[0] in _ELSEWHERE:
                why = _BrokenError(f"{address} is on standby")
                continue
            if ticket is not None and told.status == _OK:
                ticket.check(told.challenges)
            self._addresses.remove(address)
            self._addresses.insert(0, address)
            return told
        assert why is not None
        raise why

    def _sent(
        self,
        url: str,
        method: str,
        body: IO[bytes] | None = None,
        length: int = 0,
        again: bool = True,
        ticket: Negotiation | None = None,
    ) -> Answer:
        """The answer to a request; a connection is kept for the next one to the same node, which may have ended it.

        again: whether a request may be sent twice without notice, as its answer is then the same.
        """
        parts = urlsplit(url)
        kept: dict[tuple[str, str], HTTPConnection] = self._of_thread.__dict__.setdefault("connections", {})
        place, target = (parts.scheme, parts.netloc), f"{parts.path}?{parts.query}"
        headers = {"Content-Length": str(length), "Content-Type": "application/octet-stream"} if method == "PUT" else {}
        if ticket is not None:
            headers["Authorization"] = ticket.header()
        old = kept.pop(place, None)
        if old is not None and not again:
            old.close()
        for connection in filter(None, (old if again else None, _connection(*place))):
            try:
                connection.request(method, target, body, headers)
                with closing(connection.getresponse()) as answer:
                    found = Answer(answer.status, answer.headers, answer.read())
            except BaseException as error:
                connection.close()
                fault = error
                if not isinstance(error, ConnectionError):
                    raise
                if body is not None:
                    body.seek(0)
            else:
                kept[place] = connection
                return found
        raise fault

    def _repeated(self, work: Callable[[], Result]) -> Result:
        """What the work returns, tried again where it is cut off."""
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(random.random() * min(2.0**attempt / 4, _LONGEST_WAIT))  # noqa: S311  no secret
            try:
                return work()
            except (OSError, HTTPException, _BrokenError) as error:
                fault = error
        why = self._hidden(_said(fault))  # such as a URL that cannot be one
        raise WebError(f"{self._addresses[0]}: {why}, {self._attempts} times") from fault

    def _refuse(self, told: Answer) -> NoReturn:
        kind, why = _refusal(told.content)
        why = self._hidden(why)  # a gateway may repeat what it was asked
        if told.status >= _FAILED and not kind:
            raise _BrokenError(f"status {told.status} {why}".strip())
        raise WebError(why or f"status {told.status}", kind)

    def _hidden(self, text: str) -> str:
        """A text without the token by which is asked."""
        token = self._asker().get("delegation")
        return text.replace(token, "***") if token else text


class _BrokenError(Exception):
    """An answer that is not what was asked for, though it looks complete; `str()` is what shows it."""


def _connection(scheme: str, host: str) -> HTTPConnection:
    return (HTTPSConnection if scheme == "https" else HTTPConnection)(host, timeout=_TIMEOUT, blocksize=_BLOCK)


def _status(told: Mapping[str, Any]) -> Status:
    is_folder = told["type"] == "DIRECTORY"
    return Status(told["pathSuffix"], is_folder, told["length"], told["modificationTime"], told["blockSize"])


def _refusal(content: bytes) -> tuple[str, str]:
    """Java's name of a refusal, and its first line."""
    with suppress(ValueError, KeyError, TypeError):
        told = json.loads(content)["RemoteException"]
        return str(told["exception"]), str(told["message"]).partition("\n")[0].removesuffix(".")
    text = "" if content.lstrip().startswith(b"<") else content[:200].decode(errors="replace")  # not a page of a proxy
    return "", text.partition("\n")[0].strip()


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
