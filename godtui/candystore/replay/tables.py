"""Replays in the log's file: their table and every statement that touches it."""

from __future__ import annotations

from typing import Final

from godtui.eventlog import Migrations

MIGRATIONS: Final = Migrations(
    "replays",
    (
        """
        -- Moments are microseconds since 1970, stretches of time seconds; a speed of null is the highest there is.
        -- The revision grows with whatever an operator changes: what was under way before is then void.
        CREATE TABLE replays (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
            filter TEXT NOT NULL,
            target TEXT NOT NULL,
            speed REAL,
            rate REAL,
            max_gap REAL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            total INTEGER NOT NULL,
            exact INTEGER NOT NULL,
            done INTEGER NOT NULL,
            sent INTEGER NOT NULL,
            skipped INTEGER NOT NULL,
            position INTEGER NOT NULL,
            at INTEGER,
            until_seq INTEGER NOT NULL,
            last_at INTEGER,
            created_at INTEGER NOT NULL,
            started_at INTEGER,
            ended_at INTEGER,
            revision INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX replays_open ON replays (number) WHERE ended_at IS NULL;
        """,
    ),
)

_COLUMNS: Final = (
    "number, id, filter, target, speed, rate, max_gap, state, reason, total, exact, done, sent, skipped, position, at,"
    " until_seq, last_at, created_at, started_at, ended_at, revision"
)

ADD: Final = f"INSERT INTO replays ({_COLUMNS}) VALUES (NULL{', ?' * 21})"  # noqa: S608
"""A new replay: every column but its number."""

REPLAY: Final = f"SELECT {_COLUMNS} FROM replays WHERE id = ?"  # noqa: S608 - all parts are ours
"""One replay, as `Replay` reads it."""

OPEN: Final = f"SELECT {_COLUMNS} FROM replays WHERE ended_at IS NULL ORDER BY number DESC"  # noqa: S608
"""Those in which something is still to come, newest first."""

ENDED: Final = f"SELECT {_COLUMNS} FROM replays WHERE ended_at IS NOT NULL ORDER BY number DESC LIMIT ?"  # noqa: S608
"""The newest of the others."""

COUNT_OPEN: Final = "SELECT count(*), coalesce(sum(state = 'running'), 0) FROM replays WHERE ended_at IS NULL"
"""How many are open, and how many of these run."""

ADVANCE: Final = (
    "UPDATE replays SET position = ?, at = ?, done = done + ?, sent = sent + ?, skipped = skipped + ?"
    " WHERE id = ? AND revision = ? AND position = ? AND ended_at IS NULL"
)
"""So much was sent, unless the replay stands elsewhere by now."""

CHANGE: Final = (
    "UPDATE replays SET state = ?, reason = ?, speed = ?, rate = ?, max_gap = ?, position = ?, at = ?, done = ?,"
    " exact = ?, started_at = ?, ended_at = ?, revision = revision + 1 WHERE id = ? AND ended_at IS NULL"
)
"""What an operator changed, or that it ended."""

FORGET: Final = (
    "DELETE FROM replays WHERE ended_at IS NOT NULL AND number <"
    " (SELECT number FROM replays WHERE ended_at IS NOT NULL ORDER BY number DESC LIMIT 1 OFFSET ?)"
)
"""All that ended but the newest, one more than the offset."""

_ID_TEXT: Final = " || '-' || ".join(
    f"substr(lower(hex(id)), {first}, {length})" for first, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
)
LOWEST_NEEDED: Final = f"SELECT min(position) + 1, {_ID_TEXT} FROM replays WHERE ended_at IS NULL"  # noqa: S608
"""The first position that an open replay may still send, and its id; null where there is none."""
