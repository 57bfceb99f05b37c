"""JSON text as indented lines, found a few at a time: a megabyte costs no more per frame than a hundred bytes.

The text itself is kept and pointed into, so that numbers keep every digit and fields their order.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Collection, Iterator
from typing import NamedTuple

KEY = 1
COMMA = 2
MARKED = 4

_TOKEN = re.compile(r'\s*("[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+)', re.DOTALL)
_KEY = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")\s*:\s*', re.DOTALL)


class JsonLine(NamedTuple):
    """One line: how deep it is, where its key and value stand in the text, and what follows it."""

    depth: int
    key: tuple[int, int] | None
    value: tuple[int, int]
    comma: bool
    marked: bool

    @property
    def length(self) -> int:
        """How many characters it has when drawn, at two for each level."""
        key = 0 if self.key is None else self.key[1] - self.key[0] + 2
        return 2 * self.depth + key + self.value[1] - self.value[0] + self.comma


class _Level:
    """An object or array that is open."""

    __slots__ = ("index", "is_object", "key_next", "opened_at", "pointer")

    def __init__(self, is_object: bool, opened_at: int, pointer: str | None) -> None:
        self.is_object = is_object
        self.key_next = is_object
        self.index = 0
        self.opened_at = opened_at
        self.pointer = pointer
        """The JSON pointer of this value, where something inside is to be marked."""


class JsonLines:
    """The lines of one JSON text, built by `build` until `done`."""

    def __init__(self, text: str, marks: Collection[str] = ()) -> None:
        self.text = text
        self.done = False
        self._marks = frozenset(marks)
        self._tokens: Iterator[re.Match[str]] = _TOKEN.finditer(text)
        self._begin = array("Q")
        self._end = array("Q")
        self._depth = array("H")
        self._flags = bytearray()
        self._levels: list[_Level] = []
        self._line_begin: int | None = None
        self._pointer: str | None = "" if self._marks else None
        self._reached = 0

    def __len__(self) -> int:
        return len(self._flags)

    @property
    def progress(self) -> float:
        """How much of the text has been read, from 0 to 1."""
        return 1.0 if self.done else self._reached / max(1, len(self.text))

    def build(self, tokens: int) -> None:
        """Read so many more tokens."""
        for _ in range(tokens):
            match = next(self._tokens, None)
            if match is None:
                self.done = True
                return
            self._take(match.start(1), match.end(1))

    def line(self, index: int) -> JsonLine:
        """A line that has been built."""
        begin, end, flags = self._begin[index], self._end[index], self._flags[index]
        key = None
        if flags & KEY and (match := _KEY.match(self.text, begin, end)):
            key, begin = match.span(1), match.end()
        return JsonLine(self._depth[index], key, (begin, end), bool(flags & COMMA), bool(flags & MARKED))

    def _take(self, begin: int, end: int) -> None:
        self._reached = end
        sign = self.text[begin]
        level = self._levels[-1] if self._levels else None
        if sign == ",":
            self._separate(level)
        elif sign in "}]":
            self._close(begin, end)
        elif sign == '"' and level is not None and level.key_next:
            self._name(level, begin, end)
        elif sign != ":":
            self._value(level, begin, end, sign)

    def _separate(self, level: _Level | None) -> None:
        if self._flags:
            self._flags[-1] |= COMMA
        if level is not None:
            level.key_next = level.is_object
            level.index += 1

    def _name(self, level: _Level, begin: int, end: int) -> None:
        level.key_next = False
        self._line_begin = begin
        if level.pointer is not None:
            name = json.loads(self.text[begin:end], strict=False)
            self._pointer = f"{level.pointer}/{name.replace('~', '~0').replace('/', '~1')}"

    def _value(self, level: _Level | None, begin: int, end: int, sign: str) -> None:
        if level is not None and not level.is_object:
            self._pointer = None if level.pointer is None else f"{level.pointer}/{level.index}"
        pointer, self._pointer = self._pointer, None
        flags = KEY if self._line_begin is not None else 0
        flags |= MARKED if pointer is not None and pointer in self._marks else 0
        self._add(begin if self._line_begin is None else self._line_begin, end, flags)
        self._line_begin = None
        if sign in "{[":
            inside = pointer is not None and any(mark.startswith(f"{pointer}/") for mark in self._marks)
            self._levels.append(_Level(sign == "{", len(self) - 1, pointer if inside else None))

    def _close(self, begin: int, end: int) -> None:
        if not self._levels:
            return
        level = self._levels.pop()
        if level.opened_at == len(self) - 1:
            self._end[-1] = end
        else:
            self._add(begin, end, 0)

    def _add(self, begin: int, end: int, flags: int) -> None:
        self._begin.append(begin)
        self._end.append(end)
        self._depth.append(len(self._levels))
        self._flags.append(flags)
