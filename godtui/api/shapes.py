"""Shapes for the OpenAPI document from the views that are answered, so that both say the same."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from godtui.api.openapi import Shape
from godtui.view import View


class _Answered(GenerateJsonSchema):
    """As pydantic has it, but with nothing optional save what may be null, and without titles that repeat names.

    Members that are null are there, too; FastAPI leaves them out of the examples that it shows.
    """

    def field_is_required(self, field: Any, total: bool) -> bool:
        return bool(field["schema"].get("default", ...) is not None)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def shapes_of(*views: type[View]) -> dict[str, Shape]:
    """The shapes of views and of all that is in them, by name."""
    _, found = models_json_schema(
        [(view, "serialization") for view in views],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Answered,
    )
    shapes: dict[str, Shape] = found["$defs"]
    return {name: {key: value for key, value in shape.items() if key != "title"} for name, shape in shapes.items()}
