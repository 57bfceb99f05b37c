"""From a folder to a collection: read, join by references, bring into one form, name what is referred to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from godtui import jsontext
from godtui.holyfields import payloads
from godtui.holyfields.faults import SchemaFault
from godtui.holyfields.folder import SchemaFile, read_folder
from godtui.holyfields.generate.collection import Collection, Definition, Payload, Place
from godtui.holyfields.generate.drafts import Converter, Source, Use
from godtui.holyfields.generate.names import definition_words, distinct, key
from godtui.holyfields.generate.refusals import Refusal, RefusedError
from godtui.holyfields.positions import Path as JsonPath
from godtui.holyfields.references import Linked, Linker
from godtui.jsontext import Json

_IN_PLACE: Final = ("not", "if", "then", "else")
_IN_PLACE_LISTS: Final = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True, slots=True)
class Located(Collection):
    """A collection that knows where everything in it was written.

    `origins` has, for each payload's file and each definition's key, what was written by the pointer in the converted
    schema.
    """

    origins: Mapping[str, Mapping[str, Source]] = field(repr=False)


def collect(folder: Path) -> Collection:
    """Every contract of a folder and what they refer to. Raises RefusedError with all that cannot be collected."""
    read = read_folder(folder)
    linker = Linker(read.files, {fault.file for fault in read.faults})
    linked = linker.link()
    faults = [*read.faults, *linker.faults]
    if faults:
        raise RefusedError(map(_refusal, faults))
    return collect_joined(linker, linked)


def collect_joined(linker: Linker, linked: Mapping[str, Linked]) -> Collection:
    """The same of sound files that the linker has joined. Raises RefusedError."""
    return _Collector(linker, linked).collect()


def locate(collection: Collection, owner: str, pointer: str) -> Place:
    """Where that was written which a pointer into the schema of a payload or definition leads to.

    `owner` is the payload's file or the definition's key.
    """
    definition = collection.definitions.get(owner)
    file = definition.file if definition else owner
    if not isinstance(collection, Located):
        return Place(file, (definition.pointer if definition else "") + pointer, None, None)
    origins = collection.origins[owner]
    known, rest = pointer, list[str]()
    while known not in origins:
        known, _, step = known.rpartition("/")
        rest.insert(0, step)
    written = origins[known].linked.file
    fault = written.fault("", _existing(written.document, origins[known].path, _steps("/".join(["", *rest]))))
    return Place(fault.file, fault.pointer, fault.line, fault.column)


def refusal(collection: Collection, owner: str, pointer: str, message: str) -> Refusal:
    """A refusal at the place that `locate` finds."""
    return Refusal(*locate(collection, owner, pointer), message)


class _Collector:
    """Converts contracts and, as they are met, what they refer to."""

    def __init__(self, linker: Linker, linked: Mapping[str, Linked]) -> None:
        self._linker = linker
        self._linked = linked
        self._paths = {path: _paths(one.schema) for path, one in linked.items()}
        self._targets: list[Source] = []
        self._numbers: dict[int, int] = {}
        self._uses: list[Use] = []
        self._refusals: list[Refusal] = []

    def collect(self) -> Located:
        """The collection. Raises RefusedError."""
        found: list[Payload] = []
        origins: dict[str, Mapping[str, Source]] = {}
        for path, linked in self._linked.items():
            if linked.file.names:
                schema, origins[path] = self._payload(linked)
                found += _payloads(linked.file, schema)
        converted = [self._convert([target]) for target in self._targets]  # which grow meanwhile
        if self._refusals:
            raise RefusedError(self._refusals)
        definitions = self._define([schema for schema, _ in converted])
        origins.update({one.key: origin for one, (_, origin) in zip(definitions, converted, strict=True)})
        ordered = sorted(definitions, key=lambda one: one.key)
        collection = Located(
            tuple(sorted(found, key=lambda one: (one.event_type, int(one.version[1:]), one.version))),
            {one.key: one for one in ordered},
            origins,
        )
        _refuse_circles(collection)
        return collection

    def _payload(self, linked: Linked) -> tuple[Json, dict[str, Source]]:
        """The converted schema of a file's payload."""
        if not linked.file.is_envelope:
            return self._convert([Source(linked, ())])
        judged_by, fault = payloads.judge(linked, self._linked)
        if fault is not None:
            self._refusals.append(_refusal(fault))
            return True, {}
        references = judged_by.get("allOf", [judged_by])
        return self._convert([_source(*_led(self._linked, one["$ref"])) for one in references])

    def _convert(self, sources: list[Source]) -> tuple[Json, dict[str, Source]]:
        """Schemas that must all hold as one, and what was written by the pointer into it."""
        converter = Converter(self._refer, self._refuse)
        if len(sources) == 1:
            made = converter.convert(_at(sources[0]), sources[0])
        else:
            converter.origins[()] = sources[0]
            made = {"allOf": [converter.convert(_at(one), one, ("allOf", at)) for at, one in enumerate(sources)]}
        self._uses += converter.uses
        return made, {jsontext.pointer(path): written for path, written in converter.origins.items()}

    def _refer(self, source: Source, schema: dict[str, Json], keyword: str) -> int | bool:
        if keyword != "$ref" and (others := self._elsewhere(source, schema, keyword)):
            message = f"{keyword} may lead to several schemas ({others}); write $ref to the one that is meant"
            self._refuse(source, keyword, message)
            return True
        owner, target = self._linker.follow(schema, keyword)
        if isinstance(target, bool):
            return target
        if id(target) not in self._numbers:
            self._numbers[id(target)] = len(self._targets)
            self._targets.append(Source(owner, self._paths[owner.file.path][id(target)]))
        return self._numbers[id(target)]

    def _elsewhere(self, source: Source, schema: dict[str, Json], keyword: str) -> str:
        """Where a dynamic reference may lead beside one place; nothing where it leads as `$ref` does."""
        _, target = self._linker.follow(schema, keyword)
        name: Json = True
        anchor = "$recursiveAnchor"
        if keyword == "$dynamicRef":
            anchor, name = "$dynamicAnchor", schema[keyword].partition("#")[2]
        if not isinstance(target, dict) or target.get(anchor) != name:
            return ""
        path = source.linked.file.path
        scopes = [one.reaches for one in self._linked.values() if one.file.names and path in one.reaches]
        anchors = [
            file + "#" + jsontext.pointer(inside)
            for file in sorted(set().union(*scopes))
            for inside in _holders(self._linked[file].schema, anchor, name)
        ]
        return ", ".join(anchors) if len(anchors) > 1 else ""

    def _refuse(self, source: Source, keyword: str, message: str) -> None:
        self._refusals.append(_refusal(source.linked.file.fault(message, (*source.path, keyword))))

    def _define(self, schemas: list[Json]) -> list[Definition]:
        """Name what is referred to, and let the references say the names."""
        places = [(target.linked.file.path, target.path) for target in self._targets]
        order = sorted(range(len(places)), key=lambda number: (places[number][0], jsontext.pointer(places[number][1])))
        names = distinct(
            [definition_words(*places[number], self._targets[number].linked.file.names) for number in order]
        )
        named = dict(zip(order, names, strict=True))
        for use in self._uses:
            use.schema["$ref"] = f"#/$defs/{key(named[use.target])}"
        return [
            Definition(key(named[number]), named[number], schema, path, jsontext.pointer(inside))
            for number, ((path, inside), schema) in enumerate(zip(places, schemas, strict=True))
        ]


