"""What is known of a value that several schemas accept at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product
from typing import Final

from godtui.holyfields.compatibility.candidates import pattern_place, spread
from godtui.holyfields.compatibility.places import Place, UnresolvedError, branches, flatten, same
from godtui.holyfields.compatibility.scalars import is_number
from godtui.jsontext import Json

KINDS: Final = frozenset({"null", "boolean", "integer", "fraction", "string", "array", "object"})
"""JSON's types, numbers with and without a fraction told apart."""
MAX_WAYS: Final = 32
_EVALUATING: Final = frozenset({"additionalProperties", "patternProperties", "$dynamicRef", "$recursiveRef"})
"""Keywords that may speak of members that no `properties` names."""

Places = tuple[Place, ...]


@dataclass(frozen=True)
class Case:
    """Values that all of `groups` accept and that are of one of `kinds`; made with `assuming`."""

    groups: Places
    kinds: frozenset[str]
    opened: frozenset[tuple[tuple[int, int], str]] = field(default=frozenset())

    @classmethod
    def assuming(cls, *places: Place) -> Case:
        """What these schemas accept. Raises UnresolvedError."""
        return cls((), KINDS).plus(*places)

    def plus(self, *places: Place) -> Case:
        """What these schemas accept as well. Raises UnresolvedError."""
        groups = flatten((*self.groups, *places))
        kinds = self.kinds
        for group in groups:
            if "type" in group.words:
                kinds &= kinds_of(group.words["type"])
            denied = group.words.get("not")
            if isinstance(denied, dict) and denied.keys() == {"type"}:
                kinds -= kinds_of(denied["type"])
        return replace(self, groups=groups, kinds=kinds)

    def split(self) -> list[Case] | None:
        """Cases that together are this one, None where there is nothing to tell apart. Raises UnresolvedError."""
        if len(self.kinds) > 1:
            return [replace(self, kinds=frozenset({kind})) for kind in sorted(self.kinds)]
        for group in self.groups:
            for keyword in ("anyOf", "oneOf", "if"):
                key = (group.identity, keyword)
                if keyword in group.words and key not in self.opened:
                    opened = replace(self, opened=self.opened | {key})
                    if keyword == "if":
                        return opened._by_condition(group)
                    return [opened.plus(branch) for branch in group.each(keyword)]
        return None

    def _by_condition(self, group: Place) -> list[Case]:
        condition, then, otherwise = group.at("if"), group.one("then"), group.one("else")
        return [
            self.plus(condition, *([then] if then else [])),
            self.plus(group.assume({"not": condition.schema}), *([otherwise] if otherwise else [])),
        ]

    def finite(self) -> list[Json] | None:
        """The values there can be, where they can be listed."""
        listed: list[Json] | None = None
        for group in self.groups:
            if "const" in group.words:
                listed = [group.words["const"]]
            elif "enum" in group.words and listed is None:
                listed = group.words["enum"]
        if listed is None and self.kinds <= {"null", "boolean"}:
            listed = [None, True, False]
        if listed is None:
            return None
        return [one for one in listed if kind_of(one) in self.kinds and self._may_accept(one)]

    def _may_accept(self, value: Json) -> bool:
        return all(group.accepts(value) is not False for group in self.groups)

    def bound(self, side: int) -> tuple[Fraction, bool] | None:
        """The tightest bound of numbers, from below for 1 and from above for -1, and whether it is itself left out.

        Bounds from above come negated, so that the greater one is the tighter one on both sides.
        """
        plain, strict = ("minimum", "exclusiveMinimum") if side > 0 else ("maximum", "exclusiveMaximum")
        found = [
            (side * Fraction(limit), keyword == strict)
            for keyword in (plain, strict)
            for limit in self._limits(keyword)
        ]
        if not found:
            return None
        limit, out = max(found)
        if self.kinds & {"integer", "fraction"} == {"integer"}:
            whole = math.floor(limit) + 1 if out else math.ceil(limit)
            return Fraction(whole), False
        return limit, out

    def least(self, keyword: str) -> int:
        """The greatest value of a keyword such as `minLength`; 0 without."""
        return max([0, *(math.ceil(limit) for limit in self._limits(keyword))])

    def most(self, keyword: str) -> int | None:
        """The least value of a keyword such as `maxLength`."""
        return min((math.floor(limit) for limit in self._limits(keyword)), default=None)

    def _limits(self, keyword: str) -> list[int | float]:
        return [limit for group in self.groups if is_number(limit := group.words.get(keyword))]

    def required(self) -> set[str]:
        """Members that are there."""
        found = {name for group in self.groups for name in group.words.get("required", ())}
        grown = -1
        while grown != len(found):
            grown = len(found)
            for group in self.groups:
                for name, needed in group.words.get("dependentRequired", {}).items():
                    if name in found:
                        found.update(needed)
        return found

    def names(self) -> list[str]:
        """Members that `properties` speaks of, or that `unevaluatedProperties` may leave alone."""
        own = (name for group in self.groups for name in group.words.get("properties", ()))
        return list(dict.fromkeys([*own, *(name for group in self.groups for name in _evaluated(group) or ())]))

    def alternatives(self) -> Places:
        """The schemas that hold, and those that may hold beside them where no alternative was chosen yet."""
        beside = [
            place
            for group in self.groups
            for keyword, place in branches(group)
            if (group.identity, keyword) not in self.opened
        ]
        return (*self.groups, *spread(tuple(beside)))

    def listed(self) -> list[str] | None:
        """The only members there can be, where they are listed."""
        for group in self.groups:
            if group.words.get("additionalProperties") is False and not group.words.get("patternProperties"):
                return list(group.words.get("properties", ()))
            if group.words.get("unevaluatedProperties") is False and (evaluated := _evaluated(group)) is not None:
                return sorted(evaluated)
        return None

    def member(self, name: str) -> Places:
        """What is said of one member."""
        found: list[Place] = []
        for group in self.groups:
            own = [group.at("properties", name)] if name in group.words.get("properties", {}) else []
            own += [place for pattern, place in group.named("patternProperties").items() if surely(pattern, name)]
            rest = group.one("additionalProperties")
            if not own and rest is None and (evaluated := _evaluated(group)) is not None and name not in evaluated:
                rest = group.at("unevaluatedProperties")
            found += own or ([rest] if rest else [])
        return tuple(found)

    def others(self, within: str | None = None, without: frozenset[str] = frozenset()) -> list[Places]:
        """What may be said of a member that `properties` does not speak of, in every way that it may be met.

        `within` is a pattern that its name matches, `without` are patterns that it does not. Raises UnresolvedError.
        """
        ways: list[list[Places]] = []
        for group in self.groups:
            patterns = group.named("patternProperties")
            rest = group.one("additionalProperties")
            if _evaluated(group) is not None:
                rest = group.at("unevaluatedProperties")
            if within in patterns:
                ways.append([(patterns[within],)])
                continue
            met: list[Places] = [(place,) for pattern, place in patterns.items() if pattern not in without]
            ways.append([*met, (rest,) if rest else ()])
        if math.prod(map(len, ways)) > MAX_WAYS:
            raise UnresolvedError("too many patterns")
        return [tuple(place for part in way for place in part) for way in product(*ways)]

    def item(self, index: int) -> Places:
        """What is said of the item at an index."""
        found: list[Place] = []
        for group in self.groups:
            prefix = group.prefix()
            place = prefix[index] if index < len(prefix) else group.rest()
            found += [place] if place else []
        return tuple(found)

    def denies(self, place: Place) -> bool:
        """Whether `not` says that the values are none of what a schema accepts."""
        return any(group.one("not") and same(group.at("not"), place) for group in self.groups)


def _evaluated(group: Place) -> set[str] | None:
    """The only members that `unevaluatedProperties` may leave alone; None without one, or where they cannot be listed.

    Raises UnresolvedError.
    """
    if "unevaluatedProperties" not in group.words:
        return None
    around = spread((group,))
    flatten(around)  # as what cannot be resolved may speak of any member
    more = any(not _EVALUATING.isdisjoint(place.words) for place in around)
    more |= any("unevaluatedProperties" in place.words for place in around if place.identity != group.identity)
    return None if more else {name for place in around for name in place.words.get("properties", ())}


def kinds_of(named: Json) -> frozenset[str]:
    """The kinds that a value of `type` allows."""
    types = {named} if isinstance(named, str) else set(named)
    return frozenset(types & KINDS) | (frozenset({"integer", "fraction"}) if "number" in types else frozenset())


def kind_of(value: Json) -> str:
    """The kind of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "fraction"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def surely(pattern: str, name: str) -> bool:
    """Whether a name matches. Raises UnresolvedError where that cannot be told."""
    answer = pattern_place(pattern).accepts(name)
    if answer is None:
        raise UnresolvedError(pattern)
    return answer
