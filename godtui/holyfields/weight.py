"""How often a validator may have to look at one place of a document, and schemas with which that is too often.

Schemas that are named twice are evaluated twice, and so are those that they name: thirty definitions, each naming the
next one twice, are a thousand million evaluations of whatever arrives. What is counted is the most that one place may
cost; what different members cost is not added up. A schema that comes back to itself by way of a member, as a tree
does, is counted once more and no further, since jsonschema-rs remembers what it came to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, count
from typing import Final, NamedTuple

from godtui.holyfields.faults import SchemaFault
from godtui.holyfields.references import Linked
from godtui.jsontext import Json

MAX_EVALUATIONS: Final = 1_000_000
"""Some ten milliseconds of jsonschema-rs for one place of a document."""

MAX_FORKS: Final = 10
"""References beyond which a file is weighed in any case."""

MAX_KEYS: Final = 1_000
"""Members that are told apart in one place; where there are more, what they cost is added up."""

CODE: Final = "too-heavy"

_MESSAGE: Final = (
    f"judging by this may take over {MAX_EVALUATIONS:,} evaluations of one place in an event, since schemas that are "
    "referred to several times refer to others several times; refer to each once"
)
_ONE: Final = ("not", "if", "then", "else")
_LISTED: Final = ("allOf", "anyOf", "oneOf")
_NAMED: Final = ("dependentSchemas", "dependencies")
_ANY_MEMBER: Final = ("patternProperties", "additionalProperties", "unevaluatedProperties")
_ANY_ITEM: Final = ("items", "additionalItems", "unevaluatedItems", "contains")
_UNEVALUATED: Final = ("unevaluatedProperties", "unevaluatedItems")
_DEFINITIONS: Final = ("$defs", "definitions")

Key = tuple[str, str | int | None]
"""A member, an item or the names of an object; None is any of them."""
Schema = dict[str, Json]
Edges = Callable[[Schema], list[Schema]]


class _Cost(NamedTuple):
    """Evaluations in place, and the same where what was evaluated is asked for: each branch is then judged twice."""

    plain: int
    asked: int


def too_heavy(files: Mapping[str, Linked], wanted: Iterable[Linked]) -> list[SchemaFault]:
    """Schemas of the wanted files, and of those they reach among `files`, by which a place costs more than the limit.

    Where a reference may lead to several schemas, which ones depends on the file that judging begins with.
    """
    shared = _Scale(files)
    found: dict[SchemaFault, None] = {}
    light = {path: _is_light(one) for path, one in files.items()}
    for one in wanted:
        reached = {path: files[path] for path in one.reaches if path in files}
        if all(map(light.__getitem__, reached)) and _is_small(one, reached.values()):
            continue
        scale = _Scale(reached) if any(other.is_dynamic for other in reached.values()) else shared
        found.update(dict.fromkeys(scale.weigh(one.schema)))
    return list(found)


def _is_light(one: Linked) -> bool:
    """Whether nothing in a file weighs more than it is long: `unevaluated…` does, by whatever escapes it is written."""
    return not one.is_dynamic and "unevaluated" not in one.file.text and "\\u" not in one.file.text


def _is_small(one: Linked, reached: Collection[Linked]) -> bool:
    """Whether a file and what it reaches are too few to be too heavy, which spares nearly all files the weighing.

    Each way through the schemas is told by the references that it takes, once or, in circles, twice.
    """
    sizes = {id(other): other.file.text.count("{") for other in reached}
    if all(not other.targets or other is one for other in reached):
        schemas, forks = sizes[id(one)] + one.references * max(sizes.values()), one.inner_references
    else:
        schemas, forks = sum(sizes.values()), sum(other.references for other in reached)
    return forks <= MAX_FORKS and schemas * 4**forks <= MAX_EVALUATIONS


class _Scale:
    """Weighs schemas that are joined, each once."""

    def __init__(self, files: Mapping[str, Linked]) -> None:
        self._files = files
        self._targets = {key: led for one in files.values() for key, led in one.targets.items()}
        self._branches: dict[int, list[Schema]] = {}
        self._costs: dict[int, _Cost] = {}
        self._members: dict[int, dict[Key, int]] = {}
        self._whole: dict[int, int] = {}
        self._heavy: list[Schema] = []
        self._spoilt: set[int] = set()

    def weigh(self, start: Schema) -> list[SchemaFault]:
        """The faults of what is reached from there and was not weighed before, definitions included."""
        self._heavy = []
        waiting = [start]
        while waiting:
            for group in _groups(waiting.pop(), self._all, self._whole):
                self._settle_members(group)
                waiting += (nested for schema in group for nested in _definitions(schema))
        return [self._written[id(schema)].fault(_MESSAGE, schema, code=CODE) for schema in self._heavy]

    def _in_place(self, schema: Schema) -> list[Schema]:
        """What is applied to the same place."""
        found = self._branches.get(id(schema))
        if found is None:
            found = self._branches[id(schema)] = [*_branches(schema), *self._led(schema)]
        return found

    def _led(self, schema: Schema) -> list[Schema]:
        """Where the references of a schema may lead, dynamic ones to every schema of their name."""
        led = list(self._targets.get(id(schema), ()))
        names: list[str | bool] = []
        if "$dynamicRef" in schema:
            names.append(str(schema["$dynamicRef"]).partition("#")[2])
        if "$recursiveRef" in schema:
            names.append(True)
        for name in names:
            if name in self._anchors:
                any_of_them, known = self._anchors[name]
                led = [*(one for one in led if id(one) not in known), any_of_them]
        return led

    @cached_property
    def _anchors(self) -> dict[str | bool, tuple[Schema, frozenset[int]]]:
        """For each name one schema of all that dynamic references may lead to, and which; True for recursive ones."""
        found: dict[str | bool, list[Schema]] = defaultdict(list)
        for node in chain.from_iterable(_nodes(one.schema) for one in self._files.values()):
            for name in (node.get("$dynamicAnchor"), node.get("$recursiveAnchor")):
                if isinstance(name, str) or name is True:
                    found[name].append(node)
        return {name: ({"anyOf": nodes}, frozenset(map(id, nodes))) for name, nodes in found.items()}

    @cached_property
    def _written(self) -> dict[int, Linked]:
        """The file of every schema, by identity; those made here have none."""
        return {id(node): one for one in self._files.values() for node in _nodes(one.schema)}

    def _all(self, schema: Schema) -> list[Schema]:
        return [*self._in_place(schema), *(nested for _, nested in _members(schema))]

    def _settle_costs(self, group: list[Schema]) -> None:
        """Costs in place; what leads back to itself in place is evaluated no further by jsonschema-rs."""
        for schema in group:
            branches = self._in_place(schema)
            known = [self._costs[id(one)] for one in branches if id(one) in self._costs]
            plain = 1 + sum(one.plain for one in known)
            asked = 1 + sum(one.asked for one in known) * (2 if len(branches) > 1 else 1)
            if not schema.keys().isdisjoint(_UNEVALUATED):
                plain += asked
                asked += plain
            if self._is_spoilt(schema, branches, plain):
                plain = asked = 1
            self._costs[id(schema)] = _Cost(plain, min(asked, MAX_EVALUATIONS + 1))
        if len(group) > 1:
            costs = [self._costs[id(one)] for one in group]
            most = _Cost(max(one.plain for one in costs), max(one.asked for one in costs))
            self._costs.update((id(one), most) for one in group)

    def _settle_members(self, group: list[Schema]) -> None:
        """What the members of a place cost, by their keys, and the most that any place within may cost."""
        for schema in group:
            for inner in _groups(schema, self._in_place, self._costs):
                self._settle_costs(inner)
        for schema in group:
            plain = self._costs[id(schema)].plain
            found = self._said(schema)
            whole = max(plain, _most(found))
            if self._is_spoilt(schema, self._all(schema), whole):
                found, whole = {}, 1
            self._members[id(schema)], self._whole[id(schema)] = found, whole
        if len(group) > 1:
            most = max(self._whole[id(one)] for one in group)
            for schema in group:
                self._whole[id(schema)] = most
                members = self._members[id(schema)].items()
                self._members[id(schema)] = {key: max(amount, most) for key, amount in members}

    def _is_spoilt(self, schema: Schema, leads: list[Schema], amount: int) -> bool:
        """Whether a schema is too heavy, itself, which is noted, or by one that it leads to."""
        if amount > MAX_EVALUATIONS and id(schema) not in self._written:
            return False  # it is one of those that lead there
        below = id(schema) in self._spoilt or any(id(one) in self._spoilt for one in leads)
        if amount > MAX_EVALUATIONS and not below:
            self._heavy.append(schema)
        if below or amount > MAX_EVALUATIONS:
            self._spoilt.add(id(schema))
        return id(schema) in self._spoilt

    def _said(self, schema: Schema) -> dict[Key, int]:
        """What members cost by all that is said of them in a place."""
        found: dict[Key, int] = {}
        for branch in self._in_place(schema):
            for key, amount in self._members.get(id(branch), {}).items():
                found[key] = found.get(key, 0) + amount
        for key, nested in _members(schema):
            amount = self._whole.get(id(nested)) or self._costs[id(nested)].plain
            found[key] = found.get(key, 0) + amount
        if not schema.keys().isdisjoint(_UNEVALUATED):
            times = self._costs[id(schema)].plain
            found = {key: amount * times for key, amount in found.items()}
        if len(found) > MAX_KEYS:
            return {("member", None): sum(found.values())}
        return found


def _most(members: Mapping[Key, int]) -> int:
    """The most that one member may cost: what is said of it, and of any."""
    most = 0
    for (kind, name), amount in members.items():
        most = max(most, amount if name is None else amount + members.get((kind, None), 0))
    return most


def _branches(schema: Schema) -> Iterator[Schema]:
    """The schemas within one that are applied to the same place."""
    for word in schema.keys() & _IN_PLACE:
        value = schema[word]
        if word in _ONE:
            parts: Iterable[Json] = (value,)
        elif word in _LISTED:
            parts = value if isinstance(value, list) else ()
        else:
            parts = value.values() if isinstance(value, dict) else ()
        yield from (one for one in parts if isinstance(one, dict))


def _members(schema: Schema) -> Iterator[tuple[Key, Schema]]:
    """The schemas within one that are applied to members, items and names."""
    for word in schema.keys() & _INWARDS:
        value = schema[word]
        if isinstance(value, list):
            parts: Iterable[tuple[Key, Json]] = ((("item", index), one) for index, one in enumerate(value))
        elif not isinstance(value, dict):
            continue
        elif word == "properties":
            parts = ((("member", name), one) for name, one in value.items())
        elif word == "patternProperties":
            parts = ((("member", None), one) for one in value.values())
        elif word == "propertyNames":
            parts = ((("name", None), value),)
        else:
            parts = ((("item" if word in _ANY_ITEM else "member", None), value),)
        yield from (part for part in parts if isinstance(part[1], dict))


_IN_PLACE: Final = frozenset((*_ONE, *_LISTED, *_NAMED))
_INWARDS: Final = frozenset((*_ANY_MEMBER, *_ANY_ITEM, "properties", "prefixItems", "propertyNames"))


def _definitions(schema: Schema) -> Iterator[Schema]:
    for word in _DEFINITIONS:
        value = schema.get(word)
        if isinstance(value, dict):
            yield from (one for one in value.values() if isinstance(one, dict))


def _nodes(document: Json) -> Iterator[Json]:
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _groups(root: Schema, edges: Edges, settled: Mapping[int, object]) -> Iterator[list[Schema]]:
    """Schemas that lead to each other, each such group after those that it leads to, in the order they are finished.

    Those in `settled`, which the reader of a group adds to, are passed over. (Tarjan 1972, without recursion.)
    """
    if id(root) in settled:
        return
    numbers = count()
    low: dict[int, int] = {id(root): next(numbers)}
    index = dict(low)
    finished: list[Schema] = []
    waiting = [(root, iter(edges(root)))]
    while waiting:
        schema, leads = waiting[-1]
        own = id(schema)
        for one in leads:
            if id(one) in settled:
                continue
            if id(one) not in index:
                index[id(one)] = low[id(one)] = next(numbers)
                waiting.append((one, iter(edges(one))))
                break
            low[own] = min(low[own], index[id(one)])
        else:
            waiting.pop()
            finished.append(schema)
            if waiting:
                above = id(waiting[-1][0])
                low[above] = min(low[above], low[own])
            if low[own] == index[own]:
                group: list[Schema] = []
                while finished and index[id(finished[-1])] >= index[own]:
                    group.append(finished.pop())
                yield group[::-1]
