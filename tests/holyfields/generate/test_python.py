"""Generated Pydantic models: readable, typed, and of the same mind as the registry."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from godtui.holyfields.dialects import decider
from godtui.holyfields.generate.collecting import collect
from godtui.holyfields.generate.collection import Collection, Definition, Payload
from godtui.holyfields.generate.python import emit
from godtui.holyfields.generate.refusals import RefusedError
from godtui.holyfields.registry import Registry
from godtui.jsontext import Json
from tests.holyfields.generate.packages import imported, write

SHIPPED: Final = Path(__file__).parents[3] / "schemas"
REGISTRY: Final = Registry.load(SHIPPED)
ODD_NAMES: Final = (
    "class", "from", "$x", "2fa", "a-b", "a_b", "a b", "aB", "model_dump", "model_config", "model_fields_set", "copy",
    "json", "schema", "ünïcode", "名", "list", "dict", "str", "shared", "self", "cls", "RULES", "EVENT_TYPE",
    "event_type", "_x", "__class__", "__pydantic_extra__", "Status", "", "None", "value", "l", "root", "match",
    "x" * 300, 'q"uo\\te', "new\nline", "it's", "Record", "async",
)  # fmt: skip
DEFINITIONS: Final[dict[str, Json]] = {
    "node": {
        "type": "object",
        "properties": {
            "next": {"$ref": "#/$defs/node"},
            "tree": {"$ref": "#/$defs/tree"},
            "v": {"$ref": "#/$defs/short"},
        },
    },
    "tree": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/tree"}}, {"type": "integer"}]},
    "short": {"type": ["string", "null"], "maxLength": 3},
    "loop": {"allOf": [{"$ref": "#/$defs/node"}, {"required": ["v"]}]},
    "closed": {"type": "object", "properties": {"k": {"const": "a"}}, "additionalProperties": False},
    "list": {"type": "array", "items": {"type": "object", "properties": {"deep": {"$ref": "#/$defs/list"}}}},
}


def collection(**schemas: Json) -> Collection:
    """Contracts `hard.NAME` that may refer to DEFINITIONS."""
    payloads = (Payload(f"hard.{name}", "v1", "", "", schemas[name], f"hard/{name}.json") for name in sorted(schemas))
    definitions = {key: Definition(key, (key,), DEFINITIONS[key], "_shared.json", "") for key in DEFINITIONS}
    return Collection(tuple(payloads), definitions)


OBJECT: Final[Json] = {"type": "object", "properties": {"a": {"type": "integer"}}}
HARD: Final = {
    "names": {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ODD_NAMES},
        "additionalProperties": False,
    },
    "nested": {
        "type": "object",
        "description": 'Literal, Field and ConfigDict, shared.Node; it\'s a "quote"',
        "properties": {name: {**OBJECT, "description": 'a \\ and """ and "'} for name in ODD_NAMES},
        "required": list(ODD_NAMES[:3]),
    },
    "extra": {
        "type": "object",
        "properties": dict.fromkeys(ODD_NAMES[:12], OBJECT),
        "additionalProperties": {
            "type": "object",
            "properties": {"b": {"type": ["integer", "null"]}},
            "required": ["b"],
        },
    },
    "anything": {},
    "reference": {"$ref": "#/$defs/node"},
    "choice": {"oneOf": [{"$ref": "#/$defs/closed"}, {"$ref": "#/$defs/node"}]},
    "kinds": {
        "type": "object",
        "properties": {
            **{key: {"$ref": f"#/$defs/{key}"} for key in DEFINITIONS},
            "one": {"oneOf": [{"$ref": "#/$defs/closed"}, {"$ref": "#/$defs/node"}]},
            "any": True,
            "never": False,
            "cents": {"type": "number", "multipleOf": 0.01},
            "bounded": {"type": "integer", "minimum": -5, "maximum": 10**30},
            "mixed": {
                "type": ["object", "array", "string", "number"],
                "properties": {"z": {"type": "integer"}},
                "required": ["z"],
                "minItems": 1,
                "minLength": 2.0,
                "minimum": 3,
            },
            "set": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            "maybe": {"type": "string"},
            "nullable": {"type": ["string", "null"], "description": '"""'},
            "words": {"enum": ["a", None]},
            "nothing": {"const": None},
            "o": {"type": "object", "properties": {"i": {"type": "string"}}},
        },
    },
}


def deep(value: Json, levels: int, name: str | None = None) -> Json:
    for _ in range(levels):
        value = [value] if name is None else {name: value}
    return value


