"""The dispatcher as a whole: hostile deliveries go all the way without harm, secrets nowhere, and it ends in order."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from godtui import jsontext
from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.eventlog import EventLog, LogUnavailableError
from godtui.operations import StoreUnavailableError
from tests.api.conftest import connect
from tests.dispatcher.engine import SECRET, TOKEN, World, edited, reference, ticket_id, world
from tests.openclaw import Mood, Reply

GO = ["ready", "automation:go"]
ESCAPES = (
    "\x1b[31mred\x1b]0;owned\x07\r\nSubject: x\x00\u202etxet\u2028[bold]{{7*7}} $(reboot) `id` ; rm -rf / \U000e0041"
)
HOSTILE_COMPONENTS = [
    "../../etc",
    "$(touch {folder}/harm)",
    "`touch {folder}/harm`",
    "; touch {folder}/harm #",
    "..",
    ".",
    "/",
    "a\nb",
    "\x1b[31m",
    "x" * 5000,
    "",
    " ",
    "bloodbank\x00",
    "%s%n",
    "__class__",
    "日本",
]


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


async def quiet() -> None:
    """Let everything come to where it waits for something."""
    for _ in range(30):
        await asyncio.sleep(0.005)


def is_clean(text: str) -> bool:
    """Whether it could be shown on a terminal."""
    return all(character.isprintable() or character == "\n" for character in text)


def messages(there: World) -> list[str]:
    """What OpenClaw was told."""
    return [json.loads(body)["message"] for body in there.claw.runs.values()]


@pytest.mark.parametrize("component", HOSTILE_COMPONENTS)
async def test_a_component_only_selects_a_check(there: World, component: str) -> None:
    component = component.replace("{folder}", str(there.folder))
    await there.start(infra_component_checks_json={"bloodbank": {"command": "true", "cwd": str(there.folder)}})
    await there.post(edited(1, 0, labels=[*GO, f"comp:{component}"]))
    view = await there.reaches(1, "dispatched")
    assert not (there.folder / "harm").exists()
    assert [check.outcome for check in view.checks] in (["not_configured"], ["no_component"])
    (message,) = messages(there)
    assert is_clean(message)
    assert len(there.claw.requests[0].body) <= 256 * 1024


async def test_hostile_texts_go_all_the_way_and_garble_nothing(there: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "godtui")
    await there.start()
    body = edited(
        1, 0, name=ESCAPES * 50, labels=[*GO, ESCAPES, {"id": ESCAPES, "name": ESCAPES}, {"name": {"a": 1}}, 5, None]
    )
    await there.post(body)
    view = await there.reaches(1, "dispatched")
    (message,) = messages(there)
    assert is_clean(message)
    assert message.count("Subject: x") >= 1
    assert not any(line.startswith("Subject: x") for line in message.splitlines()), "it stays in its line"
    assert is_clean(view.reason)
    assert all(is_clean(one.why) for one in view.conditions)
    assert all(is_clean(record.getMessage()) for record in caplog.records)
    assert await there.said(1) == ["qualified", "dispatched"]


async def test_ten_thousand_labels_and_five_megabytes(there: World) -> None:
    await there.start()
    labels = [*GO, *(f"label {number} \x1b" + "x" * 400 for number in range(10_000))]
    components = [f"comp:{number}" + "\\" * 250 for number in range(300)]
    body = edited(1, 0, labels=[*GO, *components, *labels], name="\u0001" * 5000)
    body["data"]["description_html"] = "\\" * 5_000_000
    assert len(jsontext.dumps(body)) > 5_000_000
    delivered = await there.post(body)
    view = await there.reaches(1, "dispatched")
    assert len(view.components) == 32
    assert len(there.claw.requests[0].body) <= 256 * 1024
    assert await there.said(1) == ["qualified", "dispatched"], "what is said of it is not too large"
    assert len(await there.events("type:infra.ticket.*")) == 2
    for event in await there.events("type:infra.ticket.*"):
        assert len(event.body) < 256 * 1024
    explained = await there.desk.explain_event(delivered.event_id)
    assert explained is not None
    assert len(explained.model_dump_json()) < 512 * 1024
    await there.stop()
    assert there.state_path.stat().st_size < 1024 * 1024


@pytest.mark.parametrize(
    "body",
    [
        {"event": "issue", "action": "updated", "data": {"id": "x" * 300}},
        {"event": "issue", "action": "updated", "data": {"id": ["a"]}},
        {"event": "issue", "action": "exploded", "data": {"id": "a\u0000b"}},
        {"event": "issue", "action": "updated", "data": None},
        {"event": ["issue"], "action": {}, "data": {"id": "1"}},
        {"event": "workitem.\u202e", "version": "v2"},
        "text",
        10**300,
        [[]] * 50,
    ],
)
async def test_what_nobody_understands_is_stored_and_harms_nothing(there: World, body: Any) -> None:
    await there.start()
    delivered = await there.decided(body)
    assert delivered.event_type.startswith("webhook.plane.")
    await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")
    assert (await there.desk.status()).counts["rejected"] == 0


async def test_an_edit_of_times_that_cannot_be_is_decided_by_when_it_came(there: World) -> None:
    await there.start()
    for number, told in enumerate(
        ["0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999999-23:59", "", "None", "yesterday"]
    ):
        body = edited(number, 0, updated_at=told)
        await there.post(body)
        await there.reaches(number, "dispatched")
    await there.decided(edited(9, 0, updated_at="9999-12-31T23:59:59Z", group="completed"))
    await there.decided(edited(8, 0, updated_at="0001-01-01T00:00:00Z"))
    await there.reaches(8, "dispatched")
    await there.stop()
    await there.start()
    assert (await there.desk.ticket(ticket_id(9))).state == "rejected"


async def test_no_secret_is_anywhere_after_all_of_it(there: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "godtui")
    prints = f"env; echo {TOKEN}; printf '%s' {SECRET} | fold -w 5; cat /proc/self/environ; exit 1"
    there.claw.moods += [
        Reply(400, body=json.dumps({"ok": False, "error": f"no: {TOKEN}"}).encode()),
        Reply(503, body=TOKEN.encode()),
        Reply(429, {"Retry-After": TOKEN}),
        Mood.HTML,
        Reply(200, body=json.dumps({"ok": True, "runId": TOKEN}).encode()),
    ]
    script = there.folder / "check.sh"
    script.write_text(prints)
    await there.start(infra_component_checks_json={"bloodbank": {"command": f"sh {script}", "cwd": str(there.folder)}})
    await there.post(edited(1, 0))
    await there.reaches(1, "failed")
    await there.post(edited(2, 0))
    await there.reaches(2, "retrying")
    await there.desk.retry(reference(2))
    await there.until(lambda: len(there.claw.requests) == 3)
    await there.desk.retry(reference(1))
    await there.reaches(1, "dispatched")
    await there.post(edited(3, 0, labels=[*GO, "comp:bloodbank"]))
    await there.reaches(3, "blocked")
    await there.post(edited(4, 0))
    await there.reaches(4, "dispatched")
    there.claw.token = "another-token"
    await there.post(edited(5, 0))
    await there.until(lambda: _is_paused(there))
    application = create_application(there.running.operations, ApiConfig(), there.clock)
    async with connect(application) as http:
        shown = [
            (await http.get(path)).text for path in ("/dispatcher", "/health", f"/dispatcher/tickets/{reference(3)}")
        ]
    status = await there.desk.status()
    shown += [status.model_dump_json(), repr(there.running.settings), str(there.running.health())]
    await there.stop()
    script.unlink()
    for text in (*shown, caplog.text, *(repr(record.__dict__) for record in caplog.records)):
        assert TOKEN not in text
        assert SECRET not in text
    files = [path for path in there.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"state.json", "state.json.lock"}
    for path in files:
        content = path.read_bytes()
        assert TOKEN.encode() not in content, path
        assert SECRET.encode() not in content, path


async def _is_paused(there: World) -> bool:
    return (await there.desk.status()).state == "paused"


async def test_checks_and_requests_end_with_it_and_nothing_is_forgotten(there: World) -> None:
    there.claw.moods += [Mood.SLOW]
    await there.start(infra_component_checks_json={"bloodbank": {"command": "sleep 600", "cwd": str(there.folder)}})
    await there.post(edited(1, 0))
    await there.claw.received(1)
    await there.post(edited(2, 0, labels=[*GO, "comp:bloodbank"]))
    await there.reaches(2, "checking")
    stopping = asyncio.create_task(there.stop())
    await quiet()
    assert not stopping.done(), "an answer that may come is waited for"
    there.claw.admit()
    await stopping
    state = json.loads(there.state_path.read_text())["tickets"]
    assert {name: one["state"] for name, one in state.items()} == {ticket_id(1): "dispatched", ticket_id(2): "ready"}
    await there.start(infra_component_checks_json={"bloodbank": {"command": "true", "cwd": str(there.folder)}})
    await there.counted(dispatched=2)
    assert len(there.claw.runs) == 2


async def test_an_answer_that_does_not_come_in_time_leaves_the_ticket_to_the_next_start(there: World) -> None:
    there.claw.moods += [Mood.STALL_AFTER]
    await there.start()
    await there.post(edited(1, 0))
    await there.claw.received(1)
    stopping = asyncio.create_task(there.stop())
    await there.clock.sleepers(1)
    await quiet()
    there.clock.advance(6)
    await stopping
    await there.start()
    view = await there.reaches(1, "dispatched")
    assert view.attempts == 2
    first, second = there.claw.requests
    assert (first.body, first.header("Idempotency-Key")) == (second.body, second.header("Idempotency-Key"))
    assert len(there.claw.runs) == 1


async def test_a_fault_of_its_own_is_shown_and_it_starts_again(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await there.start()
    await there.desk.pause("lunch")

    async def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    parts = there.desk._dispatcher.parts  # type: ignore[attr-defined]
    monkeypatch.setattr(parts.intake._ledger, "prune", broken)

    def fails() -> bool:
        # Who is not asleep yet hears of no advance: the next one wakes them.
        there.clock.advance(60)
        return there.running.health().components["dispatcher"].status == "degraded"

    await there.until(fails)
    assert "RuntimeError: a bug" in there.running.health().components["dispatcher"].detail
    there.clock.advance(30)
    await there.until(there.works)
    assert (await there.desk.status()).reason == "lunch"
    await there.desk.resume()
    await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")


async def test_while_the_log_cannot_be_read_questions_say_so(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await there.start()
    await there.decided(edited(1, 0, group="completed"))

    async def away(*_: object, **__: object) -> None:
        raise LogUnavailableError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "rows", away)
        for asking in (there.desk.status(), there.desk.ticket("x"), there.desk.explain_body(edited(1, 0))):
            with pytest.raises(StoreUnavailableError, match="the disk is gone"):
                await asking
    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "submit", away)
        with pytest.raises(StoreUnavailableError, match="the disk is gone"):
            await there.desk.pause()
        with pytest.raises(StoreUnavailableError, match="the disk is gone"):
            await there.desk.dispatch(ticket_id(1), "now")
    assert (await there.desk.status()).state == "running"
