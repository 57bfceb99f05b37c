"""What can be wrong: with a schema folder, and with a question to the registry."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from godtui.envelope import Fault

MAX_MESSAGE: Final = 300
"""Characters of a message, as parts of it may be others' words."""


def shortened(text: str, most: int = MAX_MESSAGE) -> str:
    """The begin, which shows the value, and the end, which says what is wrong with it, of a text that is longer."""
    return f"{text[: most // 2]} … {text[-most // 2 :]}" if len(text) > most else text


class SchemaFault(NamedTuple):
    """One thing wrong with a schema folder.

    `file` is relative to the folder ("" for the folder itself), `pointer` a JSON pointer into the file, `line` and
    `column` count from 1 and are None where the place in the text is not known,
    `code` is the kind of fault, as `holyfields lint` shows it.
    """

    file: str
    message: str
    pointer: str = ""
    line: int | None = None
    column: int | None = None
    code: str = "folder"

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        at = f" (at {shortened(self.pointer)})" if self.pointer else ""
        return f"{place}: {self.message}{at}" if place else f"{self.message}{at}"


class SchemaFolderError(ValueError):
    """The folder cannot serve as contracts; `faults` lists everything found, ordered by file and position."""

    def __init__(self, folder: Path, faults: list[SchemaFault]) -> None:
        self.folder = folder
        self.faults = sorted(faults, key=lambda fault: (fault.file, fault.line or 0, fault.column or 0, fault.message))
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        where = f"the schema folder {self.folder}"
        if len(self.faults) > 1:
            listed = "".join(f"\n  {fault}" for fault in self.faults)
            return f"{where} has {len(self.faults)} faults; correct what is listed:{listed}"
        return f"{where}{':' if self.faults[0].file else ''} {self.faults[0]}"


class UnknownContractError(LookupError):
    """No contract is registered for what was asked."""

    path: ClassVar[str] = "/event_type"

    def __init__(self, message: str, event_type: str) -> None:
        super().__init__(message)
        self.event_type = event_type

    @property
    def fault(self) -> Fault:
        """What is wrong with an event of such a name, at the place of the name."""
        return Fault(self.path, str(self))


class UnknownTypeError(UnknownContractError):
    """The event type has no schema; `nearest` is a registered type of similar spelling, or None."""

    def __init__(self, event_type: str, nearest: str | None) -> None:
        hint = f"; did you mean {nearest}?" if nearest else "; GET /schemas lists the types there are"
        super().__init__(f"the event type {event_type[:255]} has no schema{hint}", event_type)
        self.nearest = nearest


class UnknownVersionError(UnknownContractError):
    """The event type has schemas, but not of that version; `versions` lists what there is."""

    path = "/version"

    def __init__(self, event_type: str, version: str, versions: tuple[str, ...]) -> None:
        known = ", ".join(versions)
        super().__init__(f"{event_type} has no version {version[:40]}; registered: {known}", event_type)
        self.version = version
        self.versions = versions
