"""The event catalogue: what each contract is for, who produces and who consumes its events, and what one looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from godtui.holyfields.contract import Contract
from godtui.holyfields.registry import Registry
from godtui.jsontext import Json
from godtui.topics import Matcher

Patterns = Mapping[str, Sequence[str]]
"""Event patterns (AMQP's) by the id of a service."""


class Catalogue:
    """The contracts of one registry beside the services that speak and hear by them; read only."""

    def __init__(
        self, registry: Registry, produces: Patterns, consumes: Patterns, before: Catalogue | None = None
    ) -> None:
        """What is remembered of the catalogue `before` stays, as far as its contracts are here too."""
        self.registry = registry
        self._producers = _matchers(produces)
        self._consumers = _matchers(consumes)
        self._examples: dict[str, Json | None] = {}
        if before is not None:
            here = {registry.contract(name, one).digest for name in registry.types() for one in registry.versions(name)}
            # A copy: somebody may be asking the one before at this moment.
            self._examples = {digest: one for digest, one in before._examples.copy().items() if digest in here}

    def summary(self) -> list[dict[str, Any]]:
        """Every event type as a JSON object, sorted: as `Registry.summary`, with services and an example payload.

        The example is one of the newest version, None where none was found that the contract allows.
        """
        return [
            one
            | self.services(one["event_type"])
            | {"example": self.example(self.registry.contract(one["event_type"], one["versions"][-1]))}
            for one in self.registry.summary()
        ]

    def describe(self, event_type: str, version: str | None = None) -> dict[str, Any]:
        """One contract as `Registry.describe`, with services and an example. Raises UnknownContractError."""
        described = self.registry.describe(event_type, version)
        contract = self.registry.contract(event_type, version)
        return described | self.services(event_type) | {"example": self.example(contract)}

    def services(self, event_type: str) -> dict[str, list[str]]:
        """The ids of the services that say they produce a type, and of those that say they consume it, sorted."""
        return {
            "producers": [name for name, matcher in self._producers.items() if matcher.matches(event_type)],
            "consumers": [name for name, matcher in self._consumers.items() if matcher.matches(event_type)],
        }

    def example(self, contract: Contract) -> Json | None:
        """A payload that the contract allows: the first of its own examples that is one, else one that is found."""
        if contract.digest not in self._examples:
            given = next((one for one in contract.examples if contract.valid(one)), None)
            self._examples[contract.digest] = _found(contract) if given is None else given
        return self._examples[contract.digest]


def _found(contract: Contract) -> Json | None:
    # Loaded here: most contracts have examples of their own, and a start does without.
    from godtui.holyfields.sampling import example

    return example(contract)


def _matchers(patterns: Patterns) -> dict[str, Matcher]:
    return {name: Matcher(patterns[name]) for name in sorted(patterns) if patterns[name]}
