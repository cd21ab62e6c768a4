"""Files, or objects, become objects: sent in parts, none of which is visible until all have arrived."""

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, cast
from uuid import uuid4

from windrow.aws.parallel import in_parallel
from windrow.aws.refusals import meaning
from windrow.aws.s3_client import client, refusing
from windrow.aws.session import attempts
from windrow.errors import OutputError
from windrow.storage.s3.listing import Object, files_in, head_if_any
from windrow.storage.s3.names import folder_of, is_hidden, join, last_part, split

#: Bytes of a part of an upload, and of one that S3 copies itself; parts of an object, at most.
_PART, _COPIED, _PARTS = 16 << 20, 512 << 20, 10_000
#: S3's codes where the condition of a put does not hold; the second where an object that must be there is not.
_CHANGED = ("PreconditionFailed", "NoSuchKey")
#: S3's code where another put of the object was under way.
_AGAIN = "ConditionalRequestConflict"
#: Seconds to wait before it is put again, at most.
_LONGEST_WAIT = 5.0


def refuse_taken(output: str) -> None:
    """Raises OutputError if anything exists under an output's prefix, or S3 refuses to list it.

    The empty object that marks an empty folder does not count.
    """
    bucket, folder = folder_of(output)
    with refusing(output, OutputError):
        page = client().list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=2)
        inside = [one["Key"] for one in page.get("Contents", ()) if one["Key"] != folder or one["Size"]]
        whole = head_if_any(f"s3://{bucket}/{folder[:-1]}") if folder else None
    if inside or whole:
        what = f"is not empty (it contains {inside[0]})" if inside else "is an object"
        raise OutputError(
            f"{output}: exists and {what}: a job writes to a new directory only; remove it, or choose another with"
            " --output-dir"
        )


def upload(files: Mapping[str, Path], advance: Callable[[int], object] = int) -> None:
    """Uploads files to these URIs, all of them or none; `advance` is called with the bytes of each part sent.

    Nothing is visible until all parts have arrived: then the objects appear within a moment, those whose names begin
    with _ after all others, in the order given. On an error or an interrupt none remains. A process that is killed
    leaves invisible parts; a lifecycle rule of the bucket (AbortIncompleteMultipartUpload) removes them.
    Memory: some hundred KB per request. Raises OutputError, also if such an object already exists.
    """
    with _appearing_together() as begun:
        _send({uri: _FileParts(path) for uri, path in files.items()}, begun, advance)


def publish_copies(
    staging: str,
    output: str,
    more: Mapping[str, Path],
    keep: Callable[[str], bool] = bool,
    advance: Callable[[int], object] = int,
) -> None:
    """Copies the objects in the folder `staging` to `output`, by S3 itself, and uploads the files of `more` there.

    The keys of `more` are names, such as _windrow.json and _SUCCESS. Objects of staging whose names begin with _ or . ,
    or for whose names `keep` is False, are left out. They appear as those of `upload` do; staging remains as it is.
    """
    bucket, folder = folder_of(staging)
    with refusing(staging):
        staged = files_in(f"s3://{bucket}/", folder)
    parts: dict[str, _FileParts | _ObjectParts] = {
        join(output, last_part(found.uri)): _ObjectParts(found) for found in staged if keep(last_part(found.uri))
    }
    with _appearing_together() as begun:
        _send(parts | {join(output, name): _FileParts(path) for name, path in more.items()}, begun, advance)


def replace(uri: str, path: Path, revision: str | None) -> str | None:
    """Puts a file as an object where what is there has that ETag (None: where nothing is); the new object's ETag.

    None, and nothing put, where S3 finds another object, or none: another has written there, or removed it. Of two puts
    at one time S3 refuses one, or asks for it again (409). Raises OutputError.
    """
    from botocore.exceptions import ClientError

    bucket, key = split(uri)
    mark = uuid4().hex
    where = {"IfNoneMatch": "*"} if revision is None else {"IfMatch": revision}
    with refusing(uri, OutputError):
        for attempt in range(attempts()):
            try:
                with path.open("rb") as body:
                    put = client().put_object(Bucket=bucket, Key=key, Body=body, Metadata={"windrow": mark}, **where)
                return str(put["ETag"])
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code")
                if code in _CHANGED:
                    # The answer to an attempt may have been lost, and the next one then finds its own object.
                    return _etag_of(mark, bucket, key)
                if code != _AGAIN or attempt == attempts() - 1:
                    raise
                time.sleep(min(2.0**attempt / 8, _LONGEST_WAIT))
    return None


def _etag_of(mark: str, bucket: str, key: str) -> str | None:
    """The ETag of an object, if it has that mark."""
    from botocore.exceptions import ClientError

    try:
        head = client().head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "404":
            return None
        raise
    return str(head["ETag"]) if head["Metadata"].get("windrow") == mark else None


def delete_prefix(uri: str) -> None:
    """Deletes all objects of a folder and of its subfolders. Raises OutputError."""
    bucket, folder = folder_of(uri)
    with refusing(uri, OutputError):
        for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder):
            keys = [{"Key": one["Key"]} for one in page.get("Contents", ())]
            done = client().delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True}) if keys else {}
            for error in done.get("Errors", ()):
                raise OutputError(f"s3://{bucket}/{error['Key']}: cannot be deleted: {meaning({'Error': error})}")


