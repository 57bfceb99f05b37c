"""A chain as it is told: events, who caused whom, and what is odd about that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from godtui import jsontext
from godtui.candystore.counting import Count
from godtui.envelope import StoredEvent, id_text


class Edge(NamedTuple):
    """A cause and its effect, by their ids; both belong to the chain."""

    cause: bytes
    effect: bytes


class Orphan(NamedTuple):
    """An event that names a cause outside of the chain.

    `stored` is None where that was not looked up; of one that is stored `correlation_id` is the chain it belongs to.
    """

    event_id: bytes
    cause_id: bytes
    stored: bool | None
    correlation_id: bytes | None = None


class Chain(NamedTuple):
    """The events of one correlation by `seq`, or the part of them beyond some position.

    `edges` are of effects in this part; their causes may be in another. `roots` have no cause in the chain. `cycles`
    are the sets of events in this part each of which is, by what they say, among its own causes. `late` were stored
    before a cause of theirs. `total` counts the whole chain; `next_after` is where the next part begins.
    """

    correlation_id: UUID
    events: Sequence[StoredEvent]
    roots: Sequence[bytes]
    edges: Sequence[Edge]
    orphans: Sequence[Orphan]
    cycles: Sequence[Sequence[bytes]]
    late: Sequence[bytes]
    total: Count
    complete: bool
    next_after: int | None

    def to_json(self) -> bytes:
        """The chain as JSON, its events as they are stored."""
        told = {
            "roots": _texts(self.roots),
            "edges": [_texts(edge) for edge in self.edges],
            "orphans": [_told(orphan) for orphan in self.orphans],
            "cycles": [_texts(cycle) for cycle in self.cycles],
            "late": _texts(self.late),
            "total": self.total.document(),
            "complete": self.complete,
            "next_after": self.next_after,
        }
        head = b'{"correlation_id":"%b","events":[' % id_text(self.correlation_id).encode()
        return b"%b%b],%b" % (head, b",".join(event.to_json() for event in self.events), jsontext.dumps(told)[1:])

    @classmethod
    def from_document(cls, told: dict[str, Any]) -> Chain:
        """The inverse of `to_json`."""
        return cls(
            UUID(told["correlation_id"]),
            [StoredEvent.from_document(event) for event in told["events"]],
            _ids(told["roots"]),
            [Edge._make(_ids(edge)) for edge in told["edges"]],
            [_orphan(orphan) for orphan in told["orphans"]],
            [_ids(cycle) for cycle in told["cycles"]],
            _ids(told["late"]),
            Count.from_document(told["total"]),
            told["complete"],
            told["next_after"],
        )


def _text(event_id: bytes) -> str:
    return id_text(UUID(bytes=event_id))


def _texts(ids: Sequence[bytes]) -> list[str]:
    return [_text(one) for one in ids]


def _ids(texts: Sequence[str]) -> list[bytes]:
    return [UUID(text).bytes for text in texts]


def _told(orphan: Orphan) -> dict[str, Any]:
    chain = orphan.correlation_id
    return {
        "event_id": _text(orphan.event_id),
        "cause_id": _text(orphan.cause_id),
        "stored": orphan.stored,
        "correlation_id": None if chain is None else _text(chain),
    }


def _orphan(told: dict[str, Any]) -> Orphan:
    chain = told["correlation_id"]
    event_id, cause_id = _ids((told["event_id"], told["cause_id"]))
    return Orphan(event_id, cause_id, told["stored"], None if chain is None else UUID(chain).bytes)
