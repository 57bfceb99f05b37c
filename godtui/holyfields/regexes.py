"""Patterns that mean the same to the bus, in JavaScript and in Python, and that none of them takes forever to match."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from godtui.holyfields.faults import shortened

Range = tuple[int, int]

LAST: Final = 0x10FFFF
DIGIT: Final = ((48, 57),)
WORD: Final = ((48, 57), (65, 90), (95, 95), (97, 122))
NEW_LINE: Final = ((10, 10),)
SPACE: Final = (
    *((9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
CLASSES: Final = {"d": DIGIT, "w": WORD, "s": SPACE}
CONTROLS: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
SYNTAX: Final = "^$\\.*+?()[]{}|/"
MAX_DEPTH: Final = 50
MAX_SHOWN: Final = 100
MAX_COPIES: Final = 20
FEW: Final = 5
"""Repeated so often at most, what can be read in many ways is still read soon."""


class UnportableError(ValueError):
    """A pattern that cannot be kept; says where in it, counted from 1, and what to write instead."""


class Portable(NamedTuple):
    """A pattern as `new RegExp(ecma, "u")` and as `re.search(python, …)` read it."""

    ecma: str
    python: str


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of some; ranges are sorted and apart."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """The begin or the end of the text."""

    sign: str


@dataclass(frozen=True, slots=True)
class Look:
    """What has to follow, or must not."""

    sign: str
    inner: Node


@dataclass(frozen=True, slots=True)
class Row:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same again, `high` times at most, or without end."""

    inner: Node
    low: int
    high: int | None


Node = Characters | Edge | Look | Row | Choice | Repeat


