"""Where the history is, as the claim to the role of storing it tells."""

from __future__ import annotations

from collections.abc import Awaitable

from godtui.bloodbank.holder import Holder
from godtui.bloodbank.rabbitmq.claim import Claim


class ClaimedHistory:
    """The History of an instance on a broker.

    One that stores (`keeps`) has it unless another was seen to have it: while the broker is away, what is stored here
    stays open to all. One without a persister never has it.
    """

    def __init__(self, claim: Claim, *, keeps: bool) -> None:
        self._claim = claim
        self._keeps = keeps

    @property
    def here(self) -> bool:
        return self._keeps and (self._claim.held is not None or self._claim.holder is None)

    @property
    def holder(self) -> Holder | None:
        return self._claim.holder

    async def known(self) -> None:
        await self._claim.known()

    def changed(self) -> Awaitable[object]:
        return self._claim.changed()
