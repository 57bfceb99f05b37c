"""Strings and numbers worth trying against schemas: those at the edges of what the schemas say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from random import Random
from typing import Final, TypeGuard

import rstr

from godtui.holyfields.compatibility.places import Place
from godtui.jsontext import Json

MAX_LENGTH: Final = 70_000
"""Characters up to which a length is tried out."""

FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "date": ("2026-01-01",),
    "time": ("00:00:00Z", "00:00:00+01:00", "00:00:00.5Z"),
    "date-time": ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00.5Z"),
    "duration": ("P1D",),
    "email": ("a@b.cd",),
    "idn-email": ("a@b.cd", "ü@b.cd"),
    "hostname": ("a", "a.b"),
    "idn-hostname": ("a", "ü.b"),
    "ipv4": ("127.0.0.1",),
    "ipv6": ("::1",),
    "uri": ("a:b", "http://a.b/c"),
    "uri-reference": ("a", "/a"),
    "iri": ("a:b", "a:ü"),
    "iri-reference": ("a", "ü"),
    "uri-template": ("a", "{a}"),
    "json-pointer": ("/a",),
    "relative-json-pointer": ("0",),
    "regex": ("a",),
    "uuid": (
        *(f"00000000-0000-{version}000-8000-000000000000" for version in (4, 7)),
        *(f"{digits}-0000-4000-8000-000000000000" for digits in ("aaaaaaaa", "AAAAAAAA")),
    ),
}
"""Texts of every format that is asserted."""

_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_LENGTHS: Final = ("minLength", "maxLength")
_SAMPLES: Final = 12
_LITERAL: Final = re.compile(r"[\w.-]{2,}")
"""What a pattern may look for, or refuse."""


def numbers(groups: Iterable[Place]) -> Iterator[int | float]:
    """Numbers at, below and above every bound, and multiples that are and are none."""
    for place in groups:
        for keyword in _BOUNDS:
            if is_number(bound := place.words.get(keyword)):
                yield from (bound, bound - 1, bound + 1, bound - 0.5, bound + 0.5)
        if is_number(step := place.words.get("multipleOf")):
            yield from (step, step * 2, step * 3, -step, step / 2, step + 1, step * 1000)


def strings(groups: Iterable[Place], random: Random) -> Iterator[str]:
    """Texts of every length and format named, and some that match each pattern."""
    spoken = [place.words for place in groups]
    limits = [words[keyword] for words in spoken for keyword in _LENGTHS if keyword in words]
    lengths = sorted({int(limit) + more for limit in limits if is_number(limit) for more in (-1, 0, 1)})
    tried = [length for length in lengths if 0 <= length <= MAX_LENGTH]
    yield from ("a" * length for length in tried)
    for words in spoken:
        form, pattern = words.get("format"), words.get("pattern")
        for text in FORMATS.get(form, ()) if isinstance(form, str) else ():
            yield text
            yield from (text + "a" * (length - len(text)) for length in tried if length > len(text))
        if isinstance(pattern, str):
            yield from matching(pattern, random)
            yield from _LITERAL.findall(pattern)


def matching(pattern: str, random: Random) -> Iterator[str]:
    """Some texts that may match a regular expression; none where Python does not read it."""
    maker = rstr.Rstr(random)
    try:
        re.compile(pattern)
        found = [maker.xeger(pattern) for _ in range(_SAMPLES)]
    except (re.error, ValueError, OverflowError, RecursionError, KeyError, IndexError, TypeError, NotImplementedError):
        return
    yield from (text for text in found if len(text) <= MAX_LENGTH)


def is_number(value: Json) -> TypeGuard[int | float]:
    """Whether a value is a number in JSON."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
