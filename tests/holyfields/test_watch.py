"""What is watched is loaded once it is settled, and only when it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

from godtui.clock import SystemClock
from godtui.holyfields import Registry
from godtui.holyfields.changes import changes
from godtui.holyfields.watch import (
    AGAIN_SECONDS,
    LOOK_SECONDS,
    PATIENCE_SECONDS,
    SETTLE_SECONDS,
    UNSETTLED_SECONDS,
    Watch,
    file_notices,
    file_stamp,
    folder_notices,
    folder_stamp,
)
from tests.clock import ManualClock
from tests.eventlog.records import until
from tests.holyfields.conftest import Files

Write = Callable[[Files], Path]


class Thing:
    """What is watched: its look is a number, its content a text, of which `bad` is unsound."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.look: Hashable = 0
        self.content = "good"
        self.loads = 0
        self.outcomes: list[str | ValueError] = []
        self.told = asyncio.Event()
        self.watch: Watch[str] = Watch(self.load, lambda: self.look, self.notices, clock)

    def load(self) -> str:
        self.loads += 1
        if self.content.startswith("bad"):
            raise ValueError(self.content)
        return self.content

    async def notices(self) -> AsyncGenerator[None]:
        while True:
            await self.told.wait()
            self.told.clear()
            yield

    def change(self, look: Hashable, content: str) -> None:
        self.look, self.content = look, content
        self.told.set()

    async def wait(self, seconds: float) -> None:
        """Let that time pass while the watch, besides its regular look, waits for it."""
        await self.clock.sleepers(2)
        self.clock.advance(seconds)


@asynccontextmanager
async def watched() -> AsyncIterator[Thing]:
    """A thing whose first outcome has come."""
    thing = Thing(ManualClock())
    task = asyncio.create_task(thing.watch.run(thing.outcomes.append))
    try:
        await until(lambda: thing.outcomes)
        await thing.clock.sleepers(1)
        yield thing
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_change_is_loaded_once_it_is_settled() -> None:
    async with watched() as thing:
        thing.change(1, "half")
        await thing.clock.sleepers(2)
        thing.change(2, "whole")
        for _ in range(2):
            assert thing.outcomes == ["good"]
            await thing.wait(SETTLE_SECONDS)
        await until(lambda: len(thing.outcomes) == 2)
        assert thing.outcomes == ["good", "whole"]
        assert thing.loads == 2


async def test_news_of_nothing_loads_nothing() -> None:
    async with watched() as thing:
        thing.told.set()
        await until(lambda: not thing.told.is_set())
        thing.change(1, "next")
        await thing.wait(SETTLE_SECONDS)
        await until(lambda: len(thing.outcomes) == 2)
        assert thing.loads == 2


async def test_what_nobody_tells_of_is_seen_all_the_same() -> None:
    async with watched() as thing:
        thing.look, thing.content = 1, "next"
        thing.clock.advance(LOOK_SECONDS)
        await thing.wait(SETTLE_SECONDS)
        await until(lambda: thing.outcomes == ["good", "next"])


async def test_what_is_unsound_for_a_moment_is_never_said() -> None:
    async with watched() as thing:
        thing.change(1, "bad")
        await thing.wait(SETTLE_SECONDS)
        await until(lambda: thing.loads == 2)
        await thing.clock.sleepers(2)
        thing.change(2, "better")
        await thing.wait(PATIENCE_SECONDS)
        await thing.wait(SETTLE_SECONDS)
        await until(lambda: len(thing.outcomes) == 2)
        assert thing.outcomes == ["good", "better"]


async def test_what_stays_unsound_is_said_and_tried_again_after_a_while() -> None:
    async with watched() as thing:
        thing.change(1, "bad")
        await thing.wait(SETTLE_SECONDS)
        await thing.wait(PATIENCE_SECONDS)
        await until(lambda: len(thing.outcomes) == 2)
        assert str(thing.outcomes[1]) == "bad"
        thing.content = "readable again"
        await until(lambda: thing.clock.sleeping == 1)
        thing.clock.advance(AGAIN_SECONDS)
        await thing.wait(SETTLE_SECONDS)
        await until(lambda: thing.outcomes[-1] == "readable again")


