"""jsonschema's keywords with their work counted, and with jsonschema-rs asked where the two disagree.

Importing this module loads jsonschema, which takes a while: only explaining needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

import jsonschema
import jsonschema_rs
from jsonschema import FormatChecker
from jsonschema.exceptions import FormatError, ValidationError

from godtui.holyfields.dialects import Dialect, decider
from godtui.jsontext import Json

MAX_WORK: Final = 3_000
"""Keywords applied, plus one for every thousand characters of message: some tens of milliseconds."""

MAX_PAIRWISE: Final = 1_000
"""Members up to which unevaluated ones are looked for, as that compares each with each."""

Keyword = Callable[[Any, Any, Any, Any], "Iterator[ValidationError] | None"]


class TooMuchWorkError(Exception):
    """Explaining further would take too long."""


_left: ContextVar[list[int]] = ContextVar("left")


@contextmanager
def limited_work() -> Iterator[None]:
    """Within the block, validating raises TooMuchWorkError once it has done MAX_WORK."""
    token = _left.set([MAX_WORK])
    try:
        yield
    finally:
        _left.reset(token)


def _spend(amount: int) -> None:
    left = _left.get()
    left[0] -= amount
    if left[0] < 0:
        raise TooMuchWorkError


@lru_cache
def validator_class(dialect: Dialect, patterned: bool) -> Any:
    """jsonschema's validator of a draft, made to work within limits.

    `patterned` says that the schemas use `patternProperties`: unevaluated properties are then not looked for, as
    jsonschema would use Python's regular expressions.
    """
    original = getattr(jsonschema, dialect.name)
    keywords: dict[str, Keyword] = {**original.VALIDATORS, **_OWN}
    for name in ("unevaluatedProperties", "unevaluatedItems"):
        if name in keywords:
            keywords[name] = _pairwise(keywords[name], give_up=patterned and name == "unevaluatedProperties")
    counted = {name: _counted(keyword) for name, keyword in keywords.items()}
    extend: Any = jsonschema.validators.extend
    return extend(original, counted, format_checker=_Formats(dialect))


def _counted(keyword: Keyword) -> Keyword:
    def apply(validator: Any, value: Json, instance: Json, schema: Json) -> Iterator[ValidationError]:
        _spend(1)
        for error in keyword(validator, value, instance, schema) or ():
            if not error.schema_path:
                _spend(len(error.message) // 1000)
            yield error

    return apply


def _pairwise(keyword: Keyword, *, give_up: bool) -> Keyword:
    def apply(validator: Any, value: Json, instance: Json, schema: Json) -> Iterator[ValidationError]:
        if isinstance(instance, (dict, list)):
            if give_up or len(instance) > MAX_PAIRWISE:
                raise TooMuchWorkError
            yield from keyword(validator, value, instance, schema) or ()

    return apply


def _holds(validator: Any, keyword: str, value: Json, instance: Json) -> bool:
    """What jsonschema-rs says of one keyword, in the draft of jsonschema's validator."""
    return _single(validator.META_SCHEMA["$schema"], keyword, value).is_valid(instance)


def _pattern(validator: Any, value: Json, instance: Json, schema: Json) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _holds(validator, "pattern", value, instance):
        yield ValidationError(f"{instance!r} does not match {value!r}")


def _unique_items(validator: Any, value: Json, instance: Json, schema: Json) -> Iterator[ValidationError]:
    if isinstance(instance, list) and not _holds(validator, "uniqueItems", value, instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


def _multiple_of(validator: Any, value: Json, instance: Json, schema: Json) -> Iterator[ValidationError]:
    """jsonschema divides floats, so 0.07 would be no multiple of 0.01."""
    if isinstance(instance, (int, float)) and not _holds(validator, "multipleOf", value, instance):
        yield ValidationError(f"{instance!r} is not a multiple of {value!r}")


def _properties(validator: Any, value: Json, instance: Json, schema: Json) -> Iterator[ValidationError]:
    for name, subschema in value.items() if isinstance(instance, dict) else ():
        if name in instance:
            yield from _member(validator, instance, name, subschema)


def _member(validator: Any, instance: dict[str, Json], name: str, schema: Json) -> Iterator[ValidationError]:
    """The errors of one member; jsonschema itself would not say which member is forbidden by `false`."""
    if schema is False:
        yield ValidationError(f"{name!r} is not allowed", path=[name])
    else:
        yield from validator.descend(instance[name], schema, path=name)


def _pattern_properties(validator: Any, value: Json, instance: Json, schema: Json) -> Iterator[ValidationError]:
    for expression, subschema in value.items() if isinstance(instance, dict) else ():
        for name in instance:
            _spend(1)
            if _holds(validator, "pattern", expression, name):
                yield from _member(validator, instance, name, subschema)


def _additional_properties(validator: Any, value: Json, instance: Json, schema: Json) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    extras = _extras(validator, instance, schema)
    if value is False and extras:
        listed = ", ".join(repr(name) for name in extras)
        were = "was" if len(extras) == 1 else "were"
        yield ValidationError(f"Additional properties are not allowed ({listed} {were} unexpected)")
    elif value is not False:
        for name in extras:
            yield from _member(validator, instance, name, value)


def _extras(validator: Any, instance: dict[str, Json], schema: dict[str, Json]) -> list[str]:
    """The members that neither `properties` nor `patternProperties` speak of."""
    named, expressions = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [name for name in instance if name not in named]
    _spend(len(extras) * len(expressions) // 10)
    return [name for name in extras if not any(_holds(validator, "pattern", one, name) for one in expressions)]


_OWN: Final[dict[str, Keyword]] = {
    "pattern": _pattern,
    "uniqueItems": _unique_items,
    "multipleOf": _multiple_of,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
}
"""The keywords that are not jsonschema's own."""


class _Formats(FormatChecker):
    """Formats as jsonschema-rs understands them."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(formats=())
        self._dialect = dialect

    def check(self, instance: object, format: str) -> None:  # noqa: A002 - jsonschema's name for it
        if not _single(self._dialect.uri, "format", format).is_valid(instance):
            raise FormatError(f"{instance!r} is not a {format!r}")


@lru_cache(maxsize=1024)
def _single(dialect_uri: str, keyword: str, value: str | bool | int | float) -> jsonschema_rs.Validator:
    """The validator of one keyword alone."""
    return decider({"$schema": dialect_uri, keyword: value})
