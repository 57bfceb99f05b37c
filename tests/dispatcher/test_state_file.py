"""The state file: what it says of the ledger, what is taken over from it, and what is done about one that is no use."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from godtui.clock import to_microseconds
from godtui.dispatcher import state_file
from godtui.dispatcher.gate import GateRules
from godtui.dispatcher.state_file import CorruptStateError, StateFile, StateFileError, cases_of
from godtui.runtime.engine import Engine
from tests.clock import ManualClock
from tests.dispatcher.engine import BEGIN, World, edited, reference, ticket_id, world
from tests.openclaw import Reply


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


def told(there: World) -> dict[str, Any]:
    """What the file says."""
    document: dict[str, Any] = json.loads(there.state_path.read_text())
    return document


async def moved(there: World) -> None:
    """Begin anew elsewhere, with nothing but the state file."""
    await there.stop()
    await there.start(data_dir=there.folder / f"data-{len(list(there.folder.iterdir()))}")


async def quiet(there: World) -> None:
    """Wait until all that was stored is decided and nothing more is sent."""
    for _ in range(30):
        await asyncio.sleep(0.005)


# From the first dispatcher.


async def test_what_the_first_dispatcher_sent_is_sent_again_only_after_it_left_and_came_back(there: World) -> None:
    there.state_path.write_text(
        json.dumps({ticket_id(1).upper(): "update:2026-02-07T13:00:00.731904Z:todo:automation-go,ready"})
    )
    await there.start()
    view = await there.desk.ticket(ticket_id(1))
    assert (view.state, view.reason) == ("dispatched", "by the first dispatcher")
    assert (await there.desk.status()).notes == [f"1 ticket was taken over from {there.state_path}"]
    await there.decided(edited(1, 0.731904))
    await there.decided(edited(1, 60))
    await there.decided(edited(1, -60))
    await quiet(there)
    assert there.claw.requests == []
    assert (await there.desk.ticket(reference(1))).title == "Ticket 1"
    await there.decided(edited(1, 90, group="completed"))
    await there.post(edited(1, 100))
    await there.reaches(1, "dispatched")
    await there.claw.received(1)
    await there.restart()
    await there.decided(edited(1, 101))
    await quiet(there)
    assert len(there.claw.requests) == 1


@pytest.mark.parametrize(
    "fingerprint", ["", "update::todo:ready", "update:None:todo:", "update:2026-13-45T99:00:00Z:x:"]
)
async def test_a_fingerprint_without_a_time_stands_for_all_up_to_now(there: World, fingerprint: str) -> None:
    there.state_path.write_text(json.dumps({ticket_id(1): fingerprint}))
    await there.start()
    await there.decided(edited(1, 60))
    await quiet(there)
    assert there.claw.requests == []


# Our own.


async def test_the_file_says_what_the_ledger_says(there: World) -> None:
    there.claw.moods += [Reply(200, body=b'{"ok":true,"runId":"run-1"}'), Reply(400)]
    await there.start()
    await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")
    await there.post(edited(2, 0))
    await there.reaches(2, "failed")
    await there.decided(edited(3, 0, group="completed"))
    await there.stop()
    tickets = told(there)["tickets"]
    assert tickets[ticket_id(1)]["run_id"] == "run-1"
    assert tickets[ticket_id(1)]["dispatched_until"] == "2026-02-07T13:00:00.000000Z"
    assert {name: one["state"] for name, one in tickets.items()} == {
        ticket_id(1): "dispatched", ticket_id(2): "failed", ticket_id(3): "rejected",
    }  # fmt: skip
    assert there.state_path.stat().st_mode & 0o777 == 0o600
    assert not list(there.folder.glob("*.new"))


async def test_elsewhere_nothing_is_dispatched_again_and_nothing_is_forgotten(there: World) -> None:
    there.claw.moods += [*[Reply(200)] * 3, Reply(400)]
    await there.start()
    for number in (1, 2, 3):
        await there.post(edited(number, 0))
        await there.reaches(number, "dispatched")
    await there.post(edited(4, 0))
    await there.reaches(4, "failed")
    await there.decided(edited(2, 50, group="completed"))
    await there.decided(edited(3, 50, group="completed"))
    await there.desk.pause("moving")
    await there.decided(edited(3, 60))
    await there.decided(edited(5, 0))
    await there.desk.withdraw(reference(5), "no")
    await there.decided(edited(6, 0))
    await there.decided(edited(6, 1, group="completed"))
    await there.decided(edited(7, 10, group="completed"))
    await there.decided(edited(8, 0, group="completed"))
    await there.desk.dispatch(reference(8), "it burns")
    await moved(there)
    status = await there.desk.status()
    assert (status.state, status.reason) == ("paused", "moving")
    states = {number: (await there.desk.ticket(ticket_id(number))).state for number in range(1, 9)}
    assert states == {
        1: "dispatched", 2: "dispatched", 3: "held", 4: "failed", 5: "withdrawn", 6: "withdrawn", 7: "rejected",
        8: "held",
    }  # fmt: skip
    assert (await there.desk.ticket(ticket_id(4))).reason.startswith("OpenClaw")
    assert (await there.desk.ticket(ticket_id(7))).reason == "its next delivery shows why"
    assert await there.events("type:infra.ticket.*") == [], "it was said where it was seen"
    for number in (1, 4, 5):
        await there.decided(edited(number, 70))
    await there.decided(edited(7, 5))
    await quiet(there)
    assert len(there.claw.requests) == 4
    await there.desk.resume()
    await there.reaches(3, "dispatched")
    assert (await there.reaches(8, "dispatched")).forced == "it burns"
    await there.decided(edited(2, 100))
    await there.decided(edited(6, 100))
    await there.counted(dispatched=5, failed=1, withdrawn=1, rejected=1)
    await quiet(there)
    assert len(there.claw.requests) == 8


async def test_the_file_of_another_ledger_is_merged(there: World) -> None:
    await there.start(openclaw_hook_token=None)
    for number in (1, 2):
        await there.decided(edited(number, 0))
    await there.stop()
    mine = there.folder / "data"
    await there.start(data_dir=there.folder / "other", openclaw_hook_token="openclaw-hook-token")
    await there.counted(dispatched=2)
    await there.post(edited(3, 0))
    await there.counted(dispatched=3)
    await there.stop()
    await there.start(data_dir=mine)
    await there.counted(dispatched=1, withdrawn=2)
    view = await there.desk.ticket(ticket_id(1))
    assert view.reason == "it has never left ready since it was dispatched, as is known only now"
    await quiet(there)
    await there.restart()
    await quiet(there)
    assert len(there.claw.requests) == 3
    assert (await there.desk.status()).notes == [], "the file is our own again"


async def test_it_is_written_at_most_once_a_second_and_at_the_end(there: World) -> None:
    await there.start(openclaw_hook_token=None)
    await there.until(there.state_path.exists)
    await quiet(there)
    first = there.state_path.stat().st_ino, there.state_path.read_bytes()
    await there.decided(edited(1, 0))
    await quiet(there)
    assert (there.state_path.stat().st_ino, there.state_path.read_bytes()) == first
    there.clock.advance(1)
    await there.until(lambda: ticket_id(1) in told(there)["tickets"])
    await there.decided(edited(2, 0))
    await quiet(there)
    assert ticket_id(2) not in told(there)["tickets"]
    await there.stop()
    assert set(told(there)["tickets"]) == {ticket_id(1), ticket_id(2)}


# No use.


@pytest.mark.parametrize("content", ["", " \n", None])
async def test_an_empty_file_or_none_in_no_folder_is_a_beginning(there: World, content: str | None) -> None:
    path = there.folder / "a" / "b" / "state.json"
    if content is not None:
        path.parent.mkdir(parents=True)
        path.write_text(content)
    await there.start(infra_dispatch_state_path=path)
    status = await there.desk.status()
    notes = [] if content is None else [f"{path} is blank: what was dispatched before is not known"]
    assert (status.state, status.notes) == ("running", notes)
    await there.until(lambda: path.exists() and path.read_text().startswith('{"godtui":1,'))


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"a": "x", "a": "y"}',
        b'{"id": {"state": "done"}}',
        b'{"godtui": 2, "tickets": {}}',
        b'{"godtui": 1, "tickets": []}',
        b'{"godtui": 1}',
        b'{"godtui": 1, "tickets": {"a": 1}}',
        b'{"godtui": 1, "tickets": {"a": {"reference": "A"}}}',
        b'{"godtui": 1, "tickets": {"a": {"reference": "A", "updated_at": 5, "timeline": {}, "episode": 1}}}',
    ],
)
async def test_a_corrupt_file_is_kept_aside_and_dispatching_starts_paused(there: World, content: bytes) -> None:
    there.state_path.write_bytes(content)
    await there.start()
    status = await there.desk.status()
    (aside,) = there.folder.glob("state.json.corrupt-*")
    assert aside.read_bytes() == content
    assert status.state == "paused"
    assert str(there.state_path) in status.reason
    assert aside.name in status.reason
    assert status.reason.endswith("see what it should have said, then resume")
    assert status.notes == [status.reason]
    health = there.running.health().components["dispatcher"]
    assert health.status == "degraded"
    assert aside.name in health.detail
    await there.decided(edited(1, 0))
    await quiet(there)
    assert there.claw.requests == []
    await there.restart()
    assert (await there.desk.status()).state == "paused"
    await there.desk.resume()
    await there.reaches(1, "dispatched")


@pytest.mark.parametrize("number", ["1.5", "true", '"x"', "1e400"])
def test_times_that_are_none_are_no_timeline(number: str) -> None:
    entry = {
        "reference": "A", "state": "dispatched", "episode": 1, "updated_at": None,
        "timeline": {"points": [["AT", True]], "covered": None, "past": None},
    }  # fmt: skip
    text = json.dumps({"godtui": 1, "tickets": {"a": entry}}).replace('"AT"', number)
    with pytest.raises(CorruptStateError, match="an entry of it cannot be read"):
        cases_of(json.loads(text), GateRules(), 0)


def test_the_time_of_a_fingerprint_is_what_counts() -> None:
    (case,) = cases_of({"x": "update:2026-02-07T13:00:00.5+00:00:todo:ready"}, GateRules(), 0)
    assert case.timeline.covered == to_microseconds(BEGIN + timedelta(milliseconds=500))
    assert (case.id, case.ticket.reference, case.said) == ("x", "x", "dispatched")


async def test_a_folder_in_its_place_is_refused_with_advice(there: World) -> None:
    there.state_path.mkdir()
    await there.start()
    health = there.running.health().components["dispatcher"]
    assert health.status == "degraded"
    assert f"{there.state_path} is no file; move it away, or set INFRA_DISPATCH_STATE_PATH" in health.detail
    status = await there.desk.status()
    assert status.state == "failed"
    assert str(there.state_path) in status.reason
    there.state_path.rmdir()
    await there.post(edited(1, 0))
    there.clock.advance(5)
    await there.until(there.works)
    await there.reaches(1, "dispatched")


def test_one_that_cannot_be_read_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.symlink_to(path)
    with pytest.raises(StateFileError, match="let godtui read it, or set INFRA_DISPATCH_STATE_PATH"):
        StateFile(path, ManualClock()).read()


def test_where_no_lock_can_be_made_it_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateFileError, match="a folder that godtui may write, or set INFRA_DISPATCH_STATE_PATH"):
        StateFile(tmp_path / "file" / "state.json", ManualClock()).take({})


def test_a_disk_without_room_for_a_name_takes_the_lock_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    file = StateFile(tmp_path / "state.json", ManualClock())
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        file.take({"instance": "me"})
    with pytest.raises(StateFileError, match="in use by another dispatcher"):
        StateFile(tmp_path / "state.json", ManualClock()).take({})
    file.release()
    file.release()
    StateFile(tmp_path / "state.json", ManualClock()).take({})


def test_one_writes_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, release, steps = threading.Event(), threading.Event(), list[bytes]()

    def slow(_: Path, content: bytes) -> bool:
        steps.append(content)
        inside.set()
        release.wait(20)
        steps.append(content)
        return True

    monkeypatch.setattr(state_file, "replace_file", slow)
    file = StateFile(tmp_path / "state.json", ManualClock())
    with ThreadPoolExecutor() as threads:
        written = [threads.submit(file.write, {"turn": 1}, [])]
        inside.wait(20)
        written.append(threads.submit(file.write, {"turn": 2}, []))
        release.set()
        assert all(one.result() for one in written)
    assert steps == [b'{"turn":%d,"tickets":{}}' % turn for turn in (1, 1, 2, 2)]


async def test_where_it_cannot_be_written_dispatching_goes_on_and_says_so(there: World) -> None:
    await there.start()
    await there.until(there.state_path.exists)
    in_the_way = there.folder / "state.json.new"
    in_the_way.mkdir()
    await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")
    there.clock.advance(1)
    await there.until(lambda: there.running.health().components["dispatcher"].status == "degraded")
    detail = there.running.health().components["dispatcher"].detail
    assert detail == f"{there.state_path} cannot be written; dispatching goes on"
    in_the_way.rmdir()
    await quiet(there)
    there.clock.advance(1)
    await there.until(lambda: there.running.health().components["dispatcher"].status == "ok")
    assert ticket_id(1) in told(there)["tickets"]


async def test_a_second_dispatcher_on_the_same_file_refuses_and_names_the_first(there: World) -> None:
    await there.start()
    second: Engine = there.make(data_dir=there.folder / "second")
    await second.start()
    try:
        await there.until(lambda: second.health().components["dispatcher"].figures["state"] == "retrying")
        detail = second.health().components["dispatcher"].detail
        assert f"{there.state_path} is in use by {there.running.instance} (process {os.getpid()})" in detail
        assert "stop that one, or set INFRA_DISPATCH_STATE_PATH to another file" in detail
        assert (await second.operations.dispatcher.status()).state == "failed"
        await there.stop()
        there.clock.advance(60)
        await there.until(lambda: second.health().components["dispatcher"].status == "ok")
    finally:
        await second.stop()
