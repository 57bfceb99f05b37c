"""The dispatcher's ledger in the log's file: its tables and every statement that touches them."""

from __future__ import annotations

from typing import Final

from godtui.eventlog import Migrations

MIGRATIONS: Final = Migrations(
    "dispatcher",
    (
        """
        -- A ticket, and the state of its current episode beside it, so that states are counted and listed at once.
        CREATE TABLE dispatch_tickets (
            id TEXT PRIMARY KEY,
            reference TEXT NOT NULL,
            state TEXT NOT NULL,
            number INTEGER NOT NULL,
            said TEXT,
            content_at INTEGER,
            changed_at INTEGER NOT NULL,
            correlation_id BLOB,
            delivery_id BLOB,
            timeline BLOB NOT NULL,
            ticket BLOB NOT NULL,
            decision BLOB
        ) STRICT;
        CREATE INDEX dispatch_tickets_by_state ON dispatch_tickets (state, changed_at);
        CREATE INDEX dispatch_tickets_by_reference ON dispatch_tickets (reference COLLATE NOCASE);
        CREATE TABLE dispatch_episodes (
            ticket TEXT NOT NULL,
            number INTEGER NOT NULL,
            phase TEXT NOT NULL,
            since INTEGER NOT NULL,
            ready_at INTEGER NOT NULL,
            reason TEXT NOT NULL,
            forced TEXT,
            due_at INTEGER,
            attempts INTEGER NOT NULL,
            body BLOB,
            key TEXT,
            variant INTEGER NOT NULL,
            settles INTEGER,
            leaving INTEGER NOT NULL,
            by_operator INTEGER NOT NULL,
            run_id TEXT,
            checks BLOB,
            correlation_id BLOB,
            cause_id BLOB,
            opened_at INTEGER NOT NULL,
            changed_at INTEGER NOT NULL,
            closed_at INTEGER,
            PRIMARY KEY (ticket, number)
        ) STRICT;
        CREATE INDEX dispatch_episodes_due ON dispatch_episodes (due_at) WHERE closed_at IS NULL;
        CREATE INDEX dispatch_episodes_closed ON dispatch_episodes (closed_at) WHERE closed_at IS NOT NULL;
        -- Deliveries that were decided, so that none is decided twice.
        CREATE TABLE dispatch_decided (
            event_id BLOB PRIMARY KEY,
            decided_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX dispatch_decided_by_time ON dispatch_decided (decided_at);
        -- What deliveries taught of the names behind ids: of a label its name, of a state its name and group.
        CREATE TABLE dispatch_names (
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            name TEXT,
            state_group TEXT,
            PRIMARY KEY (kind, id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE dispatch_facts (
            name TEXT PRIMARY KEY,
            value BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        """,
    ),
)

_TICKET = (
    "t.id, t.number, t.said, t.content_at, t.changed_at, t.correlation_id, t.delivery_id, t.timeline, t.ticket,"
    " t.decision"
)
EPISODE_COLUMNS: Final = (
    "number", "phase", "since", "ready_at", "reason", "forced", "due_at", "attempts", "body", "key", "variant",
    "settles", "leaving", "by_operator", "run_id", "checks", "correlation_id", "cause_id", "opened_at", "changed_at",
    "closed_at",
)  # fmt: skip
"""The columns of an episode, named as the fields of Episode."""

_EPISODE = ", ".join(f"e.{column}" for column in EPISODE_COLUMNS)
_LISTED = ", ".join("NULL" if column == "body" else f"e.{column}" for column in EPISODE_COLUMNS)
_JOINED = "FROM dispatch_tickets t LEFT JOIN dispatch_episodes e ON e.ticket = t.id AND e.number = t.number"

CASE: Final = f"SELECT {_TICKET}, {_EPISODE} {_JOINED} WHERE t.id = ?"
"""A ticket with its current episode, as `row_of_case` reads it."""

BY_REFERENCE: Final = (
    f"SELECT {_TICKET}, {_LISTED} {_JOINED} WHERE t.id = ?1 OR t.reference = ?1 COLLATE NOCASE"
    " ORDER BY t.id = ?1 DESC, t.changed_at DESC LIMIT 1"
)
"""The ticket of an id or a reference, without the bytes that are sent."""

OF_STATE: Final = f"SELECT {_TICKET}, {_LISTED} {_JOINED} WHERE t.state = ? ORDER BY t.changed_at DESC LIMIT ?"
"""Tickets of one state, those that changed last first."""

_OUTLINED = ", ".join("NULL" if column in ("body", "checks") else f"e.{column}" for column in EPISODE_COLUMNS)
TICKETS: Final = (
    f"SELECT {_TICKET.replace('t.decision', 'NULL')}, {_OUTLINED} {_JOINED} WHERE t.id > ? ORDER BY t.id LIMIT ?"
)
"""Every ticket in pages by id, for the state file, without what takes long to read: decision and checks."""

