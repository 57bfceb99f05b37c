"""A collection as others write them, with its faults, and folders of random files: reported, never crashed on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godtui.holyfields import Registry, SchemaFault, SchemaFolderError
from godtui.holyfields.lint import CODES, FAULTS, Finding, lint

Write = Callable[[dict[str, Any]], Path]

DRAFT7 = "http://json-schema.org/draft-07/schema#"
IDENTITY = "019491c4-1234-7abc-8def-0123456789ab"


def event(event_type: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A schema in the manner of the collection: an envelope built on a shared base, and closed."""
    return {
        "$schema": DRAFT7,
        "$id": f"https://33god.example/schemas/{event_type}.v1.json",
        "title": event_type,
        "description": f"Somebody says {event_type}.",
        "allOf": [{"$ref": "../common/base_event.v1.json"}],
        "properties": {"event_type": {"const": event_type}, "version": {"const": "1.0.0"}, "payload": payload},
        "required": ["event_type", "payload"],
        "additionalProperties": False,
        **more,
    }


BASE: dict[str, Any] = {
    "$schema": DRAFT7,
    "title": "BaseEvent",
    "type": "object",
    "properties": {
        "event_id": {"type": "string", "format": "uuid", "description": "Its id."},
        "event_type": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time", "description": "When."},
        "source": {"$ref": "types.json#/definitions/source"},
        "payload": {"type": "object"},
    },
    "required": ["event_id", "event_type", "timestamp"],
}
TYPES = {"definitions": {"source": {"type": "object"}, "id": {"type": "string", "format": "uuid"}}}
TASK = {
    "type": "object",
    "properties": {
        "taskId": {"$ref": "../common/types.json#/definitions/id"},
        "msg": {"type": "string", "description": "What is to be done."},
        "size": {"type": "integer"},
    },
    "required": ["taskId"],
}
EXAMPLE = {
    "event_id": IDENTITY,
    "event_type": "agent.task.create",
    "timestamp": "2026-02-12T14:02:11Z",
    "version": "1.0.0",
    "payload": {"taskId": IDENTITY},
}
COLLECTION: dict[str, Any] = {
    "common/base_event.v1.json": BASE,
    "common/types.json": TYPES,
    "agent/task.create.v1.schema.json": event("agent.task.create", TASK, examples=[EXAMPLE]),
    "agent/task.closed.v1.schema.json": event("agent.task.closed", {"$ref": "../common/task.json"}),
    "agent/task.moved.v1.schema.json": event("agent.task.moved", {"$ref": "https://33god.example/move.json"}),
    "agent/copy.json": event("agent.task.create", TASK),
    "voice/said.json": event("voice.said", {"type": "object", "properties": {"text": {"$ref": "#/definitions/no"}}}),
    "voice/bad.json": event("Voice Bad", {"type": "objekt"}),
    "voice/cut.json": '{"title": "cut off", ',
    "package.json": {"name": "schemas", "version": "1.0.0", "description": "Not a schema at all."},
}
SOUND = {path: COLLECTION[path] for path in ("common/base_event.v1.json", "common/types.json")}


def found_in(findings: list[Finding], file: str) -> set[tuple[str, str]]:
    return {(one.code, one.pointer) for one in findings if one.file == file}


def faults_of(root: Path) -> list[SchemaFault]:
    """What keeps a folder from being loaded; nothing where it can be."""
    try:
        Registry.load(root)
    except SchemaFolderError as error:
        return error.faults
    return []


