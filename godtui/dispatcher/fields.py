"""Members of Plane's objects, read leniently: what cannot be what it should be is as good as missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from godtui.clock import to_microseconds
from godtui.envelope import read_timestamp
from godtui.jsontext import Json

MAX_TEXT: Final = 255
"""Characters of an id or of the name of a label or state, as in Plane."""

_NULLS: Final = (None, "None", "null", "")
"""v2 writes null as Python does."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HOURS_ONLY = re.compile(r":\d\d(?:\.\d+)?[+-]\d\d\Z", re.ASCII)


def either(data: Mapping[str, Json], *keys: str) -> Json:
    """The first of the members that is not null."""
    return next((data[key] for key in keys if data.get(key) not in _NULLS), None)


def text(value: Json) -> str | None:
    """A name: text with something in it, without space around, cut to 255 characters."""
    return value.strip()[:MAX_TEXT].rstrip() or None if isinstance(value, str) else None


def uuid(value: Json) -> str | None:
    """A UUID in the common form, in lower case: its case says nothing."""
    return value.lower() if isinstance(value, str) and _UUID.fullmatch(value) else None


def identifier(value: Json) -> str | None:
    """An id: 1 to 255 printable characters, a UUID in lower case."""
    if not isinstance(value, str) or value.strip() in _NULLS or len(value) > MAX_TEXT or not value.isprintable():
        return None
    return uuid(value) or value


def is_set(value: Json) -> bool:
    """Whether a time that may be null is there; what cannot be understood is better taken for one."""
    return value not in (*_NULLS, False)


def is_true(value: Json) -> bool:
    """A flag, also as text."""
    return value.strip().lower() in ("true", "1") if isinstance(value, str) else value in (True, 1)


def moment(value: Json) -> int | None:
    """A time in µs since 1970. v2 may write a zone as hours alone, `+00`."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return None
    try:
        read, _ = read_timestamp(f"{value}:00" if _HOURS_ONLY.search(value) else value)
    except ValueError:
        return None
    return to_microseconds(read)


def number(value: Json) -> int | None:
    """A ticket's number within its project, also as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None
