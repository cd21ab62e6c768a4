"""Sizes of folders: what each of them holds, or why that is not known.

A way to find sizes (`Sizes`) takes an origin and folders, and yields each folder once, as soon as it is known. This one
lists them; inventory.py and cloudwatch.py are others.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from typing import Any, TypeAlias

from windrow.aws.pace import Pace
from windrow.catalog.locations import Folder, Size
from windrow.catalog.origins import Origin
from windrow.catalog.reasons import Unmeasured
from windrow.catalog.sizes.counted import OBJECTS, Objects, count
from windrow.catalog.sizes.nests import Nest, is_ordered, nests

__all__ = ["RATE", "Size", "Sizes", "listing", "reason_of"]


#: A way to find sizes. A text is the reason why there is none: one of `Unmeasured`, and AWS's code where it refused.
Sizes: TypeAlias = Callable[[Origin, Collection[Folder]], Iterator[tuple[Folder, Size | str]]]

#: Calls a second. S3 takes 5,500 for each prefix; at this rate a core is busy counting.
RATE = 300.0
#: Calls at a time, each of which takes 0.1 to 0.2 seconds.
_THREADS = 32
#: Pages that a thread reads one after another; then others may take a share of what is left.
_PAGES = 16

_DENIED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "403"}
_NO_BUCKET = {"NoSuchBucket", "InvalidBucketName"}


def listing(rate: float = RATE) -> Sizes:
    """Sizes by listing the folders, with at most so many calls a second over all that is listed in this way."""
    pace = Pace(rate)

    def sizes(origin: Origin, folders: Collection[Folder]) -> Iterator[tuple[Folder, Size | str]]:
        yield from _Listing(_counting_client(origin, pace), nests(folders), pace).sizes()

    return sizes


def _counting_client(origin: Origin, pace: Pace) -> Any:
    """A client whose listings are counted; not one that others share, whose listings have objects."""
    client = origin.new_client("s3")
    # By way of the asterisk it comes before botocore's own handler, of s3.*, which parses all of a page for an error.
    client.meta.events.register("before-parse.*.ListObjectsV2", count)
    client.meta.events.register_first("before-send.s3", pace.wait)
    return client


@dataclass(frozen=True)
class _Span:
    """Keys of a nest: those behind `after`, up to `until`, where these are not empty."""

    nest: Nest
    after: str = ""
    until: str = ""
    token: str = ""
    """S3's own, for the next page."""
    may_split: bool = True


@dataclass
class _Listed:
    """What runs of a nest hold in a span, and what is left of the span."""

    sizes: list[tuple[int, Size]] = field(default_factory=list)
    left: list[_Span] = field(default_factory=list)


