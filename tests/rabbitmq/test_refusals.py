"""What a broker refuses is said in a sentence that names it and the ways out, and never a password."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
import pytest_asyncio
from aiormq.channel import Channel

from godtui.bloodbank.bus import Confirmed, QueueSpec, Unconfirmed
from godtui.bloodbank.holder import Holder
from godtui.bloodbank.rabbitmq import MEMORY, DeclarationError, RabbitBus, Topology
from godtui.bloodbank.rabbitmq.nameplate import Nameplate
from tests.broker import Node
from tests.contract.harness import PATIENCE
from tests.contract.messages import event, eventually
from tests.rabbitmq.conftest import opened

SECRET = "s3cret-pass"
DOCUMENT = Path(__file__).parents[2] / "docs" / "rabbitmq.md"


@pytest.fixture(autouse=True)
def no_password_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG, "godtui")
    yield
    assert not [record for record in caplog.records if SECRET in record.getMessage() and record.name != "asyncio"]


@pytest.fixture(scope="module")
def guest(node: Node, vhost: str) -> Iterator[str]:
    """The name of a user who may read and write, and configure nothing."""
    name = f"guest-{uuid4().hex[:8]}"
    node.control("add_user", name, SECRET)
    node.control("set_permissions", "--vhost", vhost, name, "^$", ".*", ".*")
    yield name
    node.control("delete_user", name)


@pytest_asyncio.fixture
async def clean(stranger: Channel) -> AsyncIterator[None]:
    yield
    for queue in Topology().queues:
        await stranger.queue_delete(queue.name)


async def says(bus: RabbitBus, pattern: str) -> str:
    """The bus's fault, once it is one of these."""

    async def look() -> bool:
        assert re.search(pattern, str(bus.fault)), bus.fault
        return True

    await eventually(look)
    assert SECRET not in f"{bus.fault} {bus.state}"
    (outcome,) = await bus.publish([event()])
    assert isinstance(outcome, Unconfirmed)
    assert SECRET not in outcome.reason
    return str(bus.fault)


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            Topology("classic").arguments(Topology().memory, ()),
            "queue candystore.events exists with x-queue-type = classic, wanted is quorum; set GODTUI_QUEUE_TYPE",
        ),
        (
            {**Topology().arguments(Topology().memory, ()), "x-message-ttl": 5000},
            "queue candystore.events exists with x-message-ttl = 5000, wanted is none; set GODTUI_MESSAGE_TTL",
        ),
    ],
)
async def test_a_queue_with_other_arguments(
    url: str, stranger: Channel, arguments: dict[str, str], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    await stranger.queue_declare(MEMORY, durable=True, arguments=arguments)
    async with opened(url) as bus:
        assert await says(bus, "exists with") == (
            f"{said} to match, or empty and delete the queue, it is declared anew"
        )
        assert bus.state.status == "open", "others may find what they need"
        await stranger.queue_delete(MEMORY)
        await eventually(lambda: _has_no_fault(bus))
        assert isinstance((await bus.publish([event()]))[0], Confirmed)
    assert len([record for record in caplog.records if "exists with" in record.getMessage()]) == 1


async def test_a_queue_of_ones_own_with_other_arguments(url: str, stranger: Channel) -> None:
    await stranger.queue_declare("mine", durable=True, arguments=Topology().lasting(()))
    async with opened(url) as bus:
        assert await bus.connected(PATIENCE)
        with pytest.raises(DeclarationError, match=r"queue mine exists with x-[a-z-]+ = none, wanted is "):
            await bus.declare(QueueSpec("mine", ("#",)))
        assert isinstance((await bus.publish([event()]))[0], Confirmed)


@pytest.mark.usefixtures("clean")
async def test_a_user_who_may_not_declare(node: Node, vhost: str, guest: str) -> None:
    async with opened(node.url_of(vhost, guest, SECRET)) as bus:
        said = await says(bus, "permission")
        assert f"user '{guest}' has no permission for " in said
        assert f"in virtual host '{vhost}'; grant it with rabbitmqctl set_permissions" in said


async def test_a_user_with_the_permissions_that_are_documented(node: Node, vhost: str, guest: str) -> None:
    documented = re.search(r"`(\^\(\(bloodbank.+)`", DOCUMENT.read_text(encoding="utf-8"))
    assert documented
    node.control("set_permissions", "--vhost", vhost, guest, *[documented[1]] * 3)
    async with opened(node.url_of(vhost, guest, SECRET)) as bus, bus.tap(("#",)):
        assert await bus.connected(PATIENCE), bus.fault
        message = event()
        assert [type(each) for each in await bus.publish([message], queue=MEMORY)] == [Confirmed]
        async with bus.subscribe(bus.topology.memory) as consumer:
            for attempt, after in enumerate((0.0, 0.1), start=1):
                (delivery,) = (await consumer.batch(1)).deliveries
                assert (delivery.message.message_id, delivery.attempt) == (message.message_id, attempt)
                delivery.retry("again", after)
            (delivery,) = (await consumer.batch(1)).deliveries
            delivery.dead_letter("enough")
            await consumer.flush()
        nameplate = Nameplate(bus._consuming, "godtui.persister")
        await nameplate.write(Holder("me"))
        assert await nameplate.read() == Holder("me")
        assert await bus.keeps_routing_key(MEMORY)
        node.control("set_permissions", "--vhost", vhost, guest, "^$", ".*", ".*")
        assert await bus.keeps_routing_key(MEMORY) is False
        assert await bus.keeps_routing_key("nowhere") is None


async def test_a_wrong_password(node: Node, vhost: str, guest: str) -> None:
    async with opened(node.url_of(vhost, guest, SECRET + "x")) as bus:
        said = await says(bus, "refuses the name or password")
        assert said.endswith(f"the broker refuses the name or password of user '{guest}'; check GODTUI_BUS_URL")
        assert f"amqp://{guest}:***@127.0.0.1:{node.port}/{vhost}" in said


async def test_a_wrong_virtual_host(node: Node, guest: str) -> None:
    for name in ("nothing.there", "/"):
        async with opened(node.url_of(quote(name, safe=""), guest, SECRET)) as bus:
            said = await says(bus, "does not let")
            assert f"user '{guest}' into virtual host '{name}'" in said


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("amqp://someone:{0}@127.0.0.1:1/", "connection refused"),
        ("amqp://someone:{0}@host.invalid/", "no host of that name is known"),
        ("amqps://someone:{0}@127.0.0.1:{1}/", "no TLS there"),
    ],
)
async def test_nobody_there(node: Node, address: str, said: str) -> None:
    async with opened(address.format(SECRET, node.port)) as bus:
        await says(bus, said)


async def _has_no_fault(bus: RabbitBus) -> bool:
    return bus.fault is None
