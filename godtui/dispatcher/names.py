"""The names behind Plane's ids: what `registry.yaml` says, and what earlier deliveries taught."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from godtui.dispatcher.ticket import State


class Project(Protocol):
    """What tickets of a project are called, such as INFRA, and where the project is found in a browser."""

    @property
    def identifier(self) -> str: ...

    @property
    def url(self) -> str | None: ...


class NamedState(Protocol):
    """A workflow state as `registry.yaml` names it."""

    @property
    def name(self) -> str | None: ...

    @property
    def group(self) -> str | None: ...


class Estate(Protocol):
    """What is asked of `registry.yaml`. Keys are UUIDs in lower case."""

    @property
    def projects(self) -> Mapping[str, Project]: ...

    @property
    def states(self) -> Mapping[str, NamedState]: ...

    @property
    def labels(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Names:
    """Look-ups by id, in any case. The mappings are asked each time, so that what is learned later is known."""

    projects: Mapping[str, Project] = field(default_factory=dict)
    states: Mapping[str, NamedState] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    learned_states: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    learned_labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        estate: Estate,
        learned_states: Mapping[str, tuple[str | None, str | None]],
        learned_labels: Mapping[str, str],
    ) -> Names:
        """The registry's names before the learned ones: states as (name, group), labels as names.

        The keys of all of them are ids in lower case.
        """
        return cls(estate.projects, estate.states, estate.labels, learned_states, learned_labels)

    def state(self, state_id: str) -> State | None:
        """The state of an id. What the registry leaves open of it, deliveries may have taught."""
        key = state_id.lower()
        named, (name, group) = self.states.get(key), self.learned_states.get(key, (None, None))
        if named is not None:
            name, group = named.name or name, named.group or group
        return State(state_id, name, group) if name or group else None

    def label(self, label_id: str) -> str | None:
        """The name of a label's id."""
        key = label_id.lower()
        return self.labels.get(key) or self.learned_labels.get(key)

    def project(self, project_id: str) -> Project | None:
        """The project of an id, where the registry has it."""
        return self.projects.get(project_id.lower())
