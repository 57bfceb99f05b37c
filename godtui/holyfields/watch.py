"""Watching files: what has changed is loaded once it is settled, and said to be unsound only where it stays so.

The system tells of changes where it can. Since it cannot on every file system, and forgets a folder that is replaced,
the files are also looked at every few seconds; what counts is what they look like, not what was told.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from pathlib import Path
from typing import Final, Generic, TypeAlias, TypeVar

from watchfiles import awatch

from godtui.clock import Clock
from godtui.holyfields.faults import SchemaFault
from godtui.holyfields.folder import schema_paths
from godtui.holyfields.registry import Registry
from godtui.holyfields.reloading import Reloader

SETTLE_SECONDS: Final = 0.1
"""Files that look the same this long apart are settled."""
PATIENCE_SECONDS: Final = 1.0
"""What is unsound is looked at again after this long: a checkout or an editor may not be finished."""
LOOK_SECONDS: Final = 5.0
UNSETTLED_SECONDS: Final = 30.0
"""Files that never settle are taken as they are after this long."""
AGAIN_SECONDS: Final = 60.0
"""What is unsound is loaded again this often: what kept it from being read may not show in the files."""
STEP_MILLISECONDS: Final = 20

Notices: TypeAlias = Callable[[], AsyncGenerator[None]]
"""Yields whenever something may have changed."""

Loaded = TypeVar("Loaded")

logger = logging.getLogger(__name__)


def folder_stamp(folder: Path) -> Hashable:
    """What the schemas of a folder look like without reading them."""
    faults: list[SchemaFault] = []
    paths = sorted(schema_paths(folder, faults))
    return (*((path, file_stamp(folder / path)) for path in paths), *(str(fault) for fault in faults))


def file_stamp(path: Path) -> Hashable:
    """What a file looks like without reading it."""
    try:
        status = path.stat()
    except OSError as error:
        return error.errno
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def folder_notices(folder: Path, clock: Clock) -> Notices:
    """Notices of the system, of everything in a folder."""
    return lambda: _notices(folder, clock, recursive=True)


def file_notices(path: Path, clock: Clock) -> Notices:
    """Notices of the system, of a file, also where it is replaced by another of its name."""
    return lambda: _notices(path.absolute().parent, clock, recursive=False, only=path.name)


async def _notices(folder: Path, clock: Clock, *, recursive: bool, only: str | None = None) -> AsyncGenerator[None]:
    told = ""
    while True:
        try:
            root = _identity(folder)
            changes = awatch(
                folder,
                watch_filter=None if only is None else lambda _, path: os.path.basename(path) == only,  # noqa: PTH119
                step=STEP_MILLISECONDS,
                recursive=recursive,
                ignore_permission_denied=True,
            )
            async with aclosing(changes):
                async for _ in changes:
                    yield
                    if _identity(folder) != root:
                        break
        except (OSError, RuntimeError) as error:
            if str(error) != told:
                told = str(error)
                logger.info("the system does not tell of changes in %s, which is looked at instead: %s", folder, told)
            await clock.sleep(LOOK_SECONDS)


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


class Watch(Generic[Loaded]):
    """Loads what is watched when it has changed. What is loaded, or the ValueError it raises, is the outcome."""

    def __init__(
        self, load: Callable[[], Loaded], stamp: Callable[[], Hashable], notices: Notices, clock: Clock
    ) -> None:
        """`load` and `stamp` are called in threads, one at a time."""
        self._load = load
        self._stamp = stamp
        self._notices = notices
        self._clock = clock
        self._due = asyncio.Event()
        self._asked = False
        self._seen: Hashable = object()
        self._outcome: tuple[Loaded | ValueError, float] | None = None

    def ask(self) -> None:
        """Look now, and give the outcome also where nothing has changed."""
        self._asked = True
        self._due.set()

    async def run(self, take: Callable[[Loaded | ValueError], None]) -> None:
        """Give each outcome to `take`, the first at once, until cancelled."""
        self._due.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._tick())
            while True:
                await self._due.wait()
                self._due.clear()
                asked, self._asked = self._asked, False
                changed = await self._look()
                if self._outcome is not None and (changed or asked):
                    take(self._outcome[0])

    async def _look(self) -> bool:
        """Load what has changed; False where nothing has."""
        stamp = await asyncio.to_thread(self._stamp)
        if stamp == self._seen and not self._stale():
            return False
        began, patient = self._clock.monotonic(), True
        if self._outcome is not None:
            stamp = await self._settled(stamp, began)
        while True:
            outcome = await self._loaded()
            if isinstance(outcome, ValueError) and patient:
                patient = False
                await self._clock.sleep(PATIENCE_SECONDS)
            now = await asyncio.to_thread(self._stamp)
            if now == stamp or self._clock.monotonic() - began >= UNSETTLED_SECONDS:
                break
            stamp, patient = await self._settled(now, began), True
        self._seen, self._outcome = stamp, (outcome, self._clock.monotonic())
        return True

    async def _loaded(self) -> Loaded | ValueError:
        try:
            return await asyncio.to_thread(self._load)
        except ValueError as error:
            return error

    async def _settled(self, stamp: Hashable, began: float) -> Hashable:
        """What the files look like once they do not change any more."""
        while True:
            await self._clock.sleep(SETTLE_SECONDS)
            now = await asyncio.to_thread(self._stamp)
            if now == stamp or self._clock.monotonic() - began >= UNSETTLED_SECONDS:
                return now
            stamp = now

    def _stale(self) -> bool:
        if self._outcome is None:
            return True
        outcome, at = self._outcome
        return isinstance(outcome, ValueError) and self._clock.monotonic() - at >= AGAIN_SECONDS

    async def _listen(self) -> None:
        async with aclosing(self._notices()) as notices:
            async for _ in notices:
                self._due.set()

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            self._due.set()


def following_folder(reloader: Reloader, clock: Clock) -> Watch[Registry]:
    """A watch of a schema folder."""
    folder = reloader.folder
    return Watch(reloader.load, lambda: folder_stamp(folder), folder_notices(folder, clock), clock)


def following_file(path: Path, load: Callable[[], Loaded], clock: Clock) -> Watch[Loaded]:
    """A watch of one file, loaded by `load`."""
    return Watch(load, lambda: file_stamp(path), file_notices(path, clock), clock)
