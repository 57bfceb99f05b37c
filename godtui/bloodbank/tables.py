"""The embedded bus in the log's file: its tables and every statement that touches them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from godtui import jsontext
from godtui.eventlog import COLUMNS, Migrations

MIGRATIONS: Final = Migrations(
    "bloodbank",
    (
        """
        CREATE TABLE queues (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            cursor INTEGER NOT NULL,
            message_ttl INTEGER
        ) STRICT;
        CREATE TABLE bindings (
            queue INTEGER NOT NULL,
            pattern TEXT NOT NULL,
            since_seq INTEGER NOT NULL,
            until_seq INTEGER,
            PRIMARY KEY (queue, pattern, since_seq)
        ) STRICT, WITHOUT ROWID;
        -- A message behind its queue's cursor that is not settled: handed out, to be tried again, or put there alone.
        -- It waits for a moment (due_at) and behind a position: what the cursor has not reached yet comes first.
        CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            queue INTEGER NOT NULL,
            held INTEGER NOT NULL,
            behind_seq INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            entered_at INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            seq INTEGER,
            message_id TEXT,
            routing_key TEXT,
            headers BLOB,
            body BLOB
        ) STRICT;
        -- What is handed out straight from the log and soon settled touches none of these.
        CREATE INDEX deliveries_in_line ON deliveries (queue, behind_seq) WHERE held = 0;
        CREATE INDEX deliveries_by_due ON deliveries (queue, due_at) WHERE held = 0;
        CREATE INDEX deliveries_by_entry ON deliveries (queue, entered_at) WHERE held = 0;
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
        """
        -- The token is that of the message that carried a letter here, so that a letter delivered twice is kept once.
        ALTER TABLE letters ADD COLUMN event_type TEXT;
        ALTER TABLE letters ADD COLUMN token BLOB;
        CREATE UNIQUE INDEX letters_by_token ON letters (token) WHERE token IS NOT NULL;
        -- What was accepted here and has yet to reach the broker, in order.
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            event_id BLOB NOT NULL UNIQUE,
            entered_at INTEGER NOT NULL,
            routing_key TEXT NOT NULL,
            headers BLOB,
            body BLOB NOT NULL
        ) STRICT;
        -- How far those have come who follow something step by step.
        CREATE TABLE positions (
            name TEXT PRIMARY KEY,
            position INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """,
    ),
)

END_OF_LOG: Final = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)"
"""The last position, within the transaction that asks, although retention may have cut what stood there."""

QUEUES: Final = "SELECT id, name, cursor, message_ttl FROM queues"
"""Every declared queue."""

QUEUE: Final = "SELECT id, cursor FROM queues WHERE name = ?"
"""One queue by its name."""

QUEUE_BY_ID: Final = "SELECT cursor, message_ttl FROM queues WHERE id = ?"
"""One queue by its number."""

BINDINGS: Final = "SELECT pattern, since_seq, until_seq FROM bindings WHERE queue = ?"
"""All bindings a queue has or had."""

BOUND_QUEUES: Final = (
    "SELECT q.id, q.name, b.pattern FROM queues q JOIN bindings b ON b.queue = q.id WHERE b.until_seq IS NULL"
    " ORDER BY q.name, b.pattern"
)
"""Every pattern in force now, with its queue."""

ADD_QUEUE: Final = "INSERT INTO queues (name, cursor, message_ttl) VALUES (?, ?, ?)"
"""A new queue: name, cursor, time to live in microseconds."""

SET_TTL: Final = "UPDATE queues SET message_ttl = ? WHERE id = ?"
"""Change how long messages live."""

SET_CURSOR: Final = "UPDATE queues SET cursor = ?1 WHERE id = ?2 AND cursor < ?1"
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
    "DELETE FROM bindings WHERE queue = (SELECT id FROM queues WHERE name = ?)",
    "DELETE FROM deliveries WHERE queue = (SELECT id FROM queues WHERE name = ?)",
    "DELETE FROM queues WHERE name = ?",
)
"""A queue and all that waits in it."""

GIVE_BACK_ALL: Final = "UPDATE deliveries SET held = 0, due_at = 0, behind_seq = 0 WHERE held = 1"
"""After a start: what was handed out by a process that is gone."""

HELD: Final = "SELECT id FROM deliveries WHERE queue = ? AND held = 1"
"""What the file says is handed out."""

GIVE_BACK: Final = (
    "UPDATE deliveries SET held = 0, due_at = 0, behind_seq = 0 WHERE id IN (SELECT value FROM json_each(?))"
)
"""What nobody here knows of waits again."""

WAITING: Final = (
    "SELECT d.id, d.attempts, d.entered_at, coalesce(d.message_id, e.event_id), coalesce(d.routing_key, t.name),"
    " coalesce(d.headers, e.headers), coalesce(d.body, e.body)"
    " FROM deliveries d LEFT JOIN events e ON e.seq = d.seq LEFT JOIN types t ON t.id = e.type_id"
)
"""Messages behind the cursor, as `Handed.from_row` reads them."""

IN_LINE: Final = (
    f"{WAITING} WHERE d.queue = ? AND d.held = 0 AND d.behind_seq <= ? AND d.due_at <= ?"
    " ORDER BY d.behind_seq, d.id LIMIT ?"
)
"""What may be handed out now: behind nothing that the cursor has yet to reach, and due."""

