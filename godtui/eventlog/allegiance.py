"""The bus that a data directory belongs to: a log holds the events of one bus, and is never continued by another's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from godtui.eventlog.errors import DataDirectoryError
from godtui.eventlog.log import EventLog
from godtui.eventlog.notes import write_note
from godtui.settings import BusIdentity

NOTE: Final = "bus.json"

_ONE_BROKER: Final = ", or, if both are one broker, start once with the URLs of both in --bus"


class Allegiance:
    """A data directory's belonging to a bus; for the directory's owner, before it opens the log.

    Raises DataDirectoryError where the directory belongs to another bus, and where its note cannot be understood.
    """

    def __init__(self, directory: Path, bus: BusIdentity) -> None:
        known = _known(directory, bus)
        if known is not None and not known.is_same(bus):
            advice = _ONE_BROKER if known.nodes and bus.nodes and known.vhost == bus.vhost else ""
            raise DataDirectoryError(f"{directory} belongs to {known}, not to {bus}; name another --data-dir{advice}")
        self._path = directory / NOTE
        self._bus = bus if known is None else known.widened(bus)
        self._kept = known == self._bus and self._path.exists()

    def keep(self) -> bool:
        """Write down which bus it is, with every node it was ever reached by; whether that is on disk."""
        self._kept = self._kept or write_note(self._path, self._bus.document(), lasting=True)
        return self._kept


def belonging(directory: Path) -> BusIdentity | None:
    """The bus a directory belongs to, None where it belongs to none yet. Raises OSError, ValueError, RecursionError."""
    try:
        return BusIdentity.read(json.loads((directory / NOTE).read_bytes()))
    except FileNotFoundError:
        # A log without a note was begun when there was no other bus.
        return BusIdentity() if EventLog.lies_in(directory) else None


def _known(directory: Path, bus: BusIdentity) -> BusIdentity | None:
    try:
        return belonging(directory)
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not as it was written"
        raise DataDirectoryError(
            f"{directory / NOTE}, which says what bus its directory belongs to, cannot be read ({reason}); "
            f"remove it if that is {bus}, or name another --data-dir"
        ) from None