async def test_what_never_settles_is_taken_as_it_is() -> None:
    async with watched() as thing:
        thing.change(1, "restless")
        for look in range(2, 6):
            await thing.clock.sleepers(2)
            thing.look = look
            thing.clock.advance(UNSETTLED_SECONDS / 4)
        await until(lambda: len(thing.outcomes) == 2)
        assert thing.outcomes == ["good", "restless"]


async def test_who_asks_is_answered_also_where_nothing_changed() -> None:
    async with watched() as thing:
        thing.watch.ask()
        await until(lambda: thing.outcomes == ["good", "good"])
        assert thing.loads == 1


def test_a_folder_looks_otherwise_when_a_schema_does_and_not_for_temporary_files(write: Write) -> None:
    folder = write({"a/b.json": {}, "_shared/c.json": {}})
    before = folder_stamp(folder)
    for name in ("a/.b.json.swp", "a/b.json~", "a/4913", "a/#b.json#", ".git/x.json"):
        write({name: "half"})
    assert folder_stamp(folder) == before
    write({"a/b.json": {"type": "object"}})
    second = folder_stamp(folder)
    (folder / "a/b.json").replace(folder / "a/d.json")
    third = folder_stamp(folder)
    folder.rename(folder.with_name("gone"))
    assert len({before, second, third, folder_stamp(folder)}) == 4


def test_a_file_that_is_not_there_looks_so(tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    gone = file_stamp(path)
    path.write_text("x")
    assert file_stamp(path) != gone


async def first_notice(notices: AsyncGenerator[None], change: Callable[[int], object]) -> None:
    """Change again and again until the system tells of it: when it begins to listen is not known."""
    async with aclosing(notices):
        heard = asyncio.ensure_future(anext(notices))
        number = 0

        def changed() -> bool:
            nonlocal number
            number += 1
            change(number)
            return heard.done()

        await until(changed)
        await heard


async def test_the_system_tells_of_a_folder(write: Write) -> None:
    folder = write({"a/b.json": {}})
    await first_notice(
        folder_notices(folder, SystemClock())(), lambda number: write({"a/b.json": {"title": str(number)}})
    )


async def test_the_system_tells_of_a_file_that_is_replaced(tmp_path: Path) -> None:
    def replace(number: int) -> None:
        (tmp_path / "new").write_text(str(number))
        (tmp_path / "new").replace(tmp_path / "registry.yaml")

    await first_notice(file_notices(tmp_path / "registry.yaml", SystemClock())(), replace)


async def test_a_folder_that_is_not_there_is_asked_for_again(tmp_path: Path) -> None:
    clock = ManualClock()
    notices = folder_notices(tmp_path / "none", clock)()
    async with aclosing(notices):
        heard = asyncio.ensure_future(anext(notices))
        await clock.sleepers()
        clock.advance(LOOK_SECONDS)
        await clock.sleepers()
        heard.cancel()
        with suppress(asyncio.CancelledError):
            await heard


def test_changes_are_those_of_meaning(write: Write) -> None:
    before = Registry.load(write({"a/b.json": {"type": "object"}, "a/c.json": {"type": "object"}, "a/d.json": {}}))
    folder = write({"a/b.json": '{"type":\n"object"}', "a/c.json": {"title": "c"}, "a/e.v2.json": {}})
    (folder / "a/d.json").unlink()
    after = Registry.load(folder)
    entries = [change.entry(lambda old, new: old.title == new.title) for change in changes(before, after)]
    c, d, e = before.contract("a.c").digest, before.contract("a.d").digest, after.contract("a.e").digest
    assert entries == [
        {
            "event_type": "a.c",
            "version": "v1",
            "from_hash": c,
            "to_hash": after.contract("a.c").digest,
            "compatible": False,
        },
        {"event_type": "a.d", "version": "v1", "from_hash": d, "to_hash": None, "compatible": False},
        {"event_type": "a.e", "version": "v2", "from_hash": None, "to_hash": e, "compatible": True},
    ]
