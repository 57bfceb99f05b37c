"""Generated Zod schemas of the shipped contracts and of small ones."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields.dialects import decider
from godtui.holyfields.generate.collecting import collect
from godtui.holyfields.generate.collection import Collection
from godtui.holyfields.generate.refusals import RefusedError
from godtui.holyfields.generate.typescript import emit
from tests.holyfields.generate.zod import Question, faults_of_types, verdicts, write

SHIPPED = Path(__file__).parents[3] / "schemas"
TYPE = "test.thing.tried"
OTHERS = [
    None,
    True,
    0,
    -1,
    1.0,
    1.5,
    2**40,
    "",
    "x",
    "😀",
    "v1",
    "2026-01-01T00:00:00Z",
    [],
    [None],
    [1, 1],
    {},
    {"a": 1},
]


def _collection(folder: Path, *schemas: Any) -> Collection:
    for number, schema in enumerate(schemas):
        path = folder / "test" / f"thing.tried{'' if number == 0 else f'.v{number + 1}'}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema))
    return collect(folder)


def _rules(collection: Collection, schema: Any) -> Any:
    definitions = {key: one.schema for key, one in collection.definitions.items()}
    return decider({"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions, "allOf": [schema]})


def _agree(folder: Path, schema: Any, documents: list[Any]) -> list[bool]:
    """The verdicts of Zod, which are those of the bus."""
    collection = _collection(folder / "in", schema)
    write(folder / "out", emit(collection))
    rules = _rules(collection, collection.payloads[0].schema)
    answers = verdicts(folder / "out", [Question("", TYPE, document) for document in documents])
    for document, answer in zip(documents, answers, strict=True):
        assert answer == rules.is_valid(document), document
    return answers


def _refusal(folder: Path, schema: Any) -> str:
    with pytest.raises(RefusedError) as told:
        emit(_collection(folder, {"type": "object", "properties": {"value": schema}}))
    return str(told.value)


def _mutated(document: Any, chance: random.Random) -> Iterator[Any]:
    """Documents one change away, at every place."""
    yield from chance.sample(OTHERS, 4)
    if isinstance(document, dict):
        yield {**document, chance.choice(["more", "__proto__", "constructor"]): chance.choice(OTHERS)}
        for name, value in document.items():
            yield {other: one for other, one in document.items() if other != name}
            for changed in _mutated(value, chance):
                yield {**document, name: changed}
    elif isinstance(document, list):
        yield [*document, chance.choice(OTHERS)]
        for index, item in enumerate(document):
            yield document[:index] + document[index + 1 :]
            for changed in _mutated(item, chance):
                yield [*document[:index], changed, *document[index + 1 :]]


def test_shipped_contracts_are_clean_under_strict_types(tmp_path: Path) -> None:
    assert faults_of_types(write(tmp_path, emit(collect(SHIPPED)))) == ""


def test_a_fault_of_types_would_be_seen(tmp_path: Path) -> None:
    files = emit(collect(SHIPPED))
    files["index.ts"] += "export const wrong: string = EVENTS;\n"
    assert "TS2322" in faults_of_types(write(tmp_path, files))


def test_shipped_contracts_judge_as_the_bus_does(tmp_path: Path) -> None:
    chance = random.Random(1)
    collection = collect(SHIPPED)
    write(tmp_path, emit(collection))
    questions, expected = [], []
    for payload in collection.payloads:
        rules = _rules(collection, payload.schema)
        written = json.loads((SHIPPED / payload.file).read_text())
        for example in written["examples"]:
            for document in (example, *_mutated(example, chance)):
                questions.append(Question("", payload.event_type, document))
                expected.append(rules.is_valid(document))
    assert 100 < sum(expected) < len(expected) - 100
    for question, answer, wanted in zip(questions, verdicts(tmp_path, questions), expected, strict=True):
        assert answer == wanted, question


def test_types_are_inferred(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "maxLength": 3},
            "mode": {"enum": ["on", "off"]},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "items": False},
            "next": {"$ref": "#"},
            "either": {"oneOf": [{"type": "string"}, {"type": "boolean"}]},
            "both": {"allOf": [{"type": "object", "properties": {"x": {"type": "null"}}, "required": ["x"]}]},
        },
        "required": ["id"],
        "additionalProperties": False,
    }
    files = emit(_collection(tmp_path / "in", schema))
    files["events/use.ts"] = """import type { TestThingTried as Thing } from "../index.js";
