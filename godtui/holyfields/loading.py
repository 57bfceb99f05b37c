"""From a folder to contracts: read, join by references, compile; every fault of every file is found in one go."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import jsonschema_rs

from godtui.envelope import MAX_TYPE_BYTES
from godtui.holyfields import payloads
from godtui.holyfields.contract import Contract
from godtui.holyfields.dialects import decider
from godtui.holyfields.explain import Explainer
from godtui.holyfields.faults import SchemaFault, shortened
from godtui.holyfields.folder import SchemaFile, read_folder
from godtui.holyfields.references import Linked, Linker
from godtui.holyfields.weight import too_heavy
from godtui.jsontext import Json

EVENT_TYPES: Final = "x-event-types"

_NAMING: Final = ("event-type", "duplicate-type")
"""Faults of names alone: what such files say can be used all the same."""
_WORD = re.compile(r"[a-z][a-z0-9_-]*")


class Loaded(NamedTuple):
    """What a sound folder came to: its files by path, joined by references, and the contracts in them."""

    files: dict[str, Linked]
    contracts: list[Contract]


class Examined(NamedTuple):
    """What can be made of a folder, sound or not.

    `linked` are the files that could be joined, `sound` those of them that lack nothing, `registry` has the latter.
    """

    files: list[SchemaFile]
    linked: dict[str, Linked]
    sound: dict[str, Linked]
    contracts: list[Contract]
    registry: jsonschema_rs.Registry | None
    faults: list[SchemaFault]
    linker: Linker
    """What has joined them."""


def examine(folder: Path) -> Examined:
    """Everything that a folder's sound files come to, and every fault of the others. Nothing is raised."""
    read = read_folder(folder)
    faults = [*read.faults, *_pattern_faults(read.files)]
    linker = Linker(read.files, {fault.file for fault in read.faults if fault.code not in _NAMING})
    linked = linker.link()
    faults += [*linker.faults, *too_heavy(linked, linked.values())]
    broken = {fault.file for fault in faults if fault.code not in _NAMING}
    broken |= {path for path, one in linked.items() if not one.is_whole}
    sound = {path: one for path, one in linked.items() if broken.isdisjoint(one.reaches)}
    contracts, refused = _compile(sound, sound)
    try:
        registry = jsonschema_rs.Registry([(one.uri, one.schema) for one in sound.values()])
    except ValueError:
        registry = None  # which is a fault already
    return Examined(read.files, linked, sound, contracts, registry, faults + refused, linker)


def load_contracts(folder: Path, before: Loaded | None = None) -> tuple[Loaded, list[SchemaFault]]:
    """The contracts of a folder, or what is wrong with it: contracts can be used only where there is no fault.

    With what the folder was `before`, only what has changed since is made again; the answer is the same.
    """
    read = read_folder(folder, None if before is None else {path: one.file for path, one in before.files.items()})
    faults = [*read.faults, *_pattern_faults(read.files)]
    if before is not None and not faults:
        again = _load_again(read.files, before)
        if again is not None:
            return again, []
    linker = Linker(read.files, {fault.file for fault in read.faults})
    linked = linker.link()
    faults += [*linker.faults, *too_heavy(linked, linked.values())]
    if faults:
        return Loaded({}, []), faults
    contracts, faults = _compile(linked, linked)
    return Loaded(linked, contracts), faults


def _load_again(files: list[SchemaFile], before: Loaded) -> Loaded | None:
    """The contracts of files of which few have changed; None where all of them have to be looked at together.

    What an `$id` names, a file that comes or goes, or a fault may concern files that do not refer to the changed ones.
    """
    if before.files.keys() != {file.path for file in files}:
        return None
    changed = {file.path for file in files if before.files[file.path].file is not file}
    if not changed:
        return before
    by_path = {file.path: file for file in files}
    if any(not _keeps_addresses(before.files[path].file, by_path[path]) for path in changed):
        return None
    redone = {path for path, one in before.files.items() if not changed.isdisjoint(one.reaches)}
    linker = Linker(
        [by_path[path] for path in sorted(redone)],
        set(),
        {path: one for path, one in before.files.items() if path not in redone},
    )
    linked = linker.link()
    if linker.faults:
        return None
    reached = set().union(*(linked[path].reaches for path in redone))
    if too_heavy({path: linked[path] for path in reached}, [linked[path] for path in redone]):
        return None
    contracts, faults = _compile({path: linked[path] for path in sorted(reached)}, redone)
    if faults:
        return None
    kept = [contract for contract in before.contracts if contract.file not in redone]
    return Loaded(linked, kept + contracts)


