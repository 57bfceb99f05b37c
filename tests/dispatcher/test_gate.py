"""The ready gate: every condition, said plainly."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui import jsontext
from godtui.dispatcher.gate import MAX_COMPONENTS, MAX_SHOWN, Decision, GateRules, holds, judge
from godtui.dispatcher.names import Names
from godtui.dispatcher.plane import read_ticket, taught
from godtui.dispatcher.ticket import State, Ticket
from godtui.dispatcher.views import Check, CheckOutcome, Condition
from godtui.settings import Settings
from tests.dispatcher import samples
from tests.dispatcher.samples import TODO, mutated, sample, ticket

NAMES = ["exists", "not archived", "not draft", "state", "labels", "component"]
RULES = GateRules()
READY = Ticket("1", "INFRA-1", state=State(TODO, "Todo", "unstarted"), labels=("ready", "automation:go"))


def judged(rules: GateRules = RULES, **changes: Any) -> Decision:
    return judge(READY._replace(**changes), rules)


def condition(name: str, rules: GateRules = RULES, **changes: Any) -> Condition:
    (found,) = (one for one in judged(rules, **changes).conditions if one.name == name)
    return found


def test_the_rules_are_the_settings() -> None:
    assert GateRules.of(Settings.model_validate({})) == RULES


def test_a_ready_ticket_meets_every_condition() -> None:
    decision = judge(ticket(sample("issue_updated_state")), RULES)
    assert (decision.verdict, decision.components) == ("qualified", ("bloodbank",))
    assert [one.name for one in decision.conditions] == NAMES
    assert decision.summary == "every condition of the gate holds"
    state, labels, component = decision.conditions[3:]
    assert (state.observed, state.wanted) == ("Todo (unstarted)", ["unstarted"])
    assert state.why == "the state is Todo, of the group unstarted"
    assert labels.why == "the ticket has the labels ready and automation:go"
    assert component.why == "the ticket names the component bloodbank"


@pytest.mark.parametrize(
    ("changes", "unmet", "why"),
    [
        ({"is_archived": True}, "not archived", "the ticket is archived"),
        ({"is_draft": True}, "not draft", "the ticket is a draft"),
        ({"is_deleted": True, "state": None}, "exists", "the ticket was deleted"),
        ({"labels": ("ready",)}, "labels", "the ticket does not have the label automation:go"),
        ({"labels": ()}, "labels", "the ticket does not have the labels ready and automation:go"),
        ({"labels": None}, "labels", "labels unknown: the delivery does not tell them"),
        ({"state": None}, "state", "state unknown: the delivery does not tell it"),
        (
            {"state": State("s", "Doing", "started")},
            "state",
            "the state is Doing, of the group started; wanted is unstarted",
        ),
    ],
)
def test_one_condition_unmet_rejects(changes: dict[str, Any], unmet: str, why: str) -> None:
    decision = judged(**changes)
    assert decision.verdict == "rejected"
    assert decision.summary == why
    assert [one.name for one in decision.conditions] == NAMES
    (found,) = (one for one in decision.conditions if one.name == unmet)
    assert (found.holds, found.why) == (False, why)


def test_every_unmet_condition_is_told() -> None:
    assert judged(is_draft=True, labels=("ready",)).summary == (
        "the ticket is a draft; the ticket does not have the label automation:go"
    )


@pytest.mark.parametrize(
    ("wanted", "state", "met"),
    [
        ("unstarted", State(None, "Anything", "unstarted"), True),
        ("Unstarted", State(None, None, "unstarted"), True),
        ("unstarted", State(None, "Unstarted", "started"), False),
        ("unstarted", State(None, "UN-STARTED"), False),
        ("unstarted", State(None, " Unstarted!"), True),
        ("Ready for Work", State(None, "ready-for: work", "backlog"), True),
        ("Ready for Work", State(None, "readyforwork", "backlog"), False),
        ("todo", State(TODO, None, "unstarted"), False),
        ("todo", State(TODO), False),
    ],
)
def test_a_group_is_compared_with_the_group_and_a_name_with_the_name(wanted: str, state: State, met: bool) -> None:
    assert condition("state", GateRules(("no such", wanted)), state=state).holds is met


def test_a_state_that_nobody_knows_is_called_unknown() -> None:
    found = condition("state", state=State(TODO))
    assert found.why == (
        f"state unknown: the delivery has only the id {TODO}, which neither an earlier delivery nor plane.states in "
        "registry.yaml gives a name"
    )
    assert (found.observed, found.holds) == (TODO, False)
    of_group = condition("state", GateRules(("Todo",)), state=State(TODO, None, "unstarted"))
    assert of_group.why == "the state is of the group unstarted, and its name is not known; wanted is Todo"


@pytest.mark.parametrize(
    ("wanted", "label", "same"),
    [
        ("automation:go", "Automation: GO", True),
        ("automation:go", "automation - go", True),
        ("automation:go", "#automation_go!", True),
        ("automation:go", "automationgo", False),
        ("ready", "🚀 Ready", True),
        ("ready", "ｒｅａｄｙ", True),
        ("strasse", "STRAßE", True),
        ("ready", "already", False),
        ("!", "!", True),
        ("!", "?", False),
        ("🚀", "🚀", True),
        ("की", "का", False),
        ("हिन्दी go", "हिन्दी: GO", True),
    ],
)
def test_labels_compare_blind_to_case_and_punctuation(wanted: str, label: str, same: bool) -> None:
    assert condition("labels", RULES._replace(ready_labels=(wanted,)), labels=("other", label)).holds is same


def test_any_of_the_labels_may_do() -> None:
    rules = RULES._replace(labels_match="any")
    assert condition("labels", rules, labels=("Automation Go",)).why == "the ticket has the label automation:go"
    found = condition("labels", rules, labels=("other",))
    assert (found.holds, found.why) == (False, "the ticket has none of ready and automation:go")


def test_labels_without_a_name_are_told_where_one_is_missing() -> None:
    found = condition("labels", labels=("ready",), nameless_labels=("id-1", "id-2"))
    assert found.why == ("the ticket does not have the label automation:go; 2 labels have no known name: id-1 and id-2")
    one = condition("labels", labels=(), nameless_labels=("id-1",))
    assert one.why.endswith("; 1 label has no known name: id-1")
    many = condition("labels", labels=(), nameless_labels=tuple(f"id-{number}" for number in range(900)))
    assert many.why.endswith("900 labels have no known name: id-0, id-1, id-2, id-3, id-4 and 895 more")
    assert "no known name" not in condition("labels", nameless_labels=("id-1",)).why
    assert condition("component", nameless_labels=("id-1",)).why == (
        "no component is named, so none is checked: no label begins with comp:; 1 label has no known name: id-1"
    )


def test_several_components_are_named_once_and_in_order() -> None:
    labels = ("Comp: Candystore", "ready", "COMP :bloodbank ", "comp:candystore", "comp:", "comp: ", "component:x")
    decision = judged(labels=(*labels, "automation go"))
    assert (decision.verdict, decision.components) == ("qualified", ("candystore", "bloodbank"))
    assert decision.conditions[-1].why == "the ticket names the components candystore and bloodbank"


@pytest.mark.parametrize(
    ("prefix", "label", "component"),
    [
        ("Area/Comp:", "area/comp : X", "x"),
        ("component-", "Component-API:v2", "api:v2"),
        ("a.b:", "aXb:c", None),
        ("team:comp:", "team : comp: c", "c"),
    ],
)
def test_the_prefix_is_taken_as_it_is_written(prefix: str, label: str, component: str | None) -> None:
    found = judged(RULES._replace(component_prefix=prefix), labels=(label,)).components
    assert found == (() if component is None else (component,))


def test_without_a_component_the_condition_holds_all_the_same() -> None:
    found = condition("component")
    assert (found.holds, found.observed) == (True, [])
    assert found.why == "no component is named, so none is checked: no label begins with comp:"


def test_hostile_labels_are_data_and_bounded() -> None:
    labels = ("comp:../../etc", "comp:$(x)", *(f"comp:c{number}" for number in range(10_000)))
    decision = judged(labels=labels)
    assert decision.components[:2] == ("../../etc", "$(x)")
    assert len(decision.components) == MAX_COMPONENTS
    shown = decision.conditions[4].observed
    assert (len(shown), shown[-1]) == (MAX_SHOWN + 1, f"… and {len(labels) - MAX_SHOWN} more")
    assert len(jsontext.dumps(decision.document())) < 5_000
    why = condition("state", state=State(None, "\x1b[2J\n\u202e" + "x" * 255)).why
    assert why.isprintable()
    assert len(why) < 120


@given(samples.values | mutated(), st.sampled_from(["all", "any"]))
def test_whatever_is_a_ticket_is_judged(body: Any, match: Literal["all", "any"]) -> None:
    learned = taught(body)
    found = read_ticket(body, Names(learned_states=learned.states, learned_labels=learned.labels))
    if not isinstance(found, Ticket):
        return
    decision = judge(found, GateRules(labels_match=match))
    assert [one.name for one in decision.conditions] == NAMES
    assert (decision.verdict == "qualified") == all(one.holds for one in decision.conditions)
    assert all(one.why and one.why.isprintable() for one in decision.conditions)
    assert Decision.from_document(jsontext.parse(jsontext.dumps(decision.document()))) == decision
    if found.is_deleted or found.is_archived or found.is_draft:
        assert decision.verdict == "rejected"


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        ("failed", "held by its checks: bloodbank failed"),
        ("timeout", "held by its checks: bloodbank timed out"),
        ("unrunnable", "held by its checks: bloodbank could not be run"),
        ("passed", None),
        ("not_configured", None),
        ("no_component", None),
        ("disabled", None),
    ],
)
def test_only_a_check_that_went_wrong_holds_a_ticket(outcome: CheckOutcome, why: str | None) -> None:
    checks = [Check(component="candybar", outcome="passed"), Check(component="bloodbank", outcome=outcome)]
    assert holds(checks, "block") == why
    assert holds(checks, "annotate") is None


def test_every_component_that_holds_is_named() -> None:
    outcomes: dict[str, CheckOutcome] = {"a": "failed", "b": "passed", "c\n": "timeout", "d": "unrunnable"}
    checks = [Check(component=component, outcome=outcome) for component, outcome in outcomes.items()]
    assert holds(checks, "block") == "held by its checks: a failed, c� timed out, d could not be run"
    assert holds([], "block") is None
