"""What is generated from: every contract of a folder in one form, whatever draft it was written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from godtui.jsontext import Json


class Place(NamedTuple):
    """Where something stands in the schema folder; `line` and `column` count from 1."""

    file: str
    pointer: str
    line: int | None
    column: int | None


@dataclass(frozen=True, slots=True)
class Definition:
    """A schema that others refer to. `key` is its name in `#/$defs/KEY`, the same everywhere in the collection.

    `name` is the words its name was made of, such as ("task", "ref"), for identifiers.
    """

    key: str
    name: tuple[str, ...]
    schema: Json
    file: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Payload:
    """A contract to generate. `schema` is in draft 2020-12; every `$ref` in it is `#/$defs/KEY` of a Definition."""

    event_type: str
    version: str
    title: str
    description: str
    schema: Json
    file: str


@dataclass(frozen=True, slots=True)
class Collection:
    """All contracts, sorted by event type and version, and all that they refer to, sorted by key."""

    payloads: tuple[Payload, ...]
    definitions: Mapping[str, Definition]
