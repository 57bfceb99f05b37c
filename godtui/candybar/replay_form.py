"""What is written in the form of a replay, read into what is asked of the engine; and the plan as lines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from textwrap import wrap
from typing import Final, NamedTuple

from rich.text import Text

from godtui.candybar.figures import DAY, SECOND, count, moment, span
from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip, plain
from godtui.clock import to_microseconds
from godtui.filters import Filter
from godtui.operations import BUS, MAX_UNCONFIRMED, QUEUE, ReplayPlan, ReplayRequest, Speed

NONE: Final = "none"
SPEEDS: Final = ("1", "10", "100", "max")
GAPS: Final = (NONE, "1", "10", "60")
MOST_QUEUES: Final = 6
MOST_NOTES: Final = 4


class Source(NamedTuple):
    """Something that can be replayed: what it is called, and the filter that finds it, its moments fixed."""

    name: str
    wanted: Filter


class FormError(ValueError):
    """What is written in a field cannot be read; the message says what is wanted."""


def read_request(source: Source, to: str, speed: str, gap: str) -> ReplayRequest:
    """What the fields ask for, unconfirmed. Raises FormError."""
    return ReplayRequest(
        filter=str(source.wanted), to=_read_target(to), speed=_read_speed(speed), max_gap_s=_read_gap(gap)
    )


def needs_confirmation(plan: ReplayPlan) -> bool:
    """Whether so many events go to the bus only when that is confirmed."""
    return plan.to == BUS and (plan.total > MAX_UNCONFIRMED or not plan.exact)


def plan_lines(plan: ReplayPlan, looks: Looks, now: int, width: int) -> Iterator[Text]:
    """What a replay would do, line by line."""
    about = "" if plan.exact else "about "

    def line(text: str, *, loud: bool = False) -> Text:
        shown = clip(plain(text, ascii_only=looks.ascii_only), width, looks.glyphs.ellipsis)
        return Text(shown, style=looks.attention if loud else looks.text)

    if not plan.total:
        yield line("Nothing matches: there is nothing to replay.", loud=True)
        return
    yield line(f"{about}{count(plan.total)} event{'s' if plan.total > 1 else ''}{_times(plan, now)}")
    yield line(f"takes {_length(plan.duration_s)}")
    for queue in plan.queues[:MOST_QUEUES]:
        services = ", ".join(queue.services) or "no declared service"
        yield line(f"{about}{count(queue.count)} to {queue.name} ({services})")
    if len(plan.queues) > MOST_QUEUES:
        yield line(f"and {len(plan.queues) - MOST_QUEUES} more queues")
    if plan.invalid:
        yield line(f"{looks.glyphs.attention} {about}{count(plan.invalid)} against today's contracts", loud=True)
    if needs_confirmation(plan):
        yield line(f"{looks.glyphs.attention} more than {count(MAX_UNCONFIRMED)} to the bus at once", loud=True)
    for note in plan.notes[:MOST_NOTES]:
        for place, part in enumerate(wrap(plain(note, ascii_only=looks.ascii_only), width - 2)):
            yield Text(f"{' ' if place else looks.glyphs.dot} {part}", style=looks.text)


def _times(plan: ReplayPlan, now: int) -> str:
    """`, Thu 12 Feb 14:03:19 to 14:05:00`: from the first event's own time to the last one's."""
    if plan.first_at is None or plan.last_at is None:
        return ""
    first, last = to_microseconds(plan.first_at), to_microseconds(plan.last_at)
    begin, end = moment(first, now), moment(last, first if first // DAY == last // DAY else now)
    return f", {begin}" if end == begin or first // SECOND == last // SECOND else f", {begin} to {end}"


def _length(seconds: float | None) -> str:
    if seconds is None:
        return "as long as sending takes"
    return "less than a second" if seconds < 1 else span(seconds)


def _read_target(text: str) -> str:
    text = text.strip()
    if not text:
        raise FormError("to where? bus, or queue:NAME")
    return text if text == BUS or text.startswith(QUEUE) else f"{QUEUE}{text}"


def _read_speed(text: str) -> Speed:
    text = text.strip().lower()
    if text == "max":
        return "max"
    number = _number(text.removesuffix("x"))
    if number is None or number <= 0:
        raise FormError("the speed is a number above 0, or max")
    return number


def _read_gap(text: str) -> float | None:
    text = text.strip().lower()
    if text in ("", NONE):
        return None
    number = _number(text.removesuffix("s"))
    if number is None or number < 0:
        raise FormError("the longest wait is a number of seconds, or none")
    return number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
