"""Asking the log for someone who knows it as the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from godtui.bloodbank.errors import StoreUnavailableError
from godtui.eventlog import LogUnavailableError


@contextmanager
def asking() -> Iterator[None]:
    """Within the block, a log that cannot be read or written raises StoreUnavailableError."""
    try:
        yield
    except LogUnavailableError as error:
        raise StoreUnavailableError(str(error)) from None
