"""What schemas refer to, and how Python names it."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from godtui.holyfields.generate.collection import Collection
from godtui.holyfields.generate.python.assertions import assertions, references
from godtui.holyfields.generate.python.identifiers import class_name
from godtui.holyfields.generate.python.objects import is_object, shape
from godtui.jsontext import Json


class Definitions:
    """The collection's definitions: objects become classes, everything else an alias of a type."""

    def __init__(self, collection: Collection, taken: set[str]) -> None:
        self.found = dict(collection.definitions)
        self.schemas: dict[str, Json] = {key: assertions(one.schema) for key, one in self.found.items()}
        self.names: dict[str, str] = {}
        self.nullable: dict[str, bool] = {}
        """Whether the type of a definition says null, where that was asked."""
        self.used: set[str] = set()
        """The definitions that rules refer to, directly or through others."""
        for key in sorted(self.found):
            self.names[key] = class_name(self.found[key].name or (key,), taken)
            taken.add(self.names[key])
        self.classes = frozenset(key for key in self.found if self.has_class(self.schemas[key]))
        self.aliases, self.opaque = self._order()

    def has_class(self, schema: Json) -> bool:
        """Whether an object schema is worth a class: one that names members."""
        return is_object(schema, self.schemas) and bool(shape(schema, self.schemas).properties)

    def use(self, schema: Json) -> None:
        """Note that a rule holds this schema, so that what it refers to is written."""
        waiting = list(references(schema))
        while waiting:
            key = waiting.pop()
            if key not in self.used:
                self.used.add(key)
                waiting += references(self.schemas[key])

    def _order(self) -> tuple[list[str], frozenset[str]]:
        """The aliases, each after those it needs, and which of them need themselves: types cannot say those."""
        needs = {key: references(self.schemas[key]) - self.classes for key in sorted(self.found.keys() - self.classes)}
        opaque: set[str] = set()
        while True:
            try:
                return list(TopologicalSorter(needs).static_order()), frozenset(opaque)
            except CycleError as error:
                cycle: list[str] = error.args[1]
                opaque.update(cycle)
                needs |= {key: set() for key in cycle}
