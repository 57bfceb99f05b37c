"""What the predicate of a filter makes of an event, and the words that text search goes by."""

from __future__ import annotations

import json
import sys
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from godtui import jsontext
from godtui.clock import to_microseconds
from godtui.envelope import StoredEvent
from godtui.filters import Filter, Term, WordTerm, parse, texts, tokens

NOON = to_microseconds(datetime(2026, 2, 12, 12, tzinfo=UTC))
ONE = UUID("0198c5a2-6c1e-7000-8000-000000000001")
TWO = UUID("0198c5a2-6c1e-7000-8000-000000000002")


def read(text: str) -> Filter:
    return parse(text, now=NOON)


def event(
    payload: dict[str, Any] | None = None,
    *,
    body: bytes | None = None,
    event_type: str = "agent.task.failed",
    source: dict[str, Any] | None = None,
    time: int = NOON,
    stored_at: int = NOON,
    violations: bytes | None = None,
    correlation_id: UUID | None = None,
    event_id: UUID = ONE,
) -> StoredEvent:
    source = {"service": "worker"} if source is None else source
    document = {"event_type": event_type, "source": source, "payload": payload or {}}
    return StoredEvent(
        seq=1,
        stored_at=stored_at,
        event_id=event_id.bytes,
        event_type=event_type,
        source=source.get("service", ""),
        correlation_id=correlation_id.bytes if correlation_id else None,
        time=time,
        violations=violations,
        headers=None,
        body=jsontext.dumps(document) if body is None else body,
    )


PAYLOAD: dict[str, Any] = {
    "task": {"id": "TASK-42", "status": "failed", "tries": 3, "ratio": 0.5, "open": False, "owner": None, "0": "zero"},
    "tags": ["red", "Disk Full", 7],
    "steps": [{"name": "fetch", "took": 12}, {"name": "build", "took": 99}],
    "a.b": {"*": "star"},
    "big": 123456789012345678901234567890,
    "Größe": "ÜBER",
    "path": 'C:\\new "x"',
    "": "nameless",
}
STORED = event(PAYLOAD, correlation_id=TWO)

HOLDS = [
    "",
    "type:agent.task.failed",
    "type:#",
    "type:agent.*.failed",
    "type:x.#,agent.#",
    "-type:agent.*",
    "source:worker",
    "source:x,worker",
    "-source:work",
    f"id:{TWO},{ONE}",
    f"-id:{TWO}",
    f"correlation:{TWO}",
    f"-correlation:{ONE}",
    "since:2026-02-12T12:00:00Z",
    "since:1s",
    "-until:2026-02-12T12:00:00Z",
    "until:2026-02-12T12:00:00.000001Z",
    "stored-since:0s",
    "-is:invalid",
    "-is:replayed",
    "agent",
    "FAILED",
    "worker",
    '"agent task"',
    "agent.task.failed",
    "task-42",
    '"disk full"',
    '"Disk  FULL!"',
    "steps",
    "took",
    "größe",
    "GRÖSSE",
    "über",
    "u\u0308ber",
    "99",
    "0.5",
    '"0 5"',
    "false",
    "123456789012345678901234567890",
    "new",
    "nameless",
    "-nothing",
    "-dis",
    '-"full disk"',
    '-"failed worker"',
    '-"red disk"',
    "-null",
    "-owner-null",
    "payload.task.status=failed",
    'payload.task.status="failed"',
    "payload.task.status=done,failed",
    "payload.task.status!=done",
    "payload.task.status!=done,open",
    "-payload.task.status!=done,failed",
    "payload.task.status~ail",
    "payload.task.status~xx,fail",
    "-payload.task.status~FAIL",
    "payload.task.status>done",
    "payload.task.status<=failed",
    "-payload.task.status>failed",
    "payload.task.tries=3",
    "payload.task.tries=3.0",
    '-payload.task.tries="3"',
    'payload.task.tries!="3"',
    "payload.task.tries>2",
    "payload.task.tries>=3",
    "payload.task.tries<3.5",
    "payload.task.tries<=3",
    "-payload.task.tries<3",
    "payload.task.tries>100,2",
    '-payload.task.tries>"2"',
    "-payload.task.tries~3",
    "payload.task.ratio=0.5",
    "payload.task.ratio=5e-1",
    "payload.task.open=false",
    "-payload.task.open=0",
    "payload.task.open!=0",
    "-payload.task.open<1",
    "payload.task.owner=null",
    '-payload.task.owner="null"',
    "-payload.task.owner!=null",
    "payload.task!=1",
    "-payload.task=null",
    "-payload.task.gone=null",
    "-payload.task.gone!=1",
    "-payload.task.gone.deeper~x",
    "-payload.task.status.deeper=1",
    "-payload.gone=1",
    "payload.big=123456789012345678901234567890",
    "-payload.big=123456789012345678901234567891",
    "payload.big>123456789012345678901234567889",
    "payload.tags.0=red",
    "payload.tags.2=7",
    "-payload.tags.3=7",
    f"-payload.tags.{'9' * 3000}=7",
    "-payload.tags.00=red",
    '-payload.tags."0"=red',
    "payload.tags.*=7",
    "payload.tags.*~Full",
    "payload.tags.*!=red",
    "-payload.tags.*=blue",
    "-payload.tags.*.x=1",
    "payload.steps.*.took>50",
    "payload.steps.1.name=build",
    "-payload.steps.*.took>99",
    "payload.task.0=zero",
    'payload.task."0"=zero',
    'payload."a.b"."*"=star',
    '-payload."a.b".*=star',
    '-payload.a.b."*"=star',
    'payload."Größe"=ÜBER',
    "payload.Größe=ÜBER",
    'payload.path="C:\\\\new \\"x\\""',
    'payload.""=nameless',
    'type:agent.# source:worker payload.tags.*=7 "disk full" -is:invalid',
]


