"""What OpenClaw's answers mean for a ticket, and how long to wait before the next try."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from godtui.backoff import Backoff

_PAUSES: Final = Backoff(first=1.0, longest=300.0)
_JITTER: Final = 0.2


class Admitted(NamedTuple):
    """OpenClaw took the message: its run begins, it is not finished. `note` says why no `run_id` is known."""

    run_id: str | None
    note: str = ""


class TryAgain(NamedTuple):
    """Perhaps later: the same bytes under the same key. `after` are the seconds that OpenClaw asked to wait."""

    reason: str
    after: float | None = None


class Refused(NamedTuple):
    """This message will never be taken."""

    reason: str


class Misconfigured(NamedTuple):
    """No message will be taken until the operator has done what the reason says."""

    reason: str


class SessionKeyRefused(NamedTuple):
    """This OpenClaw takes no session key: to be sent once more without it, as a body of its own under its own key."""

    reason: str


Answer: TypeAlias = Admitted | TryAgain | Refused | Misconfigured | SessionKeyRefused


def pause_before(tries: int, after: float | None, chance: float) -> float:
    """Seconds to wait after so many tries in vain, 1 or more, and no less than OpenClaw asked for.

    They double from 1 to 300, give or take a fifth by `chance` (0 to 1), and with that too are 300 at most.
    """
    pause = _PAUSES.pause(tries) * (1 - _JITTER + 2 * _JITTER * chance)
    return max(min(pause, _PAUSES.longest), after or 0.0)
