"""moto's emulator of S3, as tasks meet it: in another process, set by AWS's own variables."""

import json
import os
import re
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from windrow.storage import s3

AWS = {
    "AWS_ACCESS_KEY_ID": "tester",
    "AWS_SECRET_ACCESS_KEY": "no-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@pytest.fixture(scope="session")
def s3_server():
    """The port of a server that runs as long as the tests."""
    command = [sys.executable, str(Path(__file__).with_name("server.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


class Bucket:
    """A bucket of a test's own, and control over how the server answers."""

    def __init__(self, port, name):
        self.port, self.name, self.uri = port, name, f"s3://{name}"

    def put(self, key, content=b""):
        """An object of that key; its URI."""
        s3.client().put_object(Bucket=self.name, Key=key, Body=content)
        return f"{self.uri}/{key}"

    def get(self, key):
        return s3.client().get_object(Bucket=self.name, Key=key)["Body"].read()

    def shown(self):
        """All visible keys, in order."""
        page = s3.client().list_objects_v2(Bucket=self.name)
        return [one["Key"] for one in page.get("Contents", ())]

    def uploads(self):
        """How many uploads are neither completed nor aborted."""
        return len(s3.client().list_multipart_uploads(Bucket=self.name).get("Uploads", ()))

    def rules(self, *rules):
        """What the server does from now on to requests that match: ("GET .*csv", "busy", times)."""
        named = [{"match": match, "do": do, "times": (*times, 1000)[0]} for match, do, *times in rules]
        self._ask("PUT", "/-/rules", json.dumps(named))

    def log(self, pattern=""):
        """Requests since the rules were set that match, and their ranges."""
        return [(line, span) for line, span in self._ask("GET", "/-/log") if re.search(pattern, line)]

    def fill(self, prefix, objects):
        self._ask("PUT", f"/-/fill?bucket={self.name}&prefix={prefix}&objects={objects}")

    def _ask(self, method, path, body=None):
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path, body)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer


@pytest.fixture
def bucket(s3_server, request, monkeypatch):
    """An empty bucket; AWS's variables name the server and nothing of this machine."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in {**AWS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3_server}"}.items():
        monkeypatch.setenv(name, value)
    name = re.sub(r"[^a-z0-9]+", "-", f"t-{request.node.name}".lower())[:50].strip("-") + f"-{id(request) % 9973}"
    s3.client().create_bucket(Bucket=name)
    bucket = Bucket(s3_server, name)
    bucket.rules()
    yield bucket
    bucket.rules()
