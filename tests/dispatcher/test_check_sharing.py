"""One run at a time for each component, shared by those who wait, kept for a while, ended when nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from godtui.clock import to_datetime
from godtui.dispatcher.checks import AT_ONCE, SHOWN_CHARACTERS, CheckRules, Checks, ChecksClosedError
from godtui.dispatcher.views import Check
from tests.clock import MORNING, ManualClock
from tests.dispatcher.checking import Commands, Told, checks_of, collect

NAMES = ("one", "two", "three", "four", "five", "six")
FOLDER = Path("/components")
SECRET = "a-secret-of-ours"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def commands(clock: ManualClock) -> Commands:
    return Commands(clock)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def checks(clock: ManualClock, commands: Commands, told: Told) -> AsyncIterator[Checks]:
    texts = {name: f"check {name} {SECRET}" for name in NAMES}
    made = checks_of(texts, FOLDER, clock, run=commands, completed=told, secrets=(SECRET,))
    yield made
    await made.close()


async def turn() -> None:
    """Let all that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def ask(checks: Checks, component: str, ticket: str = "INFRA-1", *, fresh: bool = False) -> asyncio.Task[Check]:
    """One who waits, once it does."""
    waiting = asyncio.create_task(checks.result(component, ticket=ticket, fresh=fresh))
    await turn()
    return waiting


async def leave(waiting: asyncio.Task[Check]) -> None:
    waiting.cancel()
    await turn()
    assert waiting.cancelled()


async def test_those_who_wait_share_one_run(checks: Checks, commands: Commands, told: Told) -> None:
    waiting = [await ask(checks, "one", f"INFRA-{n}", fresh=n == 2) for n in (1, 2, 1, 3)]
    waiting.append(await ask(checks, " ONE ", "INFRA-4"))
    assert checks.tickets("One") == ["INFRA-1", "INFRA-2", "INFRA-3", "INFRA-4"]
    commands.finish("one", 1)
    results = await asyncio.gather(*waiting)
    assert commands.started == ["one"]
    assert results == [results[0]] * 5
    assert told.checks == [(results[0], "one")]
    assert checks.tickets("one") == []


async def test_an_outcome_has_everything_that_is_told_of_it(checks: Checks, commands: Commands) -> None:
    waiting = await ask(checks, "one")
    commands.feeds["one"](b"it says a-secret-of-ours\n")
    commands.finish("one", 1)
    assert await waiting == Check(
        component="one",
        outcome="failed",
        command="check one ***",
        cwd=str(FOLDER),
        exit_code=1,
        duration_s=1.5,
        output_tail="it says ***\n",
        finished_at=to_datetime(MORNING),
        why="the command failed",
    )


@pytest.mark.parametrize("code", [0, 1])
async def test_an_outcome_stands_for_the_seconds_set(
    checks: Checks, commands: Commands, clock: ManualClock, told: Told, code: int
) -> None:
    first = await ask(checks, "one")
    commands.finish("one", code)
    outcome = await first
    clock.advance(59.9)
    clock.set_wall(-86_400)
    assert await checks.result("one", ticket="INFRA-2") is outcome
    clock.advance(0.1)
    second = await ask(checks, "one")
    commands.finish("one")
    assert await second is not outcome
    assert commands.started == ["one", "one"]
    assert len(told.checks) == 2


async def test_fresh_asks_again_and_its_outcome_stands_for_the_others(checks: Checks, commands: Commands) -> None:
    first = await ask(checks, "one")
    commands.finish("one", 1)
    await first
    second = await ask(checks, "one", fresh=True)
    commands.finish("one")
    outcome = await second
    assert outcome.outcome == "passed"
    assert await checks.result("one", ticket="INFRA-3") is outcome


async def test_nothing_stands_where_the_seconds_are_none(clock: ManualClock, commands: Commands) -> None:
    checks = checks_of({"one": "x"}, FOLDER, clock, run=commands, rules=CheckRules(reuse=0))
    for _ in range(2):
        waiting = await ask(checks, "one")
        commands.finish("one")
        await waiting
    assert commands.started == ["one", "one"]
    await checks.close()


async def test_the_run_goes_on_while_one_waits(checks: Checks, commands: Commands) -> None:
    first, second = await ask(checks, "one", "INFRA-1"), await ask(checks, "one", "INFRA-2")
    await leave(first)
    assert not commands.stopped
    assert checks.tickets("one") == ["INFRA-2"]
    commands.finish("one")
    assert (await second).outcome == "passed"


