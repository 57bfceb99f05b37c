"""The write-ahead log's frames: whether all that was committed into it can still be read.

SQLite takes the first frame that is not as it was written for the end of the log, and says nothing of what lies behind
it: after a crash that is right, after damage it loses commits. The layout is that of the SQLite file format, section 4
(https://www.sqlite.org/fileformat2.html#walformat), and of its WAL-index header
(https://www.sqlite.org/walformat.html).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24

_MAGICS: Final = {0x377F0682: "<", 0x377F0683: ">"}
"""Which byte order checksums are computed in."""
_VALID_OFFSET: Final = 16
_SAVED_OFFSET: Final = 96
"""Where the WAL-index says how many frames are valid, and how many of them the database's file has, in the machine's
own byte order."""
_MASK: Final = 0xFFFFFFFF


class _Header(NamedTuple):
    order: str
    page_size: int
    salts: bytes


def recovered_frames(index: Path) -> int:
    """How many frames SQLite found valid, by the WAL-index that it wrote when it opened the log. Raises OSError."""
    return _number(index, _VALID_OFFSET)


def has_unsaved_frames(index: Path) -> bool:
    """Whether the write-ahead log of a WAL-index held commits that the database's file does not. Raises OSError.

    Who closes a log removes its write-ahead log first, with nothing unsaved in it, and then the index.
    """
    return _number(index, _VALID_OFFSET) > _number(index, _SAVED_OFFSET)


def _number(index: Path, offset: int) -> int:
    with index.open("rb") as file:
        file.seek(offset)
        found = file.read(4)
    return int(struct.unpack("=I", found)[0]) if len(found) == 4 else 0


def fault_of(wal: Path, recovered: int) -> str | None:
    """What is wrong with a write-ahead log of which SQLite took so many frames; None where nothing is.

    A frame that is broken and was followed by whole commits cannot be the end that a crash left: each commit is on disk
    before the next one is begun. Raises OSError.
    """
    with wal.open("rb") as file:
        header = _header(file)
        if header is None:
            return "its header is not as it was written" if _has_content(file) else None
        step = FRAME_HEADER_BYTES + header.page_size
        number = recovered
        while True:
            file.seek(HEADER_BYTES + number * step)
            frame = file.read(FRAME_HEADER_BYTES)
            if len(frame) < FRAME_HEADER_BYTES:
                return None
            number += 1
            if _is_commit(frame, header) and _goes_on(file, header, frame, number, step):
                return f"frame {recovered + 1:,} is not as it was written, and commits follow it"


def _header(file: BinaryIO) -> _Header | None:
    file.seek(0)
    found = file.read(HEADER_BYTES)
    if len(found) < HEADER_BYTES:
        return None
    magic, _, page_size, *_ = struct.unpack(">IIII", found[:16])
    order = _MAGICS.get(magic)
    if order is None or _checksum(order, found[:24], (0, 0)) != struct.unpack(">II", found[24:]):
        return None
    return _Header(order, 65536 if page_size == 1 else page_size, found[16:24])


def _has_content(file: BinaryIO) -> bool:
    """Whether anything was ever written behind the header, which is on disk before any frame is."""
    file.seek(HEADER_BYTES)
    return any(file.read(FRAME_HEADER_BYTES))


def _is_commit(frame: bytes, header: _Header) -> bool:
    return frame[8:16] == header.salts and frame[4:8] != bytes(4)


def _goes_on(file: BinaryIO, header: _Header, commit: bytes, number: int, step: int) -> bool:
    """Whether the frame behind a commit was written after it: checksums go from frame to frame."""
    file.seek(HEADER_BYTES + number * step)
    frame = file.read(step)
    if len(frame) < step or frame[8:16] != header.salts:
        return False
    before: tuple[int, int] = struct.unpack(">II", commit[16:24])
    return _checksum(header.order, frame[:8] + frame[FRAME_HEADER_BYTES:], before) == struct.unpack(">II", frame[16:24])


def _checksum(order: str, content: bytes, before: tuple[int, int]) -> tuple[int, int]:
    first, second = before
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for index in range(0, len(words), 2):
        first = (first + words[index] + second) & _MASK
        second = (second + words[index + 1] + first) & _MASK
    return first, second
