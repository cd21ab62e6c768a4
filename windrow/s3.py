"""Objects of S3: listed, read by ranges, and written so that all of an output appears at its end.

    list_objects     what an argument means: an object, a folder's objects, or those that glob characters match
    open_input       an object as a file; it reads ahead by ranges, several at a time
    upload           files become objects: sent in parts, none of which shows until all of them are there
    publish_copies   the same for what lies in S3 already

AWS's own environment variables, and its files, choose endpoint, region and credentials. What S3 answers 503 or 500, or
cuts off, is asked again, later each time and by chance, so that tasks do not all come back at once; AWS_MAX_ATTEMPTS
says how often. A name behind the bucket is taken as it stands: nothing in it is decoded, `%` and `+` are themselves.
"""

import io
import os
import random
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, NamedTuple, TypeVar, cast
from uuid import uuid4

from windrow.errors import InputError, OutputError, WindrowError

#: Requests under way at once, where there are many objects, and in the reading of one.
_MANY, _PARALLEL = 16, 4
#: Bytes asked for by one request, at most and at least; bytes read ahead of what was asked for, at most.
_PIECE, _LEAST, _AHEAD = 4 << 20, 128 << 10, 16 << 20
#: Bytes of a part of an upload, and of one that S3 copies itself; S3 takes 10,000 of an object.
_PART, _COPIED, _PARTS = 16 << 20, 512 << 20, 10_000
_ATTEMPTS = 10
#: Seconds to wait before an attempt, at most.
_LONGEST_WAIT = 20.0
_URI = re.compile(r"s3[an]?://([^/]*)/?(.*)", re.DOTALL | re.IGNORECASE)
_GLOB = re.compile(r"[*?[]")

In = TypeVar("In")
Out = TypeVar("Out")


class Object(NamedTuple):
    """An object as it was when it was listed."""

    uri: str
    size: int
    etag: str


def is_s3(path: str) -> bool:
    """Whether a path is one of S3, by any of the names that Hadoop has for it.

    >>> is_s3("s3://bucket/bars.csv"), is_s3("s3a://bucket/"), is_s3("hdfs:///bars.csv"), is_s3("s3/bars.csv")
    (True, True, False, False)
    """
    return _URI.match(path) is not None


def split(uri: str) -> tuple[str, str]:
    """Bucket and key. Raises InputError where there is no bucket.

    >>> split("s3://bucket/2020/a b%20+.csv"), split("s3a://bucket")
    (('bucket', '2020/a b%20+.csv'), ('bucket', ''))
    """
    found = _URI.match(uri)
    if not (found and found[1]):
        raise InputError(f"{uri}: names no bucket; an object of S3 is named s3://BUCKET/KEY; name its bucket")
    return found[1], found[2]


def join(folder: str, name: str) -> str:
    """The URI of what has this name in a folder.

    >>> join("s3://bucket", "a"), join("s3://bucket/out/", "a")
    ('s3://bucket/a', 's3://bucket/out/a')
    """
    return f"{folder.rstrip('/')}/{name}"


# The client, and what it refuses.

_clients: dict[object, Any] = {}
_sessions: dict[object, Any] = {}
_making = Lock()


def client() -> Any:
    """boto3's client of S3, made once in a process, and anew where AWS's variables have changed.

    None crosses a fork: its connections would be the parent's. A fork's own takes some milliseconds, since what is
    known of S3's interface and of the credentials is the parent's. Raises WindrowError where boto3 is missing.
    """
    told = tuple(sorted(pair for pair in os.environ.items() if pair[0].startswith("AWS_")))
    found = _clients.get((os.getpid(), told))
    if found is None:
        with _making:
            _clients.clear()
            found = _clients[os.getpid(), told] = _make_client(told)
    return found


def _make_client(told: object) -> Any:
    try:
        from boto3.session import Session
        from botocore.config import Config
    except ImportError as error:
        raise WindrowError(
            f"s3://: needs boto3, and {error.name} is not installed here; get it by: pip install 'windrow[aws]'"
        ) from None
    if told not in _sessions:
        with _refusing("s3://"):
            _sessions[told] = Session()
    retries = {"mode": "standard", "total_max_attempts": _attempts()}
    config = Config(
        retries=retries, max_pool_connections=2 * _MANY, response_checksum_validation="when_required",
        user_agent_extra="windrow",
    )  # fmt: skip
    with _refusing("s3://"):
        return _sessions[told].client("s3", config=config)


