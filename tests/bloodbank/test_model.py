"""Whatever is done to queues over the log, they hold what a simple model in memory says."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from godtui.bloodbank import tables
from godtui.bloodbank.bus import Delivery, QueueSpec
from godtui.bloodbank.deadletters import dead_letters
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.clock import Clock
from godtui.eventlog import EventLog
from godtui.topics import matches
from tests.bloodbank.model import Entry, Queue
from tests.clock import MICROSECONDS, ManualClock
from tests.contract.harness import PATIENCE
from tests.contract.messages import event, send

Result = TypeVar("Result")
MEMORY = Path("/dev/shm")


names = st.sampled_from(["one", "two"])
types = st.sampled_from(["a.x", "a.y", "b.x", "b.y.z"])
bindings = st.sampled_from([("#",), ("a.*", "*.x"), ("b.#",), ("b.y.z", "a.x"), ("*.x",), ()])
lives = st.sampled_from([None, 50.0, 500.0])


class QueuesOverTheLog(RuleBasedStateMachine):
    """Runs every step on the bus and on the model, and compares what can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.base = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.directory = self.base / "0"
        self.clock = ManualClock()
        self.queues: dict[str, Queue] = {}
        self.letters: Counter[tuple[str, str, str, int]] = Counter()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        async def bounded() -> Result:
            async with asyncio.timeout(PATIENCE):
                return await work

        return self.loop.run_until_complete(bounded())

    @initialize(ttl=lives)
    def begin(self, ttl: float | None) -> None:
        self.directory.mkdir()
        self.run(self.open())
        self.declare("one", ("#",), None)
        self.declare("two", ("a.*", "*.x"), ttl)

    async def open(self) -> None:
        clock: Clock = self.clock
        self.log = EventLog(self.directory, rooms=(tables.MIGRATIONS,), clock=clock)
        self.log.start()
        self.bus = EmbeddedBus(self.log, clock)
        await self.bus.start()

    async def close(self) -> None:
        await self.bus.close()
        await self.log.close()
        for queue in self.queues.values():
            queue.consumer = None

    def teardown(self) -> None:
        self.take_all()
        self.run(self.close())
        self.loop.close()
        shutil.rmtree(self.base)

    @rule(keys=st.lists(types, min_size=1, max_size=6))
    def publish(self, keys: list[str]) -> None:
        messages = [event(key) for key in keys]
        self.run(send(self.bus, messages))
        for queue in self.queues.values():
            queue.entries += [
                Entry(message.message_id, self.clock.now(), put_there=False)
                for message in messages
                if any(matches(pattern, message.routing_key) for pattern in queue.spec.bindings)
            ]

    @rule(name=names, bound=bindings, ttl=lives)
    def declare(self, name: str, bound: tuple[str, ...], ttl: float | None) -> None:
        spec = QueueSpec(name, bound, ttl)
        self.run(self.bus.declare(spec))
        self.queues.setdefault(name, Queue(spec)).spec = spec

    @rule(keys=st.lists(types, min_size=1, max_size=6), name=names, bound=bindings)
    def declare_while_publishing(self, keys: list[str], name: str, bound: tuple[str, ...]) -> None:
        """An event belongs to a queue by the bindings at its own position, which its commit decides."""
        messages = [event(key) for key in keys]
        before = self.queues.get(name)
        ttl = before.spec.message_ttl if before else None
        spec = QueueSpec(name, bound, ttl)

        async def both() -> None:
            publishing = [asyncio.ensure_future(send(self.bus, [message])) for message in messages[:3]]
            declaring = asyncio.ensure_future(self.bus.declare(spec))
            publishing += [asyncio.ensure_future(send(self.bus, [message])) for message in messages[3:]]
            await asyncio.gather(declaring, *publishing)

        self.run(both())
        rows = self.run(
            self.log.rows(
                "SELECT pattern, since_seq, until_seq FROM bindings b JOIN queues q ON q.id = b.queue WHERE q.name = ?",
                (name,),
                purpose="test",
            )
        )
        after = self.queues.setdefault(name, Queue(spec))
        after.spec = spec
        for queue in self.queues.values():
            for message in messages:
                stored = self.run(
                    self.log.rows(
                        "SELECT seq FROM events WHERE event_id = ?", (_bytes(message.message_id),), purpose="test"
                    )
                )
                if self._bound(queue, rows if queue is after else None, stored[0][0], message.routing_key):
                    queue.entries.append(Entry(message.message_id, self.clock.now(), put_there=False))

    def _bound(self, queue: Queue, rows: list[tuple[Any, ...]] | None, seq: int, key: str) -> bool:
        if rows is None:
            return any(matches(pattern, key) for pattern in queue.spec.bindings)
        return any(
            matches(pattern, key) and since < seq and (until is None or seq <= until) for pattern, since, until in rows
        )

    @rule(name=names, number=st.integers(1, 3))
    def put(self, name: str, number: int) -> None:
        queue = self.queues[name]
        messages = [event("replayed.event.sent") for _ in range(number)]
        self.run(send(self.bus, messages, queue=queue.spec.name))
        queue.entries += [Entry(each.message_id, self.clock.now(), put_there=True) for each in messages]

    def _any_available(self) -> bool:
        return any(queue.available(self.clock.now()) for queue in self.queues.values())

    @precondition(_any_available)
    @rule(data=st.data(), most=st.integers(1, 5))
    def take(self, data: st.DataObject, most: int) -> None:
        names = [name for name, queue in self.queues.items() if queue.available(self.clock.now())]
        self._take(self.queues[data.draw(st.sampled_from(names))], most)

    @precondition(_any_available)
    @rule()
    def take_all(self) -> None:
        for queue in self.queues.values():
            while queue.available(self.clock.now()):
                self._take(queue, 3)

    def _take(self, queue: Queue, most: int) -> None:
        if queue.consumer is None:
            queue.consumer = self.bus.subscribe(queue.spec)
        deliveries = self.run(queue.consumer.batch(most)).deliveries
        assert 0 < len(deliveries) <= most
        available = {entry.message_id: entry for entry in queue.available(self.clock.now())}
        fresh = [entry.message_id for entry in queue.waiting() if entry.fresh]
        new = [each.message.message_id for each in deliveries if available[each.message.message_id].fresh]
        assert new == fresh[: len(new)]
        for delivery in deliveries:
            entry = available.pop(delivery.message.message_id)
            entry.attempts += 1
            entry.delivery = delivery
            assert delivery.attempt == entry.attempts

    def _some_held(self, data: st.DataObject) -> Iterator[tuple[Queue, Entry, Delivery]]:
        """One or more messages in some consumer's hands."""
        held = [(queue, entry) for queue in self.queues.values() for entry in queue.held()]
        chosen = data.draw(st.lists(st.integers(0, len(held) - 1), min_size=1, max_size=4, unique=True))
        for index in chosen:
            queue, entry = held[index]
            assert entry.delivery is not None
            yield queue, entry, entry.delivery

    def _any_held(self) -> bool:
        return any(queue.held() for queue in self.queues.values())

    def _flush(self) -> None:
        for queue in self.queues.values():
            if queue.consumer is not None:
                self.run(queue.consumer.flush())

    @precondition(_any_held)
    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        for queue, entry, delivery in self._some_held(data):
            self.run(_now(delivery.ack))
            queue.entries.remove(entry)
        self._flush()

    @precondition(_any_held)
    @rule(data=st.data(), after=st.sampled_from([0.0, 30.0, 200.0]))
    def retry(self, data: st.DataObject, after: float) -> None:
        for _, entry, delivery in self._some_held(data):
            self.run(_now(partial(delivery.retry, "again", after)))
            entry.delivery = None
            entry.due_at = self.clock.now() + round(after * MICROSECONDS)
        self._flush()

    @precondition(_any_held)
    @rule(data=st.data())
    def dead_letter(self, data: st.DataObject) -> None:
        for queue, entry, delivery in self._some_held(data):
            self.run(_now(partial(delivery.dead_letter, "no use")))
            queue.entries.remove(entry)
            self.letters[queue.spec.name, entry.message_id, "no use", entry.attempts] += 1
        self._flush()

    @rule(data=st.data(), what=st.sampled_from(["leave", "reopen", "crash", "crash", "delete"]), name=names)
    def disturb(self, data: st.DataObject, what: str, name: str) -> None:
        if what == "leave":
            self._leave(self.queues[name])
        elif what == "reopen":
            self._reopen()
        elif what == "crash":
            self._crash([delivery for _, _, delivery in self._some_held(data)] if self._any_held() else [])
        else:
            self.run(self.bus.delete(name))
            self._leave(self.queues.pop(name))
            self.declare(name, ("#",), None)

    def _leave(self, queue: Queue) -> None:
        if queue.consumer is not None:
            self.run(queue.consumer.close())
            queue.consumer = None
            queue.give_back()

    def _reopen(self) -> None:
        self.run(self.close())
        self.run(self.open())
        for queue in self.queues.values():
            queue.give_back()

    def _crash(self, decided: list[Delivery]) -> None:
        """The files as a killed process leaves them; what was decided a moment ago was not written."""
        left = self.directory
        self.directory = self.base / str(int(left.name) + 1)

        async def die() -> None:
            for delivery in decided:
                delivery.ack()
            shutil.copytree(left, self.directory)

        self.run(die())
        self._reopen()
        shutil.rmtree(left)

    @rule(seconds=st.sampled_from([1.0, 40.0, 300.0]))
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        if not hasattr(self, "bus"):
            return
        now = self.clock.now()
        for queue in self.queues.values():
            for entry in queue.overdue(now):
                queue.entries.remove(entry)
                self.letters[queue.spec.name, entry.message_id, "expired", entry.attempts] += 1
        assert self.run(self._seen()) == (self.letters, self._expected())

    def _expected(self) -> dict[str, tuple[int, int, int]]:
        return {
            name: (len(queue.waiting()), len(queue.held()), int(queue.consumer is not None))
            for name, queue in self.queues.items()
        }

    async def _seen(self) -> tuple[Counter[tuple[str, str, str, int]], dict[str, tuple[int, int, int]]]:
        await self.bus.sweep()
        letters = Counter(
            (each.queue, each.message_id, each.reason, each.attempts)
            for each in await dead_letters(self.log, limit=100_000)
        )
        statistics = {name: await self.bus.statistics(name) for name in self.queues}
        return letters, {name: (each.ready, each.unsettled, each.consumers) for name, each in statistics.items()}


async def _now(decide: Callable[[], None]) -> None:
    """Decide on the loop that the consumer runs on."""
    decide()


def _bytes(message_id: str) -> bytes:
    return UUID(message_id).bytes


QueuesOverTheLog.TestCase.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
TestQueuesOverTheLog = QueuesOverTheLog.TestCase
