"""Contracts in one form: the verdicts stay, references lead to definitions, what cannot be is refused by place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields.dialects import DIALECTS, decider
from godtui.holyfields.generate.collecting import collect, locate, refusal
from godtui.holyfields.generate.collection import Collection, Payload
from godtui.holyfields.generate.refusals import Refusal, RefusedError
from tests.holyfields.conftest import Files
from tests.holyfields.tools import Case, suite

Write = Callable[[Files], Path]

DRAFTS = {
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}
ELSEWHERE = ("leads out of the schema folder", "leads nowhere", "names no draft", "may lead to several schemas")
"""What the suite asks for that contracts may not do: fetch, name drafts of their own, refer by dynamic scope."""


def _joined(collection: Collection, payload: Payload) -> Any:
    """A payload's schema that stands by itself."""
    definitions = {one.key: one.schema for one in collection.definitions.values()}
    return {"allOf": [payload.schema], "$defs": definitions}


def _references(schema: Any) -> Iterator[str]:
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if isinstance(one.get("$ref"), str):
                yield one["$ref"]
            waiting += (value for name, value in one.items() if name not in ("const", "enum", "default", "examples"))
        elif isinstance(one, list):
            waiting += one


def _refused(folder: Path) -> list[Refusal]:
    with pytest.raises(RefusedError) as caught:
        collect(folder)
    return caught.value.refusals


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_official_suite_keeps_its_verdicts(draft: str, write: Write) -> None:
    tried, wrong, refused = 0, [], []
    for text, cases in groupby(_cases(draft), key=lambda case: json.dumps(case.schema)):
        schema = json.loads(text)
        schema = schema if isinstance(schema, dict) else {"allOf": [schema]}
        try:
            collection = collect(write({"a/b.json": {"$schema": DRAFTS[draft], **schema}}))
        except RefusedError as error:
            refused += error.refusals
            continue
        validator = decider(_joined(collection, collection.payloads[0]))
        for case in cases:
            tried += 1
            if validator.is_valid(case.data) != case.valid:
                wrong.append(case.name)
    assert not wrong
    assert all(any(reason in one.message for reason in ELSEWHERE) for one in refused)
    assert tried > 800


@pytest.mark.parametrize("draft", ["draft2019-09", "draft2020-12"])
@pytest.mark.parametrize("at", ["here", "allOf", "if"])
def test_what_contains_found_counts_as_the_bus_counts_it(draft: str, at: str, write: Write) -> None:
    found = {"contains": {"type": "string"}}
    inner = {"here": found, "allOf": {"allOf": [found]}, "if": {"if": found}}[at]
    schema = {"$schema": DRAFTS[draft], **inner, "unevaluatedItems": False}
    collection = collect(write({"a/b.json": schema}))
    generated, bus = decider(_joined(collection, collection.payloads[0])), decider(schema)
    documents: list[Any] = [[], ["a"], ["a", "b"], ["a", 1], [1]]
    verdicts = [generated.is_valid(one) for one in documents]
    assert verdicts == [bus.is_valid(one) for one in documents]
    assert True in verdicts
    assert False in verdicts


def _cases(draft: str) -> Iterator[Case]:
    """The suite's tests, but those that take formats for annotations: they are asserted here."""
    return (case for case in suite(draft) if "only an annotation by default" not in case.name)


def test_the_shipped_contracts_are_collected() -> None:
    folder = Path(__file__).parents[3] / "schemas"
    collection = collect(folder)
    assert [one.event_type for one in collection.payloads] == sorted(one.event_type for one in collection.payloads)
    keys = {f"#/$defs/{key}" for key in collection.definitions}
    used = {one for payload in collection.payloads for one in _references(payload.schema)}
    used |= {one for definition in collection.definitions.values() for one in _references(definition.schema)}
    assert used == keys
    assert list(collection.definitions) == sorted(collection.definitions)


