"""One module of models: classes for objects, expressions for every other type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from godtui.holyfields.generate.python.assertions import (
    TYPES,
    of_any_type,
    of_type,
    types_of,
)
from godtui.holyfields.generate.python.definitions import Definitions
from godtui.holyfields.generate.python.identifiers import class_name, field_name
from godtui.holyfields.generate.python.layout import (
    Entry,
    Expression,
    Group,
    call,
    docstring,
    flat,
    lay_out,
    literal,
    subscript,
    text,
    union,
)
from godtui.holyfields.generate.python.objects import Shape, is_object, shape
from godtui.holyfields.generate.vocabulary import key_of, reference
from godtui.jsontext import Json

IMPORTED: Final = frozenset(
    {
        "Annotated",
        "Any",
        "ClassVar",
        "Literal",
        "TypeAlias",
        "ConfigDict",
        "Field",
        "JsonValue",
        "StrictBool",
        "StrictStr",
        "Integer",
        "Number",
        "Omissible",
        "Record",
        "Satisfies",
        "None",
        "True",
        "False",
    }
)

_SIMPLE: Final = {"string": "StrictStr", "integer": "Integer", "number": "Number", "boolean": "StrictBool"}
_BOUNDS: Final = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}
_LENGTHS: Final = {
    "string": {"minLength": "min_length", "maxLength": "max_length"},
    "array": {"minItems": "min_length", "maxItems": "max_length"},
}
_EXACT: Final = 2**53
"""Whole numbers up to which a bound is the same to everyone; lengths beyond it are nobody's."""
_DEEPEST: Final = 40
"""Words of a class's name beyond which a schema is left to be judged as a whole: nobody reads that."""


class Typing(NamedTuple):
    """A type that takes every value of a schema, and the schema (`true` for none) that the values satisfy besides."""

    expression: Expression
    nullable: bool
    rule: Json = True