export const good: Thing = { id: "a", mode: "on", pair: ["a", 1], either: true, both: { x: null } };
// @ts-expect-error an id is a text
export const number: Thing = { id: 1 };
// @ts-expect-error a mode is one of two
export const mode: Thing = { id: "a", mode: "of" };
// @ts-expect-error an id is required
export const none: Thing = {};
// @ts-expect-error nothing else may be there
export const more: Thing = { id: "a", other: 1 };
// @ts-expect-error optional is not nullable
export const empty: Thing = { id: "a", mode: null };
// @ts-expect-error the next is a thing
export const next: Thing = { id: "a", next: { id: 1 } };
"""
    assert faults_of_types(write(tmp_path / "out", files)) == ""


def test_names_that_every_object_has_in_javascript(tmp_path: Path) -> None:
    text = {"type": "string"}
    schema = {
        "type": "object",
        "properties": {"__proto__": text, "constructor": text, "a-b": text, "class": text},
        "required": ["toString"],
        "additionalProperties": {"type": "number"},
    }
    names = ("__proto__", "constructor", "a-b", "class", "more")
    documents = [
        {},
        {"toString": 1},
        {"toString": "x"},
        *({"toString": 1, name: value} for name in names for value in (1, "x")),
    ]
    assert _agree(tmp_path, schema, documents).count(True) == 6


def test_members_called_proto_count(tmp_path: Path) -> None:
    item = {"type": "object"}
    schema = {
        "type": "object",
        "properties": {
            "many": {"type": "array", "items": item, "uniqueItems": True},
            "one": {**item, "minProperties": 1},
        },
        "additionalProperties": {"type": "boolean"},
    }
    documents: list[Any] = [
        {"many": [{"__proto__": 1}, {"__proto__": 2}]},
        {"many": [{"__proto__": 1}, {"__proto__": 1.0}]},
        {"one": {"__proto__": 1}},
        {"__proto__": 1},
        {"__proto__": True},
    ]
    assert _agree(tmp_path, schema, documents) == [True, False, True, False, True]


def test_numbers_are_exact_in_decimals(tmp_path: Path) -> None:
    numbers = [0, -0.0, 0.1, 0.3, 0.7, 1.1, 19.99, 1e22, 1e300, 1e-7, 3e-7, 12.5, -0.3, 1e16, 123456789.01, 2**53]
    for index, divisor in enumerate((0.1, 0.01, 1e-8, 3, 2.5, 7, 1e-300)):
        schema = {"type": "object", "properties": {"value": {"type": "number", "multipleOf": divisor}}}
        _agree(tmp_path / str(index), schema, [{"value": number} for number in numbers])


def test_bounds_are_exact_wherever_a_double_is(tmp_path: Path) -> None:
    wanted = {
        "minimum": (False, True, True),
        "maximum": (True, True, False),
        "exclusiveMinimum": (False, False, True),
        "exclusiveMaximum": (True, False, False),
    }
    members, documents = {}, []
    verdicts: list[bool] = []
    for number, bound in enumerate([1e20, 10**20, -1e300, 2**53, 2.5e17, 1e-7]):
        near = [math.nextafter(bound, -math.inf), float(bound), math.nextafter(bound, math.inf)]
        for keyword, answers in wanted.items():
            for name, schema in (("native", {"type": "number", keyword: bound}), ("rule", {keyword: bound})):
                member = f"{name}{keyword}{number}"
                members[member] = schema
                documents += [{member: value} for value in near]
                verdicts += answers
    assert _agree(tmp_path, {"type": "object", "properties": members}, documents) == verdicts


def test_sizes_may_be_of_any_size(tmp_path: Path) -> None:
    sizes = {"maxLength": 1e20, "maxItems": 2**60, "maxProperties": 2**64 - 1}
    schema = {"type": "object", "properties": {"value": sizes, "few": {"minItems": 2**60 + 1}}}
    documents: list[Any] = [{"value": value} for value in ("a", [1], {"a": 1})]
    assert _agree(tmp_path, schema, [*documents, {"few": [1]}]) == [True, True, True, False]


def test_a_description_cannot_end_its_comment(tmp_path: Path) -> None:
    schema = {"type": "object", "description": "Ends */ here\nor not.", "properties": {"a": {"description": "*/ x"}}}
    assert faults_of_types(write(tmp_path / "out", emit(_collection(tmp_path / "in", schema)))) == ""


def test_the_newest_version_is_the_one_under_its_type(tmp_path: Path) -> None:
    schemas = [{"type": "object", "properties": {"a": {"const": number}}} for number in range(11)]
    files = emit(_collection(tmp_path / "in", *schemas))
    assert "testThingTriedV2Schema, type TestThingTriedV2" in files["index.ts"]
    write(tmp_path / "out", files)
    asked = [Question("", TYPE, {"a": number}) for number in range(11)]
    assert verdicts(tmp_path / "out", asked) == [False] * 10 + [True]


def test_every_contract_has_a_file_that_the_compiler_takes_for_code(tmp_path: Path) -> None:
    named = {"properties": {"event_type": {"const": "a.b.v2"}, "payload": {"type": "object", "required": ["named"]}}}
    schemas = {"x.json": named, "a/b.v2.json": {"required": ["second"]}, "a/d.made.json": {"required": ["d"]}}
    for name, schema in schemas.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema))
    write(tmp_path / "out", emit(collect(tmp_path / "in")))
    types = ("a.b.v2", "a.b", "a.d.made")
    asked = [Question("", one, {name: 1}) for one in types for name in ("named", "second", "d")]
    assert verdicts(tmp_path / "out", asked) == [True, False, False, False, True, False, False, False, True]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "integer", "maximum": 2**53 + 1}, "JavaScript cannot tell"),
        ({"type": "number", "maximum": 2**60}, "JavaScript cannot tell"),
        ({"type": "number", "maximum": 10**400}, "JavaScript cannot tell"),
        ({"type": ["integer", "null"], "maximum": 1e20}, "JavaScript cannot tell"),
        ({"const": {"a": [2**60]}}, "JavaScript cannot tell"),
        ({"enum": [1, -(2**60)]}, "JavaScript cannot tell"),
        ({"type": "string", "pattern": "^(a+)+$"}, "may take forever"),
        ({"patternProperties": {"\\bx": True}}, "not the same everywhere"),
        ({"type": "string", "format": "idn-email"}, "the format idn-email"),
        ({"not": {"format": "iri"}}, "the format iri"),
    ],
)
def test_what_cannot_be_said_is_refused_at_its_place(schema: Any, message: str, tmp_path: Path) -> None:
    told = _refusal(tmp_path, schema)
    assert told.startswith("test/thing.tried.json:1:")
    assert message in told


def test_the_same_contracts_give_the_same_files() -> None:
    assert list(emit(collect(SHIPPED)).items()) == list(emit(collect(SHIPPED)).items())
