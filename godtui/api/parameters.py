"""Query parameters, read strictly: nothing unknown, nothing twice, nothing clamped."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote_to_bytes
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from starlette.types import Scope

from godtui import filters
from godtui.api.problems import ProblemError
from godtui.envelope import Fault, version_fault
from godtui.filters import Filter
from godtui.operations import Bucket, By, Question, TicketState

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MAX_SEQ = 2**63 - 1
_UUID = "0198c5a2-6c1e-7000-8000-000000000001"


def _digits(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,19}", value, re.ASCII):
        raise ValueError("a whole number in plain digits is wanted")
    return value


def _version(value: str) -> str:
    if fault := version_fault(value):
        raise ValueError(fault)
    return value


def _filled(description: str, example: str) -> Any:
    """A parameter that may be left out, but not left empty; how it must read, the filter language says."""
    return Field(None, description=description, examples=[example], json_schema_extra={"minLength": 1})


def _cursor() -> Any:
    return Field(
        None, description="`next_cursor` of the page before.", json_schema_extra={"pattern": r"^-?[0-9]+\..+$"}
    )


Whole = Annotated[int, BeforeValidator(_digits)]
LetterId = Annotated[int, Path(ge=1, le=2**53 - 1, description="The letter's id."), BeforeValidator(_digits)]


class Query(BaseModel):
    """The parameters of one operation; this one takes none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EventsQuery(Query):
    """The parameters of `GET /events`."""

    filter: str | None = Field(None, description="The filter language.", examples=["type:agent.# -is:invalid"])
    type: str | None = _filled("AMQP pattern of event types.", "agent.task.*")
    source: str | None = _filled("`source.service` or `source.app`, exactly.", "http")
    correlation_id: str | None = _filled("UUID of the chain.", _UUID)
    since: str | None = _filled("Event time, RFC 3339, a date, or `15m`.", "15m")
    until: str | None = _filled("Event time, RFC 3339, a date, or `15m`.", "2026-02-12")
    text: str | None = _filled("Whole words that the event holds.", "disk full")
    limit: Whole = Field(100, ge=1, le=1000, description="How many events a page holds.")
    cursor: str | None = _cursor()
    order: Literal["desc", "asc"] = Field("desc", description="By `seq`.")
    count: Literal["true", "false"] = Field("false", description="Also tell how many there are of all that match.")
    from_seq: Annotated[int, BeforeValidator(_digits)] | None = Field(
        None, ge=0, le=_MAX_SEQ, description="Begin at this `seq`, itself included; not beside `cursor`."
    )

    @field_validator("from_seq")
    @classmethod
    def _begins_once(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("cursor") is not None:
            raise ValueError("a cursor says already where the page begins; leave one of the two out")
        return value

    def wanted(self, now: int) -> Filter:
        """The one filter that all of the parameters make. Raises FilterError."""
        return filters.combine(
            filters.parse(self.filter or "", now=now),
            filters.from_parameters(
                type=self.type,
                source=self.source,
                correlation_id=self.correlation_id,
                since=self.since,
                until=self.until,
                text=self.text,
                now=now,
            ),
        )


class ChainQuery(Query):
    """The parameters of `GET /chains/{correlation_id}`."""

    after: Annotated[int, BeforeValidator(_digits)] = Field(
        0, ge=0, le=_MAX_SEQ, description="Begin with what is stored beyond this `seq`."
    )


class StatisticsQuery(Query):
    """The parameters of `GET /stats`."""

    type: str | None = _filled("AMQP patterns of event types; a comma means any of.", "agent.task.*")
    source: str | None = _filled("`source.service` or `source.app`, exactly; a comma means any of.", "http")
    since: str | None = _filled("When they were stored: RFC 3339, a date, or `15m`.", "2h")
    until: str | None = _filled("When they were stored: RFC 3339, a date, or `15m`.", "2026-02-12")
    by: By = Field("type", description="What there is a group of each.")
    bucket: Bucket | None = Field(
        None, description="How long a time each of `counts` is of; without it there are none."
    )
    limit: Whole = Field(100, ge=1, le=1000, description="How many groups, the largest.")

    def question(self, now: int) -> Question:
        """What the parameters ask at a moment. Raises FilterError."""
        wanted = filters.from_parameters(
            type=self.type, source=self.source, since=self.since, until=self.until, now=now
        )
        return Question(wanted, self.by, self.bucket, self.limit)


class LettersQuery(Query):
    """The parameters of `GET /dead-letters`."""

    filter: str | None = Field(None, description="The filter language.", examples=["type:agent.# since:15m"])
    queue: str | None = Field(
        None,
        description="The queue they came from, exactly; empty for those of which that is not known.",
        examples=["infra-dispatcher.plane"],
    )
    reason: str | None = Field(None, min_length=1, description="Why they died, exactly.", examples=["expired"])
    limit: Whole = Field(100, ge=1, le=1000, description="How many letters a page holds.")
    cursor: str | None = _cursor()

    def wanted(self, now: int) -> Filter:
        """What the filter means at a moment. Raises FilterError."""
        return filters.parse(self.filter or "", now=now)


class StreamQuery(Query):
    """The parameters of `/stream`."""

    filter: str = Field("", description="The filter language.", examples=["type:agent.#"])
    after: Annotated[int, BeforeValidator(_digits)] | None = Field(
        None, ge=0, le=_MAX_SEQ, description="Begin with what is stored beyond this `seq`; nothing is then dropped."
    )
    positions: Literal["true", "false"] = Field("false", description="Also tell how far the log was looked through.")


class DispatcherQuery(Query):
    """The parameters of `GET /dispatcher`."""

    state: TicketState | None = Field(None, description="Only tickets of this state.")
    limit: Whole = Field(100, ge=1, le=1000, description="How many tickets at most.")


class ExplainQuery(Query):
    """The parameters of `POST /dispatcher/explain`."""

    event_id: UUID | None = Field(None, description="A stored delivery.", examples=[_UUID])
    ticket: str | None = Field(None, min_length=1, description="A ticket's id or reference.", examples=["INFRA-42"])


class ContractQuery(Query):
    """The parameters of `GET /schemas/{event_type}`."""

    version: Annotated[str, BeforeValidator(_version)] | None = Field(
        None,
        description="`v<N>`; the lowest registered one where left out.",
        examples=["v1"],
        json_schema_extra={"pattern": "^v[1-9][0-9]*$"},
    )


Model = TypeVar("Model", bound=Query)


def read_query(model: type[Model], scope: Scope) -> Model:
    """The parameters of a request. Raises ProblemError (422) listing every fault."""
    text = scope["query_string"]
    if not text:
        return model()
    values = _values(text.decode("latin-1"))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _refusal([_fault(detail, model) for detail in error.errors(include_url=False)]) from None


def refuse_parameters(scope: Scope) -> None:
    """For operations that take none. Raises ProblemError (422)."""
    if scope["query_string"]:
        read_query(Query, scope)


def documented(model: type[Query]) -> list[dict[str, Any]]:
    """The parameters as OpenAPI lists them."""
    found = []
    for name, schema in model.model_json_schema()["properties"].items():
        plain = {key: value for key, value in schema.items() if key not in ("title", "description", "default", "anyOf")}
        kept: dict[str, Any] = next((one for one in schema.get("anyOf", []) if one != {"type": "null"}), {})
        default = {"default": schema["default"]} if schema.get("default") is not None else {}
        entry = {"name": name, "in": "query", "required": False, "description": schema["description"]}
        found.append({**entry, "schema": {**kept, **plain, **default}})
    return found


def _values(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in text.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        name = _decoded(name)
        if name in values:
            raise _refusal([_named(name, "this parameter is given twice")])
        values[name] = _decoded(value, name)
    return values


def _decoded(text: str, name: str | None = None) -> str:
    where = text if name is None else name
    if _BROKEN_ESCAPE.search(text):
        raise _refusal([_named(where, "a % is not followed by two hexadecimal digits; write %25 for a percent sign")])
    try:
        return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise _refusal([_named(where, "this is not UTF-8")]) from None


def _fault(detail: Any, model: type[Query]) -> Fault:
    name = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        known = ", ".join(model.model_fields) or "none"
        return _named(name, f"no such parameter; this path takes {known}")
    return _named(name, sentence(detail))


def sentence(detail: Any) -> str:
    """What is wrong with a value, from what pydantic says of it."""
    return str(detail["msg"].removeprefix("Value error, ").replace("Input should be", "must be"))


def _named(name: str, message: str) -> Fault:
    return Fault(f"query:{name[:100]}", message)


def _refusal(faults: list[Fault]) -> ProblemError:
    said = "; ".join(f"{fault.path.removeprefix('query:')}: {fault.message}" for fault in faults)
    return ProblemError(422, f"the query is not valid: {said}", faults)
