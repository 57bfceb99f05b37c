"""The ready gate: which conditions a ticket meets, and whether its checks let it through."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Literal, NamedTuple, Self

from godtui.dispatcher.plane import MAX_LABELS
from godtui.dispatcher.ticket import State, Ticket
from godtui.dispatcher.views import Check, Condition
from godtui.estate import GROUPS
from godtui.settings import Settings

MAX_COMPONENTS: Final = 32
MAX_SHOWN: Final = 32
"""Labels that a condition shows of those that were observed."""
MAX_SAID: Final = 5
"""Names that a sentence lists before it counts the rest."""

_HELD_BY: Final = {"failed": "failed", "timeout": "timed out", "unrunnable": "could not be run"}
_WORD = re.compile(r"[a-z0-9]+")


class GateRules(NamedTuple):
    """What is wanted of a ticket: states or groups of states, labels, and how labels that name components begin."""

    ready_states: tuple[str, ...] = ("unstarted",)
    ready_labels: tuple[str, ...] = ("ready", "automation:go")
    labels_match: Literal["all", "any"] = "all"
    component_prefix: str = "comp:"

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The rules in force."""
        return cls(
            settings.infra_ready_states,
            settings.infra_ready_labels,
            settings.infra_ready_labels_match,
            settings.infra_component_label_prefix,
        )


class Decision(NamedTuple):
    """What the gate says of a ticket: every condition, always all of them, and the components that it names."""

    verdict: Literal["qualified", "rejected"]
    conditions: tuple[Condition, ...]
    components: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """Why the ticket is rejected, or that it is not."""
        unmet = [condition for condition in self.conditions if not condition.holds]
        # Plane says nothing else of a ticket that it deleted.
        told = unmet[:1] if unmet and unmet[0].name == "exists" else unmet
        return "; ".join(condition.why for condition in told) or "every condition of the gate holds"

    def document(self) -> dict[str, Any]:
        """The decision as a JSON object."""
        return {
            "verdict": self.verdict,
            "conditions": [condition.document() for condition in self.conditions],
            "components": list(self.components),
        }

    @classmethod
    def from_document(cls, told: Mapping[str, Any]) -> Self:
        """The inverse of `document`."""
        conditions = tuple(Condition.model_validate(condition) for condition in told["conditions"])
        return cls(told["verdict"], conditions, tuple(told["components"]))


def judge(ticket: Ticket, rules: GateRules) -> Decision:
    """Whether a ticket is ready, as far as its newest delivery tells. Names within it are data and lead nowhere."""
    components = _components(ticket.labels or (), rules.component_prefix)
    conditions = (
        _flag("exists", not ticket.is_deleted, "the ticket is there", "the ticket was deleted"),
        _flag("not archived", not ticket.is_archived, "the ticket is not archived", "the ticket is archived"),
        _flag("not draft", not ticket.is_draft, "the ticket is no draft", "the ticket is a draft"),
        _state(ticket.state, rules.ready_states),
        _labels(ticket, rules),
        _component(components, ticket.nameless_labels, rules.component_prefix),
    )
    verdict: Literal["qualified", "rejected"] = (
        "qualified" if all(condition.holds for condition in conditions) else "rejected"
    )
    return Decision(verdict, conditions, components)


def holds(checks: Sequence[Check], policy: Literal["block", "annotate"]) -> str | None:
    """Why the checks hold a ticket, naming every component that does; None where they let it through.

    A check that failed, took too long or is configured but cannot be run holds it, unless checks only annotate. A
    component without a check, and a ticket without a component, go through.
    """
    if policy == "annotate":
        return None
    holding = [check for check in checks if check.outcome in _HELD_BY]
    if not holding:
        return None
    said = [f"{_said(check.component or '?')} {_HELD_BY[check.outcome]}" for check in holding]
    return f"held by its checks: {', '.join(said)}"


def _flag(name: str, is_met: bool, met: str, unmet: str) -> Condition:
    return Condition(name=name, holds=is_met, observed=is_met, wanted=True, why=met if is_met else unmet)


def _state(state: State | None, wanted: tuple[str, ...]) -> Condition:
    met = state is not None and any(_is_in(state, one) for one in wanted)
    why = _state_known(state) if met and state is not None else _state_unmet(state, wanted)
    return Condition(name="state", holds=met, observed=_state_shown(state), wanted=list(wanted), why=why)


def _is_in(state: State, wanted: str) -> bool:
    """One of Plane's groups is a matter of the group, where it is known; anything else, of the name."""
    group = wanted.strip().lower()
    if group in GROUPS and state.group is not None:
        return state.group == group
    return state.name is not None and _plain(state.name) == _plain(wanted)


def _state_known(state: State) -> str:
    """What is known of a state, as the begin of a sentence."""
    if state.name is None:
        return f"the state is of the group {state.group}"
    group = "" if state.group is None else f", of the group {state.group}"
    return f"the state is {_said(state.name)}{group}"


