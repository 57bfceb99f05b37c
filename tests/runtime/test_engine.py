"""The engine starts in order, undoes what was started where something fails, and ends in bounded time."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from godtui.api.listeners import ApiBindError
from godtui.api.server import serve
from godtui.cli.reaching import owner_address
from godtui.cli.serving import SOCKET, HttpService
from godtui.envelope import EventDraft
from godtui.eventlog import Allegiance, DataDirectoryError, EventLog, OwnedError, Ownership, read_note
from godtui.eventlog.database import open_database
from godtui.filters import Filter, parse
from godtui.holyfields import SchemaFolderError
from godtui.operations import StoreUnavailableError
from godtui.runtime.engine import Engine
from godtui.settings import BusIdentity, Settings
from tests.clock import ManualClock
from tests.eventlog.records import until

DRAFT = EventDraft(event_type="test.event.created", payload={"message": "hello"})


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a Unix socket in it."""
    with tempfile.TemporaryDirectory(prefix="g") as path:
        yield Path(path)


def make(folder: Path, **options: Any) -> Engine:
    """An engine on a free port; what is no option of Engine is a setting."""
    known = {name: options.pop(name) for name in ("services", "workers", "clock") if name in options}
    settings = Settings(**{"data_dir": folder, "port": 0, **options})
    return Engine(settings, Ownership.take(folder), **known)


@contextlib.asynccontextmanager
async def started(folder: Path, **options: Any) -> AsyncIterator[Engine]:
    engine = make(folder, **options)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def is_free(folder: Path) -> bool:
    """Whether the data directory belongs to nobody."""
    try:
        Ownership.take(folder).release()
    except OwnedError:
        return False
    return True


class Recorder:
    """A service that writes down what becomes of it."""

    def __init__(self, name: str, said: list[str], fails: bool = False) -> None:
        self.name, self.said, self.fails = name, said, fails
        self.url = None

    async def start(self) -> None:
        self.said.append(f"{self.name} starts")
        if self.fails:
            raise OSError(f"{self.name} cannot start")

    async def stop(self) -> None:
        self.said.append(f"{self.name} stops")


async def test_it_takes_events_and_says_that_it_is_well(folder: Path) -> None:
    async with started(folder, services=(HttpService,)) as engine:
        receipt = await engine.operations.bus.publish(DRAFT)
        assert await engine.operations.store.event(receipt.event_id) is not None
        health = await engine.operations.monitor.health()
        assert health.status == "ok"
        workers = {
            "announcer",
            "dispatcher",
            "health",
            "notices",
            "registry",
            "replays",
            "retention",
            "schemas",
            "search",
            "tallies",
        }
        assert set(health.components) == {"bus", "store", *workers}
        note = read_note(folder)
        assert note["url"] == engine.url
        assert note["instance"] == engine.instance == health.instance
    assert is_free(folder)
    assert not (folder / SOCKET).exists()


async def test_the_first_words_of_an_engine_are_its_health(folder: Path) -> None:
    async with started(folder, clock=ManualClock()) as engine:
        await until(lambda: engine._log.last_seq >= 2)
        page = await engine.operations.store.query(Filter(), order="asc")
        kinds = [event.event_type for event in page.events]
        assert kinds[:2] == ["bloodbank.health.status", "candystore.event.persisted"]
        assert page.events[0].envelope().source == {"service": "bloodbank", "instance": engine.instance}


async def test_a_folder_without_the_engine_s_own_types_silences_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.json").write_text('{"title": "t", "description": "d", "type": "object", "examples": [{}, {}]}')
    async with started(folder, schemas=tmp_path, max_event_bytes=300) as engine:
        await until(lambda: engine._log.last_seq >= 2)
        await engine.operations.bus.publish(EventDraft(event_type="a.b", payload={}))
        assert len(await engine.operations.schemas.contracts()) == 1


