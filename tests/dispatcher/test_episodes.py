"""Episodes: what becomes of a ticket with every delivery, answer and operator's word."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from godtui.dispatcher import episodes
from godtui.dispatcher.case import OPEN, Case, Episode, Phase, Say
from godtui.dispatcher.errors import TicketStateError
from godtui.dispatcher.gate import GateRules, judge
from godtui.dispatcher.ticket import State, Ticket
from godtui.dispatcher.views import Check

SECOND = 1_000_000
REARM = 5 * SECOND
NOW = 1_000_000 * SECOND
"""Our clock; Plane's times are small numbers of seconds."""

FAILED = Check(component="bloodbank", outcome="failed", why="it failed: exit code 1")
READY = Ticket("t", "INFRA-42", "A title", state=State("s", "Todo", "unstarted"), labels=("ready", "automation:go"))
DONE = READY._replace(state=State("d", "Done", "completed"))
WHY_DONE = "the state is Done, of the group completed; wanted is unstarted"
PHASES: tuple[Phase, ...] = ("ready", "blocked", "sending", "retrying", "dispatched", "failed", "withdrawn")


class Story:
    """A case, and what was said of it."""

    def __init__(self) -> None:
        self.case = Case("t", READY)
        self.said: list[Say] = []

    @property
    def verdicts(self) -> list[str]:
        return [say.verdict for say in self.said]

    @property
    def episode(self) -> Episode:
        assert self.case.episode is not None
        return self.case.episode

    def sees(self, at: float, ticket: Ticket = READY) -> list[str]:
        """A delivery comes, edited at so many seconds of Plane's time."""
        said = episodes.observe(self.case, ticket, judge(ticket, GateRules()), round(at * SECOND), REARM, NOW)
        return self._told(said)

    def leaves(self, at: float) -> list[str]:
        return self.sees(at, DONE)

    def blocks(self, why: str = "held by its checks: bloodbank failed") -> list[str]:
        return self._told(episodes.block(self.case, [FAILED], why, NOW + 900 * SECOND, NOW))

    def begins(self, body: bytes = b"frozen") -> None:
        if self.episode.body is None:
            episodes.freeze(self.case, [], body, f"key-{self.episode.number}-{self.episode.variant}", NOW)
        else:
            episodes.begin_try(self.case, NOW)

    def is_answered(self, run_id: str = "run-1") -> list[str]:
        return self._told(episodes.dispatched(self.case, run_id, "", REARM, NOW))

    def is_put_off(self, reason: str = "OpenClaw is away") -> list[str]:
        return self._told(episodes.try_again(self.case, reason, NOW + SECOND, REARM, NOW))

    def is_refused(self, reason: str = "OpenClaw refused it") -> list[str]:
        return self._told(episodes.failed(self.case, reason, REARM, NOW))

    def is_withdrawn(self, reason: str = "") -> list[str]:
        return self._told(episodes.withdraw(self.case, reason, NOW))

    def is_retried(self) -> list[str]:
        return self._told(episodes.retry(self.case, NOW))

    def is_forced(self, reason: str = "it burns") -> list[str]:
        return self._told(episodes.force(self.case, reason, NOW))

    def _told(self, said: Sequence[Say]) -> list[str]:
        self.said += said
        return [say.verdict for say in said]


def at(phase: Phase) -> Story:
    """A ticket that has been ready since 10 s, in that phase of its first episode."""
    story = Story()
    story.sees(10)
    steps: dict[Phase, list[Callable[[], object]]] = {
        "blocked": [story.blocks],
        "sending": [story.begins],
        "retrying": [story.begins, story.is_put_off],
        "dispatched": [story.begins, story.is_answered],
        "failed": [story.begins, story.is_refused],
        "withdrawn": [lambda: story.leaves(11)],
    }
    for step in steps.get(phase, []):
        step()
    assert story.episode.phase == phase
    story.said.clear()
    return story


# Deliveries.


def test_a_ticket_that_never_was_ready_is_rejected_once() -> None:
    story = Story()
    assert story.leaves(1) == ["rejected"]
    assert story.leaves(2) == []
    assert story.case.episode is None
    assert story.said[0].episode is None
    assert story.said[0].payload["episode"] == 0


