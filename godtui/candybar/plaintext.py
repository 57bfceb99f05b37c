"""What others wrote, made harmless to a terminal: one visible character stands for each that would act."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

_MAX_MARKS = 4
_ACTING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""Controls, bidirectional overrides, zero-width and tag characters, lone surrogates, variation selectors."""

_PILED = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff"
    rf"\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{_MAX_MARKS}}})"
    r"[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff"
    r"\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
"""Combining marks beyond those a script needs, which would otherwise grow over the lines above and below."""


def plain(text: str, *, ascii_only: bool = False) -> str:
    """The text with every character that could move, hide or restyle others replaced by a visible one."""
    if text.isascii() and text.isprintable():
        return text
    harmless = _PILED.sub(r"\1·", _ACTING.sub(_stand_in, text))
    return _to_ascii(harmless) if ascii_only else harmless


def clip(text: str, cells: int, ellipsis: str = "…") -> str:
    """The text in at most that many cells, its end replaced by an ellipsis where it is longer."""
    if cells <= 0:
        return ""
    if len(text) <= cells and text.isascii():
        return text
    text = text[: cells * (_MAX_MARKS + 2) + 1]
    if cell_len(text) <= cells:
        return text
    room = cells - len(ellipsis)
    return set_cell_size(text, room).rstrip(" ") + ellipsis if room > 0 else ellipsis[:cells]


def fit(text: str, cells: int, ellipsis: str = "…") -> str:
    """The text in exactly that many cells: clipped or filled up with spaces."""
    clipped = clip(text, cells, ellipsis)
    return clipped + " " * (cells - cell_len(clipped))


def clip_middle(text: str, cells: int, ellipsis: str = "…") -> str:
    """The text in at most that many cells, with its beginning and its end."""
    if cell_len(text) <= cells:
        return text
    room = cells - len(ellipsis)
    if room < 4 or not text.isascii():
        return clip(text, cells, ellipsis)
    head = room // 2
    return text[:head] + ellipsis + text[len(text) - (room - head) :]


def _stand_in(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return {0x7F: "\u2421", 0x2028: "\u2424", 0x2029: "\u2424"}.get(code, "·")


def _to_ascii(text: str) -> str:
    return text.translate(_PICTURES).encode("ascii", "replace").decode("ascii")


_PICTURES = {0x2400 + code: "." for code in range(0x22)} | {0x2424: ".", ord("·"): ".", ord("…"): "~"}