class Module:
    """Collects the classes that types need. `own` names the classes of shared definitions where they are at home."""

    def __init__(self, definitions: Definitions, taken: set[str], *, own: bool) -> None:
        self.lines: list[str] = []
        self.classes: list[str] = []
        self._definitions = definitions
        self._taken = taken
        self._own = own

    def expression(self, schema: Json, raw: Json, path: tuple[str, ...]) -> tuple[Expression, bool]:
        """The type of a schema with its rules, and whether it takes null.

        `schema` is the assertions of `raw`, whose descriptions become docstrings; classes are named after `path`.
        """
        typing = self._typing(schema, raw, path)
        if typing.rule is True:
            return typing.expression, typing.nullable
        self._definitions.use(typing.rule)
        rule = call("Satisfies", literal(typing.rule))
        if isinstance(typing.expression, Group) and typing.expression.before == "Annotated[":
            return subscript("Annotated", *typing.expression.items, rule), typing.nullable
        return subscript("Annotated", typing.expression, rule), typing.nullable

    def name(self, path: tuple[str, ...]) -> str:
        """A free name for a class."""
        made = class_name(path, self._taken)
        self._taken.add(made)
        return made

    def write_class(
        self, name: str, schema: Json, raw: Json, path: tuple[str, ...], constants: Mapping[str, str] | None = None
    ) -> None:
        """A class of an object schema, after those of the objects within it."""
        made = shape(schema, self._definitions.schemas)
        described = _property_schemas(raw, self._definitions)
        fields: list[str] = []
        taken: set[str] = set()
        for prop, value in made.properties.items():
            own = field_name(prop, taken)
            taken.add(own)
            expression, nullable = self.expression(value, described.get(prop, True), (*path, prop))
            fields += _field(own, prop, expression, nullable=nullable, required=prop in made.required)
            fields += docstring(about, depth=1) if (about := _description(described.get(prop))) else []
        body = []
        for constant, value in (constants or {}).items():
            body += lay_out(literal(value), before=f"{constant}: ClassVar[str] = ", depth=1)
        body += self._settings(made, path, described)
        about = _description(raw) or _title(raw)
        sections = [docstring(about, depth=1) if about else [], body, fields]
        self.lines += ["", "", f"class {name}(Record):"]
        self.lines += _separated(sections) or ["    pass"]
        self.classes.append(name)

    def _settings(self, made: Shape, path: tuple[str, ...], described: dict[str, Json]) -> list[str]:
        lines: list[str] = []
        if made.additional is False:
            lines.append('    model_config = ConfigDict(extra="forbid")')
        elif made.additional is not True:
            expression, _ = self.expression(made.additional, described.get("", True), (*path, "member"))
            lines += lay_out(
                subscript("dict", "str", expression),
                before="__pydantic_extra__: ",
                after=" = Field(init=False)",
                depth=1,
            )
        if made.rule is not True:
            self._definitions.use(made.rule)
            before = "RULES: ClassVar[Satisfies | None] = "
            lines += lay_out(call("Satisfies", literal(made.rule)), before=before, depth=1)
        return lines

    def _typing(self, schema: Json, raw: Json, path: tuple[str, ...]) -> Typing:
        if not isinstance(schema, dict) or len(path) > _DEEPEST:
            return Typing("JsonValue", True, schema)
        if any(name in schema for name in ("unevaluatedProperties", "unevaluatedItems")) and not self._is_class(schema):
            return self._judged_whole(schema, raw, path)
        if set(schema) == {"$ref"}:
            return self._referred(schema)
        if set(schema) == {"allOf"} and len(schema["allOf"]) == 1:
            return self._typing(schema["allOf"][0], _member(raw, "allOf", 0), path)
        if self._is_class(schema):
            name = self.name(path)
            self.write_class(name, schema, raw, path)
            return Typing(name, False)
        if "const" in schema or "enum" in schema:
            return self._listed(schema)
        if "type" in schema:
            return self._typed(schema, raw, path)
        return self._combined(schema, raw, path)

    def _is_class(self, schema: Json) -> bool:
        return self._definitions.has_class(schema)

    def _judged_whole(self, schema: dict[str, Json], raw: Json, path: tuple[str, ...]) -> Typing:
        known = {name: value for name, value in schema.items() if not name.startswith("unevaluated")}
        typing = self._typing(known or True, raw, path)
        return Typing(typing.expression, typing.nullable, schema)

    def _referred(self, schema: dict[str, Json]) -> Typing:
        key = key_of(schema["$ref"])
        if key in self._definitions.opaque:
            return Typing("JsonValue", True, reference(key))
        name = self._definitions.names[key]
        return Typing(name if self._own else f"shared.{name}", self.nullable(key))

    def nullable(self, key: str) -> bool:
        """Whether the type that a definition's name stands for says null; a class never does."""
        known = self._definitions.nullable
        if key not in known:
            probe = Module(self._definitions, set(), own=True)
            used = set(self._definitions.used)
            known[key] = (
                key not in self._definitions.classes
                and probe.expression(self._definitions.schemas[key], True, (self._definitions.names[key],))[1]
            )
            self._definitions.used = used
        return known[key]

    def _listed(self, schema: dict[str, Json]) -> Typing:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        rest = {name: value for name, value in schema.items() if name != ("const" if "const" in schema else "enum")}
        if values and all(value is None or isinstance(value, str) for value in values):
            distinct = list(dict.fromkeys(values))
            if set(rest) == {"type"} and _types_of_values(distinct) <= set(types_of(rest) or ()):
                rest = {}
            words = tuple(text(one) for one in distinct if one is not None)
            members: list[Expression] = [subscript("Literal", *words)] if words else []
            members += ["None"] if None in distinct else []
            return Typing(union(members), None in distinct, rest or True)
        kinds = [one for one in TYPES if one in _types_of_values(values)] or ["object"]
        typing = self._typed({"type": kinds}, True, ())
        return Typing(typing.expression, typing.nullable, schema)

    def _typed(self, schema: dict[str, Json], raw: Json, path: tuple[str, ...]) -> Typing:
        """A union of the types named, each with what it can say, and the rest as a rule."""
        members: list[Expression] = []
        rule = of_any_type(schema)
        kinds = types_of(schema) or ()
        for kind in kinds:
            expression, left = self._of_kind(kind, of_type(schema, kind), raw, path)
            members.append(expression)
            rule |= left
        if not members:
            return Typing("JsonValue", True, False)
        return Typing(union(members), "null" in kinds, rule or True)

    def _of_kind(
        self, kind: str, keywords: dict[str, Json], raw: Json, path: tuple[str, ...]
    ) -> tuple[Expression, dict[str, Json]]:
        """The type of one kind of value, and the keywords that it leaves to be judged."""
        if kind == "null":
            return "None", {}
        if kind == "object":
            return self._mapping(keywords, raw, path)
        if kind == "array":
            return self._sequence(keywords, raw, path)
        settings, left = _constraints(kind, keywords)
        return _constrained(_SIMPLE[kind], settings), left

    def _mapping(
        self, keywords: dict[str, Json], raw: Json, path: tuple[str, ...]
    ) -> tuple[Expression, dict[str, Json]]:
        whole: dict[str, Json] = {"type": "object", **keywords}
        if self._is_class(whole):
            name = self.name(path)
            self.write_class(name, whole, raw, path)
            return name, {}
        members = keywords.get("additionalProperties", True)
        if members in (True, False) or "patternProperties" in keywords or "unevaluatedProperties" in keywords:
            return subscript("dict", "str", "JsonValue"), keywords
        left = {name: value for name, value in keywords.items() if name not in ("additionalProperties", "properties")}
        expression, _ = self.expression(members, _member(raw, "additionalProperties"), (*path, "member"))
        return subscript("dict", "str", expression), left

    def _sequence(
        self, keywords: dict[str, Json], raw: Json, path: tuple[str, ...]
    ) -> tuple[Expression, dict[str, Json]]:
        settings, left = _constraints("array", keywords)
        item: Expression = "JsonValue"
        if "items" in left and "prefixItems" not in left and "unevaluatedItems" not in left:
            item, _ = self.expression(left.pop("items"), _member(raw, "items"), (*path, "item"))
        return _constrained(subscript("list", item), settings), left

    def _combined(self, schema: dict[str, Json], raw: Json, path: tuple[str, ...]) -> Typing:
        """No type is named: what other schemas allow is the type, and the rest, or the whole, a rule."""
        if "$ref" in schema:
            return self._beside(schema, "$ref", self._referred(schema))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                found = [
                    self.expression(one, _member(raw, keyword, index), (*path, str(index + 1) if index else "choice"))
                    for index, one in enumerate(schema[keyword])
                ]
                members = list({flat(one): one for one, _ in found}.values())
                typing = Typing(union(members), any(nullable for _, nullable in found))
                if keyword == "oneOf" and len(found) > 1:
                    return Typing(typing.expression, typing.nullable, schema)
                return self._beside(schema, keyword, typing)
        for index, one in enumerate(schema.get("allOf", ())):
            if isinstance(one, dict) and self._says_type(one):
                typing = self._typing(one, _member(raw, "allOf", index), path)
                return Typing(typing.expression, typing.nullable, schema)
        return Typing("JsonValue", True, schema)

    def _says_type(self, schema: dict[str, Json]) -> bool:
        return any(name in schema for name in ("type", "$ref", "enum", "const")) or is_object(
            schema, self._definitions.schemas
        )

    def _beside(self, schema: dict[str, Json], keyword: str, typing: Typing) -> Typing:
        rest = {name: value for name, value in schema.items() if name != keyword}
        if not rest:
            return typing
        return Typing(typing.expression, typing.nullable, rest if typing.rule is True else schema)


