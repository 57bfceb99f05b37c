"""What requests about replays may say, read strictly: nothing unknown, nothing of another type, nothing clamped."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.types import Receive, Scope

from godtui import filters, jsontext
from godtui.api.bodies import read_body
from godtui.api.parameters import Query, Whole, refuse_parameters, sentence
from godtui.api.problems import ProblemError
from godtui.clock import to_microseconds
from godtui.envelope import Fault, read_timestamp
from godtui.operations import BUS, QUEUE, ReplayRequest, ReplayView, Speed

MAX_BYTES: Final = 256 * 1024
"""More than the longest filter has, however its characters are escaped."""
MAX_TO_CHARACTERS: Final = 300
"""More than the name of a queue may have."""
MAX_NUMBER: Final = 1e9
MAX_STEP: Final = 1000
MAX_SEQ: Final = 2**53 - 1

Model = TypeVar("Model", bound="Body")


def _number(least: float, *, open_below: bool, wanted: str) -> Any:
    def check(value: object) -> object:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not (least < value if open_below else least <= value) or value > MAX_NUMBER:  # type: ignore[operator]
            raise ValueError(f"{wanted}, at most {MAX_NUMBER:,.0f}")
        return float(value)  # type: ignore[arg-type]

    return check


_positive = _number(0, open_below=True, wanted='a speed is "max" or a number above 0')
_rate = _number(0, open_below=True, wanted="a rate is a number of events a second above 0")
_gap = _number(0, open_below=False, wanted="a longest gap is a number of seconds, 0 or more")


def _speed(value: object) -> object:
    return value if value == "max" and isinstance(value, str) else _positive(value)


def _or_none(check: Any) -> Any:
    return lambda value: None if value is None else check(value)


def _target(value: object) -> object:
    known = isinstance(value, str) and (value == BUS or (value.startswith(QUEUE) and len(value) > len(QUEUE)))
    if not known or len(str(value)) > MAX_TO_CHARACTERS:
        raise ValueError(f"a replay goes to {BUS}, or to one queue as {QUEUE}NAME")
    return value


def _whole(value: object) -> object:
    """JSON does not tell 1.0 from 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _count(value: object) -> object:
    count = _whole(value)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 < abs(count) <= MAX_STEP:
        raise ValueError(f"a step is 1 to {MAX_STEP:,} events forwards, or so many back as a number below 0")
    return count


def _moment(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be an RFC 3339 timestamp such as 2026-02-12T14:02:11Z")
    moment, zoned = read_timestamp(value)
    if not zoned:
        raise ValueError("it names no zone; end it with Z, or an offset such as +01:00")
    return to_microseconds(moment)


Pace = Annotated[float | Literal["max"], BeforeValidator(_speed)]
Rate = Annotated[float | None, BeforeValidator(_or_none(_rate))]
Gap = Annotated[float | None, BeforeValidator(_or_none(_gap))]


class ReplaysQuery(Query):
    """The parameters of `GET /replays`."""

    limit: Whole = Field(100, ge=1, le=1000, description="How many replays at most.")


class Body(BaseModel):
    """The members of a request's body."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ReplayBody(Body):
    """The body of `POST /replays`."""

    filter: str
    to: Annotated[str, BeforeValidator(_target)] = BUS
    speed: Pace = 1.0
    rate: Rate = None
    max_gap_s: Gap = None
    paused: bool = False
    dry_run: bool = False
    confirm: bool = False

    def request(self, now: int) -> ReplayRequest:
        """What is asked, its moments fixed at `now` (µs). Raises FilterError."""
        wanted = str(filters.parse(self.filter, now=now))
        return ReplayRequest(**{**self.model_dump(exclude={"dry_run"}), "filter": wanted})


class StepBody(Body):
    """The body of `POST /replays/{replay_id}/step`."""

    count: Annotated[int, BeforeValidator(_count)] = 1


class SeekBody(Body):
    """The body of `POST /replays/{replay_id}/seek`; `at` in µs once read."""

    seq: Annotated[int, BeforeValidator(_whole)] | None = Field(None, ge=1, le=MAX_SEQ)
    at: Annotated[int, BeforeValidator(_moment)] | None = None


class TempoBody(Body):
    """The body of `POST /replays/{replay_id}/speed`; what is left out stays as it is."""

    speed: Pace = 1.0
    rate: Rate = None
    max_gap_s: Gap = None

    def tempo(self, replay: ReplayView) -> tuple[Speed, float | None, float | None]:
        """Speed, rate and longest gap of a replay that is changed so."""
        given = self.model_fields_set
        return (
            self.speed if "speed" in given else replay.speed,
            self.rate if "rate" in given else replay.rate,
            self.max_gap_s if "max_gap_s" in given else replay.max_gap_s,
        )


async def read_members(model: type[Model], scope: Scope, receive: Receive) -> Model:
    """A request's body, `{}` where there is none. Raises JsonError, ProblemError (413, 422) listing every fault."""
    refuse_parameters(scope)
    raw = await read_body(scope, receive, MAX_BYTES)
    given = jsontext.parse(raw) if raw else {}
    if not isinstance(given, dict):
        raise _refusal([Fault("", "the body is a JSON object")])
    try:
        body = model.model_validate(given)
    except ValidationError as error:
        raise _refusal([_fault(detail, model) for detail in error.errors(include_url=False)]) from None
    if model is SeekBody and len([one for one in body.model_dump().values() if one is not None]) != 1:
        raise _refusal([Fault("", "name one of two places to go on from: seq, or at")])
    if model is TempoBody and not body.model_fields_set:
        raise _refusal([Fault("", "name at least one of speed, rate and max_gap_s")])
    return body


def _fault(detail: Any, model: type[Body]) -> Fault:
    name = str(detail["loc"][0])
    message = sentence(detail)
    if detail["type"] == "extra_forbidden":
        message = f"no such member; this body has {', '.join(model.model_fields)}"
    elif detail["type"] == "missing":
        message = "it is missing"
    return Fault(jsontext.pointer([name[:100]]), message)


def _refusal(faults: list[Fault]) -> ProblemError:
    said = "; ".join(f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in faults)
    return ProblemError(422, f"the request is not valid: {said}", faults)
