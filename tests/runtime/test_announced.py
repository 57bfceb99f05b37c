"""What was announced of contracts outlives the process: a later run tells what it missed, and nothing twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from godtui.bloodbank.announcing import announce
from godtui.bloodbank.outbox import Append, Outbox
from godtui.bloodbank.publisher import Publisher
from godtui.envelope import EventDraft
from godtui.holyfields import Contracts, Registry
from godtui.runtime.announced import Announced
from godtui.runtime.contracts import EVENT_TYPE
from godtui.settings import packaged
from tests.bloodbank.faulty import Fault, FaultyLog
from tests.clock import ManualClock


class Rig:
    """A folder of contracts, and one after another who announces what differs."""

    def __init__(self, folder: Path, log: FaultyLog, clock: ManualClock) -> None:
        self.folder = folder
        self.log = log
        self.clock = clock
        self.own = Contracts(Registry.load(packaged("schemas")))

    def announced(self) -> Announced:
        return Announced(self.log, Outbox(self.log, Append), self.clock)

    def registry(self, **kinds: str) -> Registry:
        """The folder with these contracts alone, a.<name>."""
        for path in self.folder.glob("*/*"):
            path.unlink()
        (self.folder / "a").mkdir(parents=True, exist_ok=True)
        for name, kind in kinds.items():
            (self.folder / "a" / f"{name}.json").write_text(json.dumps({"type": kind}))
        return Registry.load(self.folder)

    async def missed(self, registry: Registry) -> list[tuple[str, bool | None]]:
        return [(one["event_type"], one["compatible"]) for one in await self.announced().missed(registry)]

    def tell(self, changed: list[dict[str, Any]]) -> asyncio.Task[None]:
        draft = EventDraft(event_type=EVENT_TYPE, payload={"changed": changed}, source={"service": "holyfields"})
        publish = Publisher(self.announced(), self.own, clock=self.clock).publish
        return asyncio.create_task(announce(draft, publish, self.clock))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    clock = ManualClock()
    log = FaultyLog(tmp_path, clock)
    log.start()
    yield Rig(tmp_path / "schemas", log, clock)
    await log.close()


async def test_the_first_run_missed_nothing_and_a_later_one_what_changed_since(rig: Rig) -> None:
    first = rig.registry(kept="object", changed="object", gone="object")
    assert await rig.missed(first) == []
    assert await rig.missed(first) == []
    second = rig.registry(kept="object", changed="array", added="object")
    missed = await rig.announced().missed(second)
    assert [(one["event_type"], one["compatible"]) for one in missed] == [
        ("a.added", True),
        ("a.changed", None),
        ("a.gone", False),
    ]
    changed = missed[1]
    assert changed["from_hash"] == first.contract("a.changed").digest
    assert changed["to_hash"] == second.contract("a.changed").digest
    assert await rig.announced().missed(second) == missed, "it was not told yet"
    await rig.tell(missed)
    assert await rig.missed(second) == []
    assert [one[0] for one in await rig.missed(first)] == ["a.added", "a.changed", "a.gone"]


async def test_what_is_told_in_parts_is_kept_in_parts(rig: Rig) -> None:
    await rig.missed(rig.registry(a="object"))
    now = rig.registry(a="array", b="object")
    await rig.tell((await rig.announced().missed(now))[:1])
    assert await rig.missed(now) == [("a.b", True)]


@pytest.mark.parametrize("fault", Fault)
async def test_telling_and_remembering_is_one_commit(rig: Rig, fault: Fault) -> None:
    await rig.missed(rig.registry(a="object"))
    now = rig.registry(a="array")
    missed = await rig.announced().missed(now)
    rig.log.faults.append(("_Together", fault))
    telling = rig.tell(missed)
    await rig.clock.sleepers()
    was_kept = fault is Fault.KEPT_UNHEARD
    assert await rig.missed(now) == ([] if was_kept else [("a.a", None)])
    assert rig.log.last_seq == was_kept
    rig.clock.advance(1)
    await telling
    assert await rig.missed(now) == []
    assert rig.log.last_seq == 1


async def test_a_log_that_cannot_be_written_is_waited_for(rig: Rig) -> None:
    rig.log.broken = True
    asking = asyncio.create_task(rig.missed(rig.registry(a="object")))
    await rig.clock.sleepers()
    rig.log.broken = False
    rig.clock.advance(1)
    assert await asking == []
    assert await rig.missed(rig.registry(b="object")) == [("a.a", False), ("a.b", True)]
