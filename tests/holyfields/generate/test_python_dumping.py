"""What generated models write is what their contracts take."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from pydantic import BaseModel, TypeAdapter

from godtui.holyfields.generate.collecting import collect
from godtui.holyfields.generate.collection import Collection, Payload
from godtui.holyfields.registry import Registry
from tests.holyfields.generate.packages import imported

SHIPPED: Final = Path(__file__).parents[3] / "schemas"
TYPE: Final = "test.event.created"
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "class": {"type": "string"},
        "note": {"type": ["string", "null"]},
        "X": {"type": "integer"},
        "x": {"type": "integer"},
        "inner": {"type": "object", "properties": {"a": {"type": "integer"}}},
        "many": {"type": "array", "items": {"type": "object", "properties": {"a-b": {"type": "integer"}}}},
    },
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> type[BaseModel]:
    payload = Payload(TYPE, "v1", "", "", SCHEMA, "test/event.created.json")
    made: type[BaseModel] = imported(Collection((payload,), {}), tmp_path_factory.mktemp("dumped")).EVENTS[TYPE]
    return made


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return imported(collect(SHIPPED), tmp_path_factory.mktemp("shipped"))


def test_every_shipped_example_comes_back_as_it_went(shipped: ModuleType) -> None:
    registry = Registry.load(SHIPPED)
    for event_type, model in shipped.EVENTS.items():
        contract = registry.contract(event_type, None)
        assert contract.examples
        for example in contract.examples:
            written = model.model_validate(example).model_dump_json()
            assert json.loads(written) == example
            assert contract.valid(json.loads(written))


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"note": None},
        {"inner": {}, "many": [{}, {"a-b": 1}, {"more": None}]},
        {"x": 1},
        {"X": 1},
        {"class_": None, "inner": {"a": 1, "model_config": {}}},
        {"class": "a", "class_": "b"},
    ],
)
def test_nothing_is_added_and_nothing_lost(model: type[BaseModel], payload: dict[str, Any]) -> None:
    made = model.model_validate(payload)
    assert made.model_dump() == payload
    assert json.loads(made.model_dump_json()) == payload
    assert TypeAdapter(list[model]).dump_python([made]) == [payload]  # type: ignore[valid-type]


def test_what_is_set_later_is_written(model: type[BaseModel]) -> None:
    made = model()
    made.note = None  # type: ignore[attr-defined]
    assert made.model_dump() == {"note": None}
    assert made.model_copy(update={"x_2": 3}).model_dump(exclude={"note"}) == {"x": 3}
    assert model(x=1, X=2).model_dump(include={"x_2"}) == {"x": 1}


def test_names_of_python_are_written_where_asked_for(model: type[BaseModel]) -> None:
    assert model.model_validate({"class": "a", "X": 1}).model_dump(by_alias=False) == {"class_": "a", "x": 1}


def test_both_ways_are_described_alike(model: type[BaseModel]) -> None:
    taken, given = model.model_json_schema(), model.model_json_schema(mode="serialization")
    assert given["properties"].keys() == SCHEMA["properties"].keys()
    assert given == taken