def test_one_definition_for_one_target(write: Write) -> None:
    shared = {"$defs": {"task_ref": {"$anchor": "task", "type": "string", "description": "Its id."}}}
    by_pointer = {"$ref": "../_shared/agents.json#/$defs/task_ref"}
    collection = collect(
        write(
            {
                "_shared/agents.json": shared,
                "a/b.json": {"title": "B", "properties": {"one": by_pointer}},
                "a/c.json": {"properties": {"two": {"$ref": "../_shared/agents.json#task", "maxLength": 3}}},
            }
        )
    )
    (definition,) = collection.definitions.values()
    assert definition.key == "task_ref"
    assert definition.name == ("task", "ref")
    assert definition.schema == {"type": "string", "description": "Its id."}
    assert (definition.file, definition.pointer) == ("_shared/agents.json", "/$defs/task_ref")
    first, second = collection.payloads
    assert first.title == "B"
    assert first.schema["properties"] == {"one": {"$ref": "#/$defs/task_ref"}}
    assert second.schema["properties"] == {"two": {"$ref": "#/$defs/task_ref", "maxLength": 3}}


def test_recursion_is_a_circle_of_keys(write: Write) -> None:
    collection = collect(write({"tree/grown.json": {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}}))
    (definition,) = collection.definitions.values()
    assert definition.key == "tree_grown"
    assert set(_references(definition.schema)) == {"#/$defs/tree_grown"}
    assert collection.payloads[0].schema == definition.schema


def test_versions_in_order(write: Write) -> None:
    files = {f"a/b.v{number}.json": {} for number in (10, 2, 1)}
    assert [one.version for one in collect(write(files)).payloads] == ["v1", "v2", "v10"]


def test_neither_examples_nor_annotations_are_needed(write: Write) -> None:
    (payload,) = collect(write({"a/b.json": {"examples": [3], "type": "object", "x-owner": "me"}})).payloads
    assert payload.schema == {"examples": [3], "type": "object"}


def test_values_that_look_like_references_stay(write: Write) -> None:
    schema = {"const": {"$ref": "#/nowhere"}, "properties": {"$ref": {"type": "string"}}}
    (payload,) = collect(write({"a/b.json": schema})).payloads
    assert payload.schema == schema


def test_deep_schemas(write: Write) -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(190):
        schema = {"not": schema}
    (payload,) = collect(write({"a/b.json": schema})).payloads
    assert payload.schema == schema


@pytest.mark.parametrize(
    ("draft", "schema", "pointer", "message"),
    [
        ("draft7", {"dependentRequired": {}}, "/dependentRequired", "decides nothing in this draft"),
        ("draft7", {"properties": {"a": {"prefixItems": [True]}}}, "/properties/a/prefixItems", "decides nothing"),
        ("draft7", {"contentEncoding": "base64"}, "/contentEncoding", "name draft 2020-12"),
        ("draft2020-12", {"dependencies": {}, "dependentRequired": {}}, "/dependencies", "beside its successors"),
        ("draft2020-12", {"additionalItems": False}, "/additionalItems", "decides nothing in this draft"),
        ("draft2020-12", {"properties": {"a": {"$ref": "#/$defs/b"}}}, "/properties/a/$ref", "leads nowhere"),
        ("draft2020-12", {"$ref": "https://example.com/x.json"}, "/$ref", "nothing is fetched"),
    ],
)
def test_refused_by_place(draft: str, schema: Any, pointer: str, message: str, write: Write) -> None:
    folder = write({"a/b.json": {"$schema": DRAFTS[draft], **schema}, "a/c.json": {}})
    (refused,) = _refused(folder)
    assert (refused.file, refused.pointer) == ("a/b.json", pointer)
    assert message in refused.message
    assert refused.line is not None
    assert refused.line > 1
    assert str(refused).startswith(f"a/b.json:{refused.line}:{refused.column} ")


def test_a_dynamic_reference_to_one_place_is_a_plain_one(write: Write) -> None:
    node = {"$dynamicAnchor": "node", "properties": {"next": {"$dynamicRef": "#node"}}}
    collection = collect(write({"a/b.json": node, "a/c.json": node}))
    assert list(collection.definitions) == ["a_b", "a_c"]
    assert collection.definitions["a_c"].schema["properties"] == {"next": {"$ref": "#/$defs/a_c"}}