def _attempts() -> int:
    asked = os.environ.get("AWS_MAX_ATTEMPTS", "")
    return int(asked) if asked.isdecimal() and int(asked) else _ATTEMPTS


@contextmanager
def _refusing(uri: str, kind: type[WindrowError] = InputError) -> Iterator[None]:
    """Raises what boto3 raises in this block as a WindrowError that names `uri`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise refusal(error, uri, kind) from error


#: What is wrong and the cure, by what S3 calls it.
_DENIED = "needs s3:ListBucket on the bucket, s3:GetObject to read and s3:PutObject to write; ask its owner"
_CURES = {
    "NoSuchBucket": "there is no such bucket; check its name, and AWS_ENDPOINT_URL if you set it",
    "NoSuchKey": "there is no such object; check its name: upper and lower case differ, and a folder ends in /",
    "404": "there is no such object, or bucket; check its name",
    "AccessDenied": f"access is denied; windrow {_DENIED}",
    "403": f"access is denied; windrow {_DENIED}",
    "InvalidAccessKeyId": "AWS does not know the access key; check AWS_ACCESS_KEY_ID, or AWS_PROFILE",
    "SignatureDoesNotMatch": "the secret does not fit the access key; check AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "ExpiredToken": "the credentials have expired; get new ones, by `aws sso login` or as you got these",
    "InvalidToken": "the session token is not valid; get new credentials, or unset AWS_SESSION_TOKEN",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "InvalidObjectState": "the object is archived; restore it first, by `aws s3api restore-object`",
    "PreconditionFailed": "changed since the job was submitted; objects must stay as they are while it runs; run again",
    "InvalidRange": "became shorter since the job was submitted; objects must stay as they are meanwhile; run again",
    "InvalidBucketName": "is no bucket's name; these have 3 to 63 lower-case letters, digits, dots and hyphens",
    "QuotaExceeded": "there is no room left; free some, or choose another bucket",
}
_WRONG_REGION = ("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
_BUSY = ("SlowDown", "503", "ServiceUnavailable", "InternalError", "500", "RequestTimeout", "RequestLimitExceeded")


def refusal(error: Exception, uri: str, kind: type[WindrowError] = InputError) -> WindrowError:
    """The error, of `kind`, for what botocore raised about `uri`: what is wrong, why, and the cure. Holds no secret."""
    from botocore import exceptions

    response = getattr(error, "response", None)
    if isinstance(error, exceptions.ClientError) and response is not None:
        return kind(f"{uri}: {_answered(response)}")
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return kind(
            f"{uri}: no credentials for AWS were found, or only some; S3 asks who reads; set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY, or name a profile by AWS_PROFILE"
        )
    if isinstance(error, exceptions.ProfileNotFound):
        return kind(f"{uri}: {error}; name one that is in AWS's configuration by AWS_PROFILE, or unset it")
    if isinstance(error, exceptions.ParamValidationError):
        return kind(f"{uri}: is no name of an object of S3; it is s3://BUCKET/KEY, of 1,024 bytes at most; check it")
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return kind(f"{uri}: S3 cannot be reached: {error}; check the network, AWS_ENDPOINT_URL and AWS_DEFAULT_REGION")
    return kind(f"{uri}: S3's client refused: {error}; check AWS's variables and files of configuration")


def _answered(response: Mapping[str, Any]) -> str:
    """What S3's answer means, and the cure."""
    told, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
    code = str(told.get("Code", ""))
    if code in _WRONG_REGION:
        region = told.get("Region") or meta.get("HTTPHeaders", {}).get("x-amz-bucket-region")
        cure = f"set AWS_DEFAULT_REGION={region}" if region else "set AWS_DEFAULT_REGION to the bucket's"
        return f"its bucket is in another region ({code}); S3 answers in a bucket's own region only; {cure}"
    if code in _BUSY:
        return f"S3 is too busy ({code}), and stayed so for {_attempts()} attempts; run again later, with fewer tasks"
    if code in _CURES:
        return _CURES[code] if code.isdecimal() else f"{_CURES[code]} ({code})"
    return f"S3 refused: {told.get('Message', '')} ({code}); check the name, and your rights"


# Listing.

#: Objects as they were last listed: a file opened later is one of these, or refused.
_known: dict[tuple[str, str], Object] = {}


def remember(objects: Iterable[Object]) -> None:
    """From now on these are read as they are told here; one that has changed since is refused by name."""
    _known.update({split(found.uri): found for found in objects})


