"""What is said of an event above its JSON."""

from __future__ import annotations

import textwrap
from typing import NamedTuple
from uuid import UUID

import orjson
from rich.segment import Segment
from rich.style import Style

from godtui.candybar.figures import clock_time, count, date, delta, size
from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip, plain
from godtui.envelope import StoredEvent

_MAX_VIOLATIONS = 20
_MAX_SENTENCE = 600


class Facts(NamedTuple):
    """What the heading says of an envelope that the log's columns do not hold."""

    version: str = ""
    host: str = ""
    cause: UUID | None = None

    @classmethod
    def of(cls, event: StoredEvent) -> Facts:
        """Read from the body; what is not there, or not as expected, is left out."""
        try:
            document = orjson.loads(event.body)
        except ValueError:
            return cls()
        if not isinstance(document, dict):
            return cls()
        source = document.get("source")
        source = source if isinstance(source, dict) else {}
        version, host = document.get("version"), source.get("host")
        return cls(
            version if isinstance(version, str) else "",
            host if isinstance(host, str) else "",
            _uuid(source.get("causation_id")),
        )


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


class Heading:
    """The lines above the JSON, for one event at one width."""

    def __init__(self, event: StoredEvent, facts: Facts, looks: Looks, width: int) -> None:
        self._event = event
        self._facts = facts
        self._looks = looks
        self._width = width

    def lines(self, cause_type: str | None = None, place: str = "") -> list[list[Segment]]:
        """Identity, times, chain and its place there, then every violation."""
        return [self._identity(), *self._times(), *self._chain(cause_type, place), *self._violations(), self._rule()]

    def _identity(self) -> list[Segment]:
        looks = self._looks
        where = f"{self._event.source}@{self._facts.host}" if self._facts.host else self._event.source
        event_id = self._id(UUID(bytes=self._event.event_id))
        room = self._width - len(event_id) - 3
        return [
            Segment(f"{event_id}   ", looks.quiet),
            Segment(clip(self._plain(where), room, looks.glyphs.ellipsis), looks.strong),
        ]

    def _times(self) -> list[list[Segment]]:
        event, looks = self._event, self._looks
        when = (f"{date(event.time)} {clock_time(event.time)}", looks.text)
        length = (size(len(event.body)), looks.quiet)
        if not event.seq:
            return self._flow([when, ("not stored here", looks.quiet), length])
        stored = f"stored {clock_time(event.stored_at)} ({delta(event.stored_at - event.time)})"
        return self._flow([when, (stored, looks.quiet), (f"seq {count(event.seq)}", looks.text), length])

    def _chain(self, cause_type: str | None, place: str) -> list[list[Segment]]:
        event, looks = self._event, self._looks
        known = [Segment(f" {looks.glyphs.dot} {place}", looks.quiet)] if place else []
        lines = []
        if event.correlation_id == event.event_id:
            lines.append([Segment("chain ", looks.quiet), Segment("starts here", looks.text), *known])
        elif event.correlation_id is not None:
            chain = self._id(UUID(bytes=event.correlation_id))
            lines.append([Segment("chain ", looks.quiet), Segment(chain, looks.text), *known])
        if cause := self._facts.cause:
            text = f"{self._plain(cause_type)} {self._id(cause)}" if cause_type else self._id(cause)
            said = clip(text, self._width - 10, looks.glyphs.ellipsis)
            lines.append([Segment("caused by ", looks.quiet), Segment(said, looks.text)])
        return lines

    def _violations(self) -> list[list[Segment]]:
        looks = self._looks
        faults = self._event.faults()
        lines: list[list[Segment]] = []
        for fault in faults[:_MAX_VIOLATIONS]:
            said = self._plain(f"{fault.path or '/'}: {fault.message}"[:_MAX_SENTENCE])
            for index, line in enumerate(textwrap.wrap(said, max(8, self._width - 2)) or [""]):
                glyph = "  " if index else f"{looks.glyphs.attention} "
                lines.append([Segment(glyph + clip(line, self._width - 2), looks.attention)])
        if len(faults) > _MAX_VIOLATIONS:
            lines.append([Segment(f"  and {len(faults) - _MAX_VIOLATIONS} more", looks.attention)])
        return lines

    def _rule(self) -> list[Segment]:
        return [Segment(self._looks.glyphs.across * self._width, self._looks.rule)]

    def _flow(self, parts: list[tuple[str, Style]]) -> list[list[Segment]]:
        """The parts side by side, on as many lines as that takes."""
        lines: list[list[Segment]] = [[]]
        room = self._width
        for text, style in parts:
            if lines[-1] and len(text) + 3 > room:
                lines.append([])
                room = self._width
            if lines[-1]:
                lines[-1].append(Segment("   "))
                room -= 3
            lines[-1].append(Segment(text, style))
            room -= len(text)
        return lines

    def _id(self, identity: UUID) -> str:
        text = str(identity)
        return text if self._width >= 52 else f"{text[:8]}{self._looks.glyphs.ellipsis}{text[-4:]}"

    def _plain(self, text: str) -> str:
        return plain(text, ascii_only=self._looks.ascii_only)
