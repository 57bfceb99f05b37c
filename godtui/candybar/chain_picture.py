"""A chain as far as it was read: its parts as one, and how it is drawn. Made off the screen's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from godtui.candybar.chain_steps import Outline
from godtui.candybar.chain_text import summary
from godtui.operations import Chain, ChainOperations, Count, plant

MOST_EVENTS: Final = 50_000
MOST_BYTES: Final = 24 * 1024 * 1024
"""Of a chain with more events, or more bytes of bodies, the beginning is read."""

Piece = TypeVar("Piece")


@dataclass(frozen=True, slots=True)
class Picture:
    """A chain and its rows. Never changed: what comes later makes another one."""

    chain: Chain
    outline: Outline
    body_bytes: int
    summary: str
    """How many events are here, how odd they are and how long they took."""

    @classmethod
    def of(cls, chain: Chain) -> Picture:
        """The picture of one part or of several."""
        here = chain._replace(total=Count(len(chain.events), True))
        return cls(chain, Outline(plant(chain)), sum(len(event.body) for event in chain.events), summary(here))

    @property
    def is_cut(self) -> bool:
        """Whether more of it is stored than is read here."""
        is_full = len(self.chain.events) >= MOST_EVENTS or self.body_bytes >= MOST_BYTES
        return self.chain.next_after is not None and is_full

    @property
    def is_whole(self) -> bool:
        """Whether all that was stored is here."""
        return self.chain.next_after is None

    @property
    def reached(self) -> int:
        """The position of the last event that was read."""
        return self.chain.events[-1].seq if self.chain.events else 0

    def row_of(self, event_id: bytes) -> int | None:
        """The row of an event, None where it is not here."""
        place = self.outline.places.get(event_id)
        return None if place is None else self.outline.row_of(place)


async def read_on(chains: ChainOperations, correlation_id: UUID, held: Picture | None) -> Picture | None:
    """The chain with its next part, or with what was stored since; the same picture where that is nothing.

    None where nothing of it is stored. Where an event came later than what it had caused, all is read anew: what was
    said of its effects is no longer so. Raises StoreUnavailableError.
    """
    if held is None:
        first = await chains.chain(correlation_id)
        return None if first is None else await asyncio.to_thread(Picture.of, first)
    part = await chains.chain(correlation_id, after=held.reached)
    if part is None:
        return None
    if not part.events and held.is_whole:
        return held
    fresh = {event.event_id for event in part.events}
    if any(orphan.cause_id in fresh for orphan in held.chain.orphans):
        return await read_anew(chains, correlation_id)
    return await asyncio.to_thread(_joined, held, part)


async def read_anew(chains: ChainOperations, correlation_id: UUID) -> Picture | None:
    """All of it, or as much as is kept here; None where nothing of it is stored. Raises StoreUnavailableError."""
    picture = await read_on(chains, correlation_id, None)
    while picture is not None and not picture.is_whole and not picture.is_cut:
        part = await chains.chain(correlation_id, after=picture.reached)
        if part is None:
            return None
        picture = await asyncio.to_thread(_joined, picture, part)
    return picture


def _joined(held: Picture, part: Chain) -> Picture:
    before = held.chain
    events = _both(before.events, part.events)
    return Picture.of(
        Chain(
            before.correlation_id,
            events,
            _both(before.roots, part.roots),
            _both(before.edges, part.edges),
            _both(before.orphans, part.orphans),
            _both(before.cycles, part.cycles),
            _both(before.late, part.late),
            Count(len(events), True) if part.next_after is None else part.total,
            part.next_after is None,
            part.next_after,
        )
    )


def _both(first: Sequence[Piece], second: Sequence[Piece]) -> list[Piece]:
    return [*first, *second]