def test_a_dynamic_reference_to_several_places_is_refused(write: Write) -> None:
    node = {"$dynamicAnchor": "node", "properties": {"next": {"$dynamicRef": "#node"}}}
    strict = {"$dynamicAnchor": "node", "$ref": "../_shared/node.json", "unevaluatedProperties": False}
    (refused,) = _refused(write({"_shared/node.json": node, "a/b.json": strict}))
    assert (refused.file, refused.pointer) == ("_shared/node.json", "/properties/next/$dynamicRef")
    assert "write $ref to the one that is meant" in refused.message


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"allOf": [{"not": {"if": {"$ref": "#"}}}]},
    ],
)
def test_circles_that_say_nothing_are_refused(schema: Any, write: Write) -> None:
    refused = _refused(write({"a/b.json": schema}))
    assert all("refers to itself" in one.message for one in refused)


def test_every_fault_of_every_file_is_told(write: Write) -> None:
    refused = _refused(write({"a/b.json": "{", "a/c.json": {"type": 3}, "a/d.json": {"$ref": "b.json"}}))
    assert {one.file for one in refused} == {"a/b.json", "a/c.json"}


def test_places_are_those_of_the_file_as_written(write: Write) -> None:
    schema = {
        "$schema": DRAFTS["draft7"],
        "definitions": {"pair": {"items": [{"type": "string"}], "additionalItems": {"pattern": "x"}}},
        "properties": {"pair": {"$ref": "#/definitions/pair"}},
        "dependencies": {"pair": {"required": ["a"]}},
    }
    collection = collect(write({"a/b.json": schema}))
    assert locate(collection, "pair", "/items/pattern")[:2] == (
        "a/b.json", "/definitions/pair/additionalItems/pattern",
    )  # fmt: skip
    assert locate(collection, "pair", "/prefixItems/0/type").pointer == "/definitions/pair/items/0/type"
    place = locate(collection, "a/b.json", "/dependentSchemas/pair/required")
    assert place.pointer == "/dependencies/pair/required"
    refused = refusal(collection, "a/b.json", "/dependentSchemas/pair/required", "cannot be")
    lines = json.dumps(schema, indent=2).splitlines()
    assert lines[(place.line or 0) - 1][(place.column or 0) - 1 :].startswith('"required"')
    assert str(refused) == f"a/b.json:{place.line}:{place.column} cannot be"


def test_dialects_are_all_tried() -> None:
    assert {one.removesuffix("#") for one in DRAFTS.values()} == set(DIALECTS)


def test_an_envelope_gives_the_payload_of_each_type_it_names(write: Write) -> None:
    envelope = {
        "title": "Envelope",
        "description": "What is said of agents.",
        "properties": {
            "event_type": {"enum": ["agent.made", "agent.lost"]},
            "payload": {"type": "object", "properties": {"agent": {"$ref": "#/$defs/agent"}}},
        },
        "$defs": {"agent": {"type": "string", "pattern": "^a"}},
    }
    collection = collect(write({"events/agent.json": envelope}))
    assert [one.event_type for one in collection.payloads] == ["agent.lost", "agent.made"]
    for payload in collection.payloads:
        assert payload.description == "What is said of agents."
        assert payload.schema == {"type": "object", "properties": {"agent": {"$ref": "#/$defs/agent"}}}
    place = locate(collection, "events/agent.json", "/properties/agent")
    assert place.pointer == "/properties/payload/properties/agent"


def test_what_an_envelope_s_base_says_of_the_payload_holds_too(write: Write) -> None:
    base = {"properties": {"payload": {"required": ["agent"]}}}
    envelope = {
        "allOf": [{"$ref": "../_shared/base.json"}],
        "properties": {"event_type": {"const": "agent.made"}, "payload": {"properties": {"agent": {"type": "string"}}}},
    }
    collection = collect(write({"_shared/base.json": base, "agent/made.json": envelope}))
    (payload,) = collection.payloads
    validator = decider(_joined(collection, payload))
    assert [validator.is_valid(one) for one in ({"agent": "a"}, {"agent": 1}, {})] == [True, False, False]
    (at,) = (index for index, one in enumerate(payload.schema["allOf"]) if "required" in one)
    place = locate(collection, "agent/made.json", f"/allOf/{at}/required")
    assert place[:2] == ("_shared/base.json", "/properties/payload/required")
