"""What operators see: status, tickets and explanations, also of ten thousand tickets, and what they are refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args
from uuid import UUID, uuid4

import pytest

from godtui.operations import DispatcherUnavailableError, TicketState, TicketStateError, UnknownTicketError
from tests.dispatcher.engine import TOKEN, World, edited, reference, ticket_id, world
from tests.dispatcher.samples import newer
from tests.openclaw import Reply

MANY = 10_000


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


async def test_the_status_of_a_dispatcher_that_has_nothing_to_do(there: World) -> None:
    await there.start()
    status = await there.desk.status()
    assert (status.state, status.reason, status.since, status.active) == ("running", "", None, None)
    assert status.counts == dict.fromkeys(get_args(TicketState), 0)
    assert (status.tickets, status.checks, status.next_try_at, status.notes) == ([], [], None, [])
    assert status.state_file == str(there.state_path)
    shown = {setting.name: setting.value for setting in status.settings}
    assert shown["OPENCLAW_HOOK_TOKEN"] == shown["PLANE_WEBHOOK_SECRET"] == "set"
    assert shown["INFRA_READY_LABELS"] == "ready,automation:go"
    assert {setting.origin for setting in status.settings}


async def test_settings_show_no_secret_that_an_operator_wrote_into_a_command(there: World) -> None:
    command = f"curl -H 'Authorization: {TOKEN}' http://127.0.0.1:1/set"
    url = f"http://127.0.0.1:1/hooks?token={TOKEN}"
    await there.start(infra_component_checks_json={"bloodbank": {"command": command}}, openclaw_hook_url=url)
    status = await there.desk.status()
    shown = {setting.name: setting.value for setting in status.settings}
    assert "Authorization: ***" in shown["INFRA_COMPONENT_CHECKS_JSON"]
    assert TOKEN not in str(status.document())


async def test_counts_show_each_ticket_once_whatever_holds_it(there: World) -> None:
    sleeping = {"command": "sleep 600", "cwd": str(there.folder)}
    failing = {"command": "false", "cwd": str(there.folder)}
    there.claw.moods += [Reply(503)]
    await there.start(infra_component_checks_json={"bloodbank": sleeping, "candybar": failing})
    await there.post(edited(1, 0))
    await there.reaches(1, "retrying")
    labels = ["ready", "automation:go"]
    await there.post(edited(2, 0, labels=[*labels, "comp:bloodbank"]))
    await there.post(edited(3, 0, labels=[*labels, "comp:candybar"]))
    await there.post(edited(4, 0, group="completed"))
    status = await there.counted(checking=1, blocked=1, retrying=1, rejected=1, ready=0)
    assert sum(status.counts.values()) == 4
    assert [view.state for view in status.tickets] == ["blocked", "retrying", "checking", "rejected"]
    for state in get_args(TicketState):
        listed = (await there.desk.status(state=state)).tickets
        assert [view.state for view in listed] == [state] * status.counts[state]
    (check,) = status.checks
    assert (check.component, check.command, check.tickets) == ("bloodbank", "sleep 600", [reference(2)])
    status = await there.desk.pause("lunch")
    status = await there.counted(held=3, rejected=1, checking=0)
    assert sum(status.counts.values()) == 4
    assert (status.state, status.reason) == ("paused", "lunch")
    assert status.since is not None
    assert sorted(view.reference for view in (await there.desk.status(state="held")).tickets) == [
        reference(1), reference(2), reference(3),
    ]  # fmt: skip
    reasons = {view.reference: view.reason for view in status.tickets}
    assert reasons[reference(2)] == "dispatching is paused: lunch"
    assert reasons[reference(3)] == "dispatching is paused: lunch; before, held by its checks: candybar failed"
    assert all(view.next_try_at is None for view in status.tickets)
    assert status.next_try_at is None


async def test_ten_thousand_tickets_are_counted_and_the_most_urgent_are_listed(there: World) -> None:
    await there.start()
    await there.decided(edited(2, 0, group="completed"))
    await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")
    log = there.running._log

    def many(transaction: object) -> None:
        execute = transaction.execute  # type: ignore[attr-defined]
        for number, state in ((1, "dispatched"), (2, "rejected")):
            execute(
                "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                " INSERT INTO dispatch_tickets SELECT ? || i, ? || i, state, number, said, content_at, changed_at - i,"
                " correlation_id, delivery_id, timeline, ticket, decision FROM dispatch_tickets, n WHERE id = ?",
                (100 + MANY // 2 - 1, state, state, ticket_id(number)),
            )

    await log.submit(many)
    status = await there.desk.status()
    assert status.counts["dispatched"] == status.counts["rejected"] == MANY // 2 + 1
    assert len(status.tickets) == 100
    assert status.tickets[0].reference == reference(1), "what changed last comes first"
    assert len((await there.desk.status(limit=1000, state="rejected")).tickets) == 1000
    assert (await there.desk.ticket("dispatched5099")).state == "dispatched"
    there.clock.advance(1)
    await there.post(edited(3, 0))
    await there.reaches(3, "dispatched")


async def test_a_ticket_by_its_reference_in_any_case_or_its_id(there: World) -> None:
    await there.start()
    await there.decided(edited(1, 0, group="completed"))
    by_id = await there.desk.ticket(ticket_id(1))
    assert by_id == await there.desk.ticket(reference(1).upper())
    for ask in (there.desk.ticket, there.desk.retry, there.desk.withdraw, there.desk.explain_ticket):
        with pytest.raises(
            UnknownTicketError, match="no ticket INFRA-9 was ever seen; name it by its reference or Plane's id"
        ):
            await ask("INFRA-9")
    with pytest.raises(UnknownTicketError):
        await there.desk.dispatch("INFRA-9", "why not")


async def test_what_a_state_does_not_allow_is_refused_in_a_sentence(there: World) -> None:
    await there.start()
    await there.decided(edited(1, 0, group="completed"))
    name = re.escape(reference(1))
    with pytest.raises(TicketStateError, match=f"^{name} is rejected; there is nothing to try again$"):
        await there.desk.retry(ticket_id(1))
    with pytest.raises(
        TicketStateError, match=f"^{name} is rejected; only what is still to be dispatched can be withdrawn$"
    ):
        await there.desk.withdraw(ticket_id(1))
    there.claw.moods += [Reply(503)]
    await there.post(edited(1, 9))
    await there.reaches(1, "retrying")
    with pytest.raises(
        TicketStateError, match=f"^{name} passed the gate and is being handed over; there is nothing to force$"
    ):
        await there.desk.dispatch(ticket_id(1), "now")
    await there.decided(edited(1, 20, group="completed"))
    with pytest.raises(
        TicketStateError,
        match=f"^{name} is withdrawn and not ready; make it ready in Plane, or dispatch it past the gate$",
    ):
        await there.desk.retry(ticket_id(1))


async def test_a_ticket_withdrawn_by_hand_is_dispatched_once_an_operator_tries_it_again(there: World) -> None:
    await there.start()
    await there.desk.pause()
    await there.decided(edited(1, 0))
    view = await there.desk.withdraw(reference(1), "x" * 1000)
    assert view.reason == "withdrawn by an operator: " + "x" * 500
    await there.desk.resume()
    await there.desk.retry(reference(1))
    await there.reaches(1, "dispatched")
    assert await there.said(1) == ["qualified", "withdrawn", "qualified", "dispatched"]


# Explanations.


async def test_a_body_is_explained_without_anything_being_done(there: World) -> None:
    await there.start()
    explained = await there.desk.explain_body(edited(1, 0, labels=["ready", "comp:bloodbank"]))
    assert explained.verdict == "rejected"
    assert {one.name: (one.holds, one.why) for one in explained.conditions}["labels"] == (
        False, "the ticket does not have the label automation:go",
    )  # fmt: skip
    assert (explained.components, explained.standing) == (["bloodbank"], ["this ticket was never seen here"])
    assert explained.ticket is None
    assert await there.rows("SELECT 1 FROM dispatch_tickets") == []
    assert (await there.desk.explain_body(edited(1, 0))).verdict == "qualified"
    assert (await there.desk.explain_body(newer())).verdict == "rejected"
    await there.desk.pause("lunch")
    assert (await there.desk.explain_body(edited(1, 0))).standing == [
        "this ticket was never seen here",
        "dispatching is paused: lunch",
    ]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "the delivery is not a JSON object"),
        ([1], "the delivery is not a JSON object"),
        ({"event": "project", "data": {}}, "a delivery about project is not about a ticket"),
        ({"event": "issue", "action": "updated"}, "the delivery has no data: `data` is not an object"),
    ],
)
async def test_what_is_no_ticket_is_ignored_and_it_is_said_why(there: World, body: object, why: str) -> None:
    await there.start()
    explained = await there.desk.explain_body(body)
    assert (explained.verdict, [one.why for one in explained.conditions]) == ("ignored", [why])


async def test_an_event_is_explained(there: World) -> None:
    await there.start()
    delivered = await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")
    explained = await there.desk.explain_event(delivered.event_id)
    assert explained is not None
    assert explained.verdict == "qualified"
    assert explained.standing == ["it was dispatched in episode 1; once it has left ready and come back, it is again"]
    assert explained.ticket is not None
    assert explained.ticket.reference == reference(1)
    assert await there.desk.explain_event(uuid4()) is None
    (said,) = await there.events("type:infra.ticket.dispatched")
    other = await there.desk.explain_event(UUID(str(said.envelope().event_id)))
    assert other is not None
    assert other.verdict == "ignored"


async def test_a_ticket_is_explained_where_it_stands(there: World) -> None:
    there.claw.moods += [Reply(400, body=b'{"ok":false,"error":"message required"}')]
    await there.start()
    await there.post(edited(1, 0))
    view = await there.reaches(1, "failed")
    explained = await there.desk.explain_ticket(reference(1))
    assert explained.verdict == "qualified"
    assert explained.standing == [f"episode 1 ended failed: {view.reason}"]
    await there.decided(edited(2, 0, group="completed"))
    assert (await there.desk.explain_ticket(reference(2))).standing == []
    await there.decided({"event": "issue", "action": "deleted", "data": {"id": ticket_id(3)}})
    explained = await there.desk.explain_ticket(ticket_id(3))
    assert explained.verdict == "rejected"
    assert explained.conditions[0].why == "the ticket was deleted"
    assert (await there.desk.ticket(ticket_id(3))).reason == "the ticket was deleted"


async def test_without_a_dispatcher_every_question_says_so(there: World) -> None:
    await there.start()
    desk = there.desk
    await there.stop()
    status = await desk.status()
    assert (status.state, status.counts) == ("off", {})
    for ask in (desk.ticket, desk.retry, desk.withdraw, desk.explain_ticket):
        with pytest.raises(DispatcherUnavailableError, match="stopped"):
            await ask("INFRA-1")
    with pytest.raises(DispatcherUnavailableError):
        await desk.pause()
    with pytest.raises(DispatcherUnavailableError):
        await desk.resume()
    with pytest.raises(DispatcherUnavailableError):
        await desk.explain_body({})
    with pytest.raises(DispatcherUnavailableError):
        async for _ in desk.watch("bloodbank"):
            pass


async def test_what_a_check_prints_can_be_watched(there: World) -> None:
    end = there.folder / "end"
    command = f"echo one; while ! test -e {end}; do sleep 0.01; done; echo two"
    await there.start(infra_component_checks_json={"bloodbank": {"command": command, "cwd": str(there.folder)}})
    async with asyncio.timeout(20):
        assert [piece async for piece in there.desk.watch("bloodbank")] == [], "none is under way"
        await there.post(edited(1, 0, labels=["ready", "automation:go", "comp:bloodbank"]))
        await there.until(lambda: _prints(there))
        seen = ""
        async for piece in there.desk.watch("BloodBank"):
            seen += piece
            end.touch()
    assert seen == "one\ntwo\n"


async def _prints(there: World) -> bool:
    return any("one" in check.output_tail for check in (await there.desk.status()).checks)
