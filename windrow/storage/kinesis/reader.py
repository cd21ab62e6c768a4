"""A shard's records, answer by answer, within the reads that Kinesis grants a shard.

A shard answers five times, and gives 2 MB, a second, to all of its readers together; `share` of that is taken. What is
busy, throttled, or cannot be decrypted for now is asked again, after longer and longer random delays. An iterator that
has expired goes on after the last sequence number. An empty answer is no end.
"""

import random
import time
from collections.abc import Iterator
from typing import Any

from windrow.aws.kinesis_client import EXPIRED, code_of, may_pass, refusals, refusing
from windrow.storage.kinesis.answers import Answer, answer_of
from windrow.times import SECOND

#: The most records of an answer. Kinesis would give 10,000, but not more bytes a second: bars of 80 bytes come as fast.
MOST = 5_000
_READS, _BYTES = 5.0, 2e6  # of a shard, a second
_TRIES = 30
_LONGEST_WAIT = 5.0


class Reader:
    """Reads one shard.

    since: from which arrival on (ns); None: from the oldest record. after: the sequence number of the last record that
    was read, None before any. over: whether the shard has ended.
    """

    def __init__(
        self, client: Any, uri: str, stream: str, shard: str, since: int | None, share: float, after: str | None = None
    ) -> None:
        self._client, self._uri, self._stream, self._since, self._share = client, uri, stream, since, share
        self.shard, self.after, self.over = shard, after, False
        self._iterator: str | None = None
        self._next = 0.0

    @property
    def wait(self) -> float:
        """Seconds until this shard may be read again."""
        return max(0.0, self._next - time.monotonic())

    def answers(self) -> Iterator[Answer]:
        """Its answers, each as soon as it may be read; they end with the shard."""
        while not self.over:
            time.sleep(self.wait)
            yield self.read()

    def read(self) -> Answer:
        """The next answer. Raises InputError where Kinesis refuses."""
        began = time.monotonic()
        with refusing(self._uri):
            answer = self._tried()
        self.after = answer.records.last or self.after
        self._iterator, self.over = answer.next, answer.next is None
        self._next = began + max(1 / _READS, answer.size / _BYTES) / self._share
        return answer

    def _tried(self) -> Answer:
        tries = Tries()
        while True:
            try:
                self._iterator = self._iterator or self._begin()
                told = self._client.get_records(ShardIterator=self._iterator, Limit=MOST)
            except refusals() as error:
                expired = code_of(error) == EXPIRED
                self._iterator = None if expired else self._iterator
                tries.again(error, expired or may_pass(error))
            else:
                return answer_of(told, f"{self._uri}: {self.shard}")

    def _begin(self) -> str:
        where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if self.after is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self.after}
        elif self._since is not None:
            where = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self._since / SECOND}
        told = self._client.get_shard_iterator(StreamName=self._stream, ShardId=self.shard, **where)
        return str(told["ShardIterator"])


class Tries:
    """Waits between tries of a call, longer each time and by chance, so that readers do not come back together."""

    def __init__(self) -> None:
        self._made = 0

    def again(self, error: Exception, worth: bool) -> None:
        """Waits before another try; raises the error where that is not worth it, or there have been many."""
        self._made += 1
        if not worth or self._made >= _TRIES:
            raise error
        time.sleep(min(_LONGEST_WAIT, 0.05 * 2 ** min(self._made, 10)) * random.random())  # noqa: S311  no secret