def _state_unmet(state: State | None, wanted: tuple[str, ...]) -> str:
    if state is None:
        return "state unknown: the delivery does not tell it"
    if state.name is None and state.group is None:
        return (
            f"state unknown: the delivery has only the id {_said(state.id or '?')}, which neither an earlier delivery "
            "nor plane.states in registry.yaml gives a name"
        )
    nameless = ", and its name is not known" if state.name is None else ""
    return f"{_state_known(state)}{nameless}; wanted is {_listed(wanted, 'or')}"


def _state_shown(state: State | None) -> str | None:
    if state is None:
        return None
    if state.name is None:
        return state.group or state.id
    return state.name if state.group is None else f"{state.name} ({state.group})"


def _labels(ticket: Ticket, rules: GateRules) -> Condition:
    labels, wanted = ticket.labels or (), rules.ready_labels
    there = {_plain(label) for label in labels}
    missing = [label for label in wanted if _plain(label) not in there]
    met = not missing if rules.labels_match == "all" else len(missing) < len(wanted)
    if met:
        found = [label for label in wanted if label not in missing]
        why = f"the ticket has {_labels_said(found)}"
    elif ticket.labels is None:
        why = "labels unknown: the delivery does not tell them"
    elif rules.labels_match == "all":
        why = f"the ticket does not have {_labels_said(missing)}"
    else:
        why = f"the ticket has none of {_listed(missing, 'and')}"
    if len(labels) >= MAX_LABELS and not met:
        why += f", as far as its first {MAX_LABELS:,} labels tell"
    observed = None if ticket.labels is None else _shown(labels)
    why = why if met else why + _nameless(ticket.nameless_labels)
    return Condition(name="labels", holds=met, observed=observed, wanted=list(wanted), why=why)


def _labels_said(labels: Sequence[str]) -> str:
    return f"the label{'s' if len(labels) > 1 else ''} {_listed(labels, 'and')}"


def _nameless(ids: tuple[str, ...]) -> str:
    if not ids:
        return ""
    count = "1 label has" if len(ids) == 1 else f"{len(ids)} labels have"
    return f"; {count} no known name: {_listed(ids, 'and')}"


def _shown(labels: tuple[str, ...]) -> list[str]:
    more = len(labels) - MAX_SHOWN
    return [*labels[:MAX_SHOWN], *([f"… and {more} more"] if more > 0 else [])]


def _component(components: tuple[str, ...], nameless: tuple[str, ...], prefix: str) -> Condition:
    """Always holds: a ticket that names no component is dispatched without a check."""
    many = "s" if len(components) > 1 else ""
    if components:
        why = f"the ticket names the component{many} {_listed(components, 'and')}"
    else:
        why = f"no component is named, so none is checked: no label begins with {_said(prefix)}{_nameless(nameless)}"
    return Condition(name="component", holds=True, observed=list(components), why=why)


def _components(labels: Iterable[str], prefix: str) -> tuple[str, ...]:
    """What follows the prefix in labels that begin with it, each once, in order."""
    begin = _beginning(prefix)
    named = (label[match.end() :] for label in map(str.casefold, labels) if (match := begin.match(label)))
    return tuple(islice(dict.fromkeys(name.strip() for name in named if name.strip()), MAX_COMPONENTS))


@lru_cache(maxsize=16)
def _beginning(prefix: str) -> re.Pattern[str]:
    parts = (re.escape(part.strip()) for part in prefix.casefold().split(":"))
    return re.compile(r"\s*" + r"\s*:\s*".join(parts))


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    """The words of a name alone, blind to case; a name without words is itself.

    Two names are the same where these are equal: `Automation: Go` and `automation - go`, but not `automationgo`. Marks
    belong to the letters that they follow, as most scripts of India need them.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if folded.isascii():
        return " ".join(_WORD.findall(folded)) or folded
    spaced, in_word = list[str](), False
    for character in folded:
        in_word = character.isalnum() or (in_word and unicodedata.category(character)[0] == "M")
        spaced.append(character if in_word else " ")
    return " ".join("".join(spaced).split()) or folded


def _listed(names: Sequence[str], joined: str) -> str:
    """Names in a sentence: `a, b and c`, or the first few and how many more."""
    said = [_said(name) for name in names[:MAX_SAID]]
    if len(names) > MAX_SAID:
        said.append(f"{len(names) - MAX_SAID} more")
    return " ".join((", ".join(said[:-1]), joined, said[-1])) if len(said) > 1 else "".join(said)


def _said(name: str) -> str:
    """A name as it can stand in a sentence: short and in one line."""
    shown = "".join(character if character.isprintable() else "�" for character in name[:61])
    return shown if len(name) <= 60 else f"{shown[:60]}…"
