"""The contracts of one schema folder, loaded as a whole and never changed; a changed folder is another registry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from godtui.envelope import Fault
from godtui.holyfields.contract import Contract
from godtui.holyfields.faults import SchemaFolderError, UnknownTypeError, UnknownVersionError
from godtui.holyfields.loading import load_contracts
from godtui.jsontext import Json
from godtui.topics import Matcher, words

MAX_REMEMBERED: Final = 4096
"""Types served by a pattern that are remembered: their names come from outside, so memory for them is bounded."""


class Registry:
    """All contracts of a folder, by event type and version. Safe to use from several threads."""

    def __init__(self, folder: Path, contracts: Iterable[Contract]) -> None:
        """`contracts` has each event type and version once; `Registry.load` sees to that."""
        self.folder = folder
        self._by_type: dict[str, dict[str, Contract]] = {}
        for contract in sorted(contracts, key=lambda one: (one.event_type, _number(one.version))):
            self._by_type.setdefault(contract.event_type, {})[contract.version] = contract
        self._patterns = _patterns(self._by_type)
        self._found: dict[tuple[str, str | None], Contract] = {}
        for event_type, versions in self._by_type.items():
            self._found[event_type, None] = next(iter(versions.values()))
            self._found.update({(event_type, version): contract for version, contract in versions.items()})
        self._deciders = {key: contract.decide for key, contract in self._found.items()}
        self._served: dict[tuple[str, str | None], Contract | None] = {}
        self._nearest: dict[str, str | None] = {}

    @classmethod
    def load(cls, folder: Path) -> Registry:
        """Read, check and compile every schema of a folder. Raises SchemaFolderError listing all its faults."""
        loaded, faults = load_contracts(folder)
        if faults:
            raise SchemaFolderError(folder, faults)
        return cls(folder, loaded.contracts)

    def __len__(self) -> int:
        return len(self._by_type)

    def types(self) -> list[str]:
        """The event types that have a schema of their own, sorted."""
        return list(self._by_type)

    def versions(self, event_type: str) -> tuple[str, ...]:
        """The registered versions of an event type, lowest first; none where the type is unknown."""
        return tuple(self._versions(event_type))

    def find(self, event_type: str, version: str | None = None) -> Contract | None:
        """The contract that judges a payload, None where there is none.

        Without a version the lowest registered one, so that registering another breaks no publisher.
        """
        key = (event_type, version)
        return self._found.get(key) or self._find_served(key)

    def contract(self, event_type: str, version: str | None = None) -> Contract:
        """As `find`, but raises UnknownTypeError or UnknownVersionError where there is none."""
        found = self.find(event_type, version)
        if found is not None:
            return found
        versions = self.versions(event_type)
        if version is None or not versions:
            raise UnknownTypeError(event_type, self.nearest(event_type))
        raise UnknownVersionError(event_type, version, versions)

    def nearest(self, event_type: str) -> str | None:
        """A type with a schema that is spelled much like this one."""
        name = event_type[:255]
        if name not in self._nearest:
            # A search takes a millisecond, and strangers may publish thousands of one unknown type.
            if len(self._nearest) >= MAX_REMEMBERED:
                self._nearest.clear()
            self._nearest[name] = next(iter(difflib.get_close_matches(name, self._by_type, n=1)), None)
        return self._nearest[name]

    def valid(self, event_type: str, version: str | None, payload: Json) -> bool:
        """Whether the payload is allowed. Raises UnknownContractError where there is nothing to judge it by."""
        decide = self._deciders.get((event_type, version))
        if decide is None:
            return self.contract(event_type, version).valid(payload)
        try:
            return decide(payload)
        except (ValueError, RecursionError):
            return False

    def faults(self, event_type: str, version: str | None, payload: Json) -> list[Fault]:
        """Why the payload is not allowed; nothing where it is. Raises UnknownContractError as `contract` does."""
        return self.contract(event_type, version).faults(payload)

    def summary(self) -> list[dict[str, Any]]:
        """Every event type as a JSON object, described by its newest version."""
        return [_summarised(list(versions.values())) for versions in self._by_type.values()]

    def describe(self, event_type: str, version: str | None = None) -> dict[str, Any]:
        """One contract as a JSON object, with the versions there are. Raises UnknownContractError."""
        contract = self.contract(event_type, version)
        return {**contract.document(), "event_type": event_type, "versions": list(self.versions(event_type))}

    def _find_served(self, key: tuple[str, str | None]) -> Contract | None:
        """By pattern, and remembered: which keys are asked for is up to publishers."""
        if key in self._served:
            return self._served[key]
        event_type, version = key
        versions = {} if event_type in self._by_type else self._versions(event_type)
        found = next(iter(versions.values()), None) if version is None else versions.get(version)
        if len(self._served) >= MAX_REMEMBERED:
            self._served.clear()
        self._served[key] = found
        return found

    def _versions(self, event_type: str) -> dict[str, Contract]:
        if event_type in self._by_type:
            return self._by_type[event_type]
        for matcher, owner in self._patterns:
            if matcher.matches(event_type):
                served = self._by_type[owner].values()
                return {one.version: one for one in served if Matcher(one.serves).matches(event_type)}
        return {}


class Contracts:
    """The registry in force. Whoever judges an event takes `current` once, so that one registry judges all of it."""

    __slots__ = ("_current",)

    def __init__(self, registry: Registry) -> None:
        self._current = registry

    @property
    def current(self) -> Registry:
        """The registry in force now."""
        return self._current

    def swap(self, registry: Registry) -> Registry:
        """Put another registry in force; the one before."""
        before, self._current = self._current, registry
        return before


def _number(version: str) -> int:
    return int(version[1:])


def _patterns(by_type: dict[str, dict[str, Contract]]) -> list[tuple[Matcher, str]]:
    """Every served pattern and the type whose schema serves it, the most particular pattern first."""
    claims = {
        (pattern, event_type)
        for event_type, versions in by_type.items()
        for contract in versions.values()
        for pattern in contract.serves
    }
    return [(Matcher([pattern]), owner) for pattern, owner in sorted(claims, key=_particular)]


def _particular(claim: tuple[str, str]) -> tuple[int, int, str, str]:
    parts = words(claim[0])
    literal = sum(word not in ("*", "#") for word in parts)
    return -literal, parts.count("#"), *claim


def _summarised(versions: list[Contract]) -> dict[str, Any]:
    newest = versions[-1]
    return {
        "event_type": newest.event_type,
        "versions": [contract.version for contract in versions],
        "title": newest.title,
        "description": newest.description,
        "serves": list(newest.serves),
        "file": newest.file,
    }