def _keeps_addresses(before: SchemaFile, now: SchemaFile) -> bool:
    """Whether a file is known by the same address as it was, and schemas within it by none."""
    root = [before.document["$id"]] if "$id" in before.document else []
    same = ("$id" in now.document) == ("$id" in before.document)
    return same and _identities(before.document) == _identities(now.document) == root


def _identities(document: Json) -> list[Json]:
    """Every `$id` in a document, at its root or wherever."""
    found: list[Json] = []
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "$id" in value:
                found.append(value["$id"])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def _compile(files: dict[str, Linked], wanted: Container[str]) -> tuple[list[Contract], list[SchemaFault]]:
    """The contracts of the wanted files; `files` are those and all they reach."""
    try:
        registry = jsonschema_rs.Registry([(one.uri, one.schema) for one in files.values()])
    except ValueError as error:
        return [], [SchemaFault("", f"cannot be used: {error}")]
    contracts: list[Contract] = []
    faults: list[SchemaFault] = []
    explainer = Explainer(files)
    for path, linked in files.items():
        if path not in wanted:
            continue
        judged_by, fault = payloads.judge(linked, files)
        if fault is not None:
            faults.append(fault)
            continue
        try:
            validator = _validator(linked, judged_by, registry)
        except jsonschema_rs.ValidationError as error:
            faults.append(linked.file.fault(f"cannot be used: {shortened(error.message)}", tuple(error.instance_path)))
            continue
        references = {other: files[other].file.document for other in sorted(linked.reaches - {path})}
        schema = payloads.document(linked, files) if linked.file.is_envelope else linked.file.document
        contracts += (
            Contract(linked, name, schema, judged_by, references, validator, explainer) for name in linked.file.names
        )
    return contracts, faults


def _validator(linked: Linked, judged_by: dict[str, Json], registry: jsonschema_rs.Registry) -> jsonschema_rs.Validator:
    """What decides by a file, or by the payload in it. Raises jsonschema_rs.ValidationError where it cannot be used."""
    if linked.file.is_envelope:
        return decider({"$schema": linked.dialect.uri, **judged_by}, f"{linked.uri}?payload", registry)
    return decider(linked.schema, linked.uri, registry)


def _pattern_faults(files: Iterable[SchemaFile]) -> Iterator[SchemaFault]:
    """What is wrong with the types that schemas say they serve beside their own."""
    claimed: dict[str, SchemaFile] = {}
    for file in files:
        if EVENT_TYPES not in file.document:
            continue
        patterns = file.document[EVENT_TYPES]
        if not file.names:
            message = "shared definitions serve no event type; move this to a schema"
            yield file.fault(message, (EVENT_TYPES,), "event-type")
        elif not isinstance(patterns, list):
            yield file.fault('x-event-types is a list of patterns such as ["#.dlq"]', (EVENT_TYPES,), "event-type")
        else:
            yield from _list_faults(file, patterns, claimed)


def _list_faults(file: SchemaFile, patterns: list[object], claimed: dict[str, SchemaFile]) -> Iterator[SchemaFault]:
    for index, pattern in enumerate(patterns):
        place = (EVENT_TYPES, index)
        if not isinstance(pattern, str) or not _is_pattern(pattern):
            message = "not a pattern of lower-case words, * and #, joined by dots, such as #.dlq"
            yield file.fault(message, place, "event-type")
            continue
        other = claimed.setdefault(pattern, file)
        if {name.event_type for name in other.names} != {name.event_type for name in file.names}:
            message = f"{pattern} is already served by {other.path}; keep one of the two"
            yield file.fault(message, place, "duplicate-type")


def _is_pattern(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) <= MAX_TYPE_BYTES and all(
        word in ("*", "#") or _WORD.fullmatch(word) for word in text.split(".")
    )
