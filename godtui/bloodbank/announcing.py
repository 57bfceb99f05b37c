"""Telling what nobody waits for: published until it is confirmed or refused."""

from __future__ import annotations

import logging
from typing import Final

from godtui.bloodbank.errors import NotConfirmedError, PublishError
from godtui.bloodbank.receipt import Publish
from godtui.clock import Clock
from godtui.envelope import EventDraft, InvalidEventError

RETRY_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


async def announce(draft: EventDraft, publish: Publish, clock: Clock) -> None:
    """Publish under one id until it is confirmed, so that it is stored once; what is refused is logged and left."""
    failing = False
    while True:
        try:
            await publish(draft)
        except NotConfirmedError as error:
            if not failing:
                logger.warning("%s is told again and again: %s", draft.event_type, error)
            failing = True
            await clock.sleep(RETRY_SECONDS)
        except (PublishError, InvalidEventError) as error:
            logger.warning("%s cannot be told: %s", draft.event_type, error)
            return
        else:
            return
