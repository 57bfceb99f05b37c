"""What becomes of a case: every change of it, as a function of what was known. Nothing here reads, sends or waits.

Each function changes the case it is given and returns what there is to say of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from godtui.dispatcher.case import Case, Episode, Phase, Say, Verdict
from godtui.dispatcher.errors import TicketStateError
from godtui.dispatcher.gate import Decision
from godtui.dispatcher.ticket import Ticket
from godtui.dispatcher.timeline import Standing
from godtui.dispatcher.views import Check

BEING_SENT: Final = "being handed over"


def observe(case: Case, ticket: Ticket, decision: Decision, at: int, rearm: int, now: int) -> list[Say]:
    """A delivery shows the ticket as it was at a time (µs). One that is older than what is known changes no content."""
    case.timeline = case.timeline.seen(at, decision.verdict == "qualified")
    if case.content_at is None or at >= case.content_at:
        case.ticket, case.decision, case.content_at = ticket, decision, at
    return review(case, rearm, now)


def review(case: Case, rearm: int, now: int) -> list[Say]:
    """Bring the episode in line with what is known of the ticket's readiness."""
    standing = case.timeline.standing(rearm)
    if not standing.ready:
        return _unready(case, now)
    if not standing.fresh:
        return _covered(case, now)
    return _fresh(case, standing, now)


def _unready(case: Case, now: int) -> list[Say]:
    episode = case.open_episode
    if episode is None:
        return [] if case.said in ("withdrawn", "failed") else say(case, "rejected")
    if episode.forced is not None:
        return []
    why = case.decision.summary if case.decision is not None else "it is no longer ready"
    if episode.phase == "sending":
        episode.leaving, episode.reason = True, f"an answer is awaited, though {why}"
        return []
    return _leave(case, episode, why, now)


def _leave(case: Case, episode: Episode, why: str, now: int) -> list[Say]:
    if episode.attempts:
        times = "once" if episode.attempts == 1 else f"{episode.attempts} times"
        why = f"{why}; it was tried {times}, and may have arrived"
    episode.leaving = False
    episode.turn("withdrawn", why, now)
    return say(case, "withdrawn", reason=why)


def _covered(case: Case, now: int) -> list[Say]:
    """It is ready, and was dispatched for that."""
    if case.said == "rejected":
        # It was away for a moment only: what was said of that no longer stands.
        case.said = "dispatched"
    episode = case.open_episode
    if episode is None or episode.forced is not None or episode.phase == "sending":
        return []
    return _leave(case, episode, "it has never left ready since it was dispatched, as is known only now", now)


def _fresh(case: Case, standing: Standing, now: int) -> list[Say]:
    """It is ready, and was not dispatched for that yet."""
    episode, since, latest = case.episode, standing.since or 0, standing.latest or 0
    is_same = episode is not None and since <= _reach(episode)
    if episode is None or (not is_same and not episode.is_open):
        return _open(case, since, latest, now)
    if episode.is_open and not is_same and episode.is_frozen:
        # Its bytes are of an episode that is over: who received them once would take them for the same again.
        if episode.phase == "sending" or episode.forced is not None:
            episode.leaving = episode.forced is None
            return []
        return [*_leave(case, episode, "it left ready and came back", now), *_open(case, since, latest, now)]
    if episode.is_open or not episode.by_operator:
        # What an operator withdrew reaches no further: a late delivery may show that the ticket was away since.
        episode.ready_at = max(episode.ready_at, latest)
    if episode.leaving:
        episode.leaving, episode.reason = False, BEING_SENT
    if episode.phase == "withdrawn" and not episode.by_operator:
        episode.turn("retrying" if episode.body is not None and episode.attempts else "ready", "ready again", now)
        episode.due_at = now
        return say(case, "qualified")
    return []


def _reach(episode: Episode) -> int:
    """The newest time of readiness that is of this episode: what its bytes cover, or what an operator withdrew."""
    if episode.body is None or episode.settles is None or episode.by_operator:
        return episode.ready_at
    return episode.settles


