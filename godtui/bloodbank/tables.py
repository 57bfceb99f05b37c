"""The embedded bus in the log's file: its tables and every statement that touches them."""

from __future__ import annotations

from typing import Final

from godtui.eventlog import Migrations

MIGRATIONS: Final = Migrations(
    "bloodbank",
    (
        """
        CREATE TABLE queues (
            name TEXT PRIMARY KEY,
            cursor INTEGER NOT NULL,
            message_ttl INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE bindings (
            queue TEXT NOT NULL,
            pattern TEXT NOT NULL,
            since_seq INTEGER NOT NULL,
            until_seq INTEGER,
            PRIMARY KEY (queue, pattern, since_seq)
        ) STRICT, WITHOUT ROWID;
        -- A message behind its queue's cursor that is not settled: handed out, to be tried again, or put there alone.
        CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            queue TEXT NOT NULL,
            held INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            entered_at INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            seq INTEGER,
            message_id TEXT NOT NULL,
            routing_key TEXT,
            headers BLOB,
            body BLOB
        ) STRICT;
        CREATE INDEX deliveries_by_queue ON deliveries (queue, held, due_at);
        CREATE TABLE letters (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            queue TEXT NOT NULL,
            reason TEXT NOT NULL,
            message_id TEXT NOT NULL,
            routing_key TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            first_at INTEGER NOT NULL,
            last_at INTEGER NOT NULL,
            headers BLOB,
            body BLOB NOT NULL
        ) STRICT;
        """,
    ),
)

END_OF_LOG: Final = "SELECT coalesce(max(seq), 0) FROM events"
"""The last position, within the transaction that asks."""

QUEUES: Final = "SELECT name, cursor, message_ttl FROM queues"
"""Every declared queue."""

BINDINGS: Final = "SELECT pattern, since_seq, until_seq FROM bindings WHERE queue = ?"
"""All bindings a queue has or had."""

ADD_QUEUE: Final = "INSERT INTO queues VALUES (?, ?, ?)"
"""A new queue: name, cursor, time to live in microseconds."""

SET_TTL: Final = "UPDATE queues SET message_ttl = ? WHERE name = ?"
"""Change how long messages live."""

SET_CURSOR: Final = "UPDATE queues SET cursor = ? WHERE name = ? AND cursor < ?"
"""Move the edge of what was handed out; never back."""

OPEN_BINDING: Final = (
    "INSERT INTO bindings VALUES (?, ?, ?, NULL) ON CONFLICT (queue, pattern, since_seq) DO UPDATE SET until_seq = NULL"
)
"""From the next event on, the pattern holds."""

CLOSE_BINDING: Final = "UPDATE bindings SET until_seq = ? WHERE queue = ? AND pattern = ? AND until_seq IS NULL"
"""After this position, the pattern no longer holds."""

FORGET_BINDINGS: Final = "DELETE FROM bindings WHERE queue = ? AND until_seq <= ?"
"""Bindings that ended before the cursor decide nothing any more."""

DROP_QUEUE: Final = (
    "DELETE FROM queues WHERE name = ?",
    "DELETE FROM bindings WHERE queue = ?",
    "DELETE FROM deliveries WHERE queue = ?",
)
"""A queue and all that waits in it."""

GIVE_BACK_ALL: Final = "UPDATE deliveries SET held = 0, due_at = 0 WHERE held = 1"
"""After a start: what was handed out by a process that is gone."""

GIVE_BACK: Final = "UPDATE deliveries SET held = 0, due_at = 0 WHERE id = ?"
"""A consumer left without settling this one."""

HOLD: Final = "UPDATE deliveries SET held = 1, attempts = attempts + 1 WHERE id = ?"
"""Hand a waiting message out once more."""

DUE: Final = (
    "SELECT d.id, d.attempts, d.entered_at, d.message_id, coalesce(d.routing_key, t.name),"
    " coalesce(d.headers, e.headers), coalesce(d.body, e.body)"
    " FROM deliveries d LEFT JOIN events e ON e.seq = d.seq LEFT JOIN types t ON t.id = e.type_id"
    " WHERE d.queue = ? AND d.held = 0 AND d.due_at <= ? ORDER BY d.id LIMIT ?"
)
"""What waits behind the cursor and may be handed out now, oldest first."""

OVERDUE: Final = "SELECT id FROM deliveries WHERE queue = ? AND held = 0 AND entered_at <= ? LIMIT ?"
"""What has waited behind the cursor since before a moment."""

ONE: Final = DUE.split(" WHERE ", maxsplit=1)[0] + " WHERE d.id = ? AND d.held = 0"
"""One waiting message."""

NEXT_DUE: Final = "SELECT min(due_at) FROM deliveries WHERE queue = ? AND held = 0"
"""When the next waiting message may be handed out."""

ADD_DELIVERY: Final = (
    "INSERT INTO deliveries (queue, held, due_at, entered_at, attempts, seq, message_id, routing_key, headers, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
"""A message that is handed out from the log, or put into this queue alone."""

DELIVERED: Final = "DELETE FROM deliveries WHERE id = ?"
"""Settled for good."""

TRY_AGAIN: Final = "UPDATE deliveries SET held = 0, due_at = ? WHERE id = ?"
"""To be handed out again, not before a moment."""

ADD_LETTER: Final = (
    "INSERT INTO letters (queue, reason, message_id, routing_key, attempts, first_at, last_at, headers, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
"""A dead letter with its own copy of the message."""

LETTERS: Final = (
    "SELECT id, queue, reason, message_id, routing_key, attempts, first_at, last_at, headers, body"
    " FROM letters WHERE id > ? ORDER BY id LIMIT ?"
)
"""A page of dead letters, oldest first."""

COUNT_DELIVERIES: Final = "SELECT held, count(*) FROM deliveries WHERE queue = ? GROUP BY held"
"""How many wait behind the cursor, and how many are handed out."""

COUNT_BEYOND: Final = (
    "SELECT t.name, count(*) FROM events e JOIN types t ON t.id = e.type_id"
    " WHERE e.seq > ? AND e.seq <= ? GROUP BY e.type_id"
)
"""How many events of each type lie in a stretch of the log."""
