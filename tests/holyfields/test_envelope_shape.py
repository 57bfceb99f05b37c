"""Schemas that describe the envelope: they are contracts of the types they name, judged on their payload."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godtui.holyfields import Registry, SchemaFault

Load = Callable[[dict[str, Any]], Registry]
Faults = Callable[[dict[str, Any]], list[SchemaFault]]
Write = Callable[[dict[str, Any]], Path]

DRAFT7 = "http://json-schema.org/draft-07/schema#"
NEEDS_Q = {"type": "object", "properties": {"q": {"type": "integer"}}, "required": ["q"]}
BASE = {
    "title": "Base event",
    "type": "object",
    "properties": {
        "event_id": {"type": "string", "format": "uuid"},
        "event_type": {"type": "string"},
        "payload": {"type": "object"},
    },
    "required": ["event_id", "event_type", "payload"],
}


def envelope(event_type: Any, payload: Any, **more: Any) -> dict[str, Any]:
    """A schema of the envelope of one type, or of a list of types."""
    key = "enum" if isinstance(event_type, list) else "const"
    properties = {"event_type": {key: event_type}, "payload": payload, **more.pop("properties", {})}
    return {"type": "object", "properties": properties, **more}


def test_the_constant_is_the_type_whatever_the_file_is_called(load: Load) -> None:
    held = load({"Some Folder/x.schema.json": envelope("agent.task.completed", NEEDS_Q), "a/b.json": NEEDS_Q})
    assert held.types() == ["a.b", "agent.task.completed"]
    contract = held.contract("agent.task.completed")
    assert (contract.file, contract.version) == ("Some Folder/x.schema.json", "v1")
    assert contract.schema == NEEDS_Q
    assert contract.valid({"q": 1})
    assert not contract.valid({"event_type": "agent.task.completed", "payload": {"q": 1}})
    assert [(fault.path, fault.keyword) for fault in contract.faults({"q": "x"})] == [("/payload/q", "type")]


def test_an_enum_names_several_types(load: Load) -> None:
    held = load({"any.json": envelope(["a.b", "a.c", "a.b"], NEEDS_Q)})
    assert held.types() == ["a.b", "a.c"]
    assert not held.valid("a.c", None, {})


@pytest.mark.parametrize(
    ("path", "version", "expected"),
    [
        ("x.json", {"const": "v3"}, "v3"),
        ("x.v2.json", {"const": "v3"}, "v3"),
        ("x.v2.json", {"const": "1.0.0"}, "v2"),
        ("x.v2.json", {"type": "string"}, "v2"),
        ("x.v0.json", {"const": 2}, "v1"),
        ("x.json", True, "v1"),
    ],
)
def test_the_version_is_its_constant_or_the_paths(load: Load, path: str, version: Any, expected: str) -> None:
    held = load({path: envelope("a.b", {}, properties={"version": version})})
    assert held.versions("a.b") == (expected,)


@pytest.mark.parametrize(
    ("one", "other"), [("a/b.json", "Z.json"), ("first.json", "second.json"), ("_x/../a/b.json", "other/c.json")]
)
def test_two_files_of_one_type_are_a_fault_that_names_both(faults: Faults, one: str, other: str) -> None:
    (fault,) = faults({one: envelope("a.b", {}), other: envelope(["c.d", "a.b"], {})})
    first, second = sorted([one.replace("_x/../", ""), other])
    assert (fault.file, fault.pointer) == (second, "/properties/event_type")
    assert fault.message == f"a.b v1 is also in {first}; keep one of the two files"


def test_an_envelope_and_a_payload_of_one_type_clash(faults: Faults) -> None:
    (fault,) = faults({"a/b.json": NEEDS_Q, "z.json": envelope("a.b", NEEDS_Q)})
    assert (fault.file, fault.line) == ("z.json", 4)
    assert "also in a/b.json" in fault.message


@pytest.mark.parametrize(
    ("event_type", "pointer"),
    [
        ("Nope", "/properties/event_type/const"),
        (3, "/properties/event_type/const"),
        (["a.b", "A.b"], "/properties/event_type/enum/1"),
        ([], "/properties/event_type/enum"),
    ],
)
def test_a_constant_that_is_no_event_type_is_pointed_at(faults: Faults, event_type: Any, pointer: str) -> None:
    (fault,) = faults({"x.json": envelope(event_type, {}), "a/c.json": {}})
    assert (fault.file, fault.pointer) == ("x.json", pointer)


SAYS_MORE = {"properties": {"payload": NEEDS_Q}}
REFERRING: dict[str, dict[str, Any]] = {
    "definitions of the file": envelope("a.b", {"$ref": "#/$defs/k"}, **{"$defs": {"k": NEEDS_Q, "l": {}}}),
    "definitions of definitions": envelope(
        "a.b", {"allOf": [{"$ref": "#/$defs/k"}]}, **{"$defs": {"k": {"$ref": "#/$defs/l"}, "l": NEEDS_Q}}
    ),
    "draft-07": envelope("a.b", {"$ref": "#/definitions/k"}, **{"$schema": DRAFT7, "definitions": {"k": NEEDS_Q}}),
    "an anchor": envelope("a.b", {"$ref": "#k"}, **{"$defs": {"x": {"$anchor": "k", **NEEDS_Q}}}),
    "elsewhere in the envelope": envelope("a.b", {"$ref": "#/properties/source"}, properties={"source": NEEDS_Q}),
    "an address in the file": envelope("a.b", {"$ref": "urn:k"}, **{"$defs": {"k": {"$id": "urn:k", **NEEDS_Q}}}),
    "a dynamic anchor": envelope("a.b", {"$dynamicRef": "#n"}, **{"$defs": {"k": {"$dynamicAnchor": "n", **NEEDS_Q}}}),
    "within the payload": envelope(
        "a.b", {"$defs": {"k": NEEDS_Q}, "allOf": [{"$ref": "#/properties/payload/$defs/k"}]}
    ),
    "itself by name": envelope("a.b", {"$ref": "x.json#/$defs/k"}, **{"$defs": {"k": NEEDS_Q}}),
    "another file": envelope("a.b", {"$ref": "_s.json#/$defs/k"}),
    "a name to be escaped": envelope("a.b", {"$ref": "#/$defs/k~1%20l"}, **{"$defs": {"k/ l": NEEDS_Q}}),
    "both kinds of definitions": envelope(
        "a.b",
        {"allOf": [{"$ref": "#/$defs/k"}, {"$ref": "#/properties/payload/$defs/k"}], "$defs": {"k": {}}},
        **{"$defs": {"k": NEEDS_Q}},
    ),
    "a base that says more": envelope("a.b", {"type": "object"}, allOf=[{"$ref": "_base.json"}]),
    "a base by definition": envelope("a.b", {}, **{"$ref": "#/$defs/k", "$defs": {"k": SAYS_MORE}}),
    "a part of its own that says more": envelope("a.b", {}, allOf=[{"properties": {"payload": NEEDS_Q}}]),
}
SHARED = {"_s.json": {"$defs": {"k": NEEDS_Q}}, "_base.json": SAYS_MORE}


@pytest.mark.parametrize("schema", REFERRING.values(), ids=REFERRING.keys())
def test_the_schema_stands_by_itself_and_judges_the_same(load: Load, schema: dict[str, Any]) -> None:
    contract = load({"x.json": schema, **SHARED}).contract("a.b")
    files = [(f"https://e.invalid/{path}", document) for path, document in contract.references.items()]
    alone = jsonschema_rs.validator_for(
        contract.schema, base_uri="https://e.invalid/x.json", registry=jsonschema_rs.Registry(files)
    )
    for payload, expected in (({"q": 1}, True), ({}, False), ({"q": "1"}, False)):
        assert contract.valid(payload) is expected
        assert alone.is_valid(payload) is expected
        assert bool(contract.faults(payload)) is not expected


def test_a_recursive_payload_stays_so(load: Load) -> None:
    tree = {"type": "object", "properties": {"child": {"$ref": "#/$defs/tree"}}, "additionalProperties": False}
    contract = load({"x.json": envelope("a.b", {"$ref": "#/$defs/tree"}, **{"$defs": {"tree": tree}})}).contract("a.b")
    assert contract.valid({"child": {"child": {}}})
    assert not contract.valid({"child": {"child": {"x": 1}}})
    assert contract.schema == {"$ref": "#/$defs/tree", "$defs": {"tree": tree}}


def test_a_closed_payload_of_a_closed_envelope(load: Load) -> None:
    schema = envelope("a.b", {**NEEDS_Q, "additionalProperties": False}, additionalProperties=False)
    contract = load({"x.json": {**schema, "allOf": [{"$ref": "Base.json"}]}, "Base.json": BASE}).contract("a.b")
    assert contract.valid({"q": 1})
    assert not contract.valid({"q": 1, "r": 1})


def test_a_foreign_base_and_its_definitions_are_no_contracts(load: Load) -> None:
    payload = {"$ref": "../common/ids.json#/$defs/k"}
    held = load(
        {
            "events/b.json": envelope("a.b", payload, allOf=[{"$ref": "../common/base.json"}]),
            "common/base.json": {**BASE, "allOf": [{"$ref": "../Types.json"}]},
            "common/ids.json": {"$defs": {"k": NEEDS_Q}},
            "Types.json": {"title": "Types"},
            "own/event.json": NEEDS_Q,
        }
    )
    assert held.types() == ["a.b", "own.event"]


def test_a_payload_that_is_another_types_schema_takes_it_from_nobody(load: Load) -> None:
    held = load({"x.json": envelope("a.b", {"$ref": "own/event.json"}), "own/event.json": NEEDS_Q})
    assert held.types() == ["a.b", "own.event"]
    assert not held.valid("a.b", None, {})


@pytest.mark.parametrize("keyword", ["if", "not", "anyOf", "patternProperties"])
def test_what_would_not_be_heard_is_refused(faults: Faults, keyword: str) -> None:
    said: Any = {"properties": {"payload": {"required": ["z"]}}}
    value = {"anyOf": [said], "patternProperties": {"^p": said}}.get(keyword, said)
    (fault,) = faults({"x.json": envelope("a.b", {}, **{keyword: value})})
    assert (fault.file, fault.pointer, fault.code) == ("x.json", f"/{keyword}", "payload-elsewhere")


def test_examples_and_titles_are_the_payloads(load: Load) -> None:
    schema = envelope(
        "a.b", {**NEEDS_Q, "examples": [{"q": 1}]}, title="Of all", examples=[{"payload": {"q": 2}}, "odd"]
    )
    contract = load({"x.json": schema}).contract("a.b")
    assert contract.examples == [{"q": 1}, {"q": 2}]
    assert contract.title == "Of all"


def test_a_payload_may_be_anything_or_nothing(load: Load) -> None:
    held = load({"x.json": envelope("a.b", True), "y.json": envelope("a.c", False)})
    assert held.valid("a.b", None, {"x": 1})
    assert not held.valid("a.c", None, {})
    assert (held.contract("a.b").schema, held.contract("a.c").schema) == ({}, {"not": {}})


def test_a_payload_that_has_such_members_itself_is_a_payload(load: Load) -> None:
    held = load({"a/b.json": {"properties": {"event_type": {"type": "string"}, "payload": NEEDS_Q}}})
    assert held.valid("a.b", None, {"payload": {"q": 1}})
    assert not held.valid("a.b", None, {"payload": {}})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["string", "integer", "null"])),
    st.sets(st.sampled_from("abc")),
    st.dictionaries(st.sampled_from("abcd"), st.one_of(st.integers(), st.text(max_size=2), st.none())),
)
def test_both_shapes_judge_alike(
    write: Write, types: dict[str, str], required: set[str], payload: dict[str, Any]
) -> None:
    schema = {"properties": {name: {"type": kind} for name, kind in types.items()}, "required": sorted(required)}
    held = Registry.load(write({"ours/b.json": schema, "theirs.json": envelope("theirs.b", schema)}))
    assert held.valid("ours.b", None, payload) is held.valid("theirs.b", None, payload)
    assert held.faults("ours.b", None, payload) == held.faults("theirs.b", None, payload)
