"""A folder of schemas on disk: which files count, what their names say, what is in them."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from godtui import jsontext
from godtui.envelope import event_type_fault, version_fault
from godtui.holyfields.faults import SchemaFault
from godtui.holyfields.positions import Path as JsonPath
from godtui.holyfields.positions import duplicate, locate
from godtui.jsontext import Json, JsonError

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
MAX_ENTRIES: Final = 20_000
"""A folder with more files and folders is, most likely, not the one that was meant."""

_VERSIONED = re.compile(r"(.+)\.(v[0-9]+)", re.DOTALL)
_POSITION = re.compile(r" at line (\d+) column (\d+)$")


class Name(NamedTuple):
    """What a schema file's path says."""

    event_type: str
    version: str


@dataclass(slots=True)
class SchemaFile:
    """One file that was read: its path in the folder (`/` between parts), its text and the document in it."""

    path: str
    text: str
    document: dict[str, Json]
    name: Name | None
    """None where the file holds shared definitions."""

    def fault(self, message: str, path: JsonPath = ()) -> SchemaFault:
        """A fault of this file at the place that the path leads to."""
        place = locate(self.text, path)
        line, column = place or (None, None)
        return SchemaFault(self.path, message, jsontext.pointer(path), line, column)


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


def read_folder(folder: Path) -> SchemaFolder:
    """Read every schema of a folder, in the order of their paths. Nothing is raised: what is wrong is in `faults`."""
    read = SchemaFolder()
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        read.faults.append(SchemaFault("", f"{what}; name a folder of JSON Schemas"))
        return read
    for path in sorted(_walk(folder, read.faults)):
        _read_file(folder, path, read)
    if not read.faults and all(file.name is None for file in read.files):
        read.faults.append(SchemaFault("", "holds no schema; add one such as agent/task.completed.json"))
    read.faults += _told_twice(read.files)
    return read


def _walk(folder: Path, faults: list[SchemaFault]) -> Iterator[str]:
    """Paths of the files to read. Hidden names are passed over; symbolic links are followed, but not in circles."""
    waiting: list[tuple[str, frozenset[str]]] = [("", frozenset())]
    seen = 0
    while waiting:
        inside, above = waiting.pop()
        real = os.path.realpath(folder / inside)
        if real in above:
            faults.append(_fault(inside, "a symbolic link leads back to a folder above it; remove the link"))
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
                faults.append(_fault("", f"holds more than {MAX_ENTRIES} files; name the folder of the schemas alone"))
                return
            if entry.is_dir():
                waiting.append((f"{inside}{entry.name}/", above | {real}))
            elif entry.name.endswith(".json"):
                yield f"{inside}{entry.name}"


def _read_file(folder: Path, path: str, read: SchemaFolder) -> None:
    if not path.isprintable():
        read.faults.append(_fault(path, "the file's name holds bytes that are no text; rename it"))
        return
    name = None if is_shared(path) else name_of(path)
    try:
        raw = _read_bytes(folder / path)
        document = jsontext.parse(raw)
    except OSError as error:
        read.faults.append(_fault(path, f"cannot be read: {error.strerror or error}"))
        return
    except JsonError as error:
        read.faults.append(_text_fault(path, raw, error))
        return
    file = SchemaFile(path, raw.decode(), document, name)
    if not isinstance(document, dict):
        read.faults.append(file.fault("a schema file holds a JSON object"))
        return
    if name is not None and (fault := _name_fault(name)):
        read.faults.append(_fault(path, f"{fault} (the path says {name.event_type} {name.version})"))
        return
    read.files.append(file)


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
        return _fault(path, "begins with a byte order mark; save it as UTF-8 without one")
    message = f"not JSON: {error}"
    if match := _POSITION.search(str(error)):
        message = f"not JSON: {str(error)[: match.start()]}"
        return _fault(path, message, line=int(match[1]), column=int(match[2]))
    if str(error).startswith("duplicate key") and (found := duplicate(raw.decode())):
        member, place = found
        return _fault(path, str(error), jsontext.pointer(member), place.line, place.column)
    return _fault(path, message)


def _told_twice(files: list[SchemaFile]) -> Iterator[SchemaFault]:
    """A schema that two files give, by two forms of its path or by saying v1 and leaving it out."""
    first: dict[tuple[str, str], SchemaFile] = {}
    for file in files:
        if file.name is None:
            continue
        key = (file.name.event_type, file.name.version)
        other = first.setdefault(key, file)
        if other is not file:
            yield file.fault(f"{key[0]} {key[1]} is also in {other.path}; keep one of the two files")


def _fault(
    path: str, message: str, pointer: str = "", line: int | None = None, column: int | None = None
) -> SchemaFault:
    """A fault of a path that may hold bytes which are no text."""
    return SchemaFault(path.encode("utf-8", "backslashreplace").decode(), message, pointer, line, column)
