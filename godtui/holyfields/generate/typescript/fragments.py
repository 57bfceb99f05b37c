"""What Zod cannot say, in JSON Schema's words: only the keywords that judge, and only those that can be kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from godtui.holyfields.generate.vocabulary import BOUNDS, LISTS, MAPS, SCHEMAS, VALUES
from godtui.holyfields.regexes import UnportableError, portable
from godtui.jsontext import Json
from godtui.jsontext import pointer as step

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
_LONGEST: Final = 40
"""Digits of a number in a message."""
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
            at = pointer + step((keyword,))
            if keyword in SCHEMAS:
                cleaned[keyword] = self.clean(given, at)
            elif keyword in LISTS:
                cleaned[keyword] = [self.clean(one, f"{at}/{index}") for index, one in enumerate(given)]
            elif keyword in MAPS:
                places = {name: at + step((name,)) for name in given}
                cleaned[keyword] = {
                    self._name(keyword, name, places[name]): self.clean(one, places[name])
                    for name, one in given.items()
                }
            elif keyword in VALUES or keyword == "$ref":
                cleaned[keyword] = self._plain(keyword, given, at, whole=_is_whole(schema))
            elif keyword in DYNAMIC:
                self._refuse(at, f"{keyword} depends on who refers here: refer to one definition with $ref")
        return cleaned

    def _name(self, keyword: str, name: str, pointer: str) -> str:
        return self._pattern(name, pointer) if keyword == "patternProperties" else name

    def _plain(self, keyword: str, given: Json, pointer: str, *, whole: bool) -> Json:
        """A keyword's value; `whole` says that it speaks of integers alone."""
        if keyword == "pattern":
            return self._pattern(given, pointer)
        if keyword == "format" and given in REFUSED_FORMATS:
            self._refuse(pointer, f"the format {given} is not generated for TypeScript: say it by a pattern")
        if keyword in {"const", "enum", "multipleOf"} or (keyword in BOUNDS and (whole or not _is_double(given))):
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
            told = str(given) if len(str(given)) <= _LONGEST else f"{str(given)[:_LONGEST]}…"
            message = f"JavaScript cannot tell {told} from its neighbours: stay within ±{LARGEST}, or use a string"
            self._refuse(pointer, message)


def _is_whole(schema: dict[str, Json]) -> bool:
    """Whether all numbers that a schema takes are integers, by its own types."""
    types = schema.get("type", ())
    return "integer" in types and "number" not in types


def _exact(number: float) -> bool:
    return abs(number) <= LARGEST or number != int(number)


def _is_double(number: float) -> bool:
    """Whether a bound is what JavaScript reads for it: doubles and their shortest decimals have the same order."""
    try:
        return Decimal(repr(float(number))) == Decimal(repr(number))
    except OverflowError:
        return False


def literal(value: Any) -> str:
    """A JSON value as a TypeScript expression; `__proto__` is a member like any other."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{member(name)}: {literal(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, float) and abs(value) <= LARGEST and value == int(value):
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def member(name: str) -> str:
    """A member's name as it stands before the colon."""
    if name == "__proto__":
        return '["__proto__"]'
    return name if name.isascii() and name.isidentifier() else json.dumps(name, ensure_ascii=False)
