"""A folder of schemas on disk: which files count, what their names say, what is in them."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from godtui import jsontext
from godtui.envelope import event_type_fault, version_fault
from godtui.holyfields import shapes
from godtui.holyfields.faults import SchemaFault
from godtui.holyfields.misreading import misread
from godtui.holyfields.positions import Path as JsonPath
from godtui.holyfields.positions import duplicate, locate
from godtui.holyfields.shapes import Name
from godtui.jsontext import Json, JsonError

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
MAX_ENTRIES: Final = 20_000
"""A folder with more files and folders is, most likely, not the one that was meant."""

_VERSIONED = re.compile(r"(.+)\.(v[0-9]+)", re.DOTALL)
_POSITION = re.compile(r" at line (\d+) column (\d+)$")


@dataclass(slots=True)
class SchemaFile:
    """One file that was read: its path in the folder (`/` between parts), its text and the document in it."""

    path: str
    text: str
    document: dict[str, Json]
    names: tuple[Name, ...]
    """What the file is the contract of: nothing where it holds shared definitions, and several only for envelopes."""
    is_envelope: bool = False
    """Whether the document describes the envelope, and `/properties/payload` in it the payload."""

    def fault(self, message: str, path: JsonPath = (), code: str = "schema") -> SchemaFault:
        """A fault of this file at the place that the path leads to."""
        place = locate(self.text, path)
        line, column = place or (None, None)
        return SchemaFault(self.path, message, jsontext.pointer(path), line, column, code)


@dataclass(slots=True)
class SchemaFolder:
    """Everything that was read of a folder, sound or not."""

    files: list[SchemaFile] = field(default_factory=list)
    faults: list[SchemaFault] = field(default_factory=list)


def is_shared(path: str) -> bool:
    """Whether a path in the folder names shared definitions: some part of it begins with `_`."""
    return any(part.startswith("_") for part in path.split("/"))


def name_of(path: str) -> Name:
    """The event type and version that a path in the folder stands for, whether or not they are well formed."""
    dotted = path.removesuffix(".json").replace("/", ".")
    match = _VERSIONED.fullmatch(dotted)
    return Name(match[1], match[2]) if match else Name(dotted, "v1")


def read_folder(folder: Path, known: Mapping[str, SchemaFile] | None = None) -> SchemaFolder:
    """Read every schema of a folder, in the order of their paths. Nothing is raised: what is wrong is in `faults`.

    `known` are sound files of the same folder as they were, by path: one with the same bytes is taken as it is.
    """
    read = SchemaFolder()
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        read.faults.append(SchemaFault("", f"{what}; name a folder of JSON Schemas"))
        return read
    for path in sorted(schema_paths(folder, read.faults)):
        _read_file(folder, path, read, None if known is None else known.get(path))
    _name(read)
    if not read.faults and not any(file.names for file in read.files):
        read.faults.append(SchemaFault("", "holds no schema; add one such as agent/task.completed.json"))
    read.faults += _told_twice(read.files)
    return read


def schema_paths(folder: Path, faults: list[SchemaFault]) -> Iterator[str]:
    """Paths of the files to read. Hidden names are passed over; symbolic links are followed, but not in circles."""
    waiting: list[tuple[str, frozenset[str]]] = [("", frozenset())]
    seen = 0
    while waiting:
        inside, above = waiting.pop()
        real = os.path.realpath(folder / inside)
        if real in above:
            faults.append(
                _fault(inside, "a symbolic link leads back to a folder above it; remove the link", code="link")
            )
            continue
        try:
            entries = list(os.scandir(folder / inside))
        except OSError as error:
            faults.append(_fault(inside, f"cannot be read: {error.strerror}"))
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            seen += 1
            if seen > MAX_ENTRIES:
                faults.append(
                    _fault(
                        "", f"holds more than {MAX_ENTRIES} files; name the folder of the schemas alone", code="folder"
                    )
                )
                return
            if entry.is_dir():
                waiting.append((f"{inside}{entry.name}/", above | {real}))
            elif entry.name.endswith(".json"):
                yield f"{inside}{entry.name}"


def _read_file(folder: Path, path: str, read: SchemaFolder, known: SchemaFile | None) -> None:
    if not path.isprintable():
        read.faults.append(_fault(path, "the file's name holds bytes that are no text; rename it"))
        return
    try:
        raw = _read_bytes(folder / path)
        if known is not None and known.text.encode() == raw:
            read.files.append(known)
            return
        document = jsontext.parse(raw)
    except OSError as error:
        code = "too-large" if str(error).startswith("larger") else "file"
        read.faults.append(_fault(path, f"cannot be read: {error.strerror or error}", code=code))
        return
    except JsonError as error:
        read.faults.append(_text_fault(path, raw, error))
        return
    file = SchemaFile(path, raw.decode(), document, ())
    if isinstance(document, dict):
        read.files.append(file)
    else:
        read.faults.append(file.fault("a schema file holds a JSON object", code="json"))


def _name(read: SchemaFolder) -> None:
    """Say of every file what it is the contract of."""
    named = [file for file in read.files if not is_shared(file.path)]
    unnamed = {file.path for file in named if _name_fault(name_of(file.path))}
    shared = shapes.foreign_shared([(file.path, file.document) for file in named], unnamed)
    given: dict[str, tuple[Name, ...]] = {}
    for file in named:
        name = name_of(file.path)
        if file.path in shared:
            continue
        if shapes.describes_envelope(file.document):
            types, wrong = shapes.named_types(file.document)
            read.faults += (file.fault(one.message, one.path, "event-type") for one in wrong)
            version = shapes.named_version(file.document, name.version)
            given[file.path] = tuple(Name(one, version) for one in types)
        elif fault := _name_fault(name):
            read.faults.append(
                _fault(file.path, f"{fault} (the path says {name.event_type} {name.version})", code="event-type")
            )
        else:
            given[file.path] = (name,)
    read.files = [_renamed(file, given.get(file.path, ())) for file in read.files]


def _renamed(file: SchemaFile, names: tuple[Name, ...]) -> SchemaFile:
    """The file with these names; another one only where they change, since the same one is not loaded anew."""
    is_envelope = bool(names) and shapes.describes_envelope(file.document)
    return file if names == file.names else replace(file, names=names, is_envelope=is_envelope)


def _read_bytes(path: Path) -> bytes:
    """A regular file's bytes; a pipe or device would keep the reader waiting."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    if status.st_size > MAX_FILE_BYTES:
        raise OSError(f"larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _name_fault(name: Name) -> str | None:
    if _VERSIONED.fullmatch(name.event_type):
        return "a schema has one version"
    return event_type_fault(name.event_type) or version_fault(name.version)


def _text_fault(path: str, raw: bytes, error: JsonError) -> SchemaFault:
    if raw.startswith(codecs.BOM_UTF8):
        message = "begins with a byte order mark; save it as UTF-8 without one"
        return _fault(path, message, line=1, column=1, code="byte-order-mark")
    message = f"not JSON: {error}"
    if match := _POSITION.search(str(error)):
        message = f"not JSON: {str(error)[: match.start()]}"
        return _fault(path, message, line=int(match[1]), column=int(match[2]), code="json")
    if str(error).startswith("duplicate key") and (found := duplicate(raw.decode())):
        member, place = found
        return _fault(path, str(error), jsontext.pointer(member), place.line, place.column, "duplicate-key")
    line, column = misread(raw) or (None, None)
    return _fault(path, message, "", line, column, "too-deep" if "nested deeper" in message else "json")


def _told_twice(files: list[SchemaFile]) -> Iterator[SchemaFault]:
    """A schema that two files give, by two forms of its path or by saying v1 and leaving it out."""
    first: dict[Name, SchemaFile] = {}
    for file in files:
        for key in file.names:
            other = first.setdefault(key, file)
            if other is not file:
                place = shapes.EVENT_TYPE if file.is_envelope else ()
                message = f"{key.event_type} {key.version} is also in {other.path}; keep one of the two files"
                yield file.fault(message, place, "duplicate-type")


def _fault(
    path: str, message: str, pointer: str = "", line: int | None = None, column: int | None = None, code: str = "file"
) -> SchemaFault:
    """A fault of a path that may hold bytes which are no text."""
    return SchemaFault(path.encode("utf-8", "backslashreplace").decode(), message, pointer, line, column, code)
