"""What of a schema decides over a document, without what only describes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from godtui.holyfields.generate.vocabulary import LISTS, MAPS, OF_ONE_TYPE, OF_TYPE, SCHEMAS, VALUES, key_of
from godtui.jsontext import Json

MAX_NESTING: Final = 64
"""Levels of a schema; Python reads no more than 200 brackets within each other."""
NEVER: Final[dict[str, Json]] = {"not": {}}

TYPES: Final = ("object", "array", "string", "integer", "number", "boolean", "null")


def assertions(schema: Json) -> Json:
    """The schema with nothing in it but keywords that decide; `true` for one that decides nothing."""
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Json] = {}
    for name, value in schema.items():
        if name in SCHEMAS:
            kept[name] = assertions(value)
        elif name in LISTS:
            kept[name] = [assertions(one) for one in value]
        elif name in MAPS:
            kept[name] = {key: assertions(one) for key, one in value.items()}
        elif name in VALUES or name == "$ref":
            kept[name] = value
    return kept or True


def deepest(schema: Json, path: tuple[str | int, ...] = ()) -> tuple[str | int, ...] | None:
    """The path to the first place that is nested deeper than MAX_NESTING, None where nothing is."""
    if len(path) > MAX_NESTING:
        return path
    members: Iterable[tuple[str | int, Json]] = ()
    if isinstance(schema, dict):
        members = schema.items()
    elif isinstance(schema, list):
        members = enumerate(schema)
    return next((found for name, one in members if (found := deepest(one, (*path, name))) is not None), None)


def references(schema: Json) -> set[str]:
    """The keys of the definitions that a schema refers to itself."""
    found: set[str] = set()
    if not isinstance(schema, dict):
        return found
    for name, value in schema.items():
        if name == "$ref":
            found.add(key_of(value))
        elif name in SCHEMAS:
            found |= references(value)
        elif name in LISTS:
            found.update(*(references(one) for one in value))
        elif name in MAPS:
            found.update(*(references(one) for one in value.values()))
    return found


def types_of(schema: dict[str, Json]) -> tuple[str, ...] | None:
    """The types that `type` names, None where it is not there; an integer is not named beside the numbers."""
    named = schema.get("type")
    if named is None:
        return None
    names = [named] if isinstance(named, str) else named
    return tuple(one for one in TYPES if one in names and not (one == "integer" and "number" in names))


def of_type(schema: dict[str, Json], kind: str) -> dict[str, Json]:
    """The keywords that speak of values of one type only."""
    return {name: value for name, value in schema.items() if name in OF_TYPE.get(_family(kind), ())}


def of_any_type(schema: dict[str, Json]) -> dict[str, Json]:
    """The keywords that speak of values of every type, but for `type`."""
    return {name: value for name, value in schema.items() if name not in OF_ONE_TYPE and name != "type"}


def _family(kind: str) -> str:
    return "number" if kind == "integer" else kind
