"""What health tells of the bus, as the screen says it: its name, how it is, since when, and the next try."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from godtui.candybar.figures import SECOND, duration, moment
from godtui.candybar.looks import Look
from godtui.candybar.plaintext import clip_middle
from godtui.clock import to_microseconds
from godtui.envelope import read_timestamp
from godtui.operations import ComponentHealth

SHORT_NODE: Final = 24
REFUSAL: Final = "events cannot be accepted: "
TRYING: Final = "trying it again"
"""As long as the countdown whose place it takes, so that what stands beside it stays."""


@dataclass(frozen=True, slots=True)
class BusState:
    """The bus as last heard of. `since` is wall time in µs since 1970; `next_try` the seconds until then, now."""

    transport: str = ""
    node: str = ""
    look: Look = "unknown"
    connected: bool = False
    since: int | None = None
    next_try: float | None = None
    why: str = ""
    gaps: tuple[str, ...] = ()
    stale: float | None = None
    """For how many seconds nothing has been heard, where that is too long for the rest to be true."""

    @classmethod
    def of(cls, component: ComponentHealth | None, age: float, *, stale: bool = False) -> BusState:
        """Read from the component `bus` of a health that is so many seconds old; what is not there is left out."""
        if component is None:
            return cls()
        figures = component.figures
        look = "retrying" if stale else _look(component, figures.get("state"))
        return cls(
            transport=_text(figures.get("transport")),
            node=_address(_text(figures.get("node"))),
            look=look,
            connected=figures.get("state") == "open",
            since=_moment(figures.get("since")),
            next_try=_left(figures.get("next_try_seconds"), age) if look in ("away", "retrying") else None,
            why=_reason(component.detail, _text(figures.get("node"))),
            gaps=_texts(figures.get("gaps")),
            stale=age if stale else None,
        )

    @property
    def name(self) -> str:
        """`embedded`, or `rabbitmq 127.0.0.1:5672`."""
        return f"{self.transport} {self.node}".strip()

    @property
    def away(self) -> bool:
        """Whether it is known that there is no connection to the broker."""
        return self.stale is None and self.look in ("away", "retrying")

    @property
    def countdown(self) -> str:
        """When it is tried again, or nothing where that is not known."""
        if self.next_try is None:
            return ""
        return f"next try in {math.ceil(self.next_try)} s" if self.next_try > 0 else TRYING

    def since_text(self, now: int) -> str:
        """`since 14:02:11`, with the day where that is not today; of a bus in trouble, whether it is connected."""
        if self.since is None:
            return ""
        return f"{'connected ' if self.connected and self.look != 'ok' else ''}since {moment(self.since, now)}"

    def age_text(self, now: int) -> str:
        """`41 s`: for how long."""
        return "" if self.since is None else duration((now - self.since) / SECOND)

    def names(self, ellipsis: str) -> tuple[str, str, str]:
        """The name, the longest first."""
        short = f"{self.transport} {clip_middle(self.node, SHORT_NODE, ellipsis)}".strip()
        return self.name, short, self.transport

    def tails(self, now: int, dot: str) -> tuple[str, str, str]:
        """What stands behind the name: since when or for how long, and the next try; last the next try alone."""
        if self.stale is not None:
            said = f"stale {duration(self.stale)}"
            return said, said, said
        times = self.since_text(now), self.age_text(now)
        full, short = (f" {dot} ".join(filter(None, (text, self.countdown))) for text in times)
        return full, short, self.countdown


def _look(component: ComponentHealth, state: Any) -> Look:
    if state in ("connecting", "waiting"):
        return "away" if component.status == "down" else "retrying"
    if state == "blocked":
        return "degraded"
    return "down" if state == "closed" else component.status


def _address(node: str) -> str:
    """Host, port and virtual host of a broker's URL: no user, no password, no options."""
    try:
        parts = urlsplit(node)
    except ValueError:
        return ""
    if not parts.scheme:
        return ""
    path = parts.path if parts.path.lower() not in ("/", "/%2f", "//") else ""
    return parts.netloc.rpartition("@")[2] + path


def _reason(detail: str, node: str) -> str:
    """Why, without what stands beside it: that nothing is accepted, and the node."""
    detail = detail.removeprefix(REFUSAL)
    return detail.removeprefix(f"{node}: ") if node else detail


def _left(seconds: Any, age: float) -> float | None:
    return max(0.0, seconds - age) if isinstance(seconds, int | float) and math.isfinite(seconds) else None


def _moment(stamp: Any) -> int | None:
    try:
        return to_microseconds(read_timestamp(stamp)[0]) if isinstance(stamp, str) else None
    except ValueError:
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
