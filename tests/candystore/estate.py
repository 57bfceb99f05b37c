"""A few hundred events such as a busy week leaves behind, and filters over them."""

from __future__ import annotations

import json
import random
from uuid import UUID

from hypothesis import strategies as st

from godtui.clock import rfc3339
from godtui.envelope import read_envelope, violations_text
from godtui.eventlog import Record
from tests.clock import MORNING

TYPES = (
    "agent.task.started",
    "agent.task.completed",
    "agent.task.failed",
    "test.event.created",
    "webhook.plane.issue.updated",
    "infra.ticket.dispatched",
    "meeting.started",
    "worktree.created",
)
SOURCES = ("http", "cli", "grolf", "plane", "candystore", "ünïcode name", "")
WORDS = ("disk", "full", "Straße", "retry", "done", "42", "null")
CHAINS = tuple(UUID(int=number, version=4) for number in range(1, 12))
SECOND = 1_000_000


def busy_week(count: int, seed: int = 1) -> list[Record]:
    """Events whose times mostly grow, in chains that begin and go on."""
    chance = random.Random(seed)
    return [_record(chance, number) for number in range(count)]


def _record(chance: random.Random, number: int) -> Record:
    own = UUID(int=chance.getrandbits(128), version=4)
    if number < len(CHAINS):
        own = CHAINS[number]
    time = MORNING + number * SECOND + (chance.randrange(-900, 900) * SECOND if chance.random() < 0.1 else 0)
    document = {
        "event_id": str(own),
        "event_type": chance.choices(TYPES, [200, 60, 20, 100, 30, 5, 1, 1])[0],
        "timestamp": rfc3339(time),
        "version": chance.choice(("v1", "v1", "1.0.0")),
        "source": {chance.choice(("service", "app")): chance.choice(SOURCES)},
        "correlation_id": chance.choice((str(own), str(chance.choice(CHAINS)), None)),
        "payload": {"message": " ".join(chance.choices(WORDS, k=2)), "n": chance.randrange(5), "list": [{"k": number}]},
    }
    envelope, faults = read_envelope(json.dumps(document).encode())
    return Record.of(envelope, envelope.to_json(), violations=violations_text(faults))


def _moments(length: int) -> st.SearchStrategy[str]:
    return st.integers(-1000, length + 1000).map(lambda second: rfc3339(MORNING + second * SECOND))


def filters(ids: list[UUID], length: int) -> st.SearchStrategy[str]:
    """Filter texts that match some of those events, all, or none."""
    types = st.sampled_from(
        (*TYPES, "agent.#", "#", "*.*", "*.*.created", "agent.*.failed", "no.such.type", "#.created")
    )
    names = st.sampled_from([json.dumps(name, ensure_ascii=False) for name in SOURCES if name] + ["nobody"])
    events = st.sampled_from([*ids, UUID(int=7)]).map(str)
    chains = st.sampled_from([*CHAINS, *ids[:20], UUID(int=7)]).map(str)

    def listed(key: str, values: st.SearchStrategy[str], most: int) -> st.SearchStrategy[str]:
        return st.lists(values, min_size=1, max_size=most).map(lambda found: f"{key}:{','.join(found)}")

    term = st.one_of(
        listed("type", types, 5),
        listed("source", names, 4),
        listed("correlation", chains, 3),
        listed("id", events, 4),
        _moments(length).map("since:{}".format),
        _moments(length).map("until:{}".format),
        st.just(f"stored-since:{rfc3339(MORNING + 3 * SECOND)}"),
        st.sampled_from(("is:invalid", "payload.n>=3", "payload.list.*.k<40", 'payload.message~"full"')),
        st.sampled_from(("disk", '"disk full"', "strasse", "started", "nothing")),
    )
    signed = st.tuples(st.sampled_from(("", "", "", "-")), term).map("".join)
    return st.lists(signed, max_size=4).map(" ".join)