@pytest.mark.parametrize("text", HOLDS)
def test_it_holds(text: str) -> None:
    assert read(text).predicate()(STORED)
    if text:
        assert all(not parse(str(_turned(term)), now=NOON).predicate()(STORED) for term in read(text).terms)


def _turned(term: Term) -> Filter:
    return Filter((replace(term, negated=not term.negated),))


def test_without_correlation_nothing_correlates() -> None:
    assert not read(f"correlation:{ONE}").predicate()(event())
    assert read(f"-correlation:{ONE}").predicate()(event())


def test_stored_since_is_not_event_time() -> None:
    late = event(time=NOON - 86_400_000_000, stored_at=NOON)
    assert read("stored-since:1m").predicate()(late)
    assert not read("since:1m").predicate()(late)
    assert not read("stored-since:2026-02-12T12:00:00.000001Z").predicate()(late)


def test_invalid_is_stored_with_violations() -> None:
    holds = read("is:invalid").predicate()
    assert holds(event(violations=b'[{"path":"","message":"x"}]'))
    assert not holds(event(violations=b"[]"))
    assert not holds(event(violations=None))


def test_replayed_is_published_for_a_replay() -> None:
    replayed = event(source={"service": "worker", "replay_id": str(TWO)})
    escaped = event(body=b'{"source": {"\\u0072eplay_id": "x"}, "payload": {}}')
    elsewhere = event({"replay_id": "x"})
    holds = read("is:replayed").predicate()
    assert [holds(one) for one in (replayed, escaped, elsewhere, event())] == [True, True, False, False]
    either = read("is:invalid,replayed").predicate()
    assert either(replayed)
    assert either(event(violations=b'[{"path":"","message":"x"}]'))
    assert not either(event())


def test_columns_are_asked_before_the_body_is_touched() -> None:
    broken = event(body=b"agent, worker, but not JSON")
    for text in ('payload.x=1 "a b" type:other.thing', "a source:x", "is:replayed until:1d", "payload.x=1 is:invalid"):
        assert not read(text).predicate()(broken)
    assert read("-source:x agent worker").predicate()(broken)


def test_the_body_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = []

    def counted(body: bytes) -> Any:
        bodies.append(body)
        return json.loads(body)

    holds = read("payload.task.tries=3 payload.tags.*=7 red -blue took is:replayed,invalid").predicate()
    everything = read("payload.task.tries=3 payload.tags.*=7 red -blue took -is:replayed").predicate()
    monkeypatch.setattr(jsontext, "parse", counted)
    monkeypatch.setattr(orjson, "loads", counted)
    assert everything(STORED)
    assert len(bodies) == 1
    assert not holds(STORED)
    assert len(bodies) == 1


