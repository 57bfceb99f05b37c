"""The payload's schema out of an envelope's: what judges it, and the same as a document that stands by itself."""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, unquote, urldefrag

from godtui import jsontext
from godtui.holyfields.faults import SchemaFault
from godtui.holyfields.positions import Path
from godtui.holyfields.references import ROOT, Linked
from godtui.holyfields.shapes import ANNOTATIONS, DEFINITIONS, PAYLOAD
from godtui.jsontext import Json

Place = tuple[str, Path]
"""A file's path in the folder, and the path to a schema in it."""

_ELSEWHERE: Final = ("anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "patternProperties")
"""Keywords beside `properties` that may say something of the payload."""


class _HiddenError(Exception):
    """Something is said of the payload where it would not be heard; the path leads there."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


def judge(linked: Linked, files: Mapping[str, Linked]) -> tuple[dict[str, Json], SchemaFault | None]:
    """The schema that a payload is judged by, made of references alone, and why it would not be all of it.

    For a payload's schema that is the file; for an envelope's its `payload`, and what its bases say of `payload`.
    """
    if not linked.file.is_envelope:
        return {"$ref": linked.uri}, None
    try:
        places = [(linked.file.path, PAYLOAD), *_said_by_bases(linked, files)]
    except _HiddenError as error:
        path, inside = error.place
        message = (
            "says something of the payload that would not be heard; say it inside of properties.payload "
            f"(it is the schema of an envelope, and {linked.file.path} is read by its payload)"
        )
        return {}, files[path].file.fault(message, inside, "payload-elsewhere")
    references: list[Json] = [{"$ref": f"{files[path].uri}#{_fragment(inside)}"} for path, inside in places]
    return references[0] if len(references) == 1 else {"allOf": references}, None


def document(linked: Linked, files: Mapping[str, Linked]) -> dict[str, Json]:
    """The schema of an envelope's payload as a document in the place of its file, references and examples included."""
    whole = linked.file.document
    taken = _Taken(linked)
    taken.take_named()
    own = taken.rewritten(whole["properties"]["payload"])
    if not isinstance(own, dict):
        own = {} if own else {"not": {}}
    others: list[Json] = [
        {"$ref": f"{_relative(linked.file.path, path)}#{_fragment(inside)}"}
        if path != linked.file.path
        else taken.rewritten({"$ref": f"#{_fragment(inside)}"})
        for path, inside in _said_by_bases(linked, files)
    ]
    head: dict[str, Json] = {
        key: whole[key] for key in ("$schema", "title", "description", "x-event-types") if key in whole
    }
    made: dict[str, Json] = {**head, **({**_annotations(own), "allOf": [_bare(own), *others]} if others else own)}
    examples = [*own.get("examples", []), *_payload_examples(whole)]
    if examples:
        made["examples"] = examples
    for word, definitions in taken.definitions().items():
        made[word] = {**made.get(word, {}), **definitions}
    return made


class _Taken:
    """Parts of a file that a schema taken out of it refers to, which are taken with it."""

    def __init__(self, linked: Linked) -> None:
        self._linked = linked
        self._names: dict[str, str] = {}
        self._defined: dict[str, Json] = {}
        self._kept: dict[str, dict[str, Json]] = {}

    def take_named(self) -> None:
        """Take the definitions that are referred to by other than their place: by an address, or dynamically."""
        is_dynamic = '"$dynamicRef"' in self._linked.file.text
        for word in DEFINITIONS:
            for key, one in self._linked.file.document.get(word, {}).items():
                named = isinstance(one, dict) and not str(one.get("$id", "#")).startswith("#")
                if (named or is_dynamic) and key not in self._own(word):
                    self._keep(word, key)

    def rewritten(self, schema: Json) -> Json:
        """A copy whose references within the file lead to where their targets are taken."""
        made = copy.deepcopy(schema)
        waiting = [made]
        while waiting:
            one = waiting.pop()
            if not isinstance(one, dict) or not str(one.get("$id", "#")).startswith("#"):
                continue  # a schema of an address of its own is whole in itself
            if isinstance(one.get("$ref"), str):
                one["$ref"] = self._led(one["$ref"])
            waiting += self._linked.dialect.specification.subresources_of(one)
        return made

    def definitions(self) -> dict[str, dict[str, Json]]:
        """What was referred to, by the keyword that it stands under."""
        if self._defined:
            kept = self._kept.setdefault("$defs", {})
            kept.update(self._defined)
        return self._kept

    def _led(self, reference: str) -> str:
        path, fragment = urldefrag(reference)
        if path and posixpath.normpath(posixpath.join(posixpath.dirname(self._linked.file.path), unquote(path))) != (
            self._linked.file.path
        ):
            return reference
        pointer = _pointer_of(self._linked.file.document, unquote(fragment))
        inside = pointer.removeprefix("/properties/payload")
        if inside != pointer and inside[:1] in ("", "/"):
            return f"#{_quoted(inside)}"
        word, _, name = pointer[1:].partition("/")
        if word in DEFINITIONS and name and "/" not in name and _unescaped(name) not in self._own(word):
            self._keep(word, _unescaped(name))
            return f"#{_quoted(pointer)}"
        return self._moved(pointer)

    def _keep(self, word: str, key: str) -> None:
        kept = self._kept.setdefault(word, {})
        if key not in kept:
            kept[key] = True  # while its own references, maybe to itself, are followed
            kept[key] = self.rewritten(self._linked.file.document[word][key])

    def _moved(self, pointer: str) -> str:
        """A definition of its own for a part that stood elsewhere in the file."""
        if pointer not in self._names:
            taken = {*self._names.values(), *self._linked.file.document.get("$defs", {}), *self._own("$defs")}
            name = pointer.strip("/").replace("/", "-").replace("~", "") or "envelope"
            while name in taken:
                name += "-"
            self._names[pointer] = name
            self._defined[name] = self.rewritten(self._at(pointer))
        return f"#/$defs/{_quoted(self._names[pointer])}"

    def _own(self, word: str) -> dict[str, Json]:
        """The definitions that the payload's schema has itself."""
        payload = self._linked.file.document["properties"]["payload"]
        definitions: dict[str, Json] = payload.get(word, {}) if isinstance(payload, dict) else {}
        return definitions

    def _at(self, pointer: str) -> Json:
        value: Json = self._linked.file.document
        for part in pointer.split("/")[1:]:
            value = value[int(part)] if isinstance(value, list) else value[_unescaped(part)]
        return value


def _pointer_of(document: Json, fragment: str) -> str:
    """The pointer that a fragment is or, for an anchor, the one to its schema. Raises LookupError without one."""
    if not fragment or fragment.startswith("/"):
        return fragment
    waiting: list[tuple[Path, Json]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            if fragment in (value.get("$anchor"), value.get("$dynamicAnchor")) or value.get("$id") == f"#{fragment}":
                return jsontext.pointer(path)
            waiting += [((*path, key), member) for key, member in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]
    raise LookupError(f"there is no #{fragment}")


def _said_by_bases(linked: Linked, files: Mapping[str, Linked]) -> Iterator[Place]:
    """Where the envelopes that a schema builds on say more of the payload than that it is an object."""
    waiting: list[Place] = [(linked.file.path, ())]
    seen: set[Place] = set()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        path, inside = place
        schema = _at_path(files[path].file.document, inside)
        if not isinstance(schema, dict):
            continue
        if hidden := next((word for word in _ELSEWHERE if word in schema and _names_payload(schema[word])), None):
            raise _HiddenError((path, (*inside, hidden)))
        payload = schema.get("properties", {}).get("payload", True)
        own = (path, (*inside, *PAYLOAD))
        if own != (linked.file.path, PAYLOAD) and not _says_nothing(payload):
            yield own
        waiting += [(path, (*inside, "allOf", index)) for index, _ in enumerate(schema.get("allOf", ()))]
        if isinstance(schema.get("$ref"), str):
            waiting.append(_target(files, path, inside))


def _target(files: Mapping[str, Linked], path: str, inside: Path) -> Place:
    """Where the reference of a sound file leads."""
    uri, fragment = urldefrag(_at_path(files[path].schema, inside)["$ref"])
    other = unquote(uri.removeprefix(ROOT)) if uri else path
    if other not in files:
        raise _HiddenError((path, (*inside, "$ref")))
    pointer = _pointer_of(files[other].file.document, unquote(fragment))
    value: Json = files[other].file.document
    parts: list[str | int] = []
    for part in pointer.split("/")[1:]:
        step: str | int = int(part) if isinstance(value, list) else _unescaped(part)
        value = value[step]
        parts.append(step)
    return other, tuple(parts)


def _names_payload(value: Json) -> bool:
    """Whether a part of a schema mentions the payload, in whatever place."""
    if isinstance(value, dict):
        return "payload" in value or any(map(_names_payload, value.values()))
    return isinstance(value, list) and any(map(_names_payload, value))


def _says_nothing(payload: Json) -> bool:
    if isinstance(payload, bool):
        return payload
    said = payload.keys() - ANNOTATIONS
    return not said or (said == {"type"} and payload["type"] == "object")


def _payload_examples(whole: dict[str, Json]) -> Iterator[Json]:
    for example in whole.get("examples", ()):
        if isinstance(example, dict) and "payload" in example:
            yield example["payload"]


def _annotations(schema: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in schema.items() if key in ANNOTATIONS}


def _bare(schema: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in schema.items() if key not in ANNOTATIONS}


def _at_path(value: Json, path: Path) -> Json:
    for part in path:
        value = value[part]
    return value


def _fragment(path: Path) -> str:
    return _quoted(jsontext.pointer(path))


def _relative(path: str, other: str) -> str:
    return _quoted(posixpath.relpath(other, posixpath.dirname(path) or "."))


def _quoted(text: str) -> str:
    return quote(text, safe="/$~!&'()*+,;=@")


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
