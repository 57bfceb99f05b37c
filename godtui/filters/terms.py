"""The terms of a filter as plain values: what a predicate or an SQL statement is compiled from.

A term written as text (`str`) is read back by the parser as an equal term.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from uuid import UUID

from godtui import jsontext
from godtui.clock import rfc3339
from godtui.jsontext import Json

OPERATORS = ("!=", ">=", "<=", "=", ">", "<", "~")
"""Of a payload comparison; one that begins like another comes after the longer."""

ORDERINGS = (">=", "<=", ">", "<")
FLAGS = ("invalid", "replayed")

Operator = Literal["!=", ">=", "<=", "=", ">", "<", "~"]
Flag = Literal["invalid", "replayed"]
Bound = Literal["since", "until"]

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
BARE_SEGMENT = re.compile(r"""[^\s."=!<>~,:*]+""")
INDEX = re.compile(r"0|[1-9][0-9]*", re.ASCII)

_BARE_VALUE = re.compile(r"""[^\s,"]+""")
_BARE_TEXT = re.compile(r"[^\W\d][\w./@+-]*")
_NAMED_SCALARS = {"true": True, "false": False, "null": None}


class Scalar(NamedTuple):
    """A value that a payload's value is compared with. The kind sets `true` apart from 1 and `"1"` from 1."""

    kind: Literal["text", "number", "boolean", "null"]
    value: Json

    def __str__(self) -> str:
        if self.kind != "text":
            return jsontext.dumps(self.value).decode()
        bare = _BARE_TEXT.fullmatch(self.value) and self.value not in _NAMED_SCALARS
        return self.value if bare else quoted(self.value)


class Segment(NamedTuple):
    """One step of a payload path.

    A literal one is a key and nothing else. Of the others `*` is every item of an array, digits are an array's index
    or an object's key, and anything else is a key.
    """

    name: str
    literal: bool = False

    def __str__(self) -> str:
        bare = not self.literal and (self.name == "*" or BARE_SEGMENT.fullmatch(self.name))
        return self.name if bare else quoted(self.name)


def is_key(segment: Segment) -> bool:
    """Whether a step can only lead through an object's member of that name."""
    return segment.literal or (segment.name != "*" and INDEX.fullmatch(segment.name) is None)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `offset` is the character at which it stood in the text it was read from."""

    negated: bool = field(default=False, kw_only=True)
    offset: int = field(default=0, compare=False, kw_only=True)

    def __str__(self) -> str:
        return f"{'-' if self.negated else ''}{self.condition()}"

    def condition(self) -> str:
        """The term without its negation, as text."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TypeTerm(Term):
    """The event type matches any of these AMQP patterns."""

    patterns: tuple[str, ...]

    def condition(self) -> str:
        return f"type:{_listed(self.patterns)}"


@dataclass(frozen=True, slots=True)
class SourceTerm(Term):
    """The source's name is exactly one of these."""

    names: tuple[str, ...]

    def condition(self) -> str:
        return f"source:{_listed(self.names)}"


@dataclass(frozen=True, slots=True)
class CorrelationTerm(Term):
    """The correlation id is one of these."""

    ids: tuple[UUID, ...]

    def condition(self) -> str:
        return f"correlation:{','.join(map(str, self.ids))}"


@dataclass(frozen=True, slots=True)
class IdTerm(Term):
    """The event id is one of these."""

    ids: tuple[UUID, ...]

    def condition(self) -> str:
        return f"id:{','.join(map(str, self.ids))}"


@dataclass(frozen=True, slots=True)
class TimeTerm(Term):
    """The event's own time is at or after `since`, or before `until`; microseconds since 1970."""

    bound: Bound
    moment: int

    def condition(self) -> str:
        return f"{self.bound}:{rfc3339(self.moment)}"


@dataclass(frozen=True, slots=True)
class StoredSinceTerm(Term):
    """The event was stored at or after this moment, in microseconds since 1970."""

    moment: int

    def condition(self) -> str:
        return f"stored-since:{rfc3339(self.moment)}"


@dataclass(frozen=True, slots=True)
class IsTerm(Term):
    """The event is any of these: `invalid` (stored with violations), `replayed` (published for a replayed one)."""

    flags: tuple[Flag, ...]

    def condition(self) -> str:
        return f"is:{','.join(self.flags)}"


@dataclass(frozen=True, slots=True)
class PayloadTerm(Term):
    """A value at the path compares so with any of these values; with `!=` it is none of them.

    Where the path leads nowhere nothing compares; where it leads to several values (`*`), one that does is enough.
    """

    path: tuple[Segment, ...]
    operator: Operator
    values: tuple[Scalar, ...]

    def condition(self) -> str:
        return f"payload.{'.'.join(map(str, self.path))}{self.operator}{','.join(map(str, self.values))}"


@dataclass(frozen=True, slots=True)
class WordTerm(Term):
    """These words stand next to each other, in this order, within one of the event's texts."""

    tokens: tuple[str, ...]

    def condition(self) -> str:
        return self.tokens[0] if len(self.tokens) == 1 else quoted(" ".join(self.tokens))


def quoted(text: str) -> str:
    """The text in double quotes, with a backslash before what would end them."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read_scalar(text: str) -> Scalar:
    """The value that an unquoted text stands for. Raises ValueError on a number beyond 64-bit floating point."""
    if text in _NAMED_SCALARS:
        value = _NAMED_SCALARS[text]
        return Scalar("null" if value is None else "boolean", value)
    if not NUMBER.fullmatch(text):
        return Scalar("text", text)
    number = float(text) if set(text) & set(".eE") else int(text)
    if isinstance(number, float) and math.isinf(number):
        raise ValueError("is beyond what 64-bit floating point holds")
    return Scalar("number", number)


def _listed(values: tuple[str, ...]) -> str:
    return ",".join(value if _BARE_VALUE.fullmatch(value) else quoted(value) for value in values)
