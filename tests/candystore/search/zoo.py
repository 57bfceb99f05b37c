"""Events whose payloads are as odd as JSON allows, written in as many ways, and terms that ask for what is in them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from godtui import jsontext
from godtui.envelope import StoredEvent
from godtui.eventlog import Record
from godtui.filters import (
    IsTerm,
    PayloadTerm,
    Scalar,
    Segment,
    SourceTerm,
    Term,
    TimeTerm,
    TypeTerm,
    WordTerm,
    texts,
    tokens,
)
from godtui.filters.predicate import kind
from godtui.filters.terms import OPERATORS
from tests.clock import MORNING

SECOND = 1_000_000
TYPES = (
    "agent.task.failed",
    "agent.task-x.failed",
    "agent.task_x.failed",
    "test.event.created",
    "Odd.TYPE",
    "ünï.cödé",
)
SOURCES = ("cli", "CLI", "a b", "a-b", "grolf", "ünïcode", 'with \\ and "', "", "nul\0l", "x" * 300)
TEXTS = (
    "disk full", "Disk FULL again", "Straße", "STRASSE", "é", "e\u0301", "x\u0338=\u0338", "İstanbul", "tab\there",
    'quote"d', "back\\slash", "null", "true", "x_y-z", "1.50", "ﬁne", "ΣΑΣ σας", "日本語 text", "", "nul\0in",
    "w" * 1001, "W" * 999, "42", "1e5", "retry:1.5,2.50", "[1.0", "foo bar baz", "\uffffinvalid", "payload", "a\u2028b",
)  # fmt: skip
NUMBERS = (
    0, -0.0, 1, 1.0, 1.5, -2.5, 1e5, 100000, 1e16, 10**16, 10**17, 1e17, 2**53 + 1, float(2**53), 1e-7, -5, 10**22,
    12345678901234567890123, 1e300, 10**300, 42, 0.1, True, False, None,
)  # fmt: skip
KEYS = ("task", "id", "a.b", "ключ", "Key", "*", "0", "1", "x_y", "payload", "is")
SPELLED = ("1.50", "1E5", "-0", "1e5", "1.0", "10e15", "0.10", "-2.500", "1e-07", "4.2e1")
"""Numbers in forms that no serializer writes."""


def zoo(count: int, seed: int = 7) -> list[Record]:
    """That many events."""
    chance = random.Random(seed)
    return [_record(chance, number) for number in range(count)]


def _value(chance: random.Random, depth: int) -> Any:
    pick = chance.random()
    if depth and pick < 0.3:
        return {key: _value(chance, depth - 1) for key in chance.sample(KEYS, chance.randrange(1, 4))}
    if depth and pick < 0.45:
        return [_value(chance, depth - 1) for _ in range(chance.randrange(3))]
    return chance.choice(TEXTS if pick < 0.75 else NUMBERS)


def _record(chance: random.Random, number: int) -> Record:
    own = UUID(int=chance.getrandbits(128), version=4)
    time = MORNING + number * SECOND + chance.choice((0, 0, 0, chance.randrange(-300, 300) * SECOND))
    kind, source = chance.choice(TYPES), chance.choice(SOURCES)
    payload = {key: _value(chance, 2) for key in chance.sample(KEYS, 3)}
    spelled = chance.choice((*SPELLED, None, None, None))
    if spelled is not None:
        payload["spelled"] = payload["task"] = "@@"
    teller: dict[str, Any] = {"service": source}
    if chance.random() < 0.1:
        teller |= {"payload": {"task": 1}, "replay_id": chance.choice((None, str(own)))}
    document = {"event_id": str(own), "event_type": kind, "source": teller, "payload": payload, "extra": [1.5]}
    if chance.random() < 0.3:
        document = dict(reversed(document.items()))
    body = _written(chance, document)
    if spelled is not None:
        body = body.replace(b'"@@"', spelled.encode())
    violations = chance.choice((None, None, None, b"[]", b'[{"path": "", "message": "odd"}]'))
    return Record(own.bytes, kind, source, None, time, violations, None, body)


def _written(chance: random.Random, document: Any) -> bytes:
    way = chance.randrange(4)
    if way == 0:
        return json.dumps(document).encode()
    if way == 1:
        return json.dumps(document, ensure_ascii=False, indent=1, separators=(" ,", " : ")).encode()
    return jsontext.dumps(document)


def _scalars() -> st.SearchStrategy[Scalar]:
    return st.one_of(
        st.sampled_from(TEXTS).map(lambda text: Scalar("text", text)),
        st.sampled_from([one for one in NUMBERS if isinstance(one, int | float) and not isinstance(one, bool)]).map(
            lambda number: Scalar("number", number)
        ),
        st.sampled_from((Scalar("boolean", True), Scalar("boolean", False), Scalar("null", None))),
    )


def _comparisons() -> st.SearchStrategy[Term]:
    segments = st.builds(Segment, st.sampled_from((*KEYS, "spelled", "nowhere")), st.booleans())
    paths = st.lists(segments, min_size=1, max_size=3).map(tuple)
    plain = st.builds(
        PayloadTerm, paths, st.sampled_from([one for one in OPERATORS if one != "~"]),
        st.lists(_scalars(), min_size=1, max_size=3).map(tuple),
    )  # fmt: skip
    parts = st.sampled_from(TEXTS).flatmap(
        lambda text: st.tuples(st.integers(0, 4), st.integers(0, 4)).map(
            lambda cut: Scalar("text", text[cut[0] : len(text) - cut[1]])
        )
    )
    part = st.builds(PayloadTerm, paths, st.just("~"), st.lists(parts, min_size=1, max_size=2).map(tuple))
    return st.one_of(plain, plain, part)


def terms(count: int) -> st.SearchStrategy[Term]:
    """Terms of every kind, most of which something in the zoo meets."""
    words = st.sampled_from([found for text in (*TEXTS, *SPELLED, *KEYS, *TYPES, *SOURCES) if (found := tokens(text))])
    numbers = st.sampled_from([found for one in NUMBERS if (found := tokens(jsontext.dumps(one).decode()))])
    moments = st.integers(-10, count + 10).map(lambda second: MORNING + second * SECOND)
    patterns = st.sampled_from((*TYPES, "agent.#", "#", "*.TYPE", "no.such"))
    one = st.one_of(
        st.builds(WordTerm, st.one_of(words, numbers).map(tuple)),
        _comparisons(),
        _comparisons(),
        st.builds(TypeTerm, st.lists(patterns, min_size=1, max_size=3).map(tuple)),
        st.builds(SourceTerm, st.lists(st.sampled_from(SOURCES[:6]), min_size=1, max_size=3).map(tuple)),
        st.builds(TimeTerm, st.sampled_from(("since", "until")), moments),
        st.builds(IsTerm, st.sampled_from((("invalid",), ("replayed",), ("invalid", "replayed")))),
    )
    return st.tuples(one, st.sampled_from((False, False, False, True))).map(_signed)


def about(event: StoredEvent) -> Iterator[Term]:
    """Terms that this event meets: its words, its texts as phrases, and its values as they are and as others."""
    payload = jsontext.parse(event.body)["payload"]
    for text in texts(event.event_type, event.source, payload):
        if found := tokens(text):
            yield WordTerm(tuple(found))
            yield from (WordTerm((word,)) for word in found)
    yield TypeTerm((event.event_type,))
    yield SourceTerm((event.source,))
    for path, value in _leaves((), payload):
        scalar = Scalar(kind(value) or "null", value)
        yield PayloadTerm(path, "=", (Scalar("text", "nothing"), scalar))
        if isinstance(value, str):
            for start, end in ((0, None), (1, None), (0, -1), (2, 9)):
                yield PayloadTerm(path, "~", (Scalar("text", value[start:end]),))
        elif scalar.kind == "number":
            yield from (PayloadTerm(path, "=", (Scalar("number", form),)) for form in (_whole(value), _fraction(value)))
            yield PayloadTerm(path, ">=", (scalar,))


def _leaves(path: tuple[Segment, ...], value: Any) -> Iterator[tuple[tuple[Segment, ...], Any]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves((*path, Segment(key, literal=key == "*" or key.isdigit())), member)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves((*path, Segment(str(number) if number % 2 else "*")), item)
    else:
        yield path, value


def _whole(value: float) -> Any:
    return int(value) if value == int(value) else value


def _fraction(value: float) -> Any:
    try:
        return float(value) if float(value) == value else value
    except OverflowError:
        return value


def _signed(pair: tuple[Term, bool]) -> Term:
    return replace(pair[0], negated=pair[1])
