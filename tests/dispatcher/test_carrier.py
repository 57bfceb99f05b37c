"""Ready tickets on their way to OpenClaw: checks, holds, tries, answers, and what an operator can do about each."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from godtui.dispatcher.handover import MOST_SENDS
from godtui.operations import TicketStateError
from tests.dispatcher.engine import TOKEN, World, edited, reference, ticket_id, world
from tests.openclaw import Mood, Reply

GO = ["ready", "automation:go"]


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


def checks(there: World, **commands: str) -> dict[str, Any]:
    """The setting of checks by component."""
    return {name: {"command": command, "cwd": str(there.folder)} for name, command in commands.items()}


def messages(there: World) -> list[str]:
    """What was sent, request by request."""
    return [json.loads(request.body)["message"] for request in there.claw.requests]


def labelled(*components: str) -> list[str]:
    return [*GO, *(f"comp:{component}" for component in components)]


async def settled(there: World) -> None:
    """Let everything that is under way come to where it waits for something."""
    for _ in range(50):
        await asyncio.sleep(0.002)


async def test_a_ready_ticket_is_dispatched_once_and_its_trace_shows_how(there: World) -> None:
    await there.start(infra_component_checks_json=checks(there, bloodbank="echo well"))
    delivered = await there.post(edited(1, 0, labels=labelled("bloodbank")))
    view = await there.reaches(1, "dispatched")
    assert (view.run_id, view.attempts, view.episode) == ("run-1", 1, 1)
    chain = [event.envelope() for event in await there.events(f"correlation:{delivered.event_id}")]
    assert [one.event_type for one in chain] == [
        "webhook.plane.issue.updated", "infra.ticket.qualified", "infra.check.completed", "infra.ticket.dispatched",
    ]  # fmt: skip
    causes = [one.source.get("causation_id") for one in chain]
    assert causes == [None, *(str(one.event_id) for one in chain[:-1])]
    assert view.correlation_id == view.delivery_id == delivered.event_id
    for later in (1, 2, 1):
        await there.decided(edited(1, later, labels=labelled("bloodbank")))
    await settled(there)
    assert await there.said(1) == ["qualified", "dispatched"]
    assert len(there.claw.requests) == 1


async def test_a_check_that_fails_holds_the_ticket_until_it_passes(there: World) -> None:
    well = there.folder / "well"
    await there.start(infra_component_checks_json=checks(there, bloodbank=f"echo looking; test -e {well}"))
    await there.post(edited(1, 0, labels=labelled("bloodbank")))
    view = await there.reaches(1, "blocked")
    assert view.reason == "held by its checks: bloodbank failed"
    assert [(check.outcome, check.exit_code, check.output_tail) for check in view.checks] == [
        ("failed", 1, "looking\n")
    ]
    assert view.next_try_at is not None
    there.clock.advance(899)
    await settled(there)
    assert len(await there.events("type:infra.check.completed")) == 1
    there.clock.advance(2)
    await there.until(lambda: _checked(there, 2))
    await settled(there)
    await there.reaches(1, "blocked")
    well.touch()
    there.clock.advance(901)
    await there.reaches(1, "dispatched")
    assert await there.said(1) == ["qualified", "blocked", "dispatched"]


async def _checked(there: World, number: int) -> bool:
    return len(await there.events("type:infra.check.completed")) == number


async def test_what_held_a_ticket_is_run_again_for_it_however_recent_and_once_for_all(there: World) -> None:
    commands = checks(there, bloodbank="false", candystore="true")
    await there.start(
        infra_component_checks_json=commands, infra_check_retry_seconds=10, infra_check_reuse_seconds=3600
    )
    await there.post(edited(1, 0, labels=labelled("bloodbank", "candystore")))
    await there.reaches(1, "blocked")
    await there.post(edited(2, 0, labels=labelled("bloodbank")))
    await there.reaches(2, "blocked")
    assert len(await there.events("type:infra.check.completed")) == 2
    for number in (3, 4):
        await settled(there)
        there.clock.advance(11)
        await there.until(partial(_checked, there, number))
        await there.counted(blocked=2, checking=0)
    await settled(there)
    assert Counter(await _components_checked(there)) == {"bloodbank": 3, "candystore": 1}


async def _components_checked(there: World) -> list[str]:
    return [event.envelope().payload["component"] for event in await there.events("type:infra.check.completed")]


async def test_retry_checks_at_once_and_reuses_no_outcome(there: World) -> None:
    well = there.folder / "well"
    await there.start(infra_component_checks_json=checks(there, bloodbank=f"test -e {well}"))
    await there.post(edited(1, 0, labels=labelled("bloodbank")))
    await there.reaches(1, "blocked")
    well.touch()
    await there.desk.retry(reference(1))
    await there.reaches(1, "dispatched")


async def test_a_ticket_that_stops_being_ready_while_it_is_checked_ends_the_check(there: World) -> None:
    await there.start(infra_component_checks_json=checks(there, bloodbank="sleep 600"))
    await there.post(edited(1, 0, labels=labelled("bloodbank")))
    await there.until(lambda: _running(there))
    view = await there.reaches(1, "checking")
    assert view.reason == "its checks are running"
    await there.post(edited(1, 9, group="completed", labels=labelled("bloodbank")))
    view = await there.reaches(1, "withdrawn")
    assert view.reason == "the state is Done, of the group completed; wanted is unstarted"
    await there.until(lambda: _none_running(there))
    assert await there.said(1) == ["qualified", "withdrawn"]
    assert await there.events("type:infra.check.completed") == []
    assert there.claw.requests == []


async def _running(there: World) -> bool:
    return bool((await there.desk.status()).checks)


async def _none_running(there: World) -> bool:
    return not await _running(there)


async def test_withdrawn_by_hand_while_it_is_checked(there: World) -> None:
    await there.start(infra_component_checks_json=checks(there, bloodbank="sleep 600"))
    await there.post(edited(1, 0, labels=labelled("bloodbank")))
    await there.until(lambda: _running(there))
    view = await there.desk.withdraw(reference(1), "not today")
    assert view.reason == "withdrawn by an operator: not today"
    await there.until(lambda: _none_running(there))
    await there.reaches(1, "withdrawn")
    await there.decided(edited(1, 1, labels=labelled("bloodbank")))
    await there.restart()
    await settled(there)
    assert there.claw.requests == []


async def test_a_component_that_changes_while_another_is_checked_is_checked_too(there: World) -> None:
    started, end = there.folder / "started", there.folder / "end"
    slow = f"touch {started}; while ! test -e {end}; do sleep 0.01; done"
    await there.start(infra_component_checks_json=checks(there, bloodbank=slow, candybar="exit 3"))
    await there.post(edited(1, 0, labels=labelled("bloodbank")))
    await there.until(started.exists)
    await there.decided(edited(1, 1, labels=labelled("candybar")))
    end.touch()
    view = await there.reaches(1, "blocked")
    assert view.reason == "held by its checks: candybar failed"
    assert there.claw.requests == []


async def test_all_components_are_checked_and_all_are_named(there: World) -> None:
    await there.start(
        infra_component_checks_json=checks(there, bloodbank="exit 1", candybar="true", holyfields="exit 2")
    )
    await there.post(edited(1, 0, labels=labelled("bloodbank", "CandyBar", "holyfields", "unheard-of")))
    view = await there.reaches(1, "blocked")
    assert view.reason == "held by its checks: bloodbank failed, holyfields failed"
    assert {check.component: check.outcome for check in view.checks} == {
        "bloodbank": "failed", "candybar": "passed", "holyfields": "failed", "unheard-of": "not_configured",
    }  # fmt: skip
    assert len(await there.events("type:infra.check.completed")) == 3


@pytest.mark.parametrize(
    ("settings", "labels", "outcome"),
    [
        ({}, [], "no_component"),
        ({}, ["comp:unheard-of"], "not_configured"),
        ({"infra_run_checks": False}, ["comp:bloodbank"], "disabled"),
        ({"infra_check_policy": "annotate"}, ["comp:bloodbank"], "failed"),
    ],
)
async def test_what_does_not_hold_a_ticket_is_said_in_its_message(
    there: World, settings: dict[str, Any], labels: list[str], outcome: str
) -> None:
    await there.start(infra_component_checks_json=checks(there, bloodbank="echo broken; exit 7"), **settings)
    await there.post(edited(1, 0, labels=[*GO, *labels]))
    view = await there.reaches(1, "dispatched")
    assert [check.outcome for check in view.checks] == [outcome]
    (message,) = messages(there)
    assert outcome in message
    if outcome == "no_component":
        assert "Component: UNKNOWN" in message
        assert "comp:<component>" in message
    if outcome == "failed":
        assert "exit code: 7" in message
        assert "| broken" in message


async def test_without_a_token_tickets_are_decided_and_wait_and_go_once_there_is_one(there: World) -> None:
    await there.start(openclaw_hook_token=None)
    await there.post(edited(1, 0))
    view = await there.reaches(1, "held")
    assert view.reason == "OPENCLAW_HOOK_TOKEN is not set"
    status = await there.desk.status()
    assert (status.state, status.reason) == ("held", "OPENCLAW_HOOK_TOKEN is not set")
    assert status.counts["held"] == 1
    assert status.counts["ready"] == 0
    assert [view.state for view in (await there.desk.status(state="held")).tickets] == ["held"]
    assert (await there.desk.status(state="ready")).tickets == []
    assert await there.said(1) == ["qualified"]
    explained = await there.desk.explain_ticket(reference(1))
    assert explained.standing == ["it is held: OPENCLAW_HOOK_TOKEN is not set"]
    await there.restart(openclaw_hook_token=TOKEN)
    await there.reaches(1, "dispatched")


async def test_a_pause_stops_checks_and_sends_and_a_resume_goes_on(there: World) -> None:
    go = there.folder / "go"
    await there.start(infra_component_checks_json=checks(there, bloodbank=f"test -e {go} || sleep 600"))
    await there.post(edited(1, 0, labels=labelled("bloodbank")))
    await there.until(lambda: _running(there))
    status = await there.desk.pause("lunch")
    assert (status.state, status.reason) == ("paused", "lunch")
    await there.until(lambda: _none_running(there))
    view = await there.reaches(1, "held")
    assert view.reason == "dispatching is paused: lunch"
    await there.post(edited(2, 0))
    await there.reaches(2, "held")
    await there.restart()
    assert (await there.desk.status()).reason == "lunch", "a restart does not end a pause"
    assert there.claw.requests == []
    go.touch()
    await there.desk.resume()
    await there.counted(dispatched=2)


async def test_a_ticket_that_stops_being_ready_while_the_hook_is_slow_is_withdrawn_unless_it_arrived(
    there: World,
) -> None:
    there.claw.moods += [Mood.SLOW]
    await there.start()
    await there.post(edited(1, 0))
    await there.claw.received(1)
    with pytest.raises(TicketStateError, match="is being handed over at this moment"):
        await there.desk.withdraw(reference(1))
    with pytest.raises(TicketStateError, match="is sending; there is nothing to try again"):
        await there.desk.retry(reference(1))
    await there.decided(edited(1, 9, group="completed"))
    view = await there.desk.ticket(reference(1))
    assert view.state == "sending"
    assert view.reason.startswith("an answer is awaited, though the state is Done")
    there.claw.admit()
    await there.reaches(1, "dispatched")
    assert await there.said(1) == ["qualified", "dispatched", "rejected"]


async def test_a_ticket_that_stops_being_ready_while_an_answer_never_comes_is_withdrawn(there: World) -> None:
    there.claw.moods += [Mood.SLOW]
    await there.start()
    await there.post(edited(1, 0))
    await there.claw.received(1)
    await there.decided(edited(1, 9, group="completed"))
    await there.claw.__aexit__(None, None, None)
    view = await there.reaches(1, "withdrawn")
    assert view.reason == "it left ready meanwhile; it was tried once, and may have arrived"
    assert await there.said(1) == ["qualified", "withdrawn"]
    await there.claw.__aenter__()


async def test_a_ticket_that_left_ready_is_not_tried_again(there: World) -> None:
    there.claw.moods += [Reply(503)]
    await there.start()
    await there.post(edited(1, 0))
    await there.reaches(1, "retrying")
    await there.decided(edited(1, 9, group="completed"))
    view = await there.desk.ticket(reference(1))
    assert (view.state, view.next_try_at) == ("withdrawn", None)
    assert view.reason.endswith("; it was tried once, and may have arrived")
    there.clock.advance(600)
    await settled(there)
    assert len(there.claw.requests) == 1


async def test_a_wrong_token_pauses_after_a_handful_of_requests_and_keeps_every_ticket(there: World) -> None:
    await there.start(openclaw_hook_token="wrong-token-of-the-hook")
    await there.desk.pause()
    await there.flood(edited(number, 0) for number in range(1, 41))
    await there.counted(held=40)
    await there.desk.resume()
    await there.until(lambda: _is_paused(there))
    await settled(there)
    assert len(there.claw.requests) == 1
    status = await there.desk.status()
    assert "OPENCLAW_HOOK_TOKEN" in status.reason
    assert status.counts["held"] == 40
    health = there.running.health().components["dispatcher"]
    assert health.status == "degraded"
    assert "OPENCLAW_HOOK_TOKEN" in health.detail
    await there.desk.resume()
    await there.until(lambda: len(there.claw.requests) == 2)
    await there.until(lambda: _is_paused(there))
    there.clock.advance(600)
    await settled(there)
    assert len(there.claw.requests) == 2
    await there.restart(openclaw_hook_token=TOKEN)
    assert (await there.desk.status()).state == "paused", "the operator says when"
    await there.desk.resume()
    await there.counted(dispatched=40)
    assert len(there.claw.runs) == 40


async def _is_paused(there: World) -> bool:
    return (await there.desk.status()).state == "paused"


async def test_a_token_that_is_wrong_of_a_sudden_costs_no_more_requests_than_were_under_way(there: World) -> None:
    await there.start()
    await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")
    await there.desk.pause()
    await there.flood(edited(number, 0) for number in range(2, 502))
    await there.counted(held=500)
    there.claw.token = "another"
    await there.desk.resume()
    await there.until(lambda: _is_paused(there))
    await settled(there)
    assert len(there.claw.requests) <= 1 + MOST_SENDS + 1
    there.claw.token = TOKEN
    await there.desk.resume()
    await there.counted(dispatched=501)
    assert len(there.claw.runs) == 501


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_refusal_for_good_fails_the_ticket_and_retry_makes_it_anew(there: World, status: int) -> None:
    there.claw.moods += [Reply(status)]
    await there.start()
    await there.post(edited(1, 0))
    view = await there.reaches(1, "failed")
    assert str(status) in view.reason
    await there.decided(edited(1, 1, name="A better title"))
    there.clock.advance(86_400)
    await there.restart()
    await settled(there)
    assert len(there.claw.requests) == 1, "nothing but an operator tries it again"
    await there.desk.retry(ticket_id(1))
    await there.reaches(1, "dispatched")
    first, second = there.claw.requests
    assert first.header("Idempotency-Key") != second.header("Idempotency-Key")
    assert "A better title" in messages(there)[1]
    assert await there.said(1) == ["qualified", "failed", "qualified", "dispatched"]
    with pytest.raises(TicketStateError, match=f"{reference(1)} is dispatched; there is nothing to try again"):
        await there.desk.retry(reference(1))
    with pytest.raises(TicketStateError, match="is dispatched; only what is still to be dispatched can be withdrawn"):
        await there.desk.withdraw(reference(1))


async def test_a_refused_session_key_is_left_out_from_then_on_under_keys_of_their_own(there: World) -> None:
    there.claw.refuses_session_keys = True
    await there.start()
    await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")
    first, second = there.claw.requests
    assert b"sessionKey" in first.body
    assert b"sessionKey" not in second.body
    assert first.header("Idempotency-Key") != second.header("Idempotency-Key")
    told = json.loads(second.body)
    assert told["idempotencyKey"] == second.header("Idempotency-Key")
    assert told["message"] == json.loads(first.body)["message"]
    assert (await there.rows("SELECT body FROM dispatch_episodes"))[0][0] == second.body, "as it was sent"
    await there.post(edited(2, 0))
    await there.reaches(2, "dispatched")
    assert len(there.claw.requests) == 3
    assert b"sessionKey" not in there.claw.requests[2].body


async def test_what_was_frozen_with_a_session_key_is_frozen_anew_before_it_is_sent_without(there: World) -> None:
    there.claw.moods += [Reply(503)]
    await there.start()
    await there.post(edited(1, 0))
    await there.reaches(1, "retrying")
    there.claw.refuses_session_keys = True
    there.clock.advance(2)
    await there.reaches(1, "dispatched")
    assert [b"sessionKey" in request.body for request in there.claw.requests] == [True, True, False]


async def test_retries_send_the_same_bytes_after_growing_pauses(there: World) -> None:
    there.claw.moods += [Reply(503), Mood.CUT_AFTER, Reply(409)]
    await there.start()
    await there.post(edited(1, 0))
    for attempts in (1, 2, 3):
        await there.until(partial(_tried, there, attempts))
        await settled(there)
        there.clock.advance(1.3 * 2 ** (attempts - 1))
    view = await there.reaches(1, "dispatched")
    assert view.attempts == 4
    assert len({(request.body, request.header("Idempotency-Key")) for request in there.claw.requests}) == 1
    assert len(there.claw.runs) == 1, "it knew the second by its key"


async def _tried(there: World, attempts: int) -> bool:
    view = await there.reaches(1, "retrying")
    return (view.state, view.attempts) == ("retrying", attempts)


async def test_retry_after_is_honoured_and_an_operator_need_not_wait(there: World) -> None:
    there.claw.moods += [Reply(429, {"Retry-After": "120"})]
    await there.start()
    await there.post(edited(1, 0))
    view = await there.reaches(1, "retrying")
    assert "429" in view.reason
    there.clock.advance(119)
    await settled(there)
    assert len(there.claw.requests) == 1
    await there.desk.retry(reference(1))
    await there.reaches(1, "dispatched")


async def test_after_a_restart_everything_unfinished_is_due_at_once(there: World) -> None:
    there.claw.moods += [Reply(429, {"Retry-After": "3600"})]
    await there.start(infra_component_checks_json=checks(there, bloodbank="exit 1"))
    await there.post(edited(1, 0))
    await there.reaches(1, "retrying")
    await there.post(edited(2, 0, labels=labelled("bloodbank")))
    await there.reaches(2, "blocked")
    await there.restart(infra_component_checks_json=checks(there, bloodbank="true"))
    await there.counted(dispatched=2)
    assert there.claw.requests[0].body == there.claw.requests[1].body or (
        there.claw.requests[0].body == there.claw.requests[2].body
    )


async def test_dispatched_past_the_gate(there: World) -> None:
    await there.start(infra_component_checks_json=checks(there, bloodbank="exit 1"))
    await there.decided(edited(1, 0, labels=["comp:bloodbank"]))
    view = await there.desk.dispatch(reference(1), "it burns")
    assert view.forced == "it burns"
    view = await there.reaches(1, "dispatched")
    assert "An operator dispatched it past the gate" in messages(there)[0]
    assert "Reason: it burns" in messages(there)[0]
    assert await there.said(1) == ["rejected", "dispatched"]
    (event,) = await there.events("type:infra.ticket.dispatched")
    assert event.envelope().payload["forced"] == "it burns"
    await there.post(edited(1, 9, labels=GO))
    await there.until(lambda: len(there.claw.requests) == 2)


async def test_dispatched_past_its_checks_which_end_at_once(there: World) -> None:
    await there.start(infra_component_checks_json=checks(there, bloodbank="sleep 600"))
    await there.post(edited(1, 0, labels=labelled("bloodbank")))
    await there.until(lambda: _running(there))
    await there.desk.dispatch(reference(1), "it burns")
    await there.reaches(1, "dispatched")
    await there.until(lambda: _none_running(there))


async def test_an_answer_without_a_run_id_is_an_admission_all_the_same(there: World) -> None:
    there.claw.moods += [Mood.HTML]
    await there.start()
    await there.post(edited(1, 0))
    view = await there.reaches(1, "dispatched")
    assert view.run_id is None
    assert view.reason
    assert await there.said(1) == ["qualified", "dispatched"]