def known(uri: str) -> Object:
    """The object as it was last listed or told; asked for, if it never was. Raises InputError."""
    found = _known.get(split(uri))
    if found is None:
        with _refusing(uri):
            found = _head(uri)
    return found


def list_objects(argument: str) -> list[Object]:
    """The objects that an argument means, in order of their names, and remembers them.

    An object's whole name means it. A folder's, with or without the slash at its end, means the objects in it, without
    those of its subfolders and those whose names begin with _ or . ; so does an empty key. `*`, `?` and `[...]` match
    within a part between slashes, where nothing has that very name. Raises InputError where there is none.
    """
    with _refusing(argument):
        found = _expanded(argument)
    if not found:
        what = "matches no object" if _GLOB.search(split(argument)[1]) else "does not exist, or holds no object"
        raise InputError(
            f"{argument}: {what}; a folder means the objects in it, not those of its subfolders nor names that begin"
            " with _ or .; name an object, a folder that holds some, or a pattern such as s3://BUCKET/FOLDER/*.csv.gz"
        )
    remember(found)
    return found


def _expanded(argument: str) -> list[Object]:
    scheme = argument.partition(":")[0]
    bucket, key = split(argument)
    base = f"{scheme}://{bucket}/"
    if key and not key.endswith("/") and (whole := _head_if_any(base + key)):
        return [whole]
    found = _files(base, "" if not key or key.endswith("/") else f"{key}/", key)
    if found or not _GLOB.search(key):
        return found
    return _matching(base, key)


def _files(base: str, extra: str, key: str) -> list[Object]:
    return [found for found in _level(base, extra or key)[0] if not _is_hidden(found.uri)]


def _is_hidden(uri: str) -> bool:
    return uri.rpartition("/")[2][:1] in ("", "_", ".")


def _matching(base: str, key: str) -> list[Object]:
    """Objects whose names glob characters match, and those in folders that they match."""
    folders = [""]
    *parts, last = key.split("/")
    for part in parts:
        folders = [found for folder in folders for found in _folders(base, folder, part)]
    if not last:
        return [found for folder in folders for found in _files(base, folder, folder)]
    return [found for folder in folders for found in _named(base, folder, last)]


def _folders(base: str, folder: str, part: str) -> list[str]:
    if not _GLOB.search(part):
        return [f"{folder}{part}/"]
    inside = _level(base, folder + _literal(part))[1]
    return [found for found in inside if _matches(found[:-1].rpartition("/")[2], part)]


def _named(base: str, folder: str, part: str) -> list[Object]:
    objects, folders = _level(base, folder + _literal(part))
    found = [each for each in objects if _matches(each.uri.rpartition("/")[2], part)]
    inside = [each for each in folders if _matches(each[:-1].rpartition("/")[2], part)]
    return found + [each for below in inside for each in _files(base, below, below)]


def _literal(part: str) -> str:
    """What a part begins with before its first glob character."""
    return _GLOB.split(part, maxsplit=1)[0]


def _matches(name: str, part: str) -> bool:
    """As in a shell: what is hidden is matched only by what says so."""
    return fnmatchcase(name, part) and (name[:1] not in ("_", ".") or part[:1] == name[:1])


def _level(base: str, prefix: str) -> tuple[list[Object], list[str]]:
    """Objects and folders (their keys, with the slash) whose keys begin with this and have no further slash."""
    objects: list[Object] = []
    folders: list[str] = []
    pages = client().get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=split(base)[0], Prefix=prefix, Delimiter="/"):
        objects += [Object(base + one["Key"], one["Size"], one["ETag"]) for one in page.get("Contents", ())]
        folders += [one["Prefix"] for one in page.get("CommonPrefixes", ())]
    return objects, folders


def _head(uri: str) -> Object:
    bucket, key = split(uri)
    told = client().head_object(Bucket=bucket, Key=key)
    return Object(uri, told["ContentLength"], told["ETag"])


def _head_if_any(uri: str) -> Object | None:
    """The object of that very name; None also where it may not be read: listing says why."""
    from botocore.exceptions import ClientError

    try:
        return _head(uri)
    except ClientError as error:
        if str(error.response.get("Error", {}).get("Code")) in ("404", "403", "NoSuchKey"):
            return None
        raise


# Reading.


def read_range(uri: str, start: int, length: int) -> bytes:
    """Bytes [start, start + length) of an object, fewer where it ends before. Raises InputError."""
    return _get(known(uri), start, length)


