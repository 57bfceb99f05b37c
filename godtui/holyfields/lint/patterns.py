"""The rule against regular expressions that may take very long where they are tried by going back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from godtui.holyfields.lint.findings import Remark
from godtui.holyfields.lint.subjects import Subject

MAX_LENGTH: Final = 2_000
MANY: Final = 16
"""From so many repetitions on, a bound does not help."""

_SAMPLE: Final = frozenset(map(chr, (*range(9, 14), *range(32, 127), 0xE9, 0x4E00)))
_DIGITS: Final = frozenset("0123456789")
_WORD: Final = frozenset(char for char in _SAMPLE if char.isascii() and (char.isalnum() or char == "_"))
_SPACE: Final = frozenset(char for char in _SAMPLE if char.isspace())
_CLASSES: Final = {
    "d": _DIGITS, "D": _SAMPLE - _DIGITS, "w": _WORD, "W": _SAMPLE - _WORD, "s": _SPACE, "S": _SAMPLE - _SPACE,
}  # fmt: skip
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


class _Item(NamedTuple):
    """A part of a pattern that may be repeated: characters, or alternatives that are each a list of items."""

    characters: frozenset[str]
    alternatives: tuple[tuple[_Item, ...], ...] | None
    least: int
    most: int | None

    @property
    def is_nullable(self) -> bool:
        if self.least == 0:
            return True
        return self.alternatives is not None and any(_all_nullable(one) for one in self.alternatives)

    @property
    def is_many(self) -> bool:
        return self.most is None or self.most >= MANY

    @property
    def first(self) -> frozenset[str]:
        """The characters that it may begin with."""
        if self.alternatives is None:
            return self.characters
        return frozenset[str]().union(*map(_first_of, self.alternatives))

    @property
    def tails(self) -> frozenset[str]:
        """The characters of which it may end with many."""
        found = self.first if self.is_many else frozenset[str]()
        for one in self.alternatives or ():
            for index, inner in enumerate(one):
                if _all_nullable(one[index + 1 :]):
                    found |= inner.tails
        return found


def runaway(subject: Subject) -> Iterator[Remark]:
    """Patterns in which a repetition within a repetition can divide one text in many ways."""
    for node in subject.nodes:
        pattern = node.schema.get("pattern")
        if isinstance(pattern, str) and is_runaway(pattern):
            yield Remark(subject.file.path, (*node.path, "pattern"), "regex-runaway", _message(pattern))
        named = node.schema.get("patternProperties")
        for pattern in named if isinstance(named, dict) else ():
            if is_runaway(pattern):
                place = (*node.path, "patternProperties", pattern)
                yield Remark(subject.file.path, place, "regex-runaway", _message(pattern))


def is_runaway(pattern: str) -> bool:
    """Whether going back through a pattern may take exponential time; False for one that cannot be read."""
    if len(pattern) > MAX_LENGTH or pattern.count("(") > 60:
        return False
    try:
        alternatives = _Reader(pattern).alternatives()
    except (IndexError, ValueError):
        return False
    return any(_runs_away(item) for one in alternatives for item in one)


def _runs_away(item: _Item) -> bool:
    if item.alternatives is None:
        return False
    if any(_runs_away(inner) for one in item.alternatives for inner in one):
        return True
    if not item.is_many:
        return False
    single: list[frozenset[str]] = []
    for one in item.alternatives:
        for index, inner in enumerate(one):
            if _all_nullable(one[index + 1 :]) and inner.tails & item.first:
                return True
        if len(one) == 1:
            if any(before & one[0].first for before in single):
                return True
            single.append(one[0].first)
    return False


def _all_nullable(items: tuple[_Item, ...]) -> bool:
    return all(item.is_nullable for item in items)


def _first_of(items: tuple[_Item, ...]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for item in items:
        found |= item.first
        if not item.is_nullable:
            break
    return found


class _Reader:
    """Reads what ECMA, Python and Rust have in common. Raises IndexError or ValueError on what it cannot read."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def alternatives(self) -> tuple[tuple[_Item, ...], ...]:
        """Up to the end, or to the parenthesis that closes."""
        found: list[tuple[_Item, ...]] = []
        items: list[_Item] = []
        while self._at < len(self._text) and self._text[self._at] != ")":
            if self._text[self._at] == "|":
                self._at += 1
                found.append(tuple(items))
                items = []
            else:
                items.append(self._item())
        return (*found, tuple(items))

    def _item(self) -> _Item:
        item = self._atom()
        least, most = self._bounds()
        if self._text[self._at : self._at + 1] in ("?", "+") and (least, most) != (1, 1):
            self._at += 1
        return item._replace(least=min(least, item.least), most=most) if (least, most) != (1, 1) else item

    def _atom(self) -> _Item:
        char = self._take()
        if char == "(":
            return self._group()
        if char in "^$":
            return _Item(frozenset(), ((),), 1, 1)
        if char == "[":
            return _Item(self._set(), None, 1, 1)
        if char == "\\":
            if self._text[self._at] in "bBAzZ":
                self._at += 1
                return _Item(frozenset(), ((),), 1, 1)
            return _Item(self._escaped(), None, 1, 1)
        return _Item(_SAMPLE - {"\n"} if char == "." else frozenset(char), None, 1, 1)

    def _group(self) -> _Item:
        looks = False
        if self._text[self._at] == "?":
            self._at += 1
            mark = self._take()
            if mark == "P":
                mark = self._take()
            if mark == "<" and self._text[self._at] not in "=!":
                self._at = self._text.index(">", self._at) + 1
            elif mark == "<":
                looks, self._at = True, self._at + 1
            else:
                looks = mark in "=!"
        inside = self.alternatives()
        if self._take() != ")":
            raise ValueError("not closed")
        return _Item(frozenset(), ((),), 1, 1) if looks else _Item(frozenset(), inside, 1, 1)

    def _bounds(self) -> tuple[int, int | None]:
        char = self._text[self._at : self._at + 1]
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if char in simple:
            self._at += 1
            return simple[char]
        if char == "{":
            end = self._text.index("}", self._at)
            least, comma, most = self._text[self._at + 1 : end].partition(",")
            bounds = int(least or 0), (int(most) if most else None) if comma else int(least)
            self._at = end + 1
            return bounds
        return 1, 1

    def _set(self) -> frozenset[str]:
        negated = self._text[self._at] == "^"
        self._at += negated
        found: frozenset[str] = frozenset()
        while (char := self._take()) != "]":
            one = self._escaped() if char == "\\" else frozenset(char)
            if self._text[self._at] == "-" and self._text[self._at + 1] != "]" and len(one) == 1:
                self._at += 1
                end = self._take()
                last = self._escaped() if end == "\\" else frozenset(end)
                low, high = min(one), max(last, default=end)
                one = frozenset(char for char in _SAMPLE if low <= char <= high)
            found |= one
        return _SAMPLE - found if negated else found

    def _escaped(self) -> frozenset[str]:
        char = self._take()
        if char in _CLASSES:
            return _CLASSES[char]
        if char in "pP" and self._text[self._at : self._at + 1] == "{":
            self._at = self._text.index("}", self._at) + 1
            return _SAMPLE
        if char in "xu":
            length = 2 if char == "x" else 4
            digits = self._text[self._at : self._at + length]
            self._at += length
            return frozenset(chr(int(digits, 16)))
        return frozenset(_CONTROLS.get(char, char))

    def _take(self) -> str:
        char = self._text[self._at]
        self._at += 1
        return char


def _message(pattern: str) -> str:
    return (
        f"{pattern[:100]} repeats what may itself repeat in the same characters, which takes Python and JavaScript "
        "very long on some texts; let each repetition begin with a character of its own"
    )
