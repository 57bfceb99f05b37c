"""A refusal is explained: truthfully, readably, and without taking long whatever the payload."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godtui.envelope import Fault
from godtui.holyfields import Registry, explain, keywords
from godtui.holyfields.faults import MAX_MESSAGE

Load = Callable[[dict[str, Any]], Registry]
DRAFT7 = "http://json-schema.org/draft-07/schema#"
DRAFT2019 = "https://json-schema.org/draft/2019-09/schema"


def properties(**schemas: Any) -> dict[str, Any]:
    """The schema of an object with these members."""
    return {"type": "object", "properties": schemas}


EXPLAINED: list[tuple[dict[str, Any], Any, str, str, str]] = [
    ({"required": ["message"]}, {}, "/payload", "'message' is a required property", "required"),
    (properties(x={"type": "string"}), {"x": 1}, "/payload/x", "1 is not of type 'string'", "type"),
    (properties(**{"a/b~c": {"type": "null"}}), {"a/b~c": 1}, "/payload/a~1b~0c", "1 is not of type 'null'", "type"),
    (
        properties(x={"items": {"minimum": 3}}),
        {"x": [5, 2]},
        "/payload/x/1",
        "2 is less than the minimum of 3",
        "minimum",
    ),
    (properties(x={"pattern": "^a$"}), {"x": "a\n"}, "/payload/x", "'a\\n' does not match '^a$'", "pattern"),
    (properties(x={"format": "uuid"}), {"x": "u"}, "/payload/x", "'u' is not a 'uuid'", "format"),
    (properties(x={"format": "date-time"}), {"x": "now"}, "/payload/x", "'now' is not a 'date-time'", "format"),
    (properties(x={"uniqueItems": True}), {"x": [1, 1]}, "/payload/x", "[1, 1] has non-unique elements", "uniqueItems"),
    (properties(x={"multipleOf": 0.01}), {"x": 0.075}, "/payload/x", "0.075 is not a multiple of 0.01", "multipleOf"),
    (
        {"additionalProperties": False, **properties(x=True)},
        {"x": 1, "y": 2, "z": 3},
        "/payload",
        "Additional properties are not allowed ('y', 'z' were unexpected)",
        "additionalProperties",
    ),
    (
        {"patternProperties": {"^n_": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
        {"n_a": 1, "b": 2},
        "/payload/b",
        "2 is not of type 'string'",
        "type",
    ),
    (
        {"patternProperties": {"^n_": {"type": "integer"}}, "additionalProperties": False},
        {"n_a": "x"},
        "/payload/n_a",
        "'x' is not of type 'integer'",
        "type",
    ),
    (
        {"allOf": [properties(a=True)], "unevaluatedProperties": False},
        {"a": 1, "b": 2},
        "/payload",
        "Unevaluated properties are not allowed ('b' was unexpected)",
        "unevaluatedProperties",
    ),
]


@pytest.mark.parametrize(("schema", "payload", "path", "message", "keyword"), EXPLAINED)
def test_a_fault_says_where_what_and_why(
    load: Load, schema: dict[str, Any], payload: Any, path: str, message: str, keyword: str
) -> None:
    registry = load({"a/b.json": schema})
    assert not registry.valid("a.b", None, payload)
    assert registry.faults("a.b", None, payload) == [Fault(path, message, keyword)]


def test_every_fault_is_told(load: Load) -> None:
    schema = {**properties(x={"type": "string"}, y={"minimum": 3}), "required": ["z"], "additionalProperties": False}
    registry = load({"a/b.json": schema})
    found = registry.faults("a.b", None, {"x": 1, "y": 1, "w": 1})
    assert {(fault.path, fault.keyword) for fault in found} == {
        ("/payload/x", "type"),
        ("/payload/y", "minimum"),
        ("/payload", "required"),
        ("/payload", "additionalProperties"),
    }


def test_of_alternatives_the_nearest_is_named_too(load: Load) -> None:
    schema = properties(x={"anyOf": [{"type": "string"}, properties(deep={"type": "integer"})]})
    registry = load({"a/b.json": schema})
    found = registry.faults("a.b", None, {"x": {"deep": "no"}})
    assert [fault.keyword for fault in found] == ["anyOf", "type"]
    assert found[1].path == "/payload/x/deep"


def test_a_forbidden_member_is_named(load: Load) -> None:
    registry = load({"a/b.json": properties(x=False)})
    assert registry.faults("a.b", None, {"x": 1}) == [Fault("/payload/x", "'x' is not allowed", "properties")]


def test_where_jsonschema_sees_nothing_wrong_the_deciding_message_is_shown(load: Load) -> None:
    registry = load({"a/b.json": {"dependencies": {"a": ["b"]}}})
    assert registry.faults("a.b", None, {"a": 1}) == [Fault("/payload", '"b" is a required property', "required")]


@pytest.mark.parametrize(
    "payload",
    [{"x": "\ud800"}, {"x": b""}, {"x": {1}}, {1: 2}, {"x": object()}],
    ids=["surrogate", "bytes", "set", "number as name", "object"],
)
def test_what_is_not_json_is_refused_and_not_raised(load: Load, payload: Any) -> None:
    registry = load({"a/b.json": {"properties": {"x": {"type": "string", "pattern": "^a"}}, "minProperties": 1}})
    contract = registry.contract("a.b")
    assert not registry.valid("a.b", None, payload)
    assert not contract.valid(payload)
    (fault, *_) = registry.faults("a.b", None, payload)
    assert fault.path.startswith("/payload")
    json.dumps(fault.as_json(), ensure_ascii=False).encode()


def test_integers_of_any_size_are_judged(load: Load) -> None:
    registry = load({"a/b.json": properties(x={"type": "integer", "maximum": 10**30, "multipleOf": 5})})
    assert registry.valid("a.b", None, {"x": 10**30})
    assert registry.valid("a.b", None, {"x": -(10**4000)})
    assert [fault.keyword for fault in registry.faults("a.b", None, {"x": 10**30 + 5})] == ["maximum"]
    assert [fault.keyword for fault in registry.faults("a.b", None, {"x": 10**29 + 1})] == ["multipleOf"]
    assert len(registry.faults("a.b", None, {"x": 10**4000 + 1})) == 2


def test_at_most_twenty_faults_of_bounded_length(load: Load) -> None:
    registry = load({"a/b.json": {"additionalProperties": {"type": "null"}}})
    found = registry.faults(
        "a.b", None, {"k" * 100_000: {"y" * 1_000_000: 1}, **{f"k{n}": "v" * 1000 for n in range(500)}}
    )
    assert len(found) == explain.MAX_FAULTS
    assert all(len(fault.message) <= MAX_MESSAGE + 3 for fault in found)
    assert all(fault.message.endswith("is not of type 'null'") for fault in found)
    assert found[0].path == "/payload"
    assert found[1].path == "/payload/k0"


def deep(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = [value]
    return value


HARD: dict[str, tuple[dict[str, Any], Any]] = {
    "a pattern that backtracks": (properties(x={"pattern": "^(a+)+$"}), {"x": "a" * 5000 + "b"}),
    "a pattern of names that backtracks": (
        {"patternProperties": {"^(a+)+$": True}, "additionalProperties": False},
        {"a" * 5000 + "b": 1},
    ),
    "a pattern of unevaluated names that backtracks": (
        {"patternProperties": {"^(a+)+$": True}, "unevaluatedProperties": False},
        {"a" * 5000 + "b": 1},
    ),
    "a pattern with back references": (properties(x={"pattern": r"^(a|aa)+\1$"}), {"x": "a" * 5000 + "b"}),
    "an expression to be checked": (properties(x={"format": "regex"}), {"x": "(" * 100_000}),
    "many objects to be unique": (properties(x={"uniqueItems": True}), {"x": [{"a": n} for n in range(30_000)] * 2}),
    "many unevaluated items": (
        properties(x={"contains": {"type": "string"}, "unevaluatedItems": False}),
        {"x": [*map(str, range(60_000)), 1]},
    ),
    "a late item": (properties(x={"items": {"type": "string"}}), {"x": ["s"] * 300_000 + [1]}),
    "many items in an alternative": (
        {"anyOf": [properties(x={"items": {"type": "string"}}), {"required": ["y"]}]},
        {"x": [1] * 300_000},
    ),
    "alternatives that double at every level": (
        {
            "$defs": {
                "n": {"oneOf": [{"type": "array", "items": {"$ref": "#/$defs/n"}, "maxItems": n} for n in (8, 9)]}
            },
            **properties(x={"$ref": "#/$defs/n"}),
        },
        {"x": deep("s", 100)},
    ),
    "long messages of many alternatives": (
        {"anyOf": [{"type": "object", "maxProperties": 0}, properties(a={"$ref": "#"})]},
        {"a": {"a": {"a": {"b": "y" * 1_000_000, "a": 1}, "c": 1}, "c": 1}, "c": 1},
    ),
}


@pytest.mark.parametrize("draft", [None, DRAFT7, DRAFT2019], ids=["2020-12", "draft-07", "2019-09"])
@pytest.mark.parametrize(("schema", "payload"), HARD.values(), ids=HARD.keys())
def test_hard_payloads_are_explained_within_limits(
    load: Load, schema: dict[str, Any], payload: Any, draft: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """jsonschema alone would take from seconds to ages for each; what was spent is counted, not timed."""
    asked: list[str] = []
    original = explain._own_message

    def counted(validator: jsonschema_rs.Validator, refused: Any) -> Fault:
        asked.append("jsonschema-rs")
        return original(validator, refused)

    monkeypatch.setattr(explain, "_own_message", counted)
    registry = load({"a/b.json": schema if draft is None else {"$schema": draft, **schema}})
    if registry.valid("a.b", None, payload):
        assert draft is not None  # an older draft does not know the keyword
        return
    found = registry.faults("a.b", None, payload)
    assert 1 <= len(found) <= explain.MAX_FAULTS
    assert not asked or not {"anyOf", "oneOf"} & set(json.dumps(schema).split('"'))


def test_work_is_counted_and_given_anew(load: Load) -> None:
    registry = load({"a/b.json": properties(x={"items": {"type": "string"}})})
    few = {"x": ["s"] * (keywords.MAX_WORK // 2) + [1]}
    many = {"x": ["s"] * (keywords.MAX_WORK * 2) + [1]}
    for _ in range(3):
        assert registry.faults("a.b", None, few)[0].message == "1 is not of type 'string'"
        assert registry.faults("a.b", None, many)[0].message == '1 is not of type "string"'


SCHEMAS = st.recursive(
    st.sampled_from(
        [
            True,
            False,
            {"type": "integer"},
            {"type": ["string", "null"]},
            {"minimum": 2},
            {"maxLength": 1},
            {"pattern": "^a"},
            {"const": 1},
            {"enum": [True, "a", None]},
            {"uniqueItems": True},
            {"multipleOf": 0.5},
            {"format": "date"},
            {"required": ["a"]},
        ]
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2)}),
        st.fixed_dictionaries({"additionalProperties": inner, "properties": st.just({"a": True})}),
        st.fixed_dictionaries(
            {"patternProperties": st.fixed_dictionaries({"^a": inner}), "unevaluatedProperties": inner}
        ),
        st.fixed_dictionaries({"items": inner, "contains": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=3), "not": inner}),
        st.fixed_dictionaries({"if": inner, "then": inner, "else": inner}),
    ),
    max_leaves=8,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 10**30, "", "a", "ab", "2024-02-30"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "ab"]), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SCHEMAS, VALUES)
def test_there_is_a_fault_exactly_where_the_deciding_validator_refuses(load: Load, schema: Any, value: Any) -> None:
    whole = properties(x=schema)
    contract = load({"a/b.json": whole}).contract("a.b")
    decided = jsonschema_rs.validator_for(whole, validate_formats=True).is_valid({"x": value})
    found = contract.faults({"x": value})
    assert (found == []) is decided
    for fault in found:
        place: Any = {"payload": {"x": value}}
        for part in fault.path.split("/")[1:]:
            place = place[int(part)] if isinstance(place, list) else place[part]


def test_a_schema_that_refers_to_itself_is_said_to_do_so(load: Load) -> None:
    schema = {"allOf": [{"$ref": "#"}], "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    (fault,) = load({"a/b.json": schema}).contract("a.b").faults({})
    assert fault.path == "/payload"
    assert "refers back to itself" in fault.message
