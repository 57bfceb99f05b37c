"""Sending over a broker: what is confirmed is kept, what is not is tried again, what is refused is said."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from godtui.bloodbank.bus import (
    Confirmed,
    Message,
    PublishOutcome,
    QueueStatistics,
    Refused,
    Unconfirmed,
    UnknownQueueError,
)
from godtui.candystore.replay.carriers import NO_EXCHANGE, BrokerCarrier, NotNowError
from godtui.candystore.replay.errors import ReplayRefusedError
from godtui.operations import ReplayRequest, StoreUnavailableError
from godtui.operations.replays import EngineReplays
from tests.candystore.replay.rig import Rig
from tests.candystore.replay.test_faults import ticking


class HandBus:
    """A broker that answers what the test says, and else confirms."""

    def __init__(self) -> None:
        self.answers: list[dict[int, PublishOutcome]] = []
        self.sent: list[list[Message]] = []
        self.gone = False
        self.fault: str | None = None

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        self.sent.append(list(messages))
        if self.gone:
            return [Refused("no queue named some is declared")] * len(messages)
        answer = self.answers.pop(0) if self.answers else {}
        return [answer.get(place, Confirmed(None)) for place in range(len(messages))]

    async def statistics(self, queue: str) -> QueueStatistics:
        if self.fault:
            raise TimeoutError
        if self.gone:
            raise UnknownQueueError(f"no queue named {queue} is declared")
        return QueueStatistics(0, 0, 0)

    async def keeps_routing_key(self, queue: str) -> bool | None:
        return None if self.fault else queue != "some"

    @property
    def payloads(self) -> list[str]:
        return [message.body.decode().rpartition('"message":"')[2][:4] for step in self.sent for message in step]


@pytest.fixture
def bus() -> HandBus:
    return HandBus()


@pytest_asyncio.fixture
async def far(tmp_path: Path, bus: HandBus) -> AsyncGenerator[Rig]:
    opened = Rig(tmp_path)
    opened.make_carrier = lambda log: BrokerCarrier(bus, log, 5.0, {"our.own"})  # type: ignore[arg-type]
    await opened.open()
    yield opened
    await opened.close()


async def test_what_was_not_confirmed_is_sent_again_in_order(far: Rig, bus: HandBus) -> None:
    await far.publish(range(4))
    bus.answers = [{1: Unconfirmed("the broker is away"), 2: Confirmed(None)}, {0: Unconfirmed("the broker is away")}]
    view = await far.create(speed="max")
    waiting = await far.reaches(view.replay_id, done=1, reason="the broker is away")
    assert waiting.state == "running"
    done = await ticking(far, view, "completed")
    assert (done.done, done.sent, done.skipped, done.reason) == (4, 4, 0, "")
    assert bus.payloads == ["at 0", "at 1", "at 2", "at 3", "at 1", "at 2", "at 3", "at 1", "at 2", "at 3"]
    first = bus.sent[0][0]
    assert first.record is not None
    assert first.routing_key == first.record.event_type


async def test_what_is_refused_for_good_is_left_out_and_said(far: Rig, bus: HandBus) -> None:
    await far.publish(range(3))
    bus.answers = [{1: Refused("it is larger than the broker takes")}]
    view = await far.create(speed="max", to="queue:some")
    done = await far.reaches(view.replay_id, state="completed")
    assert (done.done, done.sent, done.skipped) == (3, 2, 1)
    assert done.reason == "1 left out, as the bus refuses them; the last: it is larger than the broker takes"


async def test_a_queue_of_the_broker_s_that_goes_fails_it(far: Rig, bus: HandBus) -> None:
    await far.publish([0, 10])
    view = await far.create(to="queue:some")
    await far.reaches(view.replay_id, done=1)
    bus.gone = True
    failed = await ticking(far, view, "failed")
    assert (failed.reason, failed.done, failed.skipped) == ("no queue named some is declared", 1, 0)


async def test_a_queue_that_goes_in_the_middle_of_a_step_leaves_nothing_out(far: Rig, bus: HandBus) -> None:
    await far.publish(range(4))
    gone = Refused("no queue named some is declared")
    view = await far.create(speed="max", to="queue:some", paused=True)
    bus.answers = [{2: gone, 3: gone}]
    sending = bus.publish

    async def publish(messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        outcomes = await sending(messages, queue=queue)
        bus.gone = True
        return outcomes

    bus.publish = publish  # type: ignore[method-assign]
    await far.replays.resume(view.replay_id)
    failed = await far.reaches(view.replay_id, state="failed")
    assert (failed.reason, failed.done, failed.sent, failed.skipped) == ("no queue named some is declared", 2, 2, 0)


async def test_a_queue_that_cannot_be_seen_now_may_be_asked_for_again(far: Rig, bus: HandBus) -> None:
    bus.fault = "connection refused"
    with pytest.raises(NotNowError, match="whether there is a queue some cannot be seen now: connection refused"):
        await far.create(to="queue:some")
    bus.fault = None
    assert (await far.create(to="queue:some")).state == "running"
    with pytest.raises(ReplayRefusedError, match="nothing can be sent to our"):
        await far.create(to="queue:our.own")


async def test_a_step_that_cannot_be_sent_says_why(far: Rig, bus: HandBus) -> None:
    await far.publish(range(2))
    view = await far.create(to="queue:some", paused=True)
    bus.answers = [{0: Unconfirmed("the broker is away")}]
    with pytest.raises(StoreUnavailableError, match="the broker is away"):
        await EngineReplays(far.replays).step(view.replay_id, 1)
    assert (await far.view(view.replay_id)).state == "paused"
    assert (await far.replays.step(view.replay_id, 1)).done == 1
    bus.gone = True
    failed = await far.replays.step(view.replay_id, 1)
    assert (failed.state, failed.reason, failed.done) == ("failed", "no queue named some is declared", 1)
    assert await far.view(view.replay_id) == failed


async def test_while_it_is_not_this_instance_s_turn_it_says_why_it_does_not_go_on(far: Rig) -> None:
    await far.publish([0, 10])
    view = await far.create(to="queue:some")
    await far.reaches(view.replay_id, done=1, reason="")
    await far.close()
    far.standing = "there is no connection to the broker"
    await far.open(works=False)
    waiting = await far.view(view.replay_id)
    assert (waiting.state, waiting.reason, waiting.eta_s) == ("running", far.standing, None)
    assert (await far.replays.pause(view.replay_id)).reason == ""
    assert (await far.replays.resume(view.replay_id)).reason == far.standing
    assert [each.reason for each in await far.replays.newest(1)] == [far.standing]


async def test_a_plan_says_where_the_routing_key_cannot_be_kept(far: Rig, bus: HandBus) -> None:
    said = {}
    for queue in ("some", "other"):
        said[queue] = (await far.replays.plan(ReplayRequest(filter="", to=f"queue:{queue}"))).notes
    nobody = "{}: nobody takes from it now; what is sent waits there"
    assert said == {"some": (f"some: {NO_EXCHANGE}", nobody.format("some")), "other": (nobody.format("other"),)}
