"""Linting a folder: everything that is wrong with it, and everything that would be better otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from godtui import jsontext
from godtui.holyfields.faults import SchemaFault
from godtui.holyfields.lint import describing, folders, generating, naming, patterns, shadowing
from godtui.holyfields.lint.findings import Finding, Remark
from godtui.holyfields.lint.subjects import Subject
from godtui.holyfields.lint.suppressions import suppressed
from godtui.holyfields.loading import examine
from godtui.holyfields.positions import Position, positions


def lint(folder: Path) -> list[Finding]:
    """The findings of a folder, by file and position. Nothing is raised: a folder that is not there is a finding."""
    examined = examine(folder)
    subjects = [Subject(file, examined) for file in examined.files]
    contracts = {contract.file: contract for contract in examined.contracts}
    remarks = list(
        chain(
            folders.links(folder, subjects),
            folders.identities(subjects),
            *(naming.event_types(subject) for subject in subjects),
            *(naming.properties(subject) for subject in subjects),
            *(describing.descriptions(subject) for subject in subjects),
            *(describing.examples(subject, contracts) for subject in subjects),
            *(shadowing.shadowing(subject) for subject in subjects),
            *(patterns.regexes(subject) for subject in subjects),
        )
    )
    if not examined.faults:
        remarks += generating.refusals(examined, subjects, list(remarks))
    found = {_of_fault(fault) for fault in examined.faults}
    found |= set(_placed(subjects, list(suppressed(subjects, remarks))))
    return sorted(found)


def _of_fault(fault: SchemaFault) -> Finding:
    return Finding(fault.file or ".", fault.line or 1, fault.column or 1, fault.code, fault.pointer, fault.message)


def _placed(subjects: list[Subject], remarks: list[Remark]) -> Iterator[Finding]:
    texts = {subject.file.path: subject.file.text for subject in subjects}
    known: dict[str, dict[tuple[str | int, ...], Position]] = {}
    for file, path, code, message in remarks:
        if file not in known:
            known[file] = positions(texts[file])
        line, column = known[file].get(path, Position(1, 1))
        yield Finding(file, line, column, code, jsontext.pointer(path), message)