@pytest.mark.parametrize("failing", [0, 1, 2])
async def test_what_was_started_is_stopped_again_where_something_fails(folder: Path, failing: int) -> None:
    said: list[str] = []
    services = [
        (lambda engine, number=number: Recorder(f"service {number}", said, number == failing)) for number in range(3)
    ]
    engine = make(folder, services=services)
    with pytest.raises(OSError, match=f"service {failing} cannot start"):
        await engine.start()
    assert said == [
        *(f"service {number} starts" for number in range(failing + 1)),
        *(f"service {number} stops" for number in reversed(range(failing))),
    ]
    assert is_free(folder)
    await engine.stop()
    async with started(folder):
        pass


async def test_services_stop_before_what_they_stand_on(folder: Path) -> None:
    alive: list[str] = []

    class Late(Recorder):
        async def stop(self) -> None:
            receipt = await engine.operations.bus.publish(DRAFT)
            alive.append(str(receipt.event_id))

    engine = make(folder, services=(lambda engine: Late("late", []),))
    await engine.start()
    await engine.stop()
    assert len(alive) == 1


async def test_a_port_in_use(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ApiBindError, match=rf"port {port} .*; choose another with --port"):
            await make(folder, port=port, services=(HttpService,)).start()
    assert is_free(folder)


async def test_a_broken_schema_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.json").write_text('{"type": "object",\n  "title": }')
    with pytest.raises(SchemaFolderError, match=r"a/b\.json:2:12: not JSON"):
        await make(folder, schemas=tmp_path).start()
    assert is_free(folder)
    assert not list(folder.glob("*.sqlite*")), "nothing was made for what does not start"


@pytest.mark.parametrize("damage", ["no database", "another program's", "cut short"])
async def test_a_damaged_log(folder: Path, damage: str) -> None:
    path = folder / "events.sqlite"
    if damage == "no database":
        path.write_bytes(b"something else entirely, and long enough to be looked at" * 100)
    elif damage == "another program's":
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE theirs (x)")
    else:
        async with started(folder) as engine:
            await engine.operations.bus.publish(DRAFT)
        path.write_bytes(path.read_bytes()[:3000])
    before = path.read_bytes()
    with pytest.raises(DataDirectoryError, match="--data-dir"):
        await make(folder).start()
    assert is_free(folder)
    assert path.read_bytes() == before


async def test_two_engines_do_not_share_a_directory(folder: Path) -> None:
    async with started(folder, services=(HttpService,)) as engine:
        with pytest.raises(OwnedError) as caught:
            make(folder)
        assert caught.value.owner["url"] == engine.url


async def test_stopping_twice_at_once_and_before_starting(folder: Path) -> None:
    engine = make(folder)
    await engine.start()
    await asyncio.gather(engine.stop(), engine.stop())
    await engine.stop()
    never = make(folder)
    await never.stop()
    assert is_free(folder)


async def test_a_start_that_is_cancelled_leaves_nothing(folder: Path) -> None:
    class Endless(Recorder):
        async def start(self) -> None:
            await super().start()
            await asyncio.Event().wait()

    said: list[str] = []
    engine = make(folder, services=(lambda engine: Endless("endless", said),))
    task = asyncio.create_task(engine.start())
    await until(lambda: said)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_free(folder)


