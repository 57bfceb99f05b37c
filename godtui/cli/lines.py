"""The lines of standard input, read beside the loop: waiting for them holds up nothing."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Final, NamedTuple

CHUNK_BYTES: Final = 256 * 1024
MAX_LINE_BYTES: Final = 192 * 1024 * 1024
"""Above what any event may have, so that only a line without end is cut."""


class Line(NamedTuple):
    """One line with its number from 1; the text is None where it is too long to be kept."""

    number: int
    text: bytes | None
    size: int


class Splitter:
    """Bytes in, whole lines out; the last one needs no newline."""

    def __init__(self, most: int = MAX_LINE_BYTES) -> None:
        self._most = most
        self._begun = bytearray()
        self._size = 0
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that end in this chunk."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._add(part)
            yield self._line(1)
        self._add(rest)

    def end(self) -> Iterator[Line]:
        """The line that never ended, if there is one."""
        if self._size:
            yield self._line(0)

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._most:
            self._begun += part
        else:
            self._begun.clear()

    def _line(self, newline: int) -> Line:
        self._number += 1
        text = bytes(self._begun) if self._size <= self._most else None
        line = Line(self._number, text, self._size + newline)
        self._begun.clear()
        self._size = 0
        return line


async def read_lines(descriptor: int) -> AsyncIterator[list[Line]]:
    """Lines as they come, in lists of what has come together. Raises OSError where they cannot be read."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[list[Line] | OSError | None] = asyncio.Queue(2)

    def put(item: list[Line] | OSError | None) -> None:
        asyncio.run_coroutine_threadsafe(arrived.put(item), loop).result()

    def read() -> None:
        splitter = Splitter()
        try:
            # A plain descriptor: a thread that waits in a buffered file could not be left behind.
            while chunk := os.read(descriptor, CHUNK_BYTES):
                put(list(splitter.feed(chunk)))
            put(list(splitter.end()))
            put(None)
        except OSError as error:
            put(error)
        except (RuntimeError, asyncio.CancelledError, concurrent.futures.CancelledError):
            return  # nobody listens any more

    threading.Thread(target=read, name="standard-input", daemon=True).start()
    while (item := await arrived.get()) is not None:
        if isinstance(item, OSError):
            raise item
        if item:
            yield item
