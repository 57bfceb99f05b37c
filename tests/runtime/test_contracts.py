"""Contracts in force follow their folder, and what others say of theirs is compared with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from godtui.bloodbank.bus import Message
from godtui.bloodbank.errors import NotConfirmedError
from godtui.bloodbank.receipt import Receipt
from godtui.envelope import EventDraft, new_id
from godtui.estate import Estate
from godtui.holyfields import Contracts, Registry
from godtui.holyfields.reloading import Reloader
from godtui.holyfields.watch import LOOK_SECONDS, PATIENCE_SECONDS, SETTLE_SECONDS, following_file, following_folder
from godtui.runtime.contracts import EVENT_TYPE, FORGET_SECONDS, MAX_INSTANCES, LiveContracts
from godtui.runtime.registry_file import LiveEstate
from tests.candystore.taps import Taps
from tests.clock import MORNING, ManualClock
from tests.eventlog.records import until

SHIPPED = Path(__file__).parents[2] / "schemas"


class Rig:
    """Live contracts of a folder with one schema, a.b, and what they announce."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.write("a/b", "object")
        reloader = Reloader(folder)
        self.contracts = Contracts(reloader.load())
        self.taps = Taps()
        self.said: list[EventDraft] = []
        self.refusals: list[Exception] = []
        self.live = LiveContracts(
            self.contracts,
            following_folder(reloader, self.clock),
            self.publish,
            self.find_missed,
            lambda: self.taps(lambda: None),
            self.clock,
            "me-1",
            lambda before, after: None,
        )

    def write(self, name: str, kind: str) -> None:
        path = self.folder / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"type": kind}) if kind else "{\n half")

    async def find_missed(self, registry: Registry) -> list[dict[str, Any]]:
        assert registry.types() == ["a.b"]
        return []

    async def publish(self, draft: EventDraft) -> Receipt:
        self.said.append(draft)
        if self.refusals:
            raise self.refusals.pop(0)
        return Receipt(draft.event_id, draft.event_type, "v1", draft.event_id, 0)

    async def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """The regular look sees a change, which settles; the folder's own notices are not waited for."""
        self.clock.advance(LOOK_SECONDS)
        await self.pass_time(seconds)

    async def pass_time(self, seconds: float) -> None:
        await self.clock.sleepers(2)
        self.clock.advance(seconds)

    def hear(self, payload: Any, source: dict[str, Any], event_type: str = EVENT_TYPE) -> None:
        event = {
            "event_id": str(new_id()),
            "event_type": event_type,
            "timestamp": "2026-02-12T14:02:11Z",
            "version": "v1",
            "source": source,
            "correlation_id": None,
            "payload": payload,
        }
        self.hear_bytes(json.dumps(event).encode())

    def hear_bytes(self, body: bytes) -> None:
        self.taps.last.bring(Message(body, EVENT_TYPE, str(new_id())))

    def status(self) -> tuple[str, str]:
        health = self.live.look()
        return health.status, health.detail


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    folder = tmp_path / "schemas"
    folder.mkdir()
    rig = Rig(folder)
    task = asyncio.create_task(rig.live.run())
    await until(lambda: rig.taps.opened and rig.live._watch._outcome is not None)
    yield rig
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def other(to_hash: str | None, event_type: str = "a.b") -> dict[str, Any]:
    return {"changed": [{"event_type": event_type, "version": "v1", "to_hash": to_hash}]}


async def test_a_sound_change_is_put_in_force_and_said(rig: Rig) -> None:
    before = rig.contracts.current.contract("a.b").digest
    rig.write("a/b", "string")
    await rig.settle()
    await until(lambda: rig.said)
    after = rig.contracts.current.contract("a.b").digest
    entry = {"event_type": "a.b", "version": "v1", "from_hash": before, "to_hash": after, "compatible": None}
    assert rig.said[0].event_type == EVENT_TYPE
    assert rig.said[0].payload == {"changed": [entry]}
    assert before != after
    assert Registry.load(SHIPPED).valid(EVENT_TYPE, None, rig.said[0].payload)
    assert rig.status() == ("ok", "1 event type")


async def test_what_is_unsound_leaves_the_old_in_force_until_it_is_corrected(rig: Rig) -> None:
    before = rig.contracts.current
    rig.write("a/b", "")
    await rig.settle()
    await rig.pass_time(PATIENCE_SECONDS)
    await until(lambda: rig.status()[0] == "degraded")
    assert rig.status()[1].startswith("a/b.json:2:2: not JSON")
    assert rig.contracts.current is before
    rig.write("a/b", "object")
    await rig.settle()
    await until(lambda: rig.status()[0] == "ok")
    assert not rig.said