def portable(pattern: str) -> Portable:
    """The pattern with its meaning spelled out. Raises UnportableError."""
    parser = _Parser(pattern)
    tree = parser.parse()
    return Portable(_spelled(tree, "$"), _spelled(tree, "\\Z"))


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._looks = False
        self._classes = 0
        self._depth = 0

    def parse(self) -> Node:
        tree = self._choice()
        if self._at < len(self._pattern):
            raise self._error("this parenthesis closes nothing: escape it as \\)")
        if self._looks and self._classes:
            raise self._error("\\d, \\w and \\s beside a lookahead differ between languages: write the class out", at=0)
        return tree

    def _error(self, message: str, at: int | None = None) -> UnportableError:
        position = (self._at if at is None else at) + 1
        pattern = shortened(repr(self._pattern), MAX_SHOWN)
        return UnportableError(f"the pattern {pattern} cannot be kept, at character {position}: {message}")

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        if found:
            self._at += len(text)
        return found

    def _choice(self) -> Node:
        options = [self._row()]
        while self._take("|"):
            options.append(self._row())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _row(self) -> Node:
        parts: list[Node] = []
        while self._next() not in {"", "|", ")"}:
            parts.append(self._repeated())
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def _repeated(self) -> Node:
        start = self._at
        inner = self._atom()
        bounds = self._bounds()
        if bounds is None:
            return inner
        if isinstance(inner, (Edge, Look)):
            raise self._error("an anchor or a lookahead cannot be repeated", start)
        low, high = bounds
        self._take("?")
        if self._next() in {"*", "+", "?", "{"} and self._next():
            raise self._error("a quantifier stands behind another: use a group")
        again = Repeat(inner, low, high)
        if (high is None or high > FEW) and not isinstance(inner, Characters) and not _is_plain(again):
            raise self._error(
                "what repeats here can be read in several ways, which may take forever: "
                "let every repetition begin with a character that cannot stand elsewhere in it",
                start,
            )
        return again

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        if not self._take("{"):
            return None
        low = self._number()
        high: int | None = low
        if self._take(","):
            high = None if self._next() == "}" else self._number()
        if not self._take("}") or (high is not None and high < low):
            raise self._error("write a count as {2}, {2,} or {2,5}, and a brace itself as \\{")
        return low, high

    def _number(self) -> int:
        start = self._at
        while self._next() in set("0123456789") and self._next():
            self._at += 1
        if not start < self._at <= start + 3:
            raise self._error("write a count of at most three digits, and a brace itself as \\{", start)
        return int(self._pattern[start : self._at])

    def _atom(self) -> Node:
        start = self._at
        sign = self._next()
        self._at += 1
        if sign in {"^", "$"}:
            return Edge(sign)
        if sign == ".":
            return Characters(_others(NEW_LINE))
        if sign == "(":
            return self._group(start)
        if sign == "[":
            return self._class(start)
        if sign == "\\":
            return Characters(self._escape(start, in_class=False))
        if sign in "*+?{":
            raise self._error(f"there is nothing to repeat: escape it as \\{sign}", start)
        if sign in "]}":
            raise self._error(f"escape it as \\{sign}", start)
        return Characters(self._single(sign, start))

    def _single(self, sign: str, start: int) -> tuple[Range, ...]:
        if 0xD800 <= ord(sign) <= 0xDFFF:
            raise self._error("half a surrogate pair is no character", start)
        return ((ord(sign), ord(sign)),)

    def _group(self, start: int) -> Node:
        look = ""
        if self._take("?="):
            look = "="
        elif self._take("?!"):
            look = "!"
        elif not self._take("?:") and self._next() == "?":
            raise self._error("only the groups (…), (?:…), (?=…) and (?!…) are the same everywhere", start)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"groups are nested more than {MAX_DEPTH} deep", start)
        inner = self._choice()
        self._depth -= 1
        if not self._take(")"):
            raise self._error("this group is not closed", start)
        if look:
            self._looks = True
            return Look(look, inner)
        return Row((inner,))

    def _class(self, start: int) -> Characters:
        negated = self._take("^")
        ranges: list[Range] = []
        while not self._take("]"):
            if not self._next():
                raise self._error("this class is not closed", start)
            ranges += self._class_item()
        if not ranges:
            raise self._error("this class is empty", start)
        joined = _joined(ranges)
        return Characters(_others(joined) if negated else joined)

    def _class_item(self) -> tuple[Range, ...]:
        start = self._at
        for operator in ("&&", "--", "~~", "||", "["):
            if self._pattern.startswith(operator, start):
                raise self._error(f"{operator} means something in other languages: escape it, or write it once", start)
        low = self._class_character()
        if self._next() != "-" or self._pattern.startswith("-]", self._at):
            return low
        self._at += 1
        high = self._class_character()
        if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1]:
            raise self._error("a range goes from one character to another", start)
        if high[0][0] < low[0][0]:
            raise self._error("this range ends before it begins", start)
        return ((low[0][0], high[0][0]),)

    def _class_character(self) -> tuple[Range, ...]:
        start = self._at
        sign = self._next()
        self._at += 1
        if sign == "":
            raise self._error("this class is not closed", start)
        return self._escape(start, in_class=True) if sign == "\\" else self._single(sign, start)

    def _escape(self, start: int, *, in_class: bool) -> tuple[Range, ...]:
        sign = self._next()
        self._at += 1
        if (sign and sign in SYNTAX) or (sign == "-" and in_class):
            return ((ord(sign), ord(sign)),)
        if sign in CONTROLS:
            return ((CONTROLS[sign], CONTROLS[sign]),)
        if sign.lower() in CLASSES:
            self._classes += 1
            ranges = CLASSES[sign.lower()]
            return ranges if sign.islower() else _others(ranges)
        if sign in {"x", "u"} and sign:
            return self._code(start, 2 if sign == "x" else 4)
        raise self._error(f"\\{sign} is not the same everywhere: write the characters out", start)

    def _code(self, start: int, length: int) -> tuple[Range, ...]:
        digits = self._pattern[self._at : self._at + length]
        if len(digits) < length or set(digits) - set("0123456789abcdefABCDEF"):
            raise self._error(f"{length} hexadecimal digits have to follow", start)
        self._at += length
        return self._single(chr(int(digits, 16)), start)


def _joined(ranges: list[Range]) -> tuple[Range, ...]:
    made: list[Range] = []
    for low, high in sorted(ranges):
        if made and low <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(high, made[-1][1]))
        else:
            made.append((low, high))
    return tuple(made)


