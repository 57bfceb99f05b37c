"""The drafts of JSON Schema that a schema may be written in, and whether it is well formed by them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

import jsonschema_rs
import referencing.jsonschema
from referencing import Specification

from godtui.holyfields.faults import shortened
from godtui.holyfields.regexes import MAX_SHOWN, UnportableError, portable
from godtui.jsontext import Json

PATTERN_OPTIONS: Final = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)
"""Patterns with lookaround or back references may backtrack, a few milliseconds long; all others run in linear time."""


class Dialect(NamedTuple):
    """One draft: its name (also that of jsonschema's validator class), its URI and how its schemas nest."""

    name: str
    uri: str
    specification: Specification[Json]


def _draft7_subschemas(schema: Json) -> Iterator[Json]:
    """The schemas in a draft-07 schema; `dependencies` may mix schemas with lists of names, which are none."""
    for nested in referencing.jsonschema.DRAFT7.subresources_of(schema):
        if isinstance(nested, (dict, bool)):
            yield nested
    if isinstance(schema, dict):
        yield from (one for one in schema.get("dependencies", {}).values() if isinstance(one, dict))


def _draft7() -> Specification[Json]:
    original = referencing.jsonschema.DRAFT7
    make: Any = Specification
    made: Specification[Json] = make(
        name=original.name,
        id_of=original.id_of,
        subresources_of=_draft7_subschemas,
        anchors_in=lambda _, schema: original.anchors_in(schema),
        maybe_in_subresource=original.maybe_in_subresource,
    )
    return made


DEFAULT: Final = Dialect(
    "Draft202012Validator", "https://json-schema.org/draft/2020-12/schema", referencing.jsonschema.DRAFT202012
)
DIALECTS: Final = {
    dialect.uri: dialect
    for dialect in (
        DEFAULT,
        Dialect(
            "Draft201909Validator", "https://json-schema.org/draft/2019-09/schema", referencing.jsonschema.DRAFT201909
        ),
        Dialect("Draft7Validator", "http://json-schema.org/draft-07/schema", _draft7()),
    )
}


class Malformed(NamedTuple):
    """A place in a schema that its draft does not allow."""

    path: tuple[str | int, ...]
    message: str


def dialect_of(document: dict[str, Json]) -> Dialect | None:
    """The draft a document is written in, 2020-12 unless it says otherwise; None for one that is not known here."""
    uri = document.get("$schema", DEFAULT.uri)
    return DIALECTS.get(uri.removesuffix("#")) if isinstance(uri, str) else None


def malformed(schema: Json, dialect: Dialect) -> Iterator[Malformed]:
    """Where a schema breaks the rules of its draft."""
    for error in _rules(dialect.uri).iter_errors(schema):
        path = tuple(error.instance_path)
        name = error.kind.as_dict()["error"] if error.kind.name == "propertyNames" else None
        wrong = name or error
        if wrong.kind.name == "format" and wrong.kind.as_dict()["format"] == "regex":
            yield Malformed((*path, str(name.instance)) if name else path, _pattern_message(str(wrong.instance)))
        else:
            yield Malformed(path, shortened(error.message))


def _pattern_message(pattern: str) -> str:
    """What is wrong with a text that is no regular expression."""
    try:
        portable(pattern)
    except UnportableError as error:
        return str(error)
    return f"the pattern {shortened(repr(pattern), MAX_SHOWN)} is no regular expression; write one as in JavaScript"


def decider(
    schema: dict[str, Json], base_uri: str | None = None, registry: jsonschema_rs.Registry | None = None
) -> jsonschema_rs.Validator:
    """The validator that decides by a schema: formats asserted, nothing fetched.

    Raises jsonschema_rs.ValidationError where the schema cannot be used.
    """
    return jsonschema_rs.validator_for(
        schema,
        validate_formats=True,
        pattern_options=PATTERN_OPTIONS,
        base_uri=base_uri,
        registry=registry,
        retriever=_fetch_nothing,
    )


def _fetch_nothing(uri: str) -> Json:
    raise LookupError(f"{uri} is not fetched")


@lru_cache
def _rules(uri: str) -> jsonschema_rs.Validator:
    return decider({"$schema": uri, "$ref": uri})
