"""What `holyfields lint` finds: a place, a code and a sentence that says what to do."""

from __future__ import annotations

from typing import Final, NamedTuple

from godtui.holyfields.positions import Path


class Finding(NamedTuple):
    """One finding. `file` is relative to the folder ("." for the folder itself), `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    code: str
    pointer: str
    message: str


class Remark(NamedTuple):
    """What a rule says of a place in a file: a finding before its position is looked up."""

    file: str
    path: Path
    code: str
    message: str


FAULTS: Final = {
    "folder": "the folder is missing, empty or not one of schemas",
    "file": "a file cannot be read, or its name is no text",
    "json": "a file is not JSON, or holds no object",
    "byte-order-mark": "a file begins with a byte order mark",
    "too-large": "a file is larger than 4 MiB",
    "too-deep": "a file is nested deeper than 200 levels",
    "too-heavy": "a place of a document may be evaluated over a million times",
    "link": "a symbolic link goes in circles",
    "duplicate-key": "an object has a key twice",
    "schema": "a schema is not well formed by its draft, or cannot be used",
    "event-type": "a name, constant or pattern is no event type",
    "duplicate-type": "two files describe one type and version",
    "reference": "a `$ref` leads nowhere",
    "reference-escapes": "a `$ref` leads out of the folder",
    "reference-network": "a `$ref` leads to an address; nothing is ever fetched",
    "id-clash": "two schemas have one `$id`",
    "payload-elsewhere": "an envelope's schema says something of the payload outside of `properties.payload`",
}
"""What keeps a folder from being loaded, by code; such findings cannot be ignored."""

STYLE: Final = {
    "tense": "an event type does not end with what happened, in the past tense",
    "abbreviation": "a name holds an abbreviation of the word list",
    "case": "a property is not in snake_case",
    "version": "an envelope's `version` is not one such as v1",
    "description": "a contract or a property has no description",
    "example": "an example fails its schema",
    "shadowing": "`additionalProperties: false` refuses what an `allOf` beside it describes",
    "link-escapes": "a symbolic link leads out of the folder",
    "regex": "a pattern may take forever on some texts, or is read differently by Python, JavaScript and the bus",
    "not-generated": "`holyfields generate` refuses it, for one language or both",
    "ignore-unused": "an `x-lint-ignore` hides nothing",
    "ignore-malformed": "an `x-lint-ignore` is not codes with reasons",
}
"""What loads and is better otherwise, by code."""

CODES: Final = {**FAULTS, **STYLE}
