"""Where the history is, as the claim to the role of storing it tells."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from godtui.bloodbank.holder import Holder
from godtui.candystore.tenure import Tenure
from godtui.clock import rfc3339

if TYPE_CHECKING:
    from godtui.bloodbank.rabbitmq.claim import Claim


class ClaimedHistory:
    """The History of an instance on a broker.

    One that stores (`keeps`) has it unless another was seen to have it: while the broker is away, what is stored here
    stays open to all. One without a persister never has it.
    """

    def __init__(self, claim: Claim, tenure: Tenure, *, keeps: bool) -> None:
        self._claim = claim
        self._tenure = tenure
        self._keeps = keeps

    @property
    def here(self) -> bool:
        return self._keeps and (self._claim.held is not None or self._claim.holder is None)

    @property
    def holder(self) -> Holder | None:
        return self._claim.holder

    @property
    def figures(self) -> dict[str, Any]:
        """Who holds the history, and from when on nothing is missing in this log; null for from the first on."""
        since = self._tenure.since
        return {"held_by": self._claim.active, "holds_since": None if since is None else rfc3339(since)}

    @property
    def remark(self) -> str | None:
        """What to know of this log beyond how much is in it."""
        since = self._tenure.since
        if not self.here:
            return f"new ones are stored by {self._claim.active or 'nobody who is known'}"
        return None if since is None else f"nothing is missing since {rfc3339(since)}, what was before is elsewhere"

    async def known(self) -> None:
        await self._claim.known()

    def changed(self) -> Awaitable[object]:
        return self._claim.changed()
