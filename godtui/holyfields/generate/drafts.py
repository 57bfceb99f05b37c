"""Schemas of every draft in the form of draft 2020-12, without losing anything they ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from godtui.holyfields.generate.vocabulary import LISTS, MAPS, SCHEMAS, VALUES
from godtui.holyfields.positions import Path
from godtui.holyfields.references import Linked
from godtui.jsontext import Json

_DRAFT_7: Final = "Draft7Validator"
_DRAFT_2019: Final = "Draft201909Validator"
_DRAFT_2020: Final = "Draft202012Validator"

_ANNOTATIONS: Final = frozenset(("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"))
_KNOWN: Final = VALUES | SCHEMAS | LISTS | MAPS
_SINCE_2019: Final = frozenset(
    (
        "maxContains", "minContains", "dependentRequired", "dependentSchemas", "unevaluatedItems",
        "unevaluatedProperties",
    )
)  # fmt: skip
_MISSING: Final = {
    _DRAFT_7: _SINCE_2019 | {"prefixItems", "$recursiveRef", "$dynamicRef"},
    _DRAFT_2019: frozenset(("prefixItems", "$dynamicRef")),
    _DRAFT_2020: frozenset(("additionalItems", "$recursiveRef")),
}
"""Keywords of other drafts, which decide nothing in this one although they were meant to."""

_FORMATS_SINCE_2019: Final = frozenset(("duration", "uuid"))
_SUCCESSORS: Final = frozenset(("dependentRequired", "dependentSchemas"))


class Source(NamedTuple):
    """A schema as written: its file and its path there."""

    linked: Linked
    path: Path


class Use(NamedTuple):
    """A schema in which `$ref` is still to be written, and the number of the definition it leads to."""

    schema: dict[str, Json]
    target: int


Refer = Callable[[Source, dict[str, Json], str], int | bool]
"""Given a schema and a keyword of it: the number of the definition it leads to, or the boolean schema it leads to."""
Refuse = Callable[[Source, str, str], None]
"""Given a source, a keyword and a message."""


class Converter:
    """Converts one schema: `uses` then are its references, `origins` where each schema in it was written.

    What `contains` found counts as evaluated in every draft, as the bus judges: jsonschema-rs reads 2019-09 so.
    """

    def __init__(self, refer: Refer, refuse: Refuse) -> None:
        self.origins: dict[Path, Source] = {}
        self.uses: list[Use] = []
        self._refer = refer
        self._refuse = refuse

    def convert(self, schema: Json, source: Source, into: Path = ()) -> Json:
        """The schema in draft 2020-12, a copy; `into` is the path it will have."""
        self.origins[into] = source
        if not isinstance(schema, dict):
            return schema
        made = {name: schema[name] for name in schema if name in _ANNOTATIONS}
        draft = source.linked.dialect.name
        if draft == _DRAFT_7 and "$ref" in schema:
            self._join(made, self._refer(source, schema, "$ref"))
            return made
        for name in sorted(_MISSING[draft] & schema.keys()):
            self._refuse(source, name, f"{name} decides nothing in this draft; name another in $schema, or remove it")
        if "dependencies" in schema and not _SUCCESSORS.isdisjoint(schema):
            message = "dependencies stands beside its successors; write dependentRequired and dependentSchemas alone"
            self._refuse(source, "dependencies", message)
        for name, value, written in _modern(schema, draft):
            if name in VALUES:
                made[name] = value
                continue
            for steps, origin, nested in _nested(name, value, written):
                converted = self.convert(nested, Source(source.linked, (*source.path, *origin)), (*into, name, *steps))
                _put(made, (name, *steps), converted)
        self._adapt(made, schema, source)
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if keyword in schema and keyword not in _MISSING[draft]:
                self._join(made, self._refer(source, schema, keyword))
        return made

    def _adapt(self, made: dict[str, Json], schema: dict[str, Json], source: Source) -> None:
        """What means something else in draft-07."""
        if source.linked.dialect.name != _DRAFT_7:
            return
        if made.get("format") in _FORMATS_SINCE_2019:
            del made["format"]
        for name in ("contentEncoding", "contentMediaType"):
            if name in schema:
                self._refuse(source, name, f"{name} of draft-07 cannot be generated; name draft 2020-12 in $schema")

    def _join(self, made: dict[str, Json], target: int | bool) -> None:
        """Add a reference to a schema, beside one that it may have."""
        if isinstance(target, bool):
            made.setdefault("allOf", []).append(target)
            return
        schema = made
        if "$ref" in made:
            schema = {}
            made.setdefault("allOf", []).append(schema)
        schema["$ref"] = ""
        self.uses.append(Use(schema, target))


def _modern(schema: dict[str, Json], draft: str) -> Iterator[tuple[str, Json, str]]:
    """Keywords by their names of today, their values, and the names they were written by."""
    lists_items = isinstance(schema.get("items"), list)
    for name, value in schema.items():
        if name == "items" and lists_items:
            yield "prefixItems", value, name
        elif name == "additionalItems":
            if lists_items:
                yield "items", value, name
        elif name == "dependencies":
            yield from _dependencies(schema, value)
        elif name in _KNOWN and name not in _MISSING[draft]:
            yield name, value, name


def _dependencies(schema: dict[str, Json], value: dict[str, Json]) -> Iterator[tuple[str, Json, str]]:
    names = {one: rule for one, rule in value.items() if isinstance(rule, list)}
    rules = {one: rule for one, rule in value.items() if not isinstance(rule, list)}
    if names:
        yield "dependentRequired", names, "dependencies"
    if rules:
        yield "dependentSchemas", rules, "dependencies"


def _nested(name: str, value: Any, written: str) -> Iterator[tuple[Path, Path, Json]]:
    """The schemas in a keyword: the steps to each within the keyword, the steps to it as written, and itself."""
    if name in SCHEMAS:
        yield (), (written,), value
    elif name in LISTS:
        for index, one in enumerate(value):
            yield (index,), (written, index), one
    else:
        for key, one in value.items():
            yield (key,), (written, key), one


def _put(made: dict[str, Json], steps: Path, schema: Json) -> None:
    """Set what the steps lead to; lists are filled in order."""
    name, *inner = steps
    if not inner:
        made[str(name)] = schema
    elif isinstance(inner[0], int):
        made.setdefault(str(name), []).append(schema)
    else:
        made.setdefault(str(name), {})[inner[0]] = schema
