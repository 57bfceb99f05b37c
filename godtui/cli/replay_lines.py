"""Replays as lines for a reader, with nothing in them that would act on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Final

from godtui.candybar import figures
from godtui.candybar.plaintext import fit
from godtui.cli.tables import columns
from godtui.cli.ticket_lines import Look
from godtui.operations import BUS, ReplayPlan, ReplayView, Speed

COLUMNS: Final = ("id", "state", "done", "of", "to", "filter")
NUMBERS: Final = ("done", "of")
FLEXIBLE: Final = ("to", "filter")
LABEL_CELLS: Final = 12
LEAST_TEXT: Final = 20
NARROW: Final = 60
"""Where a terminal has fewer cells than this, a replay's time has no room beside its numbers."""


def plan_lines(plan: ReplayPlan, look: Look) -> Iterator[str]:
    """What a replay would do."""
    about = "" if plan.exact else "about "
    facts = {
        "filter": plan.filter or "everything",
        "to": target(plan.to),
        "events": f"{about}{plan.total:,}",
        "from": _moment(plan.first_at),
        "until": _moment(plan.last_at),
        "invalid": f"{about}{plan.invalid:,} by today's contracts" if plan.invalid else "none by today's contracts",
        "speed": tempo(plan.speed, plan.rate, plan.max_gap_s),
        "takes": _length(plan.duration_s),
    }
    for name, value in facts.items():
        if value:
            yield from _fact(name, value, look)
    names = [look.clean(queue.name) for queue in plan.queues]
    counts = [f"{queue.count:,}" for queue in plan.queues]
    for place, (name, count) in enumerate(zip(names, counts, strict=True)):
        services = ", ".join(plan.queues[place].services)
        told = f"{fit(name, max(map(len, names)))}  {count:>{max(map(len, counts))}}"
        yield from _fact("queues" if place == 0 else "", told + (f"  {services}" if services else ""), look, cut=True)
    for place, note in enumerate(plan.notes):
        yield from _fact("notes" if place == 0 else "", note, look)


def replay_lines(replay: ReplayView, look: Look) -> Iterator[str]:
    """One replay with all that is known of it."""
    facts = {
        "replay": str(replay.replay_id),
        "state": replay.state + (f": {replay.reason}" if replay.reason else ""),
        "filter": replay.filter or "everything",
        "to": target(replay.to),
        "speed": tempo(replay.speed, replay.rate, replay.max_gap_s),
        "done": _progress(replay),
        "sent": f"{replay.sent:,}",
        "refused": f"{replay.skipped:,} by the bus" if replay.skipped else "",
        "stands at": f"seq {replay.position:,}" + (f", {_moment(replay.at)}" if replay.at else ""),
        "still takes": figures.span(replay.eta_s) if replay.eta_s is not None and replay.is_open else "",
        "made": _moment(replay.created_at),
        "begun": _moment(replay.started_at),
        "ended": _moment(replay.ended_at),
    }
    for name, value in facts.items():
        if value:
            yield from _fact(name, value, look)


def replay_line(replay: ReplayView, look: Look) -> list[str]:
    """Where a replay stands."""
    at = f", at {_moment(replay.at)}" if replay.at is not None else ""
    reason = f": {replay.reason}" if replay.reason else ""
    return folded(f"replay {replay.replay_id} is {replay.state}{reason}; {_progress(replay)} events{at}", look)


def folded(sentence: str, look: Look) -> list[str]:
    """A sentence on as many lines as it needs."""
    return _wrapped(look.clean(sentence), max(look.width, LEAST_TEXT))


def end_line(replay: ReplayView) -> str:
    """How a replay ended."""
    if replay.state != "completed":
        reason = f": {replay.reason}" if replay.reason and replay.reason != replay.state else ""
        verb = "was cancelled" if replay.state == "cancelled" else replay.state
        return f"replay {replay.replay_id} {verb} after {_progress(replay)} events{reason}"
    began, ended = replay.started_at, replay.ended_at
    taken = f" in {figures.span((ended - began).total_seconds())}" if began is not None and ended is not None else ""
    refused = f"; the bus refused {replay.skipped:,} of them" if replay.skipped else ""
    sent = "1 event" if replay.sent == 1 else f"{replay.sent:,} events"
    return f"replay {replay.replay_id} completed: {sent} to {target(replay.to)}{taken}{refused}"


def progress_text(replay: ReplayView, rate: float, look: Look) -> str:
    """What stands beside the bar: always as wide, so that nothing jumps."""
    total = f"{replay.total:,}" if replay.exact else f"~{replay.total:,}"
    done = f"{replay.done:>{len(total)},}/{total}"
    if replay.state == "running":
        eta = "-:--" if replay.eta_s is None else figures.span(replay.eta_s)
        told = f"{done} {figures.rate(rate):>{figures.RATE_WIDTH}}  eta {eta:>8}"
    else:
        told = f"{done} {replay.state:>20}"
    if look.width < NARROW:
        return told
    return f"{told}  {_moment(replay.at) or ' ' * 19}"


def table(replays: Sequence[ReplayView], look: Look) -> Iterator[str]:
    """Replays as rows under a head."""
    rows = [
        [
            str(one.replay_id),
            one.state,
            f"{one.done:,}",
            f"{one.total:,}" if one.exact else f"~{one.total:,}",
            look.clean(one.to),
            look.clean(one.filter) or "everything",
        ]
        for one in replays
    ]
    return columns(COLUMNS, rows, look.width, flexible=FLEXIBLE, numbers=NUMBERS)


def tempo(speed: Speed, rate: float | None, max_gap_s: float | None) -> str:
    """How quickly a replay goes."""
    told = "as quick as can be" if speed == "max" else "as they came"
    if speed not in ("max", 1):
        told = f"{speed:,g} times as quick as they came"
    if rate is not None:
        told += f", at most {rate:,g} events a second"
    if max_gap_s is not None:
        told += f", no gap over {max_gap_s:,g} s"
    return told


def target(to: str) -> str:
    """Where a replay goes, in words."""
    return "the bus" if to == BUS else to.replace(":", " ", 1)


def _length(seconds: float | None) -> str:
    if seconds is None:
        return "as long as sending takes"
    return "less than a second" if seconds < 1 else f"about {figures.span(seconds)}"


def _progress(replay: ReplayView) -> str:
    return f"{replay.done:,} of {'' if replay.exact else 'about '}{replay.total:,}"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _fact(name: str, value: str, look: Look, *, cut: bool = False) -> Iterator[str]:
    """A fact under its name, on as many lines as it needs; one line where it is `cut`."""
    room = max(look.width - LABEL_CELLS - 1, LEAST_TEXT)
    clean = look.clean(value)
    lines = [fit(clean, room, look.ellipsis).rstrip()] if cut else _wrapped(clean, room)
    for place, line in enumerate(lines):
        yield f"{name if place == 0 else '':<{LABEL_CELLS}} {line}"


def _wrapped(text: str, room: int) -> list[str]:
    """Lines of at most so many characters; names and ids are not broken at their hyphens."""
    return wrap(text, room, break_on_hyphens=False) or [""]
