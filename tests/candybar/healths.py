"""What components say of themselves, as an engine tells it."""

from __future__ import annotations

from collections.abc import Sequence

from godtui.clock import rfc3339
from godtui.operations import ComponentHealth
from godtui.operations import Status as HealthStatus
from tests.candybar.fakes import NOON

NODE = "amqp://guest:***@127.0.0.1:5672"
REFUSED = "Connection refused"
ALARM = "the broker takes nothing: its memory or disk alarm is on; free some there"

GAP = (
    "the memory's queue was deleted between 2026-02-12T14:02:01.000000Z and 2026-02-12T14:02:03.000000Z:"
    " 12 events confirmed meanwhile may be missing from the store, and 3 that waited when it was last seen"
)


def broker(
    state: str = "open",
    *,
    node: str = NODE,
    since: int = NOON,
    next_try: float | None = None,
    why: str = REFUSED,
    status: HealthStatus | None = None,
    gaps: Sequence[str] = (),
) -> ComponentHealth:
    """The bus on a broker: down in every state but `open`, unless said otherwise."""
    figures = {
        "transport": "rabbitmq",
        "node": node,
        "state": state,
        "since": rfc3339(since),
        "next_try_seconds": next_try,
        "tries": 1 if next_try else 0,
        "memory": {"waiting": 0, "consumers": 1},
        "gaps": list(gaps),
    }
    if state == "open":
        detail = gaps[-1] if gaps else f"connected to {node}"
        return ComponentHealth(status or ("degraded" if gaps else "ok"), detail, figures)
    reason = ALARM if state == "blocked" else f"{node}: {why}"
    return ComponentHealth(status or "down", f"events cannot be accepted: {reason}", figures)


def standing_by(active: str | None = "node-2-815") -> ComponentHealth:
    """A worker in whose place another instance's works."""
    return ComponentHealth("ok", f"{active} is active", {"state": "standing by", "active": active})


def relay(waiting: int) -> ComponentHealth:
    """The outbox."""
    return ComponentHealth("ok", f"{waiting} events wait in the outbox", {"state": "running", "waiting": waiting})
