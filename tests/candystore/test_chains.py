"""Chains: who caused whom, however oddly that is said, and trees of them."""

from __future__ import annotations

import json
import random
from typing import Any
from uuid import UUID

import pytest

from godtui.candystore.chains import Chain, Node, Orphan, plant, read_chain, reading
from godtui.candystore.chains.causes import causes
from godtui.candystore.chains.cycles import cycles
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


async def test_an_orphan_says_where_its_cause_is(log: EventLog) -> None:
    other = effect(50, chain=at(50))
    nowhere = effect(51, chain=None)
    chain = await told(log, other, nowhere, effect(1, at(50)), effect(2, at(51)), effect(3, at(52)), effect(4, at(3)))
    assert chain.orphans == [
        Orphan(at(1).bytes, at(50).bytes, True, at(50).bytes),
        Orphan(at(2).bytes, at(51).bytes, True, None),
        Orphan(at(3).bytes, at(52).bytes, False, None),
    ]
    assert numbers(chain.roots) == [1, 2, 3]
    assert Chain.from_document(json.loads(chain.to_json())).orphans == chain.orphans


async def test_an_effect_stored_before_its_cause_is_late(log: EventLog) -> None:
    chain = await told(log, effect(2, at(1)), effect(1), effect(3, at(2)))
    assert (numbers(chain.late), numbers(chain.roots), edges(chain)) == ([2], [1], [(1, 2), (2, 3)])


async def test_causes_that_go_round_are_cycles(log: EventLog) -> None:
    chain = await told(
        log, effect(1, at(3)), effect(2, at(1)), effect(3, at(2)), effect(4, at(4)), effect(5, at(3)), effect(6)
    )
    assert [numbers(cycle) for cycle in chain.cycles] == [[1, 2, 3], [4]]
    assert numbers(chain.roots) == [6]
    drawn = [node for node in plant(chain).walk() if isinstance(node, Node)]
    assert sorted(node.place for node in drawn) == list(range(6)), "each is drawn once"
    assert [node.place for node in drawn if node.depth == 0] == [0, 3, 5]


async def test_a_peers_parents_are_causes_and_doubles_count_once(log: EventLog) -> None:
    chain = await told(log, effect(1), effect(2), effect(3, at(1), at(2), at(1)))
    assert edges(chain) == [(1, 3), (2, 3)]
    tree = plant(chain)
    assert (tree.children[0], tree.more) == ([2], {2: [1]})


ONE, TWO = str(at(1)), str(at(2))


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ({"correlation_ids": [ONE, TWO, ONE]}, [1, 2]),
        ({"correlation_ids": {"parent": ONE, "others": [TWO]}}, [1, 2]),
        ({"correlation_ids": [{"event_id": ONE}]}, [1]),
        ({"correlation_ids": ONE.upper()}, [1]),
        ({"correlation_ids": [[[[ONE]]]]}, []),
        ({"correlation_ids": [None, 7, "x", "", "0" * 10_000, {}]}, []),
        ({"correlation_ids": None, "source": {"causation_id": ONE}}, [1]),
        ({"source": {"causation_id": [ONE]}}, []),
        ({"source": "causation_id"}, []),
        ({"payload": {"source": {"causation_id": ONE}, "correlation_ids": [ONE]}}, []),
        ([ONE, "causation_id"], []),
    ],
)
def test_causes_are_read_leniently(named: Any, found: list[int]) -> None:
    assert numbers(causes(json.dumps(named).encode())) == found


def test_causes_behind_escapes_and_of_what_is_no_json() -> None:
    assert numbers(causes(b'{"\\u0063orrelation_ids": ["%b"]}' % ONE.encode())) == [1]
    assert causes(b'{"causation_id') == []


@pytest.mark.parametrize("seed", range(20))
def test_cycles_are_what_can_reach_itself(seed: int) -> None:
    chance = random.Random(seed)
    size = chance.randrange(1, 12)
    effects = [[chance.randrange(size) for _ in range(chance.randrange(3))] for _ in range(size)]

    def reached(start: int) -> set[int]:
        seen: set[int] = set()
        waiting = list(effects[start])
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += effects[node]
        return seen

    reach = [reached(node) for node in range(size)]
    rings = {frozenset(b for b in range(size) if b in reach[a] and a in reach[b]) for a in range(size) if a in reach[a]}
    assert cycles(effects) == sorted(sorted(ring) for ring in rings)


async def test_ten_thousand_in_a_line(log: EventLog) -> None:
    events = [effect(1), *(effect(number, at(number - 1)) for number in range(2, 10_001))]
    for start in range(0, 10_000, 1000):
        await log.append(events[start : start + 1000])
    chain = await read_chain(log, CHAIN)
    assert chain is not None
    assert (len(chain.events), len(chain.edges), chain.complete) == (10_000, 9_999, True)
    tree = plant(chain)
    assert tree.below[0] == 9_999
    assert [node.depth for node in tree.walk() if isinstance(node, Node)][-1] == 9_999


def test_a_ring_of_ten_thousand_is_one_cycle() -> None:
    assert cycles([[(number + 1) % 10_000] for number in range(10_000)]) == [list(range(10_000))]


@pytest.mark.parametrize("limits", [{"MAX_EVENTS": 7}, {"MAX_BODY_BYTES": 2500}, {"PAGE_ROWS": 2}, {"PAGE_BYTES": 1}])
async def test_a_chain_in_parts_is_the_whole(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]
) -> None:
    events = [effect(1), *(effect(number, at(max(1, number // 2))) for number in range(2, 30)), effect(40, at(99))]
    whole = await told(log, *events)
    for name, value in limits.items():
        monkeypatch.setattr(reading, name, value)
    parts: list[Chain] = []
    after: int | None = 0
    while after is not None:
        part = await read_chain(log, CHAIN, after=after)
        assert part is not None
        assert part.total == (30, True)
        assert part.complete == (len(part.events) == 30)
        parts.append(part)
        after = part.next_after
    for name in ("events", "roots", "edges", "orphans", "late"):
        assert [one for part in parts for one in getattr(part, name)] == getattr(whole, name), name
    assert (len(parts) > 1) == ("MAX_EVENTS" in limits or "MAX_BODY_BYTES" in limits)


async def test_one_event_larger_than_an_answer_is_still_told(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BODY_BYTES", 10)
    chain = await told(log, effect(1), effect(2))
    assert (numbers(event.event_id for event in chain.events), chain.next_after) == ([1], 1)


async def test_causes_beyond_those_looked_up_are_said_to_be(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LOOKED_UP", 1)
    chain = await told(log, effect(1, at(8), at(9)))
    assert [orphan.stored for orphan in chain.orphans] == [False, None]
