"""What an empty list says: why it is empty, and what fills it."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from godtui.candybar.figures import duration
from godtui.candybar.link import Link
from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip, plain

PAYLOAD = '{"message": "test"}'


def lesson(link: Link, looks: Looks, filter_text: str, width: int) -> list[list[Segment]]:
    """The lines to draw in place of events."""
    feed = link.feed
    if link.failure is not None:
        text = [("The engine has ended: nothing will come.", looks.fault)]
    elif not link.hosted.started:
        text = [(f"{looks.glyphs.standby} starting", looks.quiet)]
    elif feed.fault is not None:
        left = duration(feed.retry_at - link.clock.monotonic())
        text = [(f"{looks.glyphs.retrying} {feed.fault}", looks.attention), (f"  trying again in {left}", looks.quiet)]
    elif not feed.ready:
        text = [(f"{looks.glyphs.standby} reading the log", looks.quiet)]
    elif filter_text:
        text = _no_match(looks, filter_text, link.feed.elsewhere)
    elif link.feed.elsewhere is not None and not feed.ring.end:
        text = [(_sentence(link.feed.elsewhere), looks.text), ("What happens from now on appears here.", looks.quiet)]
    else:
        text = _first_event(looks, link.hosted.url, width, begun=feed.ring.end > 0)
    return [
        [Segment(clip(plain(line, ascii_only=looks.ascii_only), width, looks.glyphs.ellipsis), style)]
        for line, style in text
    ]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _no_match(looks: Looks, filter_text: str, elsewhere: str | None) -> list[tuple[str, Style]]:
    return [
        (_sentence(elsewhere) if elsewhere else f"Nothing stored matches {filter_text}", looks.text),
        ("", looks.text),
        ("What matches from now on appears here.", looks.quiet),
        ("/ changes the filter, esc removes it.", looks.quiet),
    ]


def _first_event(looks: Looks, api_url: str | None, width: int, *, begun: bool) -> list[tuple[str, Style]]:
    so_far = "Nothing but the system's own events so far." if begun else "No event yet."
    lines = [
        (f"{so_far} Every event shows here once it is stored.", looks.text),
        ("", looks.text),
        ("Send the first one from another terminal:", looks.quiet),
        ("", looks.text),
    ]
    if api_url:
        lines += [(line, looks.strong) for line in curl(api_url, width)]
        lines += [("", looks.text), ("or", looks.quiet), ("", looks.text)]
    return [*lines, (f"  godtui publish test.event.created --payload '{PAYLOAD}'", looks.strong)]


def curl(api_url: str, width: int) -> list[str]:
    """The brief's request against this instance, to be copied line by line."""
    body = f'{{"event_type": "test.event.created", "payload": {PAYLOAD}}}'
    lines = [f"  curl -X POST {api_url.rstrip('/')}/publish \\", '    -H "Content-Type: application/json" \\']
    if len(body) + 9 <= width:
        return [*lines, f"    -d '{body}'"]
    return [*lines, '    -d \'{"event_type": "test.event.created",', f'         "payload": {PAYLOAD}}}\'']
