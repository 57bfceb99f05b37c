"""Asking the registry: versions, served types, near misses, and what a skin shows."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godtui import topics
from godtui.holyfields import (
    Contracts,
    Registry,
    SchemaFault,
    UnknownContractError,
    UnknownTypeError,
    UnknownVersionError,
    registry,
)

Load = Callable[[dict[str, Any]], Registry]
Faults = Callable[[dict[str, Any]], list[SchemaFault]]


def needs(name: str, **more: Any) -> dict[str, Any]:
    """A schema that requires one member."""
    return {"required": [name], **more}


def test_types_are_sorted_and_versions_in_number_order(load: Load) -> None:
    held = load({"b/c.json": {}, "a/b.v10.json": {}, "a/b.v9.json": {}, "a/b.json": {}, "_s.json": {}})
    assert held.types() == ["a.b", "b.c"]
    assert held.versions("a.b") == ("v1", "v9", "v10")
    assert held.versions("no.such") == ()
    assert len(held) == 2


def test_without_a_version_the_lowest_judges(load: Load) -> None:
    held = load({"a/b.v10.json": needs("ten"), "a/b.v9.json": needs("nine")})
    assert held.contract("a.b").version == "v9"
    assert held.valid("a.b", None, {"nine": 1})
    assert not held.valid("a.b", "v10", {"nine": 1})
    assert [fault.message for fault in held.faults("a.b", "v10", {})] == ["'ten' is a required property"]


def test_what_is_unknown_is_told_apart(load: Load) -> None:
    held = load({"agent/task.completed.json": {}, "agent/task.completed.v2.json": {}, "worktree/created.json": {}})
    assert held.find("agent.task.complete") is None
    assert held.find("agent.task.completed", "v3") is None
    with pytest.raises(UnknownTypeError) as type_error:
        held.contract("agent.task.complete")
    assert type_error.value.nearest == "agent.task.completed"
    assert str(type_error.value) == (
        "the event type agent.task.complete has no schema; did you mean agent.task.completed?"
    )
    with pytest.raises(UnknownTypeError) as far_error:
        held.faults("zzz.qqq", "v1", {})
    assert far_error.value.nearest is None
    assert "GET /schemas lists" in str(far_error.value)
    with pytest.raises(UnknownVersionError) as version_error:
        held.valid("agent.task.completed", "v3", {})
    assert version_error.value.versions == ("v1", "v2")
    assert str(version_error.value) == "agent.task.completed has no version v3; registered: v1, v2"
    assert isinstance(version_error.value, UnknownContractError)


def test_a_long_unknown_name_is_not_echoed_whole(load: Load) -> None:
    held = load({"a/b.json": {}})
    with pytest.raises(UnknownTypeError) as caught:
        held.contract("x." + "y" * 1_000_000)
    assert len(str(caught.value)) < 400


def test_a_schema_serves_types_that_have_none(load: Load) -> None:
    held = load(
        {
            "bloodbank/message.dlq.json": needs("id", **{"x-event-types": ["#.dlq"]}),
            "agent/task.dlq.json": needs("own"),
        }
    )
    assert held.types() == ["agent.task.dlq", "bloodbank.message.dlq"]
    for event_type in ("worktree.dlq", "a.b.c.dlq", "bloodbank.message.dlq"):
        assert held.contract(event_type).event_type == "bloodbank.message.dlq"
        assert held.valid(event_type, None, {"id": 1})
        assert not held.valid(event_type, "v1", {"own": 1})
        assert held.versions(event_type) == ("v1",)
    assert held.valid("agent.task.dlq", None, {"own": 1})
    with pytest.raises(UnknownVersionError):
        held.contract("worktree.dlq", "v2")
    with pytest.raises(UnknownVersionError):
        held.contract("agent.task.dlq", "v2")
    with pytest.raises(UnknownTypeError):
        held.contract("agent.task.dlqs")


def test_the_most_particular_pattern_serves(load: Load) -> None:
    held = load(
        {
            "all/things.json": {"x-event-types": ["#"]},
            "any/two.json": {"x-event-types": ["*.*", "agent.#"]},
            "agent/any.json": {"x-event-types": ["agent.*.completed"]},
        }
    )
    served = {
        "zoo.opened.late": "all.things",
        "zoo.opened": "any.two",
        "agent.task.started": "any.two",
        "agent.task.completed": "agent.any",
        "agent.any": "agent.any",
    }
    assert {event_type: held.contract(event_type).event_type for event_type in served} == served


def test_versions_may_serve_different_types(load: Load) -> None:
    held = load({"a/b.json": {"x-event-types": ["*.old", "*.both"]}, "a/b.v2.json": {"x-event-types": ["*.both"]}})
    assert held.versions("x.old") == ("v1",)
    assert held.versions("x.both") == ("v1", "v2")
    assert held.contract("x.both", "v2").version == "v2"
    assert held.find("x.old", "v2") is None


def test_served_types_are_remembered_only_so_many(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_REMEMBERED", 8)
    held = load({"a/b.json": needs("id", **{"x-event-types": ["#.dlq"]})})
    for number in range(50):
        assert held.valid(f"t{number}.dlq", None, {"id": 1})
        assert held.find(f"t{number}.none") is None
    assert len(held._served) <= 8


@pytest.mark.parametrize(
    ("patterns", "pointer", "message"),
    [
        ("#.dlq", "/x-event-types", "is a list of patterns"),
        ([3], "/x-event-types/0", "not a pattern"),
        (["a.b", "A.#"], "/x-event-types/1", "not a pattern"),
        (["a*.b"], "/x-event-types/0", "not a pattern"),
        (["a..b"], "/x-event-types/0", "not a pattern"),
        ([""], "/x-event-types/0", "not a pattern"),
        (["a." * 130 + "#"], "/x-event-types/0", "not a pattern"),
        (["#.taken"], "/x-event-types/0", "#.taken is already served by a/a.json"),
    ],
)
def test_patterns_that_cannot_be_are_faults(faults: Faults, patterns: object, pointer: str, message: str) -> None:
    (fault,) = faults({"a/a.json": {"x-event-types": ["#.taken"]}, "a/b.json": {"x-event-types": patterns}})
    assert (fault.file, fault.pointer) == ("a/b.json", pointer)
    assert message in fault.message


def test_shared_definitions_serve_nothing(faults: Faults) -> None:
    (fault,) = faults({"a/b.json": {}, "_s.json": {"x-event-types": ["#.dlq"]}})
    assert (fault.file, fault.pointer) == ("_s.json", "/x-event-types")


def test_a_contract_says_everything_of_itself(load: Load) -> None:
    shared = {"$defs": {"id": {"type": "string"}}}
    schema = {
        "title": "Done",
        "description": "A task is done.",
        "properties": {"id": {"$ref": "../_shared/ids.json#/$defs/id"}},
        "examples": [{"id": "1"}],
        "x-event-types": ["*.done"],
    }
    held = load({"agent/task.completed.json": schema, "agent/task.completed.v2.json": {}, "_shared/ids.json": shared})
    contract = held.contract("agent.task.completed")
    assert (contract.title, contract.description, contract.examples) == ("Done", "A task is done.", [{"id": "1"}])
    assert (contract.file, contract.serves) == ("agent/task.completed.json", ("*.done",))
    assert contract.schema == schema
    described = held.describe("agent.task.completed")
    assert described == {
        "event_type": "agent.task.completed",
        "version": "v1",
        "versions": ["v1", "v2"],
        "title": "Done",
        "description": "A task is done.",
        "serves": ["*.done"],
        "file": "agent/task.completed.json",
        "digest": contract.digest,
        "examples": [{"id": "1"}],
        "schema": schema,
        "references": {"_shared/ids.json": shared},
    }
    assert held.describe("x.done")["event_type"] == "x.done"
    assert held.summary() == [
        {
            "event_type": "agent.task.completed",
            "versions": ["v1", "v2"],
            "title": "",
            "description": "",
            "serves": [],
            "file": "agent/task.completed.v2.json",
        }
    ]
    json.dumps([described, held.summary()])
    with pytest.raises(UnknownTypeError):
        held.describe("no.such")


def test_titles_that_are_no_text_are_left_out(faults: Faults) -> None:
    found = faults({"a/b.json": {"title": 3, "examples": 1}})
    assert [fault.pointer for fault in found] == ["/title", "/examples"]


def test_the_digest_follows_meaning_and_not_layout(load: Load) -> None:
    def digest(schema: Any, shared: Any) -> str:
        return load({"a/b.json": schema, "_s.json": shared}).contract("a.b").digest

    base = digest({"$ref": "../_s.json", "minProperties": 1}, {"maxProperties": 9})
    assert len(base) == 64
    assert digest('{ "minProperties": 1.0,\n\n "$ref": "../_s.json" }', {"maxProperties": 9}) == base
    assert digest({"$ref": "../_s.json", "minProperties": 2}, {"maxProperties": 9}) != base
    assert digest({"$ref": "../_s.json", "minProperties": 1}, {"maxProperties": 8}) != base
    alone = digest({"minProperties": 1}, {"maxProperties": 9})
    assert digest({"minProperties": 1}, {"maxProperties": 8}) == alone


def test_a_swap_takes_effect_as_a_whole(load: Load) -> None:
    before = load({"a/b.json": needs("old")})
    after = load({"a/b.json": needs("new")})
    contracts = Contracts(before)
    taken = contracts.current
    assert contracts.swap(after) is before
    assert contracts.current is after
    assert taken.valid("a.b", None, {"old": 1})
    assert not contracts.current.valid("a.b", None, {"old": 1})


def test_a_registry_may_be_asked_from_several_threads(load: Load) -> None:
    held = load({"a/b.json": needs("id", **{"x-event-types": ["#.dlq"], "properties": {"id": {"type": "integer"}}})})
    wrong: list[object] = []

    def ask(thread: int) -> None:
        for number in range(200):
            event_type = f"t{number}.x{thread % 2}.dlq"
            if not held.valid(event_type, None, {"id": number}) or len(held.faults(event_type, None, {"id": ""})) != 1:
                wrong.append(event_type)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


WORDS = st.sampled_from(["a", "b", "dlq"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(WORDS | st.sampled_from("*#"), min_size=1, max_size=3), max_size=3, unique_by=tuple),
    st.lists(WORDS, min_size=2, max_size=4).map(".".join),
)
def test_a_type_is_served_exactly_where_a_pattern_matches(
    load: Load, patterns: list[list[str]], event_type: str
) -> None:
    texts = [".".join(pattern) for pattern in patterns]
    claims = [*([text] for text in texts), [], [], []][:3]
    held = load({f"own/t{number}.json": {"x-event-types": claim} for number, claim in enumerate(claims)})
    assert (held.find(event_type) is not None) is any(topics.matches(text, event_type) for text in texts)


def test_jsonschema_is_loaded_only_to_explain() -> None:
    """It costs memory and start-up time, and most processes never refuse anything."""
    code = """
import sys
from godtui.holyfields import Registry
from godtui.settings import packaged
registry = Registry.load(packaged("schemas"))
assert registry.valid("test.event.created", None, {"message": "x"})
assert not registry.valid("test.event.created", None, {})
assert "jsonschema" not in sys.modules
assert registry.faults("test.event.created", None, {})[0].keyword == "required"
assert "jsonschema" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