async def test_stopping_waits_for_nobody_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that says half a request, one that reads no stream, a publish that hangs: all are cut."""
    monkeypatch.setitem(serve.__kwdefaults__, "grace", 1)
    engine = make(folder, services=(HttpService,), publish_timeout=3600)
    await engine.start()
    assert engine.url is not None
    port = int(engine.url.rsplit(":", 1)[1])
    hanging = asyncio.Event()

    async def hang(*arguments: Any, **options: Any) -> Any:
        hanging.set()
        await asyncio.Event().wait()

    engine._transport.bus.publish = hang  # type: ignore[method-assign]
    with socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(b"POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        async with httpx.AsyncClient(trust_env=False) as client, connect(f"ws://127.0.0.1:{port}/stream?after=0"):
            body = {"event_type": "test.event.created", "payload": {"message": "x"}}
            slow = asyncio.create_task(client.post(f"{engine.url}/publish", json=body))
            await hanging.wait()
            await asyncio.wait_for(engine.stop(), 30)
            with contextlib.suppress(httpx.HTTPError):
                await slow
    assert is_free(folder)


async def test_health_follows_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(folder, workers=False) as engine:
        fault: list[str | None] = [None]
        monkeypatch.setattr(EventLog, "fault", property(lambda log: fault[0]))
        assert engine.health().status == "ok"
        fault[0] = "database or disk is full"
        health = engine.health()
        assert health.status == "down"
        assert health.components["bus"].detail == "events cannot be accepted: database or disk is full"
        assert "free space" in health.components["store"].detail
        fault[0] = "it was moved; put it back"
        assert "free space" not in engine.health().components["store"].detail
        fault[0] = None
        assert engine.health().status == "ok"


async def test_a_disk_that_is_full_at_start_hides_nothing_and_is_recovered_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(folder, workers=False) as engine:
        await engine.operations.bus.publish(DRAFT)
    shut = True
    announce = Ownership.announce

    def open_or_not(*arguments: Any) -> sqlite3.Connection:
        if shut:
            raise OSError(errno.ENOSPC, "No space left on device", "events.sqlite-shm")
        return open_database(*arguments)

    def announce_or_not(ownership: Ownership, note: dict[str, object]) -> bool:
        return not shut and announce(ownership, note)

    monkeypatch.setattr("godtui.eventlog.log.open_database", open_or_not)
    monkeypatch.setattr(Ownership, "announce", announce_or_not)
    async with started(folder, services=(HttpService,)) as engine:
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{engine.url}/events")).status_code == 503
        for after in (None, 0, 5):
            with pytest.raises(StoreUnavailableError, match="No space left"):
                await anext(engine.operations.store.stream(parse("", now=0), after=after))
        assert engine.health().components["store"].figures["last_seq"] is None
        assert owner_address(engine.settings, read_note(folder)) == folder / SOCKET, "its socket speaks for it"
        assert owner_address(engine.settings, {"pid": 1, "url": None}) is None, "a command's engine takes no commands"
        shut = False
        await until(lambda: engine.health().status == "ok")
        await until(lambda: read_note(folder).get("url") == engine.url)
        assert (await engine.operations.store.query(parse("", now=0))).events
    assert read_note(folder) == {}
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(folder / SOCKET))
    assert owner_address(engine.settings, {}) is None


async def test_another_bus_s_directory_is_left_as_it_is(folder: Path) -> None:
    Allegiance(folder, BusIdentity.of("amqp://one/v")).keep()
    with pytest.raises(DataDirectoryError, match=r"one:5672 \(virtual host v\), not to the bus embedded:.*--data-dir"):
        await make(folder).start()
    assert is_free(folder)
    assert [path.name for path in folder.iterdir()] == ["bus.json"]


async def test_the_bus_is_remembered_once_the_disk_has_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = folder / "bus.json"
    with monkeypatch.context() as full:
        full.setattr("godtui.eventlog.allegiance.write_note", lambda *_, **options: False)
        engine = make(folder)
        await engine.start()
    assert not note.exists()
    engine._log_changed()
    await until(note.exists)
    await engine.stop()
    assert note.exists(), "unlike the owner's"


async def test_a_log_that_outgrows_itself_is_degraded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(folder, workers=False) as engine:
        monkeypatch.setattr(EventLog, "wal_bytes", property(lambda log: 65 * 1024 * 1024))
        monkeypatch.setattr(EventLog, "oldest_reader", lambda log: (12.0, "an export"))
        health = engine.health()
        assert health.status == "degraded"
        assert "an export" in health.components["store"].detail


async def test_it_says_where_it_started_without_secrets(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with started(folder, services=(HttpService,), api_token="s3cret-token"):
        assert "s3cret" not in (folder / "owner.json").read_text()
    assert "s3cret" not in caplog.text
    assert str(folder) in caplog.text


def test_the_embedded_bus_loads_nothing_of_a_broker() -> None:
    code = "import sys, godtui.runtime.engine, godtui.cli; print({'aiormq', 'aio_pika'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "set()"
