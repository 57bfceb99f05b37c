"""What can be wrong with a replay that is asked for, or with what is asked of one."""

from __future__ import annotations

from uuid import UUID

from godtui.envelope import EventError


class ReplayError(EventError):
    """The root of what replays raise."""


class ReplayRefusedError(ReplayError):
    """Such a replay cannot be made; `path` is the JSON pointer of the field that is wrong."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class ReplayUnconfirmedError(ReplayError):
    """So many events go to the bus only when that is confirmed."""

    def __init__(self, total: int) -> None:
        super().__init__(f"{total:,} events would go to the bus; confirm that, or narrow the filter")
        self.total = total


class UnknownReplayError(ReplayError):
    """There is no replay of that id."""

    def __init__(self, replay_id: UUID) -> None:
        super().__init__(f"there is no replay {replay_id}")
        self.replay_id = replay_id


class ReplayStateError(ReplayError):
    """What was asked cannot be done in the replay's state."""
