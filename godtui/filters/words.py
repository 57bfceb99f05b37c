"""Words: the one tokenizer of text search, and what of an event it reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from godtui import jsontext
from godtui.jsontext import Json

_TOKEN = re.compile(r"[^\W_]+")


def tokens(text: str) -> list[str]:
    """The words of a text, in order: runs of Unicode letters and digits, case-folded, in normal form C.

    Every index and every scan must use this one function. Applied to its own words it changes nothing.
    """
    if text.isascii():
        return _TOKEN.findall(text.lower())
    return _TOKEN.findall(unicodedata.normalize("NFC", text.casefold()))


def texts(event_type: str, source: str, payload: Json) -> Iterator[str]:
    """Every text that a search looks into: the event type, the source's name, the payload's keys and values.

    Strings are given as they are, numbers and booleans as their JSON text; null has none.
    """
    yield event_type
    yield source
    yield from payload_texts(payload)


def payload_texts(payload: Json) -> Iterator[str]:
    """The payload's part of `texts`, at any nesting, without recursion."""
    waiting = [iter((payload,))]
    while waiting:
        value = next(waiting[-1], waiting)
        if value is waiting:
            waiting.pop()
        elif isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting.append(_members(value))
        elif isinstance(value, list):
            waiting.append(iter(value))
        elif value is not None:
            yield jsontext.dumps(value).decode()


def _members(value: dict[str, Json]) -> Iterator[Json]:
    for key, member in value.items():
        yield key
        yield member


def haystack(parts: Iterator[str]) -> str:
    """The words of several texts as one text in which `needle` finds a phrase within any one of them."""
    return "\n".join(needle(tokens(part)) for part in parts)


def needle(words: list[str] | tuple[str, ...]) -> str:
    """Adjacent words as `haystack` holds them."""
    return f" {' '.join(words)} "
