"""The dispatcher on a broker: deliveries wait out its absence, and one instance at a time dispatches them."""

from __future__ import annotations

import asyncio
import hmac
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from yarl import URL

from godtui import jsontext
from godtui.bloodbank.queues import PLANE
from godtui.bloodbank.rabbitmq import claim
from godtui.dispatcher import carrier
from godtui.envelope import new_id
from godtui.eventlog import Ownership
from godtui.filters import parse
from godtui.jsontext import Json
from godtui.operations import DispatcherUnavailableError, TicketView
from godtui.runtime.engine import Engine
from godtui.settings import Settings
from tests import broker
from tests.chaos.proxy import Proxy
from tests.clock import ManualClock
from tests.dispatcher.engine import SECRET, TOKEN, World, edited, reference, ticket_id
from tests.instances.test_processes import eventually
from tests.openclaw import Mood, OpenClaw
from tests.processes import PATIENCE, Process, headless
from tests.rawamqp import RawPublisher, short

ALONE: Final = "this instance has no history: deliveries come from its queue alone"
BOTH: Final = ("persister", "dispatcher")


class Instance(World):
    """An engine on the broker, with a data directory and a state file of its own."""

    def make(self, **settings: Any) -> Engine:
        made = Settings(
            **{
                "data_dir": self.folder / "data",
                "health_interval": 3600,
                "openclaw_hook_url": self.claw.url,
                "openclaw_hook_token": TOKEN,
                "plane_webhook_secret": SECRET,
                "infra_run_checks": False,
                "infra_dispatch_state_path": self.state_path,
                "infra_components_root": self.components,
                **self.settings,
                **settings,
            }
        )
        return Engine(made, Ownership.take(made.data_dir))

    async def _view(self, number: int) -> list[TicketView]:
        """None, too, while it is not this instance's turn."""
        with suppress(DispatcherUnavailableError):
            return await super()._view(number)
        return []

    @property
    def components(self) -> Path:
        """Where bloodbank is."""
        found = self.folder / "components"
        (found / "bloodbank").mkdir(parents=True, exist_ok=True)
        return found

    async def waiting(self) -> int:
        """How many deliveries are in the dispatcher's queue."""
        return (await self.running._transport.bus.statistics(PLANE)).ready

    def component(self, name: str) -> Any:
        return self.running.health().components[name]


class Place:
    """A virtual host, the way to it, OpenClaw, and instances that are started one after the other."""

    def __init__(self, vhost: str, proxy: Proxy, claw: OpenClaw, stack: AsyncExitStack) -> None:
        self.vhost = vhost
        self.proxy = proxy
        self.claw = claw
        self._stack = stack

    async def instance(self, *workers: str, **settings: Any) -> Instance:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="g")))
        instance = Instance(folder, self.claw, ManualClock())
        self._stack.push_async_callback(instance.stop)
        await instance.start(bus_url=self.proxy.url_of(self.vhost), workers=workers, **settings)
        return instance


@pytest.fixture(scope="module")
def vhost() -> Iterator[str]:
    """The URL of a virtual host of these tests' own."""
    node = broker.shared()
    name = f"dispatching-{uuid4().hex}"
    node.add_vhost(name)
    yield node.url_of(name)
    node.control("delete_vhost", name)


