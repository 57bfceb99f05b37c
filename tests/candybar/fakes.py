"""An engine in memory behind the real seam: a log, a stream and a health, on a loop in a thread of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any
from uuid import UUID

import orjson

from godtui import jsontext
from godtui.bloodbank.holder import Holder
from godtui.candystore.chains.causes import causes
from godtui.candystore.chains.cycles import cycles
from godtui.clock import rfc3339, to_microseconds
from godtui.envelope import Fault, StoredEvent, read_timestamp, source_name
from godtui.filters import Filter
from godtui.operations import (
    BusOperations,
    Chain,
    ComponentHealth,
    ContractOperations,
    Count,
    Edge,
    Events,
    Frame,
    Health,
    HistoryElsewhereError,
    LetterOperations,
    Order,
    Orphan,
    Page,
    Position,
    Replayed,
    StoreUnavailableError,
    WebhookOperations,
    Welcome,
)
from tests.candybar.dispatchers import MemoryDispatcher
from tests.replaying import MemoryReplays

NOON = to_microseconds(read_timestamp("2026-02-12T14:02:11.482Z")[0])
REPLAY = UUID(int=0x9D)
API_URL = "http://127.0.0.1:8000"

_ids = itertools.count(1)


def event(
    event_type: str = "agent.task.completed",
    payload: dict[str, Any] | None = None,
    *,
    source: dict[str, Any] | None = None,
    time: int = NOON,
    faults: Sequence[Fault] = (),
    correlation_id: UUID | None = None,
    **extra: Any,
) -> StoredEvent:
    """An event as stored, without its place in the log."""
    number = next(_ids)
    event_id = UUID(int=(0x018F << 112) | (0x7 << 76) | (0x8 << 60) | number)
    document = {
        "event_id": str(event_id),
        "event_type": event_type,
        "timestamp": rfc3339(time),
        "version": "v1",
        "source": {"service": "jelmore"} if source is None else source,
        "correlation_id": None if correlation_id is None else str(correlation_id),
        "payload": {"task": "INFRA-42"} if payload is None else payload,
        **extra,
    }
    return StoredEvent(
        seq=0,
        stored_at=time + 2_000,
        event_id=event_id.bytes,
        event_type=event_type,
        source=source_name(document["source"]),
        correlation_id=None if correlation_id is None else correlation_id.bytes,
        time=time,
        violations=orjson.dumps([fault.as_json() for fault in faults]) if faults else None,
        headers=None,
        body=jsontext.dumps(document),
    )


class MemoryStore:
    """A log in a list. `break_with` makes the stream and the queries fail until it is None again.

    While it stands by, the history is elsewhere: what is told arrives without a place in the log, and nothing is kept.
    """

    def __init__(self) -> None:
        self.log: list[StoredEvent] = []
        self.break_with: Exception | None = None
        self.stands_by: Exception | None = None
        self._told: list[StoredEvent] = []
        self._again: list[StoredEvent] = []
        self.queries: list[Filter] = []
        self.reach: int | None = None
        """How many events a query looks at before it ends early."""
        self.counts_exactly = True
        self.hold_queries: asyncio.Event | None = None
        """While set, no query is answered."""
        self.streams: list[tuple[Filter, int | None]] = []
        self._changed = asyncio.Event()

    def append(self, events: Sequence[StoredEvent]) -> None:
        for one in events:
            self.log.append(one._replace(seq=len(self.log) + 1))
        self.wake()

    def tell(self, events: Sequence[StoredEvent]) -> None:
        self._told += events
        self.wake()

    def send_again(self, events: Sequence[StoredEvent]) -> None:
        """Let a replay send these to the bus."""
        self._again += events
        self.wake()

    def turn(self, stands_by: Exception | None) -> None:
        """Stand by from now on, or hold the history: every stream ends."""
        self.stands_by = stands_by
        self.wake()

    def wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def query(
        self,
        wanted: Filter,
        *,
        limit: int = 100,
        cursor: str | None = None,
        order: Order = "desc",
        from_seq: int | None = None,
    ) -> Page:
        self._fail()
        self._need_history()
        self.queries.append(wanted)
        if self.hold_queries is not None:
            await self.hold_queries.wait()
        test = wanted.predicate()
        down = order == "desc"
        start = (len(self.log) if down else 1) if from_seq is None else from_seq
        rows = self.log[: max(0, start)][::-1] if down else self.log[max(0, start - 1) :]
        near = rows[: self.reach]
        found = [one for one in near if test(one)]
        if len(found) > limit:
            return Page(found[:limit], "more")
        return Page(found, "more", near[-1].seq) if len(near) < len(rows) else Page(found, None)

    async def count(self, wanted: Filter) -> Count:
        self._fail()
        self._need_history()
        return Count(sum(map(wanted.predicate(), self.log)), self.counts_exactly)

    async def event(self, event_id: UUID) -> StoredEvent | None:
        self._fail()
        self._need_history()
        return next((one for one in self.log if one.event_id == event_id.bytes), None)

    async def stream(
        self, wanted: Filter, *, after: int | None = None, positions: bool = False
    ) -> AsyncGenerator[Frame, None]:
        self._fail()
        self.streams.append((wanted, after))
        test = wanted.predicate()
        if self.stands_by is not None:
            if after is not None:
                raise self.stands_by
            async for frame in self._stream_told(test):
                yield frame
            return
        yield Welcome(len(self.log))
        position = len(self.log) if after is None else after
        again = len(self._again)
        while self.stands_by is None:
            changed = self._changed
            self._fail()
            for one in filter(test, self._again[again:]):
                yield Replayed(REPLAY, one)
            again = len(self._again)
            fresh = self.log[position:]
            position += len(fresh)
            if found := [one for one in fresh if test(one)]:
                yield Events(found)
            if positions and fresh:
                yield Position(position)
            await changed.wait()

    async def _stream_told(self, test: Callable[[StoredEvent], bool]) -> AsyncGenerator[Frame, None]:
        yield Welcome(None)
        position = len(self._told)
        while self.stands_by is not None:
            changed = self._changed
            self._fail()
            fresh = self._told[position:]
            position += len(fresh)
            if found := [one for one in fresh if test(one)]:
                yield Events(found)
            await changed.wait()

    def _need_history(self) -> None:
        if self.stands_by is not None:
            raise self.stands_by

    def _fail(self) -> None:
        if self.break_with is not None:
            raise self.break_with


class MemoryChains:
    """Chains out of the log in a list, in parts of `part` events."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.part = 50_000
        self.asked: list[int] = []
        """The positions that were asked for."""
        self.hold: asyncio.Event | None = None
        """While set, nothing is answered."""

    async def chain(self, correlation_id: UUID, *, after: int = 0) -> Chain | None:
        self._store._fail()
        self._store._need_history()
        self.asked.append(after)
        if self.hold is not None:
            await self.hold.wait()
        chain = [one for one in self._store.log if one.correlation_id == correlation_id.bytes]
        if not chain:
            return None
        rest = [one for one in chain if one.seq > after]
        events = rest[: self.part]
        seqs = {one.event_id: one.seq for one in chain}
        named = [(one, cause) for one in events for cause in causes(one.body)]
        stored = {one.event_id: one.correlation_id for one in self._store.log}
        edges = [Edge(cause, one.event_id) for one, cause in named if cause in seqs]
        caused = {edge.effect for edge in edges}
        effects: list[list[int]] = [[] for _ in events]
        places = {one.event_id: place for place, one in enumerate(events)}
        for cause, effect in edges:
            if cause in places:
                effects[places[cause]].append(places[effect])
        return Chain(
            correlation_id,
            events,
            [one.event_id for one in events if one.event_id not in caused],
            edges,
            [
                Orphan(one.event_id, cause, cause in stored, stored.get(cause))
                for one, cause in named
                if cause not in seqs
            ],
            [[events[place].event_id for place in ring] for ring in cycles(effects)],
            [effect for cause, effect in edges if seqs[cause] > seqs[effect]],
            Count(len(chain), True),
            len(events) == len(chain),
            events[-1].seq if len(rest) > len(events) else None,
        )


