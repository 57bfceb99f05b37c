"""Which contracts were announced last, kept in the commit that announces: a later run tells what it finds changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from godtui.bloodbank.bus import Message, PublishOutcome
from godtui.bloodbank.outbox import Outbox
from godtui.clock import Clock
from godtui.eventlog import EventLog, LogUnavailableError, Transaction
from godtui.eventlog.meta import KEEP, KEPT
from godtui.holyfields import Registry
from godtui.holyfields.changes import Hashes, hashes, missed

KEY: Final = "holyfields.announced"
RETRY_SECONDS: Final = 1.0


class Announced:
    """A Sink for announcements of changed contracts, and the memory of what they said."""

    def __init__(self, log: EventLog, outbox: Outbox, clock: Clock) -> None:
        self._log = log
        self._outbox = outbox
        self._clock = clock

    async def missed(self, registry: Registry) -> list[dict[str, Any]]:
        """What is otherwise than it was last announced, as entries; where nothing ever was, this is where it begins."""
        while True:
            try:
                before = await self._log.submit(_Begun(hashes(registry)))
            except LogUnavailableError:
                await self._clock.sleep(RETRY_SECONDS)
            else:
                return missed(before, registry)

    async def publish(self, messages: Sequence[Message]) -> list[PublishOutcome]:
        """Into the outbox, in one commit with what the announcements say."""
        changed = [entry for message in messages for entry in orjson.loads(message.body)["payload"]["changed"]]
        return await self._outbox.publish(messages, along=_Told(changed))


@dataclass(frozen=True, slots=True)
class _Begun:
    """A unit of the log: what was announced last, which is `now` where nothing ever was."""

    now: Hashes

    def __call__(self, transaction: Transaction) -> Hashes:
        before = _read(transaction)
        if before is None:
            _write(transaction, self.now)
        return self.now if before is None else before


@dataclass(frozen=True, slots=True)
class _Told:
    """A unit of the log, meant to be called within another: these entries are announced."""

    changed: list[dict[str, Any]]

    def __call__(self, transaction: Transaction) -> None:
        said = _read(transaction) or {}
        for entry in self.changed:
            key = entry["event_type"], entry["version"]
            if entry["to_hash"] is None:
                said.pop(key, None)
            else:
                said[key] = entry["to_hash"]
        _write(transaction, said)


def _read(transaction: Transaction) -> Hashes | None:
    row = transaction.execute(KEPT, (KEY,)).fetchone()
    return None if row is None else {(name, version): one for name, version, one in orjson.loads(row[0])}


def _write(transaction: Transaction, said: Hashes) -> None:
    listed = [(*key, one) for key, one in sorted(said.items())]
    transaction.execute(KEEP, (KEY, orjson.dumps(listed).decode()))
