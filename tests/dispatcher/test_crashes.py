"""The process ends before and after every write and send, and the disk refuses each: all is done, and once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from godtui.bloodbank.errors import PublishError
from godtui.dispatcher.errors import NotDurableError
from tests.dispatcher.rig import REARM, SECOND, START, Cut, Edit, Mood, Rig, ticket

ONE, OTHER = ticket(1), ticket(2)
BECOMES_READY = Edit(ONE, START, True)
EDITS: Final = (
    BECOMES_READY,
    Edit(ONE, START + SECOND, False),
    Edit(OTHER, START, False),
    Edit(ONE, START + SECOND + REARM, True),
    Edit(OTHER, START + SECOND, True),
)
SAID: Final = Counter(
    {
        (ONE, 1, "qualified"): 1,
        (ONE, 1, "blocked"): 1,
        (ONE, 1, "dispatched"): 1,
        (ONE, 1, "rejected"): 1,
        (ONE, 2, "qualified"): 1,
        (ONE, 2, "dispatched"): 1,
        (OTHER, 0, "rejected"): 1,
        (OTHER, 1, "qualified"): 1,
        (OTHER, 1, "dispatched"): 1,
    }
)
EPISODES: Final = {(ONE, 1), (ONE, 2), (OTHER, 1)}
PRUNING: Final = "_Remove"
"""What is done every minute, and left out here but for its first time."""
LASTING: Final = 6
"""Writes in a row that a disk refuses which stays full."""


class Plan(NamedTuple):
    """What goes wrong with the steps from one on."""

    cut: Cut
    first: int
    number: int = 1

    def __call__(self, number: int, name: str) -> Cut | None:
        fails = self.cut in (Cut.FAILED, Cut.FAILED_KEPT)
        is_meant = self.first <= number < self.first + self.number and not (fails and name == "send")
        return self.cut if is_meant else None


class Story:
    """A check that holds, tries that fail or may have arrived, leaving, coming back; whatever dies meanwhile."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    async def play(self) -> None:
        """All of it, and then until nothing is to be done."""
        rig = self.rig
        rig.check_passes = False
        rig.claw.moods.extend([Mood.BROKEN, Mood.CUT_AFTER])
        await self._begin()
        await self._told(EDITS[0])
        await self._recover()
        rig.check_passes = True
        await self._until_alive(lambda: rig.pass_time(901))
        await self._recover()
        for edit in EDITS[1:]:
            await self._told(edit)
            await self._recover()
        rig.cuts = lambda _number, _name: None
        await rig.drain()

    async def _begin(self) -> None:
        await self.rig.start()
        await self._until_alive(self.rig.still)

    async def _told(self, edit: Edit) -> None:
        """Plane tells of an edit, again and again until it is answered."""
        while True:
            telling = asyncio.ensure_future(self.rig.deliver(edit))
            dying = asyncio.ensure_future(self.rig.dying.wait())
            await asyncio.wait((telling, dying), return_when=asyncio.FIRST_COMPLETED)
            is_answered = telling.done() and telling.exception() is None
            if telling.done() and not is_answered:
                assert isinstance(telling.exception(), (NotDurableError, PublishError))
            for each in (telling, dying):
                each.cancel()
            await asyncio.gather(telling, dying, return_exceptions=True)
            await self._until_alive(self.rig.still)
            if is_answered:
                return

    async def _recover(self) -> None:
        """Time passes until whatever failed was tried again; less than OpenClaw remembers keys for."""
        for _ in range(LASTING + 2):
            await self._until_alive(lambda: self.rig.pass_time(8))

    async def _until_alive(self, work: Callable[[], Awaitable[None]]) -> None:
        await work()
        while self.rig.dying.is_set():
            await self.rig.crash()


async def played(folder: Path, plan: Plan | None = None) -> Rig:
    rig = Rig(folder)
    folder.mkdir()
    if plan is not None:
        rig.cuts = plan
    await Story(rig).play()
    return rig


