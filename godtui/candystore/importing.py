"""Stored events brought in from a file: history, which is kept as it was and handed to nobody."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from godtui import jsontext
from godtui.bloodbank.bus import Message
from godtui.bloodbank.judging import judge
from godtui.bloodbank.report import Rejection
from godtui.envelope import (
    RESERVED,
    Fault,
    InvalidEventError,
    is_stored_form,
    read_envelope,
    read_own_form,
    without_storage,
)
from godtui.eventlog import EventLog, Outcome, PoisonError, Record, Transaction, Verdict
from godtui.holyfields import Contracts, Registry
from godtui.jsontext import Json, JsonError

UNIT_EVENTS: Final = 250
UNIT_BYTES: Final = 1024 * 1024
"""What one commit takes: what is published meanwhile waits for it."""
CONFLICT: Final = "conflict"

_LARGE: Final = 64 * 1024
"""Lines of more bytes than this are read in a thread, so that others have their turn meanwhile."""
_STORAGE: Final = re.compile(
    rb',"seq":(?:[0-9]{1,19}|null),"stored_at":(?:"[0-9TZ:.-]{20,32}"|null),"violations":(\[.*\])\}', re.DOTALL
)
_NAMES: Final = tuple(f'"{name}"'.encode() for name in RESERVED)

Entry: TypeAlias = Record | list[Fault]


@dataclass(slots=True)
class ImportReport:
    """What became of some lines: how many were stored, how many were held already, and which were refused and why."""

    stored: int = 0
    already: int = 0
    refused: list[Rejection] = field(default_factory=list)


class Importer:
    """Takes lines as `godtui events --format json` prints them, and plain envelopes, into the log.

    A stored event keeps all but its `seq` and `stored_at`, which are this log's own; what was irregular about it is
    kept as it was found then. A plain envelope is judged by the contracts of today, and kept whatever they say.
    """

    def __init__(self, log: EventLog, contracts: Contracts) -> None:
        self._log = log
        self._contracts = contracts

    async def take(self, lines: Sequence[bytes]) -> ImportReport:
        """Store in order what can be stored and is not held already. Raises LogUnavailableError: repeat them then."""
        registry = self._contracts.current
        report = ImportReport()
        start = 0
        while unit := _unit(lines, start):
            await self._take(unit, start, registry, report)
            start += len(unit)
        report.refused.sort(key=lambda one: one.index)
        return report

    async def _take(self, lines: Sequence[bytes], first: int, registry: Registry, report: ImportReport) -> None:
        """One commit; the first of these lines has that index."""
        if sum(map(len, lines)) > _LARGE:
            entries = await asyncio.to_thread(_entries, lines, registry)
        else:
            entries = _entries(lines, registry)
        records: list[Record] = []
        places: list[int] = []
        for index, entry in enumerate(entries, first):
            if isinstance(entry, Record):
                records.append(entry)
                places.append(index)
            else:
                report.refused.append(Rejection(index, entry))
        if records:
            for place, outcome in zip(places, await self._log.submit(Import(records)), strict=True):
                _count(report, place, outcome)


@dataclass(frozen=True, slots=True)
class Import:
    """A unit of the log: records as history. Answers an outcome each, or why SQLite cannot hold it."""

    records: Sequence[Record]

    def __call__(self, transaction: Transaction) -> list[Outcome | str]:
        try:
            return [*transaction.append_history(self.records)]
        except PoisonError:
            return [_alone(transaction, record) for record in self.records]


def _alone(transaction: Transaction, record: Record) -> Outcome | str:
    try:
        return transaction.append_history([record])[0]
    except PoisonError as error:
        return str(error)


def _unit(lines: Sequence[bytes], start: int) -> Sequence[bytes]:
    """The next lines, as many as one commit takes; one at least, where there is one."""
    size = 0
    for end in range(start, min(start + UNIT_EVENTS, len(lines))):
        size += len(lines[end])
        if size > UNIT_BYTES and end > start:
            return lines[start:end]
    return lines[start : start + UNIT_EVENTS]


def _count(report: ImportReport, place: int, outcome: Outcome | str) -> None:
    if isinstance(outcome, str):
        report.refused.append(Rejection(place, [Fault("", outcome)]))
    elif outcome.verdict is Verdict.STORED:
        report.stored += 1
    elif outcome.verdict is Verdict.ALREADY:
        report.already += 1
    else:
        said = f"its event_id is already stored with other content (seq {outcome.seq})"
        report.refused.append(Rejection(place, [Fault("/event_id", said, CONFLICT)]))


def _entries(lines: Sequence[bytes], registry: Registry) -> list[Entry]:
    return [_entry(line, registry) for line in lines]


def _entry(line: bytes, registry: Registry) -> Entry:
    try:
        return read_line(line, registry)
    except InvalidEventError as error:
        return error.faults


def read_line(line: bytes, registry: Registry) -> Record:
    """The event that a line says. Raises InvalidEventError where it says none."""
    line = line.strip()
    own = _in_own_form(line)
    if own is not None:
        return own
    try:
        # What was set aside under `extra` stands one level deeper than it did.
        value = jsontext.parse(line, max_depth=jsontext.MAX_DEPTH + 1)
    except JsonError as error:
        raise InvalidEventError([Fault("", f"not JSON that can be kept: {error}")]) from None
    if not is_stored_form(value):
        return judge(_message(value), registry)
    told = _violations(value["violations"])
    envelope, irregular = read_envelope(jsontext.dumps(without_storage(value)))
    known = {one["path"] for one in told}
    told += [fault.as_json() for fault in irregular if fault.path not in known]
    return Record.of(envelope, envelope.to_json(), violations=jsontext.dumps(told) if told else None)


def _in_own_form(line: bytes) -> Record | None:
    """The record of a stored event that is as we write it, much sooner read; None for any other line."""
    end = line.rfind(b',"seq":')
    found = _STORAGE.fullmatch(line, end) if end > 0 else None
    if found is None:
        return None
    body = line[:end] + b"}"
    if any(name in body for name in _NAMES) or b"\\u" in body:
        return None
    own = read_own_form(body)
    if own is None:
        return None
    violations = None if found[1] == b"[]" else jsontext.dumps(_violations(_parsed(found[1])))
    return Record(own.event_id, own.event_type, own.source, own.correlation_id, own.time, violations, None, body)


def _parsed(text: bytes) -> Json:
    try:
        return jsontext.parse(text)
    except JsonError as error:
        raise InvalidEventError([Fault("/violations", f"not JSON that can be kept: {error}")]) from None


def _violations(told: Json) -> list[dict[str, Any]]:
    """What was irregular about a stored event. Raises InvalidEventError where it is not told as we tell it."""
    if not isinstance(told, list) or not all(isinstance(one, dict) and _is_fault(one) for one in told):
        said = "violations are objects with path and message, as stored events have them"
        raise InvalidEventError([Fault("/violations", said)])
    return list(told)


def _is_fault(one: dict[str, Any]) -> bool:
    return (
        isinstance(one.get("path"), str)
        and isinstance(one.get("message"), str)
        and isinstance(one.get("keyword", ""), str)
    )


def _message(value: Json) -> Message:
    """A plain envelope as if it had come over the bus, sent as what it says it is."""
    event_type = value.get("event_type") if isinstance(value, dict) else None
    return Message(jsontext.dumps(value), event_type if isinstance(event_type, str) else "", "")