def test_a_ticket_that_becomes_ready_qualifies_once_and_is_due_at_once() -> None:
    story = Story()
    story.leaves(1)
    assert story.sees(10) == ["qualified"]
    assert story.sees(11) == story.sees(10) == story.sees(10.5) == []
    assert (story.episode.number, story.episode.phase, story.episode.due_at) == (1, "ready", NOW)


@pytest.mark.parametrize("phase", PHASES)
def test_an_edit_while_it_stays_ready_changes_no_phase_but_that_of_one_withdrawn(phase: Phase) -> None:
    story = at(phase)
    assert story.sees(12) == (["qualified"] if phase == "withdrawn" else [])
    assert story.episode.number == 1
    assert story.episode.phase == ("ready" if phase == "withdrawn" else phase)


@pytest.mark.parametrize("phase", PHASES)
def test_it_leaves_ready(phase: Phase) -> None:
    story = at(phase)
    expected: dict[Phase, tuple[list[str], Phase]] = {
        "sending": ([], "sending"),
        "dispatched": (["rejected"], "dispatched"),
        "failed": ([], "failed"),
        "withdrawn": ([], "withdrawn"),
    }
    said, becomes = expected.get(phase, (["withdrawn"], "withdrawn"))
    assert story.leaves(20) == said
    assert story.episode.phase == becomes
    assert story.leaves(30) == []


@pytest.mark.parametrize("phase", ["ready", "blocked"])
def test_what_is_withdrawn_says_why(phase: Phase) -> None:
    story = at(phase)
    story.leaves(20)
    assert story.episode.reason == story.said[-1].payload["reason"] == WHY_DONE
    assert story.episode.due_at is None
    assert story.episode.closed_at == NOW


def test_what_was_tried_is_withdrawn_with_the_word_that_it_may_have_arrived() -> None:
    story = at("retrying")
    story.leaves(20)
    assert story.episode.reason == f"{WHY_DONE}; it was tried once, and may have arrived"
    story = at("retrying")
    story.begins()
    story.is_put_off()
    story.leaves(20)
    assert story.episode.reason == f"{WHY_DONE}; it was tried 2 times, and may have arrived"


@pytest.mark.parametrize("phase", PHASES)
def test_it_leaves_and_comes_back_in_no_time_which_is_the_same_episode(phase: Phase) -> None:
    story = at(phase)
    story.leaves(11)
    story.sees(15.9)
    waits = ("ready", "blocked", "withdrawn")
    becomes = "ready" if phase in waits else phase
    assert (story.episode.number, story.episode.phase) == (1, becomes)


@pytest.mark.parametrize("phase", PHASES)
def test_it_leaves_and_comes_back_which_is_a_new_episode(phase: Phase) -> None:
    story = at(phase)
    story.leaves(20)
    said = story.sees(25)
    if phase == "sending":
        assert said == []
        assert story.episode.leaving
        assert story.is_answered() == ["dispatched", "qualified"]
    else:
        assert said == ["qualified"]
    assert (story.episode.number, story.episode.phase) == (2, "ready")
    assert story.episode.body is None
    assert story.episode.attempts == 0


@pytest.mark.parametrize("phase", PHASES)
def test_a_deletion_is_like_leaving(phase: Phase) -> None:
    story, other = at(phase), at(phase)
    assert story.sees(20, READY._replace(is_deleted=True)) == other.leaves(20)
    assert story.episode.phase == other.episode.phase
    if story.episode.phase == "withdrawn" and phase != "withdrawn":
        assert story.episode.reason.startswith("the ticket was deleted")


@pytest.mark.parametrize("phase", PHASES)
def test_a_late_delivery_of_a_time_before_changes_nothing(phase: Phase) -> None:
    story = at(phase)
    was = (story.episode.phase, story.case.ticket, story.case.content_at)
    assert story.leaves(5) == story.sees(4, READY._replace(title="older")) == []
    assert (story.episode.phase, story.case.ticket, story.case.content_at) == was


def test_a_late_delivery_shows_that_it_never_left() -> None:
    """Ready again was seen before leaving: the second episode is no episode after all."""
    story = at("dispatched")
    story.leaves(20)
    story.sees(26)
    assert (story.episode.number, story.episode.phase) == (2, "ready")
    assert story.sees(22) == ["withdrawn"]
    assert story.episode.reason == "it has never left ready since it was dispatched, as is known only now"
    assert story.sees(27) == []


