"""What can be wrong with the estate."""

from __future__ import annotations

from collections.abc import Sequence


class EstateError(ValueError):
    """A registry that cannot be used: one sentence a fault, naming the file and the place in it."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)
