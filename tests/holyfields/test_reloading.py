"""A folder loaded again is what it would be if it were loaded for the first time, at less work."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields import Registry, SchemaFolderError
from godtui.holyfields.reloading import Reloader
from tests.holyfields.conftest import Files

Write = Callable[[Files], Path]


def schema(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members}


def of(kind: str) -> dict[str, Any]:
    return {"$defs": {"one": {"type": kind}}}


FOLDER: Files = {
    "a/created.json": schema(one={"$ref": "../_shared/kinds.json#/$defs/one"}),
    "a/removed.json": schema(one={"$ref": "created.json"}),
    "b/created.json": schema(one={"type": "string"}),
    "_shared/kinds.json": of("string"),
}


def digests(registry: Registry) -> dict[tuple[str, str], str]:
    found = {}
    for name in registry.types():
        for version in registry.versions(name):
            found[name, version] = registry.contract(name, version).digest
    return found


def test_what_did_not_change_is_not_made_again(write: Write) -> None:
    reloader = Reloader(write(FOLDER))
    first = reloader.load()
    assert reloader.load() is first
    write({"b/created.json": schema(one={"type": "integer"})})
    second = reloader.load()
    assert second.contract("a.created") is first.contract("a.created")
    assert second.valid("b.created", None, {"one": 1})
    assert not first.valid("b.created", None, {"one": 1})


def test_a_changed_definition_changes_whoever_reaches_it(write: Write) -> None:
    reloader = Reloader(write(FOLDER))
    first = reloader.load()
    write({"_shared/kinds.json": of("integer")})
    second = reloader.load()
    assert second.contract("b.created") is first.contract("b.created")
    assert second.valid("a.created", None, {"one": 1})
    assert second.valid("a.removed", None, {"one": {"one": 1}})
    assert not second.valid("a.removed", None, {"one": {"one": "text"}})
    assert [fault.path for fault in second.faults("a.removed", None, {"one": {"one": "text"}})] == ["/payload/one/one"]


def test_an_anchor_that_went_is_missed(write: Write) -> None:
    folder = write(
        {
            "_shared/kinds.json": {"$defs": {"one": {"$anchor": "it", "type": "string"}}},
            "a/created.json": {"$ref": "../_shared/kinds.json#it"},
        }
    )
    reloader = Reloader(folder)
    first = reloader.load()
    write({"_shared/kinds.json": {"$defs": {"one": {"$anchor": "that", "type": "string"}}}})
    with pytest.raises(SchemaFolderError, match="has no #it"):
        reloader.load()
    write({"_shared/kinds.json": {"$defs": {"one": {"$anchor": "it", "type": "string"}}}})
    assert digests(reloader.load()) == digests(first)


def test_a_changed_file_may_refer_to_what_nobody_referred_to(write: Write) -> None:
    folder = write({**FOLDER, "_shared/more.json": {"$defs": {"two": {"$anchor": "two", "minimum": 5}}}})
    reloader = Reloader(folder)
    reloader.load()
    write({"b/created.json": schema(one={"$ref": "../_shared/more.json#two"})})
    assert not reloader.load().valid("b.created", None, {"one": 4})


_TEXTS = (
    schema(one={"type": "integer"}),
    schema(one={"$ref": "../a/created.json"}),
    schema(one={"$ref": "../b/created.json#/properties/one"}),
    schema(one={"$ref": "https://example.com/x"}),
    {"$id": "https://example.com/x", "type": "object"},
    {"$id": "https://example.com/y", "$defs": {"k": {"$id": "https://example.com/x"}}},
    {"$defs": {"one": {"$anchor": "it"}}, "properties": {"one": {"$ref": "#it"}}},
    schema(one={"$ref": "../_shared/kinds.json#it"}),
    {"$defs": {"one": {"$anchor": "it", "type": "string"}}},
    of("integer"),
    {"type": "nothing"},
    "{",
    None,
)
_PATHS = ("a/created.json", "a/removed.json", "b/created.json", "_shared/kinds.json", "b/other.json")


def _outcome(load: Callable[[], Registry]) -> Any:
    try:
        return digests(load())
    except SchemaFolderError as error:
        return error.faults


def test_whatever_changes_the_answer_is_that_of_a_first_load(write: Write) -> None:
    chance = random.Random(5)
    folder = write(FOLDER)
    reloader = Reloader(folder)
    sound = 0
    for _ in range(400):
        path, text = chance.choice(_PATHS), chance.choice(_TEXTS)
        if text is None:
            (folder / path).unlink(missing_ok=True)
        else:
            write({path: text})
        if chance.random() < 0.2:
            write(FOLDER)
        told = _outcome(reloader.load)
        assert told == _outcome(lambda: Registry.load(folder))
        sound += isinstance(told, dict)
    assert 100 < sound < 390
