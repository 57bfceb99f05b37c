"""The console's one line to the engine: what it feeds, how it is, and whether it still answers."""

from __future__ import annotations

from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

from godtui.candybar.bus import BusState
from godtui.candybar.feed import EVERYTHING, Feed
from godtui.candybar.looks import Look
from godtui.candybar.meter import Meter
from godtui.clock import Clock
from godtui.filters import Filter, FilterError
from godtui.operations import Health
from godtui.operations.hosted import Hosted

Result = TypeVar("Result")

POLL_SECONDS = 1.0
SILENT_SECONDS = 3.0
SWAP_SECONDS = 0.25


class Link:
    """Everything is polled from the screen's tick: nothing of the engine ever calls into the screen."""

    def __init__(self, hosted: Hosted, clock: Clock) -> None:
        self.hosted = hosted
        self.clock = clock
        self.meter = Meter(clock.monotonic())
        self.health: Health | None = None
        self.health_fault: str | None = None
        self._health_at = clock.monotonic()
        self.feed = self._start(EVERYTHING)
        self._next: Feed | None = None
        self._next_since = 0.0
        self._counted = 0
        self._asked_at = -POLL_SECONDS
        self._answered_at = clock.monotonic()
        self._question: Future[Health] | None = None

    @property
    def failure(self) -> str | None:
        """Why the engine is gone, or None while it runs."""
        return self.hosted.failure

    @property
    def silence(self) -> float:
        """For how many seconds the engine has owed an answer; 0 while it answers in time."""
        owed = self.clock.monotonic() - self._answered_at
        return owed if owed >= SILENT_SECONDS else 0.0

    @property
    def newest_seq(self) -> int:
        """The newest place of the log that is known."""
        store = self.health.components.get("store") if self.health else None
        last = store.figures.get("last_seq") if store else None
        return max(self.feed.position, last if isinstance(last, int) else 0)

    @property
    def stale(self) -> float | None:
        """For how many seconds health could not be read; None while it can."""
        if self.health is None or not (self.health_fault or self.silence):
            return None
        return self.clock.monotonic() - self._health_at

    @property
    def bus(self) -> BusState:
        """The bus, as last heard of."""
        component = self.health.components.get("bus") if self.health else None
        state = BusState.of(component, self.clock.monotonic() - self._health_at, stale=self.stale is not None)
        return state if self.failure is None else replace(state, look="down", since=None, next_try=None, stale=None)

    @property
    def look(self) -> Look:
        """How the whole is."""
        if self.failure is not None:
            return "down"
        if self.silence or self.health_fault:
            return "retrying"
        if self.health is None:
            return "unknown"
        return "standing by" if self.health.status == "ok" and self.standing_by else self.health.status

    @property
    def standing_by(self) -> dict[str, str]:
        """The workers that stand by, and which instance works in their place, where that is known."""
        components = self.health.components if self.health else {}
        return {
            name: str(component.figures.get("active") or "")
            for name, component in components.items()
            if component.figures.get("state") == "standing by"
        }

    @property
    def attached_to(self) -> str | None:
        """The URL of the instance that is watched from outside; None where the engine is in this process."""
        url = self.hosted.url
        return url if url and url in self.hosted.description else None

    @property
    def searching(self) -> bool:
        """Whether a new filter is still being prepared."""
        return self._next is not None

    def follow(self, wanted: Filter) -> None:
        """Show what matches, as soon as its history is there."""
        if self._next is not None:
            self._stop(self._next)
        self._next = self._start(wanted)
        self._next_since = self.clock.monotonic()

    def poll(self) -> FilterError | None:
        """Take in what the engine has answered since the last tick; the error of a filter that it refused."""
        self._run(self.feed)
        self._count()
        self._take_health()
        return self._swap()

    def ask(self, work: Coroutine[Any, Any, Result]) -> Future[Result] | None:
        """Put work on the engine's loop; None where there is no engine any more."""
        try:
            return self.hosted.submit(work)
        except Exception:  # noqa: BLE001 - a loop that is gone raises as it likes
            work.close()
            return None

    def close(self) -> None:
        """Let go of the engine."""
        for feed in (self.feed, self._next):
            if feed is not None:
                self._stop(feed)
        if self._question is not None:
            self._question.cancel()

    def _start(self, wanted: Filter) -> Feed:
        feed = Feed(lambda: self.hosted.operations, wanted, self.clock)
        self._run(feed)
        return feed

    def _run(self, feed: Feed) -> None:
        if feed.task is None and self.hosted.started:
            feed.task = self.ask(feed.run())

    def _stop(self, feed: Feed) -> None:
        if feed.task is not None:
            feed.task.cancel()

    def _swap(self) -> FilterError | None:
        coming = self._next
        if coming is None:
            return None
        if coming.refused is not None:
            self._next = None
            return coming.refused
        waited = self.clock.monotonic() - self._next_since
        if coming.ready or coming.fault or waited > SWAP_SECONDS:
            self._stop(self.feed)
            self.feed, self._next, self._counted = coming, None, coming.live
        return None

    def _count(self) -> None:
        live = self.feed.live
        self.meter.add(live - self._counted)
        self._counted = live

    def _take_health(self) -> None:
        now = self.clock.monotonic()
        if self._question is not None and self._question.done():
            self._answered_at = now
            self._read_answer(self._question)
            self._question = None
        if not self.hosted.started:
            self._answered_at = now
        elif self._question is None and now - self._asked_at >= POLL_SECONDS:
            self._asked_at = now
            self._question = self.ask(self.hosted.operations.monitor.health())

    def _read_answer(self, question: Future[Health]) -> None:
        error = None if question.cancelled() else question.exception()
        if question.cancelled() or error is not None:
            self.health_fault = str(error) or type(error).__name__
        else:
            self.health, self.health_fault = question.result(), None
            self._health_at = self.clock.monotonic()
