"""Object schemas put together from all that `allOf` and `$ref` add to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from godtui.holyfields.generate.python.assertions import (
    NEVER,
    of_any_type,
    of_type,
    types_of,
)
from godtui.holyfields.generate.vocabulary import key_of
from godtui.jsontext import Json

_MERGED: Final = frozenset({"$ref", "allOf", "properties", "required", "patternProperties", "additionalProperties"})


@dataclass
class Shape:
    """An object's members, and in `rules` what is left to be judged."""

    properties: dict[str, Json] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    additional: Json = True
    rules: list[Json] = field(default_factory=list)

    @property
    def rule(self) -> Json:
        """One schema of all rules, `true` where there are none."""
        if not self.rules:
            return True
        return self.rules[0] if len(self.rules) == 1 else {"allOf": self.rules}


def parts(schema: Json, definitions: Mapping[str, Json], seen: set[str] | None = None) -> Iterator[dict[str, Json]]:
    """The schemas that hold at once where a schema holds, itself among them, each definition once.

    `seen` are the keys of the definitions that were given before.
    """
    seen = set() if seen is None else seen
    if schema is False:
        yield NEVER
    if not isinstance(schema, dict):
        return
    yield schema
    if "$ref" in schema and (key := key_of(schema["$ref"])) not in seen:
        seen.add(key)
        yield from parts(definitions[key], definitions, seen)
    for one in schema.get("allOf", ()):
        yield from parts(one, definitions, seen)


def is_object(schema: Json, definitions: Mapping[str, Json]) -> bool:
    """Whether only objects can satisfy it, by its types."""
    return any(types_of(part) == ("object",) for part in parts(schema, definitions))


def shape(schema: Json, definitions: Mapping[str, Json]) -> Shape:
    """What an object that satisfies the schema looks like. Nothing is lost: members and rules say the same as it."""
    made = Shape()
    found = list(parts(schema, definitions))
    alone = sum(not _MERGED.isdisjoint(part.keys() - {"$ref", "allOf"}) for part in found) <= 1
    for part in found:
        for name, value in part.get("properties", {}).items():
            known = made.properties.get(name, True)
            made.properties[name] = (
                value if known in (True, value) and known is not False else {"allOf": [known, value]}
            )
        made.required.update(part.get("required", ()))
        _add_rules(part, made, alone)
    undeclared = sorted(made.required - made.properties.keys())
    if undeclared and made.additional is not True:
        made.rules.append({"required": undeclared})
        made.required -= set(undeclared)
    for name in undeclared if made.additional is True else ():
        made.properties[name] = True
    return made


def _add_rules(part: dict[str, Json], made: Shape, alone: bool) -> None:
    named = types_of(part)
    if named is not None and "object" not in named:
        made.rules.append({"type": part["type"]})
    if "unevaluatedProperties" in part:
        made.rules.append(part)
        return
    left = {name: value for name, value in of_any_type(part).items() if name not in _MERGED}
    left |= {name: value for name, value in of_type(part, "object").items() if name not in _MERGED}
    additional, patterns = part.get("additionalProperties", True), part.get("patternProperties")
    if additional is not True and alone and not patterns:
        made.additional = additional
    elif additional is not True:
        left["properties"] = dict.fromkeys(part.get("properties", {}), True)
        left["additionalProperties"] = additional
    if patterns:
        left["patternProperties"] = patterns
    if left:
        made.rules.append(left)
