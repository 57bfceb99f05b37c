"""Problems as HTTP tells them (RFC 9457): one class, and what every error of the engine becomes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response

from godtui import jsontext
from godtui.api.components import DISPATCHER, WEBHOOKS
from godtui.envelope import Fault, InvalidEventError
from godtui.filters import FilterError
from godtui.operations import (
    BadCursorError,
    ConflictError,
    DispatcherUnavailableError,
    HistoryElsewhereError,
    NotConfirmedError,
    NotDurableError,
    NotJsonError,
    NotRequeuedError,
    ReplayRefusedError,
    ReplayStateError,
    ReplayUnconfirmedError,
    RequeueRefusedError,
    SignatureError,
    StoreUnavailableError,
    TicketStateError,
    TooLargeError,
    UnknownLetterError,
    UnknownPositionError,
    UnknownReplayError,
    UnknownTicketError,
    WebhookDisabledError,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1
MAX_DETAIL = 1000
"""Characters; what is longer quotes its sender, and the faults say it all the same."""

_log = logging.getLogger(__name__)

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Content",
    426: "Upgrade Required",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class ProblemError(Exception):
    """A request that is refused: status, one sentence, and the faults found; `members` are further JSON members."""

    def __init__(
        self,
        status: int,
        detail: str,
        faults: Sequence[Fault] = (),
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail if len(detail) <= MAX_DETAIL else f"{detail[: MAX_DETAIL - 1]}…"
        self.faults = faults
        self.headers = headers
        self.members = members

    def document(self) -> dict[str, Any]:
        """The problem as a JSON object."""
        title = TITLES.get(self.status, "Error")
        plain = {"title": title, "status": self.status, "detail": self.detail, **self.members}
        return {**plain, "errors": [fault.as_json() for fault in self.faults]} if self.faults else plain

    def response(self) -> Response:
        """The problem as an answer; on a WebSocket that is not yet accepted it denies the handshake."""
        return Response(jsontext.dumps(self.document()), self.status, self.headers, MEDIA_TYPE)


@singledispatch
def problem_of(error: Exception) -> ProblemError:
    """The problem that an error becomes; one that nobody foresaw is a 500 that tells nothing of the inside."""
    return ProblemError(500, "something went wrong inside godtui; its log says what")


@problem_of.register
def _(error: ProblemError) -> ProblemError:
    return error


@problem_of.register
def _(error: jsontext.JsonError) -> ProblemError:
    return ProblemError(400, f"the body is not JSON: {error}")


@problem_of.register
def _(error: jsontext.NumberRangeError) -> ProblemError:
    return ProblemError(422, f"the body cannot be kept as it is: {error}", [Fault("", str(error))])


@problem_of.register
def _(error: InvalidEventError) -> ProblemError:
    return ProblemError(422, f"the event is not valid: {error}", error.faults)


@problem_of.register
def _(error: TooLargeError) -> ProblemError:
    return ProblemError(413, str(error), event_id=str(error.event_id))


@problem_of.register
def _(error: ConflictError) -> ProblemError:
    return ProblemError(409, str(error), event_id=str(error.event_id))


@problem_of.register
def _(error: NotConfirmedError) -> ProblemError:
    return unavailable(str(error), event_id=str(error.event_id), reason=error.reason)


@problem_of.register
def _(error: StoreUnavailableError) -> ProblemError:
    return unavailable(str(error))


@problem_of.register
def _(error: HistoryElsewhereError) -> ProblemError:
    holder = error.holder
    return unavailable(str(error), history=holder and {"instance": holder.instance, "url": holder.url})


@problem_of.register
def _(error: UnknownLetterError) -> ProblemError:
    return ProblemError(404, str(error))


@problem_of.register
def _(error: RequeueRefusedError) -> ProblemError:
    return ProblemError(409, str(error))


@problem_of.register
def _(error: NotRequeuedError) -> ProblemError:
    return unavailable(str(error))


@problem_of.register
def _(error: ReplayRefusedError) -> ProblemError:
    if not error.path:  # the request is as it should be, and there is no room for it
        return ProblemError(409, str(error))
    return ProblemError(422, f"the request is not valid: {error}", [Fault(error.path, str(error))])


@problem_of.register
def _(error: ReplayUnconfirmedError) -> ProblemError:
    return ProblemError(409, str(error), total=error.total)


@problem_of.register
def _(error: UnknownReplayError) -> ProblemError:
    return ProblemError(404, str(error))


@problem_of.register
def _(error: ReplayStateError) -> ProblemError:
    return ProblemError(409, str(error))


@problem_of.register
def _(error: UnknownTicketError) -> ProblemError:
    return ProblemError(404, str(error))


@problem_of.register
def _(error: TicketStateError) -> ProblemError:
    return ProblemError(409, str(error))


@problem_of.register
def _(error: DispatcherUnavailableError) -> ProblemError:
    return unavailable(str(error), component=DISPATCHER)


@problem_of.register
def _(error: WebhookDisabledError) -> ProblemError:
    # To ask again is of no use before somebody has set something.
    return ProblemError(503, str(error), component=WEBHOOKS)


@problem_of.register
def _(error: SignatureError) -> ProblemError:
    return ProblemError(401, str(error), headers={"WWW-Authenticate": "X-Plane-Signature"})


@problem_of.register
def _(error: NotJsonError) -> ProblemError:
    return ProblemError(400, str(error))


@problem_of.register
def _(error: NotDurableError) -> ProblemError:
    return unavailable(str(error))


@problem_of.register
def _(error: BadCursorError) -> ProblemError:
    return ProblemError(400, "the cursor was not given out for this query; leave it out to begin anew")


@problem_of.register
def _(error: UnknownPositionError) -> ProblemError:
    return ProblemError(422, f"the query is not valid: after: {error}", [Fault("query:after", str(error))])


@problem_of.register
def _(error: FilterError) -> ProblemError:
    return ProblemError(
        422, f"the filter cannot be understood: {error.message}", [Fault(error.position, error.message)]
    )


@problem_of.register
def _(error: ClientDisconnect) -> ProblemError:
    return ProblemError(400, "the client went away before its request was complete")


@problem_of.register
def _(error: RequestValidationError) -> ProblemError:
    # Ids are all that a path may carry wrongly without being another path.
    names = [str(detail["loc"][-1]) for detail in error.errors()]
    faults = [Fault(f"path:{name}", f"{name} is {_IDS.get(name, _UUID)}") for name in names]
    return ProblemError(422, "the path is not valid: " + "; ".join(fault.message for fault in faults), faults)


@problem_of.register
def _(error: HTTPException) -> ProblemError:
    return ProblemError(error.status_code, _SENTENCES.get(error.status_code, error.detail), headers=error.headers)


_UUID = "a UUID such as 0198c5a2-8f3b-7c41-9d2e-5b6f7a8091c2"
_IDS = {"letter_id": "a whole number from 1 on, such as 17"}
_SENTENCES = {
    404: "nothing is at this path; GET /docs lists what there is",
    405: "this path does not take this method; the Allow header lists those it takes",
}


def unavailable(detail: str, **members: Any) -> ProblemError:
    """A 503 that says when to ask again."""
    return ProblemError(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}, **members)


def refusal(error: Exception) -> Response:
    """The answer to an error, which is logged where nobody foresaw it."""
    problem = problem_of(error)
    if problem.status == 500:
        _log.error("a request failed", exc_info=error)
    return problem.response()


async def answer(connection: HTTPConnection, error: Exception) -> Response:
    """The exception handler of the application."""
    return problem_of(error).response()


HANDLED: tuple[type[Exception], ...] = (
    ProblemError,
    jsontext.JsonError,
    InvalidEventError,
    TooLargeError,
    ConflictError,
    NotConfirmedError,
    UnknownLetterError,
    RequeueRefusedError,
    NotRequeuedError,
    ReplayRefusedError,
    ReplayUnconfirmedError,
    UnknownReplayError,
    ReplayStateError,
    UnknownTicketError,
    TicketStateError,
    DispatcherUnavailableError,
    WebhookDisabledError,
    SignatureError,
    NotJsonError,
    NotDurableError,
    StoreUnavailableError,
    BadCursorError,
    FilterError,
    ClientDisconnect,
    RequestValidationError,
    HTTPException,
    Exception,
)
"""What the application hands to `answer`; the last of them is logged as well."""
