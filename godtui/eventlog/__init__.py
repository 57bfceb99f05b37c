"""The one log: durable, ordered, read by everyone, written by one thread."""

from godtui.eventlog.allegiance import NOTE as BUS_NOTE
from godtui.eventlog.allegiance import Allegiance, belonging
from godtui.eventlog.copying import Copied, LogCopy, Progress
from godtui.eventlog.cuts import CutEvent, Walked
from godtui.eventlog.damage import examine, require_intact
from godtui.eventlog.database import APPLICATION_ID
from godtui.eventlog.errors import (
    CopyError,
    DamagedError,
    DataDirectoryError,
    LogUnavailableError,
    OwnedError,
    PoisonError,
    is_damage,
)
from godtui.eventlog.imported import Stretches
from godtui.eventlog.log import FILE_NAME, EventLog
from godtui.eventlog.migrations import COLUMNS, Migrations, known_version
from godtui.eventlog.notes import replace_file, write_note
from godtui.eventlog.owner import Ownership, read_note
from godtui.eventlog.pages import Page
from godtui.eventlog.placing import placed, require_place, require_room
from godtui.eventlog.readers import Readers
from godtui.eventlog.salvage import Salvage, Saved, readable
from godtui.eventlog.tail import Tail
from godtui.eventlog.transaction import UNSTORABLE, Outcome, Record, Transaction, Verdict, same_body
from godtui.eventlog.wreck import Lost

__all__ = [
    "APPLICATION_ID",
    "BUS_NOTE",
    "COLUMNS",
    "FILE_NAME",
    "UNSTORABLE",
    "Allegiance",
    "Copied",
    "CopyError",
    "CutEvent",
    "DamagedError",
    "DataDirectoryError",
    "EventLog",
    "LogCopy",
    "LogUnavailableError",
    "Lost",
    "Migrations",
    "Outcome",
    "OwnedError",
    "Ownership",
    "Page",
    "PoisonError",
    "Progress",
    "Readers",
    "Record",
    "Salvage",
    "Saved",
    "Stretches",
    "Tail",
    "Transaction",
    "Verdict",
    "Walked",
    "belonging",
    "examine",
    "is_damage",
    "known_version",
    "placed",
    "read_note",
    "readable",
    "replace_file",
    "require_intact",
    "require_place",
    "require_room",
    "same_body",
    "write_note",
]
