"""What the rules look at: every file of a folder with the schemas in it, whether or not they are well formed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple
from urllib.parse import unquote, urldefrag

from godtui.holyfields.folder import SchemaFile
from godtui.holyfields.loading import Examined
from godtui.holyfields.positions import Path
from godtui.holyfields.references import ROOT
from godtui.jsontext import Json

_ONE: Final = (
    *("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "additionalItems", "unevaluatedItems"),
    *("contains", "not", "if", "then", "else"),
)
_LISTED: Final = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")


class Node(NamedTuple):
    """A schema in a file, and the path to it."""

    path: Path
    schema: dict[str, Json]


@dataclass
class Subject:
    """One file that holds an object."""

    file: SchemaFile
    examined: Examined

    @cached_property
    def nodes(self) -> list[Node]:
        """The file's root and every schema in it, in no order."""
        found = [Node((), self.file.document)]
        for node in found:
            found.extend(_nested(node))
        return found

    def target(self, path: Path) -> tuple[Subject, Node] | None:
        """Where the `$ref` of the schema at a path leads; None where that cannot be told."""
        linked = self.examined.linked.get(self.file.path)
        reference = None if linked is None else _step(linked.schema, (*path, "$ref"))
        if not isinstance(reference, str):
            return None
        uri, fragment = urldefrag(reference)
        other = unquote(uri.removeprefix(ROOT)) if uri.startswith(ROOT) else self.file.path if not uri else ""
        if other not in self.examined.linked or (fragment and not fragment.startswith("/")):
            return None
        subject = Subject(self.examined.linked[other].file, self.examined)
        inside: list[str | int] = []
        value: Json = subject.file.document
        for part in unquote(fragment).split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            step: str | int = int(name) if isinstance(value, list) and name.isdecimal() else name
            value = _step(value, (step,))
            inside.append(step)
        return (subject, Node(tuple(inside), value)) if isinstance(value, dict) else None


def _nested(node: Node) -> Iterator[Node]:
    for word in _ONE:
        value = node.schema.get(word)
        if isinstance(value, dict):
            yield Node((*node.path, word), value)
    for word in _LISTED:
        value = node.schema.get(word)
        if isinstance(value, list):
            yield from (Node((*node.path, word, at), one) for at, one in enumerate(value) if isinstance(one, dict))
    for word in _NAMED:
        value = node.schema.get(word)
        if isinstance(value, dict):
            yield from (Node((*node.path, word, key), one) for key, one in value.items() if isinstance(one, dict))


def _step(value: Json, path: Path) -> Json:
    """What a path leads to, None where it leads nowhere."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
