"""What retention takes off the tallies, in the unit in which it cuts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from godtui.candystore.tallies.tables import SLOT, SPOIL, Fresh, spread, state, take_off
from godtui.eventlog import Transaction

_FLOOR = "SELECT floor FROM retention"


def counted_to(transaction: Transaction) -> int:
    """The position up to which everything is counted: what retention cuts beyond it has all counted anew."""
    return state(transaction).counted_to


def subtract(transaction: Transaction, rows: Iterable[tuple[int, int, int]]) -> None:
    """Take cut events off: rows of type id, source id and `stored_at` (µs since 1970).

    Called within the unit that cuts them, after it wrote its floor. Where some of them were not counted yet nobody
    could tell which, and the tallies are made anew from the log.
    """
    now = state(transaction)
    if now.stale:
        return
    floor = transaction.execute(_FLOOR).fetchone()[0]
    if now.counted_to < floor - 1:
        transaction.execute(SPOIL)
        return
    found = Counter((at // 1_000_000 // SLOT * SLOT, type_id, source_id) for type_id, source_id, at in rows)
    cut = [Fresh(*key, number) for key, number in found.items()]
    if cut:
        take_off(transaction, spread(cut, transaction.now // 1_000_000, -1))
