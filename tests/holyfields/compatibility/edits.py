"""Edits of a contract, and what each mode has to say of them: the table in docs/holyfields-check.md."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

OK, BREAKS, UNKNOWN = "compatible", "breaking", "unknown"
NOTED: Final = "compatible, noted"
"""Compatible, but breaking with --strict."""


class Edit(NamedTuple):
    """One edit, from a schema to another, and the verdicts backward and forward."""

    name: str
    old: Any
    new: Any
    backward: str
    forward: str

    @property
    def full(self) -> str:
        """Both ways: the worse of the two."""
        return min((self.backward, self.forward), key=[BREAKS, UNKNOWN, NOTED, OK].index)


def member(schema: Any, required: bool = True, **more: Any) -> dict[str, Any]:
    """An object whose member `x` is of a schema."""
    return {"type": "object", "properties": {"x": schema}, "required": ["x"] if required else [], **more}


def members(closed: bool = False, required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """An object with members, open or closed."""
    more = {"additionalProperties": False} if closed else {}
    return {"type": "object", "properties": properties, "required": list(required), **more}


def one(name: str, old: Any, new: Any, backward: str, forward: str) -> Edit:
    """An edit of the schema of a required member."""
    return Edit(name, member(old), member(new), backward, forward)


TEXT: Final[dict[str, Any]] = {"type": "string"}
WHOLE: Final[dict[str, Any]] = {"type": "integer"}
REFERRED: Final[dict[str, Any]] = {"$defs": {"t": {"type": "string"}}, **member({"$ref": "#/$defs/t"})}
LINK: Final[dict[str, Any]] = {"type": "string", "format": "uri"}
DISTINCT: Final[dict[str, Any]] = {"type": "array", "items": TEXT, "uniqueItems": True}
NAMED: Final[dict[str, Any]] = {"$defs": {"t": {"$anchor": "t", "type": "string"}}}
SEVENTH, LATEST = "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"
TREE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}, "n": WHOLE},
}
NODES: Final[dict[str, Any]] = {
    "tree": {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}, "n": WHOLE}}
}
SHAPES: Final[list[dict[str, Any]]] = [
    {"type": "object", "required": ["k"], "properties": {"k": {"const": "circle"}, "r": {"type": "number"}}},
    {"type": "object", "required": ["k"], "properties": {"k": {"const": "square"}, "a": {"type": "number"}}},
]
GROWN: Final = {**SHAPES[1], "properties": {**SHAPES[1]["properties"], "b": WHOLE}}
ANOTHER: Final = {"type": "object", "required": ["k"], "properties": {"k": {"const": "line"}}}

EDITS: Final = [
    Edit("description only", member(TEXT), member({**TEXT, "description": "new"}, title="T"), OK, OK),
    Edit("default changed", member({**TEXT, "default": "a"}), member({**TEXT, "default": "b"}), OK, OK),
    Edit("examples added", member(TEXT), member(TEXT, examples=[{"x": "a"}]), OK, OK),
    Edit("optional property added, open", members(x=TEXT), members(x=TEXT, y=WHOLE), NOTED, OK),
    Edit("optional property added, closed", members(True, x=TEXT), members(True, x=TEXT, y=WHOLE), OK, BREAKS),
    Edit("required property added, open", members(x=TEXT), members(required=("y",), x=TEXT, y=WHOLE), BREAKS, OK),
    Edit("required property added, closed", members(True), members(True, ("y",), y=WHOLE), BREAKS, BREAKS),
    Edit("optional property removed, open", members(x=TEXT, y=WHOLE), members(x=TEXT), OK, NOTED),
    Edit("optional property removed, closed", members(True, x=TEXT, y=WHOLE), members(True, x=TEXT), BREAKS, OK),
    Edit("required property removed, open", members(False, ("y",), x=TEXT, y=WHOLE), members(x=TEXT), OK, BREAKS),
    Edit("required property removed, closed", members(True, ("y",), y=WHOLE), members(True), BREAKS, BREAKS),
    Edit("optional property renamed, open", members(a=TEXT), members(b=TEXT), NOTED, NOTED),
    Edit("optional property renamed, closed", members(True, a=TEXT), members(True, b=TEXT), BREAKS, BREAKS),
    Edit("required property renamed", members(False, ("a",), a=TEXT), members(False, ("b",), b=TEXT), BREAKS, BREAKS),
    Edit("property made required", members(x=TEXT), members(False, ("x",), x=TEXT), BREAKS, OK),
    Edit("property forbidden", members(), members(x=False), BREAKS, OK),
    Edit("object closed", members(x=TEXT), members(True, x=TEXT), BREAKS, OK),
    Edit(
        "object closed, said to be open before",
        {**members(x=TEXT), "additionalProperties": True},
        members(True, x=TEXT),
        BREAKS,
        OK,
    ),
    Edit("property of any value forbidden", members(x=True), members(x=False), BREAKS, OK),
    Edit("others given a type", members(x=TEXT), {**members(x=TEXT), "additionalProperties": TEXT}, BREAKS, OK),
    one("type widened, integer to number", WHOLE, {"type": "number"}, OK, BREAKS),
    one("type widened to a list", TEXT, {"type": ["string", "integer"]}, OK, BREAKS),
    one("type replaced", TEXT, WHOLE, BREAKS, BREAKS),
    one("type removed", TEXT, {}, OK, BREAKS),
    one("made nullable", TEXT, {"type": ["string", "null"]}, OK, BREAKS),
    one("made nullable by anyOf", TEXT, {"anyOf": [TEXT, {"type": "null"}]}, OK, BREAKS),
    one("nullable in other words", {"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}, OK, OK),
    one("enum value added", {"enum": ["a", "b"]}, {"enum": ["a", "b", "c"]}, OK, BREAKS),
    one("enum value replaced", {"enum": ["a", "b"]}, {"enum": ["a", "c"]}, BREAKS, BREAKS),
    one("enum reordered", {"enum": ["a", "b"]}, {"enum": ["b", "a"]}, OK, OK),
    one("enum opened to all strings", {"enum": ["a", "b"]}, TEXT, OK, BREAKS),
    one("const changed", {"const": 1}, {"const": 2}, BREAKS, BREAKS),
    one("const written as a float", {"const": 1}, {"const": 1.0}, OK, OK),
    one("const to enum", {"const": "a"}, {"enum": ["a", "b"]}, OK, BREAKS),
    one("const to true from 1", {"const": 1}, {"const": True}, BREAKS, BREAKS),
    one("minimum lowered", {**WHOLE, "minimum": 5}, {**WHOLE, "minimum": 3}, OK, BREAKS),
    one("maximum removed", {**WHOLE, "maximum": 5}, WHOLE, OK, BREAKS),
    one(
        "bound made exclusive", {"type": "number", "minimum": 0}, {"type": "number", "exclusiveMinimum": 0}, BREAKS, OK
    ),
    one("exclusive bound of integers", {**WHOLE, "exclusiveMinimum": 0}, {**WHOLE, "minimum": 1}, OK, OK),
    one("multipleOf halved", {**WHOLE, "multipleOf": 10}, {**WHOLE, "multipleOf": 5}, OK, BREAKS),
    one("maxLength raised", {**TEXT, "maxLength": 5}, {**TEXT, "maxLength": 9}, OK, BREAKS),
    one("minLength added", TEXT, {**TEXT, "minLength": 1}, BREAKS, OK),
    one("pattern added", TEXT, {**TEXT, "pattern": "^[a-z]+$"}, BREAKS, OK),
    one("pattern widened", {**TEXT, "pattern": "^a$"}, {**TEXT, "pattern": "^[ab]$"}, UNKNOWN, BREAKS),
    one("pattern that refuses one word", TEXT, {**TEXT, "pattern": "^(?!admin)"}, BREAKS, OK),
    one("maxLength added to a format", LINK, {**LINK, "maxLength": 200}, BREAKS, OK),
    one("format added", TEXT, {**TEXT, "format": "date"}, BREAKS, OK),
    one("format changed", {**TEXT, "format": "date"}, {**TEXT, "format": "uuid"}, BREAKS, BREAKS),
    one("items narrowed", {"type": "array"}, {"type": "array", "items": TEXT}, BREAKS, OK),
    one("items widened", {"type": "array", "items": WHOLE}, {"type": "array", "items": {"type": "number"}}, OK, BREAKS),
    one("uniqueItems added", {"type": "array"}, {"type": "array", "uniqueItems": True}, BREAKS, OK),
    one("maxItems of distinct items lowered", DISTINCT, {**DISTINCT, "maxItems": 10}, BREAKS, OK),
    one("minItems raised", {"type": "array", "minItems": 1}, {"type": "array", "minItems": 2}, BREAKS, OK),
    one("maxItems raised", {"type": "array", "maxItems": 2}, {"type": "array", "maxItems": 3}, OK, BREAKS),
    one(
        "tuple lengthened",
        {"type": "array", "prefixItems": [TEXT], "items": False},
        {"type": "array", "prefixItems": [TEXT, WHOLE], "items": False},
        OK,
        BREAKS,
    ),
    one(
        "maxContains lowered",
        {"type": "array", "contains": {"const": 9}, "maxContains": 4},
        {"type": "array", "contains": {"const": 9}, "maxContains": 2},
        BREAKS,
        OK,
    ),
    one("contains added", {"type": "array"}, {"type": "array", "contains": TEXT}, BREAKS, OK),
    one("oneOf variant added", {"oneOf": SHAPES}, {"oneOf": [*SHAPES, ANOTHER]}, OK, BREAKS),
    one("oneOf variant removed", {"oneOf": [*SHAPES, ANOTHER]}, {"oneOf": SHAPES}, BREAKS, OK),
    one("oneOf variant given an optional property", {"oneOf": SHAPES}, {"oneOf": [SHAPES[0], GROWN]}, NOTED, OK),
    one(
        "variant of optional members removed",
        {"anyOf": [members(k={"const": "a"}), members(k={"const": "b"})]},
        {"anyOf": [members(k={"const": "a"})]},
        BREAKS,
        OK,
    ),
    one("anyOf variant removed", {"anyOf": [TEXT, WHOLE]}, {"anyOf": [TEXT]}, BREAKS, OK),
    one("oneOf that overlaps", {"oneOf": [WHOLE]}, {"oneOf": [WHOLE, {"type": "number"}]}, BREAKS, BREAKS),
    one("allOf added", WHOLE, {"allOf": [WHOLE, {"minimum": 0}]}, BREAKS, OK),
    one("allOf folded in", {"allOf": [WHOLE, {"minimum": 0}]}, {**WHOLE, "minimum": 0}, OK, OK),
    one("not added", TEXT, {**TEXT, "not": {"const": ""}}, BREAKS, OK),
    one(
        "condition added",
        {"type": "object", "properties": {"k": TEXT}},
        {"type": "object", "properties": {"k": TEXT}, "if": {"required": ["k"]}, "then": {"required": ["v"]}},
        BREAKS,
        OK,
    ),
    Edit(
        "dependentRequired added",
        members(a=TEXT, b=TEXT),
        {**members(a=TEXT, b=TEXT), "dependentRequired": {"a": ["b"]}},
        BREAKS,
        OK,
    ),
    Edit(
        "propertyNames added",
        {"type": "object"},
        {"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}},
        BREAKS,
        OK,
    ),
    Edit(
        "pattern of names added",
        {"type": "object"},
        {"type": "object", "patternProperties": {"^n_": WHOLE}},
        BREAKS,
        OK,
    ),
    Edit("minProperties added", {"type": "object"}, {"type": "object", "minProperties": 1}, BREAKS, OK),
    Edit(
        "maxProperties lowered",
        {"type": "object", "maxProperties": 3},
        {"type": "object", "maxProperties": 2},
        BREAKS,
        OK,
    ),
    Edit(
        "maxProperties lowered, others of a type",
        {"type": "object", "additionalProperties": TEXT, "maxProperties": 20},
        {"type": "object", "additionalProperties": TEXT, "maxProperties": 10},
        BREAKS,
        OK,
    ),
    Edit(
        "draft-07 to 2020-12",
        {"$schema": SEVENTH, **member({"$ref": "#/definitions/t"}), "definitions": {"t": {**TEXT, "pattern": "^a"}}},
        {"$schema": LATEST, **member({"$ref": "#/$defs/t"}), "$defs": {"t": {**TEXT, "pattern": "^a"}}},
        OK,
        OK,
    ),
    Edit(
        "draft-07 to 2020-12 makes dependentRequired count",
        {"$schema": SEVENTH, **members(a=TEXT), "dependentRequired": {"a": ["b"]}},
        {"$schema": LATEST, **members(a=TEXT), "dependentRequired": {"a": ["b"]}},
        BREAKS,
        UNKNOWN,
    ),
    Edit(
        "$ref by pointer, not by anchor",
        member({"$ref": "#t"}, **NAMED),
        member({"$ref": "#/$defs/t"}, **NAMED),
        OK,
        OK,
    ),
    Edit("$ref put in place", member(TEXT), REFERRED, OK, OK),
    Edit(
        "what $ref leads to narrowed",
        REFERRED,
        {**REFERRED, "$defs": {"t": {"type": "string", "minLength": 2}}},
        BREAKS,
        OK,
    ),
    Edit("$ref to another", REFERRED, {**REFERRED, "$defs": {"t": WHOLE}}, BREAKS, BREAKS),
    Edit(
        "recursive schema widened",
        TREE,
        {**TREE, "properties": {**TREE["properties"], "n": {"type": "number"}}},
        OK,
        BREAKS,
    ),
    Edit(
        "optional property of a recursive type added, open",
        members(x=TEXT),
        {**members(x=TEXT, y={"$ref": "#/$defs/tree"}), "$defs": NODES},
        NOTED,
        OK,
    ),
    Edit(
        "recursive type narrowed",
        {**members(x={"$ref": "#/$defs/tree"}), "$defs": NODES},
        {**members(x={"$ref": "#/$defs/tree"}), "$defs": {"tree": {**NODES["tree"], "required": ["n"]}}},
        BREAKS,
        OK,
    ),
    Edit(
        "optional property added whose $ref leads in a circle, open",
        members(x=TEXT),
        {**members(y={"$ref": "#/$defs/a"}), "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        OK,
        NOTED,
    ),
    Edit("nested optional property added", member(members(a=TEXT)), member(members(a=TEXT, b=WHOLE)), NOTED, OK),
    Edit("nested bound tightened", member(members(a=WHOLE)), member(members(a={**WHOLE, "maximum": 9})), BREAKS, OK),
    Edit("nested object closed", member(members(a=TEXT)), member(members(True, a=TEXT)), BREAKS, OK),
    Edit(
        "unevaluatedProperties added", members(x=TEXT), {**members(x=TEXT), "unevaluatedProperties": False}, BREAKS, OK
    ),
    Edit(
        "property removed, unevaluatedProperties false",
        {**members(x=TEXT, y=TEXT), "unevaluatedProperties": False},
        {**members(x=TEXT), "unevaluatedProperties": False},
        BREAKS,
        OK,
    ),
    Edit(
        "what $dynamicRef leads to narrowed",
        {**member({"$dynamicRef": "#t"}), "$defs": {"t": {"$dynamicAnchor": "t", **TEXT}}},
        {**member({"$dynamicRef": "#t"}), "$defs": {"t": {"$dynamicAnchor": "t", **TEXT, "minLength": 2}}},
        BREAKS,
        UNKNOWN,
    ),
    Edit("nothing is accepted any more", members(x=TEXT), {"not": {}}, BREAKS, OK),
]

WITNESSES: Final[list[tuple[str, Any, Any, Any]]] = [
    ("names too long", {"type": "object"}, {"type": "object", "propertyNames": {"maxLength": 3}}, {"aaaa": 0}),
    (
        "names of a pattern",
        {"type": "object"},
        {"type": "object", "patternProperties": {"^x-[a-z]{3,}$": WHOLE}},
        {"x-aaa": ""},
    ),
    (
        "a name that was described, not one that was left open",
        members(long=WHOLE),
        members(long={**WHOLE, "minimum": 0}, l=TEXT),
        {"long": -1},
    ),
    ("text", member({**TEXT, "pattern": "^[a-d]+-x"}), member({**TEXT, "pattern": "^e"}), {"x": "a-x"}),
    (
        "the one of many members that changed",
        {"type": "object", "properties": {f"m{number}": WHOLE for number in range(60)}},
        {"type": "object", "properties": {f"m{number}": WHOLE if number != 47 else TEXT for number in range(60)}},
        {"m47": 0},
    ),
    ("an item", member({"type": "array"}), member({"type": "array", "items": TEXT}), {"x": [0]}),
]
"""Edits that break backward, and the smallest document that shows it."""
