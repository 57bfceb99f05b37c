"""Publishing through an instance, which judges what it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from godtui import jsontext
from godtui.bloodbank.errors import InstanceUnreachableError, NotConfirmedError, PublishError
from godtui.bloodbank.http import answers
from godtui.bloodbank.http.connection import Connection
from godtui.bloodbank.receipt import Receipt
from godtui.bloodbank.report import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, BatchReport, Rejection, Unconfirmed
from godtui.clock import rfc3339, to_microseconds
from godtui.envelope import EventDraft, Fault, InvalidEventError


async def publish(connection: Connection, draft: EventDraft) -> Receipt:
    """Publish one event and wait until it is durable there.

    Raises InvalidEventError, TooLargeError, ConflictError, NotConfirmedError; InstanceUnreachableError where the event
    was not sent.
    """
    body = _text(draft)
    try:
        answer = await connection.request("POST", "/publish", content=body)
    except InstanceUnreachableError as error:
        if error.sent:
            raise NotConfirmedError(draft.event_id, str(error)) from None
        raise
    if answer.status != 202:
        raise answers.publish_error(answer, draft.event_id)
    return answer.read(answers.receipt)


async def publish_batch(connection: Connection, drafts: Sequence[EventDraft]) -> BatchReport:
    """Publish any number of events in order, in as many requests as it takes.

    Raises InstanceUnreachableError where none of them was sent; what a later request could not be made for is
    unconfirmed.
    """
    texts: list[bytes] = []
    places: list[int] = []
    rejected: list[Rejection] = []
    for index, draft in enumerate(drafts):
        try:
            texts.append(_text(draft))
            places.append(index)
        except InvalidEventError as error:
            rejected.append(Rejection(index, error.faults))
    report = await _publish_all(connection, [drafts[place] for place in places], texts)
    return report.within(places, rejected)


async def _publish_all(connection: Connection, drafts: Sequence[EventDraft], texts: Sequence[bytes]) -> BatchReport:
    whole = BatchReport()
    start = 0
    for part in _parts(texts):
        named = drafts[start : start + len(part)]
        try:
            report = await _publish_part(connection, named, part)
        except InstanceUnreachableError as error:
            if not (start or error.sent):
                raise
            report = BatchReport(unconfirmed=_unconfirmed(named))
        report = report.within(range(start, start + len(part)))
        start += len(part)
        whole.accepted += report.accepted
        whole.rejected += report.rejected
        whole.unconfirmed += report.unconfirmed
    return whole


async def _publish_part(connection: Connection, drafts: Sequence[EventDraft], texts: Sequence[bytes]) -> BatchReport:
    answer = await connection.request("POST", "/publish/batch", content=b"[%b]" % b",".join(texts))
    if answer.status in (200, 207):
        return answer.read(answers.batch_report)
    if len(drafts) == 1 and answer.status == 413:
        refusal = answers.publish_error(answer, drafts[0].event_id)
        if isinstance(refusal, PublishError):
            return BatchReport.of([refusal])
    raise answers.error(answer)


def document(draft: EventDraft) -> dict[str, Any]:
    """A draft as the body of `POST /publish`."""
    given = {
        "event_id": str(draft.event_id),
        "timestamp": None if draft.timestamp is None else rfc3339(to_microseconds(draft.timestamp)),
        "version": draft.version,
        "source": draft.source,
        "correlation_id": None if draft.correlation_id is None else str(draft.correlation_id),
        "causation_id": None if draft.causation_id is None else str(draft.causation_id),
    }
    said = {name: value for name, value in given.items() if value is not None}
    return {"event_type": draft.event_type, "payload": draft.payload, **said, **(draft.model_extra or {})}


def _text(draft: EventDraft) -> bytes:
    try:
        return jsontext.dumps(document(draft))
    except jsontext.JsonError as error:
        raise InvalidEventError([Fault("", str(error))]) from None


def _parts(texts: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The texts in order, parted so that each part fits into one request; without any, one empty part."""
    start, size = 0, 2
    for end, text in enumerate(texts):
        if end > start and (end - start == MAX_BATCH_EVENTS or size + len(text) + 1 > MAX_BATCH_BYTES):
            yield texts[start:end]
            start, size = end, 2
        size += len(text) + 1
    yield texts[start:]


def _unconfirmed(drafts: Sequence[EventDraft]) -> list[Unconfirmed]:
    return [Unconfirmed(index, draft.event_id) for index, draft in enumerate(drafts)]
