"""What the dispatcher's list says above its tickets, and in their place: how it stands and what would change that."""

from __future__ import annotations

from rich.style import Style

from godtui.candybar.dispatching import DispatcherWatch
from godtui.candybar.link import Link
from godtui.candybar.looks import Looks
from godtui.candybar.tickets import TicketFilter
from godtui.operations import DispatcherStatus

ENV_FILE = "~/.config/openclaw/infra-dispatch.env"

Said = list[tuple[str, Style]]


def standing(status: DispatcherStatus, looks: Looks) -> Said:
    """Sentences on why nothing is dispatched, and what the operator should know, the gravest first."""
    said: Said = []
    marks = looks.glyphs
    why = f": {status.reason}" if status.reason else ""
    if status.state == "failed":
        said.append((f"{marks.fault} The dispatcher has failed{why}", looks.fault))
    elif status.state == "paused":
        said.append((f"{marks.attention} Dispatching is paused{why}. p resumes it.", looks.attention))
    elif status.state == "held":
        said.append((f"{marks.attention} Tickets are decided but held: {_held(status)}.", looks.attention))
    elif status.state == "standing by":
        said.append((f"{marks.standby} Standing by: {_active(status)}.", looks.quiet))
    elif status.state == "off":
        reason = status.reason.rstrip(".") or "no dispatcher works here"
        said.append((f"{marks.quiet} {reason[:1].upper()}{reason[1:]}.", looks.quiet))
    return said + [(f"{marks.attention} {note}", looks.attention) for note in status.notes]


def lesson(link: Link, watch: DispatcherWatch, wanted: TicketFilter, looks: Looks) -> Said:
    """What stands where no ticket is."""
    marks, status = looks.glyphs, watch.status
    if link.failure is not None:
        return [("The engine has ended: nothing will come.", looks.fault)]
    if not link.hosted.started:
        return [(f"{marks.standby} starting", looks.quiet)]
    if status is None and watch.fault is not None:
        return [(f"{marks.retrying} {watch.fault}", looks.attention), ("  trying again", looks.quiet)]
    if status is None:
        return [(f"{marks.standby} asking the dispatcher", looks.quiet)]
    if wanted.text and sum(status.counts.values()):
        return [
            (f"No ticket here matches {wanted.text}", looks.text),
            ("", looks.text),
            ("A state, a reference or any words of title and reason narrow the list.", looks.quiet),
            ("enter looks for a reference among all tickets, esc shows them all.", looks.quiet),
        ]
    return _for_state(status, link, looks)


def _for_state(status: DispatcherStatus, link: Link, looks: Looks) -> Said:
    if status.state == "off":
        return [
            ("Switch it on by starting this instance with", looks.text),
            ("", looks.text),
            ("  godtui --workers persister,dispatcher", looks.strong),
            ("", looks.text),
            ("or GODTUI_WORKERS=persister,dispatcher.", looks.quiet),
        ]
    if status.state == "standing by":
        return [("This instance takes over when the other one ends.", looks.text)]
    said = _first_ticket(link, looks)
    if status.state == "held":
        said += [
            ("", looks.text),
            (f"To dispatch, set OPENCLAW_HOOK_TOKEN in {ENV_FILE} and start godtui again.", looks.quiet),
        ]
    return said


def _first_ticket(link: Link, looks: Looks) -> Said:
    where = f"{(link.hosted.url or 'http://127.0.0.1:8000').rstrip('/')}/webhooks/plane"
    return [
        ("No ticket yet. Each ticket that Plane tells of shows here, with what was decided and why.", looks.text),
        ("", looks.text),
        ("Let Plane post its webhooks to", looks.quiet),
        ("", looks.text),
        (f"  {where}", looks.strong),
        ("", looks.text),
        ("Their signatures are verified with PLANE_WEBHOOK_SECRET; without it none is taken.", looks.quiet),
        ("", looks.text),
        ("What the gate makes of a delivery, sending nothing:", looks.quiet),
        ("", looks.text),
        ("  godtui dispatcher explain FILE", looks.strong),
    ]


def _held(status: DispatcherStatus) -> str:
    return (status.reason or "OPENCLAW_HOOK_TOKEN is not set").rstrip(".")


def _active(status: DispatcherStatus) -> str:
    """Who dispatches, where that is known, and why this instance does not, each once."""
    reason = status.reason.rstrip(".")
    if status.active and status.active not in reason:
        return f"{status.active} is active" + (f"; {reason}" if reason else "")
    return reason or "another instance is active"
