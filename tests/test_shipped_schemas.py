"""The schemas and the estate that come with godtui."""

import json
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import jsonschema
import pytest
import yaml
from referencing import Registry as Resources
from referencing.jsonschema import DRAFT202012

from godtui.dispatcher import episodes
from godtui.dispatcher.case import Case, Say, Verdict
from godtui.dispatcher.check_news import TOLD
from godtui.dispatcher.gate import GateRules, judge
from godtui.dispatcher.names import Names
from godtui.dispatcher.ticket import State, Ticket
from godtui.dispatcher.views import Check, CheckOutcome
from godtui.estate import Estate
from godtui.holyfields import Registry
from godtui.settings import packaged
from godtui.topics import matches
from tests.dispatcher import samples

FOLDER = packaged("schemas")
REGISTRY = Registry.load(FOLDER)
PROMISED = [
    "bloodbank.health.status",
    "bloodbank.message.dlq",
    "holyfields.schema.updated",
    "candystore.event.persisted",
    "candystore.retention.completed",
    "candystore.replay.started",
    "candystore.replay.completed",
    "candystore.replay.cancelled",
    "candystore.replay.failed",
    "webhook.plane.issue.updated",
    "webhook.plane.cycle.created",
    "webhook.plane.unknown.received",
    "infra.ticket.qualified",
    "infra.ticket.rejected",
    "infra.ticket.blocked",
    "infra.ticket.dispatched",
    "infra.ticket.failed",
    "infra.ticket.withdrawn",
    "infra.check.completed",
    "worktree.created",
    "worktree.removed",
    "agent.task.assigned",
    "agent.task.started",
    "agent.task.completed",
    "agent.task.failed",
    "agent.task.dlq",
    "worktree.dlq",
    "webhook.plane.dlq",
    "meeting.started",
    "meeting.converged",
    "meeting.ended",
    "session.started",
    "session.ended",
    "test.event.created",
]
IDENTIFYING = {
    "holyfields.schema.updated": "changed",
    "candystore.replay.started": "replay_id",
    "webhook.plane.issue.updated": "body",
    "webhook.plane.cycle.created": "body",
    "infra.ticket.qualified": "ticket",
    "infra.check.completed": "component",
    "worktree.created": "worktree_id",
    "agent.task.completed": "task_id",
    "meeting.started": "meeting_id",
    "session.started": "session_id",
}


def resources() -> Resources[Any]:
    """The folder as jsonschema's users would load it, by path."""
    files = (
        (path.relative_to(FOLDER).as_posix(), json.loads(path.read_text())) for path in sorted(FOLDER.rglob("*.json"))
    )
    return Resources().with_resources((f"https://x/{path}", DRAFT202012.create_resource(body)) for path, body in files)


RESOURCES = resources()


def test_they_are_found_in_the_checkout() -> None:
    assert Path(__file__).parent.parent / "schemas" == FOLDER
    assert REGISTRY.folder == FOLDER


@pytest.mark.parametrize("event_type", PROMISED)
def test_every_promised_type_has_a_contract(event_type: str) -> None:
    assert REGISTRY.contract(event_type).version == "v1"


@pytest.mark.parametrize("event_type", REGISTRY.types())
def test_every_contract_says_what_it_is_and_its_examples_hold_for_both_validators(event_type: str) -> None:
    for version in REGISTRY.versions(event_type):
        contract = REGISTRY.contract(event_type, version)
        assert contract.title
        assert contract.description.endswith(".")
        assert len(contract.examples) >= 2
        explaining = jsonschema.Draft202012Validator(
            {"$ref": f"https://x/{contract.file}"},
            registry=RESOURCES,
            format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
        )
        for example in contract.examples:
            assert contract.faults(example) == []
            assert list(explaining.iter_errors(example)) == []