def _payloads(file: SchemaFile, schema: Json) -> Iterator[Payload]:
    said = schema if isinstance(schema, dict) else {}
    for name in file.names:
        title, description = (str(said.get(word) or file.document.get(word, "")) for word in ("title", "description"))
        yield Payload(name.event_type, name.version, title, description, schema, file.path)


def _refusal(fault: SchemaFault) -> Refusal:
    return Refusal(fault.file, fault.pointer, fault.line, fault.column, fault.message)


def _led(files: Mapping[str, Linked], reference: str) -> tuple[Linked, str]:
    """The file that an address leads to, and the pointer into it."""
    uri, _, fragment = reference.partition("#")
    return next(one for one in files.values() if one.uri == uri), unquote(fragment)


def _source(linked: Linked, pointer: str) -> Source:
    return Source(linked, _existing(linked.schema, (), _steps(pointer)))


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _existing(document: Json, path: JsonPath, steps: list[str]) -> JsonPath:
    """The path, and the steps behind it as far as the document has them."""
    value = document
    for step in path:
        value = value[step]
    for name in steps:
        step = int(name) if isinstance(value, list) and name.isdecimal() else name
        if not (step in value if isinstance(value, dict) else isinstance(step, int) and step < len(value)):
            break
        path, value = (*path, step), value[step]
    return path


def _at(source: Source) -> Json:
    value: Json = source.linked.schema
    for step in source.path:
        value = value[step]
    return value


def _paths(document: Json) -> dict[int, JsonPath]:
    """The path of every object in a document, by identity."""
    found: dict[int, JsonPath] = {}
    waiting: list[tuple[JsonPath, Json]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            found[id(value)] = path
            waiting += [((*path, name), member) for name, member in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]
    return found


def _holders(document: Json, name: str, wanted: Json) -> Iterator[JsonPath]:
    """The paths of the objects in a document that have this member."""
    waiting: list[tuple[JsonPath, Json]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            if name in value and value[name] == wanted:
                yield path
            waiting += [((*path, inner), member) for inner, member in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]


def _refuse_circles(collection: Located) -> None:
    """Refuse definitions that lead back to themselves without a step into the value: no validator would end."""
    leads = {one.key: list(_in_place(one.schema)) for one in collection.definitions.values()}
    done: set[str] = set()
    for start in leads:
        trail: dict[str, None] = {}
        waiting = [(start, False)]
        while waiting:
            current, left = waiting.pop()
            if left:
                del trail[current]
                done.add(current)
                continue
            if current in trail:
                circle = list(trail)[list(trail).index(current) :]
                message = "refers to itself before it says anything of the value; let one $ref lead elsewhere"
                raise RefusedError(refusal(collection, one, "/$ref", message) for one in circle)
            if current not in done:
                trail[current] = None
                waiting.append((current, True))
                waiting += [(one, False) for one in leads[current]]


def _in_place(schema: Json) -> Iterator[str]:
    """The definitions that a schema applies to the same value."""
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, dict):
            continue
        if "$ref" in one:
            yield one["$ref"].removeprefix("#/$defs/")
        waiting += [one[name] for name in _IN_PLACE if name in one]
        waiting += [nested for name in _IN_PLACE_LISTS for nested in one.get(name, ())]
        waiting += one.get("dependentSchemas", {}).values()
