"""The characters of a filter: terms between spaces, values between commas, what quotes hold together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from godtui.filters.errors import FilterError

MAX_CHARACTERS = 4096
QUOTED = r'"(?:[^"\\]|\\.)*+"'

_CHUNK = re.compile(rf'(?:{QUOTED}|[^\s"])++', re.DOTALL)
_WHOLE_QUOTE = re.compile(QUOTED, re.DOTALL)
_VALUE = re.compile(rf'({QUOTED}|[^",]*+)(,|\Z)', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\])')
_SURROGATE = re.compile("[\ud800-\udfff]")


class Value(NamedTuple):
    """One of the values that commas part, without its quotes."""

    text: str
    quoted: bool


class TermError(ValueError):
    """Why a term cannot be understood; `located` adds where it stands."""


@contextmanager
def located(offset: int, parameter: str) -> Iterator[None]:
    """Within the block a TermError becomes a FilterError at that place."""
    try:
        yield
    except TermError as fault:
        raise FilterError(str(fault), offset, parameter) from None


def check_characters(text: str, parameter: str) -> None:
    """Refuse a text that is too long or is not Unicode. Raises FilterError."""
    if len(text) > MAX_CHARACTERS:
        raise FilterError(f"it has more than {MAX_CHARACTERS:,} characters", MAX_CHARACTERS, parameter)
    if found := _SURROGATE.search(text):
        raise FilterError("a lone surrogate is not Unicode text", found.start(), parameter)


def chunks(text: str, parameter: str) -> Iterator[tuple[int, str]]:
    """What stands between spaces, with the offset of each; a space inside quotes parts nothing."""
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        chunk = _CHUNK.match(text, at)
        end = chunk.end() if chunk else at
        if text[end : end + 1] == '"':
            message = 'a double quote is not closed; end the text with " and write \\" for a quote in it'
            raise FilterError(message, at, parameter)
        yield at, text[at:end]
        at = end


def values(text: str) -> list[Value]:
    """The values that commas part."""
    found = []
    at = 0
    while True:
        match = _VALUE.match(text, at)
        if match is None:
            raise TermError("double quotes go round a whole value, from its beginning to a comma or its end")
        is_quoted = match[1].startswith('"')
        found.append(Value(unquoted(match[1]) if is_quoted else match[1], is_quoted))
        at = match.end()
        if not match[2]:
            return found


def is_quoted(text: str) -> bool:
    """Whether a text is quoted from its beginning to its end."""
    return _WHOLE_QUOTE.fullmatch(text) is not None


def unquoted(text: str) -> str:
    """What a quoted text stands for."""
    return _ESCAPE.sub(r"\1", text[1:-1])


def shown(text: str) -> str:
    """Part of a filter as a sentence may carry it: short, and with nothing that could move a cursor."""
    return repr(text if len(text) <= 60 else text[:59] + "…")
