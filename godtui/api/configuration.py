"""What the API has to know of the settings."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """How requests are guarded and bounded.

    `loopback` says that the server listens on a loopback address alone; `allowed_hosts` are names or `name:port`
    that `Host` may carry besides; `token` is the bearer token, if one is wanted; `max_event_bytes` bounds the body
    of a single publish.
    """

    token: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    max_event_bytes: int = 1_048_576
    loopback: bool = True