def _get(found: Object, start: int, length: int) -> bytes:
    """The bytes of a range, asked for again where the connection is cut."""
    from botocore import exceptions

    length = min(length, found.size - start)
    if length <= 0:
        return b""
    bucket, key = split(found.uri)
    asked = {"Bucket": bucket, "Key": key, "IfMatch": found.etag, "Range": f"bytes={start}-{start + length - 1}"}
    cut = (
        exceptions.IncompleteReadError,
        exceptions.ResponseStreamingError,
        exceptions.ReadTimeoutError,
        exceptions.ConnectionError,
    )
    with _refusing(found.uri):
        for attempt in range(_attempts()):
            try:
                return cast(bytes, client().get_object(**asked)["Body"].read())
            except cut:
                if attempt + 1 == _attempts():
                    raise
                _wait(attempt)
    raise AssertionError


def _wait(attempt: int) -> None:
    """As botocore waits: twice as long each time, by chance."""
    time.sleep(random.random() * min(2.0**attempt / 4, _LONGEST_WAIT))  # noqa: S311  no secret


class _Piece(NamedTuple):
    start: int
    stop: int
    content: "Future[bytes]"


class Input(io.RawIOBase):
    """An object as a file that can seek.

    What is read in order is fetched ahead, up to twice what was read so far, 16 MiB and `end`, four requests at a time;
    so a look at some bytes costs one small request, and a long read none that wait for each other.
    Memory: 24 MiB, and what a read returns.
    """

    def __init__(self, found: Object, end: int | None = None) -> None:
        super().__init__()
        self._object = found
        self._end = found.size if end is None else min(end, found.size)
        self._position = self._read = 0
        self._pieces: deque[_Piece] = deque()
        self._threads: ThreadPoolExecutor | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position of the next byte that is read."""
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves there; asks S3 for nothing."""
        self._position = offset + (0, self._position, self._object.size)[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Reads as many bytes as the buffer holds, fewer only at the end."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def read(self, size: int | None = -1) -> bytes:
        """`size` bytes, fewer only where the object ends. Raises InputError."""
        left = max(0, self._object.size - self._position)
        stop = self._position + (left if size is None or size < 0 else min(size, left))
        if stop == self._position:
            return b""
        self._fetch(stop)
        taken: list[bytes | memoryview] = []
        for piece in self._pieces:
            if self._position >= stop:
                break
            content = piece.content.result()
            begin, end = self._position - piece.start, min(stop, piece.stop) - piece.start
            taken.append(content if (begin, end) == (0, len(content)) else memoryview(content)[begin:end])
            self._position = piece.start + end
            self._read += end - begin
        return taken[0] if len(taken) == 1 and isinstance(taken[0], bytes) else b"".join(taken)

    def close(self) -> None:
        """Ends it; what is being fetched is waited for, and dropped."""
        self._drop()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        super().close()

    def _fetch(self, stop: int) -> None:
        """Asks for what is missing of [position, stop), and for what may be wanted next."""
        while self._pieces and self._pieces[0].stop <= self._position:
            self._pieces.popleft()
        if self._pieces and not self._pieces[0].start <= self._position <= self._pieces[-1].stop:
            self._drop()
        if not self._pieces:
            self._read = 0
        begin = self._pieces[-1].stop if self._pieces else self._position
        wanted = max(stop, min(stop + min(2 * self._read, _AHEAD), self._end))
        while begin < wanted:
            end = min(max(wanted, begin + _LEAST), begin + _PIECE, self._object.size)
            self._pieces.append(_Piece(begin, end, self._asked_for(begin, end)))
            begin = end

    def _asked_for(self, begin: int, end: int) -> "Future[bytes]":
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="windrow-s3")
        return self._threads.submit(_get, self._object, begin, end - begin)

    def _drop(self) -> None:
        for piece in self._pieces:
            piece.content.cancel()
        self._pieces.clear()


def open_input(uri: str, end: int | None = None) -> BinaryIO:
    """An object as a file that can seek and reads ahead, not beyond `end`, by ranges in parallel. Raises InputError."""
    return cast(BinaryIO, Input(known(uri), end))


def download(uris: Sequence[str], folder: Path, tell: Callable[[int], object] = int) -> dict[str, Path]:
    """Copies of objects, whose names must differ, in a folder here; `tell` hears of each. Raises InputError."""
    places = {uri: folder / uri.rpartition("/")[2] for uri in uris}

    def fetch(uri: str) -> None:
        with open_input(uri) as source, places[uri].open("wb") as file:
            while content := source.read(_PIECE):
                file.write(content)

    for _ in in_parallel(fetch, uris, _PARALLEL):
        tell(1)
    return places