def _others(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    made = []
    following = 0
    for low, high in ranges:
        if following < low:
            made.append((following, low - 1))
        following = high + 1
    return (*made, (following, LAST)) if following <= LAST else tuple(made)


class _Places:
    """The places of a pattern's characters, and which may follow which: a place found twice is read in two ways."""

    def __init__(self) -> None:
        self.ranges: list[tuple[Range, ...]] = []
        self.follow: list[list[int]] = []

    def walk(self, node: Node) -> tuple[bool, list[int], list[int]]:
        """Whether a node may be empty, and the places it may begin and end with."""
        if isinstance(node, Characters):
            self.ranges.append(node.ranges)
            self.follow.append([])
            place = [len(self.ranges) - 1]
            return False, place, place
        if isinstance(node, Row):
            return self._row([*node.parts])
        if isinstance(node, Choice):
            walked = [self.walk(option) for option in node.options]
            return (
                any(empty for empty, _, _ in walked),
                [place for _, first, _ in walked for place in first],
                [place for _, _, last in walked for place in last],
            )
        if isinstance(node, Repeat):
            return self._repeat(node)
        return True, [], []

    def _row(self, parts: list[Node]) -> tuple[bool, list[int], list[int]]:
        empty, first, last = True, list[int](), list[int]()
        for part in parts:
            part_empty, part_first, part_last = self.walk(part)
            for place in last:
                self.follow[place] += part_first
            first = [*first, *part_first] if empty else first
            last = [*last, *part_last] if part_empty else part_last
            empty = empty and part_empty
        return empty, first, last

    def _repeat(self, node: Repeat) -> tuple[bool, list[int], list[int]]:
        if node.high is None or node.high > MAX_COPIES:
            empty, first, last = self.walk(node.inner)
            for place in last:
                self.follow[place] += first
            return empty or node.low == 0, first, last
        copies: list[Node] = []
        for _ in range(node.high - node.low):
            copies = [Repeat(Row((node.inner, *copies)), 0, 1)]
        if node.low == 0 and node.high == 1:
            _, first, last = self.walk(node.inner)
            return True, first, last
        return self._row([*[node.inner] * node.low, *copies])


def _is_plain(node: Repeat) -> bool:
    """Whether each character says which place of the pattern it is read by."""
    places = _Places()
    _, first, _ = places.walk(Repeat(node.inner, 0, None))
    return all(_apart([places.ranges[place] for place in group]) for group in (first, *places.follow))


def _apart(sets: list[tuple[Range, ...]]) -> bool:
    ordered = sorted(one for ranges in sets for one in ranges)
    return all(before[1] < after[0] for before, after in pairwise(ordered))


def _spelled(node: Node, end: str) -> str:
    if isinstance(node, Characters):
        return _class(node.ranges)
    if isinstance(node, Edge):
        return end if node.sign == "$" else "^"
    if isinstance(node, Look):
        return f"(?{node.sign}{_spelled(node.inner, end)})"
    if isinstance(node, Choice):
        return "|".join(_spelled(option, end) for option in node.options)
    if isinstance(node, Row):
        return "".join(
            _grouped(part, end) if isinstance(part, (Row, Choice)) else _spelled(part, end) for part in node.parts
        )
    inner = node.inner
    if isinstance(inner, Row) and len(inner.parts) == 1:
        inner = inner.parts[0]
    text = _class(inner.ranges) if isinstance(inner, Characters) else _grouped(inner, end)
    return text + _count(node)


def _grouped(node: Node, end: str) -> str:
    return f"(?:{_spelled(node, end)})"


def _count(node: Repeat) -> str:
    named = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.low, node.high))
    if named is not None:
        return named
    if node.high == node.low:
        return f"{{{node.low}}}"
    return f"{{{node.low},{'' if node.high is None else node.high}}}"


def _class(ranges: tuple[Range, ...]) -> str:
    if not ranges:
        return "[^\\0-\\uffff]"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        sign = chr(ranges[0][0])
        return f"\\{sign}" if sign in SYNTAX and sign != "/" else _character(sign)
    negated = ranges[-1][1] == LAST
    shown = _others(ranges) if negated else ranges
    if not shown:
        return "[\\s\\S]"
    inside = "".join(
        _in_class(low) if low == high else f"{_in_class(low)}{'-' if high > low + 1 else ''}{_in_class(high)}"
        for low, high in shown
    )
    return f"[{'^' if negated else ''}{inside}]"


def _in_class(code: int) -> str:
    sign = chr(code)
    if sign in "\\]^-[":
        return f"\\{sign}"
    return f"\\x{code:02x}" if sign in "&~|" else _character(sign)


def _character(sign: str) -> str:
    if sign.isprintable():
        return sign
    code = ord(sign)
    controls = {code: f"\\{letter}" for letter, code in CONTROLS.items()}
    if code in controls:
        return controls[code]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else sign
