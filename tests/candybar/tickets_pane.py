"""The dispatcher's screen in memory, read as a person reads it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from godtui.candybar.screens.dispatcher import DispatcherScreen
from godtui.operations import TicketView
from tests.candybar.console import Console, console
from tests.candybar.dispatchers import MemoryDispatcher
from tests.candybar.fakes import event

SIZES = [(80, 24), (120, 40), (200, 50)]


class Pane:
    """The console on the dispatcher's screen."""

    def __init__(self, seen: Console) -> None:
        self.seen = seen

    @property
    def dispatcher(self) -> MemoryDispatcher:
        return self.seen.engine.operations.dispatcher

    @property
    def screen(self) -> DispatcherScreen:
        return next(one for one in self.seen.app.screen_stack if isinstance(one, DispatcherScreen))

    @property
    def title(self) -> str:
        return next((line for line in self.seen.lines if " Dispatcher " in line), "")

    @property
    def references(self) -> list[str]:
        """The tickets of the list, top to bottom."""
        return [match[1] for match in (re.match(r"│?.\S (INFRA-\d+)", line) for line in self.seen.lines) if match]

    @property
    def headings(self) -> list[str]:
        found = (re.match(r"│ (\S [a-z]+ [\d,]+(?: of [\d,]+)?) ─", line) for line in self.seen.lines)
        return [match[1] for match in found if match]

    @property
    def cursor(self) -> str:
        """The line under the cursor."""
        return next((line for line in self.seen.lines if "▌" in line), "")

    @property
    def key_line(self) -> str:
        return self.seen.lines[-2]

    def put(self, one: TicketView) -> None:
        self.seen.engine.do(lambda: self.dispatcher.put(one))

    def change(self, **status: object) -> None:
        self.seen.engine.do(lambda: self.dispatcher.change(**status))

    async def poll(self) -> None:
        """Let it be asked and answered again."""
        polls = self.dispatcher.polls
        await self.seen.pass_time(1)
        await self.seen.until(lambda: self.dispatcher.polls > polls, "another look")
        await self.seen.ticks()


@asynccontextmanager
async def pane(
    *tickets: TicketView, size: tuple[int, int] = (120, 40), begin: bool = True, **status: object
) -> AsyncIterator[Pane]:
    async with console([event()], size) as seen:
        shown = Pane(seen)
        seen.engine.do(lambda: shown.dispatcher.show(*tickets, **status))
        if begin:
            await seen.press("2")
            await seen.until(lambda: shown.screen.dispatching.status is not None, "the first answer")
            await seen.ticks()
        yield shown
