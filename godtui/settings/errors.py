"""What can be wrong with settings."""

from __future__ import annotations

from collections.abc import Sequence


class SettingsError(ValueError):
    """Settings that cannot be used: one sentence a fault, naming the setting, where it was written, and what may be."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)
