"""What deliveries taught of the names behind ids, as the ledger keeps it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Final

from godtui.dispatcher.plane import Taught

MOST_NAMES: Final = 50_000
"""Names kept. What a stranger makes up beyond it is not learned."""

STATE: Final = "state"
LABEL: Final = "label"


class Learned:
    """States by id as (name, group), and labels by id as names; ids in lower case."""

    def __init__(
        self,
        states: MutableMapping[str, tuple[str | None, str | None]] | None = None,
        labels: MutableMapping[str, str] | None = None,
    ) -> None:
        self.states: MutableMapping[str, tuple[str | None, str | None]] = {} if states is None else states
        self.labels: MutableMapping[str, str] = {} if labels is None else labels
        self._room = MOST_NAMES

    def read(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take in rows of NAMES."""
        for kind, identity, name, group in rows:
            if kind == STATE:
                self.states[identity] = (name, group)
            else:
                self.labels[identity] = name

    def layer(self) -> Learned:
        """These names with room above them for those that a commit may yet take back."""
        upper = Learned(ChainMap({}, self.states), ChainMap({}, self.labels))
        upper._room = MOST_NAMES - len(self.states) - len(self.labels)
        return upper

    def take(self, upper: Learned) -> None:
        """Keep what was learned in a layer."""
        self.states.update(_newest(upper.states))
        self.labels.update(_newest(upper.labels))

    def learn(self, taught: Taught) -> Iterator[tuple[str, str, str | None, str | None]]:
        """Learn what is new or has changed, as rows for LEARN."""
        for identity, (name, group) in taught.states.items():
            known = self.states.get(identity)
            told = (name or (known and known[0]), group or (known and known[1]))
            if known != told and self._has_room(is_known=known is not None):
                self.states[identity] = told
                yield STATE, identity, *told
        for identity, label in taught.labels.items():
            named = self.labels.get(identity)
            if named != label and self._has_room(is_known=named is not None):
                self.labels[identity] = label
                yield LABEL, identity, label, None

    def _has_room(self, *, is_known: bool) -> bool:
        self._room -= not is_known
        return is_known or self._room >= 0


def _newest(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping.maps[0] if isinstance(mapping, ChainMap) else mapping
