"""Random schemas, keywords mixed in all ways, through Zod: the verdicts of jsonschema-rs."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from godtui.holyfields.dialects import decider
from godtui.holyfields.generate.collecting import collect
from godtui.holyfields.generate.typescript import emit
from tests.holyfields.generate.zod import Question, verdicts, write

TYPES = ["string", "number", "integer", "boolean", "null", "array", "object"]
NAMES = ["a", "b", "toString", "__proto__", "ab"]
SCHEMAS = 250
DOCUMENTS = 40


def _schema(chance: random.Random, depth: int) -> Any:
    if depth == 0 or chance.random() < 0.05:
        return chance.choice([True, False, {}, {"type": chance.choice(TYPES)}, {"$ref": "#/$defs/tree"}])
    schema: dict[str, Any] = {}
    if chance.random() < 0.6:
        schema["type"] = chance.choice([chance.choice(TYPES), "object", "array", chance.sample(TYPES, 2)])
    for keyword in chance.sample(sorted(KEYWORDS), chance.randint(0, 4)):
        schema[keyword] = KEYWORDS[keyword](chance, depth - 1)
    return schema


def _document(chance: random.Random, depth: int) -> Any:
    kind = chance.choice(["scalar", "array", "object", "object"]) if depth else "scalar"
    if kind == "array":
        return [_document(chance, depth - 1) for _ in range(chance.randint(0, 4))]
    if kind == "object":
        return {name: _document(chance, depth - 1) for name in chance.sample(NAMES, chance.randint(0, 4))}
    return chance.choice([None, True, False, 0, 1, 1.0, 2, 2.5, -1, 0.3, "", "a", "ab", "😀", "😀😀", "1"])


def _some(chance: random.Random, depth: int) -> list[Any]:
    return [_schema(chance, depth) for _ in range(chance.randint(1, 3))]


def _named(chance: random.Random, depth: int) -> dict[str, Any]:
    return {name: _schema(chance, depth) for name in chance.sample(NAMES, chance.randint(1, 3))}


def _patterned(chance: random.Random, depth: int) -> dict[str, Any]:
    return {pattern: _schema(chance, depth) for pattern in chance.sample(["^a", "b$", "^.{2}$", "_"], 2)}


def _names(chance: random.Random, _: int) -> list[str]:
    return chance.sample(NAMES, chance.randint(0, 2))


def _count(chance: random.Random, _: int) -> int:
    return chance.randint(0, 3)


def _number(chance: random.Random, _: int) -> float:
    return chance.choice([0, 1, 0.3, 2.0, -1])


KEYWORDS = {
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _some),
    **dict.fromkeys(("properties", "dependentSchemas"), _named),
    **dict.fromkeys(
        ("not", "if", "then", "else", "items", "contains", "propertyNames", "additionalProperties"), _schema
    ),
    **dict.fromkeys(("unevaluatedItems", "unevaluatedProperties"), _schema),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _count),
    **dict.fromkeys(("minContains", "maxContains"), _count),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _number),
    "patternProperties": _patterned,
    "required": _names,
    "dependentRequired": lambda chance, depth: {name: _names(chance, depth) for name in _names(chance, depth)},
    "uniqueItems": lambda chance, _: chance.random() < 0.8,
    "multipleOf": lambda chance, _: chance.choice([0.1, 1, 2, 0.5]),
    "const": lambda chance, _: _document(chance, 2),
    "enum": lambda chance, _: [_document(chance, 1) for _ in range(3)],
    "pattern": lambda chance, _: chance.choice(["^a", "b$", "^.$", "[0-9]"]),
}


def test_random_schemas_judge_as_the_bus_does(tmp_path: Path) -> None:
    chance = random.Random(5)
    (tmp_path / "in" / "test").mkdir(parents=True)
    questions, rules = [], []
    for number in range(SCHEMAS):
        schema = {
            "type": "object",
            "properties": {"value": _schema(chance, 3)},
            "$defs": {"tree": {"type": ["object", "array"], "properties": {"a": {"$ref": "#/$defs/tree"}}}},
        }
        (tmp_path / "in" / "test" / f"s{number}.tried.json").write_text(json.dumps(schema))
        decide = decider({"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema)
        for _ in range(DOCUMENTS):
            questions.append(Question("", f"test.s{number}.tried", {"value": _document(chance, 3)}))
            rules.append(decide)
    write(tmp_path / "out", emit(collect(tmp_path / "in")))
    answers = verdicts(tmp_path / "out", questions)
    for question, answer, decide in zip(questions, answers, rules, strict=True):
        where = tmp_path / "in" / "test" / f"{question.type.split('.')[1]}.tried.json"
        assert answer == decide.is_valid(question.data), (where.read_text(), question.data)
    assert len(questions) / 10 < sum(answers) < len(questions) * 9 / 10