def _constraints(kind: str, keywords: dict[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """What a type's Field says, and the keywords it cannot say."""
    settings: dict[str, Json] = {}
    left = dict(keywords)
    names = _LENGTHS.get(kind, {}) if kind in _LENGTHS else _BOUNDS
    for keyword, setting in names.items():
        value = keywords.get(keyword)
        if value is None or abs(value) > _EXACT or isinstance(value, bool):
            continue
        whole = value == int(value)
        if whole or kind == "number":
            settings[setting] = int(value) if whole else value
            del left[keyword]
    return settings, left


def _constrained(expression: Expression, settings: dict[str, Json]) -> Expression:
    if not settings:
        return expression
    given = (Entry(f"{name}=", repr(value)) for name, value in settings.items())
    return subscript("Annotated", expression, call("Field", *given))


def _types_of_values(values: list[Json]) -> set[str]:
    found = set()
    for value in values:
        match value:
            case None:
                found.add("null")
            case bool():
                found.add("boolean")
            case int() | float():
                found.add("number")
            case str():
                found.add("string")
            case list():
                found.add("array")
            case _:
                found.add("object")
    return found


def _field(name: str, prop: str, expression: Expression, *, nullable: bool, required: bool) -> list[str]:
    settings: list[Expression] = []
    if name != prop:
        settings.append(Entry("alias=", literal(prop)))
    if not required:
        expression = expression if nullable else subscript("Omissible", expression)
        settings[:0] = ["default=None"] if settings else []
    if not settings:
        return lay_out(expression, before=f"{name}: ", after="" if required else " = None", depth=1)
    lines = lay_out(expression, before=f"{name}: ", depth=1)
    return [*lines[:-1], *lay_out(call("Field", *settings), before=f"{lines[-1].lstrip()} = ", depth=1)]


def _property_schemas(raw: Json, definitions: Definitions) -> dict[str, Json]:
    """The schemas of an object's members as they were written; "" is that of all others."""
    found: dict[str, Json] = {}
    waiting, seen = [raw], set()
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, dict):
            continue
        for name, value in one.get("properties", {}).items():
            found.setdefault(name, value)
        found.setdefault("", one.get("additionalProperties", True))
        waiting += one.get("allOf", ())
        if "$ref" in one and (key := key_of(one["$ref"])) not in seen:
            seen.add(key)
            waiting.append(definitions.found[key].schema)
    return found


def _member(raw: Json, *path: Any) -> Json:
    for step in path:
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return True
    return raw


def _description(raw: Json) -> str:
    return str(raw.get("description", "")).strip() if isinstance(raw, dict) else ""


def _title(raw: Json) -> str:
    return str(raw.get("title", "")).strip() if isinstance(raw, dict) else ""


def _separated(sections: list[list[str]]) -> list[str]:
    lines: list[str] = []
    for section in sections:
        lines += ["", *section] if lines and section else section
    return lines
