"""The terms of the form `key:value`, each by its own grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast
from uuid import UUID

from godtui.clock import to_microseconds
from godtui.envelope import MAX_TYPE_BYTES, read_timestamp
from godtui.filters.lexer import TermError, Value, shown
from godtui.filters.terms import (
    FLAGS,
    Bound,
    CorrelationTerm,
    Flag,
    IdTerm,
    IsTerm,
    SourceTerm,
    StoredSinceTerm,
    Term,
    TimeTerm,
    TypeTerm,
)

_SPACE = re.compile(r"\s")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_AGO = re.compile(r"([0-9]{1,12})([smhdw])", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EARLIEST = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z in microseconds since 1970."""


def read(key: str, values: list[Value], now: int) -> Term:
    """The term of a key of KEYS. Raises TermError."""
    texts = tuple(value.text for value in values)
    if texts == ("",):
        raise TermError(f"{key}: has no value")
    if "" in texts:
        raise TermError(f"{key}: has an empty value between its commas")
    return KEYS[key](key, texts, now)


def _type(key: str, patterns: tuple[str, ...], now: int) -> Term:
    for pattern in patterns:
        if fault := _pattern_fault(pattern):
            raise TermError(f"{shown(pattern)} {fault}")
    return TypeTerm(patterns)


def _pattern_fault(pattern: str) -> str | None:
    words = pattern.split(".")
    if "" in words:
        return "has an empty word; words are joined by single dots, such as agent.task.*"
    if any(len(word) > 1 and ("*" in word or "#" in word) for word in words):
        return "has a wildcard within a word; * stands for one whole word, # for any number of them"
    if _SPACE.search(pattern):
        return "has a space, which no event type has"
    if len(pattern.encode()) > MAX_TYPE_BYTES:
        return f"is longer than the {MAX_TYPE_BYTES} bytes that an event type may have"
    return None


def _source(key: str, names: tuple[str, ...], now: int) -> Term:
    return SourceTerm(names)


def _correlation(key: str, ids: tuple[str, ...], now: int) -> Term:
    return CorrelationTerm(_uuids(ids))


def _id(key: str, ids: tuple[str, ...], now: int) -> Term:
    return IdTerm(_uuids(ids))


def _uuids(texts: tuple[str, ...]) -> tuple[UUID, ...]:
    for text in texts:
        if not _UUID.fullmatch(text):
            raise TermError(f"{shown(text)} is not a UUID such as 0198c5a2-6c1e-7000-8000-000000000001")
    return tuple(map(UUID, texts))


def _time(key: str, moments: tuple[str, ...], now: int) -> Term:
    return TimeTerm(cast("Bound", key), _moment(key, moments, now))


def _stored_since(key: str, moments: tuple[str, ...], now: int) -> Term:
    return StoredSinceTerm(_moment(key, moments, now))


def _moment(key: str, moments: tuple[str, ...], now: int) -> int:
    if len(moments) > 1:
        raise TermError(f"{key}: takes one moment")
    text = moments[0]
    if ago := _AGO.fullmatch(text):
        return _ago(text, int(ago[1]) * _SECONDS[ago[2]], now)
    try:
        moment, zoned = read_timestamp(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    except ValueError as error:
        forms = "write a date, a timestamp, or a while ago such as 15m (units s, m, h, d, w)"
        raise TermError(f"{shown(text)} is {error}; {forms}") from None
    if not zoned:
        raise TermError(f"{shown(text)} has no zone; append Z or an offset such as +02:00")
    return to_microseconds(moment)


def _ago(text: str, seconds: int, now: int) -> int:
    moment = now - seconds * 1_000_000
    if moment < _EARLIEST:
        raise TermError(f"{shown(text)} reaches back beyond the year 1")
    return moment


def _is(key: str, flags: tuple[str, ...], now: int) -> Term:
    for flag in flags:
        if flag not in FLAGS:
            raise TermError(f"{shown(flag)} is nothing that an event can be; is: takes {' or '.join(FLAGS)}")
    return IsTerm(cast("tuple[Flag, ...]", flags))


KEYS: dict[str, Callable[[str, tuple[str, ...], int], Term]] = {
    "type": _type,
    "source": _source,
    "correlation": _correlation,
    "id": _id,
    "since": _time,
    "until": _time,
    "stored-since": _stored_since,
    "is": _is,
}
"""Of each key the reader of its values; none of them is empty."""
