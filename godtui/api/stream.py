"""`/stream`: the store's tail over a WebSocket, catching up and live alike."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from starlette.types import Receive, Scope, Send

from godtui import filters
from godtui.api.openapi import problems
from godtui.api.parameters import StreamQuery, documented, read_query
from godtui.api.problems import refusal
from godtui.clock import Clock
from godtui.envelope import StoredEvent
from godtui.operations import (
    Dropped,
    Events,
    Frame,
    Gap,
    Operations,
    Position,
    Replayed,
    StoreUnavailableError,
    UnknownPositionError,
    Welcome,
)

MAX_FRAME_BYTES = 512 * 1024 - 1
MAX_REASON_BYTES = 123
"""What a WebSocket's close frame holds beside its code."""
GOING_AWAY = 1001
TRY_AGAIN_LATER = 1013
INTERNAL_ERROR = 1011

_log = logging.getLogger(__name__)


class Closing(NamedTuple):
    """Why the server ends a stream: close code and reason."""

    code: int
    reason: str


class Stream:
    """The endpoint. The handshake is denied with a problem where the filter or the position cannot be served."""

    def __init__(self, operations: Operations, clock: Clock) -> None:
        self.operations = operations
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            welcome, frames = await self._open(read_query(StreamQuery, scope))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem and the log the rest
            await refusal(error)(scope, receive, send)
            return
        async with aclosing(frames):
            await send({"type": "websocket.accept"})
            closing = await _serve(welcome, frames, receive, send)
            if closing is not None:
                await send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})

    async def _open(self, query: StreamQuery) -> tuple[Welcome, AsyncGenerator[Frame]]:
        wanted = filters.parse(query.filter, now=self.clock.now())
        frames = self.operations.store.stream(wanted, after=query.after, positions=query.positions == "true")
        try:
            return await _welcome(frames, query.after), frames
        except BaseException:
            await frames.aclose()
            raise


async def _welcome(frames: AsyncGenerator[Frame], after: int | None) -> Welcome:
    """The first frame. Raises UnknownPositionError where the client claims to have seen what was never stored."""
    first = await anext(frames)
    if not isinstance(first, Welcome):
        raise TypeError(f"a stream begins with its welcome, not with {type(first).__name__}")
    if after is not None and first.seq is not None and after > first.seq:
        raise UnknownPositionError(f"the log ends at {first.seq}; {after} was never given out here")
    return first


async def _serve(welcome: Welcome, frames: AsyncGenerator[Frame], receive: Receive, send: Send) -> Closing | None:
    """Send frames until the client goes, or the log ends; a slow client holds back the reading of the next frame."""
    sending = asyncio.create_task(_send_frames(welcome, frames, send))
    leaving = asyncio.create_task(_until_left(receive))
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        return None if leaving.done() else _closing(sending.exception())
    finally:
        sending.cancel()
        leaving.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


def _closing(error: BaseException | None) -> Closing | None:
    match error:
        case None:
            return Closing(GOING_AWAY, "the log is closing; connect again with after=")
        case OSError():  # how the server says that the connection is lost
            return None
        case StoreUnavailableError():
            return Closing(TRY_AGAIN_LATER, str(error).encode()[:MAX_REASON_BYTES].decode(errors="ignore"))
    _log.error("a stream broke", exc_info=error)
    return Closing(INTERNAL_ERROR, "something went wrong inside godtui; its log says what")


async def _until_left(receive: Receive) -> None:
    """Wait for the end of the connection; what a client says meanwhile is not listened to."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def _send_frames(welcome: Welcome, frames: AsyncGenerator[Frame], send: Send) -> None:
    await send({"type": "websocket.send", "text": next(render(welcome))})
    async for frame in frames:
        for text in render(frame):
            await send({"type": "websocket.send", "text": text})


def render(frame: Frame) -> Iterator[str]:
    """The frame as JSON texts, each under 512 KiB unless one event alone is larger."""
    match frame:
        case Events(events):
            yield from _events(events)
        case Replayed(replay_id, event):
            yield (_AGAIN % (str(replay_id).encode(), event.to_json())).decode()
        case Welcome(seq):
            yield f'{{"type":"welcome","seq":{_or_null(seq)}}}'
        case Position(seq):
            yield f'{{"type":"position","seq":{seq}}}'
        case Gap(first, last):
            yield f'{{"type":"gap","from_seq":{first},"to_seq":{last}}}'
        case Dropped(count, first, last):
            yield f'{{"type":"dropped","count":{count},"from_seq":{_or_null(first)},"to_seq":{_or_null(last)}}}'


def _or_null(seq: int | None) -> str:
    return "null" if seq is None else str(seq)


_ONE = b'{"type":"event","event":%b}'
_AGAIN = b'{"type":"event","replay_id":"%b","event":%b}'
_MANY = b'{"type":"events","events":[%b]}'
_AROUND = len(_MANY % b"") - 1  # every event counts a comma, one more than there are


def _events(events: Sequence[StoredEvent]) -> Iterator[str]:
    waiting: list[bytes] = []
    size = _AROUND
    for event in events:
        body = event.to_json()
        if waiting and size + len(body) + 1 > MAX_FRAME_BYTES:
            yield _batch(waiting)
            waiting, size = [], _AROUND
        waiting.append(body)
        size += len(body) + 1
    if waiting:
        yield _batch(waiting)


def _batch(bodies: list[bytes]) -> str:
    frame = _ONE % bodies[0] if len(bodies) == 1 else _MANY % b",".join(bodies)
    return frame.decode()


OPERATION: dict[str, Any] = {
    "operationId": "stream",
    "tags": ["store"],
    "summary": "Events as they are stored (WebSocket)",
    "description": (
        "Connect with `ws://`. Each text frame is a JSON object under 512 KiB, unless one event alone is larger:\n\n"
        '- `{"type": "welcome", "seq"}` first, with the last committed position\n'
        '- `{"type": "event", "event"}` or `{"type": "events", "events"}`: stored events in `seq` order, once each\n'
        '- `{"type": "event", "replay_id", "event"}`: a stored event that a replay sent to the bus once more\n'
        '- `{"type": "dropped", "count", "from_seq", "to_seq"}`: what a client without `after` was too slow for\n'
        '- `{"type": "gap", "from_seq", "to_seq"}`: positions after `after` that are no longer kept\n'
        '- `{"type": "position", "seq"}`: with `positions=true`, how far the log was looked through\n\n'
        "What the client sends is not listened to. A filter that cannot be understood, and an `after` beyond the end "
        "of the log, are refused with 422 before the handshake. Close codes: 1001 or 1012 the server ends, 1013 the "
        "store cannot be read; connect again with `after`.\n\n"
        "An instance that stands by has no history: positions are null, and `after` is refused with 503."
    ),
    "parameters": documented(StreamQuery),
    "responses": {"101": {"description": "The stream is open."}, **problems(422, 426, 503)},
}
