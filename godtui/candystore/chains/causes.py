"""Which events an event names as its causes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import orjson

MAX_ID_CHARACTERS: Final = 45
"""The longest form of a UUID, `urn:uuid:` before it, with room to spare."""
MAX_NESTING: Final = 2
"""How deep lists and objects of parents are looked into."""
MARKS: Final = (b"causation_id", b"correlation_ids", b"\\u")
"""Without any of these, an escape that may spell a name among them, a body names no cause."""


def causes(body: bytes) -> list[bytes]:
    """The ids of the events that a body names as its causes, each once: `source.causation_id`, then a peer's parents.

    Parents stand in `correlation_ids`, a list or an object of UUIDs, of lists of them, or of objects that hold some;
    what is no UUID is passed over.
    """
    if not any(mark in body for mark in MARKS):
        return []
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(document, dict):
        return []
    source = document.get("source")
    named = source.get("causation_id") if isinstance(source, dict) else None
    return list(dict.fromkeys([*_ids(named, 0), *_ids(document.get("correlation_ids"), MAX_NESTING)]))


def _ids(value: Any, nesting: int) -> Iterator[bytes]:
    if isinstance(value, str):
        if len(value) <= MAX_ID_CHARACTERS:
            try:
                yield UUID(value).bytes
            except ValueError:
                return
    elif nesting and isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _ids(each, nesting - 1)