class MemoryMonitor:
    """A health that tests set."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.bus = ComponentHealth("ok", "embedded", {"transport": "embedded"})
        self.workers: dict[str, ComponentHealth] = {}
        self.store_status: ComponentHealth | None = None
        self.break_with: Exception | None = None
        self.hang = False

    async def health(self) -> Health:
        if self.hang:
            await asyncio.Event().wait()
        if self.break_with is not None:
            raise self.break_with
        log = self.store_status or ComponentHealth("ok", "", {"last_seq": len(self._store.log), "commit_ms": 0.4})
        components = {"bus": self.bus, "store": log, **self.workers}
        worst = max((one.status for one in components.values()), key=("ok", "degraded", "down").index)
        return Health(worst, "0.1.0", "test", components)


class MemoryOperations:
    """The rooms that the console uses."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.monitor = MemoryMonitor(self.store)
        self.dispatcher = MemoryDispatcher()
        self.replays = MemoryReplays()
        self.chains = MemoryChains(self.store)

    @property
    def bus(self) -> BusOperations:
        raise NotImplementedError("the console does not publish")

    @property
    def letters(self) -> LetterOperations:
        raise NotImplementedError("the console does not look at dead letters")

    @property
    def schemas(self) -> ContractOperations:
        raise NotImplementedError("the console does not read contracts")

    @property
    def webhooks(self) -> WebhookOperations:
        raise NotImplementedError("the console takes no deliveries")


class Engine:
    """Hosted operations: a loop in a thread. A context manager; `fail` ends the thread as a dying engine would."""

    description = "embedded"
    started = True
    error: BaseException | None = None

    def __init__(self, events: Sequence[StoredEvent] = ()) -> None:
        self.operations = MemoryOperations()
        self.operations.store.append(events)
        self.url: str | None = API_URL
        self.failure: str | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="engine")
        self._thread.start()

    def begin(self) -> None:
        """It has begun already."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def submit(self, work: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def append(self, *events: StoredEvent) -> None:
        """Put events into the log and wake the streams, from the test's thread; returns when done."""
        self.do(lambda: self.operations.store.append(events))

    def do(self, change: Any) -> None:
        """Run a change on the engine's loop and wait for it."""

        async def run() -> None:
            change()

        self.submit(run()).result(10)

    def tell(self, *events: StoredEvent) -> None:
        """Let events arrive that are not stored here."""
        self.do(lambda: self.operations.store.tell(events))

    def turn(self, stands_by: Exception | None) -> None:
        """Stand by from now on, or hold the history."""
        self.do(lambda: self.operations.store.turn(stands_by))

    def break_stream(self, error: Exception | None) -> None:
        """Make stream and queries fail from now on, or no longer."""

        def change() -> None:
            self.operations.store.break_with = error
            self.operations.store.wake()

        self.do(change)

    def fail(self, why: str) -> None:
        """Die."""
        self.stop()
        self.failure = why

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()


def unavailable(why: str = "the disk is full") -> StoreUnavailableError:
    """What a store that cannot answer raises."""
    return StoreUnavailableError(why)


def elsewhere(instance: str = "node-2-815", url: str | None = None) -> HistoryElsewhereError:
    """What a store raises whose history another instance holds."""
    return HistoryElsewhereError(Holder(instance, url))
