"""What the types of the models cannot say, judged in JSON Schema's own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias, TypeVar

import jsonschema_rs
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PlainValidator,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Schema: TypeAlias = "dict[str, Any] | bool"
T = TypeVar("T")

PATTERN_OPTIONS: Final = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_definitions: dict[str, Schema] = {}


def define(definitions: dict[str, Schema]) -> None:
    """Say what `#/$defs/KEY` stands for in the schemas of rules."""
    _definitions.update(definitions)


class Satisfies:
    """Beside a type: the value also satisfies a schema of draft 2020-12, formats asserted.

    It is judged as it came, before the type makes anything of it.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._validator: jsonschema_rs.Validator | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.judge, handler(source))

    def judge(self, value: Any) -> Any:
        """The value itself. Raises PydanticCustomError with the reason where it does not satisfy the schema."""
        reason = self._reason(as_json(value))
        if reason is not None:
            raise PydanticCustomError("schema", "{reason}", {"reason": reason})
        return value

    def _reason(self, document: Any) -> str | None:
        validator = self._compiled()
        try:
            if validator.is_valid(document):
                return None
            error = next(validator.iter_errors(document))
        except (ValueError, RecursionError) as failed:
            return f"cannot be judged: {failed}"
        path = "".join(f"/{part}" for part in error.instance_path)
        return f"{path}: {error.message}" if path else error.message

    def _compiled(self) -> jsonschema_rs.Validator:
        if self._validator is None:
            schema: dict[str, Any] = {"allOf": [self.schema]} if isinstance(self.schema, bool) else self.schema
            reached = _reached(schema)
            self._validator = jsonschema_rs.validator_for(
                {"$schema": DIALECT, **schema, "$defs": reached} if reached else {"$schema": DIALECT, **schema},
                validate_formats=True,
                pattern_options=PATTERN_OPTIONS,
                retriever=_fetch_nothing,
            )
        return self._validator


def as_json(value: Any) -> Any:
    """A value with its models written as the JSON they were made of."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, dict):
        return {name: as_json(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value


def _reached(schema: Schema) -> dict[str, Schema]:
    """The definitions that a schema refers to, and those that they refer to."""
    reached: dict[str, Schema] = {}
    waiting = list(_references(schema))
    while waiting:
        key = waiting.pop()
        if key not in reached and key in _definitions:
            reached[key] = _definitions[key]
            waiting += _references(reached[key])
    return reached


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        target = schema.get("$ref")
        if isinstance(target, str):
            yield target.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
        for member in schema.values():
            yield from _references(member)
    elif isinstance(schema, list):
        for member in schema:
            yield from _references(member)


def _fetch_nothing(uri: str) -> Any:
    raise LookupError(f"{uri} is not fetched")


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise PydanticCustomError("integer", "Input should be an integer, such as 1 or 1.0")


def _number(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("number", "Input should be a number")


def _given(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("null", "Input may be left out, but is not null")
    return value


Integer: TypeAlias = Annotated[int, BeforeValidator(_integer)]
"""A whole number of any size; 1.0 is one, true is none."""

Number: TypeAlias = Annotated[int | float, PlainValidator(_number)]
"""A number; true is none."""

Omissible: TypeAlias = Annotated[T | None, BeforeValidator(_given)]
"""What may be left out and is None then, but not null where it is given."""


def _described(schema: Any) -> Any:
    """The schema of a model within its validators, as it is before `_leave_out`, which changes no member's type."""
    if schema["type"] != "model" and "schema" in schema:
        return {**schema, "schema": _described(schema["schema"])}
    return {name: part for name, part in schema.items() if name != "serialization"}


class Record(BaseModel):
    """An object; what its fields do not name is kept."""

    model_config = ConfigDict(extra="allow", protected_namespaces=(), serialize_by_alias=True)

    RULES: ClassVar[Satisfies | None] = None
    __test__: ClassVar[bool] = False
    """Tells pytest that what begins with Test is an event all the same."""

    @model_validator(mode="wrap")
    @classmethod
    def _judge(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, BaseModel) and not isinstance(value, cls):
            value = as_json(value)
        made = handler(value if cls.RULES is None else cls.RULES.judge(value))
        if made.__pydantic_extra__ and isinstance(value, dict):
            # A member of the object may have the name that a field goes by in Python only; that does not set the field.
            for name in made.__pydantic_extra__.keys() & cls.model_fields.keys():
                if cls.model_fields[name].alias not in value:
                    made.__pydantic_fields_set__.discard(name)
        return made

    @model_serializer(mode="wrap")
    def _leave_out(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """The members that were set; null for what was left out would be another document."""
        members: dict[str, Any] = handler(self)
        kept = self.__pydantic_extra__ or {}
        for name, field in type(self).model_fields.items():
            if name not in self.model_fields_set:
                key = name if info.by_alias is False or field.alias is None else field.alias
                if key not in kept:
                    members.pop(key, None)
        return members

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(_described(schema))
