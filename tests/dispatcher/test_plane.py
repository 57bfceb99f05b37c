"""What Plane's deliveries are called, when two are one, and which ticket they show."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_URL, RFC_4122, uuid5

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from godtui import jsontext
from godtui.clock import rfc3339
from godtui.dispatcher.names import Names
from godtui.dispatcher.plane import (
    MAX_LABELS,
    UNKNOWN_TYPE,
    body_of,
    delivery_type,
    delivery_uuid,
    entity_action,
    payload_of,
    read_ticket,
    taught,
)
from godtui.dispatcher.ticket import State, Ticket, Unreadable
from godtui.envelope import event_type_fault
from godtui.jsontext import Json
from tests.dispatcher import samples
from tests.dispatcher.samples import ISSUE, PROJECT, READY, TODO, issue, mutated, newer, sample, ticket

ENUM = "WebhookScope.ScopeChoices."


def names(url: str | None = None, **mappings: Any) -> Names:
    return Names(projects={PROJECT: SimpleNamespace(identifier="INFRA", url=url)}, **mappings)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (sample("issue_created"), "issue.created"),
        (sample("issue_deleted"), "issue.deleted"),
        (sample("issue_updated_labels"), "issue.updated"),
        (sample("issue_updated_v0.14"), "issue.updated"),
        (sample("v2_workitem_updated"), "issue.updated"),
        ({"event": "issue", "action": "create"}, "issue.created"),
        ({"event": "issue", "action": "delete"}, "issue.deleted"),
        ({"event": "cycle_issue", "action": "created"}, "cycle_issue.created"),
        ({"event": "Module Issue", "action": "UPDATED"}, "module_issue.updated"),
        ({"event": "a/b.c", "action": "x:y"}, "a_b_c.x_y"),
        ({"version": "v2", "event": "workitem.updated"}, "issue.updated"),
        ({"version": "v2", "event": "work_item.create"}, "issue.created"),
        ({"version": "v2", "event": ENUM + "WORK_ITEM_DELETED"}, "issue.deleted"),
        ({"version": "v2", "event": "WORK_ITEM_COMMENT_CREATED"}, "work_item_comment.created"),
        ({"version": "v2", "event": "ScopeChoices.CYCLE_UPDATED"}, "cycle.updated"),
        ({"version": "v2", "event": ENUM + "workitem.updated"}, "issue.updated"),
        ({"version": "v2", "event": "WorkItem.Updated", "action": "else"}, "issue.updated"),
        ({"version": "v2", "event": "work_item", "action": "update"}, "issue.updated"),
        ({"event": "workitem.updated"}, "issue.updated"),
    ],
)
def test_a_delivery_is_called_by_what_it_says(body: Json, named: str) -> None:
    assert delivery_type(body) == f"webhook.plane.{named}"


@pytest.mark.parametrize(
    "body",
    [
        None, [], "issue", 7, {}, {"event": "issue"}, {"event": "cycle_issue"}, {"action": "created"},
        {"event": None, "action": "created"}, {"event": "issue", "action": ["created"]}, {"event": "", "action": ""},
        {"event": "42", "action": "created"}, {"event": "_x", "action": "created"}, {"event": "é", "action": "created"},
        {"event": "x" * 250, "action": "created"}, {"event": "x" * 10_000_000, "action": "created"},
        {"version": "v2", "event": "WORKITEM"}, {"version": "v2", "event": ".updated"},
        {"version": "v2", "event": "a."},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_called_unknown(body: Json) -> None:
    assert delivery_type(body) == UNKNOWN_TYPE


named_bodies = st.fixed_dictionaries(
    {}, optional={"version": st.just("v2"), "event": samples.values, "action": samples.values}
)


@given(samples.values | mutated() | named_bodies)
@example({"event": "a" * 236, "action": "b"})
@example({"event": "a" * 237, "action": "bcdef"})
def test_every_name_is_an_event_type(body: Json) -> None:
    assert event_type_fault(delivery_type(body)) is None
    for word in entity_action(body):
        assert word is None or re.fullmatch("[a-z][a-z0-9_-]*", word)


def test_a_redelivery_has_the_same_id() -> None:
    raw = jsontext.dumps(issue())
    assert delivery_uuid(raw, issue()) == uuid5(NAMESPACE_URL, raw.decode())
    assert delivery_uuid(raw + b" ", issue()) != delivery_uuid(raw, issue())


def test_in_version_2_the_event_id_makes_it_the_same() -> None:
    wanted = uuid5(NAMESPACE_URL, "plane:9d508cd9-36c2-44a5-928d-7ee2f2a3b8a8")
    assert delivery_uuid(b"one try", newer()) == delivery_uuid(b"another", newer()) == wanted
    assert delivery_uuid(b"one try", {**newer(), "version": "v1"}) != wanted
    for event_id in (None, 7, "", "None"):
        body = {**newer(), "event_id": event_id}
        assert delivery_uuid(b"one try", body) == uuid5(NAMESPACE_URL, "one try")


@given(st.binary(), samples.values | mutated())
def test_every_delivery_has_an_id_of_version_5(raw: bytes, body: Json) -> None:
    made = delivery_uuid(raw, body)
    assert (made.version, made.variant) == (5, RFC_4122)


def test_the_payload_holds_the_body_as_it_was_sent() -> None:
    body = sample("issue_updated_v0.14")
    assert payload_of(body) == ({"provider": "plane", "event": "issue", "action": "updated", "body": body}, None)
    assert payload_of([1]) == ({"body": [1]}, None)
    assert payload_of({"event": 5}) == (
        {"provider": "plane", "event": None, "action": None, "body": {"event": 5}},
        None,
    )


def test_the_id_of_the_try_leaves_version_2s_body() -> None:
    body = newer()
    payload, delivery_id = payload_of(body)
    assert delivery_id == body["delivery_id"] == "2a0d0510-9052-446e-a1c7-a704bbd68cba"
    assert payload["body"] == {key: value for key, value in body.items() if key != "delivery_id"}
    assert (payload["event"], payload["action"]) == (ENUM + "WORK_ITEM_UPDATED", "updated")
    assert payload_of({**body, "delivery_id": {"a": 1}})[1] == '{"a":1}'
    older = {**body, "version": "v1"}
    assert (payload_of(older)[0]["body"], payload_of(older)[1]) == (older, None)


@given(samples.values | mutated())
def test_the_body_is_found_again_in_the_payload(body: Json) -> None:
    payload, _ = payload_of(body)
    is_v2 = isinstance(body, dict) and body.get("version") == "v2"
    assert body_of(payload) == ({k: v for k, v in body.items() if k != "delivery_id"} if is_v2 else body)


def test_a_foreign_payload_may_be_the_body_itself() -> None:
    assert body_of(issue()) == issue()
    assert body_of({**issue(), "body": "of another kind"})["data"]["id"] == ISSUE
    assert body_of(["no object"]) == ["no object"]


def test_the_sample_is_the_ticket_it_shows() -> None:
    for name in ("issue_created", "issue_updated_state", "issue_updated_labels", "issue_updated_v0.14"):
        read = ticket(sample(name), names("https://plane.example/infra/projects/1"))
        assert read == Ticket(
            id=ISSUE,
            reference="INFRA-42",
            title="Hook up infra routing",
            url=f"https://plane.example/infra/projects/1/issues/{ISSUE}",
            state=State(TODO, "Todo", "unstarted"),
            labels=("ready", "automation:go", "comp:bloodbank"),
            updated_at=read.updated_at,
        )
        assert rfc3339(read.updated_at or 0) == "2026-02-07T13:00:00.731904Z"


def test_version_2_shows_ids_which_names_resolve() -> None:
    state, label = "067B88E5-304b-4221-ba09-94340dcc36e5", "22222222-2222-4222-8222-222222222222"
    body = newer(state_id=state, label_ids=[label, READY, "None", 7])
    read = ticket(body)
    assert (read.id, read.reference) == ("775c5716-5302-4617-bb9f-2cd843911268", "59e3be42-3")
    assert (read.state, read.labels, read.nameless_labels) == (State(state.lower()), (), (label, READY))
    assert (read.is_archived, read.is_deleted, read.is_draft) == (False, False, False)
    assert rfc3339(read.updated_at or 0) == "2026-03-31T11:44:41.249304Z"
    known = Names(learned_states={state.lower(): ("Todo", "unstarted")}, learned_labels={READY: "ready"})
    read = ticket(body, known)
    assert (read.state, read.labels) == (State(state.lower(), "Todo", "unstarted"), ("ready",))
    assert read.nameless_labels == (label,)


def test_a_deleted_ticket_is_read_from_its_id_alone() -> None:
    read = ticket(sample("issue_deleted"))
    assert read == Ticket(ISSUE, ISSUE[:8], is_deleted=True)
    assert ticket({**issue(), "action": "DELETE"}).is_deleted


@pytest.mark.parametrize("state", [
    {"state": {"id": TODO, "name": "Todo", "group": "UNSTARTED"}},
    {"state": None, "state_detail": {"id": TODO, "name": "Todo", "group": "unstarted"}},
    {"state": TODO, "state_detail": {"name": "Todo", "group": "unstarted"}},
    {"state": "Todo", "state_detail": {"id": TODO, "group": "unstarted"}},
    {"state": "None", "state_id": TODO, "state_detail": {"name": "Todo", "group": "unstarted"}},
])  # fmt: skip
def test_a_state_may_be_told_in_many_ways(state: dict[str, Json]) -> None:
    assert ticket(issue(**state)).state == State(TODO, "Todo", "unstarted")


def test_of_a_state_what_is_not_known_is_left_open() -> None:
    assert ticket(issue(state="Todo")).state == State(None, "Todo")
    assert ticket(issue(state=TODO.upper())).state == State(TODO)
    assert ticket(issue(state={"name": "Todo", "group": "mine"})).state == State(None, "Todo")
    nothings: list[Json] = [None, "", "None", {}, [], 7, {"name": 5, "group": ["unstarted"]}]
    for nothing in nothings:
        assert ticket(issue(state=nothing)).state is None


def test_what_the_body_says_of_a_state_goes_before_what_was_known() -> None:
    known = Names(learned_states={TODO: ("Old name", "backlog")})
    assert ticket(issue(state={"id": TODO, "name": "New"}), known).state == State(TODO, "New", "backlog")
    assert ticket(issue(state=TODO), known).state == State(TODO, "Old name", "backlog")


@pytest.mark.parametrize(
    ("labels", "read"),
    [
        ({"labels": ["Ready", "ready", "Ready", " "]}, (("Ready", "ready"), ())),
        ({"labels": [{"id": READY, "name": "x"}, {"id": READY, "name": "x"}]}, (("x",), ())),
        ({"labels": [READY, {"id": READY}, {"name": ""}, None, 5, []]}, ((), (READY,))),
        ({"labels": None, "label_ids": [READY, "my-id"]}, ((), (READY, "my-id"))),
        ({"labels": None}, (None, ())),
        ({"labels": "ready"}, (None, ())),
        ({"labels": []}, ((), ())),
    ],
)
def test_labels_may_be_told_in_many_ways(labels: dict[str, Json], read: tuple[Any, Any]) -> None:
    found = ticket(issue(**labels))
    assert (found.labels, found.nameless_labels) == read


def test_hostile_text_is_bounded_and_kept_as_data() -> None:
    many: list[Json] = [{"name": f"label {number}"} for number in range(10_000)]
    read = ticket(issue(labels=many, name="t" * 100_000, state={"name": "s" * 999}))
    assert read.labels == tuple(f"label {number}" for number in range(MAX_LABELS))
    assert (len(read.title), read.state) == (2_000, State(None, "s" * 255))
    assert ticket(issue(labels=["l" * 999])).labels == ("l" * 255,)
    assert ticket(issue(labels=["comp:../../etc", "comp:$(x)"])).labels == ("comp:../../etc", "comp:$(x)")


def test_a_name_is_kept_as_it_is() -> None:
    assert ticket(issue(name="  None \u202e\x1b[31m ")).title == "  None \u202e\x1b[31m "
    assert ticket(issue(name={"a": 1})).title == ""


@pytest.mark.parametrize(
    ("data", "reference"),
    [
        ({}, "INFRA-42"),
        ({"project": PROJECT.upper()}, "INFRA-42"),
        ({"project": None, "project_id": PROJECT}, "INFRA-42"),
        ({"project": {"id": PROJECT}}, "INFRA-42"),
        ({"sequence_id": "7"}, "INFRA-7"),
        ({"project": "deadbeef-0000-4000-8000-000000000000"}, "deadbeef-42"),
        ({"project": "None"}, "ac871e81"),
        ({"sequence_id": None}, "ac871e81"),
        ({"sequence_id": True}, "ac871e81"),
        ({"sequence_id": -3}, "ac871e81"),
        ({"sequence_id": 10**4000}, "ac871e81"),
        ({"sequence_id": "٣"}, "ac871e81"),
    ],
)
def test_a_ticket_is_called_by_its_project_and_number(data: dict[str, Json], reference: str) -> None:
    assert ticket(issue(**data), names()).reference == reference


@pytest.mark.parametrize(
    ("url", "led_to"),
    [
        ("https://plane.example/w/projects/1/", f"https://plane.example/w/projects/1/issues/{ISSUE}"),
        ("https://plane.example/w/projects/1/issues/", f"https://plane.example/w/projects/1/issues/{ISSUE}"),
        ("https://plane.example/browse/INFRA-{sequence_id}", "https://plane.example/browse/INFRA-42"),
        ("https://plane.example/x?peek={issue_id}", f"https://plane.example/x?peek={ISSUE}"),
        (None, "https://by.hand/42"),
    ],
)
def test_a_ticket_is_found_through_its_project(url: str | None, led_to: str) -> None:
    assert ticket(issue(url="https://by.hand/42"), names(url)).url == led_to


def test_an_id_cannot_lead_out_of_the_projects_address() -> None:
    assert (
        ticket(issue(id="../?{sequence_id}"), names("https://a/p")).url
        == "https://a/p/issues/..%2F%3F%7Bsequence_id%7D"
    )
    assert ticket(issue(sequence_id=None), names("https://a/p-{sequence_id}")).url is None


@pytest.mark.parametrize("url", [
    "javascript:alert(1)", "ftp://x/y", "https://", "http://[", "https://a/ b", "https://a/\n", 7,
    "https://" + "a" * 2_000,
])  # fmt: skip
def test_an_address_that_does_not_lead_to_the_web_is_left_out(url: Json) -> None:
    assert ticket(issue(url=url)).url is None


def test_drafts_archived_and_deleted_tickets_are_told_apart() -> None:
    drafts: dict[bool, list[Json]] = {True: [True, "True", 1], False: [False, "False", None, "None", {}]}
    for is_draft, told in drafts.items():
        assert {ticket(issue(is_draft=one)).is_draft for one in told} == {is_draft}
    for unset in (None, "None", "", False):
        assert not ticket(issue(archived_at=unset)).is_archived
        assert not ticket(issue(deleted_at=unset)).is_deleted
    for at in ("2026-02-07", "2026-02-07T13:00:00Z", True, ["?"]):
        assert ticket(issue(archived_at=at)).is_archived
        assert ticket(issue(deleted_at=at)).is_deleted


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("1970-01-01T00:00:01.5Z", 1_500_000),
        ("1970-01-01T02:00:00.000001+02:00", 1),
        ("1970-01-01 00:00:00.000007+00", 7),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01", None),
        ("yesterday", None),
        ("9999-12-31T23:59:59-01", None),
        ("None", None),
        (12, None),
        (None, None),
    ],
)
def test_planes_time_is_read_to_the_microsecond(told: Json, read: int | None) -> None:
    assert ticket(issue(updated_at=told)).updated_at == read


@pytest.mark.parametrize("ticket_id", [None, "", " ", 7, {"id": "x"}, "x" * 256, "a\nb", "a\x00", "\u2028", "None"])
def test_a_ticket_without_a_usable_id_is_unreadable(ticket_id: Json) -> None:
    found = read_ticket(issue(id=ticket_id), Names())
    assert isinstance(found, Unreadable)
    assert "no id that can be used" in found.reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "is not a JSON object"),
        ({"data": {"id": ISSUE}}, "does not say what it is about"),
        (
            {"event": "issue_comment", "action": "created", "data": {"issue": ISSUE}},
            "issue_comment is not about a ticket",
        ),
        ({"event": "cycle", "action": "created", "data": {"id": ISSUE}}, "cycle is not about a ticket"),
        ({"event": "issue", "action": "created", "data": [ISSUE]}, "`data` is not an object"),
    ],
)
def test_what_shows_no_ticket_says_why(body: Json, reason: str) -> None:
    found = read_ticket(body, Names())
    assert isinstance(found, Unreadable)
    assert reason in found.reason


def test_deliveries_teach_the_names_of_their_ids() -> None:
    body = issue(labels=[{"id": READY.upper(), "name": "ready"}, "bare", {"name": "no id"}, {"id": "x"}])
    assert taught(body) == ({TODO: ("Todo", "unstarted")}, {READY: "ready"})
    old = issue(state=TODO, state_detail={"name": "Todo", "group": "unstarted"}, labels=None)
    assert taught(old) == ({TODO: ("Todo", "unstarted")}, {})
    for nothing in (
        None,
        newer(),
        {**issue(), "event": "cycle"},
        issue(state=TODO, labels=[READY]),
        sample("issue_deleted"),
    ):
        assert taught(nothing) == ({}, {})
    many: list[Json] = [{"id": f"id {number}", "name": "x"} for number in range(5_000)]
    assert len(taught(issue(labels=many)).labels) == MAX_LABELS


@given(samples.values | mutated())
def test_anything_is_a_ticket_or_a_reason(body: Json) -> None:
    learned = taught(body)
    found = read_ticket(body, Names(learned_states=learned.states, learned_labels=learned.labels))
    if isinstance(found, Unreadable):
        assert found.reason
        return
    assert 0 < len(found.id) <= 255
    assert found.id.isprintable()
    assert found.reference.isprintable()
    assert found.state is None or found.state != State()
    assert len(found.labels or ()) == len(set(found.labels or ()))
    assert Ticket.from_document(jsontext.parse(jsontext.dumps(found.document()))) == found