def described(schema: Any) -> bool:
    """Whether every property says what it is, itself or where it refers to."""
    if isinstance(schema, list):
        return all(described(one) for one in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties", {})
    return all(one.get("description") or "$ref" in one for one in properties.values()) and all(
        described(value) for key, value in schema.items() if key not in ("examples", "const", "enum")
    )


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.json")), ids=lambda path: path.stem)
def test_every_property_is_described_and_shared_definitions_are_used(path: Path) -> None:
    document = json.loads(path.read_text())
    assert described(document)
    if path.parent.name == "_shared":
        assert any(path.name in other.read_text() for other in FOLDER.rglob("*.json") if other != path)


@pytest.mark.parametrize(("event_type", "field"), IDENTIFYING.items())
def test_types_of_rooms_to_come_ask_for_their_identity_alone(event_type: str, field: str) -> None:
    contract = REGISTRY.contract(event_type)
    identity = contract.examples[0][field]
    assert contract.valid({field: identity})
    assert contract.valid({field: identity, "whatever_else": [1, {"a": None}]})
    assert [fault.keyword for fault in contract.faults({"whatever_else": 1})] == ["required"]


def test_the_test_event_is_closed() -> None:
    contract = REGISTRY.contract("test.event.created")
    assert contract.valid({"message": ""})
    assert [fault.path for fault in contract.faults({"message": 1})] == ["/payload/message"]
    assert [fault.keyword for fault in contract.faults({})] == ["required"]
    assert [fault.keyword for fault in contract.faults({"message": "x", "more": 1})] == ["additionalProperties"]


def test_an_announcement_lists_at_most_a_thousand_events() -> None:
    contract = REGISTRY.contract("candystore.event.persisted")
    events = [{"event_id": str(uuid4()), "event_type": "Foreign Name", "seq": seq} for seq in range(1, 1001)]
    payload = {"count": 5000, "first_seq": 1, "last_seq": 6000, "events": events}
    assert contract.valid(payload)
    assert not contract.valid({**payload, "events": [*events, events[0]]})
    assert not contract.valid({**payload, "events": [{**events[0], "event_id": "x"}]})
    assert not contract.valid({**payload, "count": 0})


@pytest.mark.parametrize("event_type", ["bloodbank.message.dlq", "agent.task.dlq", "worktree.dlq", "webhook.plane.dlq"])
def test_a_notice_lists_at_most_a_hundred_letters(event_type: str) -> None:
    contract = REGISTRY.contract(event_type)
    letters = [{"id": number, "queue": "q", "reason": "expired"} for number in range(1, 101)]
    payload = {"count": 5000, "first_id": 1, "last_id": 6000, "letters": letters}
    assert contract.valid(payload)
    assert not contract.valid({**payload, "letters": [*letters, letters[0]]})
    assert not contract.valid({**payload, "letters": [{"id": 1}]})
    assert not contract.valid({**payload, "count": 0})


def test_health_names_the_part_that_is_badly_described() -> None:
    contract = REGISTRY.contract("bloodbank.health.status")
    payload = {"status": "ok", "version": "1", "instance": "i", "components": {"bus": {"status": "ok", "detail": ""}}}
    assert contract.valid(payload)
    payload["components"] = {"bus": {"status": "fine", "detail": ""}}
    assert [fault.path for fault in contract.faults(payload)] == ["/payload/components/bus/status"]


CHECK = Check(component="bloodbank", outcome="failed", why="the command ended with 1", event_id=uuid4())
READY = Ticket("id", "INFRA-42", state=State(group="unstarted"), labels=("ready", "automation:go", "comp:bloodbank"))


def said(verdict: Verdict) -> Say:
    """What the dispatcher says of a ticket that comes to a verdict."""
    ticket = READY._replace(is_draft=True) if verdict == "rejected" else READY
    case = Case(ticket.id, ticket)
    says = episodes.observe(case, ticket, judge(ticket, GateRules()), 1, 0, 1)
    match verdict:
        case "blocked":
            says = episodes.block(case, [CHECK], "held by its checks: bloodbank failed", 2, 1)
        case "withdrawn":
            says = episodes.withdraw(case, "done by hand", 1)
        case "dispatched" | "failed":
            episodes.freeze(case, [CHECK], b"{}", "key", 1)
            is_failed = verdict == "failed"
            says = episodes.failed(case, "422", 0, 1) if is_failed else episodes.dispatched(case, "run-1", "", 0, 1)
    (say,) = says
    assert say.verdict == verdict
    return say


def properties(file: str) -> set[str]:
    """The names that a schema describes, with those of tickets that it shares."""
    own = set(json.loads((FOLDER / file).read_text()).get("properties", {}))
    shared = json.loads((FOLDER / "_shared" / "tickets.json").read_text())["$defs"]["about_ticket"]["properties"]
    return own | set(shared)


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_what_the_dispatcher_says_of_tickets_is_described(verdict: Verdict) -> None:
    payload, contract = dict(said(verdict).payload), REGISTRY.contract(f"infra.ticket.{verdict}")
    assert contract.faults(payload) == []
    assert {*payload, "forced"} == properties(contract.file)
    for name, value in {**payload, "forced": "because"}.items():
        odd: Any = 1 if isinstance(value, str | None) else "odd"
        assert [fault.path for fault in contract.faults({**payload, name: odd})] == [f"/payload/{name}"]


def test_a_forced_ticket_says_so() -> None:
    case = Case("id", READY)
    episodes.observe(case, READY._replace(is_draft=True), judge(READY._replace(is_draft=True), GateRules()), 1, 0, 1)
    episodes.force(case, "it cannot wait", 1)
    (say,) = episodes.withdraw(case, "it can", 1)
    assert say.payload["forced"] == "it cannot wait"
    assert REGISTRY.contract("infra.ticket.withdrawn").faults(dict(say.payload)) == []


@pytest.mark.parametrize("outcome", get_args(CheckOutcome))
def test_every_outcome_of_a_check_is_described(outcome: CheckOutcome) -> None:
    contract = REGISTRY.contract("infra.check.completed")
    check = Check(component="bloodbank", outcome=outcome).model_dump(mode="json", include=set(TOLD))
    assert contract.faults(check) == []
    assert set(check) == set(contract.examples[0])
    assert [fault.path for fault in contract.faults({**check, "outcome": "timed_out"})] == ["/payload/outcome"]


ESTATE: dict[str, Any] = yaml.safe_load((FOLDER.parent / "registry.yaml").read_text())


def test_the_estate_names_only_services_it_has() -> None:
    services = set(ESTATE["services"])
    assert {"bloodbank", "holyfields", "candystore", "candybar", "infra-dispatcher"} <= services
    layered = [service for layer in ESTATE["topology"].values() for service in layer]
    assert sorted(layered) == sorted(services)
    assert {service for heard in ESTATE["event_subscriptions"].values() for service in heard} <= services


def test_every_type_that_a_service_produces_is_known_and_every_known_type_is_produced() -> None:
    produced = [pattern for service in ESTATE["services"].values() for pattern in service["produces"]]
    types = [*REGISTRY.types(), "agent.task.dlq"]
    for pattern in produced:
        assert any(matches(pattern, event_type) for event_type in types), pattern
    for event_type in set(types) - {"test.event.created"}:
        assert any(matches(pattern, event_type) for pattern in produced), event_type


def test_the_estate_checks_the_components_of_the_brief() -> None:
    checks = {name: one["check"]["command"] for name, one in ESTATE["services"].items() if "check" in one}
    assert checks == {
        "bloodbank": "pytest tests/test_infra_dispatcher.py",
        "candystore": "pytest",
        "candybar": "bun run lint && bun run build",
        "holyfields": "mise run test:all",
        "pjangler": "bun run build",
    }


def test_the_example_of_what_planes_ids_mean_can_be_taken_as_it_is(tmp_path: Path) -> None:
    lines = (FOLDER.parent / "registry.yaml").read_text().splitlines()
    begin = lines.index("# plane:")
    example = [line[2:] for line in lines[begin:] if line.startswith("# ")]
    file = tmp_path / "registry.yaml"
    file.write_text("\n".join(example))
    names = Names.of(Estate.load(file), {}, {})
    told = {"project_id": samples.PROJECT, "sequence_id": 42, "state_id": samples.TODO, "label_ids": [samples.READY]}
    ticket = samples.ticket(samples.newer(**told), names)
    assert (ticket.reference, ticket.url) == ("INFRA-42", "https://plane.example.org/god/browse/INFRA-42")
    assert ticket.state == State(samples.TODO, "Todo", "unstarted")
    assert ticket.labels == ("ready",)