COUNTS: Final = "SELECT state, count(*) FROM dispatch_tickets GROUP BY state"
"""How many tickets there are of each state."""

KEEP_TICKET: Final = (
    "INSERT INTO dispatch_tickets (id, reference, state, number, said, content_at, changed_at, correlation_id,"
    " delivery_id, timeline, ticket, decision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET reference = excluded.reference, state = excluded.state, number = excluded.number,"
    " said = excluded.said, content_at = excluded.content_at, changed_at = excluded.changed_at,"
    " correlation_id = excluded.correlation_id, delivery_id = excluded.delivery_id, timeline = excluded.timeline,"
    " ticket = excluded.ticket, decision = excluded.decision"
)
"""A ticket as it is now."""

KEEP_EPISODE: Final = (
    f"INSERT OR REPLACE INTO dispatch_episodes (ticket, {', '.join(EPISODE_COLUMNS)})"  # noqa: S608 - ours
    f" VALUES (?, {', '.join('?' * len(EPISODE_COLUMNS))})"
)
"""An episode as it is now."""

DUE: Final = (
    "SELECT ticket, number, phase FROM dispatch_episodes WHERE closed_at IS NULL AND due_at <= ?"
    " ORDER BY due_at LIMIT ?"
)
"""Episodes in which something is to be done now."""

NEXT_DUE: Final = "SELECT min(due_at) FROM dispatch_episodes WHERE closed_at IS NULL AND due_at > ?"
"""When something is to be done next."""

ALL_DUE: Final = "UPDATE dispatch_episodes SET due_at = ? WHERE closed_at IS NULL"
"""After a start, and when an operator says so, nothing waits."""

IS_DECIDED: Final = "SELECT 1 FROM dispatch_decided WHERE event_id = ?"
"""Whether a delivery was decided."""

DECIDED: Final = "INSERT OR IGNORE INTO dispatch_decided (event_id, decided_at) VALUES (?, ?)"
"""A delivery is decided."""

LEARN: Final = "INSERT OR REPLACE INTO dispatch_names (kind, id, name, state_group) VALUES (?, ?, ?, ?)"
"""What an id is called."""

NAMES: Final = "SELECT kind, id, name, state_group FROM dispatch_names"
"""Every name that was taught."""

FACTS: Final = "SELECT name, value FROM dispatch_facts"
"""Whether it is paused, how far it has come, and the like."""

KEEP_FACT: Final = "INSERT OR REPLACE INTO dispatch_facts (name, value) VALUES (?, ?)"
"""One of them."""

ANY_TICKET: Final = "SELECT EXISTS (SELECT 1 FROM dispatch_tickets)"
"""Whether anything was ever decided."""

PRUNE_EPISODES: Final = (
    "DELETE FROM dispatch_episodes WHERE (ticket, number) IN ("
    "SELECT e.ticket, e.number FROM dispatch_episodes e JOIN dispatch_tickets t ON t.id = e.ticket"
    " WHERE e.closed_at <= ? AND (e.number < t.number OR (e.phase <> 'failed' AND e.by_operator = 0)) LIMIT ?)"
)
"""Closed episodes of long ago, but for those that keep their ticket from being dispatched."""

PRUNE_DECIDED: Final = (
    "DELETE FROM dispatch_decided WHERE event_id IN"
    " (SELECT event_id FROM dispatch_decided WHERE decided_at <= ? LIMIT ?)"
)
"""Deliveries that were decided long ago."""

PLANE_TYPES: Final = (
    "SELECT id FROM types WHERE name = 'webhook.plane' OR (name >= 'webhook.plane.' AND name < 'webhook.plane/')"
)
"""The types that the pattern webhook.plane.# matches."""

UNDECIDED: Final = (
    "SELECT e.seq, length(e.body) FROM events e"
    " WHERE e.type_id IN (SELECT value FROM json_each(?)) AND e.seq > ? AND e.seq <= ?"
    " AND NOT EXISTS (SELECT 1 FROM dispatch_decided d WHERE d.event_id = e.event_id)"
    " AND e.seq > coalesce("
    "(SELECT i.last_seq FROM imported i WHERE i.first_seq <= e.seq ORDER BY i.first_seq DESC LIMIT 1), 0)"
    " ORDER BY e.seq"
)
"""Stored deliveries in a stretch of the log that are not decided, and how long each is; none that was imported."""

DELIVERIES: Final = (
    "SELECT event_id, correlation_id, time, body FROM events WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"
)
"""Stored deliveries by their positions, as `Delivery.of_row` reads them."""
