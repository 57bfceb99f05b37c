"""Health is said at an interval, and when a component has changed and stayed so."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from godtui.bloodbank.errors import NotConfirmedError
from godtui.bloodbank.health import EVENT_TYPE, ComponentHealth, Health, HealthReporter, Status
from godtui.bloodbank.receipt import Receipt
from godtui.envelope import EventDraft
from godtui.holyfields import Registry
from tests.clock import ManualClock

INTERVAL = 30.0


class Ward:
    """Components as the test wants them, and what was reported of them."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.components: dict[str, Status] = {"bus": "ok", "store": "ok"}
        self.reports: list[EventDraft] = []
        self.failing = False
        self.attempts = 0
        self.reporter = HealthReporter(self.look, self.publish, self.clock, INTERVAL)

    def look(self) -> Health:
        parts = {name: ComponentHealth(status, "so it is") for name, status in self.components.items()}
        worst: Status = max(self.components.values(), key=("ok", "degraded", "down").index)
        return Health(worst, "1.0", "here", parts)

    async def publish(self, draft: EventDraft) -> Receipt:
        self.attempts += 1
        if self.failing:
            raise NotConfirmedError(draft.event_id, "disk full")
        self.reports.append(draft)
        return Receipt(draft.event_id, draft.event_type, "v1", draft.event_id, self.clock.now())

    async def passes(self, seconds: float) -> None:
        """Let time pass as the reporter sees it: a look every half second."""
        for _ in range(round(seconds * 2)):
            await self.reporter.step()
            self.clock.advance(0.5)

    @property
    def said(self) -> list[str]:
        return [draft.payload["status"] for draft in self.reports]


@pytest.fixture
def ward() -> Ward:
    return Ward()


async def test_it_is_said_at_once_and_every_interval(ward: Ward) -> None:
    await ward.passes(INTERVAL * 3 + 1)
    assert ward.said == ["ok"] * 4


async def test_what_is_said_keeps_to_its_contract(ward: Ward) -> None:
    await ward.passes(0.5)
    registry = Registry.load(Path(__file__).parents[2] / "schemas")
    (draft,) = ward.reports
    assert registry.contract(EVENT_TYPE).faults(draft.payload) == []
    assert draft.payload["components"]["bus"] == {"status": "ok", "detail": "so it is"}
    assert draft.causation_id is None
    assert draft.correlation_id is None


async def test_a_change_is_said_once_it_has_held_two_seconds(ward: Ward) -> None:
    await ward.passes(5)
    ward.components["store"] = "down"
    await ward.passes(2)
    assert ward.said == ["ok"]
    await ward.passes(0.5)
    assert ward.said == ["ok", "down"]
    await ward.passes(10)
    assert ward.said == ["ok", "down"], "no change, no report"
    ward.components["store"] = "ok"
    await ward.passes(2.5)
    assert ward.said == ["ok", "down", "ok"]


async def test_a_change_that_does_not_last_is_not_said(ward: Ward) -> None:
    await ward.passes(1)
    for _ in range(4):
        ward.components["store"] = "degraded"
        await ward.passes(1.5)
        ward.components["store"] = "ok"
        await ward.passes(1.5)
    assert ward.said == ["ok"]


async def test_one_component_that_flaps_hides_no_other(ward: Ward) -> None:
    await ward.passes(1)
    ward.components["bus"] = "down"
    for turn in range(5):
        ward.components["store"] = "degraded" if turn % 2 else "ok"
        await ward.passes(1)
    assert "down" in ward.said


async def test_a_new_component_is_a_change(ward: Ward) -> None:
    await ward.passes(1)
    ward.components["dispatcher"] = "ok"
    await ward.passes(2.5)
    assert len(ward.reports) == 2


async def test_a_change_counts_as_the_interval_s_report(ward: Ward) -> None:
    await ward.passes(20)
    ward.components["store"] = "down"
    await ward.passes(INTERVAL)
    assert ward.said == ["ok", "down"]


async def test_what_could_not_be_said_is_looked_at_again(ward: Ward, caplog: pytest.LogCaptureFixture) -> None:
    await ward.passes(1)
    ward.components["store"] = "down"
    ward.failing = True
    await ward.passes(60)
    assert ward.said == ["ok"]
    assert ward.attempts <= 1 + 60 / 2, "no more often than a change may be said"
    assert len(caplog.records) == 1, "one warning, not one for each attempt"
    ward.failing = False
    ward.components["store"] = "ok"
    await ward.passes(2.5)
    assert ward.said == ["ok", "ok"], "as it is then, not as it was"
    await ward.passes(10)
    assert len(ward.reports) == 2


async def test_it_runs_until_it_is_cancelled(ward: Ward) -> None:
    task = asyncio.create_task(ward.reporter.run())
    for _ in range(70):
        await ward.clock.sleepers()
        ward.clock.advance(0.5)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert ward.said == ["ok", "ok"]
