"""How streams are read, by the options of a job. Every job has them, so this is apart from what only streams need."""

from dataclasses import dataclass

#: Values of --gaps: what to do where records that were asked for are gone.
GAPS = ("fail", "warn")
#: The share of a shard's reads a second that is taken, so that other readers keep theirs.
SHARE = 0.5


@dataclass(frozen=True)
class Manner:
    """How streams are read, by the options of a job.

    gaps: one of GAPS. share: of each shard's reads a second, from 0 to 1. consumer: a registered consumer of Kinesis,
    which has reads of its own (enhanced fan-out).
    """

    gaps: str = GAPS[0]
    share: float = SHARE
    consumer: str | None = None
