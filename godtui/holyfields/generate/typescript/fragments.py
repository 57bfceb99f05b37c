"""What Zod cannot say, in JSON Schema's words: only the keywords that judge, and only those that can be kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, Final

from godtui.holyfields.regexes import UnportableError, portable
from godtui.jsontext import Json

LARGEST: Final = 2**53
"""Beyond it JavaScript's numbers are no longer all the integers."""

FORMATS: Final = frozenset(
    {
        "date",
        "date-time",
        "duration",
        "ipv4",
        "ipv6",
        "json-pointer",
        "relative-json-pointer",
        "time",
        "uri",
        "uri-reference",
        "uuid",
    }
)
REFUSED_FORMATS: Final = frozenset(
    {
        "email",
        "hostname",
        "idn-email",
        "idn-hostname",
        "iri",
        "iri-reference",
        "regex",
        "uri-template",
    }
)
ONE: Final = frozenset(
    {
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
MANY: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED: Final = frozenset({"dependentSchemas", "patternProperties", "properties"})
PLAIN: Final = frozenset(
    {
        "$ref",
        "const",
        "dependentRequired",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxContains",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minContains",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "pattern",
        "required",
        "type",
        "uniqueItems",
    }
)
DYNAMIC: Final = frozenset({"$dynamicRef", "$recursiveRef"})


class Fragments:
    """Schemas of one file, cleaned for the generated code; what cannot be kept is told to `refuse`.

    `refuse` gets the JSON pointer in the payload's or definition's schema and what to do instead.
    """

    def __init__(self, refuse: Callable[[str, str], None]) -> None:
        self._refuse = refuse

    def clean(self, schema: Json, pointer: str) -> Json:
        """The schema with nothing but what judges, patterns as JavaScript has them."""
        if not isinstance(schema, dict):
            return schema
        cleaned: dict[str, Json] = {}
        for keyword, given in schema.items():
            at = f"{pointer}/{escaped(keyword)}"
            if keyword in ONE:
                cleaned[keyword] = self.clean(given, at)
            elif keyword in MANY:
                cleaned[keyword] = [self.clean(one, f"{at}/{index}") for index, one in enumerate(given)]
            elif keyword in NAMED:
                cleaned[keyword] = {
                    self._name(keyword, name, f"{at}/{escaped(name)}"): self.clean(one, f"{at}/{escaped(name)}")
                    for name, one in given.items()
                }
            elif keyword in PLAIN:
                cleaned[keyword] = self._plain(keyword, given, at)
            elif keyword in DYNAMIC:
                self._refuse(at, f"{keyword} depends on who refers here: refer to one definition with $ref")
        return cleaned

    def _name(self, keyword: str, name: str, pointer: str) -> str:
        return self._pattern(name, pointer) if keyword == "patternProperties" else name

    def _plain(self, keyword: str, given: Json, pointer: str) -> Json:
        if keyword == "pattern":
            return self._pattern(given, pointer)
        if keyword == "format" and given in REFUSED_FORMATS:
            self._refuse(pointer, f"the format {given} is not generated for TypeScript: say it by a pattern")
        if keyword not in {"$ref", "type", "required", "dependentRequired", "format"}:
            self._numbers(given, pointer)
        return given

    def _pattern(self, pattern: str, pointer: str) -> str:
        try:
            return portable(pattern).ecma
        except UnportableError as error:
            self._refuse(pointer, str(error))
            return pattern

    def _numbers(self, given: Json, pointer: str) -> None:
        if isinstance(given, dict):
            given = list(given.values())
        if isinstance(given, list):
            for one in given:
                self._numbers(one, pointer)
        elif not isinstance(given, bool) and isinstance(given, (int, float)) and not _exact(given):
            self._refuse(
                pointer,
                f"JavaScript cannot tell {given} from its neighbours: stay within ±{LARGEST}, or use a string",
            )


def _exact(number: float) -> bool:
    return math.isfinite(number) and not (number == int(number) and abs(number) > LARGEST)


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def literal(value: Any) -> str:
    """A JSON value as a TypeScript expression; `__proto__` is a member like any other."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{member(name)}: {literal(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def member(name: str) -> str:
    """A member's name as it stands before the colon."""
    if name == "__proto__":
        return '["__proto__"]'
    return name if name.isascii() and name.isidentifier() else json.dumps(name, ensure_ascii=False)