def in_parallel(work: Callable[[In], Out], items: Sequence[In], most: int = _MANY) -> Iterator[Out]:
    """What `work` gives for each item, in order, several at a time; the first error ends it."""
    with ThreadPoolExecutor(min(most, max(1, len(items)))) as threads:
        waiting = [threads.submit(work, item) for item in items]
        try:
            for each in waiting:
                yield each.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


# Writing.


def refuse_taken(output: str) -> None:
    """Raises OutputError where anything lies under an output's prefix, or cannot be asked for: nothing is overwritten.

    The empty object that stands for an empty folder is nothing.
    """
    bucket, key = split(output)
    folder = key.rstrip("/") + "/" if key.rstrip("/") else ""
    with _refusing(output, OutputError):
        told = client().list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=2)
        inside = [one["Key"] for one in told.get("Contents", ()) if one["Key"] != folder or one["Size"]]
        whole = _head_if_any(f"s3://{bucket}/{folder[:-1]}") if folder else None
    if inside or whole:
        what = f"is not empty: it holds {inside[0]}" if inside else "is an object"
        raise OutputError(
            f"{output}: exists and {what}; a job writes a new directory only; remove it, or choose another by"
            " --output-dir"
        )


def upload(files: Mapping[str, Path], tell: Callable[[int], object] = int) -> None:
    """Makes files the objects of these URIs, all at the end or none; `tell` hears of each part sent, in bytes.

    What was sent shows only when all of it is there: then the objects appear within a moment, those whose names begin
    with _ after all others, in the order given. On an error or an interrupt none stays. A process that is killed
    leaves parts that nobody sees; a lifecycle rule of the bucket (AbortIncompleteMultipartUpload) removes them.
    Memory: some hundred KB for each request. Raises OutputError; also where such an object is there already.
    """
    with _appearing_together() as begun:
        _send({uri: _FileParts(path) for uri, path in files.items()}, begun, tell)


def publish_copies(
    staging: str,
    output: str,
    more: Mapping[str, Path],
    keep: Callable[[str], bool] = bool,
    tell: Callable[[int], object] = int,
) -> None:
    """Makes the objects in the folder `staging` those of `output`, copied by S3 itself, and files the ones of `more`.

    `more` goes by names, such as _windrow.json and _SUCCESS. Objects of staging whose names begin with _ or . or for
    whose names `keep` is False are left out. They appear as those of `upload`; staging stays as it is.
    """
    with _refusing(staging):
        lying = [found for found in _level(*_base_and_folder(staging))[0] if not _is_hidden(found.uri)]
    parts: dict[str, Any] = {
        join(output, name): _ObjectParts(found) for found in lying if keep(name := found.uri.rpartition("/")[2])
    }
    with _appearing_together() as begun:
        _send(parts | {join(output, name): _FileParts(path) for name, path in more.items()}, begun, tell)


def _base_and_folder(uri: str) -> tuple[str, str]:
    bucket, key = split(uri)
    return f"s3://{bucket}/", key.rstrip("/") + "/" if key.rstrip("/") else ""


def delete_prefix(uri: str) -> None:
    """Removes all objects of a folder and of its subfolders. Raises OutputError."""
    base, folder = _base_and_folder(uri)
    bucket = split(base)[0]
    with _refusing(uri, OutputError):
        for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder):
            keys = [{"Key": one["Key"]} for one in page.get("Contents", ())]
            told = client().delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True}) if keys else {}
            for error in told.get("Errors", ()):
                raise OutputError(f"s3://{bucket}/{error['Key']}: cannot be removed: {_answered({'Error': error})}")


class _Upload(NamedTuple):
    """An object on its way."""

    uri: str
    mark: str
    """What it carries, to be known by."""
    ids: dict[str, str]
    """Bucket, key and the upload's number, as S3's calls take them."""
    sent: list[dict[str, Any]]
    """Its parts, as S3 told of them."""


@contextmanager
def _appearing_together() -> Iterator[list[_Upload]]:
    """Uploads that are begun in this block, and whole at its end, appear then, all or none."""
    begun: list[_Upload] = []
    done: list[_Upload] = []
    try:
        yield begun
        shown = [each for each in begun if not _is_hidden(each.uri)]
        done += in_parallel(_complete, shown)
        for each in begun:
            if _is_hidden(each.uri):
                done.append(_complete(each))
    except BaseException:
        list(in_parallel(_undo, begun))
        raise


