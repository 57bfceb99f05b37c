"""What is wrong now, worst first, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from godtui.candybar.bus import BusState
from godtui.candybar.figures import count, duration
from godtui.candybar.link import Link
from godtui.candybar.looks import Look
from godtui.operations import ComponentHealth

URGENCY: Final[tuple[Look, ...]] = ("down", "away", "retrying", "degraded", "standing by")
PATIENCE: Final = 3.0
"""Events that wait for the broker are worth a word when they have waited for so many seconds."""


class Alarm(NamedTuple):
    """One thing that is wrong: what it is about, how bad it is, and one sentence, which may say itself since when."""

    about: str
    look: Look
    sentence: str
    says_since: bool = False


class Alarms:
    """Remembers since when each thing has been wrong."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._since: dict[tuple[str, str], float] = {}

    def now(self) -> list[tuple[Alarm, float]]:
        """Every alarm with the seconds it has lasted, or 0 where its sentence tells; the worst first."""
        moment = self._link.clock.monotonic()
        alarms = sorted(_alarms(self._link), key=lambda alarm: URGENCY.index(alarm.look))
        known = {(alarm.about, alarm.look) for alarm in alarms}
        self._since = {key: self._since.get(key, moment) for key in known}
        lasted = [(alarm, moment - self._since[alarm.about, alarm.look]) for alarm in alarms]
        return [
            (alarm, 0.0 if alarm.says_since else seconds)
            for alarm, seconds in lasted
            if alarm.about != "outbox" or seconds >= PATIENCE or self._link.bus.look != "ok"
        ]


def _alarms(link: Link) -> Iterator[Alarm]:
    if link.failure is not None:
        yield Alarm(
            "engine", "down", f"the engine has ended: {link.failure}. What is shown is from before; ctrl+q quits"
        )
        return
    if link.silence:
        yield Alarm("engine", "down", f"the engine has not answered for {duration(link.silence)}", says_since=True)
    if link.health_fault:
        yield Alarm("health", "degraded", f"health cannot be read: {link.health_fault}")
    elif link.health is not None and not link.silence:
        yield from _of_components(link)
    yield from _of_stream(link)


def _of_components(link: Link) -> Iterator[Alarm]:
    """What a health that is fresh tells."""
    components = link.health.components if link.health else {}
    for name, component in components.items():
        if name == "bus":
            yield from _of_bus(link.bus, component, link.clock.now())
        elif name == "relay":
            yield from _of_outbox(component, link.bus)
        elif component.status != "ok":
            yield Alarm(name, component.status, f"{name} {component.status}: {component.detail}")
    standing = link.standing_by
    for active in dict.fromkeys(standing.values()):
        names = ", ".join(name for name, other in standing.items() if other == active)
        who = f"{active} is active" if active else "another instance is active"
        yield Alarm(f"{names} {active}", "standing by", f"{names} standing by: {who}", says_since=True)


def _of_bus(bus: BusState, component: ComponentHealth, now: int) -> Iterator[Alarm]:
    gaps = bus.gaps[-1:]
    if bus.look != "ok" and bus.why not in gaps:
        blocked = component.figures.get("state") == "blocked"
        trouble = "no broker" if bus.away else "blocked" if blocked else f"bus {bus.look}"
        times = () if bus.connected else (bus.since_text(now), bus.countdown)
        when = ", ".join(filter(None, times))
        yield Alarm("bus", bus.look, f"{trouble} {when}".strip() + f": {bus.why}", says_since=bool(when))
    for gap in gaps:
        yield Alarm("gap", "degraded", gap, says_since=True)


def _of_outbox(relay: ComponentHealth, bus: BusState) -> Iterator[Alarm]:
    waiting = relay.figures.get("waiting")
    if relay.status != "ok" and bus.look == "ok":
        yield Alarm("relay", relay.status, f"relay {relay.status}: {relay.detail}")
    elif isinstance(waiting, int) and waiting > 0:
        said = "1 event waits" if waiting == 1 else f"{count(waiting)} events wait"
        yield Alarm("outbox", "degraded", f"{said} for the broker")


def _of_stream(link: Link) -> Iterator[Alarm]:
    feed = link.feed
    if feed.fault:
        wait = duration(feed.retry_at - link.clock.monotonic() + 0.999)
        yield Alarm("stream", "degraded", f"the stream broke: {feed.fault}; retrying in {wait}")
    elif feed.note:
        yield Alarm("stream", "degraded", feed.note)
