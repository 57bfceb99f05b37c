"""Schemas by which judging would not end are faults; those by which it soon does are none, however they recur."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields import Registry, SchemaFault, SchemaFolderError
from godtui.holyfields.lint import lint
from godtui.holyfields.reloading import Reloader
from godtui.holyfields.weight import MAX_EVALUATIONS

Load = Callable[[dict[str, Any]], Registry]
Faults = Callable[[dict[str, Any]], list[SchemaFault]]
Write = Callable[[dict[str, Any]], Path]

DONE = "agent/task.completed.json"


def to(name: str) -> dict[str, Any]:
    """A reference to a definition of the same file."""
    return {"$ref": f"#/$defs/{name}"}


def doubled(levels: int, step: Callable[[dict[str, Any]], dict[str, Any]], last: Any = True) -> dict[str, Any]:
    """Definitions that each name the next one as the step does."""
    defined = {f"a{level}": step(to(f"a{level + 1}")) for level in range(levels)}
    return {"$ref": "#/$defs/a0", "$defs": {**defined, f"a{levels}": last}}


def in_one(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A keyword with the next definition twice."""
    return lambda reference: {name: [reference, reference]}


STEPS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "allOf": in_one("allOf"),
    "anyOf": in_one("anyOf"),
    "oneOf": in_one("oneOf"),
    "beside": lambda one: {**one, "not": one},
    "conditions": lambda one: {"if": one, "then": one, "else": one},
    "dependent": lambda one: {"dependentSchemas": {"a": one, "b": one}},
    "member": lambda one: {"properties": {"x": {"allOf": [one, one]}}},
    "two branches": lambda one: {"allOf": [{"properties": {"x": one}}, {"properties": {"x": one}}]},
    "named and any": lambda one: {"properties": {"x": one}, "patternProperties": {"": one}},
    "items": lambda one: {"anyOf": [{"items": one}, {"prefixItems": [one]}]},
    "names": lambda one: {"propertyNames": {"allOf": [one, one]}},
}
SOUND: dict[str, dict[str, Any]] = {
    "a tree": {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}, "more": {"items": {"$ref": "#"}}}},
    "a tree told twice": {"allOf": [{"properties": {"kids": {"items": {"$ref": "#"}}}}] * 2},
    "a grammar": {
        "$ref": "#/$defs/statement",
        "$defs": {
            "statement": {"anyOf": [{"properties": {"body": to("statement"), "test": to("term")}}] * 20},
            "term": {"oneOf": [{"properties": {"left": to("term"), "body": to("statement")}}] * 20},
        },
    },
    "itself in place": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
    "a long chain": doubled(1_500, lambda one: {"allOf": [one]}),
    "many members": doubled(40, lambda one: {"properties": {"x": one, "y": one, "z": one}}),
    "closed": {**doubled(6, in_one("anyOf")), "unevaluatedProperties": False},
    "a dynamic tree": {
        "$dynamicAnchor": "node",
        "properties": {"left": {"$dynamicRef": "#node"}, "right": {"$dynamicRef": "#node"}},
    },
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_what_doubles_too_often_is_a_fault_where_it_stands(
    step: Callable[[dict[str, Any]], dict[str, Any]], faults: Faults
) -> None:
    (fault,) = faults({DONE: doubled(30, step)})
    assert fault.file == DONE
    assert fault.code == "too-heavy"
    assert fault.pointer.startswith("/$defs/a")
    assert fault.line is not None
    assert fault.column is not None
    assert "refer to each once" in fault.message


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_what_doubles_a_few_times_is_none(step: Callable[[dict[str, Any]], dict[str, Any]], load: Load) -> None:
    assert load({DONE: doubled(10, step)}).types() == ["agent.task.completed"]


@pytest.mark.parametrize("schema", SOUND.values(), ids=SOUND)
def test_recursion_and_breadth_are_none(schema: dict[str, Any], load: Load) -> None:
    assert load({DONE: schema}).types() == ["agent.task.completed"]


def test_what_is_not_evaluated_by_others_weighs_more(faults: Faults) -> None:
    (fault,) = faults({DONE: {**doubled(14, in_one("anyOf")), "unevaluatedProperties": False}})
    assert fault.code == "too-heavy"


def test_a_circle_by_a_member_hides_nothing(faults: Faults) -> None:
    (fault,) = faults({DONE: doubled(30, STEPS["member"], {"properties": {"x": to("a0")}})})
    assert fault.code == "too-heavy"


def test_what_dynamic_references_lead_to_is_weighed(faults: Faults) -> None:
    base = {"$defs": {f"a{level}": {"$dynamicAnchor": f"a{level}"} for level in range(31)}}
    defined = {
        f"b{level}": {
            "$dynamicAnchor": f"a{level}",
            "allOf": [{"$dynamicRef": f"../_base.json#a{level + 1}"}] * 2,
        }
        for level in range(30)
    }
    (fault,) = faults({"_base.json": base, DONE: {"$ref": "#/$defs/b0", "$defs": defined}})
    assert fault.file == DONE


def test_files_together_are_weighed_and_the_file_is_named(faults: Faults) -> None:
    files = {f"_shared/a{level}.json": {"allOf": [{"$ref": f"a{level + 1}.json"}] * 2} for level in range(30)}
    (fault,) = faults({**files, "_shared/a30.json": {}, DONE: {"$ref": "../_shared/a0.json"}})
    below = int(fault.file.removeprefix("_shared/a").removesuffix(".json"))
    assert 2 ** (30 - below) <= MAX_EVALUATIONS < 2 ** (30 - below + 2)


def test_definitions_that_nothing_refers_to_are_weighed(faults: Faults) -> None:
    (fault,) = faults({DONE: {**doubled(30, in_one("allOf")), "$ref": "#/$defs/a30"}})
    assert fault.code == "too-heavy"


def test_the_old_contracts_stay_until_the_folder_is_sound_again(write: Write) -> None:
    folder = write({DONE: {"type": "object"}})
    reloader = Reloader(folder)
    before = reloader.load()
    (folder / DONE).write_text(json.dumps(doubled(30, in_one("anyOf"))))
    with pytest.raises(SchemaFolderError, match="refer to each once"):
        reloader.load()
    (folder / DONE).write_text(json.dumps({"type": "object"}))
    assert reloader.load().types() == before.types()


def test_lint_says_it_and_judges_no_example_by_it(write: Write) -> None:
    found = lint(write({DONE: {**doubled(40, in_one("anyOf")), "examples": [{}]}}))
    assert [one.code for one in found if one.code in ("too-heavy", "example")] == ["too-heavy"]
