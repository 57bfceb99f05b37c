"""The filter language asked of dead letters.

A term asks about the event in the letter's body. Where that holds none, terms about type and words ask about the type
that the routing key names, `id:` about the message's id, `is:invalid` holds, and any other term does not, its negation
does. `stored-since:` asks when the message died.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank.deadletters import DeadLetter
from godtui.envelope import InvalidEventError, StoredEvent, read_envelope, violations_text
from godtui.filters import Filter, Predicate, Term, TimeTerm, TypeTerm
from godtui.topics import Matcher

_INVALID: Final = b'[{"path":"","message":"the body is no event"}]'


class Sieve:
    """A filter as a test of whole letters."""

    def __init__(self, wanted: Filter) -> None:
        self.asks = bool(wanted.terms)
        """Whether there is anything to ask."""
        self._wanted = wanted
        self._test = wanted.predicate()
        self._types = [
            Matcher(term.patterns) for term in wanted.terms if isinstance(term, TypeTerm) and not term.negated
        ]

    def keeps(self, letter: DeadLetter) -> bool:
        """Whether a letter with its whole body matches."""
        if not self.asks:
            return True
        name = letter.event_type
        if any(name is None or not matcher.matches(name) for matcher in self._types):
            return False
        event = _event(letter)
        if event is not None:
            return self._test(event)
        test = self._without_type if name is None else self._without_time
        return test is not None and test(_stand_in(letter))

    @cached_property
    def _without_time(self) -> Predicate | None:
        return _without(self._wanted, TimeTerm)

    @cached_property
    def _without_type(self) -> Predicate | None:
        return _without(self._wanted, TimeTerm, TypeTerm)


def _without(wanted: Filter, *kinds: type[Term]) -> Predicate | None:
    """The test where terms of these kinds do not hold; None where that decides it."""
    if any(isinstance(term, kinds) and not term.negated for term in wanted.terms):
        return None
    return Filter(tuple(term for term in wanted.terms if not isinstance(term, kinds))).predicate()


def _event(letter: DeadLetter) -> StoredEvent | None:
    """The event in a letter as if it were stored when it died."""
    try:
        envelope, faults = read_envelope(letter.body)
    except InvalidEventError:
        return None
    correlation = envelope.correlation_id
    return StoredEvent(
        letter.id, letter.last_at, envelope.event_id.bytes, envelope.event_type, envelope.source_name,
        None if correlation is None else correlation.bytes, envelope.time, violations_text(faults), None, letter.body,
    )  # fmt: skip


def _stand_in(letter: DeadLetter) -> StoredEvent:
    """What there is to be asked of a letter without an event."""
    name = letter.event_type or ""
    body = jsontext.dumps({"event_type": name, "source": {}, "payload": {}})
    return StoredEvent(letter.id, letter.last_at, _id(letter), name, "", None, 0, _INVALID, None, body)


def _id(letter: DeadLetter) -> bytes:
    try:
        return UUID(letter.message_id).bytes
    except ValueError:
        return b""
