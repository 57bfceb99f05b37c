"""The keywords of draft 2020-12 that decide over a document, by what they hold and by what they speak of."""

from __future__ import annotations

from typing import Final

from godtui.jsontext import Json, pointer

SCHEMAS: Final = frozenset(
    (
        "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then", "unevaluatedItems",
        "unevaluatedProperties",
    )
)  # fmt: skip
"""Those that hold one schema."""

LISTS: Final = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
"""Those that hold a list of schemas."""

MAPS: Final = frozenset(("dependentSchemas", "patternProperties", "properties"))
"""Those that hold schemas by name."""

BOUNDS: Final = frozenset(("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"))
SIZES: Final = frozenset(
    (
        "maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems", "minLength",
        "minProperties",
    )
)  # fmt: skip
"""Those that count parts of a value."""

VALUES: Final = (
    BOUNDS
    | SIZES
    | {"const", "dependentRequired", "enum", "format", "multipleOf", "pattern", "required", "type", "uniqueItems"}
)
"""Those that hold no schema, but for `$ref`."""

OF_TYPE: Final = {
    "string": frozenset(("format", "maxLength", "minLength", "pattern")),
    "number": BOUNDS | {"multipleOf"},
    "array": frozenset(
        (
            "contains", "items", "maxContains", "maxItems", "minContains", "minItems", "prefixItems",
            "unevaluatedItems", "uniqueItems",
        )
    ),
    "object": frozenset(
        (
            "additionalProperties", "dependentRequired", "dependentSchemas", "maxProperties", "minProperties",
            "patternProperties", "properties", "propertyNames", "required", "unevaluatedProperties",
        )
    ),
}  # fmt: skip
"""Those that speak of values of one type only; of integers they are those of numbers."""
OF_ONE_TYPE: Final = frozenset().union(*OF_TYPE.values())

_DEFINITIONS: Final = "#/$defs"


def reference(key: str) -> dict[str, Json]:
    """The schema that refers to a definition."""
    return {"$ref": f"{_DEFINITIONS}{pointer((key,))}"}


def key_of(reference: str) -> str:
    """The key of the definition that a `$ref` leads to."""
    return reference.removeprefix(f"{_DEFINITIONS}/").replace("~1", "/").replace("~0", "~")
