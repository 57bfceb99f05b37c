"""Witnesses: documents that one contract accepts and another refuses, found by trying and made small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Final, NamedTuple
from urllib.parse import unquote

from godtui.holyfields.compatibility.candidates import MAX_DEPTH, Candidates, size
from godtui.holyfields.compatibility.places import Bundle
from godtui.holyfields.contract import Contract
from godtui.holyfields.references import ROOT
from godtui.jsontext import Json

MAX_TRIES: Final = 2_000
MAX_STEPS: Final = 3_000
"""Documents that making one witness small may try; a long one counts for several."""

_REACHES: Final = (3, 6, MAX_DEPTH)
"""How deep documents are filled, one time after the other until one is a witness."""
_SHRUNK: Final = 4
_KEPT: Final = 0.8
_COSTLY: Final = 500
"""Characters that count for a document more."""
_SPELLED: Final = 80
"""Characters up to which a text is made shorter and plainer one by one."""
_SIMPLE: Final[tuple[Json, ...]] = (0, 1, "", "a", None, False, True, [], {})

Judge = Callable[[Json], bool]


class Search(NamedTuple):
    """The smallest witness found, or None, and how many documents were tried."""

    witness: Json | None
    tries: int


def search(accepting: Contract, refusing: Contract | None, *, lenient: bool) -> Search:
    """Look for the smallest document that one contract accepts and the other refuses; the same one each time.

    Where no other contract is, all documents count as refused.
    With `lenient`, none whose only fault is in a member that the accepting contract leaves open without naming it.
    """

    def breaks(document: Json) -> bool:
        return isinstance(document, dict) and accepting.valid(document) and not (refusing and refusing.valid(document))

    tries = 0
    found: list[Json] = []
    for document in _documents(accepting, refusing, found, lenient=lenient):
        if tries >= MAX_TRIES:
            break
        tries += 1
        if breaks(document):
            found.append(document)
    smallest = sorted(found, key=size)[:_SHRUNK]
    # Renamed to what only the refusing one names, a member would again be one that was left open.
    kept = _names(refusing) if refusing and lenient else frozenset()
    return Search(min((shrink(one, breaks, kept) for one in smallest), key=size, default=None), tries)


def pointer(refusing: Contract, witness: Json) -> str:
    """Where in a contract's schema a document is refused: a JSON pointer, after `file#` where that is in another."""
    bundle = Bundle.of(refusing)
    validator = bundle.validator(bundle.root, ())
    for error in validator.iter_errors(witness) if validator else ():
        path, _, fragment = (error.absolute_keyword_location or "").partition("#")
        if path.startswith(ROOT):
            file = unquote(path.removeprefix(ROOT))
            place = _existing(bundle.documents[file], unquote(fragment))
            return place if file == bundle.root else f"{file}#{place}"
    return ""


def _existing(document: Json, fragment: str) -> str:
    """The part of a pointer that leads somewhere: some faults are told of as if rules had numbers."""
    parts: list[str] = []
    for part in fragment.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(name)] if isinstance(document, list) else document[name]
        except (LookupError, TypeError, ValueError):
            break
        parts.append(part)
    return "".join(f"/{part}" for part in parts)


def shrink(document: Json, breaks: Judge, kept: frozenset[str] = frozenset()) -> Json:
    """The smallest document on the way from this one that still breaks: no single member or item can go.

    No member is renamed to one of `kept`. What is asked after MAX_STEPS documents is not asked any more.
    """
    steps = 0
    going = True
    while going:
        going, least = False, size(document)
        for smaller in _smaller(document, kept):
            measured = size(smaller)
            if measured >= least:
                continue
            steps += 1 + measured[1] // _COSTLY
            if steps > MAX_STEPS:
                return document
            if breaks(smaller):
                document, going = smaller, True
                break
    return document


def _documents(accepting: Contract, refusing: Contract | None, found: list[Json], *, lenient: bool) -> Iterator[Json]:
    """Documents at the edges of both, then mixtures of those that are accepted; as long as nothing is `found`."""
    ours = Bundle.of(accepting).place
    theirs = (Bundle.of(refusing).place,) if refusing else ()
    pool: list[dict[str, Json]] = []
    random = Random(33)  # noqa: S311 - documents to try, no secrets
    for reach in _REACHES:
        if found:
            return
        for value in Candidates(random, lenient=lenient, reach=reach).values((ours,), theirs):
            if isinstance(value, dict):
                yield value
                if accepting.valid(value):
                    pool.append(value)
    for _ in range(MAX_TRIES if len(pool) > 1 else 0):
        if found:
            return
        first, second = random.sample(pool, 2)
        mixed = {**first, **second}
        names = sorted(mixed)
        yield mixed
        yield {name: mixed[name] for name in names if random.random() < _KEPT}


def _smaller(value: Json, kept: frozenset[str]) -> Iterator[Json]:
    """Values with one thing less, or one thing simpler: first what takes most away."""
    if isinstance(value, dict):
        yield from ({other: one for other, one in value.items() if other != name} for name in value)
    elif isinstance(value, list):
        yield from (value[: len(value) // 2], value[len(value) // 2 :])
        yield from ([*value[:index], *value[index + 1 :]] for index in range(len(value)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from (int(value), value // 2 if isinstance(value, int) else value / 2, value - (1 if value > 0 else -1))
    yield from _SIMPLE
    if isinstance(value, str):
        yield from _shorter(value)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from ({**value, name: one} for one in _smaller(member, kept))
        yield from _renamed(value, kept)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from ([*value[:index], one, *value[index + 1 :]] for one in _smaller(item, kept))


def _renamed(value: dict[str, Json], kept: frozenset[str]) -> Iterator[Json]:
    """An object with one shorter name, though never an empty one."""
    for name in value:
        for shorter in _shorter(name):
            if shorter and shorter not in value and shorter not in kept:
                yield {shorter if other == name else other: one for other, one in value.items()}


def _shorter(text: str) -> Iterator[str]:
    """Texts with less in them, then with plainer characters."""
    half = len(text) // 2
    yield from (*(text[:length] for length in (1, 2, 3, 4)), text[:half], text[half:], text[1:], text[:-1])
    if len(text) <= _SPELLED:
        yield from (text[:index] + text[index + 1 :] for index in range(len(text)))
        yield from (f"{text[:index]}a{text[index + 1 :]}" for index in range(len(text)) if text[index].isalpha())


def _names(contract: Contract) -> frozenset[str]:
    """The members that a contract speaks of, wherever that is."""
    waiting: list[Json] = list(Bundle.of(contract).documents.values())
    found: set[str] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found |= value.get("properties", {}).keys() if isinstance(value.get("properties"), dict) else set()
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return frozenset(found)
