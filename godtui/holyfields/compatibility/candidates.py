"""Documents worth trying: small, one thing changed at a time, at the edges of everything the schemas say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from random import Random
from typing import Final

from godtui import jsontext
from godtui.holyfields.compatibility.places import Bundle, Place, UnresolvedError, branches, flatten, same
from godtui.holyfields.compatibility.scalars import is_number, matching, numbers, strings
from godtui.jsontext import Json

MAX_VALUES: Final = 400
"""Values tried at one place of the root's members; fewer further inside."""
MAX_MADE: Final = 3_000
MAX_DEPTH: Final = 12
MAX_PLACES: Final = 1_000
"""Places that are filled in one go; further ones get plain values alone."""
MANY: Final = 16
"""Members from which on those that changed come first."""
MAX_ITEMS: Final = 2_000
"""Items or members of the largest values."""
EXTRA: Final = "extra"
"""A member that no schema is likely to name."""

_PLAIN: Final[tuple[Json, ...]] = (None, True, False, 0, 1, -1, 0.5, 1e300, "", "a", "0", [], {})

Places = tuple[Place, ...]


class Candidates:
    """Makes values for places: those of `accepting` have to accept, those of `hinting` say what may matter.

    With `lenient` no member is made that a hinting schema names and an accepting one leaves open without naming it.
    """

    def __init__(self, random: Random, *, lenient: bool = False, reach: int = MAX_DEPTH) -> None:
        """No value is filled deeper than `reach`."""
        self._random = random
        self._reach = reach
        self._lenient = lenient
        self._made: dict[tuple[frozenset[tuple[int, int]], frozenset[tuple[int, int]], int], list[Json]] = {}

    def values(self, accepting: Places, hinting: Places = (), depth: int = 0) -> list[Json]:
        """Values to try, the smallest first; some may be refused by all."""
        key = (_identities(accepting), _identities(hinting), depth)
        if key not in self._made:
            self._made[key] = []  # what refers to itself ends here
            most = MAX_VALUES if depth < 2 else MAX_VALUES // (2 * depth)
            made = list(islice(_distinct(self._make(accepting, hinting, depth)), MAX_MADE))
            accepted = sorted((value for value in made if _all_accept(accepting, value)), key=size)
            refused = sorted((value for value in made if not _all_accept(accepting, value)), key=size)
            telling = [value for value in accepted if not _all_accept(hinting, value)]
            # What tells the two apart must not be crowded out by small values that do not, nor what is accepted.
            kept = [*telling[: most // 2], *accepted[:most], *refused[: most // 4]]
            self._made[key] = sorted(_distinct(kept), key=size)
        return self._made[key]

    def best(self, accepting: Places, hinting: Places, depth: int) -> list[Json]:
        """The smallest value that all of them accept, else that the accepting ones do; nothing where none is found."""
        accepted = [value for value in self.values(accepting, hinting, depth) if _all_accept(accepting, value)]
        agreed = (value for value in accepted if _all_accept(hinting, value))
        return list(islice(agreed, 1)) or accepted[:1]

    def _make(self, accepting: Places, hinting: Places, depth: int) -> Iterator[Json]:
        accept, hint = spread(accepting), spread(hinting)
        groups = (*accept, *hint)
        yield from _named(accept, hint)
        yield from numbers(groups)
        yield from strings(groups, self._random)
        yield from _PLAIN
        if depth >= self._reach or len(self._made) > MAX_PLACES:
            return
        if _speaks(groups, _ARRAYS):
            yield from self._arrays(accept, hint, depth)
        if _speaks(groups, _OBJECTS):
            for variant in _variants(accepting):
                yield from self._objects(variant, accept, hint, depth)

    def _arrays(self, accept: Places, hint: Places, depth: int) -> Iterator[Json]:
        groups = (*accept, *hint)
        sizes = {int(group.words[word]) for group in groups for word in _SIZES if is_number(group.words.get(word))}
        longest = max([1, *(len(group.prefix()) for group in groups)])
        wanted = {size + more for size in {0, longest, *sizes} for more in (-1, 0, 1)}
        values = [_distinct(self._item_values(accept, hint, index, depth)) for index in range(longest + 1)]
        listed = [list(islice(found, 40)) for found in values]
        fillers = [self.best(_items(accept, index), _items(hint, index), depth + 1) or [0] for index in range(longest)]
        fillers.append(self.best(_items(accept, longest), _items(hint, longest), depth + 1) or [0])
        for length in sorted(one for one in wanted if 0 <= one <= MAX_ITEMS):
            base = [fillers[min(index, longest)][0] for index in range(length)]
            yield base
            tail = listed[longest]
            if tail and length > 1:
                yield [base[0], *(tail[index % len(tail)] for index in range(length - 1))]
            if length <= longest + 2:
                for index in range(length):
                    for value in listed[min(index, longest)]:
                        yield [*base[:index], value, *base[index + 1 :]]
        for value in listed[0]:
            yield [value, value]
        yield from self._counted(accept, hint, wanted, depth)
        if any(group.words.get("uniqueItems") for group in groups):
            yield from _unlike(_items(accept, longest), listed[longest], wanted)

    def _counted(self, accept: Places, hint: Places, wanted: set[int], depth: int) -> Iterator[Json]:
        """Arrays that hold what a `contains` counts: after the items that have a place of their own, so many of it."""
        groups = (*accept, *hint)
        ahead = max(len(group.prefix()) for group in groups)
        base = [(self.best(_items(accept, at), _items(hint, at), depth + 1) or [0])[0] for at in range(ahead)]
        for contained in [found for group in groups if (found := group.one("contains")) is not None]:
            for held in self.best((*_items(accept, ahead), contained), _items(hint, ahead), depth + 1):
                yield from ([*base, *[held] * count] for count in sorted(wanted) if 0 < count <= MAX_ITEMS)

    def _item_values(self, accept: Places, hint: Places, index: int, depth: int) -> Iterator[Json]:
        yield from self.values(_items(accept, index), _items(hint, index), depth + 1)
        for group in (*accept, *hint):
            if (contained := group.one("contains")) is not None:
                yield from self.values((contained,), (), depth + 1)

    def _objects(self, variant: Places, accept: Places, hint: Places, depth: int) -> Iterator[Json]:
        required = _texts(group.words.get("required", ()) for group in variant)
        wanted = _texts(group.words.get("required", ()) for group in hint)
        names = self._names((*variant, *accept), hint)
        member = {name: self.best(_member(variant, name), _member(hint, name), depth + 1) for name in names}
        base = {name: member[name][0] for name in names if name in required and member[name]}
        full = base | {name: found[0] for name, found in member.items() if found}
        helped = base | {name: full[name] for name in wanted if name in full}
        least = max([0, *(int(group.words.get("minProperties", 0)) for group in (*variant, *hint))])
        other = member[EXTRA][0] if member[EXTRA] else 0
        for start in (base, helped, _filled(base, least, other), full):
            yield start
            yield from ({name: value for name, value in start.items() if name != gone} for gone in start)
            for name in names:
                for value in self.values(_member(variant, name), _member(hint, name), depth + 1):
                    yield start | {name: value}
        yield from self._wider(base, full, names, other, (*variant, *accept, *hint))

    def _wider(
        self, base: dict[str, Json], full: dict[str, Json], names: list[str], other: Json, groups: Places
    ) -> Iterator[Json]:
        """Objects with more members: pairs, and as many as are spoken of, `other` being what more of them hold."""
        for name in names:
            for second in names:
                if name < second and name in full and second in full:
                    yield base | {name: full[name], second: full[second]}
        edges = {int(one.words.get("maxProperties", 0)) + more for one in groups for more in (0, 1)}
        for count in sorted({*range(1, 9), *(edge for edge in edges if edge <= MAX_ITEMS)}):
            yield _filled(base, count, other)
            yield _filled(full, count, other)

    def _names(self, accept: Places, hint: Places) -> list[str]:
        ours = _texts(_spoken(group) for group in accept)
        theirs = _texts(_spoken(group) for group in hint)
        if self._lenient:
            forbidden = {name for name in theirs if any(place.schema is False for place in _member(hint, name))}
            theirs = [name for name in theirs if name in {*ours, *forbidden} or not is_open(accept, name)]
        groups = (*accept, *hint)
        patterns = {one for group in groups for one in group.words.get("patternProperties", ())}
        patterns |= {
            text
            for group in groups
            if (names := group.one("propertyNames"))
            if isinstance(names.schema, dict) and isinstance(text := names.schema.get("pattern"), str)
        }
        made = [next(matching(one, self._random), "extra") for one in sorted(patterns)]
        named = list(dict.fromkeys([*ours, *theirs, *made, EXTRA, *self._spoken_names(groups)]))
        if len(named) < MANY:
            return named
        return sorted(named, key=lambda name: _alike(_member(accept, name), _member(hint, name)))

    def _spoken_names(self, groups: Places) -> Iterator[str]:
        """Names that schemas of names are about."""
        for group in groups:
            if (names := group.one("propertyNames")) is not None:
                yield from [text for text in self.values((names,), (), MAX_DEPTH) if isinstance(text, str)][:12]


def spread(places: Places) -> Places:
    """All schemas that may judge the same value as these do; what cannot be resolved is left out."""
    found: dict[tuple[int, int], Place] = {}
    waiting = list(places)
    while waiting and len(found) < 200:
        place = waiting.pop(0)
        if place.identity in found:
            continue
        found[place.identity] = place
        with suppress(UnresolvedError):
            waiting += [*place.each("allOf"), *(branch for _, branch in branches(place))]
        with suppress(UnresolvedError):
            waiting += [target] if (target := place.target()) else []
    return tuple(found.values())


def is_open(accept: Places, name: str) -> bool:
    """Whether no schema speaks of a member but for letting it be."""
    return all(place.schema is True or place.schema == {} for place in _member(accept, name))


def size(value: Json) -> tuple[int, int, bytes]:
    """What orders values, the smallest first: members, then characters."""
    written = jsontext.canonical(value)
    return _weight(value), len(written), written


def _weight(value: Json) -> int:
    if isinstance(value, dict):
        return 1 + sum(1 + _weight(one) for one in value.values())
    return 1 + sum(map(_weight, value)) if isinstance(value, list) else 0


def _variants(accepting: Places) -> list[Places]:
    """The schemas that have to hold together, one list for each way to choose among alternatives."""
    try:
        groups = flatten(accepting)
        variants: list[Places] = [groups]
        for group in groups:
            for keyword in ("anyOf", "oneOf"):
                if among := group.each(keyword):
                    variants = [(*variant, *flatten((branch,))) for variant in variants[:4] for branch in among[:6]]
            if (condition := group.one("if")) is not None:
                then = [one for one in (condition, group.one("then")) if one]
                otherwise = [one for one in [group.one("else")] if one]
                variants = [(*variant, *flatten(tuple(more))) for variant in variants[:4] for more in (then, otherwise)]
    except UnresolvedError:
        return [spread(accepting)]
    return variants[:12]


def _member(groups: Places, name: str) -> Places:
    """What schemas say of one member."""
    found: list[Place] = []
    for group in groups:
        own = [group.at("properties", name)] if name in group.words.get("properties", {}) else []
        own += [place for pattern, place in group.named("patternProperties").items() if matches(pattern, name)]
        if not own:
            own = [place for word in ("additionalProperties", "unevaluatedProperties") if (place := group.one(word))]
        found += own
    return tuple(found)


def _alike(ours: Places, theirs: Places) -> bool:
    """Whether schemas say the same of a value, in the same words."""
    distinct = tuple({place.identity: place for place in ours}.values())
    try:
        return len(distinct) == len(theirs) and all(map(same, distinct, theirs))
    except (UnresolvedError, RecursionError):
        return False


def matches(pattern: str, name: str) -> bool:
    """Whether a name may match as the validator that decides reads patterns."""
    return pattern_place(pattern).accepts(name) is not False


@lru_cache(maxsize=1024)
def pattern_place(pattern: str) -> Place:
    """A schema that says nothing but a pattern."""
    return Bundle("pattern.json", {"pattern.json": {"pattern": pattern}}).place


def _items(groups: Places, index: int) -> Places:
    found: list[Place] = []
    for group in groups:
        prefix = group.prefix()
        place = prefix[index] if index < len(prefix) else group.rest()
        if place is not None:
            found.append(place)
    return tuple(found)


def _named(accept: Places, hint: Places) -> Iterator[Json]:
    for group in (*accept, *hint):
        if isinstance(group.schema, dict):
            yield from group.words.get("enum", ())
            if "const" in group.words:
                yield group.words["const"]
            given = [*_listed(group.schema.get("examples")), group.schema.get("default")]
            yield from (one for one in given if not isinstance(one, (dict, list)))


def _spoken(group: Place) -> list[str]:
    words = group.words
    found = [*words.get("properties", ()), *words.get("required", ())]
    for keyword in ("dependentRequired", "dependentSchemas", "dependencies"):
        for name, needed in words.get(keyword, {}).items():
            found += [name, *(needed if isinstance(needed, list) else ())]
    return found


def _unlike(places: Places, known: list[Json], lengths: set[int]) -> Iterator[Json]:
    """Lists whose items all differ."""
    longest = max([0, *(length for length in lengths if length <= MAX_ITEMS)])
    made = _distinct([*known, *range(longest), *map(str, range(longest))])
    items = [value for value in made if _all_accept(places, value)]
    yield from (items[:length] for length in sorted(lengths) if 1 < length <= len(items))


def _filled(members: dict[str, Json], least: int, other: Json) -> dict[str, Json]:
    """At least so many members, `other` being what those added hold."""
    more = (*"abcdef", *(f"x{number}" for number in range(min(least, MAX_ITEMS))))
    missing = max(least - len(members), 0)
    return members | dict.fromkeys([name for name in more if name not in members][:missing], other)


def _all_accept(places: Places, value: Json) -> bool:
    return all(place.accepts(value) is not False for place in places)


def _speaks(groups: Places, keywords: frozenset[str]) -> bool:
    return any(not keywords.isdisjoint(group.words) for group in groups)


def _texts(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(text for one in lists for text in one))


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _identities(places: Places) -> frozenset[tuple[int, int]]:
    return frozenset(place.identity for place in places)


def _distinct(values: Iterable[Json]) -> Iterator[Json]:
    seen: set[bytes] = set()
    for value in values:
        try:
            written = jsontext.canonical(value)
        except (ValueError, OverflowError):
            continue
        if written not in seen:
            seen.add(written)
            yield value


_SIZES: Final = ("minItems", "maxItems", "minContains", "maxContains")
_ARRAYS: Final = frozenset(
    {"items", "prefixItems", "additionalItems", "contains", "uniqueItems", "unevaluatedItems", *_SIZES}
)
_OBJECTS: Final = frozenset(
    {"properties", "patternProperties", "additionalProperties", "propertyNames", "required", "minProperties"}
    | {"maxProperties", "dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties"}
)
