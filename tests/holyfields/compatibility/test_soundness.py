"""For schemas at random: no verdict by rule has a counterexample, and every witness is one that cannot be smaller."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godtui.holyfields import Contract, Registry
from godtui.holyfields.compatibility import Mode, judge
from godtui.holyfields.compatibility.candidates import Candidates
from godtui.holyfields.compatibility.places import Bundle
from tests.holyfields.compatibility.test_edits import require_witness

NAMES = ("a", "b", "n_a")
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
VALUES: st.SearchStrategy[Any] = st.sampled_from([None, True, 0, 1, 1.0, 1.5, -2, "", "a", "ab", [], [1], {}, {"a": 1}])
SMALL = st.integers(0, 3)
BOUND = st.sampled_from([-1, 0, 0.5, 1, 2, 2.5])
DOCUMENTS = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "z"]), inner, max_size=3),
    max_leaves=6,
)


def keywords(inner: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    some = st.lists(inner, min_size=1, max_size=2)
    names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)
    return {
        "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True),
        "const": VALUES,
        "enum": st.lists(VALUES, min_size=1, max_size=3, unique_by=repr),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), BOUND),
        "multipleOf": st.sampled_from([1, 2, 4, 0.5, 1.5]),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), SMALL),
        "pattern": st.sampled_from(["^a", "b$"]),
        "format": st.sampled_from(["date", "uuid", "unheard-of"]),
        **dict.fromkeys(("items", "contains", "propertyNames", "not", "if"), inner),
        "additionalProperties": st.booleans() | inner,
        **dict.fromkeys(("then", "else", "unevaluatedProperties", "unevaluatedItems"), inner),
        **dict.fromkeys(("minContains", "maxContains"), SMALL),
        **dict.fromkeys(("prefixItems", "allOf", "anyOf", "oneOf"), some),
        "uniqueItems": st.booleans(),
        "required": names,
        "properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
        "patternProperties": st.dictionaries(st.sampled_from(["^n_", "a$"]), inner, max_size=1),
        "dependentRequired": st.dictionaries(st.sampled_from(NAMES), names, max_size=1),
        "dependentSchemas": st.dictionaries(st.sampled_from(NAMES), inner, max_size=1),
        "$ref": st.sampled_from(["#/$defs/one", "#/$defs/tree"]),
    }


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2) -> Any:
    """A schema of a few keywords; `#/$defs/one` and `#/$defs/tree` are there."""
    if depth == 0:
        return draw(st.sampled_from([True, {}, False, *({"type": one} for one in TYPES), {"$ref": "#/$defs/tree"}]))
    table = keywords(st.deferred(lambda: schemas(depth - 1)))
    chosen = draw(st.lists(st.sampled_from(sorted(table)), max_size=3, unique=True))
    return {name: draw(table[name]) for name in chosen}


@st.composite
def edited(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema, and one that keeps much of it."""
    old = draw(schemas())
    new = {name: draw(st.just(value) | keywords(schemas(1))[name]) for name, value in old.items()}
    new |= draw(schemas())
    for name in draw(st.lists(st.sampled_from(sorted(new)), max_size=2)) if new else ():
        new.pop(name, None)
    return old, new


def subschemas(schema: Any) -> list[tuple[dict[str, Any], str]]:
    """Every keyword of a schema that holds a schema or a value, as the object that has it and its name."""
    found = [(schema, name) for name in schema] if isinstance(schema, dict) else []
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return [*found, *(one for value in inner for one in subschemas(value))]


@st.composite
def nudged(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema, and one with a single keyword or member, anywhere in it, taken away or given another value."""
    old = draw(schemas().filter(bool))
    new = json.loads(json.dumps(old))
    holder, name = draw(st.sampled_from(subschemas(new)))
    table = keywords(schemas(1))
    if name in table and draw(st.booleans()):
        holder[name] = draw(table[name])
    elif isinstance(holder[name], bool) and name != "uniqueItems":
        holder[name] = not holder[name]
    else:
        del holder[name]
    return (old, new) if draw(st.booleans()) else (new, old)


def contract(schema: dict[str, Any], one: Any) -> Contract:
    """The contract of an open object whose member `x` is of a schema."""
    tree = {"type": ["object", "integer"], "properties": {"a": {"$ref": "#/$defs/tree"}}}
    whole = {"type": "object", "properties": {"x": schema}, "required": ["x"], "$defs": {"one": one, "tree": tree}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a" / "b.json"
        file.parent.mkdir()
        file.write_text(json.dumps(whole))
        return Registry.load(Path(folder)).contract("a.b")


def refute(schemas_of_x: tuple[Any, Any], defined: tuple[Any, Any], documents: list[Any], seed: int) -> None:
    """Fails where a verdict is refuted: by a document that only the old accepts, or as its witness is none."""
    old, new = (contract(schema, one) for schema, one in zip(schemas_of_x, defined, strict=True))
    verdict = judge(old, new, Mode.BACKWARD, strict=True)
    if verdict.compatible is False:
        require_witness(verdict, old, new)
    elif verdict.compatible:
        ours, theirs = Bundle.of(old).place, Bundle.of(new).place
        tried = [*Candidates(Random(seed)).values((ours,), (theirs,)), *({"x": one} for one in documents)]
        refuted = [one for one in tried if old.valid(one) and not new.valid(one)]
        assert not refuted


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(edited(), schemas(1), schemas(1), st.lists(DOCUMENTS, max_size=20), st.integers(0, 99))
def test_no_verdict_is_refuted(
    schemas_of_x: tuple[Any, Any], first: Any, second: Any, documents: list[Any], seed: int
) -> None:
    refute(schemas_of_x, (first, second), documents, seed)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(nudged(), schemas(1), st.lists(DOCUMENTS, max_size=20), st.integers(0, 99))
def test_no_verdict_on_a_small_edit_is_refuted(
    schemas_of_x: tuple[Any, Any], defined: Any, documents: list[Any], seed: int
) -> None:
    refute(schemas_of_x, (defined, defined), documents, seed)
