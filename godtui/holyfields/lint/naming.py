"""Rules for names: event types in the past tense, words written out, properties in snake_case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from godtui.envelope import version_fault
from godtui.holyfields import shapes
from godtui.holyfields.lint.findings import Remark
from godtui.holyfields.lint.subjects import Subject
from godtui.holyfields.lint.words import ABBREVIATIONS, is_past, past_of
from godtui.holyfields.positions import Path

_SNAKE: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SEPARATOR: Final = re.compile(r"[._-]")


def event_types(subject: Subject) -> Iterator[Remark]:
    """The tense and the abbreviations of the types that a file is the contract of."""
    document = subject.file.document
    place: Path = ()
    if subject.file.is_envelope:
        event_type = document["properties"]["event_type"]
        place = (*shapes.EVENT_TYPE, "const" if "const" in event_type else "enum")
        yield from _version(subject)
    for name, _ in subject.file.names:
        yield from _tense(subject, place, name)
        yield from _abbreviated(subject, place, name, "event type")


def properties(subject: Subject) -> Iterator[Remark]:
    """The case and the abbreviations of every property that a file describes."""
    for node in subject.nodes:
        described = node.schema.get("properties")
        if not isinstance(described, dict):
            continue
        for name in described:
            place = (*node.path, "properties", name)
            if not _SNAKE.fullmatch(name):
                yield Remark(subject.file.path, place, "case", _case_message(name))
            yield from _abbreviated(subject, place, name, "property")


def _version(subject: Subject) -> Iterator[Remark]:
    version = subject.file.document["properties"].get("version")
    if not isinstance(version, dict) or "const" not in version:
        return
    said = version["const"]
    if not isinstance(said, str) or version_fault(said):
        taken = ", ".join(sorted({name.version for name in subject.file.names})) or "v1"
        message = f"not a version such as v1, and read as {taken}; write the constant so"
        yield Remark(subject.file.path, (*shapes.PAYLOAD[:1], "version", "const"), "version", message)


def _tense(subject: Subject, place: Path, name: str) -> Iterator[Remark]:
    head, last = _split_last(name)
    if is_past(last):
        return
    past = past_of(last)
    if past is not None:
        advice = f"say what happened: {head}{past}"
    else:
        advice = f"end with what happened, such as {name}.changed"
    yield Remark(subject.file.path, place, "tense", f'"{last}" in {name} is not in the past tense; {advice}')


def _split_last(name: str) -> tuple[str, str]:
    """An event type before its last word, and that word."""
    ends = [found.end() for found in _SEPARATOR.finditer(name)]
    begin = next((end for end in reversed(ends) if end < len(name)), 0)
    return name[:begin], name[begin:].rstrip("._-")


def _abbreviated(subject: Subject, place: Path, name: str, kind: str) -> Iterator[Remark]:
    """One remark for all the abbreviations in a name."""
    found = [word for word in _WORD.findall(name) if word.lower() in ABBREVIATIONS]
    if not found:
        return
    full = _WORD.sub(lambda word: _written_out(word[0]), name)
    listed = ", ".join(f'"{word}"' for word in dict.fromkeys(found))
    yield Remark(subject.file.path, place, "abbreviation", f"{listed} is short in the {kind} {name}; write {full}")


def _written_out(word: str) -> str:
    full = ABBREVIATIONS.get(word.lower())
    if full is None:
        return word
    return full.capitalize() if word[0].isupper() else full


def _case_message(name: str) -> str:
    folded = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    if folded[:1].isdigit():
        return f'"{name[:100]}" is not in snake_case; begin with a letter, and join lower-case words by _'
    snake = "_".join(word.lower() for word in _WORD.findall(folded))
    if folded.isascii() and _SNAKE.fullmatch(snake):
        return f'"{name[:100]}" is not in snake_case; write {snake[:100]}'
    return f'"{name[:100]}" is not in snake_case; write lower-case words of a to z joined by _'
