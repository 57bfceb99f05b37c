"""Event patterns beside one another: which of them some event could match together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from godtui.envelope import MAX_TYPE_BYTES
from godtui.topics import overlaps, words

MAX_TEXTS: Final = 10_000
MAX_WILD: Final = 500
"""Each pattern with wildcards is compared with every other text; with more of them it takes longer than anybody waits.
"""

_WILDCARDS: Final = frozenset("*#")
_WORD: Final = re.compile(r"[a-z][a-z0-9_-]*|[*#]")


def is_pattern(text: str) -> bool:
    """Whether a text is a pattern that an event type could match: words of the names' grammar, `*` and `#`."""
    return len(text) <= MAX_TYPE_BYTES and all(map(_WORD.fullmatch, text.split(".")))


def has_wildcards(pattern: str) -> bool:
    """Whether more than one event type can match a pattern."""
    return not _WILDCARDS.isdisjoint(words(pattern))


class PatternSet:
    """Patterns, each once; an event type is a pattern that only itself matches."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.texts = tuple(dict.fromkeys(patterns))
        self._known = frozenset(self.texts)
        self._types: dict[str, list[str]] = defaultdict(list)
        self._wild: dict[str, list[str]] = defaultdict(list)
        for text in self.texts:
            (self._wild if has_wildcards(text) else self._types)[_first(text)].append(text)
        self._met: dict[str, bool] = {}

    def meets(self, pattern: str) -> bool:
        """Whether some event type could match the pattern and one of these.

        One of these that begins with a wildcard, as `#.dlq` does, tells of no domain: it is met by event types, and by
        patterns that have its words too, as `*.*.dlq` has and `ghost.#` has not.
        """
        if pattern not in self._met:
            self._met[pattern] = pattern in self._known or any(overlaps(pattern, one) for one in self._beside(pattern))
        return self._met[pattern]

    def _beside(self, pattern: str) -> Iterator[str]:
        """Those of these that the pattern may meet."""
        first, is_type = _first(pattern), not has_wildcards(pattern)
        for known in [self._wild] if is_type else [self._wild, self._types]:
            for word in [first] if first else known:
                if word:
                    yield from known.get(word, ())
        said = set(words(pattern))
        yield from (one for one in self._wild.get("", ()) if is_type or said >= {*words(one)} - _WILDCARDS)


def _first(pattern: str) -> str:
    """The word that every event begins with that matches the pattern, else nothing."""
    word = words(pattern)[0]
    return "" if word in _WILDCARDS else word
