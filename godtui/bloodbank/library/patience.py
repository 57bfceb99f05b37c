"""What becomes of an event whose handler failed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from godtui.backoff import Backoff
from godtui.bloodbank.errors import GiveUpError
from godtui.bloodbank.library.delivery import Delivery

MAX_ATTEMPTS: Final = 5
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
_MAX_REASON: Final = 500

OnGiveUp: TypeAlias = Callable[[Delivery, str], Awaitable[None]]
"""Told of an event that is given up, and why, before it is left behind."""

logger = logging.getLogger(__name__)


class Patience:
    """Tries an event `max_attempts` times, with pauses in seconds that double from `first_pause`, then gives it up.

    Raises ValueError where it could never be tried, or never again.
    """

    def __init__(
        self,
        max_attempts: int = MAX_ATTEMPTS,
        first_pause: float = FIRST_PAUSE,
        on_give_up: OnGiveUp | None = None,
    ) -> None:
        if max_attempts < 1:
            raise ValueError(f"an event is tried at least once, not {max_attempts} times")
        if not 0 <= first_pause <= LONGEST_PAUSE:
            raise ValueError(f"the first pause is 0 to {LONGEST_PAUSE:g} seconds, not {first_pause}")
        self._backoff = Backoff(first_pause, LONGEST_PAUSE)
        self._max_attempts = max_attempts
        self._on_give_up = on_give_up

    async def pause(self, delivery: Delivery, error: Exception) -> float | None:
        """How many seconds to wait before the next attempt, None where there is none."""
        event = delivery.event
        named = f"{event.event_type} {event.event_id}"
        if not isinstance(error, GiveUpError) and delivery.attempt < self._max_attempts:
            pause = self._backoff.pause(delivery.attempt)
            attempts = f"attempt {delivery.attempt} of {self._max_attempts}"
            logger.warning("%s failed, %s; again in %g s", named, attempts, pause, exc_info=error)
            return pause
        logger.error("%s is given up at attempt %d: %s", named, delivery.attempt, reason(error), exc_info=error)
        if self._on_give_up is not None:
            await self._on_give_up(delivery, reason(error))
        return None


def reason(error: Exception) -> str:
    """Why an event was given up, as its dead letter says it."""
    text = str(error) if isinstance(error, GiveUpError) else f"{type(error).__name__}: {error}"
    return text[:_MAX_REASON]
