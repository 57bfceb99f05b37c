"""From a folder to contracts: read, join by references, compile; every fault of every file is found in one go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import jsonschema_rs

from godtui.envelope import MAX_TYPE_BYTES
from godtui.holyfields.contract import Contract
from godtui.holyfields.dialects import decider
from godtui.holyfields.explain import Explainer
from godtui.holyfields.faults import SchemaFault
from godtui.holyfields.folder import SchemaFile, read_folder
from godtui.holyfields.references import Linked, Linker

EVENT_TYPES: Final = "x-event-types"

_WORD = re.compile(r"[a-z][a-z0-9_-]*")


def load_contracts(folder: Path) -> tuple[list[Contract], list[SchemaFault]]:
    """The contracts of a folder, or what is wrong with it: contracts can be used only where there is no fault."""
    read = read_folder(folder)
    faults = [*read.faults, *_pattern_faults(read.files)]
    linker = Linker(read.files, {fault.file for fault in read.faults})
    linked = linker.link()
    faults += linker.faults
    if faults:
        return [], faults
    return _compile(linked)


def _compile(files: dict[str, Linked]) -> tuple[list[Contract], list[SchemaFault]]:
    try:
        registry = jsonschema_rs.Registry([(one.uri, one.schema) for one in files.values()])
    except ValueError as error:
        return [], [SchemaFault("", f"cannot be used: {error}")]
    contracts: list[Contract] = []
    faults: list[SchemaFault] = []
    explainer = Explainer(files)
    for path, linked in files.items():
        try:
            validator = decider(linked.schema, linked.uri, registry)
        except jsonschema_rs.ValidationError as error:
            faults.append(linked.file.fault(f"cannot be used: {error.message}", tuple(error.instance_path)))
            continue
        if linked.file.name is not None:
            references = {other: files[other].file.document for other in sorted(linked.reaches - {path})}
            contracts.append(Contract(linked, references, validator, explainer))
    return contracts, faults


def _pattern_faults(files: Iterable[SchemaFile]) -> Iterator[SchemaFault]:
    """What is wrong with the types that schemas say they serve beside their own."""
    claimed: dict[str, SchemaFile] = {}
    for file in files:
        if EVENT_TYPES not in file.document:
            continue
        patterns = file.document[EVENT_TYPES]
        if file.name is None:
            yield file.fault("shared definitions serve no event type; move this to a schema", (EVENT_TYPES,))
        elif not isinstance(patterns, list):
            yield file.fault('x-event-types is a list of patterns such as ["#.dlq"]', (EVENT_TYPES,))
        else:
            yield from _list_faults(file, patterns, claimed)


def _list_faults(file: SchemaFile, patterns: list[object], claimed: dict[str, SchemaFile]) -> Iterator[SchemaFault]:
    for index, pattern in enumerate(patterns):
        place = (EVENT_TYPES, index)
        if not isinstance(pattern, str) or not _is_pattern(pattern):
            yield file.fault("not a pattern of lower-case words, * and #, joined by dots, such as #.dlq", place)
            continue
        other = claimed.setdefault(pattern, file)
        if other.name and file.name and other.name.event_type != file.name.event_type:
            yield file.fault(f"{pattern} is already served by {other.path}; keep one of the two", place)


def _is_pattern(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) <= MAX_TYPE_BYTES and all(
        word in ("*", "#") or _WORD.fullmatch(word) for word in text.split(".")
    )
