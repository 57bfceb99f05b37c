"""What of an event is indexed: at least every word that a filter could ask for, in the form that FTS5 parts alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from godtui import jsontext
from godtui.envelope import StoredEvent
from godtui.filters import texts, tokens

INVALID: Final = "\uffffinvalid"
"""Stands in the text of an event that was stored with violations; no text has a word with such a letter."""
REPLAYED: Final = "\uffffreplayed"
"""Stands in the text of an event that may have been published for a replayed one."""

LONGEST_NAME: Final = 200
"""Characters of a type or source that its mark has."""

_PAYLOAD: Final = b'"payload"'
_NO_WORD: Final = re.compile(r"[^a-zA-Z0-9\x80-\U0010ffff]")
_FRACTION: Final = re.compile(r"[:,\[]\s*(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_HAS_FRACTION: Final = re.compile(r"[:,\[]\s*-?[0-9]+[.eE]")


@lru_cache(maxsize=4096)
def name_mark(kind: str, name: str) -> str:
    """One word that stands for a whole event type or source, in few events where its words stand in many.

    Names that differ in other signs than letters and digits, or far from their beginning, may share it.
    """
    return f"\uffff{kind}{_NO_WORD.sub(chr(0xFFFE), name[:LONGEST_NAME])}"


def indexed_texts(events: Sequence[StoredEvent]) -> list[str]:
    """Of each event a text whose words are a superset of those in its type, source, payload keys and values.

    An ASCII body without escapes is taken as it stands: FTS5's `ascii` tokenizer parts it as `filters.tokens` does.
    """
    plain = [_as_it_stands(event) for event in events]
    # One look at all of them together costs less than one at each.
    joined = "\n".join(plain)
    if not _is_plain(joined):
        plain = [text if _is_plain(text) else _read(event, text) for event, text in zip(events, plain, strict=True)]
    return [_marked(event, text) for event, text in zip(events, plain, strict=True)]


def _as_it_stands(event: StoredEvent) -> str:
    body = event.body
    # The payload begins at the first place that has its name, or further on.
    return f"{event.event_type} {event.source} {body[max(body.find(_PAYLOAD), 0) :].decode('utf-8', 'replace')}"


def _is_plain(text: str) -> bool:
    return text.isascii() and "\\" not in text and "\0" not in text and _HAS_FRACTION.search(text) is None


def _read(event: StoredEvent, text: str) -> str:
    """The text of an event whose words do not all stand in it as they are."""
    if text.isascii() and "\\" not in text and "\0" not in text:
        return f"{text} {' '.join(_numbers(text))}"
    try:
        payload = jsontext.parse(event.body)["payload"]
    except (KeyError, TypeError, ValueError):
        return text
    return " ".join(word for one in texts(event.event_type, event.source, payload) for word in tokens(one))


def _numbers(text: str) -> Iterator[str]:
    """The numbers that a search reads in another form than they may be written in, in that form."""
    for match in _FRACTION.finditer(text):
        digits = match[1]
        if not digits.lstrip("-").isdigit():
            number = float(digits)
            if number - number == 0:  # what is beyond 64 bits stands in a text
                yield jsontext.dumps(number).decode()


def _marked(event: StoredEvent, text: str) -> str:
    text = f"{text} {name_mark('t', event.event_type)} {name_mark('s', event.source)}"
    if event.violations is not None:
        text = f"{text} {INVALID}"
    if b"replay_id" in event.body or b"\\u" in event.body:
        text = f"{text} {REPLAYED}"
    return text
