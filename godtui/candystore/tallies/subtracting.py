"""What retention takes off the tallies, in the unit in which it cuts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from godtui.candystore.tallies.tables import SLOT, Fresh, spread, state, take_off
from godtui.eventlog import CutEvent, Transaction


def subtract(transaction: Transaction, cut: Sequence[CutEvent]) -> None:
    """Take events off that are cut within the same unit; of those not counted yet, nothing is to be taken."""
    counted_to = state(transaction).counted_to
    found = Counter(
        (one.stored_at // 1_000_000 // SLOT * SLOT, one.type_id, one.source_id) for one in cut if one.seq <= counted_to
    )
    slots = [Fresh(*key, number, number, 0) for key, number in found.items()]
    take_off(transaction, spread(slots, transaction.now // 1_000_000, -1))
