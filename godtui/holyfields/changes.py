"""What is otherwise in one registry than in the one before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from godtui.holyfields.contract import Contract
from godtui.holyfields.registry import Registry

Compatible: TypeAlias = Callable[[Contract, Contract], bool | None]
"""Whether all that the first contract allows is allowed by the second; None where that is not known."""

Hashes: TypeAlias = dict[tuple[str, str], str]
"""The hash of each contract by type and version."""


class Change(NamedTuple):
    """A contract that is not what it was: `before` is None where it is new, `after` where it is gone."""

    event_type: str
    version: str
    before: Contract | None
    after: Contract | None

    def entry(self, compatible: Compatible) -> dict[str, Any]:
        """The change as `holyfields.schema.updated` lists it."""
        before, after = self.before, self.after
        verdict = None if before is None or after is None else compatible(before, after)
        return _entry((self.event_type, self.version), _digest(before), _digest(after), verdict)


def changes(before: Registry, after: Registry) -> list[Change]:
    """The contracts that were added, removed or say something else, by type and version."""
    was, now = _by_name(before), _by_name(after)
    pairs = [Change(*name, was.get(name), now.get(name)) for name in sorted({*was, *now})]
    return [pair for pair in pairs if _digest(pair.before) != _digest(pair.after)]


def hashes(registry: Registry) -> Hashes:
    """What a registry's contracts say, as far as hashes tell."""
    return {name: contract.digest for name, contract in _by_name(registry).items()}


def missed(before: Hashes, registry: Registry) -> list[dict[str, Any]]:
    """What is otherwise in a registry, as entries, where of what it was no more than the hashes is known."""
    now = hashes(registry)
    differing = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return [_entry(name, before.get(name), now.get(name), None) for name in differing]


def digest(registry: Registry, event_type: str, version: str) -> str | None:
    """The hash of a contract of just that name; None where there is none."""
    found = registry.find(event_type, version)
    return found.digest if found is not None and found.event_type == event_type else None


def _entry(name: tuple[str, str], before: str | None, after: str | None, verdict: bool | None) -> dict[str, Any]:
    """The verdict counts where there was a contract and still is one."""
    return {
        "event_type": name[0],
        "version": name[1],
        "from_hash": before,
        "to_hash": after,
        "compatible": verdict if before is not None and after is not None else before is None,
    }


def _digest(contract: Contract | None) -> str | None:
    return None if contract is None else contract.digest


def _by_name(registry: Registry) -> dict[tuple[str, str], Contract]:
    return {
        (event_type, version): registry.contract(event_type, version)
        for event_type in registry.types()
        for version in registry.versions(event_type)
    }
