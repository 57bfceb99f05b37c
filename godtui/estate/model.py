"""One `registry.yaml`: what each part of it may be.

Typed where the program reads it; keys that nobody knows are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PrivateAttr, ValidationError, model_validator

from godtui.estate.errors import EstateError
from godtui.estate.reading import document
from godtui.filters import FilterError, read_path
from godtui.settings import CheckSetting, component_key, web_url
from godtui.settings.values import plain

GROUPS: Final = ("backlog", "unstarted", "started", "completed", "cancelled", "triage")
"""Plane's groups of states."""

MAX_PAYLOAD_INDEXES: Final = 32

_LISTED_FAULTS: Final = 20
_SENTENCES: Final = {
    "missing": "is missing",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "dict_type": "must be a mapping",
}

Value = TypeVar("Value")


def _name(value: object) -> str:
    """A text of Plane's: no other value, because YAML reads 007 as 7 and no as false."""
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    if not value.strip():
        raise ValueError("is empty; write what Plane shows, or leave it out")
    return value.strip()


def _link(value: object) -> str:
    text = _name(value)
    try:
        web_url(text)
    except ValueError as error:
        raise ValueError(f"must be {error}") from None
    return text.rstrip("/")


def _group(value: object) -> str:
    group = _name(value).lower()
    if group not in GROUPS:
        raise ValueError(f"must be one of {', '.join(GROUPS)}")
    return group


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, int | float | date):
        raise ValueError("must be text")
    return str(value)


def _texts(value: object) -> tuple[str, ...]:
    """A list of texts; one alone may stand without brackets."""
    if value is None:
        return ()
    texts = [_text(one) for one in (value if isinstance(value, list) else [value])]
    return tuple(text for text in texts if text is not None)


def _filled(value: object) -> object:
    """A key without value is one with nothing in it; keys are texts."""
    if value is None:
        return {}
    others = [key for key in value if not isinstance(key, str)] if isinstance(value, Mapping) else []
    if others:
        raise ValueError(f"has the key {plain(str(others[0]))}, which YAML does not read as text; put it in quotes")
    return value


def _by_id(value: object) -> object:
    """Ids as they are compared: in lower case."""
    by_id = _filled(value)
    if not isinstance(by_id, Mapping):
        return by_id
    found = {key.strip().lower(): one for key, one in by_id.items()}
    if len(found) != len(by_id):
        raise ValueError("names an id twice, in other letters")
    return found


def _payload_path(value: object) -> str:
    """A path as a filter has it after `payload.`, such as `task.id`."""
    if not isinstance(value, str):
        raise ValueError("must be a path such as task.id; put it in quotes")
    try:
        return ".".join(map(str, read_path(value)))
    except FilterError as error:
        raise ValueError(f"is no path in a payload: {plain(error.message)}") from None


def _payload_paths(value: object) -> object:
    """A list of paths; one alone may stand without brackets."""
    paths = [] if value is None else value if isinstance(value, list) else [value]
    if len(paths) > MAX_PAYLOAD_INDEXES:
        raise ValueError(f"names {len(paths)} paths; at most {MAX_PAYLOAD_INDEXES} are kept, for each costs space")
    return paths


def _exchange(value: object) -> str | None:
    """A name, alone or as `{name, type, durable}`."""
    return _text(value.get("name") if isinstance(value, Mapping) else value)


