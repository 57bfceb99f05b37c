"""What is wrong in a `registry.yaml` that can be read: names that lead nowhere, events that nobody says or hears."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from pydantic import BaseModel

from godtui import jsontext
from godtui.estate.errors import EstateError
from godtui.estate.model import Estate
from godtui.estate.patterns import MAX_TEXTS, MAX_WILD, PatternSet, has_wildcards, is_pattern
from godtui.estate.reading import marked
from godtui.settings import component_key
from godtui.settings.values import plain, shown_text

MAX_FINDINGS: Final = 1000
"""Whoever has more of them to mend will run it again."""

_MAX_NAMES: Final = 1000
"""Among more names than these none is looked for that is spelled much like another."""

_MAX_GUESSES: Final = 100
"""A search takes milliseconds; a file with so many faults has them for another reason than a slip of the pen."""

_PLACED: Final = re.compile(r":([0-9]{1,9}): ")
_LISTS: Final = ("queue_names", "routing_keys", "consumes", "produces")

Keys = tuple[str | int, ...]


class Types(NamedTuple):
    """The event types there are: names that have a schema of their own, and patterns that schemas serve beside."""

    names: Sequence[str]
    served: Sequence[str] = ()


class Finding(NamedTuple):
    """One thing wrong: `line` and `column` count from 1, `pointer` leads to it, `message` says what to do about it.

    A `warning` is one that nothing fails for.
    """

    file: str
    line: int
    column: int
    code: str
    pointer: str
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column} {self.code} {self.message}"


def lint(path: Path, types: Types) -> list[Finding]:
    """What is wrong in a registry, by line; at most a thousand findings. Nothing in the file makes this raise."""
    try:
        told = marked(path)
    except EstateError as error:
        return [_unreadable(path, fault, _Places(None)) for fault in error.faults]
    places = _Places(told.node)
    try:
        estate = Estate.of(path, told.document)
    except EstateError as error:
        return [_unreadable(path, fault, places) for fault in error.faults]
    found = list(islice(_Check(path, estate, types, places).findings(), MAX_FINDINGS + 1))
    if len(found) > MAX_FINDINGS:
        sentence = f"there are more than {MAX_FINDINGS} findings; mend these and run it again"
        found[MAX_FINDINGS] = Finding(str(path), 1, 1, "too-many", "", sentence)
    return sorted(found, key=lambda one: (one.line, one.column, one.code, one.message))


def _unreadable(path: Path, fault: str, places: _Places) -> Finding:
    """A fault that kept the file from being read, at its place as far as it says one."""
    sentence = fault.removeprefix(str(path))
    if match := _PLACED.match(sentence):
        return Finding(str(path), int(match[1]), 1, "unreadable", "", sentence[match.end() :])
    sentence = sentence.removeprefix(":").strip()
    keys = places.named(sentence)
    return Finding(str(path), *places.of(keys), "unreadable", jsontext.pointer(keys), sentence)


class _Places:
    """Where the values of a file stand, by the keys that lead to them."""

    def __init__(self, root: yaml.Node | None) -> None:
        self._root = root
        self._members: dict[int, dict[str | int, tuple[yaml.Node, yaml.Node]]] = {}

    def of(self, keys: Keys) -> tuple[int, int]:
        """The line and column of a value's key, or of the nearest thing around it that has a place."""
        at = node = self._root
        for key in keys:
            if node is None or (member := self._parts(node).get(key)) is None:
                break
            at, node = member
        return (at.start_mark.line + 1, at.start_mark.column + 1) if at is not None and keys else (1, 1)

    def named(self, sentence: str) -> Keys:
        """The keys that a sentence begins with, dots between them."""
        keys: list[str | int] = []
        node, rest = self._root, sentence
        while node is not None:
            parts = self._parts(node)
            beginning = {str(key): key for key in parts if rest.startswith((f"{key}.", f"{key} "))}
            if not beginning:
                break
            name = max(beginning, key=len)
            keys.append(beginning[name])
            node, rest = parts[beginning[name]][1], rest[len(name) + 1 :]
        return tuple(keys)

    def _parts(self, node: yaml.Node) -> dict[str | int, tuple[yaml.Node, yaml.Node]]:
        if id(node) not in self._members:
            self._members[id(node)] = dict(_parts(node))
        return self._members[id(node)]