def test_a_burst_of_deliveries_of_one_edit_in_any_order_is_one_episode() -> None:
    story = Story()
    for moment in (10.3, 10.1, 10.2, 10.1, 10.3):
        story.sees(moment)
    story.begins()
    story.is_answered()
    for moment in (10.2, 10.1, 10.35, 10.3):
        story.sees(moment)
    assert story.verdicts == ["qualified", "dispatched"]


def test_a_late_leave_while_an_answer_is_awaited_makes_what_came_after_it_an_episode_of_its_own() -> None:
    """What is sent covers the time for which it was frozen, and no later one."""
    story = at("sending")
    story.sees(100)
    story.leaves(50)
    assert story.is_answered() == ["dispatched", "qualified"]
    assert (story.episode.number, story.episode.since) == (2, 100 * SECOND)


def test_a_late_leave_before_it_is_sent_adds_no_episode() -> None:
    story = at("ready")
    story.sees(100)
    story.leaves(50)
    story.begins()
    assert story.is_answered() == ["dispatched"]
    assert story.sees(101) == []


def test_bytes_of_an_episode_that_is_over_are_not_sent_for_the_next() -> None:
    story = at("retrying")
    story.sees(100)
    assert story.leaves(50) == ["withdrawn", "qualified"]
    assert (story.episode.number, story.episode.body) == (2, None)


def test_leaving_while_an_answer_is_awaited_is_withdrawn_unless_it_arrived() -> None:
    story = at("sending")
    story.leaves(20)
    assert story.episode.reason == f"an answer is awaited, though {WHY_DONE}"
    assert story.is_put_off() == ["withdrawn"]
    assert story.episode.reason == "it left ready meanwhile; it was tried once, and may have arrived"
    story = at("sending")
    story.leaves(20)
    assert story.is_answered() == ["dispatched", "rejected"]


def test_leaving_and_coming_back_in_no_time_while_an_answer_is_awaited_is_as_if_it_had_not() -> None:
    story = at("sending")
    story.leaves(20)
    story.sees(21)
    assert not story.episode.leaving
    assert "awaited, though" not in story.episode.reason
    assert story.is_put_off() == []
    assert (story.episode.phase, story.episode.reason) == ("retrying", "OpenClaw is away")


def test_coming_back_after_tries_sends_the_same_bytes_again() -> None:
    story = at("retrying")
    story.leaves(20)
    story.sees(21)
    assert (story.episode.phase, story.episode.body, story.episode.due_at) == ("retrying", b"frozen", NOW)
    story.begins()
    assert story.episode.attempts == 2


def test_what_is_dispatched_says_the_run_and_what_is_refused_says_why() -> None:
    story = at("sending")
    story.is_answered("run-7")
    assert story.said[-1].payload["run_id"] == story.episode.run_id == "run-7"
    story = at("sending")
    story.is_refused("400: message required")
    assert story.said[-1].payload["reason"] == "400: message required"


def test_what_is_said_tells_the_ticket_its_conditions_and_the_episode() -> None:
    story = Story()
    story.sees(10)
    payload = story.said[0].payload
    assert {name: payload[name] for name in ("ticket", "ticket_id", "title", "url", "components", "episode")} == {
        "ticket": "INFRA-42", "ticket_id": "t", "title": "A title", "url": None, "components": [], "episode": 1,
    }  # fmt: skip
    assert [one["name"] for one in payload["conditions"]] == [
        "exists", "not archived", "not draft", "state", "labels", "component",
    ]  # fmt: skip
    assert "forced" not in payload


def test_an_answer_for_what_was_never_begun_is_no_matter() -> None:
    case = Case("t", READY)
    assert episodes.dispatched(case, "r", "", REARM, NOW) == []
    assert episodes.failed(case, "r", REARM, NOW) == []
    assert episodes.try_again(case, "r", NOW, REARM, NOW) == []


def test_an_answer_that_is_written_down_twice_is_said_once() -> None:
    story = at("sending")
    assert story.is_answered("run-1") == ["dispatched"]
    assert story.is_answered("run-1") == story.is_refused() == story.is_put_off() == []
    assert (story.episode.phase, story.episode.run_id) == ("dispatched", "run-1")


# Checks.


