"""From a filter's terms to the words that every match has, as an FTS5 expression: never too much to ask for."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from godtui import jsontext
from godtui.candystore.search.text import INVALID, REPLAYED, name_mark
from godtui.filters import IsTerm, PayloadTerm, Scalar, SourceTerm, Term, TypeTerm, WordTerm, is_key, tokens
from godtui.jsontext import Json

MAX_WORDS: Final = 24
"""More words than these do not narrow a search; the longest are taken, which are likely the rarest."""
MAX_GROUPS: Final = 8
MAX_ALTERNATIVES: Final = 64
LONGEST_WORD: Final = 1000
"""Characters; FTS5 cuts words at some length."""

Alternatives: TypeAlias = Sequence[frozenset[str]]
"""Sets of words; a match has all words of one of them."""

_WORD: Final = re.compile(r"[^\W_]+")


def expression(terms: Sequence[Term]) -> str | None:
    """What FTS5's MATCH takes for words that all matches of all terms have; None where nothing is known of those."""
    words: set[str] = set()
    groups: list[Alternatives] = []
    for term in terms:
        if term.negated:
            continue
        for alternatives in _required(term):
            kept = [frozenset(word for word in one if len(word) <= LONGEST_WORD) for one in alternatives]
            if len(kept) == 1:
                words |= kept[0]
            elif all(kept) and len(kept) <= MAX_ALTERNATIVES:
                groups.append(kept)
    parts = [_quoted(word) for word in sorted(words, key=lambda word: (-len(word), word))[:MAX_WORDS]]
    parts += [_any(group) for group in groups[:MAX_GROUPS]]
    return " AND ".join(parts) or None


def leads(term: Term) -> bool:
    """Whether the words of a term are a reason to look into the index, as against looking for them besides."""
    return isinstance(term, WordTerm | PayloadTerm | IsTerm) and not term.negated and any(map(any, _required(term)))


def _required(term: Term) -> Iterator[Alternatives]:
    match term:
        case WordTerm(tokens=words):
            yield [frozenset(words)]
        case TypeTerm(patterns=patterns):
            yield [
                _words(pattern) if "*" in pattern or "#" in pattern else frozenset([name_mark("t", pattern)])
                for pattern in patterns
            ]
        case SourceTerm(names=names):
            yield [frozenset([name_mark("s", name)]) for name in names]
        case IsTerm(flags=flags):
            yield [frozenset([INVALID if flag == "invalid" else REPLAYED]) for flag in dict.fromkeys(flags)]
        case PayloadTerm(path=path, operator=operator, values=values):
            yield [frozenset(word for step in path if is_key(step) for word in tokens(step.name))]
            if operator == "=":
                yield [words for value in values for words in _equals(value)]
            elif operator == "~":
                yield [_interior(value.value) for value in values]


def _words(text: str) -> frozenset[str]:
    return frozenset(tokens(text))


def _equals(scalar: Scalar) -> list[frozenset[str]]:
    """The words of each form that an equal value may have."""
    match scalar.kind:
        case "text":
            return [_words(scalar.value)]
        case "number":
            return [_words(form) for form in _forms(scalar.value)]
        case "boolean":
            return [_words(jsontext.dumps(scalar.value).decode())]
    return [frozenset()]


def _forms(number: Json) -> set[str]:
    """How equal numbers are written: as an integer, and with a fraction or exponent."""
    forms = [number]
    if isinstance(number, float) and number.is_integer():
        forms.append(int(number))
    elif isinstance(number, int):
        with contextlib.suppress(OverflowError):
            forms += [fraction for fraction in (float(number),) if fraction == number]
    return {jsontext.dumps(form).decode() for form in forms}


def _interior(part: str) -> frozenset[str]:
    """The words that end within a part of a text on both sides, and so are words of the whole."""
    if not part.isascii():
        # Normal form C may join what stands next to the part with what is in it.
        return frozenset()
    return frozenset(
        match.group() for match in _WORD.finditer(part.lower()) if match.start() > 0 and match.end() < len(part)
    )


def _quoted(word: str) -> str:
    return f'"{word}"'


def _any(group: Alternatives) -> str:
    return f"({' OR '.join(_all(words) for words in group)})"


def _all(words: frozenset[str]) -> str:
    longest = sorted(words, key=lambda word: (-len(word), word))[:MAX_WORDS]
    return f"({' AND '.join(map(_quoted, longest))})"
