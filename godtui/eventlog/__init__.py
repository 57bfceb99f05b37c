"""The one log: durable, ordered, read by everyone, written by one thread."""

from godtui.eventlog.allegiance import Allegiance
from godtui.eventlog.cuts import CutEvent, Walked
from godtui.eventlog.errors import DataDirectoryError, LogUnavailableError, OwnedError, PoisonError, is_damage
from godtui.eventlog.imported import Stretches
from godtui.eventlog.log import EventLog
from godtui.eventlog.migrations import COLUMNS, Migrations
from godtui.eventlog.notes import replace_file, write_note
from godtui.eventlog.owner import Ownership, read_note
from godtui.eventlog.readers import Readers
from godtui.eventlog.tail import Tail
from godtui.eventlog.transaction import UNSTORABLE, Outcome, Record, Transaction, Verdict, same_body

__all__ = [
    "COLUMNS",
    "UNSTORABLE",
    "Allegiance",
    "CutEvent",
    "DataDirectoryError",
    "EventLog",
    "LogUnavailableError",
    "Migrations",
    "Outcome",
    "OwnedError",
    "Ownership",
    "PoisonError",
    "Readers",
    "Record",
    "Stretches",
    "Tail",
    "Transaction",
    "Verdict",
    "Walked",
    "is_damage",
    "read_note",
    "replace_file",
    "same_body",
    "write_note",
]
