"""The one filter language of stream, store, API, command line, replay and dead letters.

`parse` turns text into a `Filter`, a value: terms that must all hold. A filter tests stored events (`predicate`), and
`str` writes it as text that is read back as an equal filter, with moments in place of `15m`.
"""

from __future__ import annotations

from dataclasses import dataclass

from godtui.filters.comparison import read_path
from godtui.filters.errors import FilterError
from godtui.filters.lexer import MAX_CHARACTERS
from godtui.filters.parser import read_parameter, read_terms, read_words
from godtui.filters.predicate import Predicate, compile_predicate, kind, payload_of, stands_as_itself, values_at
from godtui.filters.terms import (
    ORDERINGS,
    CorrelationTerm,
    IdTerm,
    IsTerm,
    PayloadTerm,
    Scalar,
    Segment,
    SourceTerm,
    StoredSinceTerm,
    Term,
    TimeTerm,
    TypeTerm,
    WordTerm,
    is_key,
)
from godtui.filters.words import texts, tokens

__all__ = [
    "MAX_CHARACTERS",
    "MAX_TERMS",
    "ORDERINGS",
    "CorrelationTerm",
    "Filter",
    "FilterError",
    "IdTerm",
    "IsTerm",
    "PayloadTerm",
    "Predicate",
    "Scalar",
    "Segment",
    "SourceTerm",
    "StoredSinceTerm",
    "Term",
    "TimeTerm",
    "TypeTerm",
    "WordTerm",
    "combine",
    "from_parameters",
    "is_key",
    "kind",
    "parse",
    "payload_of",
    "read_path",
    "stands_as_itself",
    "texts",
    "tokens",
    "values_at",
]

MAX_TERMS = 64


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all hold; without any, everything matches."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def predicate(self) -> Predicate:
        """The filter as a test of one stored event."""
        return compile_predicate(self.terms)


def parse(text: str, *, now: int) -> Filter:
    """Read a filter; `now` is the moment, in microseconds since 1970, that `15m` counts back from.

    Raises FilterError with the offset of the first term that cannot be understood.
    """
    return _bounded(read_terms(text, now))


def from_parameters(
    *,
    type: str | None = None,  # noqa: A002 - named as the query parameter is
    source: str | None = None,
    correlation_id: str | None = None,
    since: str | None = None,
    until: str | None = None,
    text: str | None = None,
    now: int,
) -> Filter:
    """A filter from separate query parameters, all of which must hold; None is absent.

    Each is read as the value of its key, so that commas mean any of, quotes hold commas, and spaces and colons are
    plain; `text` is words and quoted phrases, in which every other sign only parts words.
    Raises FilterError naming the parameter.
    """
    given = {"type": type, "source": source, "correlation_id": correlation_id, "since": since, "until": until}
    terms = [
        read_parameter(name, name.removesuffix("_id"), value, now) for name, value in given.items() if value is not None
    ]
    words = () if text is None else read_words("text", text)
    return _bounded((*terms, *words))


def combine(*filters: Filter) -> Filter:
    """The filter that holds where all of them do. Raises FilterError where that makes too many terms."""
    return _bounded(tuple(term for one in filters for term in one.terms))


def _bounded(terms: tuple[Term, ...]) -> Filter:
    """The filter, where it can be written and read back within the limits."""
    if len(terms) > MAX_TERMS:
        raise FilterError(f"a filter has at most {MAX_TERMS} terms", terms[MAX_TERMS].offset)
    found = Filter(terms)
    if len(str(found)) > MAX_CHARACTERS:
        raise FilterError(f"written out, the filter has more than {MAX_CHARACTERS:,} characters", 0)
    return found
