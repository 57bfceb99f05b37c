"""The keywords that code is generated for are those of the draft's own metaschemas."""

from __future__ import annotations

from typing import Any

from jsonschema_specifications import REGISTRY

from godtui.holyfields.generate.vocabulary import LISTS, MAPS, OF_ONE_TYPE, SCHEMAS, VALUES

META = "https://json-schema.org/draft/2020-12/meta/"
ANY_SCHEMA = {"$dynamicRef": "#meta"}


def _properties(*vocabularies: str) -> dict[str, Any]:
    return {name: rule for one in vocabularies for name, rule in REGISTRY.contents(META + one)["properties"].items()}


def test_every_keyword_is_sorted_by_what_it_holds() -> None:
    applied = _properties("applicator", "unevaluated")
    assert {name for name, rule in applied.items() if rule == ANY_SCHEMA} == SCHEMAS
    assert {name for name, rule in applied.items() if rule == {"$ref": "#/$defs/schemaArray"}} == LISTS
    assert {name for name, rule in applied.items() if rule.get("additionalProperties") == ANY_SCHEMA} == MAPS
    assert _properties("validation", "format-assertion").keys() == VALUES


def test_what_speaks_of_every_type_is_known() -> None:
    every = (SCHEMAS | LISTS | MAPS | VALUES) - OF_ONE_TYPE
    assert every == {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "type", "const", "enum"}
