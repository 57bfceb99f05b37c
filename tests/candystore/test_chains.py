"""Chains: who caused whom, however oddly that is said, and trees of them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from godtui.candystore.chains import Chain, plant, read_chain
from godtui.envelope import new_id
from godtui.eventlog import EventLog, Record
from tests.eventlog.records import record

CHAIN = new_id()


def effect(number: int, *by: UUID, chain: UUID | None = CHAIN, **fields: Any) -> Record:
    """An event whose id is a number, caused by others."""
    one = record(event_id=UUID(int=number).bytes, correlation_id=None if chain is None else chain.bytes)
    document = json.loads(one.body) | fields
    if by:
        document["source"]["causation_id"] = str(by[0])
    if by[1:]:
        document["correlation_ids"] = [str(cause) for cause in by[1:]]
    return one._replace(body=json.dumps(document).encode())


def at(number: int) -> UUID:
    return UUID(int=number)


async def told(log: EventLog, *events: Record, **options: Any) -> Chain:
    await log.append(events)
    chain = await read_chain(log, CHAIN, **options)
    assert chain is not None
    return chain


def numbers(ids: Any) -> list[int]:
    return [UUID(bytes=one).int for one in ids]


def edges(chain: Chain) -> list[tuple[int, int]]:
    return [(UUID(bytes=cause).int, UUID(bytes=effect).int) for cause, effect in chain.edges]


async def test_a_chain_is_a_tree(log: EventLog) -> None:
    chain = await told(
        log, effect(1), effect(2, at(1)), effect(9, at(1), chain=None), effect(3, at(1)), effect(4, at(2))
    )
    assert numbers(event.event_id for event in chain.events) == [1, 2, 3, 4]
    assert numbers(chain.roots) == [1]
    assert edges(chain) == [(1, 2), (1, 3), (2, 4)]
    assert (chain.orphans, chain.cycles, chain.late) == ([], [], [])
    assert (chain.total, chain.complete, chain.next_after) == ((4, True), True, None)
    assert [node[:2] for node in plant(chain).walk()] == [(0, 0), (1, 1), (3, 2), (2, 1)]


async def test_the_first_event_belongs_to_its_own_chain(log: EventLog) -> None:
    await log.append([effect(5, chain=at(5)), effect(6, at(5), chain=at(5))])
    chain = await read_chain(log, at(5))
    assert chain is not None
    assert (numbers(chain.roots), edges(chain)) == ([5], [(5, 6)])


async def test_nothing_is_no_chain(log: EventLog) -> None:
    assert await read_chain(log, CHAIN) is None
