"""A WebHDFS of files in memory, for what a real one cannot be made to do: answers cut short, late, or of another kind.

What it answers rightly is compared with the one-machine Hadoop's in tests/cluster/test_webhdfs.py.
"""

import base64
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

ROOT = "/webhdfs/v1"


class FakeHdfs:
    """files: path -> bytes. faults: operation -> names of faults, of which each request takes one.

    accept: with Kerberos, what is answered to a ticket. page: the most names in one part of a folder's list.
    """

    def __init__(self, files=None):
        self.files = dict(files or {})
        self.modified = dict.fromkeys(self.files, 1)
        self.faults = {}
        self.asked = []
        self.block = 100
        self.standby = False
        self.page = 2
        self.accept = None
        self.tokens, self.tokens_made = [], 0
        self.ended = "InvalidToken", "token (token for me: renewer=me) can't be found in cache"

    @contextmanager
    def served(self):
        """Yields its address."""
        fake = self

        class Answers(_Answers):
            hdfs = fake

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            self.address = f"http://127.0.0.1:{server.server_port}"
            yield self.address
        finally:
            server.shutdown()
            server.server_close()

    def folder(self, path):
        return any(name.startswith(f"{path.rstrip('/')}/") for name in self.files)

    def status(self, path, name=""):
        if path in self.files:
            told = {"type": "FILE", "pathSuffix": name, "length": len(self.files[path])}
            return {**told, "modificationTime": self.modified[path], "blockSize": self.block}
        return {"type": "DIRECTORY", "pathSuffix": name, "length": 0, "modificationTime": 1, "blockSize": 0}


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: An answer is sent at once: its end would wait for the client's word that its begin has come, 40 ms.
    wbufsize = 1 << 16

    def do_GET(self):
        self._answer()

    do_PUT = do_DELETE = do_GET  # noqa: N815  http.server's names

    def log_message(self, *args):
        pass

    def _answer(self):
        parts = urlsplit(self.path)
        options = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path, operation = unquote(parts.path[len(ROOT) :]) or "/", options["op"]
        there = "moved" in options
        self.hdfs.asked.append((self.command, operation, path, options))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        waiting = self.hdfs.faults.get(operation + ("-data" if there else ""), [])
        fault = waiting.pop(0) if waiting else ""
        if fault == "drop":
            self.close_connection = True
            self.connection.close()
        elif fault == "500":
            self._send(500, b"oops")
        elif fault == "page":
            self._send(502, b"<html>a proxy</html>")
        elif fault == "echo":
            self._send(400, f"Bad request: {self.path}".encode())
        elif fault == "astray":
            self._send(307, b"", Location=f"{self.hdfs.address}{self.path} and more")
        elif fault == "slow":
            time.sleep(0.2)
            self._send(503, b"")
        elif self.hdfs.standby or fault == "standby":
            self._refuse(403, "StandbyException", "Operation category READ is not supported in state standby")
        elif fault == "denied":
            self._refuse(
                403, "AccessControlException", f"Permission denied: user={options.get('user.name')}\n\tat java"
            )
        elif self.hdfs.accept is None or self._is_known(operation, options):
            getattr(self, f"_{operation.lower()}")(path, options, there, body, fault)

    def _is_known(self, operation, options):
        """Whether who asks has a token, or for one a ticket; if not, it is answered so, as Hadoop does."""
        scheme, _, shown = self.headers.get("Authorization", "").partition(" ")
        if operation.endswith("DELEGATIONTOKEN"):
            assert "delegation" not in options and "user.name" not in options
            if scheme == "Negotiate":
                self.proof = self.hdfs.accept(base64.b64decode(shown))
                return True
        elif options.get("delegation") in self.hdfs.tokens:
            return True
        elif "delegation" in options:
            self._refuse(403, *self.hdfs.ended)
            return False
        self._send(401, b"<html>Authentication required</html>", **{"WWW-Authenticate": "Negotiate"})
        return False

    def _proven(self, answer, fault):
        told = json.dumps(answer).encode()
        self._send(
            200, told[:-9] if fault == "short" else told,
            **{"WWW-Authenticate": f"Negotiate {base64.b64encode(self.proof).decode()}"},
        )  # fmt: skip

    def _getdelegationtoken(self, path, options, there, body, fault):
        self.hdfs.tokens_made += 1
        self.hdfs.tokens.append(f"SECRET{self.hdfs.tokens_made}")
        self._proven({"Token": {"urlString": self.hdfs.tokens[-1]}}, fault)

    def _canceldelegationtoken(self, path, options, there, body, fault):
        if options["token"] not in self.hdfs.tokens:
            return self._refuse(403, "InvalidToken", "Token not found")
        self.hdfs.tokens.remove(options["token"])
        return self._proven({}, fault)

    def _send(self, status, content, length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        if length is not None and length != len(content):
            self.close_connection = True

    def _refuse(self, status, kind, message):
        self._send(status, json.dumps({"RemoteException": {"exception": kind, "message": message}}).encode())

    def _tell(self, answer):
        self._send(200, json.dumps(answer).encode())

    def _missing(self, path):
        self._refuse(404, "FileNotFoundException", f"File does not exist: {path}")

    def _moved(self):
        self._send(307, b"", Location=f"{self.hdfs.address}{self.path}&moved=1")

    def _getfilestatus(self, path, options, there, body, fault):
        if path in self.hdfs.files or self.hdfs.folder(path) or path == "/":
            self._tell({"FileStatus": self.hdfs.status(path)})
        else:
            self._missing(path)

    def _liststatus_batch(self, path, options, there, body, fault):
        if path in self.hdfs.files:
            found = [self.hdfs.status(path)]
        elif self.hdfs.folder(path):
            below = path.rstrip("/") + "/"
            names = sorted({name[len(below) :].partition("/")[0] for name in self.hdfs.files if name.startswith(below)})
            names = [name for name in names if name > options.get("startAfter", "")]
            found = [self.hdfs.status(below + name, name) for name in names]
        else:
            return self._missing(path)
        some, left = found[: self.hdfs.page], found[self.hdfs.page :]
        listing = {"partialListing": {"FileStatuses": {"FileStatus": some}}, "remainingEntries": len(left)}
        return self._tell({"DirectoryListing": listing})

    def _open(self, path, options, there, body, fault):
        if path not in self.hdfs.files:
            return self._missing(path)
        if not there:
            return self._moved()
        start = int(options["offset"])
        content = self.hdfs.files[path][start : start + int(options["length"])]
        if fault == "cut":
            return self._send(200, content[: len(content) // 2], length=len(content))
        return self._send(200, content[:-1] if fault == "short" else content)

    def _create(self, path, options, there, body, fault):
        if not there:
            return self._moved()
        self.hdfs.files[path] = body[:-1] if fault == "short" else body
        self.hdfs.modified[path] = len(self.hdfs.asked)
        return self._send(201, b"")

    def _mkdirs(self, path, options, there, body, fault):
        self._tell({"boolean": True})

    def _delete(self, path, options, there, body, fault):
        for name in [name for name in self.hdfs.files if name == path or name.startswith(f"{path}/")]:
            del self.hdfs.files[name]
        self._tell({"boolean": True})

    def _rename(self, path, options, there, body, fault):
        new = options["destination"]
        moved = {name: name.replace(path, new, 1) for name in self.hdfs.files if f"{name}/".startswith(f"{path}/")}
        if not moved:
            return self._refuse(404, "FileNotFoundException", f"rename source {path} is not found.")
        if self.hdfs.folder(new) or new in self.hdfs.files:
            return self._refuse(403, "FileAlreadyExistsException", f"rename destination {new} already exists")
        for name, its in moved.items():
            self.hdfs.files[its] = self.hdfs.files.pop(name)
            self.hdfs.modified[its] = 1
        if fault == "lost":  # done, but nobody hears of it
            self.close_connection = True
            return self.connection.close()
        return self._send(200, b"")