def _catch_up(case: Case, episode: Episode) -> None:
    """What an operator decides of an episode is decided of all of it that is known by now."""
    standing = case.timeline.standing(0)
    if standing.ready:
        episode.ready_at = max(episode.ready_at, standing.latest or 0)


def _open(case: Case, since: int, latest: int, now: int, forced: str | None = None) -> list[Say]:
    case.number += 1
    case.episode = Episode(
        case.number,
        since=since,
        ready_at=latest,
        forced=forced,
        due_at=now,
        opened_at=now,
        changed_at=now,
        correlation_id=case.correlation_id,
        cause_id=case.delivery_id,
    )
    # What an operator forces meets the conditions no more than before.
    return say(case, "qualified", anew=True) if forced is None else []


def block(case: Case, checks: Sequence[Check], why: str, due_at: int, now: int) -> list[Say]:
    """The checks hold it until they are run again."""
    episode = _require(case, "ready", "blocked")
    if episode.forced is not None:
        return []
    episode.checks, episode.due_at = tuple(checks), due_at
    changed = episode.phase != "blocked" or episode.reason != why
    episode.turn("blocked", why, now)
    return say(case, "blocked", reason=why) if changed else []


def freeze(case: Case, checks: Sequence[Check], body: bytes, key: str, now: int) -> None:
    """From now on nothing but these bytes is sent in this episode; what follows is the first try."""
    episode = _require(case, "ready", "blocked")
    episode.checks, episode.body, episode.key = tuple(checks), body, key
    standing = case.timeline.standing(0)
    episode.settles = episode.ready_at if standing.ready or episode.forced is None else None
    begin_try(case, now)


def begin_try(case: Case, now: int) -> None:
    """One more try is about to be made."""
    episode = _require(case, "ready", "blocked", "sending", "retrying")
    episode.attempts += 1
    episode.turn("sending", BEING_SENT, now)


def thaw(case: Case, body: bytes, key: str, now: int) -> None:
    """What was frozen will never be taken: other bytes stand in its place, under a key of their own."""
    episode = _require(case, "sending", "retrying")
    episode.body, episode.key, episode.changed_at = body, key, now
    episode.variant += 1


def dispatched(case: Case, run_id: str | None, note: str, rearm: int, now: int) -> list[Say]:
    """OpenClaw has it."""
    episode = case.episode
    if episode is None or episode.phase != "sending":
        # It is written down already: the commit that was said to have failed had not.
        return []
    episode.run_id, episode.leaving = run_id, False
    episode.turn("dispatched", note, now)
    if episode.settles is not None:
        case.timeline = case.timeline.settle(episode.settles)
    return [*say(case, "dispatched", run_id=run_id), *review(case, rearm, now)]


def try_again(case: Case, reason: str, due_at: int, rearm: int, now: int) -> list[Say]:
    """It was not taken this time."""
    episode = case.episode
    if episode is None or episode.phase != "sending":
        return []
    if episode.leaving:
        return [*_leave(case, episode, "it left ready meanwhile", now), *review(case, rearm, now)]
    episode.turn("retrying", reason, now)
    episode.due_at = due_at
    return []


def failed(case: Case, reason: str, rearm: int, now: int) -> list[Say]:
    """It never will be taken as it is."""
    episode = case.episode
    if episode is None or not episode.is_open:
        return []
    episode.turn("failed", reason, now)
    return [*say(case, "failed", reason=reason), *review(case, rearm, now)]


def withdraw(case: Case, reason: str, now: int) -> list[Say]:
    """An operator does not want it dispatched in this episode. Raises TicketStateError."""
    episode = case.open_episode
    if episode is None:
        raise TicketStateError(
            f"{case.ticket.reference} is {state_of(case)}; only what is still to be dispatched can be withdrawn"
        )
    if episode.phase == "sending":
        raise TicketStateError(
            f"{case.ticket.reference} is being handed over at this moment; ask again when it is known how that went"
        )
    _catch_up(case, episode)
    episode.by_operator = True
    why = f"withdrawn by an operator: {reason}" if reason else "withdrawn by an operator"
    return _leave(case, episode, why, now)