def test_blocked_is_said_once_while_the_reason_is_the_same() -> None:
    story = at("ready")
    assert story.blocks() == ["blocked"]
    assert story.said[-1].payload["reason"] == "held by its checks: bloodbank failed"
    assert story.blocks() == []
    assert story.episode.due_at == NOW + 900 * SECOND
    assert story.episode.checks == (FAILED,)


def test_checks_that_end_after_an_operator_forced_it_do_not_hold_it() -> None:
    story = at("ready")
    story.is_forced()
    assert story.blocks() == []
    assert (story.episode.phase, story.episode.due_at) == ("ready", NOW)


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase not in ("ready", "blocked")])
def test_checks_that_end_too_late_change_nothing(phase: Phase) -> None:
    story = at(phase)
    with pytest.raises(TicketStateError, match=f"^INFRA-42 is {phase}$"):
        story.blocks()
    with pytest.raises(TicketStateError, match=f"^INFRA-42 is {phase}$"):
        episodes.freeze(story.case, [], b"x", "k", NOW)
    assert story.episode.phase == phase


# Operators.


@pytest.mark.parametrize("phase", PHASES)
def test_withdraw(phase: Phase) -> None:
    story = at(phase)
    if phase == "sending":
        with pytest.raises(
            TicketStateError, match="being handed over at this moment; ask again when it is known how that went"
        ):
            story.is_withdrawn()
    elif phase not in OPEN:
        with pytest.raises(
            TicketStateError, match=f"INFRA-42 is {phase}; only what is still to be dispatched can be withdrawn"
        ):
            story.is_withdrawn()
    else:
        assert story.is_withdrawn("not now") == ["withdrawn"]
        assert story.episode.by_operator
        assert story.episode.reason.startswith("withdrawn by an operator: not now")
        assert story.sees(12) == story.leaves(20) == story.sees(21) == [], "it stays withdrawn for this episode"
        story.leaves(30)
        assert story.sees(40) == ["qualified"], "but not for the next"


def test_withdraw_needs_no_reason() -> None:
    story = at("blocked")
    story.is_withdrawn()
    assert story.said[-1].payload["reason"] == "withdrawn by an operator"


@pytest.mark.parametrize("phase", PHASES)
def test_retry(phase: Phase) -> None:
    story = at(phase)
    if phase in ("sending", "dispatched"):
        with pytest.raises(TicketStateError, match=f"INFRA-42 is {phase}; there is nothing to try again"):
            story.is_retried()
    elif phase == "withdrawn":
        with pytest.raises(
            TicketStateError,
            match="INFRA-42 is withdrawn and not ready; make it ready in Plane, or dispatch it past the gate",
        ):
            story.is_retried()
    else:
        assert story.is_retried() == (["qualified"] if phase == "failed" else [])
        assert story.episode.due_at == NOW
        assert story.episode.phase == ("ready" if phase == "failed" else phase)


def test_retry_of_a_ticket_that_was_rejected_is_refused() -> None:
    story = Story()
    story.leaves(1)
    with pytest.raises(TicketStateError, match="INFRA-42 is rejected; there is nothing to try again"):
        story.is_retried()
    with pytest.raises(TicketStateError, match="INFRA-42 is rejected; only what is still to be dispatched"):
        story.is_withdrawn()


def test_what_was_refused_is_made_anew_by_retry() -> None:
    story = at("failed")
    story.sees(12, READY._replace(title="better"))
    story.is_retried()
    assert (story.episode.number, story.episode.body, story.episode.key, story.episode.variant) == (1, None, None, 1)
    story.begins(b"other")
    assert story.episode.attempts == 1
    assert story.episode.key == "key-1-1"
    assert story.is_answered() == ["dispatched"]
    assert story.sees(13) == [], "all of the episode is covered"


def test_what_may_have_arrived_keeps_its_bytes_when_it_is_withdrawn_by_hand_and_tried_again() -> None:
    story = at("retrying")
    story.is_withdrawn()
    assert story.is_retried() == ["qualified"]
    assert (story.episode.phase, story.episode.body) == ("retrying", b"frozen")
    assert not story.episode.by_operator


@pytest.mark.parametrize("phase", ["ready", "blocked", "retrying"])
def test_what_is_withdrawn_by_hand_is_the_episode_as_far_as_it_was_known(phase: Phase) -> None:
    story = at(phase)
    story.sees(30)
    story.is_withdrawn()
    assert story.sees(40) == story.leaves(20) == []
    assert story.case.number == 1
    assert story.leaves(35) == ["qualified"]
    assert (story.case.number, story.episode.phase, story.episode.since) == (2, "ready", 40 * SECOND)