async def test_who_leaves_as_the_last_ends_the_run_and_nothing_is_kept(
    checks: Checks, commands: Commands, told: Told
) -> None:
    await leave(await ask(checks, "one"))
    assert commands.stopped == ["one"]
    assert not checks.running()
    assert not told.checks
    again = await ask(checks, "one")
    assert commands.started == ["one", "one"]
    commands.finish("one")
    assert (await again).outcome == "passed"


async def test_a_run_that_is_being_ended_is_not_joined(clock: ManualClock, told: Told) -> None:
    started, let_go = [], asyncio.Event()

    async def slow_to_end(planned: object, feed: object, stop: asyncio.Event) -> None:
        started.append(stop)
        await stop.wait()
        await let_go.wait()

    checks = checks_of({"one": "x"}, FOLDER, clock, run=slow_to_end, completed=told)
    await leave(await ask(checks, "one"))
    waiting = await ask(checks, "one", "INFRA-2")
    assert len(started) == 1, "one at a time"
    let_go.set()
    await turn()
    assert len(started) == 2
    await leave(waiting)
    await checks.close()
    assert not told.checks


async def test_who_leaves_while_an_older_outcome_stands_leaves_it_standing(checks: Checks, commands: Commands) -> None:
    first = await ask(checks, "one")
    commands.finish("one")
    outcome = await first
    await leave(await ask(checks, "one", fresh=True))
    assert await checks.result("one", ticket="INFRA-2") is outcome


async def test_so_many_run_at_once_and_the_others_follow(checks: Checks, commands: Commands) -> None:
    waiting = {name: await ask(checks, name) for name in NAMES}
    assert commands.started == list(NAMES[:AT_ONCE])
    assert [running.component for running in checks.running()] == list(NAMES[:AT_ONCE])
    commands.finish("two")
    await waiting["two"]
    await turn()
    assert commands.started == list(NAMES[: AT_ONCE + 1])
    await leave(waiting["six"])
    commands.finish("one")
    await turn()
    assert "six" not in commands.started, "nobody waits for it any more"
    later = await ask(checks, "six")
    assert commands.started[-1] == "six"
    for name in ("three", "four", "five", "six"):
        commands.finish(name)
    await asyncio.gather(later, *(waiting[name] for name in ("one", "three", "four", "five")))


async def test_who_waits_gets_the_outcome_after_it_was_told(clock: ManualClock, commands: Commands) -> None:
    order: list[object] = []
    may_go_on = asyncio.Event()

    async def completed(check: Check, component: str) -> None:
        order.append((component, checks.tickets(component)))
        await may_go_on.wait()

    checks = checks_of({"one": "x"}, FOLDER, clock, run=commands, completed=completed)
    waiting = await ask(checks, "one")
    waiting.add_done_callback(lambda done: order.append("waiter"))
    commands.finish("one")
    await turn()
    late = await ask(checks, "one", "INFRA-2")
    assert order == [("one", ["INFRA-1"])]
    may_go_on.set()
    assert await waiting is await late
    assert order == [("one", ["INFRA-1"]), "waiter"]
    await checks.close()


