"""What an empty view of the store says: why it is empty, and what to do."""

from __future__ import annotations

from rich.style import Style

from godtui.candybar.figures import duration, moment
from godtui.candybar.link import Link
from godtui.candybar.looks import Looks
from godtui.candybar.reading import StoreReader


def store_lesson(reader: StoreReader, link: Link, looks: Looks) -> list[tuple[str, Style]]:
    """The lines to draw in place of events."""
    marks = looks.glyphs
    if link.failure is not None:
        return [("The engine has ended: nothing can be read.", looks.fault)]
    if reader.fault is not None:
        left = duration(reader.retry_at - link.clock.monotonic() + 0.999)
        return [
            (f"{marks.retrying} {reader.fault}", looks.attention),
            (f"  trying again in {left}; R tries now", looks.quiet),
        ]
    if reader.as_of is None and reader.stopped:
        return [("Stopped before anything was read; m goes on.", looks.text)]
    if reader.as_of is None:
        return [(f"{marks.standby} reading the store", looks.quiet)]
    if not reader.is_oldest:
        return _looking(reader, link, looks)
    if reader.text:
        return [
            (f"Nothing stored matches {reader.text}", looks.text),
            ("", looks.text),
            ("/ changes the filter, esc removes it.", looks.quiet),
        ]
    return [
        ("Nothing is stored yet. Every event that is published stays here.", looks.text),
        ("", looks.text),
        ("1 shows the stream, and how to send the first one.", looks.quiet),
    ]


def _looking(reader: StoreReader, link: Link, looks: Looks) -> list[tuple[str, Style]]:
    far = ""
    if reader.looked_at is not None:
        far = f" back to {moment(reader.looked_at, link.clock.now())}"
    if reader.stopped:
        return [(f"Nothing found{far}; m looks further.", looks.text)]
    return [
        (f"{looks.glyphs.standby} Nothing found{far}; looking further", looks.text),
        ("", looks.text),
        ("esc stops. No index leads to what this filter asks: a type, a source, a word or since: does.", looks.quiet),
    ]