async def trace(rig: Rig, event: dict[str, Any]) -> list[str]:
    """The types of an event and of what caused it, back to the first; all of one chain."""
    found = [event["event_type"]]
    chain = event["correlation_id"]
    while (cause := event["source"].get("causation_id")) is not None:
        stored = await rig.log.event(bytes.fromhex(cause.replace("-", "")))
        assert stored is not None, f"{found} is caused by what is not stored"
        event = stored.envelope().model_dump(mode="json")
        assert event["correlation_id"] == chain, found
        found.append(event["event_type"])
    return found


async def check(rig: Rig) -> None:
    """Everything was decided once, said once and dispatched once, and hangs together."""
    runs = [(sent.ticket, sent.number) for sent in rig.claw.runs]
    assert sorted(runs) == sorted(EPISODES), runs
    assert Counter(await rig.stored()) == Counter(EDITS)
    decided = await rig.log.rows("SELECT count(*) FROM dispatch_decided", purpose="a test")
    assert decided == [(len(EDITS),)]
    said = await rig.said()
    verdicts = [event for event in said if event["event_type"].startswith("infra.ticket.")]
    told = Counter(
        (event["payload"]["ticket_id"], event["payload"]["episode"], event["event_type"].split(".")[-1])
        for event in verdicts
    )
    assert told == SAID
    for event in said:
        kinds = await trace(rig, event)
        assert kinds[-1] == "webhook.plane.issue.updated", kinds
        if event["event_type"] == "infra.ticket.dispatched":
            assert kinds[-2] == "infra.ticket.qualified", kinds


async def test_without_a_crash_each_episode_has_its_trace(tmp_path: Path) -> None:
    rig = await played(tmp_path / "rig")
    await check(rig)
    first = next(event for event in await rig.said() if event["event_type"] == "infra.ticket.dispatched")
    assert await trace(rig, first) == [
        "infra.ticket.dispatched",
        "infra.check.completed",
        "infra.ticket.blocked",
        "infra.check.completed",
        "infra.ticket.qualified",
        "webhook.plane.issue.updated",
    ]
    await rig.end()


async def test_what_left_ready_while_it_was_sent_is_rejected_in_the_trace_of_the_delivery_that_said_so(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path)
    await rig.start()
    rig.claw.moods.append(Mood.SLOW_BEFORE)
    for edit in EDITS[:2]:
        await rig.deliver(edit)
        await rig.still()
    rig.claw.admit()
    await rig.still()
    *_, dispatched, rejected = await rig.said()
    assert await trace(rig, rejected) == ["infra.ticket.rejected", "webhook.plane.issue.updated"]
    assert rejected["correlation_id"] != dispatched["correlation_id"]
    await rig.end()


@pytest.mark.parametrize("cut", Cut)
async def test_whichever_step_fails_all_is_done_once(cut: Cut, tmp_path: Path) -> None:
    await each_step(tmp_path, cut, 1)


async def test_whenever_the_disk_is_full_for_a_while_all_is_done_once(tmp_path: Path) -> None:
    await each_step(tmp_path, Cut.FAILED, LASTING)


async def each_step(folder: Path, cut: Cut, number: int) -> None:
    """Play the story as often as it has steps, cut at each of them, or from each on."""
    rig = await played(folder / "whole")
    steps = list(rig.steps)
    await rig.end()
    assert {"append", "send", "_Decide", "_Change", "Settle"} <= set(steps)
    for first in range(1, len(steps) + 1, max(1, number // 2)):
        if steps[first - 1] == PRUNING and PRUNING in steps[: first - 1]:
            continue
        cutting = await played(folder / str(first), Plan(cut, first, number))
        try:
            await check(cutting)
        except AssertionError as error:
            error.add_note(f"{cut} at step {first} of {steps}")
            raise
        finally:
            await cutting.end()