async def test_an_outcome_that_cannot_be_told_is_logged_and_stands(
    clock: ManualClock, commands: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    async def completed(check: Check, component: str) -> None:
        raise RuntimeError("no room in the outbox")

    checks = checks_of({"one": "x"}, FOLDER, clock, run=commands, completed=completed)
    waiting = await ask(checks, "one")
    commands.finish("one")
    outcome = await waiting
    assert outcome.outcome == "passed"
    assert "the check of one came to an outcome that could not be told" in caplog.text
    assert await checks.result("one", ticket="INFRA-2") is outcome
    await checks.close()


async def test_a_fault_of_ours_reaches_all_who_wait_and_frees_the_place(
    checks: Checks, commands: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = [await ask(checks, "one") for _ in range(2)]
    commands.crash("one")
    for result in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(result, RuntimeError)
    assert "the check of one could not be carried out" in caplog.text
    again = await ask(checks, "one")
    commands.finish("one")
    assert (await again).outcome == "passed"


async def test_what_runs_is_shown(checks: Checks, commands: Commands, clock: ManualClock) -> None:
    assert checks.running() == []
    clock.advance(3)
    waiting = [await ask(checks, "one", "INFRA-1"), await ask(checks, "one", "INFRA-2")]
    commands.feeds["one"](b"x" * 10_000 + b"\n" + b"done: a-secret-of-ours\n" * 100)
    (running,) = checks.running()
    assert running.started_at == to_datetime(MORNING + 3_000_000)
    assert (running.component, running.command, running.cwd) == ("one", "check one ***", str(FOLDER))
    assert running.tickets == ["INFRA-1", "INFRA-2"]
    assert len(running.output_tail) <= SHOWN_CHARACTERS
    assert running.output_tail.endswith("x\n" + "done: ***\n" * 100)
    commands.finish("one")
    await asyncio.gather(*waiting)


async def test_watching_begins_with_what_was_printed_and_ends_with_the_run(checks: Checks, commands: Commands) -> None:
    assert await collect(checks.watch("one")) == ""
    assert await collect(checks.watch("nobody's")) == ""
    waiting = await ask(checks, "one")
    commands.feeds["one"](b"first\n")
    watching = [asyncio.create_task(collect(checks.watch(name))) for name in ("one", "ONE")]
    await turn()
    commands.feeds["one"](b"second\n")
    commands.finish("one")
    assert await asyncio.gather(*watching) == ["first\nsecond\n"] * 2
    await waiting


async def test_watching_one_that_waits_its_turn_waits_with_it(checks: Checks, commands: Commands) -> None:
    waiting = {name: await ask(checks, name) for name in NAMES}
    watching = asyncio.create_task(collect(checks.watch("five")))
    gone = asyncio.create_task(collect(checks.watch("six")))
    await turn()
    await leave(waiting.pop("six"))
    assert await gone == ""
    commands.finish("one")
    await turn()
    commands.feeds["five"](b"five\n")
    for name in ("two", "three", "four", "five"):
        commands.finish(name)
    assert await watching == "five\n"
    await asyncio.gather(*waiting.values())


async def test_what_is_not_run_says_why_and_is_not_told(checks: Checks, commands: Commands, told: Told) -> None:
    unknown = await checks.result("$(x)", ticket="INFRA-1")
    assert (unknown.component, unknown.outcome, unknown.command) == ("$(x)", "not_configured", None)
    nameless = await checks.result(None, ticket="INFRA-1")
    assert (nameless.component, nameless.outcome) == (None, "no_component")
    assert unknown.why
    assert nameless.why
    assert not commands.started
    assert not told.checks


async def test_checks_that_are_off_run_nothing(clock: ManualClock, commands: Commands) -> None:
    checks = checks_of({"one": "x"}, FOLDER, clock, run=commands, rules=CheckRules(enabled=False))
    for component in ("one", "unknown", None):
        check = await checks.result(component, ticket="INFRA-1", fresh=True)
        assert (check.component, check.outcome) == (component, "disabled")
        assert "INFRA_RUN_CHECKS" in check.why
    assert not commands.started


async def test_closing_ends_all_and_refuses_more(checks: Checks, commands: Commands, told: Told) -> None:
    first = await ask(checks, "six")
    commands.finish("six")
    await first
    waiting = [await ask(checks, name) for name in NAMES]
    await asyncio.gather(checks.close(), checks.close())
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results[:5]] == [ChecksClosedError] * 5
    assert sorted(commands.stopped) == sorted(NAMES[:AT_ONCE])
    assert commands.started == ["six", *NAMES[:AT_ONCE]]
    assert len(told.checks) == 1
    for component in ("one", "six", "unknown"):
        with pytest.raises(ChecksClosedError):
            await checks.result(component, ticket="INFRA-1")
    await checks.close()


async def test_closing_waits_for_what_came_to_an_outcome(clock: ManualClock, commands: Commands) -> None:
    may_go_on, checks_told = asyncio.Event(), []

    async def completed(check: Check, component: str) -> None:
        await may_go_on.wait()
        checks_told.append(check)

    checks = checks_of({"one": "x"}, FOLDER, clock, run=commands, completed=completed)
    waiting = await ask(checks, "one")
    commands.finish("one")
    await turn()
    closing = asyncio.create_task(checks.close())
    await turn()
    assert not closing.done()
    may_go_on.set()
    await closing
    assert checks_told == [await waiting]


async def test_closing_does_not_wait_for_ever(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def never_ends(planned: object, feed: object, stop: asyncio.Event) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("godtui.dispatcher.checks.CLOSE_SECONDS", 0.01)
    checks = checks_of({"one": "x"}, FOLDER, clock, run=never_ends)
    waiting = await ask(checks, "one")
    await checks.close()
    with pytest.raises(ChecksClosedError):
        await waiting
    assert "the check of one does not end" in caplog.text
