"""The contracts in force follow their folder: what is sound is put in force and said, what others say is compared."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from godtui.bloodbank import announce
from godtui.bloodbank.bus import Tap
from godtui.bloodbank.health import ComponentHealth
from godtui.bloodbank.receipt import Publish
from godtui.clock import Clock
from godtui.envelope import EventDraft, InvalidEventError, read_envelope
from godtui.holyfields import Contract, Contracts, Registry, SchemaFolderError
from godtui.holyfields.changes import Change, Compatible, changes, digest
from godtui.holyfields.watch import Watch
from godtui.settings.values import counted, plain, printable

EVENT_TYPE: Final = "holyfields.schema.updated"
RETRY_SECONDS: Final = 1.0
MAX_LISTED: Final = 1000
"""Changes that one announcement lists; more take another."""
MAX_INSTANCES: Final = 16
"""Others whose word is remembered, the last that spoke: anyone may say anything."""
FORGET_SECONDS: Final = 24 * 3600.0
"""What somebody said so long ago is no reason for concern: they may be long gone, or never have been."""
MAX_SENTENCE: Final = 500

Missed: TypeAlias = Callable[[Registry], Awaitable[list[dict[str, Any]]]]
"""What is otherwise in a registry than it was last announced, as entries of an announcement."""

Said: TypeAlias = dict[tuple[str, str], str | None]
"""The hash of each contract by type and version, None where it is gone."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Other:
    """What another instance said of its contracts, as far as ours differ; `compared` once ours were looked at."""

    said: Said
    at: float
    compared: bool = False


def is_readable(before: Contract, after: Contract) -> bool | None:
    """Whether events that the first contract allowed are allowed by the second; None where that is not known."""
    # Loaded only where contracts change.
    from godtui.holyfields.compatibility import Mode, judge

    return judge(before, after, Mode.BACKWARD).compatible