class _Listing:
    """Lists nests, several spans of keys at a time; only the thread that asks for sizes changes what is known.

    Where threads have nothing to do, a long span is cut at subfolders. That these begin there is a hint, no more:
    wherever it is cut, each object is in one of the spans.
    """

    def __init__(self, client: Any, asked: Iterator[Nest], pace: Pace) -> None:
        self._client, self._pace = client, pace
        self._waiting: deque[_Span] = deque()
        self._unlisted: dict[Nest, int] = {}
        """How many spans of a nest have not been listed."""
        self._ask(asked)

    def _ask(self, asked: Iterator[Nest]) -> None:
        for nest in asked:
            self._unlisted[nest] = 1
            self._waiting.append(_Span(nest))

    def sizes(self) -> Iterator[tuple[Folder, Size | str]]:
        """Each folder with its size, or the reason why there is none."""
        with ThreadPoolExecutor(_THREADS) as threads:
            try:
                yield from self._sizes(threads)
            except BaseException:  # an interrupt: threads that are being paced would be waited for
                self._unlisted.clear()
                self._pace.end()
                raise

    def _sizes(self, threads: ThreadPoolExecutor) -> Iterator[tuple[Folder, Size | str]]:
        running: dict[Future[_Listed], _Span] = {}
        while self._waiting or running:
            while self._waiting and len(running) < _THREADS:
                span = self._waiting.popleft()
                is_idle = len(self._waiting) + len(running) + 1 < _THREADS
                work = self._split if is_idle and span.token and span.may_split else self._list
                running[threads.submit(work, span)] = span
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                yield from self._taken(running.pop(ended), ended)

    def _taken(self, span: _Span, ended: Future[_Listed]) -> Iterator[tuple[Folder, Size | str]]:
        """What is known now that the work on a span has ended."""
        from botocore.exceptions import BotoCoreError, ClientError

        nest = span.nest
        if nest not in self._unlisted:  # another of its spans could not be listed
            return
        try:
            listed = ended.result()
        except (BotoCoreError, ClientError, UnicodeError) as error:
            del self._unlisted[nest]
            self._ask(nests(nest.within))  # these may be allowed
            yield nest.root, reason_of(error)
            return
        for run, size in listed.sizes:
            nest.add(run, size)
        self._waiting.extend(listed.left)
        self._unlisted[nest] += len(listed.left) - 1
        if not self._unlisted[nest]:
            del self._unlisted[nest]
            yield from nest.sizes()

    def _list(self, span: _Span) -> _Listed:
        """Lists some pages of a span."""
        found = _Listed()
        for _ in range(_PAGES):
            if span.nest not in self._unlisted:  # its size is not wanted any more
                return found
            page = self._page(span)
            objects: Objects = page[OBJECTS]
            _refuse_repeated(span, objects)
            found.sizes += objects.between(span.nest.edges, span.until)
            after = objects.last if objects.sizes else span.after
            if not page.get("IsTruncated") or (span.until and after >= span.until):
                return found
            span = replace(span, after=after, token=_next(span, page["NextContinuationToken"]))
        found.left.append(span)
        return found

    def _page(self, span: _Span) -> Any:
        bucket, prefix = span.nest.root
        where = {"ContinuationToken": span.token} if span.token else {"StartAfter": span.after} if span.after else {}
        return self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, **where)

    def _split(self, span: _Span) -> _Listed:
        """Cuts what is left of a span at subfolders, if there are any."""
        cuts = self._cuts(span)
        if not cuts:
            return _Listed(left=[replace(span, may_split=False)])
        ends = [*cuts[:: -(-len(cuts) // _THREADS)], span.until]
        others = [_Span(span.nest, after, until) for after, until in pairwise(ends)]
        return _Listed(left=[replace(span, until=ends[0]), *others])

    def _cuts(self, span: _Span) -> list[str]:
        """Where subfolders begin in a span: those of the highest folder on the way to its first key that has some."""
        from botocore.exceptions import ClientError

        bucket, root = span.nest.root
        for prefix in _folders_to(span.after, root) if is_ordered(bucket) else ():
            try:
                page = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, Delimiter="/", StartAfter=span.after)
            except ClientError:  # the span itself may be allowed
                return []
            begins = [each["Prefix"] for each in page.get("CommonPrefixes", ())]
            if cuts := [each for each in begins if each > span.after and (not span.until or each < span.until)]:
                return cuts
        return []


def _refuse_repeated(span: _Span, objects: Objects) -> None:
    """Raises PaginationError where a page begins with keys that were counted, or should have been left out.

    Some of S3's kind begin anew for a token, or leave StartAfter out; each object would count twice.
    """
    from botocore.exceptions import PaginationError

    if span.after and objects.sizes and is_ordered(span.nest.root.bucket) and objects.first <= span.after:
        raise PaginationError(message="a page begins before the end of the one before it")


def _next(span: _Span, token: str) -> str:
    """The token of a span's next page; the same again would list the same page for ever."""
    from botocore.exceptions import PaginationError

    if token == span.token:
        raise PaginationError(message="the same token came twice")
    return token


def _folders_to(key: str, root: str) -> list[str]:
    """The folders on the way to a key, from a root.

    >>> _folders_to("lake/day=1/hour=2/a.parquet", "lake/")
    ['lake/', 'lake/day=1/', 'lake/day=1/hour=2/']
    """
    return list(accumulate((f"{part}/" for part in key[len(root) :].split("/")[:-1]), initial=root))


def reason_of(error: Exception) -> str:
    """Why a folder cannot be listed, by what botocore raised."""
    from botocore.exceptions import ClientError, ParamValidationError

    if isinstance(error, ParamValidationError):
        return Unmeasured.NO_BUCKET.with_code("InvalidBucketName")
    if not isinstance(error, ClientError):
        return Unmeasured.FAILED.with_code(type(error).__name__)
    code = str(error.response.get("Error", {}).get("Code", ""))
    reason = Unmeasured.DENIED if code in _DENIED else Unmeasured.NO_BUCKET if code in _NO_BUCKET else Unmeasured.FAILED
    return reason.with_code(code)
