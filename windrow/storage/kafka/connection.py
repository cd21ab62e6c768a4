"""Clients of Kafka, their configuration, and what Kafka refuses.

What a URI does not say, as TLS and a login, is in a file of Kafka's own client properties, `name=value` a line, that
the variable WINDROW_KAFKA_CONFIG names. No error repeats a value of it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from windrow.errors import InputError, required, without_passwords
from windrow.storage.kafka.uris import parse

#: Names the file of client properties.
VARIABLE = "WINDROW_KAFKA_CONFIG"
#: Seconds until a broker has answered.
ANSWER = 15.0
#: Properties on which it depends that each record is read once, and in order.
_OURS = {
    "bootstrap.servers", "metadata.broker.list", "group.id", "enable.auto.commit", "enable.auto.offset.store",
    "auto.offset.reset", "isolation.level", "enable.partition.eof", "acks", "request.required.acks",
    "enable.idempotence", "enable.gapless.guarantee", "max.in.flight", "max.in.flight.requests.per.connection",
    "partitioner", "retries", "message.send.max.retries", "transactional.id", "error_cb", "logger", "log_level",
}  # fmt: skip
#: Names of Java's clients for properties that librdkafka calls otherwise.
_ALIASES = {"sasl.mechanism": "sasl.mechanisms"}
_CONSUMER = {
    "group.id": "windrow",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "queued.max.messages.kbytes": 16_384,
    "check.crcs": True,
}
_PRODUCER = {
    "enable.idempotence": True,
    "enable.gapless.guarantee": True,
    "partitioner": "murmur2_random",  # as Java's clients choose partitions
    "linger.ms": 5,
    "message.timeout.ms": 120_000,
}

#: What Kafka says of partitions of which no broker is the leader.
LEADERLESS = ("_NOENT", "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "NOT_LEADER_OR_FOLLOWER")
#: What is wrong and the fix, by names of Kafka's errors.
_REFUSALS = {
    (
        "_TRANSPORT", "_ALL_BROKERS_DOWN", "_RESOLVE", "_TIMED_OUT", "_MSG_TIMED_OUT", "_TIMED_OUT_QUEUE",
        "REQUEST_TIMED_OUT",
    ): (
        "no broker answers at {brokers} ({message}); check the address, and that Kafka runs there; where it asks for"
        " TLS or a login, name a file of client properties in " + VARIABLE
    ),
    ("_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "UNSUPPORTED_SASL_MECHANISM", "ILLEGAL_SASL_STATE"): (
        "the broker refuses the login ({name}); check sasl.mechanisms, sasl.username and sasl.password in {file}"
    ),
    ("_SSL",): "no connection by TLS ({message}); check security.protocol and ssl.ca.location in {file}",
    ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION", "UNKNOWN_TOPIC_ID"): (
        "there is no such topic at {brokers} ({name}); check its name, or make it with windrow stream load"
    ),
    (
        "TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED",
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    ): (
        "access is denied ({name}); this user needs Describe and Read of the topic to read, Write to put records in,"
        " and Create to make it; ask whoever runs Kafka for them"
    ),
    LEADERLESS: (
        "some partitions have no leader among the brokers ({name}), so their records cannot be read; wait until all"
        " brokers run"
    ),
    ("_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE"): (
        "records went past the topic's retention while it was read ({name}), and are gone; read it again, with"
        " ?from=TIME"
    ),
}  # fmt: skip
_BY_NAME = {name: text for names, text in _REFUSALS.items() for name in names}


def kafka(uri: str) -> Any:
    """The module confluent_kafka. Raises WindrowError where it is not installed, which a URI needs."""
    return required(uri, "confluent_kafka", "confluent-kafka", "kafka")


class Connection:
    """The configuration of clients of one URI, and what they were told last."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.named = parse(uri)
        self.module = kafka(uri)
        self._file = os.environ.get(VARIABLE)
        self._asked = _properties(self._file) if self._file else {}
        self._told = self._name = ""

    def consumer(self) -> Any:
        """A client that reads what was committed."""
        return self._client(self.module.Consumer, _CONSUMER)

    def producer(self) -> Any:
        """A client that puts records in, each partition's in order, once each, or fails."""
        return self._client(self.module.Producer, _PRODUCER)

    def admin(self) -> Any:
        """A client that asks for topics and offsets."""
        return self._client(import_module("confluent_kafka.admin").AdminClient, {})

    def _client(self, kind: Any, ours: dict[str, Any]) -> Any:
        told = {"bootstrap.servers": self.named.brokers, "log_level": 0, "error_cb": self._note}
        asked = {name: value for name, value in self._asked.items() if not _of_the_other(name, ours)}
        with self.refusing():
            return kind({**asked, **ours, **told})

    def _note(self, error: Any) -> None:
        self._told = str(error.str())
        self._name = error.name()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Raises what Kafka's clients raise in this block as an InputError that names the URI."""
        try:
            yield
        except self.module.KafkaException as error:
            raise self.refusal(error.args[0]) from None  # whose text may have a property's value

    def refusal(self, error: Any) -> InputError:
        """The error for one of Kafka's."""
        name, message = error.name(), error.str()
        if name == "_INVALID_ARG":
            return InputError(
                f"{self.uri}: {self._file or VARIABLE} has a property that Kafka's client does not know, or a value"
                f" that it does not take{_property_in(message)}; correct it"
            )
        if name in ("_TRANSPORT", "_ALL_BROKERS_DOWN", "_TIMED_OUT") and self._told:
            message, name = self._told, self._name if self._name in _BY_NAME else name
        text = _BY_NAME.get(name, "Kafka refused: {message} ({name}); check the topic, and your permissions")
        secrets = [value for key, value in self._asked.items() if _is_secret(key) and value]
        for secret in secrets:
            message = message.replace(secret, "***")
        message = without_passwords(message)
        file = self._file or f"the file of client properties that {VARIABLE} names"
        return InputError(
            f"{self.uri}: {text.format(name=name, message=message, brokers=self.named.brokers, file=file)}"
        )


def _properties(name: str) -> dict[str, str]:
    """Client properties of a file. Raises InputError, which repeats no value."""
    try:
        lines = Path(name).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise InputError(
            f"{VARIABLE}={name}: cannot be read: {why}; name a file of client properties, or unset it"
        ) from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip()[0] in "#!":
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not key:
            raise InputError(f"{name}: line {number} is no property; give NAME=VALUE, e.g. security.protocol=SASL_SSL")
        if key in _OURS:
            raise InputError(
                f"{name}: line {number} sets {key}, on which it depends that each record is read and written once;"
                " leave it out"
            )
        found[_ALIASES.get(key, key)] = value
    return found


def _of_the_other(name: str, ours: dict[str, Any]) -> bool:
    """Whether a property is one of consumers alone, and the client is none."""
    return name.startswith(("fetch.", "queued.")) and "group.id" not in ours


def _is_secret(name: str) -> bool:
    return any(word in name for word in ("password", "secret", "key", "jaas", "token"))


def _property_in(message: str) -> str:
    """The name of a property in what librdkafka says of it, without its value."""
    quoted = [part for part in message.split('"')[1::2] if "." in part and " " not in part]
    return f": {quoted[-1]}" if quoted else ""
