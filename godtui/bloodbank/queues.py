"""The queues that stand whether or not anyone consumes from them."""

from __future__ import annotations

from typing import Final

from godtui.bloodbank.bus import QueueSpec
from godtui.settings import MessageTtl
from godtui.settings.values import MEMORY_QUEUE

MEMORY: Final = MEMORY_QUEUE
PLANE: Final = "infra-dispatcher.plane"


def memory_queue(ttl: MessageTtl) -> QueueSpec:
    """All events, for the store of a broker's bus."""
    return QueueSpec(MEMORY, ("#",), ttl.of(MEMORY) or None, single_active_consumer=True)


def plane_queue(ttl: MessageTtl) -> QueueSpec:
    """What Plane tells, for the dispatcher, which so finds what came before it first ran."""
    return QueueSpec(PLANE, ("webhook.plane.#",), ttl.of(PLANE) or None, single_active_consumer=True)
