"""From terms to a test of one stored event: columns first, the body only where they leave it open, and read once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import chain
from typing import Any, TypeAlias

import orjson

from godtui import jsontext
from godtui.envelope import StoredEvent
from godtui.filters.terms import (
    INDEX,
    CorrelationTerm,
    IdTerm,
    IsTerm,
    PayloadTerm,
    Scalar,
    Segment,
    SourceTerm,
    StoredSinceTerm,
    Term,
    TimeTerm,
    TypeTerm,
    WordTerm,
)
from godtui.filters.words import haystack, needle, payload_texts
from godtui.jsontext import Json
from godtui.topics import Matcher

Predicate: TypeAlias = Callable[[StoredEvent], bool]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_DIGITS = b"0" * 19
"""What every integer beyond 64 bits has at least, once its digits are zeros."""


class _Reading:
    """One event being judged; what is read of its body is read at most once."""

    def __init__(self, event: StoredEvent) -> None:
        self.event = event

    @cached_property
    def document(self) -> dict[str, Json]:
        document: dict[str, Json] = _load(self.event.body)
        return document

    @cached_property
    def columns(self) -> str:
        return haystack(iter((self.event.event_type, self.event.source)))

    @cached_property
    def payload(self) -> str:
        return haystack(payload_texts(self.document["payload"]))

    @cached_property
    def plain_body(self) -> bytes | None:
        """The body in lower case where every letter of its words stands in it as itself.

        Event type and source stand in the body too."""
        body = self.event.body
        return body.lower() if body.isascii() and b"\\u" not in body else None


def _load(body: bytes) -> Json:
    """Read a stored body: judged before, it needs our own reader only for integers that orjson would round."""
    if _LONG_DIGITS in body.translate(_DIGITS_AS_ZERO):
        return jsontext.parse(body)
    return orjson.loads(body)


def payload_of(body: bytes) -> Json:
    """The payload of a stored event, as its body is judged."""
    return _load(body)["payload"]


_Test: TypeAlias = Callable[[_Reading], bool]


def compile_predicate(terms: Iterable[Term]) -> Predicate:
    """A test that holds where all terms do."""
    columns: list[Predicate] = []
    bodies: list[tuple[int, _Test]] = []
    for term in terms:
        test = _column_test(term)
        if test is not None:
            columns.append(_negated(test) if term.negated else test)
        else:
            cost, body_test = _body_test(term)
            bodies.append((cost, _negated(body_test) if term.negated else body_test))
    bodies.sort(key=lambda pair: pair[0])
    return _all(columns, [test for _, test in bodies])


def _all(columns: list[Predicate], bodies: list[_Test]) -> Predicate:
    if not bodies and len(columns) == 1:
        return columns[0]

    def holds(event: StoredEvent) -> bool:
        for test in columns:
            if not test(event):
                return False
        if not bodies:
            return True
        reading = _Reading(event)
        return all(test(reading) for test in bodies)

    return holds


def _negated(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda event: not test(event)


def _column_test(term: Term) -> Predicate | None:
    """The test of a term that needs no more than the columns."""
    match term:
        case TypeTerm(patterns=patterns):
            return _type_test(patterns)
        case SourceTerm(names=names):
            wanted = frozenset(names)
            return lambda event: event.source in wanted
        case CorrelationTerm(ids=ids):
            correlations = frozenset(one.bytes for one in ids)
            return lambda event: event.correlation_id in correlations
        case IdTerm(ids=ids):
            events = frozenset(one.bytes for one in ids)
            return lambda event: event.event_id in events
        case TimeTerm(bound="since", moment=moment):
            return lambda event: event.time >= moment
        case TimeTerm(moment=moment):
            return lambda event: event.time < moment
        case StoredSinceTerm(moment=moment):
            return lambda event: event.stored_at >= moment
        case IsTerm(flags=flags) if "replayed" not in flags:
            return _is_invalid
    return None


def _body_test(term: Term) -> tuple[int, _Test]:
    """The test of any other term, and how it ranks in cost."""
    match term:
        case IsTerm(flags=flags):
            return 0, _replayed_test("invalid" in flags)
        case PayloadTerm():
            return 1, _payload_test(term)
        case WordTerm(tokens=words):
            return 2, _word_test(words)
    raise TypeError(f"no test for {term!r}")


def _type_test(patterns: tuple[str, ...]) -> Predicate:
    matcher = Matcher(patterns)
    return lambda event: matcher.matches(event.event_type)


def _is_invalid(event: StoredEvent) -> bool:
    return event.violations is not None and event.violations != b"[]"


def _replayed_test(or_invalid: bool) -> _Test:
    def holds(reading: _Reading) -> bool:
        if or_invalid and _is_invalid(reading.event):
            return True
        if b"replay_id" not in reading.event.body and b"\\u" not in reading.event.body:
            return False
        source = reading.document["source"]
        return isinstance(source, dict) and source.get("replay_id") is not None

    return holds


def _word_test(words: tuple[str, ...]) -> _Test:
    phrase = needle(words)
    hints = [word.encode() for word in words if stands_as_itself(word)]

    def holds(reading: _Reading) -> bool:
        body = reading.plain_body
        if body is not None and any(hint not in body for hint in hints):
            return False
        return phrase in reading.columns or phrase in reading.payload

    return holds


def stands_as_itself(word: str) -> bool:
    """Whether a plain body holds the word if a text does; digits may come of a number that is written otherwise."""
    return any(letter not in "0123456789e" for letter in word)


def _payload_test(term: PayloadTerm) -> _Test:
    compare = _value_test(term)
    path = term.path

    def holds(reading: _Reading) -> bool:
        return any(compare(value) for value in values_at(reading.document["payload"], path))

    return holds


def values_at(payload: Json, path: Sequence[Segment]) -> list[Json]:
    """The values that a path leads to."""
    values = [payload]
    for segment in path:
        values = list(chain.from_iterable(_step(value, segment) for value in values))
        if not values:
            break
    return values


def _step(value: Json, segment: Segment) -> list[Json]:
    name, literal = segment
    if isinstance(value, dict):
        return [value[name]] if name in value and (literal or name != "*") else []
    if isinstance(value, list) and not literal:
        if name == "*":
            return value
        if INDEX.fullmatch(name) and int(name) < len(value):
            return [value[int(name)]]
    return []


def _value_test(term: PayloadTerm) -> Callable[[Json], bool]:
    if term.operator == "~":
        parts = [scalar.value for scalar in term.values]
        return lambda value: isinstance(value, str) and any(part in value for part in parts)
    if term.operator in ("=", "!="):
        wanted = term.operator == "="
        return lambda value: any(_equal(value, scalar) for scalar in term.values) is wanted
    order = _ORDERS[term.operator]
    return lambda value: any(kind(value) == one.kind and order(value, one.value) for one in term.values)


def _equal(value: Json, scalar: Scalar) -> bool:
    return kind(value) == scalar.kind and bool(value == scalar.value)


def kind(value: Json) -> str | None:
    """Which kind of scalar a JSON value is, or None for an array or object."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "null" if value is None else None
