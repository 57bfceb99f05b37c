"""The real console on a screen in memory, read as a person reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from rich.segment import Segment
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from godtui.candybar.app import ConsoleApp
from godtui.candybar.screens.stream import StreamScreen
from godtui.envelope import StoredEvent
from tests.candybar.fakes import API_URL, Engine
from tests.clock import ManualClock


class Console:
    """What a test sees of the console, and how it acts on it."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[None], engine: Engine, clock: ManualClock) -> None:
        self.app = app
        self.pilot = pilot
        self.engine = engine
        self.clock = clock

    @property
    def screen(self) -> StreamScreen:
        """The stream's screen, whatever lies over it."""
        return next(one for one in self.app.screen_stack if isinstance(one, StreamScreen))

    @property
    def segments(self) -> list[list[Segment]]:
        """The screen as drawn, with styles."""
        return [list(strip) for strip in self.app.screen._compositor.render_strips()]

    @property
    def lines(self) -> list[str]:
        """The screen as drawn, top to bottom."""
        return ["".join(segment.text for segment in line) for line in self.segments]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)

    @property
    def title(self) -> str:
        """The upper edge of the list."""
        return next((line for line in self.lines if "Stream" in line), "")

    @property
    def rows(self) -> list[str]:
        """The lines of the list that show an event."""
        return [line for line in self.lines if line[2:10].count(":") == 2]

    def line(self, part: str) -> str:
        """The first line with that text in it."""
        return next(line for line in self.lines if part in line)

    async def press(self, *keys: str) -> None:
        """Press keys, by name or by character, and wait until each was acted on."""
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            self.app.post_message(events.Key(name, key if len(key) == 1 else None))
            await self.settle()
        await self.settle()

    async def settle(self) -> None:
        """Wait until every widget has handled what it was sent."""
        await self.pilot.pause(0)

    async def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Wait until it holds; the screen is in the error."""
        try:
            async with asyncio.timeout(10):
                while not holds():
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"never came: {what}\n{self.text}") from None

    async def until_shown(self, *parts: str) -> None:
        for part in parts:
            await self.until(lambda part=part: part in self.text, part)

    async def until_gone(self, part: str) -> None:
        await self.until(lambda: part not in self.text, f"without {part}")

    async def pass_time(self, seconds: float) -> None:
        """Let the engine's and the console's clock go on, a second at a time, with ticks in between."""
        for _ in range(round(seconds)):
            self.clock.advance(1)
            await self.ticks()

    async def ticks(self) -> None:
        """Wait until every line has been brought up to date."""
        ticks = self.screen._ticks + 9
        await self.until(lambda: self.screen._ticks > ticks, "ticks")


@asynccontextmanager
async def console(
    stored: Sequence[StoredEvent] = (), size: tuple[int, int] = (120, 30), url: str | None = API_URL
) -> AsyncIterator[Console]:
    """A console on an engine that holds these events; everything has been read and drawn."""
    clock = ManualClock()
    with Engine(stored) as engine:
        engine.url = url
        app = ConsoleApp(engine, clock)
        async with app.run_test(size=size) as pilot:
            seen = Console(app, pilot, engine, clock)
            await seen.until(lambda: app.link.feed.ready and app.link.health is not None, "the first answers")
            await seen.until(lambda: seen.screen.events.window.shown == app.link.feed.ring.end, "the first rows")
            await seen.ticks()
            yield seen
