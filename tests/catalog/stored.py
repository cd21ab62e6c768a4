"""A bucket on the wire: ListObjectsV2 as S3 answers it, over a dict of keys and sizes."""

from bisect import bisect_right
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>lake</Name><Prefix></Prefix>{told}{items}\
</ListBucketResult>"""
OBJECT = (
    "<Contents><Key>{key}</Key><LastModified>2026-11-30T00:00:00.000Z</LastModified><ETag>&quot;0&quot;</ETag>"
    "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
    "<Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


def page(objects, folders=(), token="", encoded=True, count=None, truncated=None):
    """A page of pairs of keys and sizes; `count` and `truncated` are told as they are, or as the test wants."""
    name = (lambda text: quote_plus(text, safe="/*")) if encoded else escape
    told = {
        "KeyCount": len(objects) + len(folders) if count is None else count,
        "MaxKeys": 1000,
        **({"EncodingType": "url"} if encoded else {}),
        "IsTruncated": str(bool(token) if truncated is None else truncated).lower(),
        **({"NextContinuationToken": escape(token)} if token else {}),
    }
    items = [OBJECT.format(key=name(key), size=size) for key, size in objects]
    items += [f"<CommonPrefixes><Prefix>{name(folder)}</Prefix></CommonPrefixes>" for folder in folders]
    elements = "".join(f"<{tag}>{value}</{tag}>" for tag, value in told.items())
    return PAGE.format(told=elements, items="".join(items)).encode()


def stored(objects, size=1000, encoded=True):
    """How a bucket of these objects answers; a token is the last key of the page before, behind a sign of its own."""
    keys = sorted(objects)

    def answer(asked, number):
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter")
        after = asked["continuation-token"][1:] if "continuation-token" in asked else asked.get("start-after", "")
        found, folders, last = [], [], ""
        for key in keys[bisect_right(keys, after) :]:
            name, cut, _ = key[len(prefix) :].partition(delimiter or "\0")
            folder = prefix + name + cut if cut else ""
            if not key.startswith(prefix):
                continue
            if not folder or folders[-1:] != [folder]:
                if len(found) + len(folders) == size:
                    return page(found, folders, f"&{last}", encoded)
                folders += [folder] if folder else []
                found += [] if folder else [(key, objects[key])]
            last = key
        return page(found, folders, "", encoded)

    return answer
