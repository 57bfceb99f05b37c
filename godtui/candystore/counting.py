"""How many events a filter finds: exact where that is cheap, else estimated and said so."""

from __future__ import annotations

from typing import Any, NamedTuple


class Count(NamedTuple):
    """A number of events; one that is not exact is an estimate, or, of a chain, how far was counted."""

    number: int
    exact: bool

    def document(self) -> dict[str, Any]:
        """The count as JSON has it."""
        return self._asdict()

    @classmethod
    def from_document(cls, told: dict[str, Any]) -> Count:
        """The inverse of `document`."""
        return cls(int(told["number"]), bool(told["exact"]))
