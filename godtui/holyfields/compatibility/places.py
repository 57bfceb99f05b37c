"""Schemas by where they stand, with every reference of a contract resolved and every draft read the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from urllib.parse import quote, unquote, urldefrag, urljoin

import jsonschema_rs

from godtui import jsontext
from godtui.holyfields.contract import Contract
from godtui.holyfields.dialects import DEFAULT, Dialect, decider, dialect_of
from godtui.holyfields.references import ROOT
from godtui.jsontext import Json

ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "$vocabulary", "title", "description", "default"}
    | {"examples", "deprecated", "readOnly", "writeOnly"}
)
"""Keywords that refuse nothing."""


_SINCE_2019: Final = frozenset(
    {"dependentRequired", "dependentSchemas", "minContains", "maxContains", "unevaluatedProperties"}
    | {"unevaluatedItems", "$recursiveRef"}
)
_SINCE_2020: Final = frozenset({"prefixItems", "$dynamicRef"})
_FOREIGN: Final = {"Draft7Validator": _SINCE_2019 | _SINCE_2020, "Draft201909Validator": _SINCE_2020}


class UnresolvedError(Exception):
    """A reference that is followed in no way known here."""


class Bundle:
    """The documents of one contract by path, `root` being the one that judges payloads."""

    def __init__(self, root: str, documents: Mapping[str, dict[str, Json]]) -> None:
        self.root = root
        # A reference leads by file path, whatever $id says, so the documents go without theirs.
        self.documents = {path: _without_id(document) for path, document in documents.items()}
        self._by_id = {str(document["$id"]): path for path, document in documents.items() if "$id" in document}
        self._validators: dict[tuple[str, tuple[str | int, ...]], jsonschema_rs.Validator | None] = {}

    @classmethod
    def of(cls, contract: Contract | dict[str, Json]) -> Bundle:
        """The bundle of a contract, or of a schema that refers only to itself."""
        if isinstance(contract, Contract):
            return cls(contract.file, {**contract.references, contract.file: contract.schema})
        return cls("schema.json", {"schema.json": contract})

    @property
    def place(self) -> Place:
        """The schema that judges payloads."""
        return Place(self, self.root, (), self.documents[self.root])

    def dialect(self, path: str) -> Dialect:
        """The draft that a document is written in."""
        return dialect_of(self.documents[path]) or DEFAULT

    def follow(self, path: str, reference: str) -> Place:
        """The schema that a reference in a document leads to. Raises UnresolvedError."""
        uri, fragment = urldefrag(urljoin(ROOT + quote(path), reference))
        target = unquote(uri.removeprefix(ROOT)) if uri.startswith(ROOT) else self._by_id.get(uri, "")
        if target not in self.documents:
            raise UnresolvedError(reference)
        place = Place(self, target, (), self.documents[target])
        if fragment and not fragment.startswith("/"):
            return place.at(*self._anchored(target, unquote(fragment)))
        for part in unquote(fragment).split("/")[1:]:
            place = place.at(_key(place.schema, part.replace("~1", "/").replace("~0", "~")))
        return place

    def _anchored(self, path: str, name: str) -> tuple[str | int, ...]:
        """The way to the schema with an anchor. Raises UnresolvedError where it is not the only one."""
        found: list[tuple[str | int, ...]] = []
        waiting: list[tuple[tuple[str | int, ...], Json]] = [((), self.documents[path])]
        while waiting:
            parts, value = waiting.pop()
            if isinstance(value, dict):
                words = [value.get(word) for word in ("$anchor", "$dynamicAnchor")]
                found += [parts] if name in words or value.get("$id") == f"#{name}" else []
            inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            waiting += [((*parts, key), one) for key, one in inside]
        if len(found) != 1:
            raise UnresolvedError(f"#{name}")
        return found[0]

    def validator(self, path: str, pointer: tuple[str | int, ...]) -> jsonschema_rs.Validator | None:
        """What judges by the schema at a place alone; None where it cannot be built."""
        key = (path, pointer)
        if key not in self._validators:
            self._validators[key] = self._build(path, pointer)
        return self._validators[key]

    def _build(self, path: str, pointer: tuple[str | int, ...]) -> jsonschema_rs.Validator | None:
        address = f"{ROOT}{quote(path)}#{quote(jsontext.pointer(pointer))}"
        try:
            return decider({"$schema": self.dialect(path).uri, "$ref": address}, registry=self._registry)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
            return None

    @cached_property
    def _registry(self) -> jsonschema_rs.Registry:
        return jsonschema_rs.Registry([(ROOT + quote(path), one) for path, one in self.documents.items()])


@dataclass(frozen=True, eq=False)
class Place:
    """One schema of a bundle: the document's path, the way into it, and what stands there."""

    bundle: Bundle
    path: str
    parts: tuple[str | int, ...]
    schema: Json
    assumed: bool = field(default=False)
    """Made up as an assumption: it stands in no document, and nothing can be validated by it."""

    @property
    def identity(self) -> tuple[int, int]:
        """The same for the same place of the same bundle."""
        return id(self.bundle), id(self.schema)

    @property
    def pointer(self) -> str:
        """A JSON pointer into the contract's own document; `path#pointer` where it stands in another."""
        pointer = jsontext.pointer(self.parts)
        return pointer if self.path == self.bundle.root else f"{self.path}#{pointer}"

    @property
    def words(self) -> dict[str, Json]:
        """The keywords that count here; none where the schema is `true` or `false`."""
        if not isinstance(self.schema, dict):
            return {}
        if "$ref" in self.schema and self.bundle.dialect(self.path).name == "Draft7Validator":
            return {"$ref": self.schema["$ref"]}
        return {name: value for name, value in self.schema.items() if name not in ANNOTATIONS}

    def refuse_foreign(self) -> None:
        """Raises UnresolvedError where keywords stand that the draft does not know: they say nothing in it."""
        dialect = self.bundle.dialect(self.path).name
        foreign = _FOREIGN.get(dialect, frozenset()) & self.words.keys()
        if foreign or (isinstance(self.schema, dict) and "$schema" in self.schema and self.parts):
            raise UnresolvedError(", ".join(sorted(foreign)))

    def at(self, *parts: str | int) -> Place:
        """A schema inside this one. Raises UnresolvedError where there is none, or it has an address of its own."""
        schema = self.schema
        for part in parts:
            try:
                schema = schema[part]
            except (LookupError, TypeError):
                raise UnresolvedError("/".join(map(str, parts))) from None
            # References inside it would start from that address.
            if isinstance(schema, dict) and isinstance(schema.get("$id"), str) and not schema["$id"].startswith("#"):
                raise UnresolvedError(schema["$id"])
        return Place(self.bundle, self.path, (*self.parts, *parts), schema, self.assumed)

    def assume(self, schema: Json) -> Place:
        """An assumption of ours beside this schema."""
        return Place(self.bundle, self.path, self.parts, schema, assumed=True)

    def each(self, keyword: str) -> list[Place]:
        """The schemas in the list of a keyword such as `allOf`."""
        return [self.at(keyword, index) for index in range(len(self.words.get(keyword, ())))]

    def named(self, keyword: str) -> dict[str, Place]:
        """The schemas in the object of a keyword such as `properties`."""
        return {name: self.at(keyword, name) for name in self.words.get(keyword, ())}

    def one(self, keyword: str) -> Place | None:
        """The schema of a keyword such as `contains`."""
        return self.at(keyword) if keyword in self.words else None

    def target(self) -> Place | None:
        """Where `$ref` leads. Raises UnresolvedError."""
        reference = self.words.get("$ref")
        return None if reference is None else self.bundle.follow(self.path, reference)

    def prefix(self) -> list[Place]:
        """The schemas of the first items."""
        if self._tuples_by_items():
            return self.each("items")
        return self.each("prefixItems")

    def rest(self) -> Place | None:
        """The schema of all items after those of `prefix`."""
        return self.one("additionalItems" if self._tuples_by_items() else "items")

    def _tuples_by_items(self) -> bool:
        return isinstance(self.words.get("items"), list)

    def accepts(self, value: Json) -> bool | None:
        """Whether the validator that decides accepts a value here; None where it cannot be asked."""
        if isinstance(self.schema, bool):
            return self.schema
        validator = None if self.assumed else self.bundle.validator(self.path, self.parts)
        if validator is None:
            return None
        try:
            return validator.is_valid(value)
        except (ValueError, RecursionError):
            return None


