"""The socket under a connection, which can be closed without a word."""

from __future__ import annotations

import asyncio
from typing import Any

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL


class Socket(TransportFactory):
    """Makes the socket of one connection and keeps it: aiormq waits for a farewell, which not every broker answers."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises ConnectionError, OSError."""
        factory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, self._writer = await factory.create(url, **options)
        return reader, self._writer

    def abort(self) -> None:
        """Close at once; what was not sent is gone."""
        if self._writer is not None:
            self._writer.transport.abort()
