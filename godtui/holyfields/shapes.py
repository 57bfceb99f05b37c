"""The two shapes of a schema: ours, which describes a payload, and one that describes the whole envelope."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from godtui.envelope import event_type_fault, version_fault
from godtui.holyfields.positions import Path
from godtui.jsontext import Json

PAYLOAD: Final[Path] = ("properties", "payload")
EVENT_TYPE: Final[Path] = ("properties", "event_type")
ANNOTATIONS: Final = frozenset({"$schema", "$id", "$comment", "title", "description", "examples", "deprecated"})
DEFINITIONS: Final = ("$defs", "definitions")


class Name(NamedTuple):
    """What a schema is the contract of."""

    event_type: str
    version: str


class Misnamed(NamedTuple):
    """A place in an envelope's schema that names no event type."""

    path: Path
    message: str


def describes_envelope(document: dict[str, Json]) -> bool:
    """Whether a schema describes the envelope of event types that it names by `const` or `enum`."""
    properties = document.get("properties")
    if not isinstance(properties, dict) or "payload" not in properties:
        return False
    event_type = properties.get("event_type")
    return isinstance(event_type, dict) and ("const" in event_type or "enum" in event_type)


def named_types(document: dict[str, Json]) -> tuple[list[str], list[Misnamed]]:
    """The event types that an envelope's schema names, each once, and what of it is no event type."""
    event_type = document["properties"]["event_type"]
    if "const" in event_type:
        given = [((*EVENT_TYPE, "const"), event_type["const"])]
    elif isinstance(event_type["enum"], list):
        given = [((*EVENT_TYPE, "enum", index), one) for index, one in enumerate(event_type["enum"])]
    else:
        given = []  # its draft does not allow it, which is said elsewhere
    types: dict[str, None] = {}
    wrong: list[Misnamed] = []
    if event_type.get("enum") == [] and not given:
        wrong.append(Misnamed((*EVENT_TYPE, "enum"), "names no event type; write those that it is the schema of"))
    for path, one in given:
        fault = event_type_fault(one) if isinstance(one, str) else "an event type is a string"
        if fault is None:
            types[one] = None
        else:
            wrong.append(Misnamed(path, fault))
    return list(types), wrong


def named_version(document: dict[str, Json], otherwise: str) -> str:
    """The version that an envelope's schema says by `const`; where that is none such as v1, the other, or v1."""
    version = document["properties"].get("version")
    said = version.get("const") if isinstance(version, dict) else None
    for one in (said, otherwise):
        if isinstance(one, str) and version_fault(one) is None:
            return one
    return "v1"


def bases(document: dict[str, Json]) -> Iterator[tuple[Path, str]]:
    """The references by which a schema's root takes up others as a whole, each with the path to it."""
    waiting: list[tuple[Path, Json]] = [((), document)]
    while waiting:
        path, schema = waiting.pop()
        if not isinstance(schema, dict):
            continue
        if isinstance(schema.get("$ref"), str):
            yield (*path, "$ref"), schema["$ref"]
        parts = schema.get("allOf")
        if isinstance(parts, list):
            waiting += [((*path, "allOf", index), part) for index, part in enumerate(parts)]


def mentioned(document: Json) -> Iterator[str]:
    """Every text that stands at a `$ref`, wherever it stands."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def file_of(path: str, reference: str) -> str | None:
    """The path in the folder of the file that a relative reference from another names; None for other references."""
    try:
        parts = urlsplit(reference)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or parts.path.startswith("/"):
        return None
    if not parts.path:
        return path
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path)))


def only_defines(document: dict[str, Json]) -> bool:
    """Whether a document asks nothing of anyone, and only holds definitions for others."""
    return any(word in document for word in DEFINITIONS) and not (document.keys() - ANNOTATIONS - set(DEFINITIONS))


def foreign_shared(documents: Sequence[tuple[str, dict[str, Json]]], unnamed: set[str]) -> set[str]:
    """The paths of files that hold definitions for envelopes' schemas, though no part of their path begins with `_`.

    These are the bases that such schemas take up as a whole, and what they refer to further: files that only define,
    or whose paths are no event types (`unnamed`).
    """
    by_path = dict(documents)
    waiting = [path for path, document in documents if describes_envelope(document)]
    seen = set(waiting)
    shared: set[str] = set()
    while waiting:
        path = waiting.pop()
        document = by_path[path]
        whole = {file_of(path, reference) for _, reference in bases(document)}
        for other in {file_of(path, reference) for reference in mentioned(document)}:
            if other is None or other in seen or other not in by_path:
                continue
            if other in whole or other in unnamed or only_defines(by_path[other]):
                seen.add(other)
                shared.add(other)
                waiting.append(other)
    return shared
