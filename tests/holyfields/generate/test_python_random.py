"""Random schemas of every keyword: generated models and jsonschema-rs give the same verdicts."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from godtui.holyfields.dialects import decider
from godtui.holyfields.generate.collection import Collection, Definition, Payload
from godtui.jsontext import Json
from tests.holyfields.generate.packages import imported
from tests.holyfields.generate.test_python import accepts

NAMES: Final = ("a", "b", "class", "a-b", "B")
KEYS: Final = ("d0", "d1", "d2", "d3")
TYPES: Final = ("string", "integer", "number", "object", "array", "null", "boolean")
VALUES: Final[list[Json]] = [
    None, True, False, 0, 1, 1.0, 2, 2.5, -1, "", "a", "ab", "𝒳", "abc", [], [1], [1, 1.0], ["a", None], [[1], [True]],
    {}, {"a": 1}, {"a": None}, {"b": "ab", "a": 1.0}, {"class": {}}, {"a-b": [1]}, {"a": {"a": 1}}, {"z": 1},
    {"B": 2, "a_b": 1}, {"a": "ab", "z": None}, {"a": [{"a": 1}]}, {"b": {"b": {"a": 1}}},
]  # fmt: skip
PAYLOADS: Final[list[Json]] = [
    *(value for value in VALUES if isinstance(value, dict)),
    *({"a": value} for value in VALUES),
    *({"a": 1, "b": value} for value in VALUES),
]
FIXED: Final[dict[str, tuple[Json, ...]]] = {
    "minItems": (1,), "maxItems": (1,), "uniqueItems": (True,), "minLength": (2,), "maxLength": (2.0,),
    "minimum": (1, 1.5), "exclusiveMaximum": (2, 1.5), "multipleOf": (0.5,), "pattern": ("^a",), "format": ("uuid",),
    "dependentRequired": ({"a": ["b"]},), "propertyNames": ({"maxLength": 1},), "minProperties": (1,),
    "maxProperties": (1,), "required": (["a"], ["b", "class"]), "description": ("Words.",),
}  # fmt: skip
NESTING: Final = (
    "not", "if", "then", "else", "items", "contains", "additionalProperties", "unevaluatedProperties",
    "unevaluatedItems",
)  # fmt: skip
LISTS: Final = ("anyOf", "oneOf", "allOf", "allOf", "prefixItems")
MAPS: Final = ("properties", "properties", "properties", "properties", "patternProperties", "dependentSchemas")


class Schemas:
    """Schemas that refer to the definitions `keys`, and, where a reference cannot loop, to all."""

    def __init__(self, random: Random, keys: tuple[str, ...]) -> None:
        self._random = random
        self._keys = keys

    def schema(self, depth: int, *, inside: bool = False) -> Json:
        choose = self._random.choice
        if depth == 0 or self._random.random() < 0.1:
            plain = [True, False, {}, {"const": choose(VALUES)}, {"enum": self._random.sample(VALUES, 2)}]
            return choose([*plain, {"enum": ["a", None]}, *[{"type": choose(TYPES)}] * 4, *self._reference(inside)])
        made: dict[str, Any] = {}
        if self._random.random() < 0.6:
            made["type"] = choose([*TYPES, "object", "object", "array", self._random.sample(TYPES, 2)])
        for _ in range(self._random.randint(0, 4)):
            made |= self._keyword(depth - 1, inside)
        return made

    def _reference(self, inside: bool) -> list[Json]:
        keys = KEYS if inside else self._keys
        return [{"$ref": f"#/$defs/{self._random.choice(keys)}"}] if keys else []

    def _keyword(self, depth: int, inside: bool) -> dict[str, Json]:
        name = self._random.choice([*FIXED, *NESTING, *LISTS, *MAPS, "$ref", "$ref", "const", "enum"])
        if name in FIXED:
            return {name: self._random.choice(FIXED[name])}
        if name in NESTING:
            deeper = name not in ("not", "if", "then", "else")
            return {name: self.schema(depth, inside=inside or deeper)}
        if name in LISTS:
            inner = inside or name == "prefixItems"
            return {name: [self.schema(depth, inside=inner) for _ in range(self._random.randint(1, 2))]}
        if name in MAPS:
            names = ["^a"] if name == "patternProperties" else self._random.sample(NAMES, 2)
            return {name: {one: self.schema(depth, inside=inside or name != "dependentSchemas") for one in names}}
        if name == "$ref":
            return dict(*self._reference(inside))
        return {"const": self._random.choice(VALUES)} if name == "const" else {"enum": self._random.sample(VALUES, 3)}


@pytest.mark.parametrize("seed", range(8))
def test_models_of_random_schemas_judge_as_they_do(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    definitions = {key: Schemas(random, KEYS[at + 1 :]).schema(2) for at, key in enumerate(KEYS)}
    whole = [Schemas(random, KEYS).schema(3) for _ in range(30)]
    schemas = [*whole, *({"type": "object", "properties": {"a": Schemas(random, KEYS).schema(3)}} for _ in range(30))]
    payloads = tuple(Payload(f"a.s{at:03}", "v1", "", "", schema, "") for at, schema in enumerate(schemas))
    named = {key: Definition(key, (key,), schema, "", "") for key, schema in definitions.items()}
    package = imported(Collection(payloads, named), tmp_path)
    seen, wrong = set(), []
    for payload in payloads:
        judge = decider({"allOf": [payload.schema], "$defs": definitions})
        for document in PAYLOADS:
            expected = judge.is_valid(document)
            seen.add(expected)
            if accepts(package.EVENTS[payload.event_type], document) != expected:
                wrong.append((payload.schema, document, expected))
    assert not wrong
    assert seen == {True, False}
