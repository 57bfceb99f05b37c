"""Values of settings as they are written: each reader takes text or a TOML value and raises ValueError on any other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

MEMORY_QUEUE = "candystore.events"
PERSISTER = "persister"
DISPATCHER = "dispatcher"
WORKERS = (PERSISTER, DISPATCHER)
NO_WORKERS = "none"
DAY = 86_400
LONGEST_TTL = 4_294_967
"""Seconds; RabbitMQ counts a time to live in milliseconds of 32 bits."""

_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)
_QUEUE = re.compile(r"[^\s,=]{1,255}")
_TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)
_TRUTHS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_SHOWN_CHARACTERS = 80


def whole_number(value: object) -> int:
    """A whole number, as one or as digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    raise ValueError("not a whole number")


def seconds(value: object) -> float:
    """Seconds, as a number or as digits."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        return float(value)
    raise ValueError("not a number of seconds")


def truth(value: object) -> bool:
    """Whether something holds: a boolean, or true, yes, on, 1 or false, no, off, 0 in any case."""
    if not isinstance(value, str | int):
        raise ValueError("not a truth")
    found = _TRUTHS.get(str(value).strip().lower())
    if found is None:
        raise ValueError("not a truth")
    return found


def token(value: object) -> object:
    """A secret that can stand in a header."""
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise ValueError("no token")
    return value


def printable(text: str) -> str:
    """A text with nothing in it that could move a cursor."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def plain(text: str) -> str:
    """A text as a sentence may carry it: short and printable."""
    return printable(text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…")


def shown_text(text: str) -> str:
    """The same in quotation marks."""
    return f'"{plain(text)}"'


def counted(number: int, noun: str) -> str:
    """A number of things, such as `1 event` or `1,200 events`; the noun is one that takes an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(value: object) -> tuple[str, ...]:
    """Texts between commas, or a list of them."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("not a list of texts")
    return tuple(part.strip() for part in parts if part.strip())


def worker_names(value: object) -> tuple[str, ...]:
    """Names of workers between commas, or a list of them; `none` is none of them."""
    names = listed(value)
    if names == (NO_WORKERS,):
        return ()
    if not names or not set(names) <= set(WORKERS):
        raise ValueError("no workers")
    return tuple(name for name in WORKERS if name in names)


@dataclass(frozen=True, slots=True)
class MessageTtl:
    """How long a message may wait in a queue, in seconds; 0 is for ever."""

    default: int = DAY
    queues: Mapping[str, int] = field(default_factory=lambda: {MEMORY_QUEUE: 0})

    def of(self, queue: str) -> int:
        """The seconds of one queue."""
        return self.queues.get(queue, self.default)

    def __str__(self) -> str:
        return ",".join([str(self.default), *(f"{queue}={count}" for queue, count in self.queues.items())])

    @classmethod
    def read(cls, value: object) -> MessageTtl:
        """From `86400,candystore.events=0`: one number for all queues, others by name.

        What is not said keeps its default, so that the memory's queue expires only where someone asks for that.
        """
        if isinstance(value, cls):
            return value
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str):
            raise ValueError("not a text")
        said: dict[str, int] = {}
        for part in text.split(","):
            queue, count = _named_ttl(part.strip())
            if queue in said:
                raise ValueError("said twice")
            said[queue] = count
        default = said.pop("", DAY)
        return cls(default, {MEMORY_QUEUE: 0, **said})


def _named_ttl(text: str) -> tuple[str, int]:
    """A queue and its seconds; the queue is empty where the number is for all."""
    queue, named, number = text.rpartition("=")
    count = whole_number(number)
    if count > LONGEST_TTL or (named and not _QUEUE.fullmatch(queue)):
        raise ValueError("out of range")
    return queue, count
