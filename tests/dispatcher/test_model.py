"""Whatever comes in whatever order, and whatever dies meanwhile: each ready episode is dispatched, and only once."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Awaitable
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from godtui.dispatcher.case import Case
from godtui.dispatcher.errors import TicketStateError, UnknownTicketError
from tests.dispatcher import model
from tests.dispatcher.rig import REARM, SECOND, START, Edit, Mood, Rig, folder, ticket, twin
from tests.processes import PATIENCE

EXAMPLES: Final = 40
STEPS: Final = 30
SOAK_EXAMPLES: Final = int(os.environ.get("GODTUI_SOAK_EXAMPLES", "3000"))
TICKETS: Final = 2

gaps = st.sampled_from([1, SECOND, REARM // 2, REARM - 1, REARM, REARM + 1, 2 * REARM])
edits = st.lists(st.tuples(gaps, st.booleans()), min_size=1, max_size=4)
numbers = st.integers(1, TICKETS)


class Dispatching(RuleBasedStateMachine):
    """Plane, OpenClaw, an operator and power cuts, at odds with one dispatcher.

    `plane` is when each ticket was edited last; `told` went out, `mailbag` waits to. `by_hand` are the times of what
    was withdrawn, `pardoned` how many refusals an operator has overruled, `retried` how often, by episode.
    """

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.rig = Rig(folder())
        self.plane = dict.fromkeys(range(1, TICKETS + 1), START)
        self.told: list[Edit] = []
        self.mailbag: list[Edit] = []
        self.by_hand: dict[str, set[int]] = defaultdict(set)
        self.pardoned: dict[str, int] = defaultdict(int)
        self.retried: Counter[tuple[str, int]] = Counter()
        self.looked = 0
        self.before: dict[str, dict[int, bool]] = {}

    def run(self, work: Awaitable[Any]) -> Any:
        """Do something and wait until nothing goes on."""

        async def whole() -> Any:
            async with asyncio.timeout(PATIENCE):
                done = await work
                if self.rig.life is not None:
                    await self.rig.still()
                return done

        return self.runner.run(whole())

    @initialize(refuses=st.booleans())
    def begin(self, refuses: bool) -> None:
        self.rig.claw.refuses_session_keys = refuses
        self.run(self.rig.start())

    def edit(self, number: int, gap: int, ready: bool) -> Edit:
        self.plane[number] += gap
        return Edit(ticket(number), self.plane[number], ready)

    def deliver(self, *edits: Edit) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*(self.rig.deliver(edit) for edit in edits))

        self.told += edits
        self.run(all_of_them())

    @rule(number=numbers, edits=edits, order=st.randoms(), apart=st.booleans(), late=st.booleans())
    def plane_tells(self, number: int, edits: list[tuple[int, bool]], order: Any, apart: bool, late: bool) -> None:
        """Edits of a ticket, told in any order, together or each for itself, or one of them not yet."""
        made = [self.edit(number, *each) for each in edits]
        order.shuffle(made)
        if late:
            self.mailbag.append(made.pop())
        if apart:
            for one in made:
                self.deliver(one)
        else:
            self.deliver(*made)

    @precondition(lambda self: self.mailbag)
    @rule(data=st.data())
    def plane_tells_late(self, data: st.DataObject) -> None:
        self.deliver(self.mailbag.pop(data.draw(st.integers(0, len(self.mailbag) - 1))))

    @precondition(lambda self: self.told)
    @rule(data=st.data(), anew=st.booleans())
    def plane_tells_again(self, data: st.DataObject, anew: bool) -> None:
        """The same bytes, or other ones about the same edit."""
        edit = data.draw(st.sampled_from(self.told))
        self.deliver(twin(edit) if anew else edit)

    @rule(moods=st.lists(st.sampled_from(Mood), min_size=1, max_size=3))
    def openclaw_turns(self, moods: list[Mood]) -> None:
        self.rig.claw.moods.extend(moods)

    @rule(forgets=st.booleans())
    def openclaw_admits(self, forgets: bool) -> None:
        """The slow are answered; or all keys are forgotten."""

        async def admit() -> None:
            self.rig.claw.admit()

        if forgets:
            self.rig.claw.forget()
        else:
            self.run(admit())

    @rule(seconds=st.sampled_from([1, 5, 61, 301, 901]))
    def time_passes(self, seconds: float) -> None:
        self.run(self.rig.pass_time(seconds))

    @rule(number=numbers, gap=gaps, ready=st.booleans(), turns=st.integers(0, 60))
    def it_is_killed(self, number: int, gap: int, ready: bool, turns: int) -> None:
        """Somewhere in taking in a delivery, deciding on it, and sending what comes of it."""
        edit = self.edit(number, gap, ready)
        self.told.append(edit)

        async def kill_meanwhile() -> None:
            telling = asyncio.ensure_future(self.rig.deliver(edit))
            for _ in range(turns):
                await asyncio.sleep(0)
            await self.rig.end()
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await self.rig.start()

        self.run(kill_meanwhile())

    @rule(passes=st.booleans(), full=st.booleans())
    def surroundings_change(self, passes: bool, full: bool) -> None:
        """Components are well or not; the disk may be full for a while."""

        async def be_full_for_a_while() -> None:
            self.rig.log.is_away = True
            await self.rig.pass_time(30)
            self.rig.log.is_away = False
            await self.rig.pass_time(61)

        self.rig.check_passes = passes
        if full:
            self.run(be_full_for_a_while())

    @rule(pauses=st.booleans())
    def an_operator_pauses_or_resumes(self, pauses: bool) -> None:
        self.run(self.rig.desk.pause("for a test") if pauses else self.rig.desk.resume())

    @rule(number=numbers)
    def an_operator_retries(self, number: int) -> None:
        case, refused = self.case(number), len(self.rig.claw.refused)
        try:
            self.run(self.rig.desk.retry(ticket(number)))
        except (TicketStateError, UnknownTicketError):
            return
        assert case is not None
        self.by_hand[case.id].clear()
        self.pardoned[case.id] = refused
        self.retried[case.id, case.number] += 1

    @rule(number=numbers)
    def an_operator_withdraws(self, number: int) -> None:
        case = self.case(number)
        try:
            self.run(self.rig.desk.withdraw(ticket(number)))
        except (TicketStateError, UnknownTicketError):
            return
        assert case is not None
        assert case.content_at is not None
        self.by_hand[case.id].add(case.content_at)

    def case(self, number: int) -> Case | None:
        found: Case | None = self.run(self.rig.tools.ledger.case(ticket(number)))
        return found

    def told_of(self, name: str, arrivals: list[Edit]) -> dict[int, bool]:
        return {edit.at: edit.ready for edit in arrivals if edit.ticket == name}

    @invariant()
    def all_is_well(self) -> None:
        if self.rig.life is not None:
            self.nothing_is_sent_that_should_not_be()
            self.every_ticket_is_where_it_belongs()

    def nothing_is_sent_that_should_not_be(self) -> None:
        """Nothing of a ticket that is not ready, nor of an episode that was withdrawn by hand."""
        arrivals = self.run(self.rig.stored())
        told = {ticket(number): self.told_of(ticket(number), arrivals) for number in range(1, TICKETS + 1)}
        new, self.looked = self.rig.claw.sent[self.looked :], len(self.rig.claw.sent)
        for sent in new:
            # What came within the same step may have come before or after.
            views = [model.current(one.get(sent.ticket, {}), REARM) for one in (self.before, told)]
            assert any(views) or told[sent.ticket][sent.content], sent
            assert not all(view and model.is_met(view, self.by_hand[sent.ticket]) for view in views), sent
        self.before = told

    def every_ticket_is_where_it_belongs(self) -> None:
        """A ready one is dispatched or waits to be, the others wait for nothing."""
        for number in range(1, TICKETS + 1):
            case, name = self.case(number), ticket(number)
            told = self.before[name]
            assert (case is None) == (not told), f"{name} was forgotten"
            if case is None:
                continue
            assert case.content_at == max(told)
            episode, pending = model.current(told, REARM), case.open_episode
            if not episode:
                assert pending is None or (pending.phase == "sending" and pending.leaving), pending
            elif pending is None:
                assert model.is_met(episode, self.done(name)), case

    def done(self, name: str) -> set[int]:
        """The times of a ticket whose content was admitted, refused or withdrawn by hand."""
        refused = self.rig.claw.refused[self.pardoned[name] :]
        found = [sent for sent in [*self.rig.claw.runs, *refused] if sent.ticket == name]
        return {sent.content for sent in found} | self.by_hand[name]

    def teardown(self) -> None:
        try:
            if self.rig.life is not None:
                self.run(self.rig.drain())
                self.all_is_well()
                arrivals = self.run(self.rig.stored())
                for number in range(1, TICKETS + 1):
                    self.not_too_often(ticket(number), arrivals)
        finally:
            if self.rig.life is not None:
                self.runner.run(self.rig.end())
            self.runner.close()
            shutil.rmtree(self.rig.directory, ignore_errors=True)

    def not_too_often(self, name: str, arrivals: list[Edit]) -> None:
        """No more runs than episodes, and of each episode one key's."""
        runs = [sent for sent in self.rig.claw.runs if sent.ticket == name]
        keys = {(sent.number, sent.key) for sent in runs}
        of_episode = Counter(number for number, _ in keys)
        for number, count in of_episode.items():
            assert count <= 1 + self.retried[name, number], runs
        ends = {sent.content for sent in self.rig.claw.sent if sent.ticket == name} | self.by_hand[name]
        told = [(edit.at, edit.ready) for edit in arrivals if edit.ticket == name]
        assert len(of_episode) <= model.decided(told, ends, REARM), (runs, told)


def play(examples: int, steps: int) -> None:
    options = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(Dispatching, settings=options)


def test_each_ready_episode_is_dispatched_once() -> None:
    play(EXAMPLES, STEPS)


@pytest.mark.soak
def test_each_ready_episode_is_dispatched_once_for_long() -> None:
    play(SOAK_EXAMPLES, STEPS)
