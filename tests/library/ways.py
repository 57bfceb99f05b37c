"""The ways to the bus that the library knows, each with something at its end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.api.server import ApiService, serve
from godtui.bloodbank import Publisher, Subscriber, tables
from godtui.bloodbank.bus import QueueSpec
from godtui.bloodbank.deadletters import dead_letters
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.library.bus_outlet import BusOutlet
from godtui.bloodbank.library.patience import Patience
from godtui.bloodbank.library.queue_inlet import QueueInlet
from godtui.bloodbank.publisher import PublishingRules
from godtui.bloodbank.rabbitmq import DEAD_LETTERS, RabbitBus
from godtui.clock import SystemClock
from godtui.eventlog import EventLog, Ownership
from godtui.holyfields import Contracts, Registry
from godtui.runtime.engine import Engine
from godtui.settings import Settings

TOKEN = "abc"
PAUSE = 0.02


class Way(ABC):
    """A way with nothing on it yet. Subscribers of one `queue` share what comes."""

    keeps_letters: ClassVar[bool] = True
    knows_conflicts: ClassVar[bool] = True

    def __init__(self, directory: Path, schemas: Path) -> None:
        self.directory = directory
        self.schemas = schemas

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...

    @abstractmethod
    def publisher(self, **options: Any) -> Publisher: ...

    @abstractmethod
    def subscriber(
        self, queue: str = "library.test", *, bindings: Sequence[str] = ("#",), after: int | None = None, **options: Any
    ) -> Subscriber:
        """`after` is where the one before ended; a broker knows that itself."""

    async def letters(self) -> list[tuple[str, bytes]]:
        """Reason and body of every dead letter."""
        return []


class HttpWay(Way):
    """Through a running godtui."""

    keeps_letters = False

    def __init__(self, directory: Path, schemas: Path) -> None:
        super().__init__(directory, schemas)
        self.port = 0
        self.engine: Engine
        self.service: ApiService

    @property
    def url(self) -> str:
        return self.service.url

    async def start(self) -> None:
        settings = Settings(data_dir=self.directory / "data", schemas=self.schemas)
        self.engine = Engine(settings, Ownership.take(settings.data_dir), workers=False)
        await self.engine.start()
        application = create_application(self.engine.operations, ApiConfig(token=TOKEN), SystemClock())
        self.service = await serve(application, "127.0.0.1", self.port)
        self.port = self.service.port

    async def stop(self) -> None:
        await self.service.stop()
        await self.engine.stop()

    def publisher(self, **options: Any) -> Publisher:
        return Publisher.connect(self.url, TOKEN, **options)

    def subscriber(
        self, queue: str = "library.test", *, bindings: Sequence[str] = ("#",), after: int | None = None, **options: Any
    ) -> Subscriber:
        options = {"first_pause": PAUSE, **options}
        return Subscriber.connect(self.url, TOKEN, bindings=bindings, after=after, **options)


class _Kept(EmbeddedBus):
    """A bus that several share: nobody who uses it starts or closes it."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class BusWay(Way):
    """Over a bus in this process, as a broker is used."""

    async def start(self) -> None:
        self.log = EventLog(self.directory, rooms=(tables.MIGRATIONS,), clock=SystemClock())
        self.log.start()
        self.bus = _Kept(self.log, SystemClock())
        await EmbeddedBus.start(self.bus)
        self.contracts = Contracts(Registry.load(self.schemas))

    async def stop(self) -> None:
        await EmbeddedBus.close(self.bus)
        await self.log.close()

    def publisher(self, service: str = "python", **options: Any) -> Publisher:
        return Publisher(BusOutlet(self.bus, self.contracts, PublishingRules(**options)), service)

    def subscriber(
        self,
        queue: str = "library.test",
        *,
        bindings: Sequence[str] = ("#",),
        after: int | None = None,
        max_attempts: int = 5,
        on_give_up: Any = None,
        **options: Any,
    ) -> Subscriber:
        spec = QueueSpec(queue, tuple(bindings))
        patience = Patience(max_attempts, PAUSE, on_give_up)

        async def ready() -> None:
            await self.bus.declare(spec)

        return Subscriber(QueueInlet(self.bus, spec, patience, ready=ready, **options))

    async def letters(self) -> list[tuple[str, bytes]]:
        return [(each.reason, each.body) for each in await dead_letters(self.log)]


class BrokerWay(Way):
    """Over RabbitMQ, on a virtual host of these tests."""

    knows_conflicts = False

    def __init__(self, directory: Path, schemas: Path, url: str) -> None:
        super().__init__(directory, schemas)
        self.url = url
        self._queues: set[str] = set()

    async def start(self) -> None: ...

    async def stop(self) -> None:
        async with _opened(RabbitBus([self.url])) as bus:
            for queue in (*self._queues, DEAD_LETTERS):
                await bus.delete(queue)

    def publisher(self, **options: Any) -> Publisher:
        return Publisher.connect(self.url, schemas=self.schemas, **options)

    def subscriber(
        self, queue: str = "library.test", *, bindings: Sequence[str] = ("#",), after: int | None = None, **options: Any
    ) -> Subscriber:
        self._queues.add(queue)
        return Subscriber.connect(self.url, queue=queue, bindings=bindings, **{"first_pause": PAUSE, **options})

    async def letters(self) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        async with _opened(RabbitBus([self.url])) as bus, bus.subscribe(QueueSpec(DEAD_LETTERS, ())) as letters:
            while (await bus.statistics(DEAD_LETTERS)).ready:
                batch = await letters.batch(10)
                found += [
                    (str(each.message.headers["x-godtui-reason"]), each.message.body) for each in batch.deliveries
                ]
                await batch.settle()
        return found


class _opened:  # noqa: N801 - reads as a function
    def __init__(self, bus: RabbitBus) -> None:
        self._bus = bus

    async def __aenter__(self) -> RabbitBus:
        await self._bus.start()
        assert await self._bus.connected(30)
        return self._bus

    async def __aexit__(self, *exception: object) -> None:
        await self._bus.close()
