"""Messages onto a channel in confirm mode: those of one turn of the loop go out in one write.

aiormq's own `basic_publish` writes each message alone and spends most of its time on locks and timeouts of its own;
what it knows of confirms and returns is used as it is.
"""

from __future__ import annotations

import asyncio
import struct
from functools import lru_cache
from typing import Final, NamedTuple

from aiormq.abc import ChannelFrame
from aiormq.channel import Channel, Returning
from pamqp import frame
from pamqp.commands import Basic
from pamqp.header import ContentHeader

MAX_KEY_BYTES: Final = 255
_BODY: Final = 3
_END: Final = b"\xce"
_PREFIX: Final = struct.Struct(">BHI")


class Parcel(NamedTuple):
    """A message on its way: where to, with what properties. Under its `message_id` a broker returns it."""

    exchange: str
    routing_key: str
    properties: Basic.Properties
    body: bytes


class Post:
    """Sends over one channel, which nobody else publishes on."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._loop = asyncio.get_running_loop()
        self._gathered: list[bytes] = []
        self._writing: asyncio.Task[None] | None = None
        channel.closing.add_done_callback(self._on_close)

    def send(self, parcel: Parcel) -> asyncio.Future[object]:
        """Done with the broker's confirm; fails with PublishError, DeliveryError or what closed the channel.

        Raises ValueError on what cannot be carried.
        """
        channel = self.channel
        encoded = _encoded(parcel, channel.number, channel.max_content_size)
        channel.delivery_tag += 1
        tag, identity = channel.delivery_tag, parcel.properties.message_id
        confirm = self._loop.create_future()
        channel.confirmations[tag] = confirm
        if identity:
            returns = channel.message_id_delivery_tag
            returns[identity] = tag
            confirm.add_done_callback(lambda _: returns.pop(identity, None))
        if not self._gathered and self._writing is None:
            self._loop.call_soon(self._write)
        self._gathered += encoded
        return confirm

    def _write(self) -> None:
        """Hand over what was gathered; while the connection has enough to write, gather on."""
        if self.channel.is_closed:
            return  # on a channel that is closed, a message would end the connection
        written, self._gathered = ChannelFrame(b"".join(self._gathered), should_close=False), []
        try:
            self.channel.write_queue.put_nowait(written)
        except asyncio.QueueFull:
            self._writing = asyncio.ensure_future(self._write_on(written))

    async def _write_on(self, written: ChannelFrame) -> None:
        await self.channel.write_queue.put(written)
        self._writing = None
        if self._gathered:
            self._write()

    def _on_close(self, closing: asyncio.Future[object]) -> None:
        """No confirm comes any more."""
        if self._writing is not None:
            self._writing.cancel()
        reason = None if closing.cancelled() else closing.exception()
        if not isinstance(reason, Exception):
            reason = ConnectionResetError("the connection to the broker was lost before it confirmed")
        for confirm in list(self.channel.confirmations.values()):
            if not confirm.done() and not isinstance(confirm, Returning):
                confirm.set_exception(reason)


def _encoded(parcel: Parcel, channel: int, most: int) -> list[bytes]:
    """The frames of a message; `most` bytes of the body fit into one."""
    body = parcel.body
    size = len(body)
    header = ContentHeader(properties=parcel.properties, body_size=size)
    frames = [_method(channel, parcel.exchange, parcel.routing_key), frame.marshal(header, channel)]
    for start in range(0, size, most):
        part = body if size <= most else body[start : start + most]
        frames += (_PREFIX.pack(_BODY, channel, len(part)), part, _END)
    return frames


@lru_cache(maxsize=1024)
def _method(channel: int, exchange: str, routing_key: str) -> bytes:
    if len(routing_key.encode()) > MAX_KEY_BYTES:
        raise ValueError(f"a routing key has at most {MAX_KEY_BYTES} bytes")
    return frame.marshal(Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=True), channel)
