"""What is wrong now, worst first, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from godtui.candybar.figures import duration
from godtui.candybar.link import Link


class Alarm(NamedTuple):
    """One thing that is wrong: what it is about, how bad it is, and one sentence."""

    about: str
    status: str
    sentence: str


class Alarms:
    """Remembers since when each thing has been wrong."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._since: dict[tuple[str, str], float] = {}

    def now(self) -> list[tuple[Alarm, float]]:
        """Every alarm with the seconds it has lasted, the worst first."""
        moment = self._link.clock.monotonic()
        alarms = sorted(_alarms(self._link), key=lambda alarm: alarm.status != "down")
        known = {(alarm.about, alarm.status) for alarm in alarms}
        self._since = {key: self._since.get(key, moment) for key in known}
        return [(alarm, moment - self._since[alarm.about, alarm.status]) for alarm in alarms]


def _alarms(link: Link) -> Iterator[Alarm]:
    if link.failure is not None:
        yield Alarm(
            "engine", "down", f"the engine has ended: {link.failure}. What is shown is from before; ctrl+q quits"
        )
        return
    if link.silence:
        yield Alarm("engine", "down", f"the engine has not answered for {duration(link.silence)}")
    if link.health_fault:
        yield Alarm("health", "degraded", f"health cannot be read: {link.health_fault}")
    for name, component in link.health.components.items() if link.health else ():
        if component.status != "ok":
            yield Alarm(name, component.status, f"{name} {component.status}: {component.detail}")
    feed = link.feed
    if feed.fault:
        wait = duration(feed.retry_at - link.clock.monotonic() + 0.999)
        yield Alarm("stream", "degraded", f"the stream broke: {feed.fault}; retrying in {wait}")
    elif feed.note:
        yield Alarm("stream", "degraded", feed.note)