class LiveContracts:
    """Keeps `contracts` as the folder has them. `publish` sends to what needs no broker; `tap` sees announcements.

    Asked once, `missed` tells what had changed when this was made.
    """

    def __init__(
        self,
        contracts: Contracts,
        watch: Watch[Registry],
        publish: Publish,
        missed: Missed,
        tap: Callable[[], Tap],
        clock: Clock,
        instance: str,
        compatible: Compatible,
    ) -> None:
        self._contracts = contracts
        self._watch = watch
        self._publish = publish
        self._missed: Missed | None = missed
        self._beginning = contracts.current
        self._tap = tap
        self._clock = clock
        self._instance = instance
        self._compatible = compatible
        self._fault: ValueError | None = None
        self._unsaid: deque[list[Change]] = deque()
        self._drafts: deque[EventDraft] = deque()
        self._saying = asyncio.Event()
        self._others: dict[str, _Other] = {}

    async def run(self) -> None:
        """Follow the folder until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch.run(self._take))
                tasks.create_task(self._say())
                tasks.create_task(self._hear())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    def look(self) -> ComponentHealth:
        """How the contracts are."""
        registry = self._contracts.current
        figures: dict[str, Any] = {"folder": str(registry.folder)}
        if self._fault is not None:
            sentence = f"{_sentence(self._fault)}; the contracts from before stay in force"
            return ComponentHealth("degraded", sentence, figures)
        for name, other in reversed(self._others.items()):
            if other.compared and self._clock.monotonic() - other.at < FORGET_SECONDS:
                (event_type, version), *more = other.said
                others = f" and {len(more)} more" if more else ""
                what = f"{plain(event_type)} {plain(version)}{others}"
                return ComponentHealth("degraded", f"contracts differ from {name}: {what}; align the folders", figures)
        return ComponentHealth("ok", counted(len(registry), "event type"), figures)

    def _take(self, outcome: Registry | ValueError) -> None:
        if isinstance(outcome, ValueError):
            if str(outcome) != str(self._fault):
                logger.warning("contracts stay as they were: %s", outcome)
            self._fault = outcome
        else:
            self._fault = None
            before = self._contracts.current
            if outcome is not before:
                changed = changes(before, outcome)
                self._contracts.swap(outcome)
                if changed:
                    have = "has" if len(changed) == 1 else "have"
                    logger.info("%s %s changed", counted(len(changed), "contract"), have)
                    self._unsaid.append(changed)
                    self._saying.set()
        self._compare()

    def _compare(self) -> None:
        """Forget of what others said all that is so here too."""
        registry = self._contracts.current
        for name, other in list(self._others.items()):
            other.said = {key: theirs for key, theirs in other.said.items() if digest(registry, *key) != theirs}
            other.compared = True
            if not other.said:
                del self._others[name]

    async def _say(self) -> None:
        if self._missed is not None:
            self._drafts.extend(_drafts(await self._missed(self._beginning)))
            self._missed = None
        while True:
            while self._unsaid or self._drafts:
                if not self._drafts:
                    self._drafts.extend(await asyncio.to_thread(self._drafted, self._unsaid[0]))
                    self._unsaid.popleft()
                await announce(self._drafts[0], self._publish, self._clock)
                self._drafts.popleft()
            self._saying.clear()
            await self._saying.wait()

    def _drafted(self, changed: list[Change]) -> list[EventDraft]:
        return _drafts([change.entry(self._verdict) for change in changed])

    def _verdict(self, before: Any, after: Any) -> bool | None:
        try:
            return self._compatible(before, after)
        except Exception:
            logger.exception("whether %s is compatible could not be told", after)
            return None

    async def _hear(self) -> None:
        while True:
            async with self._tap() as tap:
                async for message in tap:
                    self._heard(message.body)
            await self._clock.sleep(RETRY_SECONDS)

    def _heard(self, body: bytes) -> None:
        """Take what another says of its contracts, and look whether ours are so too; all else is passed over."""
        try:
            event, _ = read_envelope(body)
        except InvalidEventError:
            return
        name = event.source.get("instance") or event.source_name
        if event.event_type != EVENT_TYPE or not isinstance(name, str) or not name or name == self._instance:
            return
        said = _said(event.payload)
        if not said:
            return
        before = self._others.pop(plain(name), None)
        if before is not None:
            said = dict(list({**before.said, **said}.items())[-MAX_LISTED:])
        self._others[plain(name)] = _Other(said, self._clock.monotonic(), before is not None and before.compared)
        while len(self._others) > MAX_INSTANCES:
            del self._others[next(iter(self._others))]
        self._watch.ask()


def _drafts(entries: list[dict[str, Any]]) -> list[EventDraft]:
    parts = [entries[start : start + MAX_LISTED] for start in range(0, len(entries), MAX_LISTED)]
    return [
        EventDraft(event_type=EVENT_TYPE, payload={"changed": part}, source={"service": "holyfields"}) for part in parts
    ]


def _said(payload: dict[str, Any]) -> Said:
    """What an announcement says that can be compared."""
    listed = payload.get("changed")
    said: Said = {}
    for entry in listed[:MAX_LISTED] if isinstance(listed, list) else ():
        if isinstance(entry, dict) and "to_hash" in entry:
            event_type, version, theirs = entry.get("event_type"), entry.get("version", "v1"), entry["to_hash"]
            if isinstance(event_type, str) and isinstance(version, str) and isinstance(theirs, str | None):
                said[event_type[:255], version[:40]] = theirs
    return said


def _sentence(error: ValueError) -> str:
    """The first thing that is wrong, and how many more there are."""
    if not isinstance(error, SchemaFolderError):
        return _short(str(error))
    first, *more = error.faults
    where = "" if first.file else f"the schema folder {error.folder} "
    return _short(f"{where}{first}") + (f" (and {len(more)} more)" if more else "")


def _short(text: str) -> str:
    return printable(text if len(text) <= MAX_SENTENCE else text[: MAX_SENTENCE - 1] + "…")
