"""What an instance tells for as long as somebody listens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Final

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from godtui.bloodbank.errors import InstanceUnreachableError, StoreUnavailableError
from godtui.bloodbank.frames import Frame
from godtui.bloodbank.http import answers
from godtui.bloodbank.http.answers import Answer
from godtui.bloodbank.http.connection import Connection

_TRY_AGAIN_LATER: Final = 1013


async def stream(
    connection: Connection, wanted: str, *, after: int | None = None, positions: bool = False
) -> AsyncGenerator[Frame]:
    """Welcome, then what matches a filter, until the stream ends.

    With `after`, nothing beyond that position is left out; `positions` asks for Position frames. Raises
    InstanceUnreachableError, StoreUnavailableError, FilterError, UnknownPositionError.
    """
    parameters = {"filter": wanted}
    if after is not None:
        parameters["after"] = str(after)
    if positions:
        parameters["positions"] = "true"
    try:
        async with connection.websocket("/stream", parameters) as socket:
            while True:
                text = await socket.recv(decode=False)
                yield Answer(connection.address, 101, "", text).read(answers.frame)
    except InvalidStatus as error:
        raise answers.filter_error(connection.denial(error)) from None
    except ConnectionClosed as error:
        raise _ended(connection.address, error) from None
    except (OSError, TimeoutError, InvalidHandshake) as error:
        raise connection.unreachable(error) from None


async def text(connection: Connection, path: str, refused: Callable[[Answer], Exception]) -> AsyncGenerator[str]:
    """The text at a path as it comes, however long it pauses, until it ends.

    Raises what `refused` makes of any other answer than 200, and InstanceUnreachableError.
    """
    async with connection.opened("GET", path) as answer:
        if answer.status_code != 200:
            await answer.aread()
            raise refused(connection.answer(answer))
        async for piece in answer.aiter_text():
            yield piece


def _ended(address: str, error: ConnectionClosed) -> Exception:
    close = error.rcvd
    reason = close.reason if close is not None and close.reason else "the connection was lost"
    if close is not None and close.code == _TRY_AGAIN_LATER:
        return StoreUnavailableError(reason)
    return InstanceUnreachableError(f"the stream from {address} ended ({reason})")
