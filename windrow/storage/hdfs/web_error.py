"""What WebHDFS refuses, and how often it is asked."""

#: How often a request is sent that is cut off, or that nobody answers.
ATTEMPTS = 5


class WebError(Exception):
    """WebHDFS refused a request, or did not answer; `str()` is why.

    kind: Java's name of the refusal, if any. cure: what to do, where that is known.
    """

    def __init__(self, why: str, kind: str = "", cure: str = "") -> None:
        super().__init__(why)
        self.kind, self.cure = kind, cure

    @property
    def is_missing(self) -> bool:
        """Whether there is no such file."""
        return self.kind == "FileNotFoundException"
