"""The probe board: for every keyword a schema of one value, and values that it allows and refuses."""

from __future__ import annotations

from math import inf, nextafter
from typing import Any, Final, NamedTuple


class Probe(NamedTuple):
    """One keyword. `schema` is that of the property `value`; `definitions` are the `$defs` beside it."""

    name: str
    schema: Any
    allowed: tuple[Any, ...]
    refused: tuple[Any, ...]
    definitions: dict[str, Any] = {}  # noqa: RUF012 - read only

    def document(self) -> dict[str, Any]:
        """The schema of a payload with the value."""
        described = {"description": "A probe.", "type": "object", "properties": {"value": self.schema}}
        return described | ({"$defs": self.definitions} if self.definitions else {})


_PERSON: Final = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
_TREE: Final = {
    "tree": {
        "type": "object",
        "properties": {"label": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
        "required": ["label"],
        "additionalProperties": False,
    },
    "short": {"type": "string", "maxLength": 3},
}

PROBES: Final = (
    Probe("type string", {"type": "string"}, ("", "a"), (1, None, True, [], {})),
    Probe("integer, 1.0 is one", {"type": "integer"}, (1, 1.0, -3, 10**15), (1.5, True, "1", None)),
    Probe("number, booleans are none", {"type": "number"}, (1, 1.5, -0.0), (True, False, "1", None)),
    Probe("boolean, numbers are none", {"type": "boolean"}, (True, False), (0, 1, "true", None)),
    Probe("null", {"type": "null"}, (None,), (0, "", False, "null")),
    Probe("several types", {"type": ["string", "integer"]}, ("a", 1, 2.0), (1.5, True, None, [])),
    Probe("optional is not nullable", {"type": "string"}, ("a",), (None,)),
    Probe(
        "length in code points", {"type": "string", "minLength": 2, "maxLength": 2}, ("ab", "😀😀"), ("😀", "abc", "")
    ),
    Probe("pattern is not anchored", {"type": "string", "pattern": "b+[0-9]$"}, ("abb1", "b0"), ("a1", "b1x", "")),
    Probe(
        "format date-time", {"type": "string", "format": "date-time"}, ("2026-02-12T14:02:11Z",), ("2026-02-12", "x")
    ),
    Probe("format uuid", {"format": "uuid"}, ("0198c5a2-8f3b-7c41-9d2e-5b6f7a8091c2", 5), ("0198c5a2", "")),
    Probe(
        "bounds and exclusive bounds",
        {"type": "number", "minimum": 1, "exclusiveMaximum": 2},
        (1, 1.5, 1.999),
        (0.999, 2, 2.0),
    ),
    Probe(
        "bounds beyond 2^53",
        {"type": "number", "minimum": -1e300, "exclusiveMaximum": 1e20},
        (nextafter(1e20, 0), nextafter(-1e300, 0), -1e300),
        (1e20, nextafter(1e20, inf), nextafter(-1e300, -inf)),
    ),
    Probe("multipleOf, decimal", {"type": "number", "multipleOf": 0.01}, (0.07, 4.35, 1), (0.075, 0.001)),
    Probe(
        "const",
        {"const": {"a": [1, False]}},
        ({"a": [1, False]}, {"a": [1.0, False]}),
        ({"a": [1, 0]}, {"a": [True, False]}),
    ),
    Probe(
        "enum of anything",
        {"enum": [1, "1", None, {"a": 1}]},
        (1, 1.0, "1", None, {"a": 1}),
        (True, "null", {"a": 2}, 2),
    ),
    Probe("items", {"type": "array", "items": {"type": "integer"}}, ([], [1, 2]), ([1, "2"], [None], "1")),
    Probe(
        "prefixItems",
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        ([], ["a"], ["a", 1, None]),
        ([1], ["a", "b"]),
    ),
    Probe(
        "prefixItems with items",
        {"prefixItems": [{"type": "string"}], "items": False},
        ([], ["a"], "x"),
        (["a", 1], [1]),
    ),
    Probe("minItems and maxItems", {"type": "array", "minItems": 1, "maxItems": 2}, ([1], [1, 2]), ([], [1, 2, 3])),
    Probe(
        "uniqueItems, deep",
        {"type": "array", "uniqueItems": True},
        ([1, True, "1"], [{"a": 1}, {"a": 2}], [0, False]),
        ([1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1}], [[1], [1]]),
    ),
    Probe(
        "contains",
        {"type": "array", "contains": {"type": "integer"}, "minContains": 2, "maxContains": 2},
        ([1, 2, "a"],),
        ([1], [1, 2, 3], []),
    ),
    Probe("required", _PERSON, ({"name": "a"}, {"name": "a", "age": 1}), ({}, {"name": 1}, [])),
    Probe(
        "additionalProperties false",
        {**_PERSON, "additionalProperties": False},
        ({"name": "a"},),
        ({"name": "a", "age": 1},),
    ),
    Probe(
        "additionalProperties typed",
        {"type": "object", "properties": {"a": True}, "additionalProperties": {"type": "integer"}},
        ({"a": "x", "b": 1}, {}),
        ({"b": "x"},),
    ),
    Probe(
        "patternProperties",
        {"type": "object", "patternProperties": {"^n_": {"type": "integer"}}, "additionalProperties": False},
        ({"n_a": 1}, {}),
        ({"n_a": "x"}, {"m": 1}),
    ),
    Probe("propertyNames", {"type": "object", "propertyNames": {"maxLength": 2}}, ({"ab": 1}, {}), ({"abc": 1},)),
    Probe(
        "minProperties and maxProperties",
        {"type": "object", "minProperties": 1, "maxProperties": 2},
        ({"a": 1}, {"a": 1, "b": 2}),
        ({}, {"a": 1, "b": 2, "c": 3}),
    ),
    Probe(
        "dependentRequired",
        {"type": "object", "dependentRequired": {"card": ["address"]}},
        ({}, {"address": 1}, {"card": 1, "address": 2}),
        ({"card": 1},),
    ),
    Probe(
        "dependentSchemas",
        {
            "type": "object",
            "dependentSchemas": {"card": {"required": ["address"], "properties": {"address": {"type": "string"}}}},
        },
        ({"card": 1, "address": "x"}, {"address": 1}),
        ({"card": 1}, {"card": 1, "address": 1}),
    ),
    Probe(
        "allOf and anyOf",
        {"allOf": [{"type": "integer"}, {"minimum": 2}], "anyOf": [{"maximum": 5}, {"multipleOf": 10}]},
        (2, 5, 20),
        (1, 6, 25, "a"),
    ),
    Probe(
        "oneOf excludes", {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 2}]}, (1, 2.5), (3, 1.5, "a")
    ),
    Probe(
        "not, if, then, else",
        {"not": {"const": 0}, "if": {"type": "string"}, "then": {"minLength": 1}, "else": {"type": "integer"}},
        ("a", 1),
        (0, "", 1.5, None),
    ),
    Probe(
        "unevaluatedProperties",
        {"allOf": [_PERSON], "properties": {"age": {"type": "integer"}}, "unevaluatedProperties": False},
        ({"name": "a"}, {"name": "a", "age": 1}),
        ({"name": "a", "x": 1}, {"age": 1}),
    ),
    Probe(
        "recursive $ref, $ref with siblings",
        {
            "allOf": [{"$ref": "#/$defs/tree", "required": ["children"]}],
            "properties": {"label": {"$ref": "#/$defs/short", "minLength": 1}},
        },
        ({"label": "a", "children": [{"label": "long"}]},),
        (
            {"label": "a"},
            {"label": "long", "children": []},
            {"label": "", "children": []},
            {"label": "a", "children": [{}]},
        ),
        _TREE,
    ),
    Probe(
        "boolean schemas",
        {"type": "object", "properties": {"yes": True, "no": False}},
        ({}, {"yes": None}),
        ({"no": 1},),
    ),
)
