"""The outbox in the log's file: every statement that touches its table, which `tables.MIGRATIONS` makes."""

from __future__ import annotations

from typing import Final

ENTER: Final = (
    "INSERT INTO outbox (event_id, entered_at, routing_key, headers, body) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (event_id) DO NOTHING"
)
"""A message at the end of the line, unless its id is in it."""

HELD: Final = "SELECT body FROM outbox WHERE event_id = ?"
"""What is in the line under an id."""

NEXT: Final = (
    "SELECT id, 0, entered_at, event_id, routing_key, headers, body FROM outbox WHERE id <= ("
    "SELECT max(id) FROM ("
    "SELECT id, size, sum(size) OVER (ORDER BY id) AS total FROM ("
    "SELECT id, length(body) + coalesce(length(headers), 0) AS size FROM outbox ORDER BY id LIMIT ?"
    ")) WHERE total <= ? OR total = size"
    ") ORDER BY id"
)
"""The head of the line, as `Handed.from_row` reads it: so many rows and bytes at most, but one row at least."""

REMOVE: Final = "DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))"
"""These have arrived, or never will."""

WAITING: Final = "SELECT count(*), (SELECT entered_at FROM outbox ORDER BY id LIMIT 1) FROM outbox"
"""How many are in the line, and when its head entered it."""
