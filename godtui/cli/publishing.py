"""`godtui publish`: one event, or one for each line of standard input."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from godtui import jsontext
from godtui.cli.failures import ThingFailedError, UnreachableError, WrongUsageError, faults_text, shown
from godtui.cli.lines import Line, read_lines
from godtui.cli.options import Given
from godtui.cli.reaching import reach
from godtui.clock import rfc3339
from godtui.envelope import EventDraft, InvalidEventError, is_stored_form, read_draft, without_storage
from godtui.operations import BatchReport, Operations, Receipt
from godtui.settings.values import counted

BATCH_LINES: Final = 200
BATCH_BYTES: Final = 4 * 1024 * 1024
PAYLOAD_BYTES: Final = 134_217_728
"""The most that an event can be allowed to have."""


@dataclass(frozen=True)
class Publication:
    """What was asked to be published."""

    event_type: str | None
    stream: bool
    payload: str | None = None
    payload_file: Path | None = None
    correlation_id: str | None = None
    source: str | None = None
    envelopes: bool = False
    as_json: bool = False

    def document(self, payload: Any) -> dict[str, Any]:
        """The draft of one payload, as JSON."""
        document = {"event_type": self.event_type, "payload": payload, "source": {"service": self.source or "cli"}}
        return document if self.correlation_id is None else {**document, "correlation_id": self.correlation_id}


def run_publish(given: Given, wanted: Publication) -> None:
    """Publish and say what became of it. Raises what `explained` knows."""
    if wanted.envelopes and not wanted.stream:
        raise WrongUsageError("--envelopes reads whole envelopes from standard input; add -")
    if wanted.envelopes and wanted.event_type:
        raise WrongUsageError("an envelope names its own type; leave TYPE out with --envelopes")
    if wanted.event_type is None and not wanted.envelopes:
        raise WrongUsageError("say which event type to publish, such as test.event.created")
    if wanted.stream:
        if wanted.payload is not None or wanted.payload_file is not None:
            raise WrongUsageError("- reads payloads from standard input; leave --payload and --payload-file out")
        asyncio.run(_publish_lines(given, wanted))
    else:
        asyncio.run(_publish_one(given, wanted))


async def _publish_one(given: Given, wanted: Publication) -> None:
    draft = read_draft(wanted.document(_payload(wanted)))
    async with reach(given) as operations:
        receipt = await operations.bus.publish(draft)
    click.echo(_receipt(receipt, wanted.as_json or not sys.stdout.isatty()))


def _payload(wanted: Publication) -> Any:
    if wanted.payload is not None and wanted.payload_file is not None:
        raise WrongUsageError("give --payload or --payload-file, not both")
    if wanted.payload is None and wanted.payload_file is None:
        raise WrongUsageError("give the payload with --payload JSON, --payload-file FILE, or - for standard input")
    try:
        raw: str | bytes = wanted.payload or ""
        if wanted.payload_file is not None:
            raw = _read(wanted.payload_file)
        return jsontext.parse(raw)
    except OSError as error:
        raise WrongUsageError(f"{wanted.payload_file} cannot be read: {error.strerror}") from None
    except jsontext.JsonError as error:
        raise ThingFailedError(f"the payload is not JSON: {error}") from None


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(PAYLOAD_BYTES + 1)
    if len(content) > PAYLOAD_BYTES:
        raise ThingFailedError(f"{file} has over {PAYLOAD_BYTES:,} bytes, which are more than any event may have")
    return content


def _receipt(receipt: Receipt, as_json: bool) -> str | bytes:
    if not as_json:
        return f"published {receipt.event_type} {receipt.event_id}"
    document = {
        "event_id": str(receipt.event_id),
        "event_type": receipt.event_type,
        "version": receipt.version,
        "correlation_id": str(receipt.correlation_id),
        "timestamp": rfc3339(receipt.timestamp),
    }
    return jsontext.dumps(document)


@dataclass
class _Tally:
    """How a stream of lines went so far."""

    accepted: int = 0
    rejected: int = 0
    unconfirmed: int = 0

    def take(self, report: BatchReport, lines: list[int]) -> None:
        """Count a batch and name the lines that failed."""
        self.accepted += report.accepted
        for rejection in report.rejected:
            self.refuse(lines[rejection.index], InvalidEventError(list(rejection.faults)))
        for unconfirmed in report.unconfirmed:
            self.unconfirmed += 1
            number = lines[unconfirmed.index]
            click.echo(f"line {number}: not confirmed; repeat it with event_id {unconfirmed.event_id}", err=True)

    def refuse(self, line: int, error: Exception) -> None:
        """A line that cannot be published."""
        self.rejected += 1
        said = faults_text(error) if isinstance(error, InvalidEventError) else str(error)
        click.echo(f"line {line}: {shown(said)}", err=True)

    def close(self, as_json: bool) -> None:
        """Say the totals; raises where not everything was published."""
        if as_json:
            totals = {"accepted": self.accepted, "rejected": self.rejected, "unconfirmed": self.unconfirmed}
            click.echo(jsontext.dumps(totals))
        else:
            click.echo(f"published {counted(self.accepted, 'event')}")
        if self.unconfirmed:
            were = "was" if self.unconfirmed == 1 else "were"
            raise UnreachableError(f"{counted(self.unconfirmed, 'event')} {were} not confirmed; each is named above")
        if self.rejected:
            raise ThingFailedError(f"{self.rejected:,} of the lines were not published; each is named above")


async def _publish_lines(given: Given, wanted: Publication) -> None:
    tally = _Tally()
    descriptor = _standard_input()
    size = _size(descriptor)
    arriving = _arriving(descriptor)
    # Whoever sends the lines may need the data directory first.
    lines: list[Line] | None = await anext(arriving, [])
    async with reach(given) as operations:
        with click.progressbar(length=size or 1, label="publishing", file=sys.stderr, hidden=_hidden(size)) as bar:
            while lines is not None:
                for numbers, drafts, consumed in _batches(lines, wanted, tally):
                    await _send(operations, numbers, drafts, tally)
                    bar.update(consumed)
                lines = await anext(arriving, None)
    tally.close(wanted.as_json or not sys.stdout.isatty())


async def _arriving(descriptor: int) -> AsyncIterator[list[Line]]:
    try:
        async for lines in read_lines(descriptor):
            yield lines
    except OSError as error:
        raise WrongUsageError(f"standard input cannot be read: {error.strerror}") from None


async def _send(operations: Operations, numbers: list[int], drafts: list[EventDraft], tally: _Tally) -> None:
    if drafts:
        tally.take(await operations.bus.publish_batch(drafts), numbers)


def _batches(
    lines: Sequence[Line], wanted: Publication, tally: _Tally
) -> Iterator[tuple[list[int], list[EventDraft], int]]:
    """Drafts with their line numbers, and the bytes they came from; lines that are no drafts are counted at once."""
    numbers: list[int] = []
    drafts: list[EventDraft] = []
    consumed = 0
    for line in lines:
        if drafts and (len(drafts) >= BATCH_LINES or consumed + line.size > BATCH_BYTES):
            yield numbers, drafts, consumed
            numbers, drafts, consumed = [], [], 0
        consumed += line.size
        try:
            draft = _draft(line, wanted)
        except (jsontext.JsonError, InvalidEventError) as error:
            tally.refuse(line.number, error)
            continue
        if draft is not None:
            drafts.append(draft)
            numbers.append(line.number)
    yield numbers, drafts, consumed


def _draft(line: Line, wanted: Publication) -> EventDraft | None:
    """What a line says; nothing where it is blank."""
    if line.text is None:
        raise jsontext.JsonError(f"{line.size:,} bytes are more than any event may have")
    if not line.text.strip():
        return None
    value = jsontext.parse(line.text)
    if wanted.envelopes:
        return read_draft(without_storage(value) if is_stored_form(value) else value)
    return read_draft(wanted.document(value))


def _standard_input() -> int:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        raise WrongUsageError("standard input is closed; send payloads to it, or give one with --payload") from None


def _size(descriptor: int) -> int | None:
    """The bytes that are left where standard input is a file."""
    try:
        return os.fstat(descriptor).st_size - os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError:
        return None


def _hidden(size: int | None) -> bool:
    return size is None or size <= 0 or not sys.stderr.isatty()
