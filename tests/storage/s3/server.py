"""moto's emulator of S3 on a loopback port, in its own process, with faults on request; prints its port when ready.

    PUT /-/rules   JSON: [{"match": pattern of "METHOD /path?query", "times": N, "do": what}, ...]
    GET /-/log     JSON: requests since the rules were set: [["METHOD /path?query", Range or null], ...]
    PUT /-/fill?bucket=B&prefix=P&objects=N   puts N small objects

A rule's `times` counts requests of a kind: of one method, object, query and range. If several rules match, their
times add up. `do`: busy (503), denied (403), gone (404, of an upload), elsewhere (301, to eu-central-1), cut (an answer
breaks off in the middle; what is written is written, but not confirmed), slow (a second). Answers to a request for a
range that look well and are wrong: short (its last third is missing, and Content-Length agrees), whole (200, all of the
object), another (bytes that begin one earlier or later, as Content-Range says), unsaid (no Content-Range), resized
(Content-Range names another size of the object).
"""

import json
import re
import socket
import threading
import time
from collections import Counter
from itertools import islice
from urllib.parse import parse_qsl

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ANSWERS = {
    "busy": ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
    "denied": ("403 Forbidden", "AccessDenied", "Access Denied"),
    "gone": ("404 Not Found", "NoSuchUpload", "The specified upload does not exist."),
    "elsewhere": ("301 Moved Permanently", "PermanentRedirect", "Use the specified endpoint."),
}


def other_range(environ):
    """Bytes that begin one earlier; those of the start begin one later."""
    first, last = map(int, environ["HTTP_RANGE"].removeprefix("bytes=").split("-"))
    by = -1 if first else 1
    environ["HTTP_RANGE"] = f"bytes={first + by}-{last + by}"


def of_range(headers, change):
    """Headers, of which Content-Range is changed; None: left out."""
    changed = {key: change(text) if key.lower() == "content-range" else text for key, text in headers.items()}
    return {key: text for key, text in changed.items() if text is not None}


#: What is done to a request, and to the headers and the body of its answer.
WRONG = {
    "short": (lambda environ: None, lambda headers, body: (headers, body[: len(body) * 2 // 3])),
    "whole": (lambda environ: environ.pop("HTTP_RANGE", None), lambda headers, body: (headers, body)),
    "another": (other_range, lambda headers, body: (headers, body)),
    "unsaid": (lambda environ: None, lambda headers, body: (of_range(headers, lambda text: None), body)),
    "resized": (lambda environ: None, lambda headers, body: (of_range(headers, lambda text: f"{text}0"), body)),
}


class Faulty:
    def __init__(self, app):
        self.app, self.lock = app, threading.Lock()
        self.rules, self.log, self.seen = [], [], Counter()

    def __call__(self, environ, start_response):
        path, query = environ["REQUEST_URI"].partition("?")[::2]
        if path.startswith("/-/"):
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(self.control(path, query, environ)).encode()]
        request = f"{environ['REQUEST_METHOD']} {environ['REQUEST_URI']}"
        with self.lock:
            self.log.append([request, environ.get("HTTP_RANGE")])
            kind = request + str(environ.get("HTTP_RANGE"))
            done = self.seen[kind]
            self.seen[kind] += 1
            faults = (
                rule["do"] for rule in self.rules if re.search(rule["match"], request) for _ in range(rule["times"])
            )
            fault = next(islice(faults, done, None), None)
        if fault in ANSWERS:
            return self.refuse(environ, start_response, *ANSWERS[fault])
        if fault == "slow":
            time.sleep(1)
        if fault in WRONG:
            return self.wrong(environ, start_response, WRONG[fault])
        answer = self.app(environ, start_response)
        return self.cut(environ, answer) if fault == "cut" else answer

    def wrong(self, environ, start_response, change):
        """An answer whose range, headers or body a function has changed."""
        ask, say = change
        ask(environ)
        told = []
        body = b"".join(self.app(environ, lambda status, headers, _=None: told.append((status, headers))))
        ((status, headers),) = told
        headers, body = say(dict(headers), body)
        start_response(status, [*({**headers, "Content-Length": str(len(body))}).items()])
        return [body]

    def control(self, path, query, environ):
        if path == "/-/log":
            return self.log
        if path == "/-/rules":
            self.rules = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            self.log, self.seen = [], Counter()
            return None
        options = dict(parse_qsl(query))
        s3 = get_backend("s3")["123456789012"]["aws"]
        for number in range(int(options["objects"])):
            day = f"2020-01-{number % 28 + 1:02}"
            text = f"symbol,timestamp,close\nS{number % 7},{day},{number}\n"
            s3.put_object(options["bucket"], f"{options['prefix']}{number:05}.csv", text.encode())
        return None

    def refuse(self, environ, start_response, status, code, message):
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(status, [("Content-Type", "application/xml"), ("x-amz-bucket-region", "eu-central-1")])
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        return [f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()]

    def cut(self, environ, answer):
        body = b"".join(answer)
        if environ["REQUEST_METHOD"] == "GET":
            yield body[: len(body) // 2]
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *args):
        pass


if __name__ == "__main__":
    app = Faulty(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()
