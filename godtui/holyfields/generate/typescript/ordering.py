"""The order of definitions in a file: what is referred to comes first, as far as they do not refer to each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from godtui.holyfields.generate.collection import Definition
from godtui.holyfields.generate.vocabulary import key_of
from godtui.jsontext import Json


def in_order(definitions: Mapping[str, Definition]) -> list[str]:
    """The keys of definitions, every one after those it refers to; within a loop, in the order they are met."""
    made: dict[str, None] = {}
    met: set[str] = set()
    # A stack of its own: a chain of definitions may be longer than Python may call.
    for start in definitions:
        stack = [(start, False)]
        while stack:
            key, left = stack.pop()
            if left:
                made[key] = None
            elif key not in met and key in definitions:
                met.add(key)
                stack.append((key, True))
                stack += [(other, False) for other in sorted(set(_referred(definitions[key].schema)), reverse=True)]
    return list(made)


def looped(definitions: Mapping[str, Definition]) -> frozenset[str]:
    """The keys of definitions that refer to themselves, be it through others."""
    others = {key: set(_referred(one.schema)) & definitions.keys() for key, one in definitions.items()}
    # What refers to nothing that is left is in no loop, and neither is what nothing left refers to.
    while True:
        reached = set().union(*others.values())
        ended = {key for key, referred in others.items() if not referred or key not in reached}
        if not ended:
            break
        others = {key: referred - ended for key, referred in others.items() if key not in ended}
    return frozenset(others)


def _referred(schema: Json) -> Iterator[str]:
    """The keys of the definitions a schema may refer to; more than it does is no harm."""
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield key_of(reference)
    nested = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for one in nested:
        yield from _referred(one)
