"""Documents made from contracts: every one is accepted, the same seed makes the same ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from godtui import jsontext
from godtui.holyfields import Registry
from godtui.holyfields.compatibility.candidates import size
from godtui.holyfields.sampling import documents, example

Load = Callable[[dict[str, Any]], Registry]
SHIPPED = Registry.load(Path(__file__).parents[2] / "schemas")


@pytest.mark.parametrize("event_type", SHIPPED.types())
def test_every_shipped_contract_has_documents(event_type: str) -> None:
    contract = SHIPPED.contract(event_type)
    found = documents(contract, 30, seed=5)
    assert found
    assert all(map(contract.valid, found))
    written = [jsontext.canonical(one) for one in found]
    assert len(set(written)) == len(written)
    assert found == sorted(found, key=size)


def test_the_seed_decides(load: Load) -> None:
    contract = load({"a/b.json": {"properties": {"x": {"type": "string", "pattern": "^[a-z]{3,9}$"}}}}).contract("a.b")
    assert documents(contract, 50, seed=1) == documents(contract, 50, seed=1)
    assert documents(contract, 50, seed=1) != documents(contract, 50, seed=2)


def test_the_first_valid_example_is_given_else_the_smallest_document(load: Load) -> None:
    needs = {"type": "object", "properties": {"x": {"type": "integer", "minimum": 7}}, "required": ["x"]}
    held = load(
        {
            "a/told.json": {**needs, "examples": [{"x": 1}, {"x": 9}]},
            "a/untold.json": {**needs, "examples": [{}]},
            "a/nothing.json": {"allOf": [needs, {"properties": {"x": {"maximum": 6}}}]},
        }
    )
    assert example(held.contract("a.told")) == {"x": 9}
    assert example(held.contract("a.untold")) == {"x": 7}
    assert example(held.contract("a.nothing")) is None


@pytest.mark.parametrize(
    ("schema", "smallest"),
    [
        ({"type": "array", "minItems": 2, "items": {"const": 3}}, [3, 3]),
        ({"type": "array", "minItems": 2, "uniqueItems": True, "items": {"enum": [1, 2]}}, [1, 2]),
        ({"type": "string", "minLength": 4}, "aaaa"),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "integer", "exclusiveMinimum": 10, "multipleOf": 5}, 15),
        ({"type": "object", "minProperties": 2}, {"a": 0, "b": 0}),
        ({"oneOf": [{"type": "object", "required": ["k"]}, {"type": "string", "const": "abc"}]}, "abc"),
        (False, None),
    ],
)
def test_small_documents_are_found(schema: Any, smallest: Any) -> None:
    found = documents({"required": ["v"], "properties": {"v": schema}}, 40, seed=1)
    held = [one["v"] for one in found if isinstance(one, dict)]
    assert (held[0] if held else None) == smallest


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {
        "type": "object",
        "required": ["kids"],
        "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}},
    }
    found = documents(tree, 100, seed=1)
    assert found[0] == {"kids": []}
    assert any(one["kids"] for one in found)
