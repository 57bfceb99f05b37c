"""What others wrote, made safe to be quoted: nothing in it breaks a line, hides, or turns the writing around."""

from __future__ import annotations

import re
from typing import Final

ELLIPSIS: Final = "…"
_READ_AHEAD: Final = 16
"""So many times the wanted length is read at most; what hides behind more unseen characters is dropped."""

_BREAKS = re.compile("[\t\n\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029]")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-Z\\^-~])")
"""What sets colours and moves cursors on a terminal (ECMA-48)."""

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Controls, bidirectional marks, zero-width, blank and tag characters, variation selectors, lone surrogates."""


def one_line(text: str, limit: int) -> str:
    """The text as one line of at most so many characters, with an ellipsis where it was longer."""
    ahead = text[: limit * _READ_AHEAD]
    line = " ".join(_UNSEEN.sub("", _BREAKS.sub(" ", _ESCAPES.sub("", ahead))).split())
    if len(line) <= limit and len(ahead) == len(text):
        return line
    return line[: limit - 1].rstrip() + ELLIPSIS


def last_lines(text: str, limit: int) -> list[str]:
    """The lines in the last so many characters of the text, without empty ones at either end."""
    seen = _ESCAPES.sub("", text[-limit * _READ_AHEAD :])
    lines = [_UNSEEN.sub("", line.replace("\t", "    ")).rstrip() for line in seen.splitlines()]
    tail = "\n".join(lines).strip("\n")
    return tail[-limit:].strip("\n").split("\n") if tail and limit > 0 else []
