"""Where in a JSON text something stands, so that a fault can be found in an editor."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import NamedTuple

Path = tuple[str | int, ...]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.DOTALL)


class Position(NamedTuple):
    """A place in a text, counted from 1 in lines and characters."""

    line: int
    column: int


def position(text: str, offset: int) -> Position:
    """The line and column of a character."""
    before = text[:offset]
    return Position(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def locate(text: str, path: Path) -> Position | None:
    """Where the member or item begins that the path leads to (a member begins at its name); None if there is none."""
    for found, offset in _places(text):
        if found == path:
            return position(text, offset)
    return None


def positions(text: str) -> dict[Path, Position]:
    """Where everything begins, as `locate` finds one: for those who look for many."""
    lines = [0, *(found.end() for found in re.finditer("\n", text))]
    found: dict[Path, Position] = {}
    for path, offset in _places(text):
        line = bisect_right(lines, offset)
        found.setdefault(path, Position(line, offset - lines[line - 1] + 1))
    return found


def duplicate(text: str) -> tuple[Path, Position] | None:
    """The first member whose name its object already has, and where it begins."""
    seen: set[Path] = set()
    for path, offset in _places(text):
        if path in seen:
            return path, position(text, offset)
        seen.add(path)
    return None


def _places(text: str) -> list[tuple[Path, int]]:
    """Every value's path and offset in reading order. Broken text gives whatever can be read of it."""
    places: list[tuple[Path, int]] = [((), len(text) - len(text.lstrip()))]
    open_parts: list[str | int] = []
    tokens = list(_TOKEN.finditer(text))
    for number, token in enumerate(tokens):
        mark = token.group()
        before = tokens[number - 1].group() if number else ""
        if mark in "]}":
            del open_parts[-1:]
            continue
        in_array = bool(open_parts) and isinstance(open_parts[-1], int)
        if in_array and mark not in ":,":
            if before == ",":
                open_parts[-1] = int(open_parts[-1]) + 1
            places.append((tuple(open_parts), token.start()))
        elif open_parts and before in ("{", ",") and mark.startswith('"'):
            open_parts[-1] = _name(mark)
            places.append((tuple(open_parts), token.start()))
        if mark in "[{":
            open_parts.append(0 if mark == "[" else "")
    return places


def _name(quoted: str) -> str:
    try:
        name = json.loads(quoted, strict=False)
    except ValueError:
        return quoted
    return str(name)