def flatten(places: tuple[Place, ...]) -> tuple[Place, ...]:
    """These schemas and all that hold beside them by `$ref` and `allOf`. Raises UnresolvedError."""
    found: dict[tuple[int, int], Place] = {}
    waiting = list(reversed(places))
    while waiting:
        place = waiting.pop()
        if place.identity in found:
            continue
        place.refuse_foreign()
        found[place.identity] = place
        target = place.target()
        waiting += [*reversed(place.each("allOf")), *([target] if target else [])]
    return tuple(found.values())


def same(one: Place, other: Place, seen: frozenset[tuple[int, int]] = frozenset()) -> bool:
    """Whether two schemas say the same in the same words, annotations aside."""
    key = (id(one.schema), id(other.schema))
    if one.schema is other.schema and one.bundle is other.bundle:
        return True
    if one.schema is False or other.schema is False:
        return one.schema is other.schema
    if one.bundle.dialect(one.path) != other.bundle.dialect(other.path):
        return False
    if key in seen:
        return True
    return _same(one, other, seen | {key})


def _same(one: Place, other: Place, seen: frozenset[tuple[int, int]]) -> bool:
    ours, theirs = one.words, other.words
    if ours.keys() != theirs.keys():
        return False
    for keyword, value in ours.items():
        if keyword == "$ref":
            alike = same(one.bundle.follow(one.path, value), other.bundle.follow(other.path, theirs["$ref"]), seen)
        else:
            alike = same_keyword(one, other, keyword, seen)
        if not alike:
            return False
    return True


