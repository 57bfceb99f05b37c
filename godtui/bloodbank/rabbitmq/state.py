"""How the way to the broker is: what console, health and errors say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["connecting", "open", "blocked", "waiting", "closed"]


@dataclass(frozen=True, slots=True)
class LinkState:
    """`since` is wall time in µs since 1970; `next_try` monotonic seconds, where a try is waited for."""

    status: Status
    detail: str
    since: int
    node: str = ""
    next_try: float | None = None
    tries: int = 0
