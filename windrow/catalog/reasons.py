"""Why a table has no size, or a database no tables: what the columns `unmeasured` and `unread` say.

Each is a word or two, the same in every snapshot, so that they can be counted; AWS's own code follows where it refused.
"""

from enum import StrEnum


class Unmeasured(StrEnum):
    """Why nothing was counted for a table. A table whose size is known has none of these."""

    VIEW = "view"
    LINK = "link"
    ORPHANED_LINK = "orphaned link"
    NO_LOCATION = "no location"
    OTHER_SCHEME = "other scheme"
    DENIED = "denied"
    NO_BUCKET = "no such bucket"
    VANISHED = "vanished"
    PARTITIONS = "too many partitions"
    NOT_LISTED = "not in the inventory"
    NO_BUCKET_ITSELF = "not a whole bucket"
    NO_METRIC = "no metric"
    NOT_ASKED = "not asked"
    FAILED = "failed"

    def with_code(self, code: str) -> str:
        """The reason, and AWS's code for it.

        >>> Unmeasured.DENIED.with_code("AccessDenied")
        'denied (AccessDenied)'
        """
        return f"{self} ({code})" if code else str(self)


#: Why a table has no size though nothing failed.
ORDINARY = {
    Unmeasured.VIEW, Unmeasured.LINK, Unmeasured.NO_LOCATION, Unmeasured.OTHER_SCHEME, Unmeasured.NOT_ASKED,
    Unmeasured.NO_BUCKET_ITSELF,
}  # fmt: skip


def is_failure(reason: str) -> bool:
    """Whether a reason is one that somebody can do something about.

    >>> is_failure(Unmeasured.VIEW), is_failure("denied (AccessDenied)")
    (False, True)
    """
    return reason not in ORDINARY