def _begin(uri: str) -> _Upload:
    bucket, key = split(uri)
    mark = uuid4().hex
    with _refusing(uri, OutputError):
        told = client().create_multipart_upload(Bucket=bucket, Key=key, Metadata={"windrow": mark})
    return _Upload(uri, mark, {"Bucket": bucket, "Key": key, "UploadId": told["UploadId"]}, [])


def _complete(upload: _Upload) -> _Upload:
    from botocore.exceptions import ClientError

    parts = sorted(upload.sent, key=lambda part: cast(int, part["PartNumber"]))
    with _refusing(upload.uri, OutputError):
        try:
            client().complete_multipart_upload(**upload.ids, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
        except ClientError as error:
            # The answer to an attempt may have been lost, and the next one then finds the object there.
            if not _is_there(upload):
                if error.response.get("Error", {}).get("Code") == "PreconditionFailed":
                    raise OutputError(
                        f"{upload.uri}: appeared while the job ran, so another wrote there; nothing is overwritten;"
                        " choose another place by --output-dir"
                    ) from None
                raise
    return upload


def _is_there(upload: _Upload) -> bool:
    """Whether the object is there, and this upload's."""
    from botocore.exceptions import BotoCoreError, ClientError

    with suppress(BotoCoreError, ClientError):
        told = client().head_object(Bucket=upload.ids["Bucket"], Key=upload.ids["Key"])
        return bool(told["Metadata"].get("windrow") == upload.mark)
    return False


def _undo(upload: _Upload) -> None:
    """Removes what there is of an upload, as far as S3 lets it."""
    from botocore.exceptions import BotoCoreError, ClientError

    with suppress(BotoCoreError, ClientError):
        if _is_there(upload):
            client().delete_object(Bucket=upload.ids["Bucket"], Key=upload.ids["Key"])
        else:
            client().abort_multipart_upload(**upload.ids)


class _FileParts:
    """A file's parts, sent from here."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size
        self.part = max(_PART, -(-self.size // _PARTS))

    def send(self, ids: Mapping[str, str], number: int, start: int, length: int) -> dict[str, Any]:
        """Sends a part; what S3 told of it."""
        from s3transfer.utils import ReadFileChunk

        with ReadFileChunk.from_filename(str(self._path), start, length) if length else io.BytesIO() as body:
            told: dict[str, Any] = client().upload_part(**ids, PartNumber=number, Body=body)
        return told


class _ObjectParts:
    """An object's parts, copied by S3."""

    def __init__(self, found: Object) -> None:
        self._object = found
        self.size = found.size
        self.part = max(_COPIED, -(-self.size // _PARTS))

    def send(self, ids: Mapping[str, str], number: int, start: int, length: int) -> dict[str, Any]:
        """Has a part copied; what S3 told of it."""
        if not length:
            empty: dict[str, Any] = client().upload_part(**ids, PartNumber=number, Body=b"")
            return empty
        bucket, key = split(self._object.uri)
        told = client().upload_part_copy(
            **ids,
            PartNumber=number,
            CopySource={"Bucket": bucket, "Key": key},
            CopySourceIfMatch=self._object.etag,
            CopySourceRange=f"bytes={start}-{start + length - 1}",
        )
        copied: dict[str, Any] = told["CopyPartResult"]
        return copied


def _send(
    sources: Mapping[str, _FileParts | _ObjectParts], begun: list[_Upload], tell: Callable[[int], object]
) -> None:
    """Sends all parts of all sources, several at a time; `begun` gets their uploads as these begin."""

    def begin(uri: str) -> None:
        begun.append(_begin(uri))

    for _ in in_parallel(begin, list(sources)):
        pass
    begun.sort(key=lambda upload: list(sources).index(upload.uri))

    def send(piece: tuple[_Upload, int, int, int]) -> int:
        upload, number, start, length = piece
        with _refusing(upload.uri, OutputError):
            told = sources[upload.uri].send(upload.ids, number, start, length)
        sums = {name: value for name, value in told.items() if name.startswith("Checksum") and name != "ChecksumType"}
        upload.sent.append({"PartNumber": number, "ETag": told["ETag"], **sums})
        return length

    pieces = [
        (upload, number, start, min(source.part, source.size - start))
        for upload in begun
        for source in (sources[upload.uri],)
        for number, start in enumerate(range(0, max(1, source.size), source.part), 1)
    ]
    for length in in_parallel(send, pieces):
        tell(length)
