"""Rules for what schemas say of themselves: descriptions, and examples that the schema allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import jsonschema_rs

from godtui import jsontext
from godtui.holyfields import shapes
from godtui.holyfields.contract import Contract
from godtui.holyfields.dialects import decider
from godtui.holyfields.faults import shortened
from godtui.holyfields.lint.findings import Remark
from godtui.holyfields.lint.subjects import Subject

_ENVELOPE: Final = frozenset({"event_id", "event_type", "timestamp", "version", "source", "correlation_id", "payload"})


def descriptions(subject: Subject) -> Iterator[Remark]:
    """Contracts and properties that do not say what they are; a property that is only a `$ref` need not.

    A contract has to say it itself: what it is made of, such as a base that all share, does not know when it happens,
    and the catalogue shows the contract's own words.
    """
    document = subject.file.document
    if subject.file.names and not _says(document):
        message = "no description; say in a sentence when this event happens"
        yield Remark(subject.file.path, (), "description", message)
    for node in subject.nodes:
        named = node.schema.get("properties")
        if not isinstance(named, dict):
            continue
        for name, schema in named.items():
            known = subject.file.is_envelope and not node.path and name in _ENVELOPE
            if isinstance(schema, dict) and not known and not _described(schema):
                message = f'the property "{name[:100]}" has no description; say what it holds, with its unit'
                yield Remark(subject.file.path, (*node.path, "properties", name), "description", message)


def examples(subject: Subject, contracts: dict[str, Contract]) -> Iterator[Remark]:
    """Examples that fail the schema they stand in, with the reason."""
    linked = subject.examined.sound.get(subject.file.path)
    if linked is None or subject.examined.registry is None:
        return
    for node in subject.nodes:
        given = node.schema.get("examples")
        if not isinstance(given, list) or not given:
            continue
        contract = contracts.get(subject.file.path)
        own = shapes.PAYLOAD if subject.file.is_envelope else ()
        if contract is not None and node.path == own:
            found = _judged(contract, given)
        else:
            uri = f"{linked.uri}#{quote(jsontext.pointer(node.path))}"
            schema = {"$schema": linked.dialect.uri, "$ref": uri}
            found = _checked(decider(schema, f"{linked.uri}?example", subject.examined.registry), given)
        for index, reason in found:
            message = f"the example fails its schema: {reason}"
            yield Remark(subject.file.path, (*node.path, "examples", index), "example", message)


def _judged(contract: Contract, given: list[object]) -> Iterator[tuple[int, str]]:
    for index, example in enumerate(given):
        faults = contract.faults(example)
        if faults:
            inside = faults[0].path.removeprefix("/payload")
            yield index, f"{faults[0].message}{f' (at {inside})' if inside else ''}"


def _checked(validator: jsonschema_rs.Validator, given: list[object]) -> Iterator[tuple[int, str]]:
    for index, example in enumerate(given):
        if validator.is_valid(example):
            continue
        try:
            validator.validate(example)
        except jsonschema_rs.ValidationError as error:
            inside = jsontext.pointer(list(error.instance_path))
            yield index, f"{shortened(error.message)}{f' (at {inside})' if inside else ''}"


def _described(schema: dict[str, object]) -> bool:
    """Whether a schema says what it is, itself or by what it refers to."""
    return _says(schema) or "$ref" in schema or _refers(schema)


def _says(schema: dict[str, object]) -> bool:
    description = schema.get("description")
    return isinstance(description, str) and bool(description.strip())


def _refers(schema: dict[str, object]) -> bool:
    """Whether a schema is made of nothing but one reference, or is a constant that speaks for itself."""
    parts = schema.get("allOf")
    return "const" in schema or (
        isinstance(parts, list) and len(parts) == 1 and isinstance(parts[0], dict) and "$ref" in parts[0]
    )
