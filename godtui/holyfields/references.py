"""References between the schemas of a folder: a relative `$ref` leads by file path, whatever `$id` says.

Every file gets an address of its own below `ROOT` and loses its root `$id`; references to other files are rewritten to
these addresses. So two files of one `$id` are two files, and nothing outside the folder can be reached. A reference
may also name a file by its `$id` where exactly one file has it.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

import referencing
from referencing import Registry
from referencing.exceptions import Unresolvable

from godtui.holyfields.dialects import DIALECTS, Dialect, dialect_of, malformed
from godtui.holyfields.faults import SchemaFault
from godtui.holyfields.folder import SchemaFile
from godtui.holyfields.positions import Path
from godtui.jsontext import Json

ROOT: Final = "https://holyfields.invalid/"
"""A host that can never exist (RFC 2606), so that no library can be led to fetch anything."""

_KEYWORDS: Final = ("$ref", "$dynamicRef", "$recursiveRef")


@dataclass(slots=True)
class Linked:
    """A schema file whose references are addresses.

    `schema` is the document without its root `$id` and with every reference to another file made absolute; `reaches`
    holds the paths of the files it refers to, in the end directly or not.
    """

    file: SchemaFile
    dialect: Dialect
    schema: dict[str, Json]
    reaches: set[str] = field(default_factory=set)
    targets: dict[int, list[dict[str, Json]]] = field(default_factory=dict)
    """The schemas that the references of a schema lead to, by its identity, were there no dynamic scope."""
    references: int = 0
    inner_references: int = 0
    """Those that stay in the file."""
    is_dynamic: bool = False
    """Whether a reference in it may lead elsewhere by the file that judging begins with."""
    is_whole: bool = True
    """False where it refers to a file that has faults."""

    @property
    def uri(self) -> str:
        """The file's address."""
        return ROOT + quote(self.file.path)

    def fault(self, message: str, node: Json, *inside: str | int, code: str = "schema") -> SchemaFault:
        """A fault at a part of the schema, found by identity, or further inside of it."""
        return self.file.fault(message, (*_path_to(self.schema, node), *inside), code)


@dataclass(slots=True)
class _Place:
    """A schema within a file, and the address that references in it start from."""

    linked: Linked
    schema: Json
    base: str


class _LeadsNowhereError(Exception):
    """A reference that cannot be followed; the message says why, and `code` in which way."""

    def __init__(self, message: str, code: str = "reference") -> None:
        super().__init__(message)
        self.code = code


