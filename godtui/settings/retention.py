"""How much the store keeps, as `GODTUI_RETENTION` has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

KEEP_ALL: Final = "all"

_PART: Final = re.compile(r"([1-9][0-9]{0,11})\s*([a-z]+)", re.ASCII)
_SECONDS: Final = {"h": 3_600, "d": 86_400, "w": 604_800}
_BYTES: Final = {"mb": 10**6, "gb": 10**9, "tb": 10**12, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
_LONGEST: Final = 1_000_000 * 86_400
"""Seconds; beyond it a moment leaves the calendar."""
_LARGEST: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class Retention:
    """How old (in seconds) and how large (in bytes) what is stored may become; None for no such limit."""

    age: int | None = None
    size: int | None = None
    written: str = KEEP_ALL

    def __str__(self) -> str:
        return self.written

    @classmethod
    def read(cls, value: object) -> Retention:
        """From an age such as `30d`, a size such as `50GB`, both with a comma between them, or `all`."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError("not a text")
        text = value.strip().lower()
        if text == KEEP_ALL:
            return cls()
        limits: dict[str, int] = {}
        for part in text.split(","):
            name, limit = _limit(part.strip())
            if name in limits:
                raise ValueError("said twice")
            limits[name] = limit
        return cls(limits.get("age"), limits.get("size"), value.strip())


def _limit(text: str) -> tuple[str, int]:
    found = _PART.fullmatch(text)
    if found is None:
        raise ValueError("neither an age nor a size")
    number, unit = int(found[1]), found[2]
    if unit in _SECONDS and number * _SECONDS[unit] <= _LONGEST:
        return "age", number * _SECONDS[unit]
    if unit in _BYTES and number * _BYTES[unit] <= _LARGEST:
        return "size", number * _BYTES[unit]
    raise ValueError("neither an age nor a size")
