"""A ticket of Plane's, as one delivery shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self


class State(NamedTuple):
    """A workflow state; what is None is not known. `group` is one of Plane's groups, in lower case."""

    id: str | None = None
    name: str | None = None
    group: str | None = None


class Ticket(NamedTuple):
    """What a delivery says of a ticket. `updated_at` is Plane's own time of the edit, µs since 1970.

    `labels` are names, each once; `nameless_labels` are ids whose names nobody knows yet. `state` and `labels` are
    None where the delivery does not say.
    """

    id: str
    reference: str
    title: str = ""
    url: str | None = None
    state: State | None = None
    labels: tuple[str, ...] | None = None
    nameless_labels: tuple[str, ...] = ()
    updated_at: int | None = None
    is_draft: bool = False
    is_archived: bool = False
    is_deleted: bool = False

    def document(self) -> dict[str, Any]:
        """The ticket as a JSON object."""
        return {
            **self._asdict(),
            "state": None if self.state is None else list(self.state),
            "labels": None if self.labels is None else list(self.labels),
            "nameless_labels": list(self.nameless_labels),
        }

    @classmethod
    def from_document(cls, told: Mapping[str, Any]) -> Self:
        """The inverse of `document`."""
        state, labels = told["state"], told["labels"]
        return cls(**{
            **told,
            "state": None if state is None else State(*state),
            "labels": None if labels is None else tuple(labels),
            "nameless_labels": tuple(told["nameless_labels"]),
        })  # fmt: skip


class Unreadable(NamedTuple):
    """Why a delivery shows no ticket."""

    reason: str