TREES: Final[list[Json]] = [
    deep({}, 150, "next"), {"next": {"next": None}}, {"tree": deep(1, 190)}, {"tree": deep(1.0, 5)},
    {"tree": deep("a", 5)}, {"v": None}, {"v": "abcd"}, {"v": "𝒳𝒳𝒳"}, {"v": "e\u0301e\u0301"}, {},
]  # fmt: skip
VALUES: Final[list[Json]] = [
    None, True, False, 0, 1, 1.0, 1.5, -5.0, 3, 0.07, 0.075, 1e300, 10**30, 10**30 + 1, 10**400, "", "a", "ab", "1",
    [], [1], [1, 1.0], ["a", "a"], ["a", "b"], {}, {"z": 1.0}, {"z": 1.5}, {"k": "a"}, {"k": 1}, {"a": 1, "b": 2},
    {"b": None}, [{"deep": [{"deep": [{}]}]}], [{"deep": [{"deep": {}}]}], [["k", "a"]], deep(1, 198), *TREES,
]  # fmt: skip


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return imported(collection(**HARD), tmp_path_factory.mktemp("hard"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return imported(collect(SHIPPED), tmp_path_factory.mktemp("shipped"))


def accepts(model: type[BaseModel], payload: Json) -> bool:
    """Whether it does; what it accepts it also gives back."""
    try:
        made = model.model_validate(payload)
    except ValidationError:
        return False
    assert made.model_dump() == made.model_dump(mode="json", by_alias=True, exclude_unset=True) == payload
    assert json.loads(made.model_dump_json()) == payload
    assert model.model_validate(made) is made
    return True


def clean(folder: Path, *command: str) -> None:
    """A tool finds nothing in the folder."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", HARD)
def test_models_are_of_one_mind_with_the_schema(hard: ModuleType, name: str) -> None:
    model = hard.EVENTS[f"hard.{name}"]
    judge = decider({"allOf": [HARD[name]], "$defs": DEFINITIONS})
    fields = [*model.model_fields, *HARD[name].get("properties", {}), "unknown"]
    base = {one: {} for one in HARD[name].get("required", ())}
    payloads = [*TREES, *({**base, field: value} for field in fields for value in VALUES)]
    wrong = [one for one in payloads if accepts(model, one) != judge.is_valid(one)]
    assert not wrong
    assert any(map(judge.is_valid, payloads))


def test_optional_is_not_nullable(hard: ModuleType) -> None:
    model = hard.EVENTS["hard.kinds"]
    made = model()
    assert (made.maybe, made.nullable) == (None, None)
    assert model(nullable=None).model_dump() == {"nullable": None}
    with pytest.raises(ValidationError, match="may be left out, but is not null"):
        model(maybe=None)


def test_models_are_taken_where_objects_are(hard: ModuleType) -> None:
    node = hard.EVENTS["hard.kinds"].model_validate({"node": {"v": "a"}})
    made = hard.EVENTS["hard.kinds"](node=node.node, loop=node.node, one=node.node)
    dumped = made.model_dump(mode="json")
    assert dumped == {"node": {"v": "a"}, "loop": {"v": "a"}, "one": {"v": "a"}}


def test_every_model_says_what_it_is_of(shipped: ModuleType) -> None:
    assert sorted(shipped.EVENTS) == sorted(contract["event_type"] for contract in REGISTRY.summary())
    for event_type, model in shipped.EVENTS.items():
        assert event_type == model.EVENT_TYPE
        assert model.VERSION == "v1"
        assert model.__doc__


def test_the_newest_version_is_the_one_of_its_name(tmp_path: Path) -> None:
    contracts = tuple(Payload("a.b", f"v{number}", "", "", {"type": "object"}, "a/b.json") for number in (1, 10, 2))
    package = imported(Collection(contracts, {}), tmp_path)
    assert package.EVENTS["a.b"].VERSION == "v10"
    assert {path.stem for path in (tmp_path / "holyfields_events").glob("a_b_*")} == {"a_b_v1", "a_b_v2", "a_b_v10"}


def test_names_that_collide_stay_apart(tmp_path: Path) -> None:
    contracts = tuple(Payload(name, "v1", "", name, {"type": "object"}, name) for name in ("a.b-c", "a.b.c", "a.b_c"))
    package = imported(Collection(contracts, {}), tmp_path)
    assert [model.EVENT_TYPE for model in package.EVENTS.values()] == ["a.b-c", "a.b.c", "a.b_c"]


def test_what_is_nested_too_deep_is_refused_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b.json"
    file.parent.mkdir()
    for levels, refused in ((60, False), (70, True)):
        schema: Json = {"type": "integer"}
        for _ in range(levels):
            schema = {"items": schema}
        file.write_text(json.dumps({"type": "object", "properties": {"v": schema}}))
        if not refused:
            assert accepts(imported(collect(tmp_path), tmp_path / "out").EVENTS["a.b"], {"v": deep(1, levels)})
            assert not accepts(imported(collect(tmp_path), tmp_path / "out").EVENTS["a.b"], {"v": deep("", levels)})
            continue
        with pytest.raises(RefusedError, match=r"a/b.json:1:\d+ nested deeper than 64 levels; give") as error:
            emit(collect(tmp_path))
        assert error.value.refusals[0].pointer.startswith("/properties/v/items/items")


def test_long_chains_of_definitions_cost_no_more_than_their_length(tmp_path: Path) -> None:
    chain = {
        f"d{number}": {"type": ["array", "null"], "items": {"anyOf": [{"$ref": f"#/$defs/d{number + 1}"}, False]}}
        for number in range(60)
    } | {"d60": {"type": "string"}}
    definitions = {key: Definition(key, (key,), schema, "", "") for key, schema in chain.items()}
    payload = Payload("a.b", "v1", "", "", {"properties": {"x": {"$ref": "#/$defs/d0"}}}, "a/b.json")
    model = imported(Collection((payload,), definitions), tmp_path).EVENTS["a.b"]
    assert accepts(model, {"x": deep("", 60)})
    assert not accepts(model, {"x": deep(1, 60)})


def test_definitions_named_again_and_again_are_merged_once(tmp_path: Path) -> None:
    definitions: dict[str, Json] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    definitions["d60"] = {"type": "object", "properties": {"size": {"type": "integer"}}}
    (tmp_path / "schemas" / "test").mkdir(parents=True)
    document = {"type": "object", "$ref": "#/$defs/d0", "$defs": definitions}
    (tmp_path / "schemas" / "test" / "thing.done.json").write_text(json.dumps(document))
    made = emit(collect(tmp_path / "schemas"))
    assert "size: Omissible[Integer] = None" in made["holyfields_events/test_thing_done_v1.py"]


def test_a_folder_of_aliases_only_is_clean(tmp_path: Path) -> None:
    payload = Payload("a.b", "v1", "", "", {"properties": {"x": {"$ref": "#/$defs/short"}}}, "a/b.json")
    short = Definition("short", ("short",), {**DEFINITIONS["short"], "description": "Few."}, "_shared.json", "")
    write(Collection((payload,), {"short": short}), tmp_path)
    clean(tmp_path, "ruff", "check", "--no-cache", "--config", str(SHIPPED.parent / "pyproject.toml"), ".")


def _mutated(draw: st.DrawFn, value: Json, depth: int = 0) -> Json:
    """The document with one place of it changed."""
    here = st.sampled_from(VALUES[:30])
    if isinstance(value, dict) and value and (depth == 0 or draw(st.integers(0, 3))):
        name = draw(st.sampled_from(sorted(value)))
        match draw(st.integers(0, 4)):
            case 0:
                return {key: one for key, one in value.items() if key != name}
            case 1:
                return {**value, draw(st.sampled_from(["unknown", f"{name}_", name.upper()])): draw(here)}
            case _:
                return {**value, name: _mutated(draw, value[name], depth + 1)}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], _mutated(draw, value[at], depth + 1), *value[at + 1 :]]
    if isinstance(value, str) and draw(st.booleans()):
        return draw(st.sampled_from([value[:1], value + "x", value.upper(), " " + value, value[1:]]))
    if isinstance(value, int) and draw(st.booleans()):
        return draw(st.sampled_from([-value, float(value), value + 0.5, str(value), value * 10**20]))
    return draw(here)


@given(data=st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_mutated_examples_are_judged_as_the_registry_judges(shipped: ModuleType, data: st.DataObject) -> None:
    event_type = data.draw(st.sampled_from(sorted(shipped.EVENTS)))
    contract = REGISTRY.contract(event_type, None)
    payload: Json = data.draw(st.sampled_from([*contract.examples, {}]))
    for _ in range(data.draw(st.integers(0, 3))):
        payload = data.draw(st.composite(_mutated)(payload)) if isinstance(payload, dict) else payload
    assert accepts(shipped.EVENTS[event_type], payload) == contract.valid(payload)


def test_the_output_is_the_same_every_time() -> None:
    assert emit(collect(SHIPPED)) == emit(collect(SHIPPED))


@pytest.mark.parametrize("made", [lambda: collect(SHIPPED), lambda: collection(**HARD)], ids=["shipped", "hard"])
def test_the_output_is_clean_under_mypy_and_ruff(made: Any, tmp_path: Path) -> None:
    write(made(), tmp_path)
    project = SHIPPED.parent / "pyproject.toml"
    for command in (
        ["ruff", "check", "--no-cache", "--isolated", "--line-length", "120", "."],
        ["ruff", "check", "--no-cache", "--config", str(project), "."],
        ["ruff", "format", "--no-cache", "--check", "--isolated", "--line-length", "120", "."],
        ["mypy", "--strict", "--config-file=", "holyfields_events"],
    ):
        clean(tmp_path, *command)