def test_a_foreign_collection_is_reported(write: Write) -> None:
    findings = lint(write(COLLECTION))
    assert found_in(findings, "agent/task.create.v1.schema.json") == {
        ("tense", "/properties/event_type/const"),
        ("version", "/properties/version/const"),
        ("case", "/properties/payload/properties/taskId"),
        ("abbreviation", "/properties/payload/properties/msg"),
        ("description", "/properties/payload/properties/size"),
        ("shadowing", "/additionalProperties"),
        ("example", "/examples/0"),
        ("id-clash", "/$id"),
        ("duplicate-type", "/properties/event_type"),
    }
    assert ("reference", "/properties/payload/$ref") in found_in(findings, "agent/task.closed.v1.schema.json")
    assert ("reference-network", "/properties/payload/$ref") in found_in(findings, "agent/task.moved.v1.schema.json")
    assert ("reference", "/properties/payload/properties/text/$ref") in found_in(findings, "voice/said.json")
    assert {("event-type", "/properties/event_type/const"), ("schema", "/properties/payload/type")} <= found_in(
        findings, "voice/bad.json"
    )
    assert [code for code, _ in found_in(findings, "voice/cut.json")] == ["json"]
    assert ("event-type", "") in found_in(findings, "package.json")


def test_the_failing_example_says_why(write: Write) -> None:
    (finding,) = (one for one in lint(write(COLLECTION)) if one.code == "example")
    assert "additional" in finding.message.lower()
    assert "event_id" in finding.message


def test_mended_and_mixed_with_ours_it_loads(write: Write) -> None:
    mended = event("agent.task.created", TASK, examples=[{**EXAMPLE, "event_type": "agent.task.created"}])
    del mended["additionalProperties"]
    ours = {"description": "It was made.", "type": "object"}
    root = write({**SOUND, "agent/task.create.v1.schema.json": mended, "own/thing.made.json": ours})
    held = Registry.load(root)
    assert held.types() == ["agent.task.created", "own.thing.made"]
    assert held.valid("agent.task.created", None, {"taskId": IDENTITY})
    assert not held.valid("agent.task.created", None, {"taskId": "none"})
    assert held.contract("agent.task.created").examples == [{"taskId": IDENTITY}]
    assert not {one.code for one in lint(root)} & set(FAULTS)


WORDS = """
properties allOf anyOf $ref $id $schema type const enum event_type payload items additionalProperties pattern examples
patternProperties $defs x-lint-ignore version not x-event-types description $anchor $dynamicRef required if format
dependentSchemas
"""
KEYWORDS = st.sampled_from(WORDS.split())
TEXT = """
#
#/ #/$defs/a #/properties/payload b.json ../a/b.json#/x ../.. https://e.org/x http://[ urn:x object string a.b a.create
(a+)+ ( tense %zz //x date
"""
TEXTS = st.sampled_from(["", "\0", DRAFT7, *TEXT.split()])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 3), TEXTS, st.just([])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(KEYWORDS, TEXTS), inner, max_size=5)
    ),
    max_leaves=14,
)
DOCUMENTS = st.dictionaries(KEYWORDS, VALUES, max_size=6)
ENVELOPES = st.builds(
    lambda kind, named, payload, more: {
        **more,
        "properties": {"event_type": {kind: named}, "payload": payload, "version": more.get("version")},
    },
    st.sampled_from(("const", "enum")),
    st.one_of(TEXTS, st.lists(TEXTS, max_size=2), VALUES),
    st.one_of(DOCUMENTS, VALUES),
    DOCUMENTS,
)
FILES = st.dictionaries(
    st.sampled_from(("a/b.json", "b.json", "_s.json", "a/c.created.json", "a/b.v2.json", "X.json")),
    st.one_of(DOCUMENTS, ENVELOPES, VALUES, st.text(max_size=8), st.binary(max_size=8)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(FILES)
def test_no_folder_is_crashed_on(tmp_path_factory: pytest.TempPathFactory, files: dict[str, Any]) -> None:
    root = tmp_path_factory.mktemp("random")
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    findings = lint(root)
    codes = {one.code for one in findings}
    assert codes <= set(CODES)
    faults = faults_of(root)
    assert {fault.code for fault in faults} <= codes
    assert faults or not codes & (set(FAULTS) - {"id-clash"})