class Linker:
    """Joins the files of one folder; `faults` says what is wrong with them and their references."""

    def __init__(
        self, files: Iterable[SchemaFile], faulty: set[str], around: Mapping[str, Linked] | None = None
    ) -> None:
        """`faulty` are the paths of files reported before: a reference to one of them is not a fault of its own.

        `around` are files of the folder that are joined already, and refer to none of `files`.
        """
        self.faults: list[SchemaFault] = []
        self._around = around or {}
        self._linked: dict[str, Linked] = {}
        self._places: dict[int, _Place] = {}
        self._owners: dict[str, Linked] = {}
        self._registry: Registry[Json] = Registry()
        for file in files:
            self._open(file)
        self._faulty = faulty | {fault.file for fault in self.faults}
        self._by_id = _by_id([*self._linked.values(), *self._around.values()])

    def link(self) -> dict[str, Linked]:
        """Follow every reference of every file. All files by path; sound where `faults` stays empty."""
        for linked in (*self._linked.values(), *self._around.values()):
            self._owners[linked.uri] = linked
        for linked in self._linked.values():
            self._enter(_Place(linked, linked.schema, linked.uri))
        fetched: Any = Registry
        self._registry = fetched(retrieve=self._joined).with_resources(resources(self._linked.values())).crawl()
        waiting = list(self._places.values())
        while waiting:
            waiting += self._follow(waiting.pop())
        files = {**self._around, **self._linked}
        _reach_on(self._linked, files)
        return files

    def _joined(self, uri: str) -> referencing.Resource[Json]:
        """A file around, once something refers to it."""
        if uri not in self._owners:
            raise LookupError(uri)
        return next(resource for _, resource in resources([self._owners[uri]]))

    def follow(self, schema: dict[str, Json], keyword: str) -> tuple[Linked, Json]:
        """After `link`: the file and the schema that a reference of a schema leads to; it is sound."""
        uri, fragment = self._address(self._places[id(schema)], schema[keyword])
        return self._owners[uri], self._registry.resolver(uri).lookup(f"#{fragment}").contents

    def _open(self, file: SchemaFile) -> None:
        dialect = dialect_of(file.document)
        if dialect is None:
            known = ", ".join(DIALECTS)
            self.faults.append(
                file.fault(f"$schema names no draft that can be used; write one of {known}", ("$schema",))
            )
        elif wrong := [file.fault(one.message, one.path) for one in malformed(file.document, dialect)]:
            self.faults += wrong
        else:
            schema = copy.deepcopy(file.document)
            if not schema.get("$id", "#").startswith("#"):
                del schema["$id"]
            self._linked[file.path] = Linked(file, dialect, schema)

    def _enter(self, start: _Place) -> list[_Place]:
        """Note a schema and every schema within it; the newly noted ones."""
        entered: list[_Place] = []
        waiting = [start]
        while waiting:
            place = waiting.pop()
            if not isinstance(place.schema, dict) or id(place.schema) in self._places:
                continue
            if place.schema is not place.linked.schema:
                self._enter_nested(place)
            self._places[id(place.schema)] = place
            entered.append(place)
            nested = place.linked.dialect.specification.subresources_of(place.schema)
            waiting += [_Place(place.linked, schema, place.base) for schema in nested]
        return entered

    def _enter_nested(self, place: _Place) -> None:
        """A schema inside another may have an address and a dialect of its own."""
        linked, schema = place.linked, place.schema
        if "$schema" in schema and dialect_of(schema) != linked.dialect:
            self.faults.append(
                linked.fault("one file keeps to one draft; move this schema to a file", schema, "$schema")
            )
        schema.pop("$schema", None)
        identity = linked.dialect.specification.id_of(schema)
        if identity is None:
            return
        place.base = urldefrag(urljoin(place.base, identity))[0]
        if place.base in self._owners:
            other = self._owners[place.base].file.path
            self.faults.append(
                linked.fault(
                    f"the address of this $id is taken by {other}; choose another", schema, "$id", code="id-clash"
                )
            )
        self._owners.setdefault(place.base, linked)

    def _follow(self, place: _Place) -> list[_Place]:
        """Make a schema's references absolute and see that each leads to a schema; schemas not noted before."""
        found: list[_Place] = []
        for keyword in _KEYWORDS:
            reference = place.schema.get(keyword)
            if not isinstance(reference, str):
                continue
            try:
                found += self._lead(place, keyword, reference)
            except _LeadsNowhereError as error:
                message = f"{keyword} {reference} {error}"
                self.faults.append(place.linked.fault(message, place.schema, keyword, code=error.code))
        return found

    def _lead(self, place: _Place, keyword: str, reference: str) -> list[_Place]:
        uri, fragment = self._address(place, reference)
        owner = self._owners.get(uri)
        if owner is None:
            place.linked.is_whole = False
            return []
        if not reference.startswith("#"):
            place.schema[keyword] = f"{uri}#{fragment}" if fragment else uri
        place.linked.reaches.add(owner.file.path)
        try:
            target = self._registry.resolver(uri).lookup(f"#{fragment}").contents
        except Unresolvable:
            raise _LeadsNowhereError(f"leads nowhere: {owner.file.path} has no #{fragment}") from None
        place.linked.is_dynamic |= keyword != "$ref"
        place.linked.references += 1
        place.linked.inner_references += owner is place.linked
        if isinstance(target, dict):
            place.linked.targets.setdefault(id(place.schema), []).append(target)
        if isinstance(target, bool) or id(target) in self._places:
            return []
        if not isinstance(target, dict) or any(malformed(target, owner.dialect)):
            raise _LeadsNowhereError("leads to something that is not a schema")
        return self._enter(_Place(owner, target, uri))

    def _address(self, place: _Place, reference: str) -> tuple[str, str]:
        """Where a reference leads: the address of a schema, and the fragment in it."""
        uri, fragment = urldefrag(urljoin(place.base, reference))
        if reference.startswith("#"):
            return place.base, fragment
        if place.base == place.linked.uri and _climbs_out(place.linked.file.path, reference):
            raise _LeadsNowhereError(
                "leads out of the schema folder; copy what it needs into _shared/", "reference-escapes"
            )
        if uri.startswith(ROOT):
            path = unquote(uri.removeprefix(ROOT))
            uri = ROOT + quote(path)
            if uri not in self._owners and path not in self._faulty:
                raise _LeadsNowhereError(f"leads nowhere: there is no file {path}")
            return uri, fragment
        return self._named(uri), fragment

    def _named(self, uri: str) -> str:
        """The address of the schema with this `$id`."""
        if uri in self._owners:
            return uri
        files = self._by_id.get(uri, [])
        if len(files) > 1:
            paths = ", ".join(linked.file.path for linked in files)
            raise _LeadsNowhereError(f"is the $id of several files ({paths}); refer to one by its relative path")
        if not files:
            raise _LeadsNowhereError(
                "leads out of the schema folder, and nothing is fetched; use a relative path", "reference-network"
            )
        return files[0].uri


def resources(files: Iterable[Linked]) -> Iterator[tuple[str, referencing.Resource[Json]]]:
    """The files as the referencing library wants them."""
    for linked in files:
        yield linked.uri, linked.dialect.specification.create_resource(linked.schema)


def _by_id(files: Iterable[Linked]) -> dict[str, list[Linked]]:
    found: dict[str, list[Linked]] = defaultdict(list)
    for linked in files:
        identity = linked.dialect.specification.id_of(linked.file.document)
        if identity:
            found[urldefrag(identity)[0]].append(linked)
    return found


def _climbs_out(path: str, reference: str) -> bool:
    """Whether a relative reference from the file at this path goes above the folder, where addresses would stop."""
    parts = urlsplit(reference)
    if parts.scheme or parts.netloc:
        return False
    if parts.path.startswith("/"):
        return True
    depth = path.count("/")
    for step in unquote(parts.path).split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(step, 1)
        if depth < 0:
            return True
    return False


def _reach_on(linked_now: Mapping[str, Linked], files: Mapping[str, Linked]) -> None:
    """Make what a file reaches include what the reached files reach."""
    for linked in linked_now.values():
        waiting = list(linked.reaches)
        linked.reaches = {linked.file.path}
        while waiting:
            path = waiting.pop()
            if path not in linked.reaches:
                linked.reaches.add(path)
                waiting += files[path].reaches


def _path_to(root: Json, node: Json) -> Path:
    """The path to a part of a document, found by identity."""
    waiting: list[tuple[Path, Json]] = [((), root)]
    while waiting:
        path, value = waiting.pop()
        if value is node:
            return path
        if isinstance(value, dict):
            waiting += [((*path, key), member) for key, member in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]
    return ()
