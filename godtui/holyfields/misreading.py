"""Where a text stops being JSON that can be kept, for faults of which the reader says what and not where."""

from __future__ import annotations

import math
import re
from typing import Final

from godtui.holyfields.positions import Position, position
from godtui.jsontext import MAX_DEPTH, MAX_INTEGER_DIGITS

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]|-?Infinity|NaN|-?[0-9][0-9.eE+-]*', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


def misread(raw: bytes) -> Position | None:
    """The first place in a text with what no reader of ours keeps; None where there is nothing of the kind.

    That is a byte that is not UTF-8, a byte order mark, a level of nesting too many, NaN or Infinity, a number out of
    range and a lone surrogate, in this order, which is the one that readers look for them.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        return position(before, len(before))
    if text.startswith("\ufeff"):
        return Position(1, 1)
    offset = _too_deep(text)
    if offset is None:
        offset = next((found.start() for found in _TOKEN.finditer(text) if _is_no_number(found.group())), None)
    if offset is None:
        offset = _lone_surrogate(text)
    return None if offset is None else position(text, offset)


def _too_deep(text: str) -> int | None:
    depth = 0
    for found in _TOKEN.finditer(text):
        mark = found.group()
        if mark in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                return found.start()
        elif mark in ("]", "}"):
            depth -= 1
    return None


def _is_no_number(token: str) -> bool:
    """Whether a token is meant as a number and cannot be kept as one."""
    if token in ("NaN", "Infinity", "-Infinity"):
        return True
    if not token.lstrip("-")[:1].isdigit():
        return False
    if token.lstrip("-").isdigit():
        return len(token.lstrip("-")) > MAX_INTEGER_DIGITS
    try:
        return math.isinf(float(token))
    except ValueError:
        return False


def _lone_surrogate(text: str) -> int | None:
    for found in _TOKEN.finditer(text):
        high: re.Match[str] | None = None
        for escape in _ESCAPE.finditer(found.group()) if found.group().startswith('"') else ():
            code = int(escape[1] or "0", 16)
            follows = high is not None and high.end() == escape.start()
            if 0xDC00 <= code <= 0xDFFF and follows:
                high = None
                continue
            if high is not None:
                break
            if 0xDC00 <= code <= 0xDFFF:
                return found.start() + escape.start()
            high = escape if 0xD800 <= code <= 0xDBFF else None
        if high is not None:
            return found.start() + high.start()
    return None
