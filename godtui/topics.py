"""AMQP topic patterns: `*` stands for exactly one word, `#` for any number of words, words being what dots separate.

An empty key has no words; every dot parts two words, which may be empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

CACHE_SIZE: Final = 4096
"""Keys a matcher remembers before it starts afresh: keys come from outside, so memory for them is bounded."""


def words(key: str) -> list[str]:
    """The words of a routing key or pattern."""
    return key.split(".") if key else []


def matches(pattern: str, routing_key: str) -> bool:
    """Whether a topic exchange would send the key to a queue bound by the pattern."""
    return _compiled(pattern).matches(routing_key)


def overlaps(pattern: str, other: str) -> bool:
    """Whether there is a routing key that both patterns match; time grows with the product of their words."""
    here, there = words(pattern), words(other)
    waiting, seen = [(0, 0)], {(0, 0)}
    while waiting:
        place = at, beside = waiting.pop()
        if place == (len(here), len(there)):
            return True
        for following in _following(here[at : at + 1], there[beside : beside + 1]):
            reached = (at + following[0], beside + following[1])
            if reached not in seen:
                seen.add(reached)
                waiting.append(reached)
    return False


def _following(here: list[str], there: list[str]) -> Iterator[tuple[int, int]]:
    """How far one can go in two patterns from their next words: a `#` is stepped over, or takes the other's word."""
    if here == ["#"]:
        yield 1, 0
        if there:
            yield 0, 1
    if there == ["#"]:
        yield 0, 1
        if here:
            yield 1, 0
    if here and there and "#" not in (*here, *there) and (here == there or "*" in (*here, *there)):
        yield 1, 1


class Pattern:
    """One pattern, compiled: time grows with the number of words of key and pattern, never exponentially."""

    __slots__ = ("_any", "_end", "_hashes", "_literals", "_stars", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._literals: dict[str, int] = {}
        self._stars = self._hashes = 0
        parts = _without_repeated_hashes(words(text))
        for position, word in enumerate(parts):
            bit = 1 << position
            if word == "#":
                self._hashes |= bit
            elif word == "*":
                self._stars |= bit
            else:
                self._literals[word] = self._literals.get(word, 0) | bit
        self._end = 1 << len(parts)
        self._any = parts == ["#"]

    def matches(self, routing_key: str) -> bool:
        """Whether the key's words can be spread over the pattern's.

        Bit n of `reached` says that the first n words of the pattern can stand for the words read so far.
        """
        if self._any:
            return True
        hashes, stars, literals = self._hashes, self._stars, self._literals
        reached = 1 | (hashes & 1) << 1
        for word in words(routing_key):
            reached = (reached & (literals.get(word, 0) | stars)) << 1 | (reached & hashes)
            reached |= (reached & hashes) << 1
            if not reached:
                return False
        return reached & self._end != 0


class Matcher:
    """Several patterns as one question, answered from memory for keys seen before."""

    __slots__ = ("_known", "_patterns")

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(_compiled(pattern) for pattern in dict.fromkeys(patterns))
        self._known: dict[str, bool] = {}

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns asked, each once."""
        return tuple(pattern.text for pattern in self._patterns)

    def matches(self, routing_key: str) -> bool:
        """Whether any of the patterns matches the key."""
        known = self._known.get(routing_key)
        if known is None:
            known = any(pattern.matches(routing_key) for pattern in self._patterns)
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            self._known[routing_key] = known
        return known


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Pattern:
    return Pattern(pattern)


def _without_repeated_hashes(parts: list[str]) -> list[str]:
    """`#.#` says what `#` says; without repeats one step past a `#` is all that stepping over it takes."""
    return [word for position, word in enumerate(parts) if word != "#" or parts[position - 1 : position] != ["#"]]
