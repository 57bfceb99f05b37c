"""The connection is cut, or hangs, in every phase of a publish."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.chaos.proxy import Place, Proxy, is_body, is_confirm
from tests.chaos.rig import FAULT_SECONDS, LENIENT, PATIENCE, RECOVERY_SECONDS, running


@pytest.mark.parametrize(
    ("frames", "number", "place", "from_broker"),
    [
        pytest.param(is_confirm, 3, "before", True, id="before the confirm"),
        pytest.param(is_confirm, 3, "after", True, id="after the confirm"),
        pytest.param(is_confirm, 2, "within", True, id="within the confirm"),
        pytest.param(is_body, 5, "within", False, id="within a body"),
        pytest.param(is_body, 5, "within", True, id="within a delivery"),
    ],
)
async def test_the_connection_is_cut(
    proxy: Proxy, vhost: str, tmp_path: Path, frames: object, number: int, place: Place, from_broker: bool
) -> None:
    assert callable(frames)
    async with running(proxy.url_of(vhost), tmp_path) as rig:
        for _ in range(2):
            fired = proxy.set_trap(frames, number, place, from_broker=from_broker)
            await rig.until(fired.is_set)
            fault = time.monotonic()
            assert await rig.well(fault) < RECOVERY_SECONDS * LENIENT
            await rig.goes_on()


@pytest.mark.parametrize("way", ["half-open", "stalled"])
async def test_the_connection_hangs(proxy: Proxy, vhost: str, tmp_path: Path, way: str) -> None:
    async with running(proxy.url_of(vhost), tmp_path) as rig:
        fault = time.monotonic()
        if way == "half-open":
            proxy.deaf = True
        else:
            proxy.reading.clear()
        assert await rig.faulty(fault) < FAULT_SECONDS * LENIENT
        await rig.until(lambda: "it does not answer" in str(rig.bus.fault))
        proxy.deaf = False
        proxy.reading.set()
        over = time.monotonic()
        assert await rig.well(over) < RECOVERY_SECONDS * LENIENT
        await rig.goes_on()


async def test_a_broker_that_refuses_and_then_is_slow_to_start(proxy: Proxy, vhost: str, tmp_path: Path) -> None:
    async with running(proxy.url_of(vhost), tmp_path) as rig:
        fault = time.monotonic()
        await proxy.refuse()
        assert await rig.faulty(fault) < FAULT_SECONDS * LENIENT
        await rig.until(lambda: rig.bus.state.status == "waiting" and rig.bus.state.tries > 2)
        assert "refused" in rig.bus.state.detail
        proxy.admitting.clear()
        await proxy.accept()
        await rig.until(lambda: proxy.connections > 0)
        proxy.admitting.set()
        over = time.monotonic()
        assert await rig.well(over) < RECOVERY_SECONDS * LENIENT
        await rig.goes_on()


async def test_closing_while_nothing_answers_is_bounded(proxy: Proxy, vhost: str, tmp_path: Path) -> None:
    async with running(proxy.url_of(vhost), tmp_path) as rig:
        await rig.verdict()
        proxy.reading.clear()
        began = time.monotonic()
        await rig.bus.close()
        assert time.monotonic() - began < PATIENCE / 4