def same_keyword(one: Place, other: Place, keyword: str, seen: frozenset[tuple[int, int]] = frozenset()) -> bool:
    """Whether two schemas say the same by one keyword that both have."""
    if keyword in _DYNAMIC:  # what it says hangs on the way that led to it
        return False
    ours, theirs = one.words[keyword], other.words[keyword]
    if one.bundle.dialect(one.path) != other.bundle.dialect(other.path):
        return keyword in _EVERYWHERE and equal(ours, theirs)
    if keyword in _NAMED and isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(
            same(one.at(keyword, name), other.at(keyword, name), seen)
            if isinstance(ours[name], (dict, bool)) and isinstance(theirs[name], (dict, bool))
            else equal(ours[name], theirs[name])
            for name in ours
        )
    if keyword in _LISTED and isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(
            same(one.at(keyword, index), other.at(keyword, index), seen) for index in range(len(ours))
        )
    if keyword in _SINGLE and isinstance(ours, (dict, bool)) and isinstance(theirs, (dict, bool)):
        return same(one.at(keyword), other.at(keyword), seen)
    if keyword == "required" and isinstance(ours, list) and isinstance(theirs, list):
        return set(ours) == set(theirs)
    return equal(ours, theirs)


def equal(one: Json, other: Json) -> bool:
    """Whether two values are equal as JSON: 1 and 1.0 are, 1 and true are not."""
    return jsontext.canonical(one) == jsontext.canonical(other)


_EVERYWHERE: Final = frozenset({"pattern", "enum", "const", "uniqueItems", "dependentRequired"})
"""Keywords that hold no schema and mean the same in every draft that knows them."""
_DYNAMIC: Final = frozenset({"$dynamicRef", "$recursiveRef"})
_NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies"})
_LISTED: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_SINGLE: Final = frozenset(
    {"not", "if", "then", "else", "items", "additionalItems", "contains", "propertyNames", "additionalProperties"}
    | {"unevaluatedProperties", "unevaluatedItems"}
)


def branches(place: Place) -> Iterator[tuple[str, Place]]:
    """The schemas that may judge the same value as this one does, besides those of `flatten`, by keyword.

    Those of `then` and `else` go by the keyword `if`.
    """
    for keyword in ("anyOf", "oneOf"):
        yield from ((keyword, branch) for branch in place.each(keyword))
    for keyword in ("if", "then", "else", "not"):
        if (found := place.one(keyword)) is not None:
            yield "not" if keyword == "not" else "if", found
    yield from (("dependentSchemas", found) for found in place.named("dependentSchemas").values())


def _without_id(document: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in document.items() if name != "$id"}


def _key(schema: Json, part: str) -> str | int:
    return int(part) if isinstance(schema, list) and part.isdigit() else part
