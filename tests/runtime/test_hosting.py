"""A guest in a thread of its own: what fails there is known here."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from godtui.runtime.hosting import Host


@pytest.fixture(autouse=True)
def switch_interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


class Guest:
    """Something that starts and stops as it is told."""

    operations: Any = "what skins may do"

    def __init__(self, on_start: Exception | None = None, on_stop: Exception | None = None) -> None:
        self.on_start = on_start
        self.on_stop = on_stop
        self.thread: str | None = None
        self.stops = 0

    async def start(self) -> None:
        self.thread = threading.current_thread().name
        if self.on_start is not None:
            raise self.on_start

    async def stop(self) -> None:
        self.stops += 1
        if self.on_stop is not None:
            raise self.on_stop


def test_a_guest_lives_in_its_own_thread() -> None:
    guest = Guest()
    host = Host(lambda: guest, "embedded")
    with pytest.raises(RuntimeError, match="not started"):
        host.operations  # noqa: B018
    host.start()
    assert guest.thread == "engine"
    assert host.operations == guest.operations
    assert host.failure is None

    async def where() -> str:
        return threading.current_thread().name

    assert host.submit(where()).result(30) == "engine"
    host.stop()
    host.stop()
    assert guest.stops == 1
    assert not host._thread.is_alive()
    assert host.failure == "the engine has stopped"


def test_what_start_raises_reaches_the_caller() -> None:
    guest = Guest(on_start=OSError("the port is taken"))
    host = Host(lambda: guest, "embedded")
    with pytest.raises(OSError, match="the port is taken"):
        host.start()
    assert guest.stops == 0
    assert host.failure == "OSError: the port is taken"
    host.stop()
    assert not host._thread.is_alive()


def test_what_making_the_guest_raises_reaches_the_caller() -> None:
    def make() -> Guest:
        raise ValueError("no such guest")

    host = Host(make, "embedded")
    with pytest.raises(ValueError, match="no such guest"):
        host.start()


def test_what_stop_raises_is_known() -> None:
    host = Host(lambda: Guest(on_stop=OSError("not all was written")), "embedded")
    host.start()
    host.stop()
    assert host.failure == "OSError: not all was written"


def test_a_thread_that_dies_is_known_and_takes_no_work() -> None:
    guest = Guest()
    host = Host(lambda: guest, "embedded")
    host.start()

    async def deadly() -> None:
        raise SystemExit(3)

    host.submit(deadly())
    host._thread.join(30)
    assert host.failure == "SystemExit: 3"
    assert guest.stops == 1, "what can be closed is closed"

    async def work() -> None:
        pass

    with pytest.raises(RuntimeError, match="SystemExit: 3"):
        host.submit(work())
    host.stop()


def test_work_for_a_loop_that_has_just_ended_is_refused() -> None:
    host = Host(Guest, "embedded")
    host.start()
    host.stop()
    host.failure = None  # as in the moment before the thread says so

    async def work() -> None:
        pass

    with pytest.raises(RuntimeError, match="has stopped"):
        host.submit(work())


def test_work_under_way_is_cancelled_when_it_stops() -> None:
    host = Host(Guest, "embedded")
    host.start()
    waiting = host.submit(asyncio.sleep(3600))
    host.stop()
    assert waiting.cancelled()