OVERDUE: Final = f"{WAITING} WHERE d.queue = ? AND d.held = 0 AND d.entered_at <= ? ORDER BY d.entered_at LIMIT ?"
"""What has waited behind the cursor since before a moment."""

ANY_OVERDUE: Final = "SELECT 1 FROM deliveries WHERE queue = ? AND held = 0 AND entered_at <= ? LIMIT 1"
"""Whether anything has waited behind the cursor since before a moment."""

NEXT_DUE: Final = "SELECT min(due_at) FROM deliveries WHERE queue = ? AND held = 0"
"""When the next waiting message may be handed out."""

HOLD: Final = "UPDATE deliveries SET held = 1, attempts = attempts + 1 WHERE id IN (SELECT value FROM json_each(?))"
"""Hand waiting messages out once more."""

HOLD_FROM_LOG: Final = (
    "INSERT INTO deliveries (queue, held, behind_seq, due_at, entered_at, attempts, seq)"
    " SELECT ?, 1, 0, 0, json_extract(value, '$[1]'), 1, json_extract(value, '$[0]') FROM json_each(?)"
)
"""Events handed out for the first time, given as a list of [seq, entered_at]."""

PUT: Final = (
    "INSERT INTO deliveries"
    " (queue, held, behind_seq, due_at, entered_at, attempts, message_id, routing_key, headers, body)"
    " VALUES (?, 0, ?, 0, ?, 0, ?, ?, ?, ?)"
)
"""A message put into one queue alone, behind what waits there."""

DELIVERED: Final = "DELETE FROM deliveries WHERE id IN (SELECT value FROM json_each(?))"
"""Settled for good."""

TRY_AGAIN: Final = (
    "UPDATE deliveries SET held = 0, due_at = ?, behind_seq = ? WHERE id = ? AND attempts = ? AND held = 1"
)
"""To be handed out again; the attempt makes sure that a repeated decision does not meet a later hand-out."""

REMOVE: Final = "DELETE FROM deliveries WHERE id = ? AND attempts = ?"
"""To become a letter, once."""

ADD_LETTER: Final = (
    "INSERT INTO letters (queue, reason, message_id, routing_key, attempts, first_at, last_at, headers, body,"
    " event_type, token) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (token) WHERE token IS NOT NULL DO NOTHING"
)
"""A dead letter with its own copy of the message; one whose token is known is there already."""

_LETTER: Final = (
    "SELECT id, queue, reason, event_type, message_id, routing_key, attempts, first_at, last_at, headers,"
    " coalesce(substr(body, 1, ?), X''), length(body) FROM letters"
)

LETTERS_AFTER: Final = f"{_LETTER} WHERE id > ? ORDER BY id LIMIT ?"
"""A page of dead letters, oldest first, with so many bytes of each body, as `DeadLetter.from_row` reads them."""

LETTERS: Final = f"{_LETTER} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id DESC"  # noqa: S608
"""Dead letters by their ids, newest first."""

LETTER_SIZES: Final = (
    "SELECT id, length(body), coalesce(length(headers), 0) FROM letters WHERE id > ?1 AND id < ?2"
    " AND (?3 IS NULL OR queue = ?3) AND (?4 IS NULL OR reason = ?4) ORDER BY id DESC LIMIT ?5"
)
"""Which dead letters there are between two ids, newest first, and how long body and headers are."""

LETTER_CAUSES: Final = (
    "SELECT id, queue, reason, event_type, routing_key, attempts, first_at, last_at, length(body)"
    " FROM letters WHERE id > ? ORDER BY id LIMIT ?"
)
"""What notices say of dead letters beyond a position."""

LAST_LETTER: Final = "SELECT coalesce(max(id), 0) FROM letters"
"""The newest dead letter."""

REMOVE_LETTER: Final = "DELETE FROM letters WHERE id = ?"
"""It was put back, or is not wanted any more."""

COUNT_WAITING: Final = "SELECT count(*) FROM deliveries WHERE queue = ? AND held = 0"
"""How many wait behind the cursor."""

COUNT_BEYOND: Final = (
    "SELECT t.name, c.number FROM"
    " (SELECT type_id, count(*) AS number FROM events WHERE seq > ? AND seq <= ? GROUP BY type_id) c"
    " CROSS JOIN types t ON t.id = c.type_id"
)
"""How many events of each type lie in a stretch of the log, without reading bodies."""

GLANCE: Final = (
    "SELECT e.seq, t.name, e.stored_at, length(e.body) FROM events e CROSS JOIN types t ON t.id = e.type_id"
    " WHERE e.seq > ? AND e.seq <= ? ORDER BY e.seq LIMIT ?"
)
"""What lies beyond a position, up to and with another, without reading bodies."""

CHOSEN: Final = f"SELECT {COLUMNS} FROM stored_events WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"  # noqa: S608
"""Events by their positions."""

NEXT_STORED_AT: Final = "SELECT stored_at FROM events WHERE seq > ? ORDER BY seq LIMIT 1"
"""When the first event beyond a position was stored."""

LOWEST_NEEDED: Final = (
    "SELECT min(seq), name FROM (SELECT cursor + 1 AS seq, name FROM queues"
    " UNION ALL SELECT d.seq, q.name FROM deliveries d JOIN queues q ON q.id = d.queue)"
)
"""The first position that some queue may still have to hand out, and that queue; null where there is none."""


def listed(values: Sequence[object]) -> str:
    """Any number of values as one parameter, for `json_each`."""
    return jsontext.dumps(values).decode()
