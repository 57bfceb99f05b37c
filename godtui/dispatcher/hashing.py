"""Hashes of what is small, without letting another thread run in between."""

from __future__ import annotations

from typing import Final, Protocol, TypeVar

UNINTERRUPTED_BYTES: Final = 2047
"""Of more in one call hashlib lets go of the interpreter; to get it back takes many times as long as the hashing."""
LARGE_BYTES: Final = 256 * 1024
"""From here on others should run meanwhile."""


class Hash(Protocol):
    """What hashlib and hmac make."""

    def update(self, data: bytes, /) -> None: ...


AnyHash = TypeVar("AnyHash", bound=Hash)


def fed(digest: AnyHash, data: bytes) -> AnyHash:
    """The hash, with the data in it."""
    if len(data) > LARGE_BYTES:
        digest.update(data)
    else:
        for start in range(0, len(data), UNINTERRUPTED_BYTES):
            digest.update(data[start : start + UNINTERRUPTED_BYTES])
    return digest