def retry(case: Case, now: int) -> list[Say]:
    """An operator wants it checked or sent again now. Raises TicketStateError."""
    episode = case.episode
    if episode is None or episode.phase in ("dispatched", "sending"):
        raise TicketStateError(f"{case.ticket.reference} is {state_of(case)}; there is nothing to try again")
    was_closed = not episode.is_open
    if was_closed and not case.timeline.standing(0).ready and episode.forced is None:
        raise TicketStateError(
            f"{case.ticket.reference} is {state_of(case)} and not ready; make it ready in Plane,"
            " or dispatch it past the gate"
        )
    if episode.phase in ("failed", "withdrawn"):
        # What was refused is made anew; what may have arrived keeps its bytes.
        if episode.phase == "failed" or not episode.attempts:
            episode.body, episode.key, episode.variant, episode.attempts = None, None, episode.variant + 1, 0
        _catch_up(case, episode)
        episode.by_operator = False
        episode.turn("retrying" if episode.body is not None else "ready", "tried again by an operator", now)
    episode.due_at = now
    return say(case, "qualified") if was_closed and episode.forced is None else []


def force(case: Case, reason: str, now: int) -> list[Say]:
    """An operator wants it dispatched whatever gate and checks say. Raises TicketStateError."""
    if case.decision is None:
        raise TicketStateError(f"{case.ticket.reference} is known from the state file alone; edit it in Plane first")
    episode = case.open_episode
    if episode is not None and episode.is_frozen:
        raise TicketStateError(
            f"{case.ticket.reference} passed the gate and is being handed over; there is nothing to force"
        )
    if episode is not None:
        episode.forced, episode.due_at = reason, now
        episode.turn("ready", f"past the gate by an operator: {reason}", now)
        return []
    standing = case.timeline.standing(0)
    latest = standing.latest or 0
    said = _open(case, latest, latest, now, forced=reason)
    if case.episode is not None:
        case.episode.reason = f"past the gate by an operator: {reason}"
    return said


def say(case: Case, verdict: Verdict, *, anew: bool = False, **more: Any) -> list[Say]:
    """Say a verdict once, and again only after another was said or of a new episode."""
    if case.said == verdict and not anew and verdict not in ("blocked", "dispatched", "withdrawn", "failed"):
        return []
    ticket, decision, episode = case.ticket, case.decision, case.episode
    if episode is None or episode.forced is None or case.said != "rejected":
        # Past the gate, the gate's last word stands.
        case.said = verdict
    payload: dict[str, Any] = {
        "ticket": ticket.reference,
        "ticket_id": case.id,
        "title": ticket.title,
        "url": ticket.url,
        "conditions": [] if decision is None else [one.document() for one in decision.conditions],
        "components": [] if decision is None else list(decision.components),
        "episode": case.number,
        **more,
    }
    if episode is not None and episode.forced is not None:
        payload["forced"] = episode.forced
    if episode is not None and episode.checks and verdict in ("blocked", "dispatched", "failed"):
        payload["checks"] = [_relied_on(check) for check in episode.checks]
    about = None if verdict == "rejected" else episode
    return [Say(verdict, payload, about, case.correlation_id, case.delivery_id)]


def _relied_on(check: Check) -> dict[str, Any]:
    """A check in an event: which it was, and the event that says how it went, maybe in another ticket's chain."""
    return check.model_dump(mode="json", include={"component", "outcome", "why", "event_id"})


def state_of(case: Case) -> Phase | Literal["rejected"]:
    """Where it stands, in a word; also when its episode ended so long ago that it is not kept any more."""
    if case.episode is not None:
        return case.episode.phase
    if case.said == "withdrawn":
        return "withdrawn"
    return "rejected" if case.timeline.covered is None else "dispatched"


def _require(case: Case, *phases: Phase) -> Episode:
    episode = case.episode
    if episode is None or episode.phase not in phases:
        raise TicketStateError(f"{case.ticket.reference} is {state_of(case)}")
    return episode