@pytest.fixture
async def place(vhost: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(claim, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(claim, "READ_AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(claim, "VACANT_SECONDS", 0.1)
    proxy = Proxy(URL(vhost).port or 0)
    await proxy.accept()
    async with AsyncExitStack() as stack:
        claw = await stack.enter_async_context(OpenClaw(token=TOKEN))
        stack.push_async_callback(proxy.refuse)
        yield Place(vhost, proxy, claw, stack)


async def test_what_comes_while_the_broker_is_away_is_dispatched_once_it_is_back(place: Place) -> None:
    one = await place.instance(*BOTH)
    await place.proxy.refuse()
    await one.until(lambda: one.component("bus").status == "down")
    delivered = await one.post(edited(1, 0))
    again = await one.post(edited(1, 0))
    assert again.event_id == delivered.event_id
    await one.until(lambda: one.component("relay").figures["waiting"] == 1)
    await one.until(lambda: stands(one, "standing by: there is no connection to the broker"))
    with pytest.raises(DispatcherUnavailableError, match="there is no connection to the broker"):
        await one.desk.pause()
    await place.proxy.accept()
    await one.reaches(1, "dispatched")
    await one.until(lambda: said(one, 1, ["qualified", "dispatched"]))
    assert [json.loads(request.body)["sessionKey"] for request in place.claw.requests]
    assert len(place.claw.runs) == 1
    assert (await one.desk.status()).notes == []


async def stands(instance: Instance, reason: str) -> bool:
    status = await instance.desk.status()
    return (status.state, status.reason) == ("standing by", reason)


async def said(instance: Instance, number: int, words: list[str]) -> bool:
    return await instance.said(number) == words


async def test_a_check_and_a_send_survive_the_loss_of_the_connection(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checks are run again after it; what is being sent is answered, or sent again as it was."""
    one = await place.instance(*BOTH, **checked("echo begun >> begun; until [ -e go ]; do sleep 0.02; done"))
    begun, go = (one.components / "bloodbank" / name for name in ("begun", "go"))
    await one.post(edited(2, 0, labels=["ready", "automation:go", "comp:bloodbank"]))
    await one.reaches(2, "checking")
    await one.until(begun.exists)
    await place.proxy.cut()
    await one.until(lambda: begun.read_text() == "begun\n" * 2)
    place.claw.moods += [Mood.SLOW, Mood.SLOW]
    go.touch()
    await place.claw.received(1)
    await loses(one, place.proxy.cut())
    place.claw.admit()
    await one.reaches(2, "dispatched")
    assert len(place.claw.runs) == 1, "it was answered before the turn was over"
    monkeypatch.setattr(carrier, "LEAVE_SECONDS", 0.05)
    await one.post(edited(3, 0, labels=["ready", "automation:go"]))
    await place.claw.received(2)
    await place.proxy.cut()
    await place.claw.received(3)
    place.claw.admit()
    await one.reaches(3, "dispatched")
    second, third = place.claw.requests[1:]
    assert (second.body, second.header("Idempotency-Key")) == (third.body, third.header("Idempotency-Key"))
    assert len(place.claw.runs) == 2
    await one.until(lambda: said(one, 3, ["qualified", "dispatched"]))


def checked(command: str) -> dict[str, Any]:
    """Settings with one check, which runs in the instance's folder."""
    return {"infra_run_checks": True, "infra_component_checks_json": {"bloodbank": {"command": command}}}


async def loses(instance: Instance, cut: Awaitable[None]) -> None:
    """Wait until the turn is over."""
    turn = instance.running._transport.dispatching
    assert turn is not None
    lost = asyncio.ensure_future(turn.lost())
    await cut
    await asyncio.wait_for(lost, PATIENCE)


@pytest.mark.parametrize("workers", [("dispatcher",), BOTH], ids="-".join)
async def test_who_has_no_history_dispatches_from_the_queue_alone(place: Place, workers: tuple[str, ...]) -> None:
    number = 4 + len(workers)
    keeping = await place.instance("persister")
    await keeping.until(lambda: keeping.component("persister").figures["state"] == "running")
    await keeping.post(edited(number, 0))
    await keeping.until(lambda: stored(keeping, "type:webhook.plane.#"))
    await keeping.until(lambda: leaves(keeping, 1))
    assert (await keeping.desk.status()).state == "off"
    dispatching = await place.instance(*workers)
    await dispatching.reaches(number, "dispatched")
    await dispatching.post(edited(number + 10, 0))
    await dispatching.reaches(number + 10, "dispatched")
    assert (await dispatching.desk.status()).notes == [ALONE]
    await keeping.until(lambda: said(keeping, number + 10, ["qualified", "dispatched"]))
    assert await keeping.said(number) == ["qualified", "dispatched"]
    assert await dispatching.waiting() == 0
    assert len(place.claw.requests) == 2


async def stored(instance: Instance, expression: str) -> bool:
    return bool(await instance.events(expression))


async def leaves(instance: Instance, number: int) -> bool:
    return await instance.waiting() == number


async def test_what_others_publish_is_decided_or_dead_lettered(place: Place) -> None:
    one = await place.instance(*BOTH)
    body = edited(8, 0)
    envelope = {
        "event_id": str(new_id()),
        "event_type": "webhook.plane.issue.updated",
        "timestamp": "2026-02-07T13:00:01Z",
        "source": {"service": "a-plane-bridge"},
        "payload": body,
    }
    with await asyncio.to_thread(RawPublisher, place.vhost) as publisher:
        for content in (b"\xff junk", json.dumps(envelope).encode(), json.dumps([body]).encode()):
            publisher.publish(
                content, b"bloodbank.events", b"webhook.plane.issue.updated", content_type=short(b"application/json")
            )
    assert (await one.reaches(8, "dispatched")).reference == reference(8)
    await one.until(lambda: letters(one, 2))
    assert len(place.claw.runs) == 1


async def letters(instance: Instance, number: int) -> bool:
    """Whether so many deliveries of the dispatcher's queue are letters, each with a reason."""
    page = await instance.running.operations.letters.page(parse("", now=0))
    reasons = [letter.reason for letter in page.letters if letter.queue == PLANE]
    return len(reasons) == number and all(reason.startswith("invalid_envelope: ") for reason in reasons)


class Program:
    """A godtui as users start it."""

    def __init__(self, process: Process) -> None:
        self.process = process.started()
        self.url = process.url
        self.name: str = httpx.get(f"{self.url}/health").json()["instance"]

    def status(self) -> Any:
        answer = httpx.get(f"{self.url}/dispatcher")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def deliver(self, body: Json) -> None:
        raw = jsontext.dumps(body)
        signature = hmac.digest(SECRET.encode(), raw, "sha256").hex()
        headers = {"X-Plane-Event": "issue", "X-Plane-Signature": signature}
        answer = httpx.post(f"{self.url}/webhooks/plane", content=raw, headers=headers)
        assert answer.status_code == 200, answer.text

    def is_dispatched(self, number: int) -> bool:
        answer = httpx.get(f"{self.url}/dispatcher/tickets/{ticket_id(number)}")
        return answer.status_code == 200 and answer.json()["state"] == "dispatched"


async def test_one_dispatches_and_another_takes_over(vhost: str) -> None:
    async with OpenClaw(token=TOKEN) as claw:
        with tempfile.TemporaryDirectory(prefix="g") as folder:
            await asyncio.to_thread(takes_over, Path(folder), vhost, claw)


def takes_over(home: Path, vhost: str, claw: OpenClaw) -> None:
    state = home / "state.json"

    def launch(name: str) -> Process:
        (home / name).mkdir()
        return headless(
            home / name,
            "--workers",
            "persister,dispatcher",
            GODTUI_BUS_URL=vhost,
            GODTUI_HEALTH_INTERVAL="3600",
            OPENCLAW_HOOK_URL=claw.url,
            OPENCLAW_HOOK_TOKEN=TOKEN,
            PLANE_WEBHOOK_SECRET=SECRET,
            INFRA_RUN_CHECKS="false",
            INFRA_DISPATCH_STATE_PATH=str(state),
        )

    with launch("a") as a:
        first = Program(a)
        eventually(lambda: first.status()["state"] == "running")
        with launch("b") as b:
            second = Program(b)
            for number, program in ((21, first), (22, second)):
                program.deliver(edited(number, 0))
                eventually(partial(is_written, state, number))
            stands_by(first, second)
            first.process.kill()
            second.deliver(edited(21, 5, priority="low"))
            second.deliver(edited(23, 0))
            eventually(lambda: second.is_dispatched(23))
            assert second.status()["active"] is None
            keys = [json.loads(request.body)["idempotencyKey"] for request in claw.requests]
            assert len(claw.runs) == 3, f"nothing that the first had dispatched is dispatched again: {keys}"


def stands_by(first: Program, second: Program) -> None:
    """Who does not dispatch says who does, whatever is asked of it."""
    status = second.status()
    assert (status["state"], status["active"]) == ("standing by", first.name)
    for control in ("pause", "resume", f"tickets/{ticket_id(21)}/retry"):
        answer = httpx.post(f"{second.url}/dispatcher/{control}")
        assert answer.status_code == 503, answer.text
        assert f"standing by: {first.name} is active since " in answer.json()["detail"]


def is_written(state: Path, number: int) -> bool:
    """Whether the state file says that a ticket is dispatched."""
    tickets = jsontext.parse(state.read_bytes())["tickets"] if state.exists() else {}
    return bool(tickets.get(ticket_id(number), {}).get("state") == "dispatched")
