"""One contract: what the payload of an event type has to be, in one version."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import jsonschema_rs

from godtui import jsontext
from godtui.envelope import Fault
from godtui.holyfields.explain import Explainer
from godtui.holyfields.references import Linked
from godtui.holyfields.shapes import Name
from godtui.jsontext import Json


class Contract:
    """The schema of one event type in one version; read only, its documents too.

    `event_type` and `version` are what the file's path says, or its constants where it describes the envelope, also
    where the contract `serves` further types by its `x-event-types`. `file` is the path in the schema folder, `schema`
    judges the payload: the document as written, or where the file describes the envelope its `properties.payload` as a
    document in its place, with the definitions and examples that belong to it. `references` are the other files it
    reaches, by path. `digest` is SHA-256 in hex: it changes when the schema or what it reaches does,
    and not when only the layout of a file does. `decide` is `valid` at its fastest, raising on what is not JSON.
    """

    __slots__ = (
        "_explainer",
        "_judged_by",
        "_linked",
        "_validator",
        "decide",
        "digest",
        "event_type",
        "file",
        "references",
        "schema",
        "serves",
        "version",
    )

    def __init__(
        self,
        linked: Linked,
        name: Name,
        schema: dict[str, Json],
        judged_by: dict[str, Json],
        references: Mapping[str, dict[str, Json]],
        validator: jsonschema_rs.Validator,
        explainer: Explainer,
    ) -> None:
        """`judged_by` says the same as `schema`, by references to the file's address."""
        self.event_type, self.version = name
        self.file = linked.file.path
        self.schema = schema
        self.serves: tuple[str, ...] = tuple(self.schema.get("x-event-types", ()))
        self.references = references
        self.digest = sha256(jsontext.canonical([self.schema, dict(references)])).hexdigest()
        self._linked = linked
        self._judged_by = judged_by
        self._validator = validator
        self.decide = validator.is_valid
        self._explainer = explainer

    def __repr__(self) -> str:
        return f"<Contract {self.event_type} {self.version}>"

    @property
    def title(self) -> str:
        """The schema's title, else nothing."""
        return _text(self.schema, "title")

    @property
    def description(self) -> str:
        """The schema's description, else nothing."""
        return _text(self.schema, "description")

    @property
    def examples(self) -> list[Json]:
        """Payloads that the schema gives as examples."""
        examples: list[Json] = self.schema.get("examples", [])
        return examples

    def valid(self, payload: Json) -> bool:
        """Whether the contract allows the payload; False for values that are not JSON."""
        try:
            return self.decide(payload)
        except (ValueError, RecursionError):
            return False

    def faults(self, payload: Json) -> list[Fault]:
        """Why the contract does not allow the payload; nothing where it does."""
        if self.valid(payload):
            return []
        return self._explainer.explain(self._linked, self._judged_by, self._validator, payload)

    def document(self) -> dict[str, Any]:
        """The contract as a JSON object, its schema as written and the definitions it reaches by path."""
        return {
            "event_type": self.event_type,
            "version": self.version,
            "title": self.title,
            "description": self.description,
            "serves": list(self.serves),
            "file": self.file,
            "digest": self.digest,
            "examples": self.examples,
            "schema": self.schema,
            "references": dict(self.references),
        }


def _text(schema: dict[str, Json], name: str) -> str:
    text = schema.get(name, "")
    return text if isinstance(text, str) else ""