def _parts(node: yaml.Node) -> Iterator[tuple[str | int, tuple[yaml.Node, yaml.Node]]]:
    """The members of a node by key, or by number as the model counts them: without empty ones, one alone as a list."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, (key, value)) for key, value in node.value if isinstance(key, yaml.ScalarNode))
    elif isinstance(node, yaml.SequenceNode):
        filled = [item for item in node.value if item.tag != "tag:yaml.org,2002:null"]
        yield from ((number, (item, item)) for number, item in enumerate(filled))
    elif isinstance(node, yaml.ScalarNode):
        yield 0, (node, node)


class _Check:
    """One check of one registry."""

    def __init__(self, path: Path, estate: Estate, types: Types, places: _Places) -> None:
        self._file = str(path)
        self._estate = estate
        self._services = estate.services
        self._places = places
        self._guesses = _MAX_GUESSES
        self._types = PatternSet([*types.names, *types.served])
        self._produced = PatternSet(pattern for _, pattern in self._patterns("produces") if is_pattern(pattern))

    def findings(self) -> Iterator[Finding]:
        """All of them, in no order."""
        yield from self._unknown_services()
        yield from self._layers()
        yield from self._duplicates()
        yield from self._unknown_keys()
        if sentence := self._too_many():
            yield self._finding((), "too-many", sentence)
            return
        yield from self._productions()
        yield from self._consumptions()

    def _too_many(self) -> str | None:
        """Why the patterns are not compared."""
        heard = (pattern for _, pattern in self._patterns("routing_keys", "consumes"))
        texts = {*self._types.texts, *self._produced.texts, *self._estate.event_subscriptions, *heard}
        if len(texts) > MAX_TEXTS:
            return (
                f"its event types and patterns, with those of the schemas, are more than {MAX_TEXTS}; split the estate"
            )
        if sum(map(has_wildcards, texts)) > MAX_WILD:
            return f"more than {MAX_WILD} of its patterns have wildcards; name event types instead"
        return None

    def _finding(self, keys: Keys, code: str, message: str, *, is_warning: bool = False) -> Finding:
        return Finding(self._file, *self._places.of(keys), code, jsontext.pointer(keys), message, is_warning)

    def _patterns(self, *names: str) -> Iterator[tuple[Keys, str]]:
        """The patterns in these lists of all services, with their places."""
        for service, told in self._services.items():
            for name in names:
                for number, pattern in enumerate(getattr(told, name)):
                    yield ("services", service, name, number), pattern

    def _unknown_services(self) -> Iterator[Finding]:
        for part in ("topology", "event_subscriptions"):
            for key, names in getattr(self._estate, part).items():
                for number, name in enumerate(names):
                    if name not in self._services:
                        advice = f"{self._guess(name, self._services)}add it under services, or take it out here"
                        sentence = f"{shown_text(name)} is no service of this registry; {advice}"
                        yield self._finding((part, key, number), "unknown-service", sentence)

    def _layers(self) -> Iterator[Finding]:
        """A file without `topology` has no layers to be in."""
        if "topology" not in self._estate.model_fields_set:
            return
        layers: dict[str, str] = {}
        for layer, names in self._estate.topology.items():
            for number, name in enumerate(names):
                other = layers.setdefault(name, layer)
                if other != layer:
                    sentence = f"{shown_text(name)} is also in the layer {shown_text(other)}; keep it in one"
                    yield self._finding(("topology", layer, number), "duplicate", sentence)
        for service in self._services:
            if service not in layers:
                sentence = f"{shown_text(service)} is in no layer; name it in one of those under topology"
                yield self._finding(("services", service), "no-layer", sentence)

    def _duplicates(self) -> Iterator[Finding]:
        for service, told in self._services.items():
            for name in _LISTS:
                yield from self._repeated(("services", service, name), getattr(told, name))
        for part in ("topology", "event_subscriptions"):
            for key, names in getattr(self._estate, part).items():
                yield from self._repeated((part, key), names)
        yield from self._repeated(("payload_indexes",), self._estate.payload_indexes)
        yield from self._same_services()
        yield from self._same_queues()

    def _repeated(self, keys: Keys, texts: Sequence[str]) -> Iterator[Finding]:
        seen: set[str] = set()
        for number, text in enumerate(texts):
            if text in seen:
                yield self._finding((*keys, number), "duplicate", f"{shown_text(text)} stands there twice; keep one")
            seen.add(text)

    def _same_services(self) -> Iterator[Finding]:
        first: dict[str, str] = {}
        for service in self._services:
            other = first.setdefault(component_key(service), service)
            if other != service:
                sentence = f"{shown_text(service)} is {shown_text(other)} in other letters; keep one of the two"
                yield self._finding(("services", service), "duplicate", sentence)

    def _same_queues(self) -> Iterator[Finding]:
        first: dict[str, str] = {}
        for service, told in self._services.items():
            places: list[tuple[str, Keys]] = [
                (queue, ("services", service, "queue_names", number)) for number, queue in enumerate(told.queue_names)
            ]
            if told.queue_name is not None:
                places.append((told.queue_name, ("services", service, "queue_name")))
            for queue, keys in places:
                other = first.setdefault(queue, service)
                if other != service:
                    sentence = (
                        f"the queue {shown_text(queue)} is also that of {shown_text(other)}, "
                        "and each of the two would get a part of its messages; give each its own"
                    )
                    yield self._finding(keys, "duplicate", sentence)

    def _productions(self) -> Iterator[Finding]:
        for keys, pattern in self._patterns("produces"):
            if not is_pattern(pattern):
                yield self._malformed(keys, pattern)
            elif not self._types.meets(pattern):
                guess = self._guess(pattern, self._types.texts)
                advice = f"{guess}add its schema (holyfields new), or take it out"
                yield self._finding(keys, "no-schema", f"{shown_text(pattern)} has no schema; {advice}")

    def _consumptions(self) -> Iterator[Finding]:
        subscriptions = (((("event_subscriptions", key), key)) for key in self._estate.event_subscriptions)
        for keys, pattern in [*subscriptions, *self._patterns("routing_keys")]:
            if is_pattern(pattern) and not self._types.meets(pattern) and not self._produced.meets(pattern):
                advice = f"{self._guess(pattern, self._types.texts)}name a type that has a schema, or take it out"
                yield self._finding(keys, "matches-nothing", f"{shown_text(pattern)} matches no event type; {advice}")
            else:
                yield from self._unproduced(keys, pattern)
        for keys, pattern in self._patterns("consumes"):
            yield from self._unproduced(keys, pattern)

    def _unproduced(self, keys: Keys, pattern: str) -> Iterator[Finding]:
        if not is_pattern(pattern):
            yield self._malformed(keys, pattern)
        elif not self._produced.meets(pattern):
            guess = self._guess(pattern, self._produced.texts)
            advice = f"{guess}name it under produces of the service that does, or take it out"
            yield self._finding(keys, "nobody-produces", f"no service produces {shown_text(pattern)}; {advice}")

    def _malformed(self, keys: Keys, pattern: str) -> Finding:
        sentence = "is no event pattern; write lower-case words, * (one word) or # (any number), joined by dots"
        return self._finding(keys, "bad-pattern", f"{shown_text(pattern)} {sentence}")

    def _unknown_keys(self) -> Iterator[Finding]:
        plane = self._estate.plane
        parts: list[tuple[Keys, BaseModel]] = [((), self._estate), (("plane",), plane)]
        parts += [(("services", name), service) for name, service in self._services.items()]
        parts += [(("plane", "projects", name), project) for name, project in plane.projects.items()]
        parts += [(("plane", "states", name), state) for name, state in plane.states.items()]
        for keys, part in parts:
            known: dict[str, Any] = type(part).model_fields
            for key in part.model_extra or {}:
                sentence = (
                    f"the key {shown_text(key)} is not known here, and kept; {self._guess(key, known)}nothing reads it"
                )
                yield self._finding((*keys, key), "unknown-key", sentence, is_warning=True)

    def _guess(self, name: str, names: Collection[str]) -> str:
        """A question whether another name was meant, where one is spelled much like it."""
        if not self._guesses or len(names) > _MAX_NAMES:
            return ""
        self._guesses -= 1
        near = difflib.get_close_matches(name[:255], names, n=1, cutoff=0.75)
        return f"did you mean {plain(near[0])}? Else " if near else ""
