"""Answers on the wire in place of a server's: retries, pages, parsers and threads of botocore are the real ones.

    with answers({"GetTables": lambda asked, number: {"TableList": []}}) as calls: ...

An answer is a dict or bytes, `refused(...)`, or None: then the request goes on to the server. It gets what is asked,
and which call of its operation this is, from 1. `calls` has the operations' names and what was asked, in order.
"""

import io
import json
from contextlib import contextmanager
from threading import Lock, local
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session


class Refusal(NamedTuple):
    """An answer that is none."""

    code: str
    status: int
    message: str


class Call(NamedTuple):
    """A request."""

    operation: str
    asked: dict
    region: str
    key: str
    """The access key that signed it: moto gives each assumed role its own."""


class Calls(list):
    """Requests in order, and the seconds that botocore waited between them."""

    def __init__(self):
        super().__init__()
        self.waits = []
        self.here = local()
        """`here.call` is the request that a thread is asked to answer."""

    def of(self, operation):
        """What was asked of an operation."""
        return [call.asked for call in self if call.operation == operation]


def refused(code, status=400, message="put in by a test"):
    """A refusal of AWS's: an answer for `answers`."""
    return Refusal(code, status, message)


def denied(code="AccessDeniedException"):
    """A refusal for want of rights, as Glue words it; S3's code is AccessDenied."""
    return refused(code, 403 if code == "AccessDenied" else 400, "User is not authorized to perform this")


def first(count, answer):
    """This answer to the first calls of an operation, then the server's."""
    return lambda asked, number: answer if number <= count else None


def paged(key, items, size, token="NextToken"):
    """Answers of `size` items a page, as services page that take and give NextToken."""

    def answer(asked, number):
        start = int(asked.get(token) or 0)
        more = {token: str(start + size)} if start + size < len(items) else {}
        return {key: items[start : start + size], **more}

    return answer


def listed(objects, asked, size=1000):
    """A page of ListObjectsV2 over keys and their sizes: a dict."""
    chosen = sorted(pair for pair in objects.items() if pair[0].startswith(asked.get("prefix", "")))
    start = int(asked.get("continuation-token") or 0)
    encoded = quote if asked.get("encoding-type") == "url" else str
    contents = "".join(
        f"<Contents><Key>{escape(encoded(key))}</Key><LastModified>2026-11-30T00:00:00.000Z</LastModified><ETag>&quot;x&quot;"
        f"</ETag><Size>{amount}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for key, amount in chosen[start : start + size]
    )
    is_cut = start + size < len(chosen)
    token = f"<NextContinuationToken>{start + size}</NextContinuationToken>" if is_cut else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>lake</Name><KeyCount>{len(chosen[start : start + size])}</KeyCount><MaxKeys>{size}</MaxKeys>"
        f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>{token}{contents}</ListBucketResult>"
    ).encode()


@contextmanager
def answers(by_operation):
    """Answers requests of any client of this process; its waits between tries are noted, not waited for."""
    calls, lock, send = Calls(), Lock(), URLLib3Session.send

    def answered(self, request):
        operation, asked = _asked(request)
        region, key = _signed(request)
        with lock:
            calls.here.call = Call(operation, asked, region, key)
            calls.append(calls.here.call)
            number = len(calls.of(operation))
        told = by_operation[operation](asked, number) if operation in by_operation else None
        return send(self, request) if told is None else _answer(request, told)

    quick = SimpleNamespace(sleep=calls.waits.append)
    with patch.object(URLLib3Session, "send", answered), patch("botocore.endpoint.time", quick):
        yield calls


def _signed(request):
    """Region and access key of a request's signature."""
    text = _text(request.headers.get("Authorization"))
    scope = text.partition("Credential=")[2].partition(",")[0].split("/")
    return (scope[2], scope[0]) if len(scope) > 2 else ("", "")


def _asked(request):
    """The operation of a request, and what it asks."""
    url, body = urlsplit(request.url), _bytes(request.body)
    if target := _text(request.headers.get("X-Amz-Target")):
        return target.rpartition(".")[2], json.loads(body or b"{}")
    query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    if _is_query(body):
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        return form.pop("Action"), form
    if "/operation/" in url.path:
        return url.path.rpartition("/")[2], {"body": body}
    return _of_s3(request.method, query), {**query, "path": unquote(url.path)}


def _of_s3(method, query):
    if method == "GET":
        return "ListObjectsV2" if "list-type" in query else "GetObject" if not query else f"Get {min(query)}"
    return {"PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}.get(method, method)


def _answer(request, told):
    is_json = "X-Amz-Target" in request.headers
    kind = "application/x-amz-json-1.1" if is_json else "application/xml"
    status = told.status if isinstance(told, Refusal) else 200
    if isinstance(told, Refusal):
        told = _refusal(told, is_json, _is_query(_bytes(request.body)))
    body = told if isinstance(told, bytes) else json.dumps(told, default=str).encode()
    return AWSResponse(request.url, status, {"content-type": kind, "content-length": str(len(body))}, _Body(body))


def _refusal(told, is_json, is_query):
    if is_json:
        return {"__type": told.code, "message": told.message}
    text = f"<Code>{told.code}</Code><Message>{told.message}</Message>"
    text = f"<ErrorResponse><Error>{text}</Error></ErrorResponse>" if is_query else f"<Error>{text}</Error>"
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


def _bytes(body):
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes | bytearray) else b""


def _is_query(body):
    """Whether a request has its operation among the fields of a form."""
    return body.startswith(b"Action=") or b"&Action=" in body


def _text(value):
    return value.decode() if isinstance(value, bytes) else value or ""


class _Body(io.BytesIO):
    def stream(self, amt=65536, **_):
        while block := self.read(amt):
            yield block