@pytest.mark.parametrize("integer", [2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**40, 10**18])
def test_integers_are_compared_to_the_last_digit(integer: int) -> None:
    stored = event({"n": integer})
    assert read(f"payload.n={integer} {abs(integer)}").predicate()(stored)
    assert read(f"payload.n>{integer - 1} payload.n<{integer + 1} -payload.n={integer - 1}").predicate()(stored)


def test_a_predicate_serves_any_number_of_events() -> None:
    holds = read("type:a.* payload.x=1 word").predicate()
    found = [holds(event({"x": n, "t": "a word"}, event_type=name)) for n in (1, 2) for name in ("a.b", "b.b")]
    assert found == [True, False, False, False]


def test_hostile_payloads() -> None:
    deep: Any = "bottom"
    for level in range(190):
        deep = [deep] if level % 2 else {"k": deep}
    assert read("bottom").predicate()(event({"deep": deep}))
    path = "deep" + "".join(".*" if level % 2 else ".k" for level in reversed(range(190)))
    assert read(f"payload.{path}=bottom").predicate()(event({"deep": deep}))
    long = event({"text": "a " * 500_000})
    assert not read('"' + "a " * 1900 + 'b"').predicate()(long)
    assert read('"' + "a " * 1900 + '"').predicate()(long)
    wide = event({"w": [[[1] * 64] * 64] * 64})
    assert not read("payload.w.*.*.*=2 ").predicate()(wide)


# Words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("snake_case and kebab-case", ["snake", "case", "and", "kebab", "case"]),
        ("x1.5e10", ["x1", "5e10"]),
        ("Straße ǅ ﬁ", ["strasse", "ǆ", "fi"]),
        ("İstanbul", ["i", "stanbul"]),
        ("a\u0301 á", ["á", "á"]),
        ("²½ Ⅷ", ["²½", "ⅷ"]),
        ("naïve🎉done\0end", ["naïve", "done", "end"]),
    ],
)
def test_tokens(text: str, words: list[str]) -> None:
    assert tokens(text) == words


def test_tokens_of_tokens_are_the_same_for_every_character() -> None:
    for point in range(sys.maxunicode + 1):
        if not 0xD800 <= point <= 0xDFFF:
            found = tokens(chr(point))
            assert tokens(" ".join(found)) == found, hex(point)


@settings(deadline=None)
@given(st.text())
def test_tokens_of_tokens_are_the_same(text: str) -> None:
    found = tokens(text)
    assert tokens(" ".join(found)) == found
    assert all(letter.isalnum() for word in found for letter in word)
    assert tokens(unicodedata.normalize("NFD", text)) == tokens(unicodedata.normalize("NFC", text))


def test_texts_of_an_event() -> None:
    payload: dict[str, Any] = {"a": ["x", {"b": 1.5}], "c": None, "d": True, "e": [], "f": {}, "g": 10**30}
    expected = ["t.u", "s", "a", "x", "b", "1.5", "c", "d", "true", "e", "f", "g", str(10**30)]
    assert list(texts("t.u", "s", payload)) == expected


LETTERS = st.text(alphabet=st.sampled_from('aAbeE1 0.-_\n"\\éÉßſKİ日\u0301'), max_size=8)
SCALARS = LETTERS | st.booleans() | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3), max_leaves=8
)


@settings(deadline=None)
@given(
    words=LETTERS | st.sampled_from(["true", "1e", "10", "s", "k", "ss"]),
    payload=st.dictionaries(LETTERS, VALUES, max_size=4),
    escape=st.booleans(),
)
@example(words="k", payload={"x": "\u212a"}, escape=True)
@example(words="k", payload={"x": "\u212a"}, escape=False)
@example(words="100000", payload={"x": 1e5}, escape=False)
@example(words="1e16", payload={"x": 1e16}, escape=False)
def test_a_phrase_is_found_exactly_where_its_words_stand_together(
    words: str, payload: dict[str, Any], escape: bool
) -> None:
    wanted = tokens(words)
    if not wanted:
        return
    document = {"event_type": "x.y", "source": {"service": "z"}, "payload": payload}
    stored = event(body=json.dumps(document, ensure_ascii=escape).encode(), event_type="x.y", source={"service": "z"})
    expected = any(_stands_in(wanted, tokens(text)) for text in texts("x.y", "z", payload))
    assert Filter((WordTerm(tuple(wanted)),)).predicate()(stored) is expected


def _stands_in(wanted: list[str], words: list[str]) -> bool:
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))
