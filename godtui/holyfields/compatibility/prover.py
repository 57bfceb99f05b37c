"""By rule: whether all that some schemas accept another accepts. What no rule covers is not proven."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

from godtui.holyfields.compatibility.candidates import is_open
from godtui.holyfields.compatibility.facts import Case, kinds_of, surely
from godtui.holyfields.compatibility.places import Place, UnresolvedError, flatten, same, same_keyword
from godtui.holyfields.compatibility.scalars import FORMATS

MAX_STEPS: Final = 20_000
MAX_DEPTH: Final = 40


class _GivenUpError(Exception):
    """Proving further would take too long."""


class Prover:
    """Proves inclusions. `lenient` takes a new optional property of an open object for none that narrows."""

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient
        self._steps = 0
        self._open: dict[object, int] = {}

    def proves(self, old: Place, new: Place) -> bool:
        """Whether it is certain that the new schema accepts whatever the old one accepts."""
        self._steps = 0
        self._open.clear()
        try:
            return self._includes(Case.assuming(old), new, 0)
        except (UnresolvedError, _GivenUpError, RecursionError):
            return False

    def _includes(self, case: Case, new: Place, depth: int) -> bool:
        self._steps += 1
        if self._steps > MAX_STEPS or depth > MAX_DEPTH:
            raise _GivenUpError
        new.refuse_foreign()
        if isinstance(new.schema, bool):
            return new.schema or self._empty(case, 0)
        key = (frozenset(group.identity for group in case.groups), case.kinds, new.identity)
        if key in self._open:
            # Proven for smaller values is proven for all, but only where the values did get smaller on the way.
            return self._open[key] < depth
        if any(same(group, new) for group in case.groups) or self._empty(case, 0):
            return True
        self._open[key] = depth
        try:
            return all(self._holds(case, new, keyword, depth) for keyword in new.words)
        finally:
            del self._open[key]

    def _holds(self, case: Case, new: Place, keyword: str, depth: int) -> bool:
        """Whether the values of a case pass one keyword."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise _GivenUpError
        rule = _RULES.get(keyword)
        if keyword in _AS_A_WHOLE:
            return False
        if rule is None:
            return keyword not in _BY_SAMENESS or _repeated(case, new, keyword)
        if not case.kinds & _CONCERNS.get(keyword, case.kinds):
            return True
        values = case.finite()
        if values is not None:
            return all(new.accepts(value) for value in values)
        if (keyword in _ALONE and _repeated(case, new, keyword)) or rule(self, case, new, depth):
            return True
        cases = case.split()
        return cases is not None and all(self._empty(one, 0) or self._holds(one, new, keyword, depth) for one in cases)

    def _empty(self, case: Case, level: int) -> bool:
        """Whether it is certain that there is no such value."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise _GivenUpError
        if not case.kinds or any(group.schema is False for group in case.groups):
            return True
        if any(case.denies(group) or group.words.get("not") in ({}, True) for group in case.groups):
            return True
        if case.finite() == [] or all(_impossible(case, kind) for kind in case.kinds):
            return True
        if level > 3:
            return False
        if case.kinds == {"object"}:
            return any(self._empty(Case.assuming(*case.member(name)), level + 1) for name in case.required())
        if case.kinds == {"array"} and case.least("minItems"):
            return self._empty(Case.assuming(*case.item(0)), level + 1)
        cases = case.split() if len(case.kinds) == 1 else None
        return cases is not None and all(self._empty(one, level + 1) for one in cases)

    def _type(self, case: Case, new: Place, depth: int) -> bool:
        return case.kinds <= kinds_of(new.words["type"])

    def _listed(self, case: Case, new: Place, depth: int) -> bool:
        return False  # nothing but a list of values is within one

    def _minimum(self, case: Case, new: Place, depth: int) -> bool:
        return _bounded(case, 1, new.words["minimum"], strict=False)

    def _maximum(self, case: Case, new: Place, depth: int) -> bool:
        return _bounded(case, -1, new.words["maximum"], strict=False)

    def _above(self, case: Case, new: Place, depth: int) -> bool:
        return _bounded(case, 1, new.words["exclusiveMinimum"], strict=True)

    def _below(self, case: Case, new: Place, depth: int) -> bool:
        return _bounded(case, -1, new.words["exclusiveMaximum"], strict=True)

    def _multiple(self, case: Case, new: Place, depth: int) -> bool:
        step = new.words["multipleOf"]
        steps = [group.words["multipleOf"] for group in case.groups if "multipleOf" in group.words]
        if step == 1 and not case.kinds & {"fraction"}:
            return True
        # Decimal steps are divided in floating point by whoever judges, so only whole ones are reckoned with.
        return any(one == step or (isinstance(one, int) and isinstance(step, int) and one % step == 0) for one in steps)

    def _format(self, case: Case, new: Place, depth: int) -> bool:
        named: str = new.words["format"]
        return named not in FORMATS

    def _least(self, keyword: str, case: Case, new: Place) -> bool:
        least = case.least(keyword)
        if keyword == "minProperties":
            least = max(least, len(case.required()))
        wanted: int | float = new.words[keyword]
        return least >= wanted

    def _most(self, keyword: str, case: Case, new: Place) -> bool:
        most = case.most(keyword)
        if keyword == "maxProperties" and (listed := case.listed()) is not None:
            most = len(listed) if most is None else min(most, len(listed))
        return most is not None and most <= new.words[keyword]

    def _unique(self, case: Case, new: Place, depth: int) -> bool:
        most = case.most("maxItems")
        return not new.words["uniqueItems"] or (most is not None and most <= 1)

    def _items(self, case: Case, new: Place, depth: int) -> bool:
        prefix, rest = new.prefix(), new.rest()
        reach = max([len(prefix), *(len(group.prefix()) for group in case.groups)])
        most = case.most("maxItems")
        for index in range(reach + 1):
            place = prefix[index] if index < len(prefix) else rest
            if place is None or (most is not None and index >= most):
                continue
            if not self._includes(Case.assuming(*case.item(index)), place, depth + 1):
                return False
        return True

    def _contains(self, case: Case, new: Place, depth: int) -> bool:
        wanted = new.at("contains")
        least, most = new.words.get("minContains", 1), new.words.get("maxContains")
        held = [group for group in case.groups if "contains" in group.words]
        enough = least == 0 or any(
            group.words.get("minContains", 1) >= least
            and self._includes(Case.assuming(group.at("contains")), wanted, depth + 1)
            for group in held
        )
        longest = case.most("maxItems")
        few = (
            most is None
            or (longest is not None and longest <= most)
            or any(
                group.words.get("maxContains", most + 1) <= most
                and self._includes(Case.assuming(wanted), group.at("contains"), depth + 1)
                for group in held
            )
        )
        return enough and few

    def _required(self, case: Case, new: Place, depth: int) -> bool:
        return case.required() >= set(new.words["required"])

    def _properties(self, case: Case, new: Place, depth: int) -> bool:
        for name, place in new.named("properties").items():
            if self._lenient and place.schema is not False and _undeclared(case, name):
                continue
            if not self._includes(Case.assuming(*case.member(name)), place, depth + 1):
                return False
        return True

    def _patterns(self, case: Case, new: Place, depth: int) -> bool:
        for pattern, place in new.named("patternProperties").items():
            met = [case.member(name) for name in case.names() if surely(pattern, name)]
            met += case.others(within=pattern)
            if not all(self._includes(Case.assuming(*places), place, depth + 1) for places in met):
                return False
        return True

    def _additional(self, case: Case, new: Place, depth: int) -> bool:
        return self._rest(case, (new,), new.at("additionalProperties"), depth)

    def _unevaluated(self, case: Case, new: Place, depth: int) -> bool:
        # What alternatives evaluate is not counted, which says less than holds.
        held = flatten((new,))
        if any("additionalProperties" in place.words for place in held):
            return True
        return self._rest(case, held, new.at("unevaluatedProperties"), depth)

    def _rest(self, case: Case, speaking: tuple[Place, ...], place: Place, depth: int) -> bool:
        """Whether a schema accepts all members but those that `speaking` has properties or patterns for."""
        named = {name for one in speaking for name in one.words.get("properties", ())}
        patterns = frozenset(pattern for one in speaking for pattern in one.words.get("patternProperties", ()))
        met = [
            case.member(name)
            for name in case.names()
            if name not in named and not any(surely(pattern, name) for pattern in patterns)
        ]
        met += case.others(without=patterns)
        return all(self._includes(Case.assuming(*places), place, depth + 1) for places in met)

    def _names(self, case: Case, new: Place, depth: int) -> bool:
        place = new.at("propertyNames")
        listed = case.listed()
        if listed is not None:
            return all(place.accepts(name) for name in listed)
        held = [names for group in case.groups if (names := group.one("propertyNames"))]
        return self._includes(Case.assuming(*held, new.assume({"type": "string"})), place, depth + 1)

    def _dependent_required(self, case: Case, new: Place, depth: int) -> bool:
        return all(
            case.plus(new.assume({"required": [name]})).required() >= set(needed)
            or self._empty(Case.assuming(*case.member(name)), 1)
            for name, needed in new.words["dependentRequired"].items()
        )

    def _dependent_schemas(self, case: Case, new: Place, depth: int) -> bool:
        for name, place in new.named("dependentSchemas").items():
            held = [group.at("dependentSchemas", name) for group in case.groups if _depends(group, name)]
            if not self._includes(case.plus(new.assume({"required": [name]}), *held), place, depth):
                return False
        return True

    def _reference(self, case: Case, new: Place, depth: int) -> bool:
        target = new.target()
        return target is not None and self._beside(case, new, target, depth)

    def _all_of(self, case: Case, new: Place, depth: int) -> bool:
        return all(self._beside(case, new, branch, depth) for branch in new.each("allOf"))

    def _beside(self, case: Case, new: Place, place: Place, depth: int) -> bool:
        """Whether the values pass what holds beside a schema; a circle of it says what its schemas say."""
        circle = flatten((place,))
        if all(one.identity != new.identity for one in circle):
            return self._includes(case, place, depth)
        words = ((one, word) for one in circle for word in one.words if word not in {"$ref", "allOf"})
        return all(self._holds(case, one, word, depth) for one, word in words)

    def _any_of(self, case: Case, new: Place, depth: int) -> bool:
        return any(self._includes(case, branch, depth) for branch in new.each("anyOf"))

    def _one_of(self, case: Case, new: Place, depth: int) -> bool:
        among = new.each("oneOf")
        return any(
            self._includes(case, branch, depth)
            and all(self._empty(case.plus(other), 0) for other in among if other is not branch)
            for branch in among
        )

    def _not(self, case: Case, new: Place, depth: int) -> bool:
        denied = new.at("not")
        if self._empty(case.plus(denied), 0):
            return True
        held = [group.at("not") for group in case.groups if "not" in group.words and not group.assumed]
        return any(self._includes(Case.assuming(denied), place, depth) for place in held)

    def _condition(self, case: Case, new: Place, depth: int) -> bool:
        condition, then, otherwise = new.at("if"), new.one("then"), new.one("else")
        twins = [group for group in case.groups if "if" in group.words and same(group.at("if"), condition)]
        told = [place for group in twins if (place := group.one("then"))]
        untold = [place for group in twins if (place := group.one("else"))]
        unless = new.assume({"not": condition.schema})
        return (then is None or self._includes(case.plus(condition, *told), then, depth)) and (
            otherwise is None or self._includes(case.plus(unless, *untold), otherwise, depth)
        )


def _bounded(case: Case, side: int, limit: int | float, *, strict: bool) -> bool:
    held = case.bound(side)
    wanted = side * Fraction(limit)
    return held is not None and (held[0] > wanted or (held[0] == wanted and (held[1] or not strict)))


def _impossible(case: Case, kind: str) -> bool:
    """Whether limits leave no value of a kind."""
    match kind:
        case "integer" | "fraction":
            lower, upper = case.bound(1), case.bound(-1)
            return lower is not None and upper is not None and lower[0] > -upper[0]
        case "string":
            return _crossed(case, "minLength", "maxLength")
        case "array":
            return _crossed(case, "minItems", "maxItems")
        case "object":
            return _crossed(case, "minProperties", "maxProperties")
    return False


def _crossed(case: Case, least: str, most: str) -> bool:
    limit = case.most(most)
    return limit is not None and case.least(least) > limit


def _repeated(case: Case, new: Place, keyword: str) -> bool:
    return any(keyword in group.words and same_keyword(group, new, keyword) for group in case.groups)


def _undeclared(case: Case, name: str) -> bool:
    """Whether nothing is said of a member, in no alternative either, nor that it be there."""
    return name not in case.required() and all(
        name not in group.words.get("properties", ()) and is_open((group,), name) for group in case.alternatives()
    )


def _depends(group: Place, name: str) -> bool:
    return name in group.words.get("dependentSchemas", {})


def _at_least(keyword: str) -> _Rule:
    return lambda prover, case, new, depth: prover._least(keyword, case, new)


def _at_most(keyword: str) -> _Rule:
    return lambda prover, case, new, depth: prover._most(keyword, case, new)


_Rule = Callable[[Prover, Case, Place, int], bool]
_RULES: Final[dict[str, _Rule]] = {
    "type": Prover._type,
    "const": Prover._listed,
    "enum": Prover._listed,
    "minimum": Prover._minimum,
    "maximum": Prover._maximum,
    "exclusiveMinimum": Prover._above,
    "exclusiveMaximum": Prover._below,
    "multipleOf": Prover._multiple,
    "pattern": Prover._listed,
    "format": Prover._format,
    **{keyword: _at_least(keyword) for keyword in ("minLength", "minItems", "minProperties")},
    **{keyword: _at_most(keyword) for keyword in ("maxLength", "maxItems", "maxProperties")},
    "uniqueItems": Prover._unique,
    "items": Prover._items,
    "prefixItems": Prover._items,
    "additionalItems": Prover._items,
    "contains": Prover._contains,
    "required": Prover._required,
    "properties": Prover._properties,
    "patternProperties": Prover._patterns,
    "additionalProperties": Prover._additional,
    "unevaluatedProperties": Prover._unevaluated,
    "propertyNames": Prover._names,
    "dependentRequired": Prover._dependent_required,
    "dependentSchemas": Prover._dependent_schemas,
    "$ref": Prover._reference,
    "allOf": Prover._all_of,
    "anyOf": Prover._any_of,
    "oneOf": Prover._one_of,
    "not": Prover._not,
    "if": Prover._condition,
}

_BY_SAMENESS: Final = frozenset({"dependencies", "contentEncoding", "contentMediaType", "contentSchema"})
"""Keywords without a rule: only the same keyword is within a schema that has one."""

_AS_A_WHOLE: Final = frozenset({"unevaluatedItems", "$dynamicRef", "$recursiveRef"})
"""Keywords whose meaning hangs on what stands around them: only the same schema is within a schema that has one."""

_ALONE: Final = frozenset(
    {"enum", "const", "pattern", "format", "not", "anyOf", "oneOf", "allOf", "propertyNames", "uniqueItems"}
    | {"dependentRequired", "dependentSchemas", "properties", "patternProperties"}
)
"""Keywords that mean the same whatever stands beside them."""

_NUMBERS: Final = frozenset({"integer", "fraction"})
_CONCERNS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _NUMBERS),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), frozenset({"string"})),
    **dict.fromkeys(
        ("minItems", "maxItems", "uniqueItems", "items", "prefixItems", "additionalItems", "contains"),
        frozenset({"array"}),
    ),
    **dict.fromkeys(
        ("minProperties", "maxProperties", "required", "properties", "patternProperties", "additionalProperties"),
        frozenset({"object"}),
    ),
    **dict.fromkeys(
        ("propertyNames", "dependentRequired", "dependentSchemas", "unevaluatedProperties"), frozenset({"object"})
    ),
}
"""The kinds of values that a keyword says something of, where not of all."""
