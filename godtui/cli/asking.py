"""`godtui events`: what the store holds, and what arrives."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from uuid import UUID

import click

from godtui.candybar.plaintext import clip, fit, plain
from godtui.candybar.preview import preview
from godtui.cli.failures import UnreachableError, explained, shown
from godtui.cli.options import Given
from godtui.cli.reaching import client, live_address, named_token, own_token, reach
from godtui.clock import SystemClock, rfc3339
from godtui.envelope import StoredEvent
from godtui.filters import Filter, parse
from godtui.operations import Events, Frame, Gap, Operations, Position, Replayed

PAGE_EVENTS: Final = 1000
RECONNECT_SECONDS: Final = 1.0
TYPE_CELLS: Final = 28
SOURCE_CELLS: Final = 14

Show = Callable[[StoredEvent, UUID | None], str | bytes]
"""An event, and the replay that sent it once more. JSON is bytes: UTF-8 whatever the terminal speaks."""


def run_events(given: Given, text: str, limit: int, follow: bool, form: str | None) -> None:
    """Print the newest events that match, oldest first, and go on with `follow`. Raises what `explained` knows."""
    wanted = parse(text, now=SystemClock().now())
    show = show_as(form)
    with suppress(KeyboardInterrupt):
        asyncio.run(_print(given, wanted, limit, follow, show))


def show_as(form: str | None) -> Show:
    """How events are shown in a form that was asked for: by default a table on a terminal, JSON in a pipe."""
    return _json if (form or ("table" if sys.stdout.isatty() else "json")) == "json" else _Table().row


async def _print(given: Given, wanted: Filter, limit: int, follow: bool, show: Show) -> None:
    async with reach(given) as operations:
        last = (await operations.monitor.health()).components["store"].figures.get("last_seq") or 0
        found = await _newest(operations, wanted, limit)
    for event in reversed(found):
        click.echo(show(event, None))
    sys.stdout.flush()
    if follow:
        await _follow(given, wanted, max(found[0].seq if found else 0, last), show)


async def _newest(operations: Operations, wanted: Filter, limit: int) -> list[StoredEvent]:
    """The newest that match, however many pages that takes; interrupted, those that were found until then."""
    found: list[StoredEvent] = []
    cursor: str | None = None
    looking = _Looking()
    try:
        while len(found) < limit:
            size = min(PAGE_EVENTS, limit - len(found))
            page = await operations.store.query(wanted, limit=size, cursor=cursor)
            found += page.events
            cursor = page.next_cursor
            if cursor is None:
                break
            if page.looked_to is not None:
                looking.show(len(found), page.looked_to)
    except asyncio.CancelledError:
        if not looking.stop():
            raise
        return found
    looking.end()
    return found


class _Looking:
    """How far a search has come that no index answers, on stderr: a line that changes, on a terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._position: int | None = None

    def show(self, found: int, position: int) -> None:
        """Everything down to a position was looked at."""
        if self._is_terminal:
            line = f"looked back to event {position:,}, {found:,} found; ctrl+c shows these"
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
        elif self._position is None:
            advice = "a type:, source:, word or since: would narrow it"
            click.echo(f"godtui: no index answers this, so the log is read, which takes a while; {advice}", err=True)
        self._position = position

    def stop(self) -> bool:
        """Say how far it came, if it began."""
        if self._position is None:
            return False
        self.end()
        advice = "ask with until: and the time of the oldest shown to go on"
        click.echo(f"godtui: looked back to event {self._position:,}, not further; {advice}", err=True)
        return True

    def end(self) -> None:
        """Nothing more will be shown."""
        if self._position is not None and self._is_terminal:
            click.echo("\r\x1b[K", err=True, nl=False)


async def _follow(given: Given, wanted: Filter, after: int, show: Show) -> None:
    """Print what arrives beyond a position, each once, across connections that break."""
    settings = None if given.url is not None else given.settings()
    token = named_token(given, given.url or "") if settings is None else own_token(settings)
    told = False
    while True:
        address = (given.url or "") if settings is None else await live_address(settings)
        try:
            async with client(address, token) as operations:
                async for frame in operations.store.stream(wanted, after=after, positions=True):
                    told = False
                    after = _show_frame(frame, after, show)
        except Exception as error:
            known = explained(error)
            if not isinstance(known, UnreachableError):
                raise
            if not told:
                click.echo(f"godtui: {shown(known.format_message())}; trying again", err=True)
            told = True
        await asyncio.sleep(RECONNECT_SECONDS)


def _show_frame(frame: Frame, after: int, show: Show) -> int:
    """Print what a frame brings; the position up to which all is printed."""
    match frame:
        case Events(events):
            for event in events:
                click.echo(show(event, None))
            sys.stdout.flush()
            return events[-1].seq
        case Replayed(replay_id, event):
            click.echo(show(event, replay_id))
            sys.stdout.flush()
        case Position(seq):
            return seq
        case Gap(first, last):
            click.echo(f"godtui: events {first:,} to {last:,} are no longer stored", err=True)
            return last
    return after


def _json(event: StoredEvent, replay_id: UUID | None) -> bytes:
    """A stored event; one that a replay sent once more says which."""
    body = event.to_json()
    return body if replay_id is None else b'%b,"replay_id":"%b"}' % (body[:-1], str(replay_id).encode())


class _Table:
    """Rows as wide as the terminal; nothing in them can move the cursor."""

    def __init__(self) -> None:
        self._width = shutil.get_terminal_size().columns
        self._ascii = not (sys.stdout.encoding or "").lower().startswith("utf")

    def row(self, event: StoredEvent, replay_id: UUID | None) -> str:
        """Time, type, source, and the beginning of the payload; ! marks violations, > what a replay sent once more."""
        moment = rfc3339(event.time)[:23].replace("T", " ")
        kind = fit(self._plain(event.event_type), TYPE_CELLS)
        source = fit(self._plain(event.source), SOURCE_CELLS)
        mark = ">" if replay_id is not None else "!" if event.violations else " "
        head = f"{moment}  {kind} {mark} {source}  "
        room = max(self._width - len(head), 20)
        pairs = preview(event.body, room, ascii_only=self._ascii)
        return head + clip(" ".join(f"{pair.name}={pair.value}" for pair in pairs), room)

    def _plain(self, text: str) -> str:
        return plain(text, ascii_only=self._ascii)
