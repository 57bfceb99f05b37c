"""What an address leads to."""

from __future__ import annotations


def is_broker(url: str) -> bool:
    """Whether a URL leads to a broker rather than to a running godtui. Raises ValueError where it leads to neither.

    The URL is not repeated in the error: it may hold a password.
    """
    scheme = url.strip().partition("://")[0].lower()
    if scheme in ("amqp", "amqps"):
        return True
    if scheme in ("http", "https"):
        return False
    raise ValueError("connect to a broker, amqp://… or amqps://…, or to a running godtui, http://… or https://…")


def refuse(given: dict[str, object], why: str) -> None:
    """Raise ValueError naming the first argument that was given although it has no meaning there."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name}= {why}")