def test_what_is_tried_again_by_hand_covers_all_that_is_known_by_then() -> None:
    story = at("ready")
    story.is_withdrawn()
    story.sees(30)
    story.is_retried()
    story.begins()
    story.is_answered()
    assert story.case.timeline.covered == 30 * SECOND


def test_a_failed_ticket_stays_so_until_it_has_left_and_come_back() -> None:
    story = at("failed")
    assert story.sees(12) == story.leaves(20) == story.sees(21) == []
    story.leaves(30)
    assert story.sees(36) == ["qualified"]
    assert story.episode.number == 2


@pytest.mark.parametrize("phase", PHASES)
def test_force(phase: Phase) -> None:
    story = at(phase)
    if phase in ("sending", "retrying"):
        with pytest.raises(
            TicketStateError, match="INFRA-42 passed the gate and is being handed over; there is nothing to force"
        ):
            story.is_forced()
        return
    assert story.is_forced() == []
    assert story.episode.number == (1 if phase in OPEN else 2)
    assert (story.episode.phase, story.episode.forced, story.episode.due_at) == ("ready", "it burns", NOW)
    assert story.episode.reason == "past the gate by an operator: it burns"
    story.begins()
    assert story.is_answered()[0] == "dispatched"
    assert story.said[-1].payload["forced"] == "it burns"


def test_what_is_forced_is_not_withdrawn_by_leaving_ready() -> None:
    story = at("blocked")
    story.is_forced()
    assert story.leaves(20) == []
    assert story.episode.phase == "ready"
    story.begins()
    assert story.is_answered() == ["dispatched", "rejected"]
    story.sees(30)
    assert story.episode.number == 2, "it was not dispatched for being ready"


def test_what_is_forced_while_ready_covers_the_episode() -> None:
    story = at("blocked")
    story.is_forced()
    story.begins()
    story.is_answered()
    assert story.sees(12) == []
    assert story.episode.number == 1


@pytest.mark.parametrize("outcome", ["arrives", "is refused", "is put off, then arrives"])
def test_becoming_ready_while_a_forced_message_is_under_way_is_an_episode_of_its_own(outcome: str) -> None:
    story = Story()
    story.leaves(1)
    story.is_forced()
    story.begins()
    assert story.sees(10) == story.sees(11) == []
    if outcome.startswith("is put off"):
        story.is_put_off()
        assert story.sees(12) == []
        assert story.episode.phase == "retrying"
        assert story.episode.forced
        story.begins()
    said = story.is_refused() if outcome == "is refused" else story.is_answered()
    assert said[-1] == "qualified"
    assert (story.episode.number, story.episode.forced) == (2, None)


def test_leaving_and_coming_back_while_a_forced_message_is_under_way_is_an_episode_of_its_own() -> None:
    story = at("blocked")
    story.is_forced()
    story.begins()
    story.leaves(20)
    story.sees(30)
    assert story.is_answered() == ["dispatched", "qualified"]
    assert (story.episode.number, story.episode.forced) == (2, None)


def test_a_forced_ticket_that_was_refused_may_be_tried_again_though_it_is_not_ready() -> None:
    story = Story()
    story.leaves(1)
    story.is_forced()
    story.begins()
    story.is_refused()
    assert story.is_retried() == []
    assert story.episode.forced == "it burns"


def test_of_a_ticket_that_is_forced_though_it_is_not_ready_nothing_is_said_but_that_it_was_dispatched() -> None:
    story = Story()
    assert story.leaves(1) == ["rejected"]
    assert story.is_forced() == []
    story.begins()
    assert story.is_answered() == ["dispatched"]
    assert story.leaves(2) == []
    assert story.sees(10) == ["qualified"]


def test_bytes_that_will_never_be_taken_are_replaced_under_a_key_of_their_own() -> None:
    story = at("sending")
    episodes.thaw(story.case, b"without", "key-1-1", NOW)
    assert (story.episode.body, story.episode.key, story.episode.variant) == (b"without", "key-1-1", 1)
    assert story.episode.phase == "sending"
    assert story.episode.attempts == 1
