"""A page of a listing, counted from its bytes.

botocore makes a dict of every object of a page, which takes more than 100 microseconds of CPU for each. Here a pattern
finds the sizes, in 3, and botocore parses what is left of the page: whether there is more, and how to ask for it. No
key can look like a size: in XML its `<` is escaped.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import unquote_plus

from windrow.catalog.locations import Size

#: The member of an answer that has its objects.
OBJECTS = "Objects"

_SIZE = re.compile(rb"<Size>(\d+)</Size>")
_KEY = re.compile(rb"<Key>([^<]*)</Key>")
_KEY_COUNT = re.compile(rb"<KeyCount>(\d+)</KeyCount>")
_ROOT = re.compile(rb"\s*(?:<\?xml[^>]*\?>)?\s*<(\w+)")
_BEGIN, _END = b"<Contents>", b"</Contents>"
_ENTITY = re.compile("&(?:#x([0-9a-fA-F]{1,5})|#([0-9]{1,6})|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
#: What botocore is told instead of a page that is cut off, or none: it tries again.
_INCOMPLETE = (
    b"<Error><Code>IncompletePage</Code><Message>a page of the listing is cut off, or none of S3's</Message></Error>"
)


class Objects:
    """The objects of a page, in the order of their keys."""

    def __init__(self, contents: bytes, is_encoded: bool) -> None:
        self._contents, self._is_encoded = contents, is_encoded
        self.sizes = list(map(int, _SIZE.findall(contents)))

    @property
    def first(self) -> str:
        """The first key; there must be one."""
        begin = self._contents.index(b"<Key>") + 5
        return self._decoded(self._contents[begin : self._contents.index(b"</Key>", begin)])

    @property
    def last(self) -> str:
        """The last key; there must be one."""
        begin = self._contents.rindex(b"<Key>") + 5
        return self._decoded(self._contents[begin : self._contents.index(b"</Key>", begin)])

    def keys(self) -> list[str]:
        """All keys."""
        return [self._decoded(key) for key in _KEY.findall(self._contents)]

    def _decoded(self, key: bytes) -> str:
        text = _ENTITY.sub(_character, key.decode(errors="replace"))
        return unquote_plus(text) if self._is_encoded else text

    def between(self, edges: Sequence[str], until: str) -> Iterator[tuple[int, Size]]:
        """The number of each edge behind which there are objects, and what they hold, up to the next edge.

        The first edge is at or before all keys; keys behind `until`, where that is not empty, are left out. Most pages
        are between two edges: of these two keys are looked at.
        """
        if not self.sizes:
            return
        last = self.last
        begin, end = bisect_right(edges, self.first) - 1, bisect_right(edges, last)
        if end == begin + 1 and (not until or last <= until):
            yield begin, _size(self.sizes)
            return
        keys = self.keys()
        stop = bisect_right(keys, until) if until else len(keys)
        cuts = [0, *(bisect_left(keys, edge) for edge in edges[begin + 1 : end]), len(keys)]
        for number, (start, behind) in enumerate(pairwise(cuts), begin):
            if part := self.sizes[start : min(behind, stop)]:
                yield number, _size(part)


def _size(sizes: list[int]) -> Size:
    return Size(sum(sizes), len(sizes))


def _character(found: re.Match[str]) -> str:
    if named := found[3]:
        return _NAMED[named]
    return chr(int(found[1], 16) if found[1] else int(found[2]))


def count(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """botocore's handler for `before-parse` of ListObjectsV2: the page's objects become the answer's member OBJECTS.

    A page that is cut off, or is no listing, is answered as S3's fault, which botocore's next try may not meet.
    """
    body = response_dict["body"]
    if response_dict["status_code"] != 200 or _root(body) == b"Error":  # botocore's own handler is next
        return
    begin, end = body.find(_BEGIN), body.rfind(_END) + len(_END)
    contents, rest = (b"", body) if begin < 0 else (body[begin:end], body[:begin] + body[end:])
    objects = Objects(contents, b"<EncodingType>url</EncodingType>" in rest)
    if not _is_whole(rest, contents.count(_END), len(objects.sizes)):
        response_dict.update(status_code=500, body=_INCOMPLETE)
        return
    response_dict["body"] = rest
    customized_response_dict[OBJECTS] = objects


def _is_whole(rest: bytes, objects: int, sizes: int) -> bool:
    """Whether a page, without its objects, is a whole listing, and each of its objects has a size."""
    told = _KEY_COUNT.search(rest)  # some of S3's kind tell none
    return (
        _root(rest) == b"ListBucketResult"
        and rest.rstrip().endswith(b"</ListBucketResult>")
        and objects == sizes
        and (not told or int(told[1]) == objects + rest.count(b"<CommonPrefixes>"))
        and (b"<IsTruncated>true<" not in rest or b"<NextContinuationToken>" in rest)
    )


def _root(body: bytes) -> bytes:
    found = _ROOT.match(body)
    return found[1] if found else b""
