"""Types written out, for schemas that refer to themselves: TypeScript infers all others from the Zod expression."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from godtui.holyfields.generate.typescript.expressions import INHERITED, is_of, scalars, types_of
from godtui.holyfields.generate.typescript.fragments import literal, member
from godtui.holyfields.generate.vocabulary import key_of
from godtui.jsontext import Json

Refer = Callable[[str], str]


def type_of(schema: Json, refer: Refer) -> str:
    """The type of what the schema's Zod expression gives; `refer` names the type of a definition by its key."""
    if isinstance(schema, bool):
        return "unknown" if schema else "never"
    parts = [_own(schema, refer)]
    if not schema.keys() & {"unevaluatedProperties", "unevaluatedItems"}:
        if "$ref" in schema:
            parts.append(refer(key_of(schema["$ref"])))
        parts += [type_of(one, refer) for one in schema.get("allOf", ())]
        parts += [_union(type_of(one, refer) for one in schema[word]) for word in ("anyOf", "oneOf") if word in schema]
    told = [part for part in parts if part != "unknown"]
    return told[0] if len(told) == 1 else " & ".join(f"({part})" for part in told) or "unknown"


def _own(schema: Mapping[str, Json], refer: Refer) -> str:
    values = scalars(schema)
    types = types_of(schema) if "type" in schema else []
    if values is not None and not schema.keys() & {"unevaluatedProperties", "unevaluatedItems"}:
        told = [value for value in values if not types or any(is_of(value, one) for one in types)]
        return _union(map(literal, told)) if told else "never"
    return _union(_one_type(one, schema, refer) for one in types) if types else "unknown"


def _one_type(type_: str, schema: Mapping[str, Json], refer: Refer) -> str:
    if type_ == "object":
        return _object(schema, refer)
    if type_ == "array":
        return _array(schema, refer)
    return "number" if type_ == "integer" else type_


def _object(schema: Mapping[str, Json], refer: Refer) -> str:
    properties: dict[str, Json] = schema.get("properties", {})
    required: list[str] = schema.get("required", [])
    names = [*properties, *(name for name in required if name not in properties)]
    inherited = bool(INHERITED.intersection(names))
    unevaluated = bool(schema.keys() & {"unevaluatedProperties", "unevaluatedItems"})
    additional = True if unevaluated else schema.get("additionalProperties", True)
    patterned = "patternProperties" in schema and not unevaluated
    members = []
    for name in names:
        if name in INHERITED or (name not in properties and (patterned or additional is not True)):
            continue
        type_ = type_of(properties.get(name, True), refer)
        members.append(f"{member(name)}: {type_}" if name in required else f"{member(name)}?: {type_} | undefined")
    shape = "{ " + "; ".join(members) + " }" if members else "{}"
    if isinstance(additional, dict) and not patterned and not inherited:
        return f"{shape} & {{ [name: string]: {type_of(additional, refer)} }}"
    if additional is False and not patterned and not inherited:
        return shape if members else "{ [name: string]: never }"
    return "{ " + "; ".join([*members, "[name: string]: unknown"]) + " }"


def _array(schema: Mapping[str, Json], refer: Refer) -> str:
    unevaluated = schema.keys() & {"unevaluatedProperties", "unevaluatedItems"}
    prefix = [] if unevaluated else schema.get("prefixItems", [])
    rest = "unknown" if unevaluated else type_of(schema.get("items", True), refer)
    if not prefix:
        return f"({rest})[]"
    parts = [f"({type_of(one, refer)} | undefined)?" for one in prefix]
    return "[" + ", ".join(parts if rest == "never" else [*parts, f"...({rest})[]"]) + "]"


def _union(types: Iterable[str]) -> str:
    told = list(dict.fromkeys(types))
    return told[0] if len(told) == 1 else " | ".join(f"({one})" for one in told)
