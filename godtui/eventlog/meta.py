"""Small facts kept in the log's file by name."""

from __future__ import annotations

from typing import Final

KEEP: Final = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
"""A fact is this text from now on."""

KEPT: Final = "SELECT value FROM meta WHERE key = ?"
"""The text of a fact."""
