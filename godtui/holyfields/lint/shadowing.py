"""The rule against closed objects that refuse what the schema beside them describes."""

from __future__ import annotations

from collections.abc import Iterator

import jsonschema_rs

from godtui.holyfields.dialects import decider, dialect_of
from godtui.holyfields.lint.findings import Remark
from godtui.holyfields.lint.subjects import Node, Subject


def shadowing(subject: Subject) -> Iterator[Remark]:
    """Schemas where `additionalProperties: false` and an `allOf` do not know of each other's properties."""
    draft = dialect_of(subject.file.document)
    old = draft is not None and draft.name == "Draft7Validator"
    fix = "unevaluatedProperties: false"
    fix = f"{fix} (and $schema of draft 2020-12)" if old else fix
    for node in subject.nodes:
        parts = list(_parts(subject, node, old))
        if not parts:
            continue
        own = _names(node.schema)
        if node.schema.get("additionalProperties") is False:
            refused = sorted({name for part in parts for name in _all_names(*part, old)} - own)
            refused = [name for name in refused if not _matched(node.schema, name)]
            if refused:
                message = f"refuses {_listed(refused)}, which its allOf describes; write {fix} in its place"
                yield Remark(subject.file.path, (*node.path, "additionalProperties"), "shadowing", message)
        yield from _closed_bases(subject, node, parts, fix)


def _closed_bases(subject: Subject, node: Node, parts: list[tuple[Subject, Node]], fix: str) -> Iterator[Remark]:
    """Parts that are closed, and so refuse the properties of the schema that takes them up."""
    own = _names(node.schema)
    for other, part in parts:
        if part.schema.get("additionalProperties") is not False:
            continue
        refused = sorted(name for name in own - _names(part.schema) if not _matched(part.schema, name))
        if refused:
            where = f"{other.file.path}#" + "".join(f"/{step}" for step in part.path)
            message = (
                f"{where} is closed by additionalProperties: false and refuses {_listed(refused)}; "
                f"leave it open there, and write {fix} here"
            )
            yield Remark(subject.file.path, (*node.path, "properties"), "shadowing", message)


def _parts(subject: Subject, node: Node, old: bool) -> Iterator[tuple[Subject, Node]]:
    """The schemas that hold beside a schema: by `allOf`, and by a `$ref` that has neighbours."""
    if "$ref" in node.schema:
        found = subject.target(node.path)
        if found is not None and not (old and len(node.schema) > 1):
            yield found
    listed = node.schema.get("allOf")
    for index, part in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(part, dict):
            continue
        inside = Node((*node.path, "allOf", index), part)
        found = subject.target(inside.path) if "$ref" in part else None
        yield found if found is not None else (subject, inside)


def _all_names(subject: Subject, node: Node, old: bool) -> set[str]:
    """The properties that a schema describes, itself and by its parts."""
    names: set[str] = set()
    waiting = [(subject, node)]
    seen: set[int] = set()
    while waiting:
        there, one = waiting.pop()
        if id(one.schema) in seen:
            continue
        seen.add(id(one.schema))
        names |= _names(one.schema)
        waiting += _parts(there, one, old)
    return names


def _names(schema: dict[str, object]) -> set[str]:
    described = schema.get("properties")
    return set(described) if isinstance(described, dict) else set()


def _matched(schema: dict[str, object], name: str) -> bool:
    """Whether a pattern of the schema allows the name; a pattern that cannot be used is taken to."""
    patterns = schema.get("patternProperties")
    if not isinstance(patterns, dict):
        return False
    try:
        return any(decider({"pattern": pattern}).is_valid(name) for pattern in patterns)
    except jsonschema_rs.ValidationError:
        return True


def _listed(names: list[str]) -> str:
    shown = ", ".join(name[:60] for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
