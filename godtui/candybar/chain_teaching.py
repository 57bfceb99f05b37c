"""What is said where a chain has little or nothing to show: why, and what to do."""

from __future__ import annotations

from rich.style import Style

from godtui.candybar.chain_reading import ChainReader
from godtui.candybar.figures import duration
from godtui.candybar.link import Link
from godtui.candybar.looks import Looks


def chain_lesson(reader: ChainReader, link: Link, looks: Looks) -> list[tuple[str, Style]]:
    """The lines to draw below what there is; none where it speaks for itself."""
    marks, picture = looks.glyphs, reader.picture
    if picture is not None:
        return _joining(reader, looks) if picture.is_whole else []
    if link.failure is not None:
        return [("The engine has ended: nothing can be read.", looks.fault)]
    if reader.fault is not None:
        left = duration(reader.retry_at - link.clock.monotonic() + 0.999)
        return [
            (f"{marks.retrying} {reader.fault}", looks.attention),
            (f"  trying again in {left}; R tries now", looks.quiet),
        ]
    if reader.is_missing:
        return [
            (f"No event of chain {reader.correlation_id} is stored any more.", looks.text),
            ("", looks.text),
            ("Retention removes the oldest events. esc goes back.", looks.quiet),
        ]
    return [(f"{marks.standby} reading the chain", looks.quiet)]


def _joining(reader: ChainReader, looks: Looks) -> list[tuple[str, Style]]:
    """How events come to be in a chain, where there are few; how they come to be a tree, where there is none."""
    chain = reader.picture.chain if reader.picture is not None else None
    if chain is None or chain.edges:
        return []
    if len(chain.events) == 1:
        return [
            ("Nothing else is in this chain so far. What joins it appears here:", looks.text),
            ("", looks.text),
            (f'  "correlation_id": "{reader.correlation_id}"', looks.strong),
            ("", looks.text),
            ('names the chain, "causation_id" the event that it stands under.', looks.quiet),
        ]
    return [
        ("None of these names another as its cause: each stands by itself.", looks.text),
        ('"causation_id" puts an event under the one that led to it.', looks.quiet),
    ]