Name = Annotated[str, BeforeValidator(_name)]
Text = Annotated[str | None, BeforeValidator(_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
PayloadPaths = Annotated[tuple[Annotated[str, BeforeValidator(_payload_path)], ...], BeforeValidator(_payload_paths)]
ById = Annotated[Mapping[str, Value], BeforeValidator(_by_id)]
Filled = Annotated[Value, BeforeValidator(_filled)]


class _Part(BaseModel):
    """A mapping of the file."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _has_texts_for_keys(cls, value: object) -> object:
        return _filled(value)


class Project(_Part):
    """A project of Plane: what its tickets' references begin with, and its link without a `/` at the end."""

    identifier: Name
    url: Annotated[str, BeforeValidator(_link)] | None = None


class PlaneState(_Part):
    """A state of Plane's tickets, and its group where that is known."""

    name: Name
    group: Annotated[str, BeforeValidator(_group)] | None = None


class Plane(_Part):
    """What Plane's deliveries do not say, by id."""

    projects: ById[Project] = {}
    states: ById[PlaneState] = {}
    labels: ById[Name] = {}


class Service(_Part):
    """A service of the estate, and how it is checked."""

    name: Text = None
    description: Text = None
    type: Text = None
    queue_name: Text = None
    queue_names: Texts = ()
    routing_keys: Texts = ()
    consumes: Texts = ()
    produces: Texts = ()
    status: Text = None
    owner: Text = None
    tags: Texts = ()
    endpoints: Filled[Mapping[str, Any]] = {}
    check: Filled[Mapping[str, Any]] = {}
    """As written; `Estate.checks` has it as it runs."""


class Estate(_Part):
    """One `registry.yaml`."""

    version: Text = None
    exchange: Annotated[str | None, BeforeValidator(_exchange)] = None
    services: Filled[Mapping[str, Service]] = {}
    event_subscriptions: Filled[Mapping[str, Texts]] = {}
    topology: Filled[Mapping[str, Texts]] = {}
    plane: Plane = Plane()
    payload_indexes: PayloadPaths = ()
    """Paths in payloads whose values the store looks up instead of searching for them."""

    _checks: Mapping[str, CheckSetting] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The estate that a file tells. Raises EstateError with one sentence for each fault."""
        return cls.of(path, document(path))

    @classmethod
    def of(cls, path: Path, told: Mapping[object, object]) -> Self:
        """The estate of what was read from a file. Raises EstateError as `load` does."""
        try:
            estate = cls.model_validate(told)
        except ValidationError as error:
            raise EstateError(_faults(path, error)) from None
        estate._checks = _checks(path, estate.services)
        return estate

    @property
    def projects(self) -> Mapping[str, Project]:
        """Plane's projects by id, in lower case."""
        return self.plane.projects

    @property
    def states(self) -> Mapping[str, PlaneState]:
        """Plane's states by id, in lower case."""
        return self.plane.states

    @property
    def labels(self) -> Mapping[str, str]:
        """Names of Plane's labels by id, in lower case."""
        return self.plane.labels

    @property
    def produced(self) -> Mapping[str, Sequence[str]]:
        """The patterns of what each service says that it produces, by the service's id."""
        return {name: service.produces for name, service in self.services.items()}

    @property
    def consumed(self) -> Mapping[str, Sequence[str]]:
        """The patterns of what each service hears, by id: what it consumes, its queues' keys and its subscriptions."""
        heard = {name: [*service.consumes, *service.routing_keys] for name, service in self.services.items()}
        for pattern, names in self.event_subscriptions.items():
            for name in names:
                heard.setdefault(name, []).append(pattern)
        return heard

    @property
    def checks(self) -> Mapping[str, CheckSetting]:
        """The checks of services by id, in lower case; a relative cwd started at the file's folder."""
        return self._checks


def _checks(path: Path, services: Mapping[str, Service]) -> dict[str, CheckSetting]:
    checks: dict[str, CheckSetting] = {}
    faults = []
    for name, service in services.items():
        if not service.check:
            continue
        key = component_key(name)
        place = f"{path}: services.{plain(name)}.check"
        try:
            check = CheckSetting.read(service.check, path.absolute().parent)
        except ValueError as error:
            faults.append(f"{place} {error}")
            continue
        if key in checks:
            faults.append(f"{place} is that of a service named twice, in other letters")
        checks[key] = check
    if faults:
        raise EstateError(_shortened(path, faults))
    return checks


def _faults(path: Path, error: ValidationError) -> list[str]:
    faults: dict[str, None] = {}
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        place = plain(".".join(map(str, one["loc"])))
        if one["type"] == "value_error":
            said = one["msg"].removeprefix("Value error, ")
        else:
            said = _SENTENCES.get(one["type"], f"cannot be read ({one['msg']})")
        faults[f"{path}: {place} {said}" if place else f"{path} {said}"] = None
    return _shortened(path, list(faults))


def _shortened(path: Path, faults: list[str]) -> list[str]:
    more = len(faults) - _LISTED_FAULTS
    return [*faults[:_LISTED_FAULTS], f"{path}: {more} more of the kind"] if more > 0 else faults