async def test_a_folder_that_vanishes_is_degraded_and_comes_back(rig: Rig) -> None:
    away = rig.folder.with_name("away")
    rig.folder.rename(away)
    await rig.settle()
    await rig.pass_time(PATIENCE_SECONDS)
    await until(lambda: rig.status()[0] == "degraded")
    assert "does not exist" in rig.status()[1]
    away.rename(rig.folder)
    await rig.settle()
    await until(lambda: rig.status()[0] == "ok")
    assert not rig.said


async def test_an_announcement_is_tried_until_it_is_confirmed(rig: Rig) -> None:
    rig.refusals = [NotConfirmedError(new_id(), "no room")]
    rig.write("a/c", "object")
    await rig.settle()
    await until(lambda: rig.said)
    await rig.pass_time(1)
    await until(lambda: len(rig.said) == 2)
    assert rig.said[0] is rig.said[1]


async def test_another_s_contracts_are_compared(rig: Rig) -> None:
    rig.hear(other("f" * 64), {"service": "holyfields", "instance": "you-2"})
    await until(lambda: rig.status()[0] == "degraded")
    assert rig.status()[1] == "contracts differ from you-2: a.b v1; align the folders"
    rig.hear(other(rig.contracts.current.contract("a.b").digest), {"instance": "you-2"})
    await until(lambda: rig.status()[0] == "ok")
    rig.hear(other("f" * 64, "a.new"), {"instance": "you-2"})
    await until(lambda: rig.status()[0] == "degraded")
    rig.hear(other(None, "a.new"), {"instance": "you-2"})
    await until(lambda: rig.status()[0] == "ok")
    assert not rig.said


async def test_a_change_here_may_end_a_difference(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "theirs/a").mkdir(parents=True)
    (tmp_path / "theirs/a/b.json").write_text('{"type": "string"}')
    theirs = Registry.load(tmp_path / "theirs").contract("a.b").digest
    rig.hear(other(theirs), {"instance": "you-2"})
    await until(lambda: rig.status()[0] == "degraded")
    rig.write("a/b", "string")
    await rig.settle()
    await until(lambda: rig.status()[0] == "ok")
    assert len(rig.said) == 1


async def test_an_old_difference_is_forgotten(rig: Rig) -> None:
    rig.hear(other("f" * 64), {"instance": "you-2"})
    await until(lambda: rig.status()[0] == "degraded")
    rig.clock.advance(FORGET_SECONDS)
    assert rig.status()[0] == "ok"


async def test_our_own_and_forged_announcements_do_nothing(rig: Rig) -> None:
    rig.hear(other("f" * 64), {"instance": "me-1"})
    rig.hear(other("f" * 64), {"instance": 7})
    rig.hear(other("f" * 64), {"instance": "you-2"}, "agent.task.completed")
    odd: list[Any] = [None, 7, [], [None], [{}], [{"event_type": 1, "to_hash": 2}], [{"event_type": "a.b"}]]
    for changed in odd:
        rig.hear({"changed": changed}, {"instance": "you-2"})
    rig.hear_bytes(b"\xff{")
    rig.hear(other("f" * 64, "x.y"), {"instance": "last\x1b[2J"})
    await until(lambda: rig.status()[0] == "degraded")
    assert rig.status()[1] == "contracts differ from last\\x1b[2J: x.y v1; align the folders"
    assert list(rig.live._others) == ["last\\x1b[2J"]
    for number in range(MAX_INSTANCES + 5):
        rig.hear(other("f" * 64), {"instance": f"many-{number}"})
    await until(lambda: f"many-{MAX_INSTANCES + 4}" in rig.live._others)
    assert len(rig.live._others) == MAX_INSTANCES
    assert not rig.said
    assert rig.clock.now() == MORNING


async def test_the_registry_file_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    path.write_text("services: {}")
    clock = ManualClock()
    estate = Estate.load(path)
    live = LiveEstate(estate, estate, following_file(path, lambda: Estate.load(path), clock), str(path))
    task = asyncio.create_task(live.run())
    await clock.sleepers()
    await until(lambda: live._watch._outcome is not None)
    assert live.look().status == "ok"
    for text, status, detail in (
        ("services: [", "degraded", "the registry from before stays in force"),
        ("services: {grolf: {}}", "ok", "1 service; the dispatcher works by the registry from before: restart"),
        ("services: {}", "ok", "0 services"),
    ):
        path.write_text(text)
        clock.advance(LOOK_SECONDS)
        await clock.sleepers(2)
        clock.advance(SETTLE_SECONDS)
        if status == "degraded":
            await clock.sleepers(2)
            clock.advance(PATIENCE_SECONDS)
        await until(lambda status=status, detail=detail: live.look().status == status and detail in live.look().detail)  # type: ignore[misc]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
