"""Stretches of time in which events may have been lost although they were confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from godtui.clock import rfc3339


@dataclass(frozen=True, slots=True)
class Gap:
    """Someone deleted or unbound the memory's queue between two moments (µs since 1970).

    `confirmed` is how many events were confirmed here meanwhile, `backlog` how many the queue held when it was last
    seen, `restored` how many were still known here and are being put into the queue again.
    """

    cause: Literal["deleted", "unbound"]
    since: int
    until: int
    confirmed: int = 0
    backlog: int = 0
    restored: int = 0

    def __str__(self) -> str:
        between = f"between {rfc3339(self.since)} and {rfc3339(self.until)}"
        if self.cause == "unbound":
            return (
                f"{self.restored} events confirmed {between} did not come out of the memory's queue, as if it had been"
                " unbound or replaced: they are put there again; what others published meanwhile may be missing from"
                " the store"
            )
        again = f"; the latest {self.restored} published here are put there again" if self.restored else ""
        return (
            f"the memory's queue was deleted {between}: {self.confirmed} events confirmed meanwhile may be missing"
            f" from the store, and {self.backlog} that waited when it was last seen{again}"
        )