class _Upload(NamedTuple):
    """An object that is being uploaded."""

    uri: str
    mark: str
    """Metadata by which it is recognized."""
    ids: dict[str, str]
    """Bucket, key and the upload's id, as arguments of S3's calls."""
    sent: list[dict[str, Any]]
    """Its parts, as S3 acknowledged them."""


@contextmanager
def _appearing_together() -> Iterator[list[_Upload]]:
    """Uploads that are begun in this block, and complete at its end, appear then, all or none."""
    begun: list[_Upload] = []
    done: list[_Upload] = []
    try:
        yield begun
        visible = [each for each in begun if not is_hidden(each.uri)]
        done += in_parallel(_complete, visible)
        for each in begun:
            if is_hidden(each.uri):
                done.append(_complete(each))
    except BaseException:
        list(in_parallel(_undo, begun))
        raise


def _begin(uri: str) -> _Upload:
    bucket, key = split(uri)
    mark = uuid4().hex
    with refusing(uri, OutputError):
        created = client().create_multipart_upload(Bucket=bucket, Key=key, Metadata={"windrow": mark})
    return _Upload(uri, mark, {"Bucket": bucket, "Key": key, "UploadId": created["UploadId"]}, [])


def _complete(upload: _Upload) -> _Upload:
    from botocore.exceptions import ClientError

    parts = sorted(upload.sent, key=lambda part: cast(int, part["PartNumber"]))
    with refusing(upload.uri, OutputError):
        try:
            client().complete_multipart_upload(**upload.ids, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
        except ClientError as error:
            # The answer to an attempt may have been lost, and the next one then finds the object.
            if not _exists(upload):
                if error.response.get("Error", {}).get("Code") == "PreconditionFailed":
                    raise OutputError(
                        f"{upload.uri}: appeared while the job ran, so something else writes there: nothing is"
                        " overwritten; choose another directory with --output-dir"
                    ) from None
                raise
    return upload


def _exists(upload: _Upload) -> bool:
    """Whether the object exists, and is this upload's."""
    from botocore.exceptions import BotoCoreError, ClientError

    with suppress(BotoCoreError, ClientError):
        return _etag_of(upload.mark, upload.ids["Bucket"], upload.ids["Key"]) is not None
    return False


def _undo(upload: _Upload) -> None:
    """Removes what exists of an upload, as far as S3 allows."""
    from botocore.exceptions import BotoCoreError, ClientError

    with suppress(BotoCoreError, ClientError):
        if _exists(upload):
            client().delete_object(Bucket=upload.ids["Bucket"], Key=upload.ids["Key"])
        else:
            client().abort_multipart_upload(**upload.ids)


class _FileParts:
    """The parts of a local file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size
        self.part = max(_PART, -(-self.size // _PARTS))

    def send(self, ids: Mapping[str, str], number: int, start: int, length: int) -> dict[str, Any]:
        """Sends a part; what S3 acknowledged."""
        from s3transfer.utils import ReadFileChunk

        with ReadFileChunk.from_filename(str(self._path), start, length) if length else io.BytesIO() as body:
            sent: dict[str, Any] = client().upload_part(**ids, PartNumber=number, Body=body)
        return sent


class _ObjectParts:
    """The parts of an object, which S3 copies itself."""

    def __init__(self, found: Object) -> None:
        self._object = found
        self.size = found.size
        self.part = max(_COPIED, -(-self.size // _PARTS))

    def send(self, ids: Mapping[str, str], number: int, start: int, length: int) -> dict[str, Any]:
        """Has a part copied; what S3 acknowledged."""
        if not length:
            empty: dict[str, Any] = client().upload_part(**ids, PartNumber=number, Body=b"")
            return empty
        bucket, key = split(self._object.uri)
        answer = client().upload_part_copy(
            **ids,
            PartNumber=number,
            CopySource={"Bucket": bucket, "Key": key},
            CopySourceIfMatch=self._object.etag,
            CopySourceRange=f"bytes={start}-{start + length - 1}",
        )
        copied: dict[str, Any] = answer["CopyPartResult"]
        return copied


def _send(
    sources: Mapping[str, _FileParts | _ObjectParts], begun: list[_Upload], advance: Callable[[int], object]
) -> None:
    """Sends all parts of all sources, several at a time; their uploads are added to `begun` as they begin."""

    def begin(uri: str) -> None:
        begun.append(_begin(uri))

    for _ in in_parallel(begin, list(sources)):
        pass
    begun.sort(key=lambda upload: list(sources).index(upload.uri))

    def send(piece: tuple[_Upload, int, int, int]) -> int:
        upload, number, start, length = piece
        with refusing(upload.uri, OutputError):
            part = sources[upload.uri].send(upload.ids, number, start, length)
        sums = {name: value for name, value in part.items() if name.startswith("Checksum") and name != "ChecksumType"}
        upload.sent.append({"PartNumber": number, "ETag": part["ETag"], **sums})
        return length

    pieces = [
        (upload, number, start, min(source.part, source.size - start))
        for upload in begun
        for source in (sources[upload.uri],)
        for number, start in enumerate(range(0, max(1, source.size), source.part), 1)
    ]
    for length in in_parallel(send, pieces):
        advance(length)
