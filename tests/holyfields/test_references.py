"""References lead by file path, never out of the folder, and never to the wrong file."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godtui.envelope import Fault
from godtui.holyfields import Registry, SchemaFault, SchemaFolderError

Load = Callable[[dict[str, Any]], Registry]
Faults = Callable[[dict[str, Any]], list[SchemaFault]]

DRAFT7 = "http://json-schema.org/draft-07/schema#"
DRAFT2019 = "https://json-schema.org/draft/2019-09/schema"
NEEDS_Q = {"required": ["q"]}
MISSING_Q = [Fault("/payload", "'q' is a required property", "required")]


REACHING: dict[str, dict[str, Any]] = {
    "the file": {"a/b.json": {"$ref": "../_s.json"}, "_s.json": NEEDS_Q},
    "a pointer in a file": {"a/b.json": {"$ref": "../_s.json#/$defs/k"}, "_s.json": {"$defs": {"k": NEEDS_Q}}},
    "an anchor in a file": {
        "a/b.json": {"$ref": "../_s.json#k"},
        "_s.json": {"$defs": {"x": {"$anchor": "k", **NEEDS_Q}}},
    },
    "beside it": {"a/b.json": {"$ref": "./_s.json"}, "a/_s.json": NEEDS_Q},
    "another type's schema": {"a/b.json": {"$ref": "../c.d.json"}, "c.d.json": NEEDS_Q},
    "by two steps": {"a/b.json": {"$ref": "_x.json"}, "a/_x.json": {"$ref": "../_s/y.json"}, "_s/y.json": NEEDS_Q},
    "within the document": {"a/b.json": {"$ref": "#/$defs/k", "$defs": {"k": NEEDS_Q}}},
    "escaped characters": {
        "a/b.json": {"$ref": "../_s%20x.json#/$defs/k~1l"},
        "_s x.json": {"$defs": {"k/l": NEEDS_Q}},
    },
    "where no keyword puts schemas": {"a/b.json": {"$ref": "../_s.json#/ids/x"}, "_s.json": {"ids": {"x": NEEDS_Q}}},
    "from where no keyword puts schemas": {
        "a/b.json": {"$ref": "../_s.json#/ids/x"},
        "_s.json": {"ids": {"x": {"$ref": "#/ids/y"}, "y": {"$ref": "_t.json"}}},
        "_t.json": NEEDS_Q,
    },
    "the only file of an $id": {
        "a/b.json": {"$ref": "https://e.org/ids#/$defs/k"},
        "_s.json": {"$id": "https://e.org/ids", "$defs": {"k": NEEDS_Q}},
    },
    "by path though both have one $id": {
        "a/b.json": {"$id": "https://e.org/x", "$ref": "../_s.json"},
        "_s.json": {"$id": "https://e.org/x", **NEEDS_Q},
    },
    "by path though $id says elsewhere": {
        "a/b.json": {"$id": "https://e.org/deep/down/b.json", "$ref": "../_s.json"},
        "_s.json": {"$id": "https://other.org/s", **NEEDS_Q},
    },
    "a schema with an address inside the file": {
        "a/b.json": {
            "$ref": "#/$defs/k",
            "$defs": {"k": {"$id": "k.json", "$ref": "#/$defs/z", "$defs": {"z": NEEDS_Q}}},
        }
    },
    "an address inside another file": {
        "a/b.json": {"$ref": "https://e.org/k"},
        "_s.json": {"$defs": {"k": {"$id": "https://e.org/k", **NEEDS_Q}}},
    },
    "a dynamic anchor": {"a/b.json": {"$dynamicRef": "#n", "$defs": {"k": {"$dynamicAnchor": "n", **NEEDS_Q}}}},
    "draft-07": {"a/b.json": {"$schema": DRAFT7, "$ref": "../_s.json"}, "_s.json": {"$schema": DRAFT7, **NEEDS_Q}},
    "draft-07 anchors": {
        "a/b.json": {"$schema": DRAFT7, "$ref": "#k", "definitions": {"k": {"$id": "#k", **NEEDS_Q}}},
    },
    "another draft": {
        "a/b.json": {"$ref": "../_s.json#/definitions/k"},
        "_s.json": {"$schema": DRAFT7, "definitions": {"k": NEEDS_Q}},
    },
    "2019-09": {"a/b.json": {"$schema": DRAFT2019, "allOf": [{"$ref": "../_s.json"}]}, "_s.json": NEEDS_Q},
}


@pytest.mark.parametrize("files", REACHING.values(), ids=REACHING.keys())
def test_a_reference_reaches(load: Load, files: dict[str, Any]) -> None:
    registry = load(files)
    assert registry.faults("a.b", None, {}) == MISSING_Q
    assert registry.faults("a.b", None, {"q": 1}) == []


def test_a_reference_to_itself_describes_trees(load: Load) -> None:
    for reference in ("#", "b.json", "../a/b.json", ""):
        registry = load({"a/b.json": {"properties": {"a": {"$ref": reference}}, **NEEDS_Q}})
        assert registry.faults("a.b", None, {"q": 1, "a": {"q": 1}}) == []
        assert [fault.path for fault in registry.faults("a.b", None, {"q": 1, "a": {}})] == ["/payload/a"]


def test_a_recursive_reference_of_2019(load: Load) -> None:
    schema = {"$schema": DRAFT2019, "$recursiveAnchor": True, "properties": {"a": {"$recursiveRef": "#"}}, **NEEDS_Q}
    registry = load({"a/b.json": schema})
    assert [fault.path for fault in registry.faults("a.b", None, {"q": 1, "a": {"q": 1, "a": {}}})] == ["/payload/a/a"]


def test_circles_of_references_are_no_trouble(load: Load) -> None:
    registry = load({"a/b.json": {"$ref": "c.json"}, "a/c.json": {"allOf": [{"$ref": "b.json"}], **NEEDS_Q}})
    assert registry.valid("a.b", None, {"q": 1})
    assert [fault.keyword for fault in registry.faults("a.b", None, {})] == ["required"]


def test_what_only_looks_like_a_reference_is_none(load: Load) -> None:
    schema = {
        "properties": {"$ref": {"type": "string"}, "x": {"const": {"$ref": "nowhere.json"}}},
        "examples": [{"$ref": "nowhere.json"}],
        "default": {"$ref": "nowhere.json"},
    }
    registry = load({"a/b.json": schema})
    assert registry.valid("a.b", None, {"$ref": "text", "x": {"$ref": "nowhere.json"}})
    assert not registry.valid("a.b", None, {"$ref": 1})
    assert registry.contract("a.b").schema == schema


LEADING_NOWHERE: dict[str, tuple[str, str]] = {
    "out by steps": ("../../x.json", "leads out of the schema folder; copy what it needs into _shared/"),
    "out and back in": ("../../schemas/_s.json", "leads out of the schema folder"),
    "out by encoded steps": ("%2e%2e/%2e%2e/x.json", "leads out of the schema folder"),
    "from the root": ("/etc/passwd", "leads out of the schema folder"),
    "to a file of the machine": ("file:///etc/passwd", "leads out of the schema folder, and nothing is fetched"),
    "to the network": ("https://example.com/x.json", "leads out of the schema folder, and nothing is fetched"),
    "to the network without scheme": ("//example.com/x.json", "leads out of the schema folder, and nothing"),
    "to a name": ("urn:example:x", "leads out of the schema folder, and nothing is fetched"),
    "to no file": ("nowhere.json", "leads nowhere: there is no file a/nowhere.json"),
    "to no pointer": ("#/$defs/x", "leads nowhere: a/b.json has no #/$defs/x"),
    "to no anchor": ("../_s.json#x", "leads nowhere: _s.json has no #x"),
    "to no schema": ("#/title", "leads to something that is not a schema"),
    "to a malformed schema": ("../_s.json#/ids/bad", "leads to something that is not a schema"),
    "to a shared $id": ("https://e.org/two", "is the $id of several files (_t.json, _u.json)"),
}


@pytest.mark.parametrize(("reference", "message"), LEADING_NOWHERE.values(), ids=LEADING_NOWHERE.keys())
def test_a_reference_that_leads_nowhere_is_a_fault(faults: Faults, reference: str, message: str) -> None:
    (fault,) = faults(
        {
            "a/b.json": {"title": "x", "properties": {"p": {"$ref": reference}}},
            "_s.json": {"ids": {"bad": {"type": 3}}},
            "_t.json": {"$id": "https://e.org/two"},
            "_u.json": {"$id": "https://e.org/two"},
        }
    )
    assert (fault.file, fault.pointer, fault.line) == ("a/b.json", "/properties/p/$ref", 5)
    assert fault.message.startswith(f"$ref {reference} {message}")


def test_shared_definitions_are_checked_though_nothing_refers_to_them(faults: Faults) -> None:
    found = faults({"a/b.json": {}, "_s.json": {"$defs": {"x": {"$ref": "gone.json"}, "y": {"$ref": "#/$defs/z"}}}})
    assert [(fault.file, fault.pointer) for fault in found] == [
        ("_s.json", "/$defs/x/$ref"),
        ("_s.json", "/$defs/y/$ref"),
    ]


def test_a_reference_to_a_faulty_file_is_not_a_second_fault(faults: Faults) -> None:
    found = faults(
        {
            "a/b.json": {"$ref": "_s.json"},
            "a/_s.json": "{",
            "a/c.json": {"$ref": "d.json"},
            "a/d.json": {"type": 1},
        }
    )
    assert [fault.file for fault in found] == ["a/_s.json", "a/d.json"]


def test_an_address_inside_a_file_that_is_taken_is_a_fault(faults: Faults) -> None:
    (fault,) = faults({"a/b.json": {"$defs": {"k": {"$id": "c.json"}}}, "a/c.json": {}})
    assert (fault.file, fault.pointer) == ("a/b.json", "/$defs/k/$id")
    assert "is taken by a/c.json" in fault.message


def test_a_file_keeps_to_one_draft(faults: Faults, load: Load) -> None:
    (fault,) = faults({"a/b.json": {"$defs": {"k": {"$id": "k", "$schema": DRAFT7}}}})
    assert (fault.pointer, fault.message) == (
        "/$defs/k/$schema",
        "one file keeps to one draft; move this schema to a file",
    )
    assert load({"a/b.json": {"$schema": DRAFT7, "definitions": {"k": {"$id": "k", "$schema": DRAFT7}}}}).types() == [
        "a.b"
    ]


@pytest.mark.parametrize("draft", ["http://json-schema.org/draft-04/schema#", "https://example.com/mine", 3])
def test_a_draft_that_is_not_known_is_a_fault(faults: Faults, draft: object) -> None:
    (fault,) = faults({"a/b.json": {"$schema": draft}})
    assert fault.pointer == "/$schema"
    assert "draft/2020-12/schema" in fault.message


def test_what_drafts_understand_differs(load: Load) -> None:
    tuple_items = {"properties": {"x": {"items": [{"type": "string"}]}}}
    registry = load(
        {
            "a/old.json": {"$schema": DRAFT7, **tuple_items},
            "a/new.json": {"properties": {"x": {"prefixItems": [{"type": "string"}]}}},
        }
    )
    for event_type in ("a.old", "a.new"):
        assert registry.valid(event_type, None, {"x": ["s", 1]})
        assert [fault.path for fault in registry.faults(event_type, None, {"x": [1]})] == ["/payload/x/0"]


def test_draft7_dependencies_may_mix_names_and_schemas(load: Load, faults: Faults) -> None:
    mixed = {"a": {"$ref": "../_s.json"}, "c": ["d"]}
    registry = load({"a/b.json": {"$schema": DRAFT7, "dependencies": mixed}, "_s.json": {"$schema": DRAFT7, **NEEDS_Q}})
    assert registry.faults("a.b", None, {"a": 1}) == MISSING_Q
    assert [fault.keyword for fault in registry.faults("a.b", None, {"c": 1})] == ["dependencies"]
    turned = {"c": ["d"], "a": {"$ref": "gone.json"}}
    (fault,) = faults({"a/b.json": {"$schema": DRAFT7, "dependencies": turned}})
    assert fault.pointer == "/dependencies/a/$ref"


def test_nothing_is_ever_fetched(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    registry = load(
        {"a/b.json": {"$schema": DRAFT7, "$id": "https://example.com/b", "$ref": "_s.json"}, "a/_s.json": NEEDS_Q}
    )
    assert registry.faults("a.b", None, {}) == MISSING_Q


WITHIN = ["#", "#/$defs/a", "#a", "", "b.json", "k.json"]
BEYOND = ["../_s.json", "../_s.json#/$defs/a", "https://e.org/x", "../../x", "?"]
REFERENCES = st.sampled_from(WITHIN + BEYOND)
ADDRESSES = st.sampled_from(["https://e.org/x", "k.json", "#a", "urn:x", "", "../_s.json"])
ANYTHING = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas, and things that are almost schemas."""
    named = st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "$ref": REFERENCES,
            "$dynamicRef": REFERENCES,
            "$id": ADDRESSES,
            "$anchor": st.sampled_from(["a", "b"]),
            "$schema": st.sampled_from([DRAFT7, DRAFT2019]),
            "$defs": named,
            "definitions": named,
            "dependencies": named,
            "properties": named,
            "items": inner | st.lists(inner, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "pattern": st.sampled_from(["a", "("]),
            "unevaluatedProperties": inner,
        },
    )


WILD: st.SearchStrategy[Any] = st.recursive(st.booleans() | st.just({}) | ANYTHING, keywords, max_leaves=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keywords(WILD), keywords(WILD), WILD)
def test_whatever_a_folder_holds_it_is_loaded_or_its_faults_are_listed(
    load: Load, one: dict[str, Any], two: dict[str, Any], payload: Any
) -> None:
    faults: list[SchemaFault] = []
    try:
        registry = load({"a/b.json": one, "_s.json": two})
    except SchemaFolderError as error:
        faults = error.faults
    if faults:
        assert all(fault.message for fault in faults)
    else:
        document = {"a": payload}
        assert (registry.faults("a.b", None, document) == []) is registry.valid("a.b", None, document)
