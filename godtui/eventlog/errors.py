"""What can be wrong with the log or its directory."""

from __future__ import annotations


class LogUnavailableError(Exception):
    """The log cannot be written or read now; the message says why. What was being written may or may not be kept."""


class PoisonError(Exception):
    """What was to be written cannot be stored at all; everything beside it in the same commit was."""


class DataDirectoryError(Exception):
    """The data directory cannot be used by this program; the message says what to do."""


class OwnedError(DataDirectoryError):
    """Another living process owns the data directory; `owner` is what that process said of itself."""

    def __init__(self, message: str, owner: dict[str, object]) -> None:
        super().__init__(message)
        self.owner = owner
