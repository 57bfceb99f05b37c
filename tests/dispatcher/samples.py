"""Plane's deliveries as the contract holds them, and any JSON besides."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from godtui import jsontext
from godtui.dispatcher.names import Names
from godtui.dispatcher.plane import read_ticket
from godtui.dispatcher.ticket import Ticket
from godtui.jsontext import Json

FOLDER = Path(__file__).parent / "plane"
ISSUE = "ac871e81-b1c6-5a18-b35a-154aa1f9cb9a"
PROJECT = "c6ac5bb7-0951-5461-b20d-a1191db2efcd"
TODO = "54a769df-0603-58bd-afa2-fda6370d1d8c"
READY = "452395d4-899b-5864-b722-5e6c2f4f6a24"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


def sample(name: str) -> dict[str, Any]:
    """One of the contract's deliveries, such as `issue_updated_state`."""
    body: dict[str, Any] = jsontext.parse((FOLDER / f"{name}.json").read_bytes())
    return body


def issue(action: str = "updated", **data: Json) -> dict[str, Any]:
    """A delivery of version 1 about a ticket, with other data than the sample's."""
    body = sample("issue_updated_state")
    return {**body, "action": action, "data": {**body["data"], **data}}


def newer(**data: Json) -> dict[str, Any]:
    """A delivery of version 2, likewise."""
    body = sample("v2_workitem_updated")
    return {**body, "data": {**body["data"], **data}}


def ticket(body: Json, names: Names | None = None) -> Ticket:
    """The ticket that a delivery shows."""
    read = read_ticket(body, names or Names())
    assert isinstance(read, Ticket), read
    return read


@st.composite
def mutated(draw: st.DrawFn) -> Json:
    """A sample with some of its members replaced by anything, or taken away."""
    bodies = [issue(), issue("created"), sample("issue_deleted"), sample("issue_updated_v0.14"), newer()]
    body = deepcopy(draw(st.sampled_from(bodies)))
    extras = ["state_detail", "label_ids", "state_id", "project_id", "url", "deleted_at"]
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.sampled_from([body, body["data"]])) if isinstance(body.get("data"), dict) else body
        key = draw(st.sampled_from([*at, *extras]))
        if draw(st.booleans()):
            at[key] = draw(values | st.sampled_from(["None", "True", ISSUE, [ISSUE, "x"], [{"id": 1, "name": {}}]]))
        else:
            at.pop(key, None)
    return body
